/*
 * Token Status List (draft-ietf-oauth-status-list): an array of 1, 2, 4 or 8 bits for each token of an issuer, compressed and signed,
 * the same for every host. A token says its place in the claim `status`. Fetching the list is status_cache.h's.
 */
#ifndef B2B_STATUS_LIST_H
#define B2B_STATUS_LIST_H

#include "b2bd/federation/token.h"

#define B2B_STATUS_LIST_MAX (1024 * 1024)       /* bytes of the signed list, as it comes */
#define B2B_STATUS_LIST_BYTES_MAX (4096 * 1024) /* of the unpacked array: 32 million tokens at 1 bit */

/* Section 7.1; 3, and 11 to 15, are the issuer's own, the others nobody's: what is not VALID is not valid. */
enum b2b_status { B2B_STATUS_VALID = 0, B2B_STATUS_INVALID = 1, B2B_STATUS_SUSPENDED = 2 };

struct b2b_status_list {
	unsigned bits;         /* of an entry */
	unsigned char *bytes;
	size_t n_bytes;
	int64_t issued_at;
	int64_t expires_at;    /* 0: not said */
	int64_t ttl_s;         /* how long it may be kept before it is fetched again; 0: not said */
};
void b2b_status_list_clear(struct b2b_status_list *list);

/*
 * The place that CLAIMS name: `status`.`status_list` with `idx` and an https `uri` (section 6.2). *ret_place, which b2b_id_token_clear
 * frees as part of a token, has no uri where there is no `status`. B2B_TOKEN_OK, or B2B_TOKEN_CLAIM_STATUS: a status of another mechanism too,
 * for then the issuer wants it looked at and we cannot.
 */
enum b2b_token_fault b2b_status_place_read(const json_t *claims, struct b2b_status_place *ret_place);

/*
 * Validate a compact status list token (section 8.3) that was fetched from URI: typ statuslist+jwt, `sub` is URI, `iss` EXPECT's where it is
 * said, not expired, not of the future; then unpack it. Returns B2B_TOKEN_OK and fills *ret_list (caller clears), or the fault.
 * EXPECT's audience is not looked at: a list is for everybody.
 */
enum b2b_token_fault b2b_status_list_verify(const char *jwt, size_t len, const struct b2b_jwks *jwks, const struct b2b_token_expect *expect,
                                            const char *uri, struct b2b_status_list *ret_list);

/*
 * Unpack LST, base64url of a zlib stream (section 4.1), into entries of BITS. Fills bits, bytes and n_bytes of *ret_list; returns
 * B2B_TOKEN_OK, B2B_TOKEN_LIST_BITS, B2B_TOKEN_LIST_DATA, B2B_TOKEN_LIST_LARGE, or B2B_TOKEN_MALFORMED (no memory).
 */
enum b2b_token_fault b2b_status_list_unpack(int64_t bits, const char *lst, struct b2b_status_list *ret_list);

/* The status at INDEX: 0 to 255 (enum b2b_status), or -ERANGE where the list has no such place. */
int b2b_status_list_get(const struct b2b_status_list *list, uint64_t index);

#endif
