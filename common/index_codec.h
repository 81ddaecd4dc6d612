/* Policy in memory <-> index image in memory; common/index.h does the files. */
#ifndef B2B_INDEX_CODEC_H
#define B2B_INDEX_CODEC_H

#include "common/policy.h"

/*
 * Does POLICY keep the bounds of common/policy.h: counts, names, unique and sorted aliases, unique ids, ranges
 * apart from each other, parents without a loop, the group `partners` in B2B_GID_FIRST..B2B_RANGE_LAST and in no range?
 * Returns 0 or -EINVAL.
 */
int b2b_policy_check(const struct b2b_policy *policy);

/* Image of POLICY (checked) with its generation. Returns 0 or -ENOMEM, -EINVAL. Caller frees *ret_image. */
int b2b_index_encode(const struct b2b_policy *policy, void **ret_image, size_t *ret_size);

/* Policy of an image that nobody changes meanwhile. Returns 0, -EBADMSG, -ENOMEM. Caller frees with b2b_policy_free. */
int b2b_index_decode(const void *image, size_t size, struct b2b_policy **ret_policy);

#endif
