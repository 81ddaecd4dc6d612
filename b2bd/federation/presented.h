/*
 * An access token that somebody shows to log in with, for automation: a JWT (RFC 9068) is validated here, a reference handle by asking the
 * service (RFC 7662). Either ends in the same as a device log-in does: a validated statement about who authenticated.
 */
#ifndef B2B_PRESENTED_H
#define B2B_PRESENTED_H

#include "b2bd/federation/federation.h"

#define B2B_REFERENCE_MAX 4096 /* bytes of a reference handle */
#define B2B_DIGEST_SIZE 44     /* SHA-256 in base64url, with its NUL */

struct b2b_presented; /* opaque: one check under way */

/*
 * Judge the LEN bytes of TOKEN, which are copied and wiped at the end. RESULT is called exactly once from the loop, never from within
 * this call: B2B_OK with the token (valid during the call), or a reason and, in FAULT_TEXT, what is wrong for the log (never the token):
 *   B2B_AUTH_TOKEN_REFUSED  it is not valid, or not for this host
 *   B2B_AUTH_TOKEN_OVER     it was, but has expired or was revoked
 *   B2B_AUTH_TOKEN     the service refuses to be asked, or its answer cannot be trusted
 *   B2B_SERVICE_DOWN   no answer: nothing is decided
 * What it says is then bound to the log-in like an ID token's: subject, organisation (mapper.h), age and strength are the caller's to compare.
 * Where of_client is set the subject is a client of the service: never a person, whatever name it has.
 * Keys that are not known are fetched again once. Returns 0, -EHOSTUNREACH (not ready), or -ENOMEM.
 */
int b2b_presented_start(struct b2b_federation *federation, const char *token, size_t len,
                        void (*result)(void *arg, int reason, const struct b2b_id_token *token, const char *fault_text), void *arg,
                        struct b2b_presented **ret_presented);

/*
 * Ask the service, by introspection alone, whether it still holds an access token with which, or beside which, somebody logged in before: it may be
 * a signed one, and meant for another audience. RESULT as above, but B2B_AUTH_METHOD where the service offers no such answer (RFC 7662 and 7009 2.2.1).
 */
int b2b_presented_ask(struct b2b_federation *federation, const char *token, size_t len,
                      void (*result)(void *arg, int reason, const struct b2b_id_token *token, const char *fault_text), void *arg,
                      struct b2b_presented **ret_presented);
void b2b_presented_cancel(struct b2b_presented *presented); /* no callback any more; NULL is legal; also after result */

/* What tells a token, or another text, from every other, to know it again without keeping it. Returns 0 or -EIO. */
int b2b_presented_digest(const char *token, size_t len, char ret_digest[B2B_DIGEST_SIZE]);

#endif
