/*
 * Tokens: one validator per kind, on one signature check and one check of each claim.
 * Standards: JWS RFC 7515, JWK RFC 7517, JWT RFC 7519, EdDSA RFC 8037, JWT BCP RFC 8725,
 * ID token OIDC Core 3.1.3.7, access token RFC 9068, introspection RFC 7662 and RFC 9701,
 * SET RFC 8417 with the SSF 1.0 profile 4.1, subjects RFC 9493. Status lists: status_list.h.
 */
#ifndef B2B_TOKEN_H
#define B2B_TOKEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "b2bd/alias.h"

#define B2B_TOKEN_MAX 65536 /* bytes of a compact JWS that is looked at */
#define B2B_INTROSPECTION_AGE_S 60 /* how long ago, but for the skew, a signed answer to a question may have been made */

/*
 * Why a token was refused; each has its own text and is tested by a token that has just this fault.
 * X(symbol, "what the log says after 'the token is' or 'the token':")
 */
#define B2B_TOKEN_FAULTS(X)                                                                                             \
	X(OK, "valid")                                                                                                   \
	/* form */                                                                                                       \
	X(MALFORMED, "not a well-formed signed token") /* and: no memory */                                              \
	X(LARGE, "larger than a token may be")                                                                           \
	X(ENCRYPTED, "encrypted, but signed tokens are taken only")                                                      \
	X(DUPLICATE, "a member stands in it twice")                                                                      \
	X(DEEP, "nested too deeply")                                                                                     \
	/* header and signature */                                                                                       \
	X(UNSIGNED, "not signed")                                                                                        \
	X(ALG, "signed with an algorithm that is not allowed")                                                           \
	X(KEY_ALG, "signed with another algorithm than the key is for")                                                  \
	X(CRIT, "demands an extension that is not understood")                                                           \
	X(TYP, "a token of another kind")                                                                                \
	X(KID, "its key id is no string")                                                                                \
	X(KEY_UNKNOWN, "signed with a key that the issuer does not publish") /* fetch the JWKS again, once */            \
	X(KEY_DISTRUSTED, "signed with a key that root does not trust on this host")                                     \
	X(SIGNATURE, "the signature is wrong")                                                                           \
	/* from whom, for whom, when */                                                                                  \
	X(ISSUER, "from another issuer")                                                                                 \
	X(AUDIENCE, "meant for another audience")                                                                        \
	X(AUDIENCE_MORE, "meant for others besides this host, whom nobody here trusts")                                  \
	X(AZP, "given to another client")                                                                                \
	X(EXPIRED, "expired")                                                                                            \
	X(NOT_YET, "dated in the future")                                                                                \
	X(BACKWARDS, "ends before it was issued")                                                                        \
	X(LIFE, "lives longer than a token to log in with may")                                                          \
	/* claims that are missing or of the wrong type */                                                               \
	X(CLAIM, "a claim is missing or of the wrong type")                                                              \
	X(CLAIM_ISS, "the claim iss is missing or no text")                                                              \
	X(CLAIM_AUD, "the claim aud is missing, or neither a text nor an array of texts")                                \
	X(CLAIM_SUB, "the claim sub is missing or no identifier")                                                        \
	X(CLAIM_EXP, "the claim exp is missing or no date")                                                              \
	X(CLAIM_IAT, "the claim iat is missing or no date")                                                              \
	X(CLAIM_NBF, "the claim nbf is no date")                                                                         \
	X(CLAIM_AUTH_TIME, "the claim auth_time is no date")                                                             \
	X(CLAIM_SESSION_EXPIRY, "the claim session_expiry is no date")                                                   \
	X(CLAIM_ACR, "the claim acr is no identifier")                                                                   \
	X(CLAIM_JTI, "the claim jti is missing or no identifier")                                                        \
	X(CLAIM_SID, "the claim sid is no identifier")                                                                   \
	X(CLAIM_CLIENT_ID, "the claim client_id is missing or no identifier")                                            \
	X(CLAIM_STATUS, "the claim status names no place in a status list")                                              \
	/* what does not belong into a token of the kind */                                                              \
	X(NONCE, "carries a nonce that was not sent")                                                                    \
	X(SUBJECT, "about no subject that is understood")     /* SET */                                                  \
	X(EVENTS, "carries no, several or unexpected events") /* SET; or any other that carries events */                \
	X(BOUND, "bound to a key that was not shown")         /* cnf: RFC 7800, 8705, 9449 */                            \
	X(ACTOR, "somebody acts with it for the person")      /* act: RFC 8693 4.1 */                                    \
	/* introspection */                                                                                              \
	X(INACTIVE, "not active, says the service")                                                                      \
	X(INTROSPECTION, "the service's answer about it is none")                                                        \
	/* the claim mapper */                                                                                           \
	X(ORG_ABSENT, "names no organisation")                                                                           \
	X(ORG_SHAPE, "its organisation claim has no shape that is understood")                                           \
	X(ORG_NO_ID, "an organisation in it has no id")                                                                  \
	X(ORG_MANY, "names more organisations than a person may be in")                                                  \
	X(ORG_TWICE, "names an organisation twice")                                                                      \
	X(ORG_OTHER, "names other organisations than that of the log-in")                                                \
	X(NAME_OTHER, "names another person than the log-in")                                                            \
	X(WORDS_SHAPE, "its roles or groups have no shape that is understood")                                          \
	X(WORDS_MANY, "carries more roles or groups than a person may have")                                            \
	/* status lists */                                                                                               \
	X(LIST_URI, "a status list of another place")                                                                    \
	X(LIST_BITS, "a status list with entries of no allowed width")                                                   \
	X(LIST_DATA, "a status list that cannot be unpacked")                                                            \
	X(LIST_LARGE, "a status list that unpacks to more than is looked at")                                            \
	X(LIST_OLD, "a status list from before one that was fetched already")

