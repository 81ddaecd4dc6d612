/* The cache as its readers see it: maps, closing, buffer sizes, replacement, refusal of what is damaged. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cache.h"
#include "common/cache_format.h"
#include "common/clock.h"
#include "common/index.h"
#include "tests/support/fixture.h"
#include "tests/support/scratch.h"

static struct fixture fixture;
static struct b2b_cache *cache;

static int start(void **state)
{
	(void)state;
	fixture_start(&fixture, NULL);
	return b2b_cache_new(fixture.dir, &cache);
}

static int stop(void **state)
{
	(void)state;
	b2b_cache_free(cache);
	fixture_stop(&fixture);
	return 0;
}

struct gids {
	uint32_t gid[16];
	size_t n;
};

static int add_gid(void *arg, uint32_t gid)
{
	struct gids *gids = arg;

	assert_true(gids->n < 16);
	gids->gid[gids->n++] = gid;
	return 0;
}

static bool has_gid(const struct gids *gids, uint32_t gid)
{
	for (size_t i = 0; i < gids->n; i++)
		if (gids->gid[i] == gid)
			return true;
	return false;
}

static void a_user_is_found_by_name_and_uid(void **state)
{
	struct passwd pw;
	char buf[512];

	(void)state;
	assert_int_equal(b2b_cache_getpwnam(cache, "Alice@ACME", &pw, buf, sizeof(buf)), 0);
	assert_string_equal(pw.pw_name, "alice@acme");
	assert_string_equal(pw.pw_passwd, "*");
	assert_int_equal(pw.pw_uid, FIXTURE_LO(FIXTURE_ACME) + 1);
	assert_int_equal(pw.pw_gid, pw.pw_uid);
	assert_string_equal(pw.pw_gecos, "Alice Example");
	assert_string_equal(pw.pw_dir, "/home/acme/alice");
	assert_string_equal(pw.pw_shell, "/bin/bash");
	assert_int_equal(b2b_cache_getpwuid(cache, FIXTURE_LO(FIXTURE_EMEA) + 1, &pw, buf, sizeof(buf)), 0);
	assert_string_equal(pw.pw_name, "bob@emea.acme");
	assert_string_equal(pw.pw_gecos, "Bob \xc3\x84rmel");
}

static void what_is_not_there_is_absent(void **state)
{
	struct passwd pw;
	struct group gr;
	char buf[512];

	(void)state;
	assert_int_equal(b2b_cache_getpwnam(cache, "root", &pw, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_getpwnam(cache, "alice@nobody", &pw, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_getpwnam(cache, "alice+acme", &pw, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_getpwnam(cache, "members@acme", &pw, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_getpwnam(cache, "dba@acme", &pw, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_getpwuid(cache, 0, &pw, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_getpwuid(cache, FIXTURE_LO(FIXTURE_ACME), &pw, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_getpwuid(cache, FIXTURE_LO(FIXTURE_ACME) + 100, &pw, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_getpwuid(cache, FIXTURE_LO(FIXTURE_ACME) + 999, &pw, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_getgrgid(cache, FIXTURE_LO(FIXTURE_ACME) + FIXTURE_RANGE, &gr, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_getgrnam(cache, "wheel", &gr, buf, sizeof(buf)), -ENOENT);
}

static void an_absent_name_is_worth_a_question_only_where_it_can_help(void **state)
{
	struct passwd pw;
	char buf[512];

	(void)state;
	assert_int_equal(b2b_cache_getpwnam(cache, "new@acme", &pw, buf, sizeof(buf)), -ESRCH);
	b2b_live_store_org(fixture.lives[FIXTURE_ACME], B2B_LIVE_CLOSED, true);
	assert_int_equal(b2b_cache_getpwnam(cache, "new@acme", &pw, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_getpwnam(cache, "new@emea.acme", &pw, buf, sizeof(buf)), -ENOENT);
	b2b_live_store_org(fixture.lives[FIXTURE_ACME], B2B_LIVE_OPEN, false);
	b2b_live_beat(fixture.lives[FIXTURE_ACME], b2b_now_ns() - 6 * B2B_NS_PER_S);
	assert_int_equal(b2b_cache_getpwnam(cache, "new@acme", &pw, buf, sizeof(buf)), -ENOENT);
	b2b_live_beat(fixture.lives[FIXTURE_ACME], b2b_now_ns() + 60 * B2B_NS_PER_S);
	assert_int_equal(b2b_cache_getpwnam(cache, "new@acme", &pw, buf, sizeof(buf)), -ENOENT);
}

static void groups_of_every_kind_resolve(void **state)
{
	struct group gr;
	char buf[512];

	(void)state;
	assert_int_equal(b2b_cache_getgrnam(cache, "dba@acme", &gr, buf, sizeof(buf)), 0);
	assert_int_equal(gr.gr_gid, FIXTURE_LO(FIXTURE_ACME) + 100);
	assert_string_equal(gr.gr_mem[0], "alice@acme");
	assert_string_equal(gr.gr_mem[1], "carol@acme");
	assert_null(gr.gr_mem[2]);
	assert_int_equal(b2b_cache_getgrnam(cache, "Members@globex", &gr, buf, sizeof(buf)), 0);
	assert_int_equal(gr.gr_gid, FIXTURE_LO(FIXTURE_GLOBEX));
	assert_string_equal(gr.gr_mem[0], "erin@globex");
	assert_string_equal(gr.gr_mem[1], "grace@globex");
	assert_null(gr.gr_mem[2]);
	assert_int_equal(b2b_cache_getgrgid(cache, FIXTURE_LO(FIXTURE_APAC), &gr, buf, sizeof(buf)), 0);
	assert_string_equal(gr.gr_name, "members@apac.acme");
	assert_int_equal(b2b_cache_getgrgid(cache, FIXTURE_LO(FIXTURE_ACME) + 1, &gr, buf, sizeof(buf)), 0);
	assert_string_equal(gr.gr_name, "alice@acme");
	assert_null(gr.gr_mem[0]);
	assert_int_equal(b2b_cache_getgrnam(cache, "Partners", &gr, buf, sizeof(buf)), 0);
	assert_int_equal(gr.gr_gid, B2B_PARTNERS_GID);
	assert_int_equal(b2b_cache_getgrgid(cache, B2B_PARTNERS_GID, &gr, buf, sizeof(buf)), 0);
	assert_string_equal(gr.gr_name, "partners");
	assert_null(gr.gr_mem[0]);
}

static void initgroups_is_delegation_cut_to_the_grant(void **state)
{
	struct gids alice = { .n = 0 }, erin = { .n = 0 };

	(void)state;
	assert_int_equal(b2b_cache_initgroups(cache, "alice@acme", add_gid, &alice), 0);
	assert_int_equal(alice.n, 7);
	assert_true(has_gid(&alice, FIXTURE_LO(FIXTURE_ACME)) && has_gid(&alice, B2B_PARTNERS_GID));
	assert_true(has_gid(&alice, FIXTURE_LO(FIXTURE_ACME) + 100) && has_gid(&alice, FIXTURE_LO(FIXTURE_ACME) + 101));
	assert_true(has_gid(&alice, 5000) && has_gid(&alice, 5001) && has_gid(&alice, 5002));
	assert_int_equal(b2b_cache_initgroups(cache, "erin@globex", add_gid, &erin), 0);
	assert_int_equal(erin.n, 5);
	assert_true(has_gid(&erin, 5000) && has_gid(&erin, 5001) && !has_gid(&erin, 5002));
}

static void store_index(size_t at, const void *bytes, size_t size)
{
	char path[SCRATCH_SIZE];
	int fd;

	scratch_path(path, fixture.dir, "index");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, bytes, size, (off_t)at), size);
	close(fd);
}

/* As a hole in the file, or a disk that lost a block, would grant it. */
static void a_damaged_role_grants_no_group_of_root(void **state)
{
	const uint32_t zero[2] = { 0, 0 };
	struct gids alice = { .n = 0 };
	char path[SCRATCH_SIZE];
	struct b2b_format_index header;
	int fd;

	(void)state;
	scratch_path(path, fixture.dir, "index");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
	close(fd);
	store_index(header.roles_at + offsetof(struct b2b_format_role, gids), zero, sizeof(zero));
	assert_int_equal(b2b_cache_initgroups(cache, "alice@acme", add_gid, &alice), -ENODATA);
	assert_false(has_gid(&alice, 0));
}

