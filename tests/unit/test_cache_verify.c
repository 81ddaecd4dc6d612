/* b2bctl cache verify: a good cache is sound, and every kind of damage is found, named, and told apart from what is harmless. */
#include <err.h>
#include <fcntl.h>
#include <grp.h>
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

#include "b2bctl/ctl.h"
#include "common/cache_format.h"
#include "common/clock.h"
#include "common/index.h"
#include "tests/support/ctl_run.h"
#include "tests/support/fixture.h"
#include "tests/support/machine.h"
#include "tests/support/scratch.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LIVE "live/42c3e9"
#define SNAPSHOT "org/42c3e9/snapshot"

static struct fixture fixture;

static int start(void **state)
{
	(void)state;
	fixture_start(&fixture, NULL);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fixture_stop(&fixture);
	return 0;
}

static struct ctl_result verify(void)
{
	return CTL_RUN((char *)"cache", (char *)"verify", (char *)"--dir", fixture.dir);
}

static int open_file(const char *name)
{
	char path[SCRATCH_SIZE];
	int fd;

	scratch_path(path, fixture.dir, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static void poke(const char *name, size_t at, const void *bytes, size_t size)
{
	int fd = open_file(name);

	assert_int_equal(pwrite(fd, bytes, size, (off_t)at), size);
	close(fd);
}

static void poke32(const char *name, size_t at, uint32_t value)
{
	poke(name, at, &value, sizeof(value));
}

/* A number of 32 bits in the file. */
static uint32_t peek32(const char *name, size_t at)
{
	uint32_t value = 0;
	int fd = open_file(name);

	assert_int_equal(pread(fd, &value, sizeof(value), (off_t)at), sizeof(value));
	close(fd);
	return value;
}

static void a_good_cache_is_sound(void **state)
{
	struct ctl_result result = verify();

	(void)state;
	assert_string_equal(result.out, "The cache is sound.\n");
	assert_string_equal(result.err, "");
	assert_int_equal(result.code, B2B_CTL_OK);
	ctl_result_free(&result);
	/* Words closed, people and groups gone, a suspension: all of that is sound. */
	b2b_live_store(fixture.lives[FIXTURE_ACME], FIXTURE_LO(FIXTURE_ACME) + 1, B2B_LIVE_CLOSED, true);
	b2b_live_store(fixture.lives[FIXTURE_ACME], FIXTURE_LO(FIXTURE_ACME) + 77, B2B_LIVE_CLOSED, true);
	b2b_live_store_org(fixture.lives[FIXTURE_GLOBEX], B2B_LIVE_CLOSED, true);
	fixture_publish_org(&fixture, FIXTURE_ACME);
	assert_int_equal(b2b_index_write(fixture.dir, fixture.policy), 0);
	result = verify();
	assert_string_equal(result.out, "The cache is sound.\n");
	ctl_result_free(&result);
}

static void every_visibility_can_be_sound(void **state)
{
	(void)state;
	for (enum b2b_visibility visibility = B2B_VISIBLE_ORGANISATION; visibility <= B2B_VISIBLE_EVERYONE; visibility++) {
		struct ctl_result result;

		fixture_stop(&fixture);
		fixture_start_visible(&fixture, NULL, visibility);
		result = verify();
		assert_string_equal(result.out, "The cache is sound.\n");
		ctl_result_free(&result);
	}
}

/* ---- damage of every kind ---- */

static void path_of(char path[SCRATCH_SIZE], const char *name)
{
	scratch_path(path, fixture.dir, name);
}

static void mode_of(const char *name, unsigned mode)
{
	char path[SCRATCH_SIZE];

	path_of(path, name);
	assert_int_equal(chmod(path, mode), 0);
}

static void owner_of(const char *name, uid_t uid, gid_t gid)
{
	char path[SCRATCH_SIZE];

	path_of(path, name);
	assert_int_equal(chown(path, uid, gid), 0);
}

static void lose(const char *name)
{
	char path[SCRATCH_SIZE];

	path_of(path, name);
	assert_int_equal(unlink(path), 0);
}

static void put(const char *name)
{
	char path[SCRATCH_SIZE];

	path_of(path, name);
	scratch_write(path, "x", 1, 0644);
}

static void cut(const char *name, off_t size)
{
	char path[SCRATCH_SIZE];

	path_of(path, name);
	assert_int_equal(truncate(path, size), 0);
}

static void point(const char *name)
{
	char path[SCRATCH_SIZE];

	path_of(path, name);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
}

static size_t org_at(int org)
{
	return peek32("index", offsetof(struct b2b_format_index, orgs_at)) + (size_t)org * sizeof(struct b2b_format_org);
}

static void no_index(void) { lose("index"); }
static void index_cut(void) { cut("index", 100); }
static void index_of_anybody(void) { owner_of("index", 1, 0); }
static void index_writable(void) { mode_of("index", 0666); }
static void index_a_link(void) { point("index"); }
static void index_newer(void) { poke("index", 12, (uint16_t[]){ B2B_FORMAT_VERSION + 1, B2B_FORMAT_VERSION + 1 }, 4); }
static void index_superseded(void) { poke32("index", offsetof(struct b2b_format_index, superseded), 1); }
static void index_old(void) { put("index.old"); }
static void a_loop(void) { poke32("index", org_at(FIXTURE_ACME) + offsetof(struct b2b_format_org, parent), FIXTURE_EMEA); }
static void an_overlap(void) { poke32("index", org_at(FIXTURE_ACME) + offsetof(struct b2b_format_org, range_hi), FIXTURE_LO(FIXTURE_APAC) + 5); }
static void no_hash(void) { poke32("index", peek32("index", 76) + 4, 3); }
static void ranges_wrong(void) { poke32("index", peek32("index", 80) + 8, 3); }
static void no_live(void) { lose(LIVE); }
static void live_cut(void) { cut(LIVE, 5000); }
static void live_a_link(void) { point(LIVE); }
static void live_of_anybody(void) { owner_of(LIVE, 1, (gid_t)-1); }
static void live_group(void) { owner_of(LIVE, (uid_t)-1, 0); }
static void live_open(void) { mode_of(LIVE, 0646); }
static void live_closed(void) { mode_of(LIVE, 0600); }
static void live_newer(void) { poke(LIVE, 12, (uint16_t[]){ B2B_FORMAT_VERSION + 1, B2B_FORMAT_VERSION + 1 }, 4); }
static void live_of_another(void) { poke(LIVE, offsetof(struct b2b_format_live, org_id), "9d01f2", 6); }
static void a_word_unknown(void) { poke32(LIVE, B2B_LIVE_WORDS_AT + 8, 7); }
static void first_word(void) { poke32(LIVE, B2B_LIVE_WORDS_AT, 1); }
static void a_groups_word(void) { poke32(LIVE, B2B_LIVE_WORDS_AT + 400, 1); }
static void beats_tomorrow(void) { b2b_live_beat(fixture.lives[FIXTURE_ACME], b2b_now_ns() + 3600 * B2B_NS_PER_S); }
static void lease_tomorrow(void) { b2b_live_verified(fixture.lives[FIXTURE_ACME], b2b_now_ns() + 3600 * B2B_NS_PER_S); }
static void announced_is_lost(void) { b2b_live_set_generation(fixture.lives[FIXTURE_ACME], 99); }
static void no_snapshot(void) { lose(SNAPSHOT); }
static void snapshot_cut(void) { cut(SNAPSHOT, 400); }
static void snapshot_empty(void) { cut(SNAPSHOT, 0); }
static void snapshot_of_anybody(void) { owner_of(SNAPSHOT, 1, 1); }
static void snapshot_newer(void) { poke(SNAPSHOT, 12, (uint16_t[]){ B2B_FORMAT_VERSION + 1, B2B_FORMAT_VERSION + 1 }, 4); }
static void snapshot_of_another(void) { poke(SNAPSHOT, offsetof(struct b2b_format_snapshot, org_id), "9d01f2", 6); }
static void a_record_wrong(void) { poke(SNAPSHOT, peek32(SNAPSHOT, 148) + 24, "A", 1); }
static void a_roster_wrong(void) { poke(SNAPSHOT, peek32(SNAPSHOT, 172) + 12, "x", 1); }
static void an_id_wrong(void) { poke32(SNAPSHOT, peek32(SNAPSHOT, 144) + 4, 0); }
static void a_list_wrong(void) { poke32(SNAPSHOT, peek32(SNAPSHOT, 148) + 48, 99); } /* alice's second group */
static void a_member_wrong(void) { poke32(SNAPSHOT, peek32(SNAPSHOT, 148) + 56 + 40 + 32 + 32, 99); } /* dba's second member */
static void folder_without_locals(void) { mode_of("org/42c3e9", 0750); }
static void folder_of_anybody(void) { owner_of("org/42c3e9", 1, (gid_t)-1); }
static void folder_shut(void) { mode_of("live", 0700); }
static void folder_written(void) { mode_of("org", 0777); }

static const struct damage {
	void (*harm)(void);
	const char *told; /* how its line begins */
} damages[] = {
	{ no_index, "fault: index: it is not there; b2bctl policy apply" },
	{ index_cut, "fault: index at byte 100: the file ends within its header" },
	{ index_of_anybody, "fault: index: its owner is not root" },
	{ index_writable, "fault: index: others than root may write it" },
	{ index_a_link, "fault: index at byte 0: it is a symbolic link" },
	{ index_newer, "fault: index at byte 14: min_reader: a newer version made it" },
	{ index_superseded, "fault: index at byte 40: superseded" },
	{ index_old, "fault: index.old: a crash left it" },
	{ a_loop, "fault: index at byte 256: organisation: its parents are a loop" },
	{ an_overlap, "fault: index at byte 392: organisation: its range overlaps another's" },
	{ no_hash, "fault: index at byte 164: hash: the table of aliases" },
	{ ranges_wrong, "fault: index at byte 200: ranges: " },
	{ no_live, "fault: " LIVE ": it is not there; restart b2bd" },
	{ live_cut, "fault: " LIVE " at byte 16: size: " },
	{ live_a_link, "fault: " LIVE " at byte 0: it is a symbolic link" },
	{ live_of_anybody, "fault: " LIVE ": its owner is not root" },
	{ live_group, "fault: " LIVE ": group, mode or ACL" },
	{ live_open, "fault: " LIVE ": others than root may write it" },
	{ live_closed, "fault: " LIVE ": group, mode or ACL" },
	{ live_newer, "fault: " LIVE " at byte 14: min_reader: a newer version made it, and this one cannot read it; install the newer b2b again" },
	{ live_of_another, "fault: " LIVE " at byte 40: org_id" },
	{ a_word_unknown, "fault: " LIVE " at byte 4104: word: a state that nobody stores" },
	{ first_word, "fault: " LIVE " at byte 4096: word: the first id" },
	{ a_groups_word, "fault: " LIVE " at byte 4496: word: the id is a group's" },
	{ beats_tomorrow, "fault: " LIVE " at byte 192: heartbeat: it is to come yet" },
	{ lease_tomorrow, "fault: " LIVE " at byte 200: lease: it is to come yet" },
	{ announced_is_lost, "fault: " SNAPSHOT " at byte 24: generation: an older one than was announced" },
	{ no_snapshot, "fault: " SNAPSHOT ": it is not there, although one was announced" },
	{ snapshot_cut, "fault: " SNAPSHOT " at byte 16: size: " },
	{ snapshot_empty, "fault: " SNAPSHOT " at byte 0: the file ends within its header" },
	{ snapshot_of_anybody, "fault: " SNAPSHOT ": its owner is not root" },
	{ snapshot_newer, "fault: " SNAPSHOT " at byte 14: min_reader" },
	{ snapshot_of_another, "fault: " SNAPSHOT " at byte 40: org_id" },
	{ a_record_wrong, "fault: " SNAPSHOT " at byte 728: record: its name or its display name" },
	{ a_roster_wrong, "fault: " SNAPSHOT " at byte 964: rosters: not the names" },
	{ an_id_wrong, "fault: " SNAPSHOT " at byte 324: ids: an id that does not lead to its record" },
	{ a_list_wrong, "fault: " SNAPSHOT " at byte 772: lists: one that does not ascend" },
	{ a_member_wrong, "fault: " SNAPSHOT " at byte 888: lists: a member that is no user" },
	{ folder_without_locals, "fault: org/42c3e9: group, mode or ACL" },
	{ folder_of_anybody, "fault: org/42c3e9: its owner is not root" },
	{ folder_shut, "fault: live: not everybody may pass through it" },
	{ folder_written, "fault: org: others than root may write it" },
};

static bool a_line_begins(const char *text, const char *beginning)
{
	for (; *text; text += strcspn(text, "\n") + 1)
		if (strncmp(text, beginning, strlen(beginning)) == 0)
			return true;
	return false;
}

static void every_kind_of_damage_is_named(void **state)
{
	for (size_t i = 0; i < COUNT(damages); i++) {
		struct ctl_result result;

		damages[i].harm();
		result = verify();
		if (result.code != B2B_CTL_FAILED || !a_line_begins(result.out, damages[i].told))
			fail_msg("expected \"%s\", found (%d)\n%s", damages[i].told, result.code, result.out);
		ctl_result_free(&result);
		stop(state);
		start(state);
	}
}

static void left_index(void) { put(".index.new"); }
static void left_live(void) { put("live/.new-42c3e9"); }
static void left_snapshot(void) { put("org/42c3e9/.snapshot.new"); }
static void somebodys(void) { put("org/42c3e9/notes"); }
static void open_for_nobody(void) { b2b_live_store(fixture.lives[FIXTURE_ACME], FIXTURE_LO(FIXTURE_ACME) + 50, B2B_LIVE_OPEN, false); }
static void never_stored(void) { poke32(LIVE, B2B_LIVE_WORDS_AT + 4, 0); }
static void not_announced(void) { b2b_live_set_generation(fixture.lives[FIXTURE_ACME], 0); }
static void index_of_next(void) { poke("index", 12, &(uint16_t){ B2B_FORMAT_VERSION + 1 }, 2); }
static void live_of_next(void) { poke(LIVE, 12, &(uint16_t){ B2B_FORMAT_VERSION + 1 }, 2); }
static void snapshot_of_next(void) { poke(SNAPSHOT, 12, &(uint16_t){ B2B_FORMAT_VERSION + 1 }, 2); }

static void without_section(void)
{
	fixture.policy->n_orgs--;
	assert_int_equal(b2b_index_write(fixture.dir, fixture.policy), 0);
	fixture.policy->n_orgs++;
}

static const struct damage oddities[] = {
	{ left_index, "note: .index.new: half an index" },
	{ left_live, "note: live/.new-42c3e9: half a live file" },
	{ left_snapshot, "note: org/42c3e9/.snapshot.new: half a snapshot" },
	{ somebodys, "note: org/42c3e9/notes: nothing of ours is called so" },
	{ open_for_nobody, "note: " LIVE " at byte 4296: word: open, and nobody has this id" },
	{ never_stored, "note: " LIVE " at byte 4100: word: that of a person is empty" },
	{ not_announced, "note: " SNAPSHOT " at byte 24: generation: a newer one" },
	{ index_of_next, "note: index at byte 12: another version made it" },
	{ live_of_next, "note: " LIVE " at byte 12: another version made it" },
	{ snapshot_of_next, "note: " SNAPSHOT " at byte 12: another version made it" },
	{ without_section, "note: org/9d01f2: people of an organisation that has no section" },
};

static void what_is_harmless_is_noted_and_sound(void **state)
{
	for (size_t i = 0; i < COUNT(oddities); i++) {
		struct ctl_result result;

		oddities[i].harm();
		result = verify();
		if (result.code != B2B_CTL_OK || !a_line_begins(result.out, oddities[i].told) || !strstr(result.out, "The cache is sound.\n"))
			fail_msg("expected \"%s\", found (%d)\n%s", oddities[i].told, result.code, result.out);
		ctl_result_free(&result);
		stop(state);
		start(state);
	}
}

/* ---- every byte ---- */

/* A byte whose change makes another cache that is right: what it says is for nobody but its maker to know. */
struct free_bytes {
	const char *name;
	size_t at, size;
};

static bool is_free(const struct free_bytes *list, size_t n, size_t at)
{
	for (size_t i = 0; i < n; i++)
		if (at >= list[i].at && at < list[i].at + list[i].size)
			return true;
	return false;
}

/* Flips bits of each byte that is not free, of those at FROM..TO; each must be found. */
static void expect_found(const char *name, size_t from, size_t to, const struct free_bytes *list, size_t n)
{
	static const unsigned char flips[] = { 0x01, 0x80, 0xff };
	int fd = open_file(name);

	for (size_t at = from; at < to; at++)
		for (size_t f = 0; f < COUNT(flips) && !is_free(list, n, at); f++) {
			unsigned char before, after;
			struct ctl_result result;

			assert_int_equal(pread(fd, &before, 1, (off_t)at), 1);
			after = before ^ flips[f];
			assert_int_equal(pwrite(fd, &after, 1, (off_t)at), 1);
			result = verify();
			if (strcmp(result.out, "The cache is sound.\n") == 0)
				fail_msg("%s: byte %zu ^ 0x%x was not found", name, at, flips[f]);
			ctl_result_free(&result);
			assert_int_equal(pwrite(fd, &before, 1, (off_t)at), 1);
		}
	close(fd);
}

static size_t size_of(const char *name)
{
	char path[SCRATCH_SIZE];
	struct stat st;

	path_of(path, name);
	assert_int_equal(stat(path, &st), 0);
	return (size_t)st.st_size;
}

/* Another policy than root compiled, as right as his: cache verify tells by the configuration, not by the file. */
static void each_byte_of_the_index_counts(void **state)
{
	size_t roles = peek32("index", 84), services = peek32("index", 88), shells = peek32("index", 92);
	struct free_bytes list[64] = {
		{ "generation: any is one", 24, 8 },
		{ "reserved: seconds of grace, what becomes of what was left behind", 36, 3 },
		{ "enumerate, group_members: yes or no", 50, 2 },
		{ "home: the letters of a path", 97, strlen(fixture.policy->home) },
		{ "shells: the letters of a path", shells + 1, 63 },
		{ "shells: the letters of a path", shells + 64 + 1, 63 },
	};
	size_t n = 6;

	(void)state;
	for (int i = 0; i < 2; i++) {
		list[n++] = (struct free_bytes){ "role: its name and gids", roles + (size_t)i * 104, 100 };
		list[n++] = (struct free_bytes){ "service: its name, methods, assurance, whether a key suffices", services + (size_t)i * 48, 38 };
		list[n++] = (struct free_bytes){ "service: its times", services + (size_t)i * 48 + 40, 8 };
	}
	for (int org = 0; org < FIXTURE_ORGS; org++) {
		list[n++] = (struct free_bytes){ "organisation: session, roles and services", org_at(org) + 116, 20 };
		list[n++] = (struct free_bytes){ "organisation: the letters of its alias", org_at(org), strlen(fixture.policy->orgs[org].alias) };
	}
	expect_found("index", 0, size_of("index"), list, n);
}

static void each_byte_of_a_live_header_counts(void **state)
{
	static const struct free_bytes list[] = {
		{ "the organisation's word: whatever state and epoch were stored last", 128, 4 },
		{ "changes: whatever number was stored last", 144, 4 },
		{ "heartbeat and lease: any time that has been", 192, 16 },
		{ "boot id: of another boot the times mean nothing", 208, 16 },
	};

	(void)state;
	expect_found(LIVE, 0, sizeof(struct b2b_format_live), list, COUNT(list));
	expect_found(LIVE, 224, 232, NULL, 0);
	expect_found(LIVE, 2048, 2050, NULL, 0);
	expect_found(LIVE, 4088, 4096, NULL, 0);
	expect_found(LIVE, 4096, 4100, NULL, 0);
	expect_found(LIVE, 4096 + 400, 4096 + 404, NULL, 0); /* dba's */
}

static void each_byte_of_a_snapshot_counts(void **state)
{
	size_t records = peek32(SNAPSHOT, 148), alice = records, carol = alice + 56, dave = carol + 40;
	const struct free_bytes list[] = {
		{ "alice's roles: those delegated", alice, 8 },
		{ "carol's roles", carol, 8 },
		{ "dave's roles", dave, 8 },
		{ "alice's shell: one of root's", alice + 21, 1 },
		{ "carol's shell", carol + 21, 1 },
		{ "dave's shell", dave + 21, 1 },
		{ "alice's display name", alice + 24 + 5, 13 },
		{ "carol's display name", carol + 24 + 5, 5 },
	};

	(void)state;
	expect_found(SNAPSHOT, 0, size_of(SNAPSHOT), list, COUNT(list));
}

/* ---- who runs it, and how it answers ---- */

static int as_nobody(void *arg)
{
	const char *expected = arg;
	struct ctl_result result;
	bool right;

	if (setgroups(0, NULL) < 0 || setresgid(4242, 4242, 4242) < 0 || setresuid(4242, 4242, 4242) < 0)
		return 1;
	result = verify();
	right = strstr(result.out, expected) && (result.code == B2B_CTL_OK) == (strcmp(expected, "The cache is sound.\n") == 0);
	if (!right)
		fputs(result.out, stderr);
	ctl_result_free(&result);
	return !right;
}

static void whoever_may_read_may_verify(void **state)
{
	(void)state;
	assert_int_equal(machine_child(as_nobody, (void *)(uintptr_t)"The cache is sound.\n"), 0);
	fixture_stop(&fixture);
	fixture_start_visible(&fixture, NULL, B2B_VISIBLE_STRICT);
	assert_int_equal(machine_child(as_nobody, (void *)(uintptr_t)"fault: " LIVE ": this user may not read it, so nobody knows; run it as root\n"), 0);
}

static void json_says_the_same(void **state)
{
	struct ctl_result result;
	json_error_t error;
	json_t *json;

	(void)state;
	a_word_unknown();
	left_index();
	result = CTL_RUN((char *)"cache", (char *)"verify", (char *)"--json", (char *)"--dir", fixture.dir);
	assert_int_equal(result.code, B2B_CTL_FAILED);
	json = json_loads(result.out, 0, &error);
	assert_non_null(json);
	assert_false(b2b_ctl_true(json, "sound"));
	assert_int_equal(json_array_size(json_object_get(json, "findings")), 2);
	assert_int_equal(b2b_ctl_number(json_array_get(json_object_get(json, "findings"), 0), "at"), 4104);
	assert_string_equal(b2b_ctl_text(json_array_get(json_object_get(json, "findings"), 0), "kind"), "fault");
	assert_true(json_is_null(json_object_get(json_array_get(json_object_get(json, "findings"), 1), "at")));
	json_decref(json);
	ctl_result_free(&result);
}

/* The configuration is asked where it is this cache's: what another policy would allow shows there. */
static void the_configuration_is_compared(void **state)
{
	static const char text[] = "[federation]\nissuer = https://login.example.com\nclient_id = web7\nclient_key = /k\n"
				   "[organisation acme]\nid = 42c3e9\nrange = 0x78000000-0x780003ff\n";
	char conf[SCRATCH_SIZE];
	struct ctl_result result;

	(void)state;
	scratch_path(conf, fixture.dir, "../b2b-test-verify.conf");
	scratch_write(conf, text, strlen(text), 0600);
	result = CTL_RUN((char *)"cache", (char *)"verify", (char *)"--conf", conf, (char *)"--dir", fixture.dir);
	unlink(conf);
	assert_true(a_line_begins(result.out, "note: index: it is not what the configuration says; b2bctl policy check"));
	assert_int_equal(result.code, B2B_CTL_OK);
	ctl_result_free(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_good_cache_is_sound, start, stop),
		cmocka_unit_test_setup_teardown(every_visibility_can_be_sound, start, stop),
		cmocka_unit_test_setup_teardown(every_kind_of_damage_is_named, start, stop),
		cmocka_unit_test_setup_teardown(what_is_harmless_is_noted_and_sound, start, stop),
		cmocka_unit_test_setup_teardown(each_byte_of_the_index_counts, start, stop),
		cmocka_unit_test_setup_teardown(each_byte_of_a_live_header_counts, start, stop),
		cmocka_unit_test_setup_teardown(each_byte_of_a_snapshot_counts, start, stop),
		cmocka_unit_test_setup_teardown(whoever_may_read_may_verify, start, stop),
		cmocka_unit_test_setup_teardown(json_says_the_same, start, stop),
		cmocka_unit_test_setup_teardown(the_configuration_is_compared, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
