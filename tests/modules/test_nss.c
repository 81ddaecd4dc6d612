/* The real libnss_b2b.so.2: maps through glibc, closing, visibility, questions, what it exports and needs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/index.h"
#include "tests/support/fixture.h"
#include "tests/support/machine.h"
#include "tests/support/next_version.h"
#include "tests/support/nss_module.h"
#include "tests/support/scratch.h"

#define CACHE "/var/lib/b2b/cache"

static struct nss_module nss;
static struct fixture fixture;

static int start(void **state)
{
	(void)state;
	fixture_start(&fixture, CACHE);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fixture_stop(&fixture);
	return 0;
}

static int maps_body(void *arg)
{
	struct passwd *pw;
	struct group *gr;
	gid_t groups[16];
	struct spwd *sp;
	int n = 16;

	(void)arg;
	nss_module_configure();
	pw = getpwnam("alice@acme");
	CHECK(pw && pw->pw_uid == FIXTURE_LO(FIXTURE_ACME) + 1 && strcmp(pw->pw_passwd, "*") == 0 && strcmp(pw->pw_shell, "/bin/bash") == 0);
	pw = getpwuid(FIXTURE_LO(FIXTURE_EMEA) + 1);
	CHECK(pw && strcmp(pw->pw_name, "bob@emea.acme") == 0 && strcmp(pw->pw_dir, "/home/emea.acme/bob") == 0);
	gr = getgrnam("dba@acme");
	CHECK(gr && gr->gr_gid == FIXTURE_LO(FIXTURE_ACME) + 100 && strcmp(gr->gr_mem[1], "carol@acme") == 0 && !gr->gr_mem[2]);
	gr = getgrgid(FIXTURE_LO(FIXTURE_GLOBEX));
	CHECK(gr && strcmp(gr->gr_name, "members@globex") == 0);
	gr = getgrgid(B2B_PARTNERS_GID);
	CHECK(gr && strcmp(gr->gr_name, "partners") == 0);
	CHECK(getgrouplist("alice@acme", FIXTURE_LO(FIXTURE_ACME) + 1, groups, &n) == 8);
	sp = getspnam("alice@acme");
	CHECK(sp && strcmp(sp->sp_namp, "alice@acme") == 0 && strcmp(sp->sp_pwdp, "*") == 0);
	CHECK(!getpwnam("root") && !getgrnam("root") && !getpwuid(0) && !getpwnam("alice@nowhere"));
	setpwent();
	CHECK(!getpwent());
	endpwent();
	return 0;
}

static void glibc_finds_every_map(void **state)
{
	(void)state;
	assert_int_equal(machine_child(maps_body, NULL), 0);
}

static int closing_body(void *arg)
{
	uint32_t uid = FIXTURE_LO(FIXTURE_ACME) + 1;
	gid_t groups[16];
	int n = 16;

	(void)arg;
	nss_module_configure();
	CHECK(strcmp(getpwnam("alice@acme")->pw_shell, "/bin/bash") == 0);
	b2b_live_store(fixture.lives[FIXTURE_ACME], uid, B2B_LIVE_CLOSED, true);
	CHECK(strcmp(getpwnam("alice@acme")->pw_shell, "/usr/sbin/nologin") == 0);
	CHECK(strcmp(getpwuid(uid)->pw_name, "alice@acme") == 0);
	CHECK(getgrouplist("alice@acme", uid, groups, &n) == 1 && groups[0] == uid);
	b2b_live_store_org(fixture.lives[FIXTURE_ACME], B2B_LIVE_CLOSED, true);
	CHECK(strcmp(getpwnam("bob@emea.acme")->pw_shell, "/usr/sbin/nologin") == 0);
	CHECK(strcmp(getpwnam("erin@globex")->pw_shell, "/bin/bash") == 0);
	return 0;
}

static void a_revocation_shows_in_a_process_that_has_it_mapped(void **state)
{
	(void)state;
	assert_int_equal(machine_child(closing_body, NULL), 0);
}

static int enumerate_body(void *arg)
{
	char buf[1024], name[64] = "";
	int reason, n = 0;
	struct passwd pw;

	(void)arg;
	nss.setpwent(0);
	while (nss.getpwent_r(&pw, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS) {
		snprintf(name, sizeof(name), "%s", pw.pw_name);
		n++;
	}
	CHECK(n == 7 && strcmp(name, "grace@globex") == 0 && reason == ENOENT);
	nss.endpwent();
	CHECK(nss.getpwent_r(&pw, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS && strcmp(pw.pw_name, "alice@acme") == 0);
	return 0;
}

static void enumeration_lists_each_once(void **state)
{
	(void)state;
	fixture.policy->enumerate = true;
	assert_int_equal(b2b_index_write(CACHE, fixture.policy), 0);
	assert_int_equal(machine_child(enumerate_body, NULL), 0);
}

static int limit_body(void *arg)
{
	for (long limit = 1; limit < 10; limit++) {
		gid_t *groups = malloc(sizeof(*groups));
		long start = 1, size = 1;
		int reason;

		groups[0] = FIXTURE_LO(FIXTURE_ACME) + 1;
		CHECK(nss.initgroups_dyn("alice@acme", groups[0], &start, &size, &groups, limit, &reason) == NSS_STATUS_SUCCESS);
		CHECK(start == (limit < 8 ? limit : 8) && size <= limit);
		free(groups);
	}
	(void)arg;
	return 0;
}

static void initgroups_stops_at_the_limit(void **state)
{
	(void)state;
	assert_int_equal(machine_child(limit_body, NULL), 0);
}

struct as {
	uint32_t uid;
	gid_t groups[4];
	size_t n_groups;
	bool acme, emea, globex; /* whose roster is to be seen */
};

