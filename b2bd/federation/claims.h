/* Checks of claims that several kinds of token share (RFC 7519 4.1). */
#ifndef B2B_CLAIMS_H
#define B2B_CLAIMS_H

#include "b2bd/federation/token.h"

#define B2B_CLAIM_MAX 255 /* bytes of an identifier: OIDC Core 2 allows a subject no more */

/* `iss` is the one expected, byte for byte. */
enum b2b_token_fault b2b_claims_issuer(const json_t *claims, const char *issuer);

/* `aud`, a string or an array of strings, holds AUDIENCE. *ret_others: somebody else as well. */
enum b2b_token_fault b2b_claims_audience(const json_t *claims, const char *audience, bool *ret_others);

/*
 * `exp` and `iat`, `nbf`, `auth_time`, `session_expiry` against EXPECT's clock and skew. Always wanted is `exp`; the others are 0 where
 * absent, and `iat` may only be absent where IAT_OPTIONAL. Fills the times of TOKEN, also when it returns a fault.
 */
enum b2b_token_fault b2b_claims_times(const json_t *claims, const struct b2b_token_expect *expect, bool iat_optional,
                                      struct b2b_id_token *token);

/* From TOKEN's issue, or where that is not said from now, to its end it is no longer than EXPECT's life_max_s. */
enum b2b_token_fault b2b_claims_life(const struct b2b_token_expect *expect, const struct b2b_id_token *token);

/* A claim that is a date: 0 where absent and not REQUIRED. B2B_TOKEN_OK or the fault that names the claim. */
enum b2b_token_fault b2b_claims_date(const json_t *claims, const char *name, bool required, int64_t *ret_date);

/*
 * Copy claim NAME, an identifier of 1 to B2B_CLAIM_MAX bytes without control characters; caller frees *ret_text, which is
 * set to NULL where the claim is absent and not REQUIRED. Returns B2B_TOKEN_OK, the fault that names the claim, or B2B_TOKEN_MALFORMED
 * (no memory).
 */
enum b2b_token_fault b2b_claims_copy(const json_t *claims, const char *name, bool required, char **ret_text);
bool b2b_claim_is_identifier(const json_t *value);

/* What kinds of token say about a person alike: sub, acr, jti, sid, the organisation, the status. Fills TOKEN, also on a fault. */
enum b2b_token_fault b2b_claims_person(const json_t *claims, const char *organisation_claim, struct b2b_id_token *token);

/* An access token must not be bound to a key but one that EXPECT has, act for somebody or carry events (RFC 8725 3.12). */
enum b2b_token_fault b2b_claims_bearer(const json_t *claims, const struct b2b_token_expect *expect);

#endif
