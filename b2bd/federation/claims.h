/* Checks of claims that several kinds of token share (RFC 7519 4.1). */
#ifndef B2B_CLAIMS_H
#define B2B_CLAIMS_H

#include "b2bd/federation/token.h"

#define B2B_CLAIM_MAX 255 /* bytes of an identifier: OIDC Core 2 allows a subject no more */

/* `iss` is the one expected, byte for byte. */
enum b2b_token_fault b2b_claims_issuer(const json_t *claims, const char *issuer);

/* `aud`, a string or an array of strings, holds AUDIENCE. *ret_several: others as well. */
enum b2b_token_fault b2b_claims_audience(const json_t *claims, const char *audience, bool *ret_several);

/*
 * Copy claim NAME, an identifier of 1 to B2B_CLAIM_MAX bytes without control characters; caller frees *ret_text, which is
 * set to NULL where the claim is absent and not REQUIRED. Returns B2B_TOKEN_OK, B2B_TOKEN_CLAIM, or B2B_TOKEN_MALFORMED (no memory).
 */
enum b2b_token_fault b2b_claims_copy(const json_t *claims, const char *name, bool required, char **ret_text);

/*
 * The organisation's canonical id. PATH: the claim's whole name; or, where there is no such claim, "CLAIM/MEMBER".
 * A string is the id; an array of one string holds it; an object either has it as MEMBER ("id" when not named), or is keyed by
 * alias and its one value has it. Absent or empty: *ret_id NULL. More than one, or another shape: B2B_TOKEN_CLAIM,
 * because a session is of one organisation.
 */
enum b2b_token_fault b2b_claims_organisation(const json_t *claims, const char *path, char **ret_id);

#endif