/* Everybody is in the group `partners`: it must not become the id of sudo, or of root. */
static void a_damaged_index_makes_partners_no_local_group(void **state)
{
	const uint32_t gids[] = { 0, 27, B2B_GID_FIRST - 1, B2B_RANGE_LAST + 1 };
	struct gids alice = { .n = 0 };
	struct b2b_cache *fresh;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(gids) / sizeof(gids[0]); i++) {
		store_index(offsetof(struct b2b_format_index, partners_gid), &gids[i], sizeof(gids[i]));
		assert_int_equal(b2b_cache_new(fixture.dir, &fresh), 0);
		assert_int_equal(b2b_cache_initgroups(fresh, "alice@acme", add_gid, &alice), -ENODATA);
		assert_int_equal(alice.n, 0);
		b2b_cache_free(fresh);
	}
}

static void expect_closed(const char *name)
{
	struct gids gids = { .n = 0 };
	struct passwd pw;
	char buf[512];

	assert_int_equal(b2b_cache_getpwnam(cache, name, &pw, buf, sizeof(buf)), 0);
	assert_string_equal(pw.pw_shell, "/usr/sbin/nologin");
	assert_int_equal(b2b_cache_initgroups(cache, name, add_gid, &gids), 0);
	assert_int_equal(gids.n, 0);
}

