/*
 * The federation service as the agent sees it: discovery (OIDC Discovery, RFC 8414), key set, the host's own
 * identity (RFC 7523, 6749 2.3.1), its access token (client credentials), log-ins by device grant (RFC 8628) and CIBA.
 */
#ifndef B2B_FEDERATION_H
#define B2B_FEDERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "b2bd/federation/token.h"
#include "b2bd/http.h"
#include "common/conf.h"

struct b2b_federation; /* opaque */

/*
 * CONF must outlive it. Reads the client key or secret (trusted files) now and says in error[B2B_CONF_ERROR_SIZE]
 * what is wrong with them; begins discovery at once and again with back-off until it succeeds.
 */
int b2b_federation_new(struct b2b_loop *loop, struct b2b_http *http, const struct b2b_conf *conf,
                       struct b2b_federation **ret_federation, char *error);
void b2b_federation_free(struct b2b_federation *federation); /* NULL is legal */

/* Called whenever readiness changes; READY when discovery and keys are there. WHY is for log and status. */
void b2b_federation_on_ready(struct b2b_federation *federation, void (*changed)(void *arg, bool ready, const char *why), void *arg);
bool b2b_federation_ready(const struct b2b_federation *federation);
const char *b2b_federation_why(const struct b2b_federation *federation); /* last trouble, "" when there is none */

const struct b2b_jwks *b2b_federation_jwks(const struct b2b_federation *federation); /* NULL before ready */

/*
 * Refuse every key whose kid or RFC 7638 thumbprint is among NAMES (copied), and no other from now on: those that are there
 * and those that are fetched later. Returns 0, or -ENOMEM: as before.
 */
int b2b_federation_distrust(struct b2b_federation *federation, const char *const *names, size_t n);
/* The thumbprint of the key that has KID, or this thumbprint; NULL where no such key is known now. Caller frees. */
char *b2b_federation_thumbprint(const struct b2b_federation *federation, const char *kid);

/*
 * A token was refused with B2B_TOKEN_KEY_UNKNOWN: fetch the JWKS again, at most once in 60 s however many ask and whatever
 * key they name. DONE(arg, fetched) is called from the loop when there is something newer, or not. Keys that cannot be
 * fetched again are kept for two days, then none is trusted.
 */
void b2b_federation_refetch_keys(struct b2b_federation *federation, void (*done)(void *arg, bool fetched), void *arg);
/*
 * The same for a key that the service itself named, over a connection that it was authenticated on: at most once in 5 s. A
 * revocation may wait for it, and strangers who show tokens with made-up keys must not make it wait for a minute.
 */
void b2b_federation_follow_keys(struct b2b_federation *federation, void (*done)(void *arg, bool fetched), void *arg);
/*
 * Fetch the keys now, whenever they were last: does the service answer? DONE as above. Returns 0, or -ENOMEM: then it does not come.
 */
int b2b_federation_renew_keys(struct b2b_federation *federation, void (*done)(void *arg, bool fetched), void *arg);
void b2b_federation_forget(struct b2b_federation *federation, void *arg); /* ARG's pending callbacks do not come any more */

/*
 * The host's own access token (client_credentials, scope federation.api_scope), cached until shortly before it
 * expires. DONE(arg, token, error_text): token NULL on failure. Called from the loop.
 */
void b2b_federation_access_token(struct b2b_federation *federation,
                                 void (*done)(void *arg, const char *token, const char *error_text), void *arg);
/* The resource said 401: get a new one next time. */
void b2b_federation_drop_access_token(struct b2b_federation *federation);

/*
 * A log-in that its person approves elsewhere, and that this host polls for: at a page (device grant, RFC 8628), or at the
 * person's own approval device (CIBA Core 1.0, poll mode).
 */
struct b2b_approval; /* opaque */

struct b2b_approval_request {
	const char *login_hint;      /* who is to approve, as the service knows them; the approval page can show it */
	const char *binding_message; /* CIBA: the same as on the terminal; NULL: none */
	const char *acr_values;      /* CIBA: in order of preference, blanks between; NULL: none asked for */
	uint32_t lifetime_s;         /* how long anybody waits; 0: as long as the service does */
};

struct b2b_approval_prompt {
	const char *user_code;                 /* device grant; else NULL, as the next two */
	const char *verification_uri;
	const char *verification_uri_complete; /* NULL where absent */
	uint32_t expires_in_s;                 /* at most the request's lifetime */
};

struct b2b_approval_handlers {
	/* It is under way: what to show. */
	void (*prompt)(void *arg, const struct b2b_approval_prompt *prompt);
	/*
	 * The end, exactly once: B2B_OK with a validated ID token (valid during the call), or B2B_AUTH_DENIED,
	 * B2B_AUTH_EXPIRED, B2B_AUTH_TOKEN (fault_text says why), B2B_AUTH_METHOD (before the prompt: the service does not
	 * offer this way to this person or host; another may be tried), B2B_SERVICE_DOWN.
	 */
	void (*result)(void *arg, int reason, const struct b2b_id_token *token, const char *fault_text);
};

/* grant_type of the two: RFC 8628 3.4; CIBA Core 1.0, 4 and 10.1. */
#define B2B_GRANT_DEVICE "urn:ietf:params:oauth:grant-type:device_code"
#define B2B_GRANT_CIBA "urn:openid:params:grant-type:ciba"

/* Does the service's discovery offer it? False before ready. CIBA: only where it says that it can be polled. */
bool b2b_device_offered(const struct b2b_federation *federation);
bool b2b_ciba_offered(const struct b2b_federation *federation);
bool b2b_introspection_offered(const struct b2b_federation *federation);

/* How many refresh tokens were passed over since the start, because they cannot be used. */
uint64_t b2b_federation_passed_over(const struct b2b_federation *federation);

/*
 * Begin. Waits for the answer, polls by interval and slow_down, backs off on time-outs, and ends with the service's
 * lifetime or the request's, whichever is shorter. The login_hint is sent with the device grant too (OIDC Core 3.1.2.1; a service that
 * does not know it there ignores it, RFC 6749 3.1). What REQUEST points to need not outlive the call.
 * Returns 0, -EHOSTUNREACH (not ready), -EOPNOTSUPP (not offered), or another negative errno.
 */
int b2b_device_start(struct b2b_federation *federation, const struct b2b_approval_request *request,
                     const struct b2b_approval_handlers *handlers, void *arg, struct b2b_approval **ret_approval);
int b2b_ciba_start(struct b2b_federation *federation, const struct b2b_approval_request *request,
                   const struct b2b_approval_handlers *handlers, void *arg, struct b2b_approval **ret_approval);
void b2b_approval_cancel(struct b2b_approval *approval); /* no callback any more; NULL is legal; also after result */

#endif
