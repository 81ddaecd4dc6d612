/* Index images: refused, or a policy within the bounds that encodes to an image which decodes to the same policy. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/index_codec.h"

static void compare(const struct b2b_policy *a, const struct b2b_policy *b)
{
	struct b2b_policy left = *a, right = *b;

	left.orgs = right.orgs = NULL;
	if (memcmp(&left, &right, sizeof(left)) != 0 || memcmp(a->orgs, b->orgs, a->n_orgs * sizeof(*a->orgs)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct b2b_policy *policy = NULL, *again = NULL;
	void *image = malloc(size ? size : 1), *encoded = NULL;
	size_t n_encoded;

	if (!image)
		return 0;
	memcpy(image, data, size);
	if (b2b_index_decode(image, size, &policy) == 0) {
		if (b2b_policy_check(policy) < 0 || b2b_index_encode(policy, &encoded, &n_encoded) < 0 ||
		    b2b_index_decode(encoded, n_encoded, &again) < 0)
			abort();
		compare(policy, again);
	}
	b2b_policy_free(policy);
	b2b_policy_free(again);
	free(encoded);
	free(image);
	return 0;
}