static void expect_open(const char *name)
{
	struct passwd pw;
	char buf[512];

	assert_int_equal(b2b_cache_getpwnam(cache, name, &pw, buf, sizeof(buf)), 0);
	assert_string_equal(pw.pw_shell, "/bin/bash");
}

static void a_word_closes_at_once(void **state)
{
	static const enum b2b_live_state closing[] = { B2B_LIVE_CLOSED, B2B_LIVE_EMPTY, 7 };
	struct group gr;
	char buf[512];

	(void)state;
	for (size_t i = 0; i < sizeof(closing) / sizeof(closing[0]); i++) {
		expect_open("alice@acme");
		b2b_live_store(fixture.lives[FIXTURE_ACME], FIXTURE_LO(FIXTURE_ACME) + 1, closing[i], true);
		expect_closed("alice@acme");
		expect_open("carol@acme");
		assert_int_equal(b2b_cache_getgrnam(cache, "dba@acme", &gr, buf, sizeof(buf)), 0);
		assert_string_equal(gr.gr_mem[0], "carol@acme");
		assert_null(gr.gr_mem[1]);
		b2b_live_store(fixture.lives[FIXTURE_ACME], FIXTURE_LO(FIXTURE_ACME) + 1, B2B_LIVE_OPEN, false);
	}
}

static void an_organisation_closes_with_all_below(void **state)
{
	struct group gr;
	char buf[512];

	(void)state;
	expect_open("bob@emea.acme");
	b2b_live_store_org(fixture.lives[FIXTURE_ACME], B2B_LIVE_CLOSED, true);
	expect_closed("alice@acme");
	expect_closed("bob@emea.acme");
	expect_closed("heidi@apac.acme");
	expect_open("erin@globex");
	assert_int_equal(b2b_cache_getgrnam(cache, "members@acme", &gr, buf, sizeof(buf)), 0);
	assert_null(gr.gr_mem[0]);
	b2b_live_store_org(fixture.lives[FIXTURE_ACME], B2B_LIVE_OPEN, false);
	b2b_live_store_org(fixture.lives[FIXTURE_EMEA], B2B_LIVE_CLOSED, true);
	expect_closed("bob@emea.acme");
	expect_open("alice@acme");
}

