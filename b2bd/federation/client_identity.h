/*
 * The host's own identity towards the service: private_key_jwt (RFC 7523), a secret (RFC 6749 2.3.1), or a certificate in
 * the TLS handshake (RFC 8705 2). Files that are replaced are taken up with the next request.
 */
#ifndef B2B_CLIENT_IDENTITY_H
#define B2B_CLIENT_IDENTITY_H

#include <openssl/evp.h>

#include "b2bd/federation/form.h"
#include "b2bd/http.h"
#include "common/conf.h"

struct b2b_client_identity; /* opaque; holds key, certificate or secret and wipes them at the end */

/* Reads key, certificate or secret (trusted files) as CONF says. Returns 0, or a negative errno with error[B2B_CONF_ERROR_SIZE] filled. CONF must outlive it. */
int b2b_client_identity_new(const struct b2b_conf_federation *conf, struct b2b_client_identity **ret_identity, char *error);
void b2b_client_identity_free(struct b2b_client_identity *identity); /* NULL is legal */

/* The kid in assertions; NULL with a secret. */
const char *b2b_client_identity_kid(const struct b2b_client_identity *identity);

/* x5t#S256 of the certificate, and of the one before it since the start; NULL where there is none. Valid until the next request. */
void b2b_client_identity_certificates(const struct b2b_client_identity *identity, const char *ret[2]);

/*
 * With a TLS method: HTTP shows the certificate from now on, to every endpoint that asks for one, since access tokens may be
 * bound to it (RFC 8705 3). b2b_client_post does it each time; at the start it is done for what comes before. 0 or -ENOMEM.
 */
int b2b_client_identity_present(struct b2b_client_identity *identity, struct b2b_http *http);

/*
 * POST FORM to URL (an endpoint of the issuer whose token endpoint is TOKEN_ENDPOINT), authenticated: the client's
 * parameters are added to FORM or to the request. The contract of DONE and the errors are b2b_http_start's; -EIO when signing fails.
 */
int b2b_client_post(struct b2b_client_identity *identity, struct b2b_http *http, const char *url, const char *token_endpoint,
                    struct b2b_form *form, void (*done)(void *arg, const struct b2b_http_response *response), void *arg,
                    struct b2b_http_call **ret_call);

/* KEY's public part as a JWK of its required members alone, in their canonical form (RFC 7638 3). As below. */
char *b2b_key_jwk(const EVP_PKEY *key);

/* RFC 7638: base64url(SHA-256(canonical JWK)) of KEY's public part. Caller frees; NULL: not a kind that we use, or no memory. */
char *b2b_key_thumbprint(const EVP_PKEY *key);

#endif
