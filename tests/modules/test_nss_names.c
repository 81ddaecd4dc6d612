/* What libnss_b2b.so.2 takes for a partner's name, at every entry point that takes one: one rule, case folded, nothing touched for all else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/fixture.h"
#include "tests/support/machine.h"
#include "tests/support/nss_module.h"
#include "tests/support/scratch.h"

#define CACHE "/var/lib/b2b/cache"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct nss_module nss;
static struct fixture fixture;

/* The entry points that take a name: what they answer with goes to *RET_NAME, BUF. */
enum entry { PWNAM, GRNAM, SPNAM, INITGROUPS };
#define ENTRIES 4

static enum nss_status look(enum entry entry, const char *name, char buf[1024], const char **ret_name)
{
	gid_t *groups = NULL;
	long start = 0, size = 0;
	struct passwd pw = { .pw_name = NULL };
	struct group gr = { .gr_name = NULL };
	struct spwd sp = { .sp_namp = NULL };
	enum nss_status status;
	int reason;

	switch (entry) {
	case PWNAM:
		status = nss.getpwnam_r(name, &pw, buf, 1024, &reason);
		*ret_name = pw.pw_name;
		return status;
	case GRNAM:
		status = nss.getgrnam_r(name, &gr, buf, 1024, &reason);
		*ret_name = gr.gr_name;
		return status;
	case SPNAM:
		status = nss.getspnam_r(name, &sp, buf, 1024, &reason);
		*ret_name = sp.sp_namp;
		return status;
	default:
		status = nss.initgroups_dyn(name, 0, &start, &size, &groups, 0, &reason);
		free(groups);
		return status;
	}
}

static enum nss_status by_name(enum entry entry, const char *name)
{
	const char *found;
	char buf[1024];

	return look(entry, name, buf, &found);
}

/* A mebibyte of name, and one that ends with its page: 33 bytes without a NUL behind which nothing may be read. */
static const char *large, *at_the_edge;

static bool odd_names(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = 1 << 20;
	char *map = mmap(NULL, size + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return false;
	memset(map, 'a', size);
	memcpy(map + size, "@acme", sizeof("@acme"));
	large = map;
	map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED || mprotect(map + page, page, PROT_NONE) < 0)
		return false;
	memset(map, 'a', page);
	map[page - 30] = '@';
	at_the_edge = map + page - 33;
	return true;
}

static int odd_body(void *arg)
{
	static const char *const odd[] = {
		"", " ", "@", "+", "@@", "@+@", "@acme", "alice@", "alice", "root", "alice@acme@acme", "alice@@acme", "alice@acme.", "alice@.acme", "alice@emea..acme",
		"alice@-acme", "alice@acme-", "alice@acme-.x", "alice@ac_me", " alice@acme", "alice@acme ", "alice@acme\n", "alice\n@acme", "\talice@acme",
		"alice@acme/..", "../alice@acme", "alice:x@acme", "alice,@acme", "al\xc3\xaf" "ce@acme", "alice@\xc3\xa4" "cme", "\xff@acme", "alice@acme\x7f", "\x01@acme",
		"1alice@acme", "-alice@acme", ".alice@acme", "alice$@acme", "alice*@acme", "%u@acme", "alice@%o", "partners@", "partner", "partnerss",
		"abcdefghijklmnopqrstuvwxyz@nowher", "abcdefghijklmnopqrstuvwxyz@nowhere", "abcdefghijklmnopqrstuvwxyzabcde", "abcdefghijklmnopqrstuvwxyzabcd@",
		"abcdefghijklmnopqrstuvwxyzabc@acme", "abcdefghijklmnopqrstuvwxyzabcdef", "abcdefghijklmnopqrstuvwxyzabcdefg@acme",
	};

	CHECK(odd_names() && by_name(PWNAM, arg) != NSS_STATUS_TRYAGAIN && machine_forbid_calls() == 0);
	for (enum entry entry = PWNAM; entry < ENTRIES; entry++) {
		for (size_t i = 0; i < COUNT(odd); i++)
			if (by_name(entry, odd[i]) != NSS_STATUS_NOTFOUND)
				_exit(2);
		if (by_name(entry, large) != NSS_STATUS_NOTFOUND || by_name(entry, at_the_edge) != NSS_STATUS_NOTFOUND)
			_exit(3);
	}
	_exit(0);
}

static void odd_names_cost_no_system_call_mapped_or_not(void **state)
{
	char unmapped[] = "root", mapped[] = "alice@acme";

	(void)state;
	if (machine_observed())
		skip();
	assert_int_equal(machine_child(odd_body, unmapped), 0);
	assert_int_equal(machine_child(odd_body, mapped), 0);
}

static int fold_body(void *arg)
{
	static const struct { enum entry entry; const char *name, *canonical; } folded[] = {
		{ PWNAM, "ALICE@ACME", "alice@acme" }, { GRNAM, "Dba@aCME", "dba@acme" }, { GRNAM, "PARTNERS", "partners" },
		{ GRNAM, "Members@Acme", "members@acme" }, { SPNAM, "Alice@acme", "alice@acme" },
	};
	const char *found;
	char buf[1024];

	(void)arg;
	for (size_t i = 0; i < COUNT(folded); i++) {
		CHECK(look(folded[i].entry, folded[i].name, buf, &found) == NSS_STATUS_SUCCESS);
		CHECK(strcmp(found, folded[i].canonical) == 0);
	}
	CHECK(by_name(INITGROUPS, "ALICE@ACME") == NSS_STATUS_SUCCESS);
	/* the longest that can be, and one byte more */
	CHECK(by_name(PWNAM, "abcdefghijklmnopqrstuvwxyz@acme") == NSS_STATUS_NOTFOUND && by_name(PWNAM, "abcdefghijklmnopqrstuvwxyza@acme") == NSS_STATUS_NOTFOUND);
	return 0;
}

static void names_are_folded_by_one_rule(void **state)
{
	(void)state;
	assert_int_equal(machine_child(fold_body, NULL), 0);
}

static int start(void **state)
{
	(void)state;
	fixture_start(&fixture, CACHE);
	/* No agent: absent names are no question. */
	for (int org = 0; org < FIXTURE_ORGS; org++)
		b2b_live_beat(fixture.lives[org], 0);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fixture_stop(&fixture);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(odd_names_cost_no_system_call_mapped_or_not, start, stop),
		cmocka_unit_test_setup_teardown(names_are_folded_by_one_rule, start, stop),
	};

	machine_private();
	nss_module_load(&nss);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
