/* The issuer's metadata: OIDC Discovery 4, RFC 8414 3. */
#ifndef B2B_DISCOVERY_H
#define B2B_DISCOVERY_H

#include <stdbool.h>
#include <stddef.h>

struct b2b_discovery {
	char *token_endpoint;
	char *jwks_uri;
	char *introspection_endpoint;              /* NULL where absent, as the next three */
	char *device_authorization_endpoint;
	char *registration_endpoint;               /* for b2bctl enroll */
	char *backchannel_authentication_endpoint; /* CIBA Core 4 */
	bool ciba_poll;                            /* "poll" is among its token delivery modes */
};

/*
 * Read a metadata document of LEN bytes. `issuer` must be ISSUER, code point by code point; endpoints must be https, without
 * user and fragment. Returns 0 (caller clears *ret), or -EBADMSG, -EPERM (another issuer), -ENOENT (an endpoint is missing), -EINVAL
 * (an endpoint is no https URL), -ENOMEM; *ret_what, static, then says what is wrong.
 * MTLS: the host shows a certificate; endpoints with an alias for that (RFC 8705 5) are taken there.
 */
int b2b_discovery_parse(const char *text, size_t len, const char *issuer, bool mtls, struct b2b_discovery *ret, const char **ret_what);
void b2b_discovery_clear(struct b2b_discovery *discovery);

/* What is wrong, as a sentence, for R and WHAT of b2b_discovery_parse. Returns BUF. */
const char *b2b_discovery_fault(int r, const char *what, char *buf, size_t size);

/* Where ISSUER's metadata is: its OpenID configuration, or (OAUTH) RFC 8414's place. Caller frees; NULL: no memory. */
char *b2b_discovery_url(const char *issuer, int oauth);

#endif