/* Every size from nothing to the first that fits: -ERANGE and nothing changed, then the right answer. */
static void every_buffer_size_is_refused_or_right(void **state)
{
	struct passwd pw, pw_before;
	struct group gr, gr_before;
	size_t size;
	int r;

	(void)state;
	memset(&pw_before, 0x5a, sizeof(pw_before));
	memset(&gr_before, 0x5a, sizeof(gr_before));
	for (size = 0, r = -ERANGE; r == -ERANGE; size++) {
		char *buf = malloc(size ? size : 1);

		pw = pw_before;
		r = b2b_cache_getpwnam(cache, "alice@acme", &pw, buf, size);
		if (r == -ERANGE)
			assert_memory_equal(&pw, &pw_before, sizeof(pw));
		else
			assert_string_equal(pw.pw_shell, "/bin/bash");
		free(buf);
	}
	assert_int_equal(r, 0);
	assert_int_equal(size - 1, sizeof("alice@acme") + sizeof("*") + sizeof("Alice Example") + sizeof("/home/acme/alice") + sizeof("/bin/bash"));
	for (size = 0, r = -ERANGE; r == -ERANGE; size++) {
		char *buf = malloc(size ? size : 1);

		gr = gr_before;
		r = b2b_cache_getgrnam(cache, "dba@acme", &gr, buf, size);
		if (r == -ERANGE)
			assert_memory_equal(&gr, &gr_before, sizeof(gr));
		else
			assert_string_equal(gr.gr_mem[1], "carol@acme");
		free(buf);
	}
	assert_int_equal(r, 0);
}

static void a_new_snapshot_shows_at_the_next_look_up(void **state)
{
	struct b2b_snapshot_user user = { .local = "new", .uid = FIXTURE_LO(FIXTURE_ACME) + 7, .shell = 1 };
	struct b2b_snapshot_builder *builder;
	struct passwd pw;
	char buf[512];

	(void)state;
	expect_open("alice@acme");
	for (int i = 0; i < 50; i++) {
		builder = fixture_builder(&fixture, FIXTURE_ACME, i % 2);
		assert_int_equal(b2b_snapshot_add_user(builder, &user), 0);
		fixture_publish(&fixture, FIXTURE_ACME, builder);
		b2b_snapshot_free(builder);
		assert_int_equal(b2b_cache_getpwnam(cache, "alice@acme", &pw, buf, sizeof(buf)), i % 2 ? 0 : -ESRCH);
		expect_closed("new@acme"); /* its word was never stored */
	}
	b2b_live_store(fixture.lives[FIXTURE_ACME], user.uid, B2B_LIVE_OPEN, false);
	assert_int_equal(b2b_cache_getpwnam(cache, "new@acme", &pw, buf, sizeof(buf)), 0);
	assert_string_equal(pw.pw_shell, "/bin/sh");
	assert_string_equal(pw.pw_gecos, "");
}