static int see(const struct as *as)
{
	static const struct { const char *user, *group; int org; } rosters[] = {
		{ "alice@acme", "dba@acme", FIXTURE_ACME }, { "bob@emea.acme", NULL, FIXTURE_EMEA }, { "erin@globex", "ops@globex", FIXTURE_GLOBEX },
	};
	const bool visible[] = { as->acme, as->emea, as->globex };
	char buf[1024], path[SCRATCH_SIZE];
	struct passwd pw;
	struct group gr;
	int reason;

	for (size_t i = 0; i < 3; i++) {
		enum nss_status expected = visible[i] ? NSS_STATUS_SUCCESS : NSS_STATUS_NOTFOUND;
		uint32_t lo = FIXTURE_LO(rosters[i].org);

		CHECK(nss.getpwnam_r(rosters[i].user, &pw, buf, sizeof(buf), &reason) == expected);
		CHECK(nss.getpwuid_r(lo + 1, &pw, buf, sizeof(buf), &reason) == expected);
		CHECK(!rosters[i].group || nss.getgrnam_r(rosters[i].group, &gr, buf, sizeof(buf), &reason) == expected);
		CHECK(nss.getgrgid_r(lo, &gr, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS);
		CHECK((gr.gr_mem[0] != NULL) == visible[i]);
		snprintf(path, sizeof(path), CACHE "/org/%s/snapshot", fixture.policy->orgs[rosters[i].org].id);
		CHECK((access(path, R_OK) == 0) == visible[i]);
	}
	return 0;
}

static int visible_body(void *arg)
{
	const struct as *as = arg;

	CHECK(setgroups(as->n_groups, as->groups) == 0 && setresgid(as->uid, as->uid, as->uid) == 0 && setresuid(as->uid, as->uid, as->uid) == 0);
	return see(as);
}

static struct as member(int org)
{
	return (struct as){ .uid = FIXTURE_LO(org) + 1, .groups = { B2B_PARTNERS_GID, FIXTURE_LO(org) }, .n_groups = 2 };
}

static void apply_visibility(enum b2b_visibility visibility)
{
	fixture_stop(&fixture);
	fixture_start_visible(&fixture, CACHE, visibility);
}

static void partners_see_their_own_roster_alone(void **state)
{
	struct as alice = member(FIXTURE_ACME), bob = member(FIXTURE_EMEA), erin = member(FIXTURE_GLOBEX);
	struct as local = { .uid = 1000, .acme = true, .emea = true, .globex = true };

	(void)state;
	alice.acme = bob.emea = erin.globex = true;
	assert_int_equal(machine_child(visible_body, &alice), 0);
	assert_int_equal(machine_child(visible_body, &bob), 0);
	assert_int_equal(machine_child(visible_body, &erin), 0);
	assert_int_equal(machine_child(visible_body, &local), 0);
}

static void strict_and_everyone_are_what_they_say(void **state)
{
	struct as erin = member(FIXTURE_GLOBEX), local = { .uid = 1000 };

	(void)state;
	apply_visibility(B2B_VISIBLE_STRICT);
	erin.globex = true;
	assert_int_equal(machine_child(visible_body, &erin), 0);
	assert_int_equal(machine_child(visible_body, &local), 0);
	apply_visibility(B2B_VISIBLE_EVERYONE);
	erin.acme = erin.emea = local.acme = local.emea = local.globex = true;
	assert_int_equal(machine_child(visible_body, &erin), 0);
	assert_int_equal(machine_child(visible_body, &local), 0);
}

static int unavailable_body(void *arg)
{
	struct passwd pw;
	char buf[1024];
	int reason;

	(void)arg;
	CHECK(nss.getpwnam_r("alice@acme", &pw, buf, sizeof(buf), &reason) == NSS_STATUS_UNAVAIL);
	CHECK(nss.getpwuid_r(FIXTURE_LO(FIXTURE_ACME) + 1, &pw, buf, sizeof(buf), &reason) == NSS_STATUS_UNAVAIL);
	CHECK(nss.getpwnam_r("alice", &pw, buf, sizeof(buf), &reason) == NSS_STATUS_NOTFOUND && reason == ENOENT);
	CHECK(nss.getpwuid_r(1000, &pw, buf, sizeof(buf), &reason) == NSS_STATUS_NOTFOUND && reason == ENOENT);
	return 0;
}

static void harm(const char *name, long at, size_t size)
{
	char path[SCRATCH_SIZE], junk[64];
	FILE *file;

	memset(junk, 0xee, sizeof(junk));
	scratch_path(path, CACHE, name);
	file = fopen(path, "r+e");
	assert_non_null(file);
	assert_int_equal(fseek(file, at, SEEK_SET), 0);
	assert_int_equal(fwrite(junk, size, 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

static void damage_is_unavail(void **state)
{
	static const struct { const char *name; long at; size_t size; } harms[] = {
		{ "index", 0, 1 }, { "index", 8, 4 }, { "index", 16, 8 }, { "index", 52, 4 }, { "index", 72, 24 },
		{ "live/42c3e9", 0, 8 }, { "live/42c3e9", 112, 8 }, { "live/42c3e9", 40, 1 },
		{ "org/42c3e9/snapshot", 0, 8 }, { "org/42c3e9/snapshot", 132, 4 }, { "org/42c3e9/snapshot", 136, 28 },
		{ "org/42c3e9/snapshot", 16, 8 }, { "org/42c3e9/snapshot", 40, 1 },
	};

	for (size_t i = 0; i < sizeof(harms) / sizeof(harms[0]); i++) {
		harm(harms[i].name, harms[i].at, harms[i].size);
		assert_int_equal(machine_child(unavailable_body, NULL), 0);
		stop(state);
		start(state);
	}
	fixture_stop(&fixture);
	scratch_remove(CACHE);
	assert_int_equal(machine_child(unavailable_body, NULL), 0);
	assert_int_equal(mkdir(CACHE, 0755), 0);
	start(state);
}

static void make_next(unsigned which, uint16_t min_reader)
{
	for (int org = 0; org < FIXTURE_ORGS; org++)
		next_version(CACHE, fixture.policy->orgs[org].id, which & ~(unsigned)NEXT_INDEX, min_reader);
	if (which & NEXT_INDEX)
		next_version(CACHE, "42c3e9", NEXT_INDEX, min_reader);
}

/* A process that keeps this module loaded while the package is brought up to the next version, and the one after. */
static int long_running_body(void *arg)
{
	(void)arg;
	CHECK(maps_body(NULL) == 0);
	make_next(NEXT_ALL, NEXT_SAME_READER);
	CHECK(maps_body(NULL) == 0);
	CHECK(closing_body(NULL) == 0);
	make_next(NEXT_SNAPSHOT, NEXT_ONLY_READER);
	CHECK(unavailable_body(NULL) == 0);
	make_next(NEXT_INDEX, NEXT_ONLY_READER);
	CHECK(unavailable_body(NULL) == 0);
	return 0;
}

static void an_old_module_reads_new_files_where_it_may(void **state)
{
	assert_int_equal(machine_child(long_running_body, NULL), 0);
	stop(state);
	start(state);
	make_next(NEXT_ALL, NEXT_SAME_READER);
	assert_int_equal(machine_child(maps_body, NULL), 0);
	make_next(NEXT_LIVE, NEXT_ONLY_READER);
	assert_int_equal(machine_child(unavailable_body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(glibc_finds_every_map, start, stop),
		cmocka_unit_test_setup_teardown(a_revocation_shows_in_a_process_that_has_it_mapped, start, stop),
		cmocka_unit_test_setup_teardown(enumeration_lists_each_once, start, stop),
		cmocka_unit_test_setup_teardown(initgroups_stops_at_the_limit, start, stop),
		cmocka_unit_test_setup_teardown(partners_see_their_own_roster_alone, start, stop),
		cmocka_unit_test_setup_teardown(strict_and_everyone_are_what_they_say, start, stop),
		cmocka_unit_test_setup_teardown(damage_is_unavail, start, stop),
		cmocka_unit_test_setup_teardown(an_old_module_reads_new_files_where_it_may, start, stop),
	};

	machine_private();
	nss_module_load(&nss);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
