/* b2b.conf: whatever the bytes, it is a configuration that keeps the bounds of common/policy.h, or one error that names the file. */
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"
#include "common/index_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[B2B_CONF_ERROR_SIZE];
	struct b2b_conf *conf = NULL;
	int r = b2b_conf_parse((const char *)data, size, "fuzz", false, &conf, error);

	if (r < 0 && (strncmp(error, "fuzz:", 5) != 0 || conf))
		abort();
	if (r == 0 && (error[0] || b2b_policy_check(conf->policy) != 0 || conf->host.poll_hold_s == 0))
		abort();
	for (const char *c = error; r < 0 && *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			abort(); /* the file's bytes must not reach a terminal */
	b2b_conf_free(conf);
	return 0;
}
