/*
 * By what an access token is known again, so that it lets in once, without being kept itself. One token can have several names, as it can
 * be spelt in several ways; who meets any of them has met the token.
 */
#ifndef B2B_TOKEN_NAMES_H
#define B2B_TOKEN_NAMES_H

#include "b2bd/federation/presented.h"

#define B2B_TOKEN_NAMES 3

struct b2b_token_names {
	char digests[B2B_TOKEN_NAMES][B2B_DIGEST_SIZE];
	size_t n;
};

/*
 * The names of the token that was shown as TEXT, and that its validator, or the service, calls JTI (NULL: nothing).
 *
 * A signed token: its jti, else what was signed, for the same token can have several signatures, and a signature several spellings.
 * A reference: what the service calls it, where it says so; and its spelling, folded in the two ways in which a service may take several
 * spellings for one handle (RFC 6750 2.1 leaves what it means to the service): letters of either case; and base64 of either alphabet,
 * with its padding or without, and with whatever stands in bits that encode nothing.
 *
 * Returns 0, or a negative errno.
 */
int b2b_token_names_of(const char *text, const char *jti, struct b2b_token_names *ret_names);

#endif