static void a_new_policy_shows_at_the_next_look_up(void **state)
{
	struct gids gids = { .n = 0 };
	struct passwd pw;
	struct group gr;
	char buf[512];

	(void)state;
	expect_open("alice@acme");
	fixture.policy->orgs[FIXTURE_ACME].roles = 0;
	fixture.policy->group_members = false;
	snprintf(fixture.policy->home, sizeof(fixture.policy->home), "/srv/%%u.%%o/100%%%%");
	assert_int_equal(b2b_index_write(fixture.dir, fixture.policy), 0);
	assert_int_equal(b2b_cache_getpwnam(cache, "alice@acme", &pw, buf, sizeof(buf)), 0);
	assert_string_equal(pw.pw_dir, "/srv/alice.acme/100%");
	assert_int_equal(b2b_cache_initgroups(cache, "alice@acme", add_gid, &gids), 0);
	assert_int_equal(gids.n, 4);
	assert_int_equal(b2b_cache_getgrnam(cache, "dba@acme", &gr, buf, sizeof(buf)), 0);
	assert_null(gr.gr_mem[0]);
	fixture.policy->separator = '+';
	assert_int_equal(b2b_index_write(fixture.dir, fixture.policy), 0);
	assert_int_equal(b2b_cache_getpwnam(cache, "alice@acme", &pw, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_getpwnam(cache, "alice+acme", &pw, buf, sizeof(buf)), 0);
	assert_string_equal(pw.pw_name, "alice+acme");
}

static void expect_newcomer_home(const char *home)
{
	size_t need = sizeof("new@acme") + sizeof("*") + sizeof("") + strlen(home) + 1 + sizeof("/bin/bash");
	struct passwd pw, untouched = { .pw_uid = 7 };
	char buf[512];

	assert_int_equal(b2b_cache_newcomer(cache, "new@acme", FIXTURE_LO(FIXTURE_ACME) + 40, &pw, buf, need), 0);
	assert_string_equal(pw.pw_dir, home);
	assert_string_equal(pw.pw_shell, "/bin/bash");
	assert_int_equal(b2b_cache_newcomer(cache, "new@acme", FIXTURE_LO(FIXTURE_ACME) + 40, &untouched, buf, need - 1), -ERANGE);
	assert_int_equal(untouched.pw_uid, 7);
}

static void a_home_has_the_name_wherever_the_template_has_it(void **state)
{
	static const struct {
		const char *template, *home, *newcomer;
	} homes[] = {
		{ "/srv/%u", "/srv/alice", "/srv/new" },
		{ "/srv/%u/%o/%u-%u/home", "/srv/alice/acme/alice-alice/home", "/srv/new/acme/new-new/home" },
		{ "/%u%u%o", "/alicealiceacme", "/newnewacme" },
		{ "/srv/%o", "/srv/acme", "/srv/acme" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(homes) / sizeof(homes[0]); i++) {
		size_t need = sizeof("alice@acme") + sizeof("*") + sizeof("Alice Example") + strlen(homes[i].home) + 1 + sizeof("/bin/bash");
		struct passwd pw;
		char buf[512];

		snprintf(fixture.policy->home, sizeof(fixture.policy->home), "%s", homes[i].template);
		assert_int_equal(b2b_index_write(fixture.dir, fixture.policy), 0);
		/* With room behind the answer, and without. */
		for (size_t len = sizeof(buf); len >= need; len = len > need ? need : 0) {
			assert_int_equal(b2b_cache_getpwnam(cache, "alice@acme", &pw, buf, len), 0);
			assert_string_equal(pw.pw_dir, homes[i].home);
			assert_string_equal(pw.pw_shell, "/bin/bash");
		}
		assert_int_equal(b2b_cache_getpwnam(cache, "alice@acme", &pw, buf, need - 1), -ERANGE);
		expect_newcomer_home(homes[i].newcomer);
	}
}

static void enumeration_is_complete_and_only_where_root_wants_it(void **state)
{
	static const char *const users[] = { "alice@acme", "carol@acme", "dave@acme", "heidi@apac.acme", "bob@emea.acme", "erin@globex", "grace@globex" };
	uint64_t cursor = 0;
	size_t n_groups = 0;
	struct passwd pw;
	struct group gr;
	char buf[512];

	(void)state;
	assert_int_equal(b2b_cache_nextpw(cache, &cursor, &pw, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(b2b_cache_nextgr(cache, &cursor, &gr, buf, sizeof(buf)), -ENOENT);
	fixture.policy->enumerate = true;
	assert_int_equal(b2b_index_write(fixture.dir, fixture.policy), 0);
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		uint64_t before = cursor;

		assert_int_equal(b2b_cache_nextpw(cache, &cursor, &pw, buf, 5), -ERANGE);
		assert_int_equal(cursor, before);
		assert_int_equal(b2b_cache_nextpw(cache, &cursor, &pw, buf, sizeof(buf)), 0);
		assert_string_equal(pw.pw_name, users[i]);
	}
	assert_int_equal(b2b_cache_nextpw(cache, &cursor, &pw, buf, sizeof(buf)), -ENOENT);
	cursor = 0;
	for (;;) {
		int r = b2b_cache_nextgr(cache, &cursor, &gr, buf, sizeof(buf));

		if (r == -ENOENT)
			break;
		assert_int_equal(r, 0);
		n_groups++;
	}
	assert_string_equal(gr.gr_name, "partners");
	assert_int_equal(n_groups, 4 /* members */ + 7 /* private */ + 3 + 1);
}

/* No descriptor is free: that is said, and nobody is left out of the list for it. */
static void an_enumeration_that_lacks_descriptors_says_so(void **state)
{
	struct rlimit before, none = { .rlim_cur = 0 };
	struct passwd pw;
	struct group gr;
	uint64_t people = 0, groups = 1; /* behind acme's `members` */
	char buf[512];

	(void)state;
	fixture.policy->enumerate = true;
	assert_int_equal(b2b_index_write(fixture.dir, fixture.policy), 0);
	assert_int_equal(b2b_cache_ours(cache, "alice@acme"), 1); /* the index is mapped */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(b2b_cache_nextpw(cache, &people, &pw, buf, sizeof(buf)), -EMFILE);
	assert_int_equal(b2b_cache_nextgr(cache, &groups, &gr, buf, sizeof(buf)), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(people, 0);
	assert_int_equal(groups, 1);
	assert_int_equal(b2b_cache_nextpw(cache, &people, &pw, buf, sizeof(buf)), 0);
	assert_string_equal(pw.pw_name, "alice@acme");
	assert_int_equal(b2b_cache_nextgr(cache, &groups, &gr, buf, sizeof(buf)), 0);
	assert_string_equal(gr.gr_name, "alice@acme");
}

static void standing_tells_each_reason(void **state)
{
	struct b2b_standing before, now;

	(void)state;
	assert_int_equal(b2b_cache_standing(cache, "Bob@EMEA.acme", "sshd", &before), 0);
	assert_string_equal(before.name, "bob@emea.acme");
	assert_string_equal(before.alias, "emea.acme");
	assert_string_equal(before.org_id, "7be10a");
	assert_int_equal(before.uid, FIXTURE_LO(FIXTURE_EMEA) + 1);
	assert_true(before.user_open && before.org_open && before.service_granted && before.agent_alive && before.lease_valid);
	/* A suspension that was taken back meanwhile is still seen. */
	b2b_live_store_org(fixture.lives[FIXTURE_ACME], B2B_LIVE_CLOSED, true);
	b2b_live_store_org(fixture.lives[FIXTURE_ACME], B2B_LIVE_OPEN, false);
	b2b_live_store(fixture.lives[FIXTURE_EMEA], before.uid, B2B_LIVE_CLOSED, true);
	b2b_live_verified(fixture.lives[FIXTURE_EMEA], b2b_now_ns() - 301 * B2B_NS_PER_S);
	b2b_live_beat(fixture.lives[FIXTURE_EMEA], b2b_now_ns() - 6 * B2B_NS_PER_S);
	assert_int_equal(b2b_cache_standing(cache, "bob@emea.acme", "sshd", &now), 0);
	assert_true(now.org_words != before.org_words && now.word != before.word);
	assert_true(!now.user_open && now.org_open && !now.agent_alive && !now.lease_valid);
	assert_int_equal(b2b_cache_standing(cache, "erin@globex", "sudo", &now), 0);
	assert_false(now.service_granted);
	assert_true(now.lease_valid);
	b2b_live_verified(fixture.lives[FIXTURE_GLOBEX], b2b_now_ns() - 121 * B2B_NS_PER_S);
	assert_int_equal(b2b_cache_standing(cache, "erin@globex", "sudo", &now), 0);
	assert_false(now.lease_valid);
	assert_int_equal(b2b_cache_standing(cache, "erin@globex", "cron", &now), 0);
	assert_true(!now.service_granted && !now.lease_valid);
	assert_int_equal(b2b_cache_standing(cache, "root", "sshd", &now), -ENOENT);
	assert_int_equal(b2b_cache_standing(cache, "dba@acme", "sshd", &now), -ENOENT);
}

/* As the agent does every second, only without a pause. Ends with its parent. */
static pid_t beat_without_pause(struct b2b_live *live)
{
	pid_t parent = getpid(), child = fork();

	assert_true(child >= 0);
	if (child > 0)
		return child;
	while (getppid() == parent) {
		b2b_live_beat(live, b2b_now_ns());
		b2b_live_verified(live, b2b_now_ns());
	}
	_exit(0);
}

static void a_sign_of_life_is_never_taken_for_one_to_come(void **state)
{
	pid_t agent = beat_without_pause(fixture.lives[FIXTURE_GLOBEX]);
	struct b2b_standing standing;
	unsigned looks, dead = 0, stale = 0;

	(void)state;
	for (looks = 0; looks < 2000; looks++) {
		assert_int_equal(b2b_cache_standing(cache, "erin@globex", "sshd", &standing), 0);
		dead += !standing.agent_alive;
		stale += !standing.lease_valid;
	}
	assert_int_equal(kill(agent, SIGKILL), 0);
	assert_int_equal(waitpid(agent, NULL, 0), agent);
	assert_int_equal(dead, 0);
	assert_int_equal(stale, 0);
}

static void times_of_another_boot_mean_nothing(void **state)
{
	struct b2b_standing standing;
	char path[SCRATCH_SIZE];
	FILE *file;

	(void)state;
	scratch_path(path, fixture.dir, "live/9d01f2");
	file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, offsetof(struct b2b_format_live, boot_id), SEEK_SET), 0);
	assert_int_equal(fwrite("another boot id!", 16, 1, file), 1);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(b2b_cache_standing(cache, "erin@globex", "sshd", &standing), 0);
	assert_true(standing.user_open && standing.org_open && !standing.agent_alive && !standing.lease_valid);
}

static void ours_fails_closed(void **state)
{
	struct b2b_cache *nowhere;

	(void)state;
	assert_int_equal(b2b_cache_ours(cache, "Nobody@acme"), 1);
	assert_int_equal(b2b_cache_ours(cache, "alice@elsewhere"), 0);
	assert_int_equal(b2b_cache_ours(cache, "alice"), 0);
	assert_int_equal(b2b_cache_new("/nonexistent", &nowhere), 0);
	assert_int_equal(b2b_cache_ours(nowhere, "alice@elsewhere"), 1);
	assert_int_equal(b2b_cache_ours(nowhere, "alice"), 0);
	b2b_cache_free(nowhere);
}

/* Damages the file at AT and expects look-ups to say so until it is mended. */
static void expect_refused(const char *name, void (*harm)(const char *path), int expected)
{
	struct b2b_cache *fresh;
	char path[SCRATCH_SIZE];
	struct passwd pw;
	char buf[512];

	scratch_path(path, fixture.dir, name);
	harm(path);
	assert_int_equal(b2b_cache_new(fixture.dir, &fresh), 0);
	assert_int_equal(b2b_cache_getpwnam(fresh, "alice@acme", &pw, buf, sizeof(buf)), expected);
	assert_int_equal(b2b_cache_getpwnam(fresh, "root", &pw, buf, sizeof(buf)), -ENOENT);
	b2b_cache_free(fresh);
}

static void group_writable(const char *path)
{
	assert_int_equal(chmod(path, 0664), 0);
}

static void foreign_owner(const char *path)
{
	assert_int_equal(chown(path, 1, 1), 0);
}

static void emptied(const char *path)
{
	assert_int_equal(truncate(path, 0), 0);
}

static void cut(const char *path)
{
	assert_int_equal(truncate(path, 200), 0);
}

static void linked(const char *path)
{
	char other[SCRATCH_SIZE + 8];

	snprintf(other, sizeof(other), "%s.real", path);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
}

static void a_fifo(const char *path)
{
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
}

static void gone(const char *path)
{
	assert_int_equal(unlink(path), 0);
}

static void still_gone(const char *path)
{
	assert_int_equal(access(path, F_OK), -1);
}

static void what_cannot_be_trusted_is_refused(void **state)
{
	static void (*const harms[])(const char *) = { group_writable, foreign_owner, emptied, cut, linked, a_fifo };
	static const char *const files[] = { "index", "live/42c3e9", "org/42c3e9/snapshot" };

	stop(state);
	for (size_t f = 0; f < 3; f++)
		for (size_t h = 0; h < sizeof(harms) / sizeof(harms[0]); h++) {
			fixture_start(&fixture, NULL);
			expect_refused(files[f], harms[h], -ENODATA);
			fixture_stop(&fixture);
		}
	start(state);
	expect_refused(files[0], gone, -ENODATA);
	assert_int_equal(b2b_index_write(fixture.dir, fixture.policy), 0);
	/* what was published and is not there says nothing about anybody; before the first one everybody is a question */
	expect_refused(files[2], gone, -ENODATA);
	b2b_live_set_generation(fixture.lives[FIXTURE_ACME], 0);
	expect_refused(files[2], still_gone, -ESRCH);
	expect_refused(files[1], gone, -ENODATA);
}

static void a_forked_child_goes_on(void **state)
{
	int status;
	pid_t child;

	(void)state;
	expect_open("alice@acme");
	child = fork();
	if (child == 0) {
		struct passwd pw;
		char buf[512];

		for (int i = 0; i < 20; i++) {
			fixture_publish_org(&fixture, FIXTURE_ACME);
			if (b2b_cache_getpwnam(cache, "alice@acme", &pw, buf, sizeof(buf)) < 0)
				_exit(1);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	expect_open("alice@acme");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_user_is_found_by_name_and_uid, start, stop),
		cmocka_unit_test_setup_teardown(what_is_not_there_is_absent, start, stop),
		cmocka_unit_test_setup_teardown(an_absent_name_is_worth_a_question_only_where_it_can_help, start, stop),
		cmocka_unit_test_setup_teardown(groups_of_every_kind_resolve, start, stop),
		cmocka_unit_test_setup_teardown(initgroups_is_delegation_cut_to_the_grant, start, stop),
		cmocka_unit_test_setup_teardown(a_damaged_role_grants_no_group_of_root, start, stop),
		cmocka_unit_test_setup_teardown(a_damaged_index_makes_partners_no_local_group, start, stop),
		cmocka_unit_test_setup_teardown(a_word_closes_at_once, start, stop),
		cmocka_unit_test_setup_teardown(an_organisation_closes_with_all_below, start, stop),
		cmocka_unit_test_setup_teardown(every_buffer_size_is_refused_or_right, start, stop),
		cmocka_unit_test_setup_teardown(a_new_snapshot_shows_at_the_next_look_up, start, stop),
		cmocka_unit_test_setup_teardown(a_new_policy_shows_at_the_next_look_up, start, stop),
		cmocka_unit_test_setup_teardown(a_home_has_the_name_wherever_the_template_has_it, start, stop),
		cmocka_unit_test_setup_teardown(enumeration_is_complete_and_only_where_root_wants_it, start, stop),
		cmocka_unit_test_setup_teardown(an_enumeration_that_lacks_descriptors_says_so, start, stop),
		cmocka_unit_test_setup_teardown(standing_tells_each_reason, start, stop),
		cmocka_unit_test_setup_teardown(a_sign_of_life_is_never_taken_for_one_to_come, start, stop),
		cmocka_unit_test_setup_teardown(times_of_another_boot_mean_nothing, start, stop),
		cmocka_unit_test_setup_teardown(ours_fails_closed, start, stop),
		cmocka_unit_test_setup_teardown(what_cannot_be_trusted_is_refused, start, stop),
		cmocka_unit_test_setup_teardown(a_forked_child_goes_on, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
