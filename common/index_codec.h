/* Policy in memory <-> index image in memory; common/index.h does the files. */
#ifndef B2B_INDEX_CODEC_H
#define B2B_INDEX_CODEC_H

#include "common/finding.h"
#include "common/policy.h"

/*
 * Does POLICY keep the bounds of common/policy.h: counts, names, unique and sorted aliases, unique ids, ranges
 * apart from each other, parents without a loop, the group `partners` in B2B_GID_FIRST..B2B_RANGE_LAST and in no range?
 * Returns 0 or -EINVAL.
 */
int b2b_policy_check(const struct b2b_policy *policy);

enum b2b_policy_part { B2B_POLICY_HOST, B2B_POLICY_SHELL, B2B_POLICY_ROLE, B2B_POLICY_SERVICE, B2B_POLICY_ORG };

struct b2b_policy_fault {
	enum b2b_policy_part part;
	uint32_t number;  /* of the role, service, … */
	const char *what; /* static */
};

/* The same, and with -EINVAL *ret_fault says what is wrong. */
int b2b_policy_find(const struct b2b_policy *policy, struct b2b_policy_fault *ret_fault);

/* Image of POLICY (checked) with its generation. Returns 0 or -ENOMEM, -EINVAL. Caller frees *ret_image. */
int b2b_index_encode(const struct b2b_policy *policy, void **ret_image, size_t *ret_size);

/*
 * Policy of an image that nobody changes meanwhile. Returns 0, -EBADMSG, -EPROTONOSUPPORT (a newer version made it, and no
 * reader of this one understands it), -ENOMEM. Caller frees with b2b_policy_free.
 */
int b2b_index_decode(const void *image, size_t size, struct b2b_policy **ret_policy);

/* The same, and with -EBADMSG and -EPROTONOSUPPORT *ret_finding says what is wrong. */
int b2b_index_find(const void *image, size_t size, struct b2b_policy **ret_policy, struct b2b_finding *ret_finding);

/*
 * Is the image, byte for byte, what b2b_index_encode makes of POLICY, which was decoded from it? Readers look at the tables
 * of aliases and ranges, which decoding passes over. Returns 0, -EBADMSG with *ret_finding (NULL: not wanted), -ENOMEM.
 */
int b2b_index_exact(const void *image, size_t size, const struct b2b_policy *policy, struct b2b_finding *ret_finding);

#endif
