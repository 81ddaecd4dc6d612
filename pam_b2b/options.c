#include "pam_b2b/options.h"

#include <stdlib.h>
#include <string.h>

static bool parse_prompt(const char *value, enum b2b_pam_prompt *ret_prompt)
{
	static const char *const names[] = { [B2B_PROMPT_AUTO] = "auto", [B2B_PROMPT_ENTER] = "enter", [B2B_PROMPT_INFO] = "info" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(value, names[i]) == 0) {
			*ret_prompt = (enum b2b_pam_prompt)i;
			return true;
		}
	}
	return false;
}

static bool parse_timeout(const char *value, unsigned *ret_timeout)
{
	unsigned long number;
	char *end;

	if (*value < '0' || *value > '9')
		return false;
	number = strtoul(value, &end, 10);
	if (*end || number < B2B_PAM_TIMEOUT_MIN_S || number > B2B_PAM_TIMEOUT_MAX_S)
		return false;
	*ret_timeout = (unsigned)number;
	return true;
}

static bool parse_word(const char *word, struct b2b_pam_options *options)
{
	if (strncmp(word, "prompt=", 7) == 0)
		return parse_prompt(word + 7, &options->prompt);
	if (strncmp(word, "timeout=", 8) == 0)
		return parse_timeout(word + 8, &options->timeout_s);
	if (strcmp(word, "qr") == 0) {
		options->qr = true;
		return true;
	}
	return false;
}

void b2b_pam_options(int argc, const char **argv, struct b2b_pam_options *options)
{
	int i;

	memset(options, 0, sizeof(*options));
	for (i = 0; i < argc; i++) {
		if (!parse_word(argv[i], options) && !options->wrong)
			options->wrong = argv[i];
	}
}
