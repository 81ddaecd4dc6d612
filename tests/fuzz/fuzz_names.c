/* Names: whatever is split is within the rule, joins to itself, and is a candidate. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/names.h"

static void one(const char *text, char separator)
{
	char joined[B2B_NAME_SIZE];
	struct b2b_name name, again;

	if (b2b_name_split(text, separator, &name) < 0)
		return;
	if (!b2b_local_valid(name.local) || !b2b_alias_valid(name.alias) || !b2b_name_candidate(text) ||
	    b2b_name_join(name.local, separator, name.alias, joined, sizeof(joined)) < 0 || strcasecmp(joined, text) != 0 ||
	    b2b_name_split(joined, separator, &again) < 0 || memcmp(&name, &again, sizeof(name)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	one(text, '@');
	one(text, '+');
	one(text, '\0');
	free(text);
	return 0;
}
