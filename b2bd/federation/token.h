/*
 * Tokens: one validator per kind, nothing shared but the signature check.
 * Standards: JWS RFC 7515, JWK RFC 7517, JWT RFC 7519, EdDSA RFC 8037, JWT BCP RFC 8725,
 * ID token OIDC Core 3.1.3.7, SET RFC 8417 with the SSF 1.0 profile 4.1, subjects RFC 9493.
 */
#ifndef B2B_TOKEN_H
#define B2B_TOKEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define B2B_TOKEN_MAX 65536 /* bytes of a compact JWS that is looked at */

/* Why a token was refused; each has its own text and is tested by a token that has just this fault. */
enum b2b_token_fault {
	B2B_TOKEN_OK = 0,
	B2B_TOKEN_MALFORMED,     /* not three base64url parts of JSON objects, too large, too deep, duplicate members */
	B2B_TOKEN_ALG,           /* not in the allow-list, "none", or not the key's */
	B2B_TOKEN_CRIT,
	B2B_TOKEN_TYP,
	B2B_TOKEN_KEY_UNKNOWN,   /* no key fits: fetch the JWKS again, once */
	B2B_TOKEN_SIGNATURE,
	B2B_TOKEN_ISSUER,
	B2B_TOKEN_AUDIENCE,
	B2B_TOKEN_AZP,
	B2B_TOKEN_EXPIRED,
	B2B_TOKEN_NOT_YET,       /* nbf or iat in the future */
	B2B_TOKEN_CLAIM,         /* a required claim is missing or of the wrong type */
	B2B_TOKEN_NONCE,
	B2B_TOKEN_SUBJECT,       /* SET: no subject that we understand */
	B2B_TOKEN_EVENTS,        /* SET: not exactly one event; or an ID token that carries events */
};
const char *b2b_token_fault_text(enum b2b_token_fault fault);

/* Keys of one issuer, from a JWKS document. Unknown, private-use or unusable keys are passed over. */
struct b2b_jwks; /* opaque */
int b2b_jwks_parse(const char *json, size_t len, struct b2b_jwks **ret_jwks); /* 0, -EBADMSG, -ENOMEM */
void b2b_jwks_free(struct b2b_jwks *jwks);
size_t b2b_jwks_count(const struct b2b_jwks *jwks);

/* What the validators compare with. Times are wall-clock seconds. */
struct b2b_token_expect {
	const char *issuer;
	const char *audience;
	int64_t now;
	uint32_t skew_s;
	const char *const *critical_subject_members; /* of SETs, from the transmitter's metadata; NULL-terminated, NULL: none */
};

struct b2b_id_token {
	char *subject;
	char *organisation;   /* canonical id by the claim mapper; NULL where the claim is absent */
	char *acr;            /* NULL where absent */
	char *jti;            /* NULL where absent */
	int64_t issued_at, expires_at;
	int64_t auth_time;    /* 0 where absent */
	int64_t session_expiry; /* 0 where absent */
	json_t *claims;       /* all of them */
};
void b2b_id_token_clear(struct b2b_id_token *token);

/*
 * Validate a compact ID token. ORGANISATION_CLAIM names the claim and, after a '/', what within it; shapes:
 * string, array of one string, object keyed by alias whose value has "id".
 * Returns B2B_TOKEN_OK and fills *ret_token (caller clears), or the fault; -ENOMEM is B2B_TOKEN_MALFORMED.
 */
enum b2b_token_fault b2b_id_token_verify(const char *jwt, size_t len, const struct b2b_jwks *jwks,
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
};

/* About whom, RFC 9493. Only what the SET says: exactly one of tenant alone, or user (with or without tenant). */
struct b2b_event {
	enum b2b_event_kind kind;
	char *jti;
	char *subject;        /* of iss_sub or opaque user; NULL: the whole tenant, or a control event */
	char *tenant;         /* organisation's immutable id; NULL where absent */
	char *session;        /* session.id (jti or sid of the log-in) where the subject names a session; else NULL */
	int64_t time_ms;      /* event_timestamp, else toe, else iat; clamped to now when in the future */
	char *state;          /* of a verification event, status of a stream-updated; NULL where absent */
	char *reason;         /* reason_user in English, else reason_admin, else NULL; control characters stripped */
};
void b2b_event_clear(struct b2b_event *event);

enum b2b_token_fault b2b_set_verify(const char *jwt, size_t len, const struct b2b_jwks *jwks,
                                    const struct b2b_token_expect *expect, struct b2b_event *ret_event);

#endif
