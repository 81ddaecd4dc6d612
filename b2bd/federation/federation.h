/*
 * The federation service as the agent sees it: discovery (OIDC Discovery, RFC 8414), key set, the host's own
 * identity (RFC 7523, 6749 2.3.1), its access token (client credentials), device log-ins (RFC 8628).
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
void b2b_federation_forget(struct b2b_federation *federation, void *arg); /* ARG's pending callbacks do not come any more */

/*
 * The host's own access token (client_credentials, scope federation.api_scope), cached until shortly before it
 * expires. DONE(arg, token, error_text): token NULL on failure. Called from the loop.
 */
void b2b_federation_access_token(struct b2b_federation *federation,
                                 void (*done)(void *arg, const char *token, const char *error_text), void *arg);
/* The resource said 401: get a new one next time. */
void b2b_federation_drop_access_token(struct b2b_federation *federation);

/* One device log-in, RFC 8628. */
struct b2b_device; /* opaque */

struct b2b_device_prompt {
	const char *user_code;
	const char *verification_uri;
	const char *verification_uri_complete; /* NULL where absent */
	uint32_t expires_in_s;
};

struct b2b_device_handlers {
	/* The code to show. */
	void (*prompt)(void *arg, const struct b2b_device_prompt *prompt);
	/*
	 * The end, exactly once: B2B_OK with a validated ID token (valid during the call), or B2B_AUTH_DENIED,
	 * B2B_AUTH_EXPIRED, B2B_AUTH_TOKEN (fault_text says why), B2B_SERVICE_DOWN.
	 */
	void (*result)(void *arg, int reason, const struct b2b_id_token *token, const char *fault_text);
};

/*
 * Begin; LOGIN_HINT is the name that is logging in, so that the approval page can show it (OIDC Core 3.1.2.1; a service that
 * does not know it here ignores it, RFC 6749 3.1). Waits for the answer, polls by interval and slow_down, backs off on
 * time-outs. Returns 0 or a negative errno.
 */
int b2b_device_start(struct b2b_federation *federation, const char *login_hint, const struct b2b_device_handlers *handlers, void *arg,
                     struct b2b_device **ret_device);
void b2b_device_cancel(struct b2b_device *device); /* no callback any more; NULL is legal; also after result */

#endif
