/* b2bd(8) lists every event with its effect, row by row as the code has it, and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "b2bd/federation/event_kinds.h"

#define MAN_PAGE "b2bd/b2bd.8"

/* As the man page shortens it. */
static void short_name(const char *uri, char *buf, size_t size)
{
	static const char *const families[][2] = {
		{ "https://schemas.openid.net/secevent/caep/event-type/", "caep " },
		{ "https://schemas.openid.net/secevent/risc/event-type/", "risc " },
		{ "https://schemas.openid.net/secevent/ssf/event-type/", "ssf " },
		{ "https://schemas.openid.net/secevent/sse/event-type/", "sse " },
		{ "urn:ietf:params:scim:event:", "scim:event:" },
	};
	size_t i, len;

	snprintf(buf, size, "%s", uri);
	for (i = 0; i < sizeof(families) / sizeof(*families); i++) {
		len = strlen(families[i][0]);
		if (strncmp(uri, families[i][0], len) == 0)
			snprintf(buf, size, "%s%s", families[i][1], uri + len);
	}
}

static void expected(const struct b2b_event_meaning *meaning, char *buf, size_t size)
{
	char name[128], where[128] = "\\&";

	short_name(meaning->uri, name, sizeof(name));
	if (meaning->member)
		snprintf(where, sizeof(where), "%s = %s", meaning->member, meaning->value);
	snprintf(buf, size, ".It %s Ta %s Ta %s\n", name, where, b2b_event_effect(meaning->kind));
}

static void every_event_is_documented_as_it_is(void **state)
{
	FILE *page = fopen(MAN_PAGE, "re");
	char line[512], want[512];
	size_t n = 0;

	(void)state;
	assert_non_null(page);
	while (fgets(line, sizeof(line), page)) {
		if (strncmp(line, ".It ", 4) != 0 || !strstr(line, " Ta ") || strstr(line, "Em event"))
			continue;
		assert_true(n < b2b_event_n_meanings);
		expected(&b2b_event_meanings[n++], want, sizeof(want));
		assert_string_equal(line, want);
	}
	fclose(page);
	assert_int_equal(n, b2b_event_n_meanings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_event_is_documented_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