enum b2b_token_fault {
#define B2B_TOKEN_FAULT_ENUM(symbol, text) B2B_TOKEN_##symbol,
	B2B_TOKEN_FAULTS(B2B_TOKEN_FAULT_ENUM)
#undef B2B_TOKEN_FAULT_ENUM
	B2B_TOKEN_N_FAULTS,
};
const char *b2b_token_fault_text(enum b2b_token_fault fault);

/* Keys of one issuer, from a JWKS document. Unknown, private-use or unusable keys are passed over. */
struct b2b_jwks; /* opaque */
int b2b_jwks_parse(const char *json, size_t len, struct b2b_jwks **ret_jwks); /* 0, -EBADMSG, -ENOMEM */
void b2b_jwks_free(struct b2b_jwks *jwks);
size_t b2b_jwks_count(const struct b2b_jwks *jwks);
/* Refuse exactly those keys whose kid or RFC 7638 thumbprint is among NAMES; a thumbprint that cannot be made is refused too. */
void b2b_jwks_distrust(struct b2b_jwks *jwks, const char *const *names, size_t n); /* jwks NULL is legal */
/* Of the first key with this kid or thumbprint; NULL: none, or no memory. Caller frees. */
char *b2b_jwks_thumbprint(const struct b2b_jwks *jwks, const char *name);

/* What the validators compare with. Times are wall-clock seconds. */
struct b2b_token_expect {
	const char *issuer;
	const char *audience;  /* of an access token: this host as a resource (RFC 8707), in an introspection NULL for any; else our client_id */
	int64_t now;
	uint32_t skew_s;
	const char *const *critical_subject_members; /* of SETs, from the transmitter's metadata; NULL-terminated, NULL: none */
	/* of access tokens */
	const char *client_id; /* ours */
	uint32_t life_max_s;   /* longest from iat to exp; 0: any */
	bool any_typ;          /* the issuer does not say at+jwt: see b2b_access_token_verify */
	const char *certificates[2]; /* x5t#S256 of those that this host was given a token with, which may be bound to them (RFC 8705 3); NULL: none */
};

/* Where the standing of a token is told (Token Status List 6.2). */
struct b2b_status_place {
	char *uri;             /* NULL: the token names none */
	uint64_t index;
};

/* What a token says about how somebody authenticated: an ID token, an access token, or the answer to an introspection. */
struct b2b_id_token {
	char *subject;
	char *organisation;   /* canonical id by the claim mapper; NULL where none is named, or several are */
	char *acr;            /* NULL where absent */
	char *jti;            /* NULL where absent */
	char *sid;            /* NULL where absent */
	char *client_id;      /* to whom an access token was given; NULL with an ID token, or where the answer does not say */
	bool of_client;       /* the subject is that client itself, no person (RFC 9068 5); or nobody says to whom it was given */
	int64_t issued_at, expires_at; /* issued_at 0 where an introspection does not say */
	int64_t auth_time;    /* 0 where absent */
	int64_t session_expiry; /* 0 where absent */
	struct b2b_status_place status;
	json_t *claims;       /* all of them */
	/* what the service can be asked with whether it still holds: the secrets that came with an ID token, or the access token itself */
	char *refresh_token, *access_token; /* NULL where there is none */
	int64_t access_end;   /* when the access token ends; 0: not known */
};
void b2b_id_token_clear(struct b2b_id_token *token); /* wipes the secrets */
/* Returns 0, the caller clears *ret_copy; or -ENOMEM. */
int b2b_id_token_copy(const struct b2b_id_token *token, struct b2b_id_token *ret_copy);

