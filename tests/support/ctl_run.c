#include "tests/support/ctl_run.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "b2bctl/ctl.h"

struct ctl_result ctl_run(char **argv)
{
	struct ctl_result result = { 0 };
	size_t out_len, err_len;
	FILE *out = open_memstream(&result.out, &out_len), *errors = open_memstream(&result.err, &err_len);
	int argc = 0;

	if (!out || !errors)
		err(1, "open_memstream");
	while (argv[argc])
		argc++;
	result.code = b2b_ctl_main(argc, argv, out, errors);
	fclose(out);
	fclose(errors);
	return result;
}

void ctl_result_free(struct ctl_result *result)
{
	free(result->out);
	free(result->err);
}

int ctl_fits(const char *text)
{
	for (; *text; text += strcspn(text, "\n") + 1) {
		if (strcspn(text, "\n") > B2B_CTL_WIDTH)
			return 0;
		for (const char *c = text; *c != '\n'; c++)
			if ((unsigned char)*c < ' ' || *c == 0x7f)
				return 0;
	}
	return 1;
}