/*
 * Validate a compact ID token. ORGANISATION_CLAIM is the claim mapper's path (mapper.h).
 * Returns B2B_TOKEN_OK and fills *ret_token (caller clears), or the fault; -ENOMEM is B2B_TOKEN_MALFORMED.
 */
enum b2b_token_fault b2b_id_token_verify(const char *jwt, size_t len, const struct b2b_jwks *jwks,
                                         const struct b2b_token_expect *expect, const char *organisation_claim,
                                         struct b2b_id_token *ret_token);

/*
 * The same for a compact access token, RFC 9068 4: `typ` at+jwt, our audience, all claims that section 2.2 requires; neither bound to a
 * key (`cnf`: nobody showed it here; but to one of certificates) nor for an actor (`act`). With any_typ an issuer may leave typ out or say JWT, and jti out;
 * the token must then say otherwise that it is none of the issuer's ID tokens: by `scope`, `scp` or the claim typ "Bearer", and
 * without any of the hashes that ID tokens carry.
 */
enum b2b_token_fault b2b_access_token_verify(const char *jwt, size_t len, const struct b2b_jwks *jwks,
                                             const struct b2b_token_expect *expect, const char *organisation_claim,
                                             struct b2b_id_token *ret_token);

/*
 * Judge the answer to an introspection of an access token (RFC 7662 2.2, over TLS from the issuer): active, with `sub` and `exp`, of our
 * issuer where it says so, for our audience or, where it names none, given to our own client. The claims are those of a token.
 */
enum b2b_token_fault b2b_introspection_read(const char *text, size_t len, const struct b2b_token_expect *expect,
                                            const char *organisation_claim, struct b2b_id_token *ret_token);

/* The same, signed (RFC 9701 5): typ token-introspection+jwt, for our client_id, made just now. */
enum b2b_token_fault b2b_introspection_verify(const char *jwt, size_t len, const struct b2b_jwks *jwks,
                                              const struct b2b_token_expect *expect, const char *organisation_claim,
                                              struct b2b_id_token *ret_token);

/* Kinds of event that this host acts on. */
enum b2b_event_kind {
	B2B_EVENT_OTHER = 0,        /* valid but nothing to do */
	B2B_EVENT_SESSION_REVOKED,  /* CAEP session-revoked, RISC sessions-revoked */
	B2B_EVENT_ACCOUNT_DISABLED, /* RISC */
	B2B_EVENT_ACCOUNT_ENABLED,
	B2B_EVENT_ACCOUNT_PURGED,
	B2B_EVENT_VERIFICATION,     /* SSF control */
	B2B_EVENT_STREAM_UPDATED,
	B2B_EVENT_REAUTHENTICATE,   /* authentications until then are void; sessions go on (event_kinds.c: which events) */
	B2B_EVENT_REREAD,           /* something about the person changed: the directory's record says what */
};

/* About whom, RFC 9493 (subject.h): what the SET says and no more; what it does not name is NULL. */
struct b2b_event {
	enum b2b_event_kind kind;
	char *jti;
	char *subject;        /* `sub` of a person */
	char *person_id;      /* the directory's id of a person */
	char *tenant;         /* organisation's immutable id; alone: all of it */
	char *org_unit;       /* organisation's immutable id, below the tenant */
	char *group;          /* the directory's id of a group */
	char *session;        /* session.id (jti or sid of the log-in) */
	bool vague;           /* it is about somebody whom the names above do not tell for certain, or there are none */
	struct b2b_aliases aliases; /* of whom it is vaguely about */
	bool device;          /* it is about a device, and about nobody */
	uint64_t received_ns; /* b2b_now_ns of the answer that brought it; 0: not noted. Filled in by who received it */
	int64_t time_ms;      /* event_timestamp, else toe, else iat; clamped to now when in the future */
	bool future;          /* it was: when it happened is not known, but that it did before now */
	bool no_closings;     /* who sends it does not tell of accounts that are closed. Filled in by who received it */
	char *state;          /* of a verification event, status of a stream-updated; NULL where absent */
	char *reason;         /* reason_user in English, else reason_admin, else NULL; control characters stripped */
};
void b2b_event_clear(struct b2b_event *event);

enum b2b_token_fault b2b_set_verify(const char *jwt, size_t len, const struct b2b_jwks *jwks,
                                    const struct b2b_token_expect *expect, struct b2b_event *ret_event);

#endif
