/*
 * Large groups: 100,000 members, and people in 20,000 groups. That the work grows no faster than what is answered is shown by
 * counting the processor's instructions one by one, not by a clock.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/index.h"
#include "common/org_dir.h"
#include "tests/support/fixture.h"
#include "tests/support/machine.h"
#include "tests/support/nss_module.h"

#define CACHE "/var/lib/b2b/cache"
#define GLOBEX FIXTURE_LO(FIXTURE_GLOBEX)
#define PEOPLE 100000u
#define TEAMS 20000u /* p1 is in all of them, p2 in the first FEW, p3 in the first MANY */
#define FEW 32u
#define MANY 128u
#define GROUPS_FROM (PEOPLE + 1) /* offsets: g32, g128, g100000, then the teams */
#define RANGE 300000u
#define ROOM (8u << 20)

static struct nss_module nss;
static struct fixture fixture;
static const uint32_t sizes[] = { FEW, MANY, PEOPLE };
static char *room;

static void add_people(struct b2b_snapshot_builder *builder, uint32_t uids[PEOPLE])
{
	for (uint32_t i = 0; i < PEOPLE; i++) {
		char local[16];
		struct b2b_snapshot_user user = { .local = local, .uid = GLOBEX + 1 + i };

		snprintf(local, sizeof(local), "p%u", i + 1);
		assert_int_equal(b2b_snapshot_add_user(builder, &user), 0);
		b2b_live_store(fixture.lives[FIXTURE_GLOBEX], user.uid, B2B_LIVE_OPEN, false);
		uids[i] = user.uid;
	}
}

static void add_group(struct b2b_snapshot_builder *builder, char letter, uint32_t number, uint32_t offset, const uint32_t *uids, size_t n)
{
	char local[16];
	struct b2b_snapshot_group group = { .local = local, .gid = GLOBEX + offset, .members = uids, .n_members = n };

	snprintf(local, sizeof(local), "%c%u", letter, number);
	assert_int_equal(b2b_snapshot_add_group(builder, &group), 0);
}

static void add_teams(struct b2b_snapshot_builder *builder, const uint32_t *uids)
{
	for (uint32_t i = 0; i < TEAMS; i++) {
		uint32_t members[3] = { uids[0] };
		size_t n = 1;

		if (i < FEW)
			members[n++] = uids[1];
		if (i < MANY)
			members[n++] = uids[2];
		add_group(builder, 't', i, GROUPS_FROM + 3 + i, members, n);
	}
}

static void publish(void)
{
	struct b2b_snapshot_builder *builder = fixture_builder(&fixture, FIXTURE_GLOBEX, false);
	uint32_t *uids = calloc(PEOPLE, sizeof(*uids));

	assert_non_null(uids);
	add_people(builder, uids);
	for (uint32_t i = 0; i < 3; i++)
		add_group(builder, 'g', sizes[i], GROUPS_FROM + i, uids, sizes[i]);
	add_teams(builder, uids);
	fixture_publish(&fixture, FIXTURE_GLOBEX, builder);
	b2b_snapshot_free(builder);
	free(uids);
}

/* Members of GR, each listed once and in order. */
static long members(const struct group *gr)
{
	long n = 0;

	for (; gr->gr_mem[n]; n++) {
		char expected[32];

		snprintf(expected, sizeof(expected), "p%ld@globex", n + 1);
		if (strcmp(gr->gr_mem[n], expected) != 0)
			return -1;
	}
	return n;
}

/* As glibc calls: twice the buffer after each ERANGE. */
static long by_doubling(const char *name, gid_t gid, int *ret_calls)
{
	enum nss_status status = NSS_STATUS_TRYAGAIN;
	struct group gr;
	int reason = 0;

	*ret_calls = 0;
	for (size_t len = 1024; status == NSS_STATUS_TRYAGAIN && len <= ROOM; len *= 2) {
		status = name ? nss.getgrnam_r(name, &gr, room, len, &reason) : nss.getgrgid_r(gid, &gr, room, len, &reason);
		++*ret_calls;
	}
	return status == NSS_STATUS_SUCCESS ? members(&gr) : -1;
}

static int large_body(void *arg)
{
	const long expected = *(const long *)arg;
	int calls;

	CHECK(by_doubling("g100000@globex", 0, &calls) == expected && calls <= 14);
	CHECK(by_doubling(NULL, GLOBEX + GROUPS_FROM + 2, &calls) == expected && calls <= 14);
	CHECK(by_doubling("members@globex", 0, &calls) == expected && calls <= 14);
	CHECK(by_doubling(NULL, GLOBEX, &calls) == expected && calls <= 14);
	return 0;
}

static void a_hundred_thousand_members_are_listed(void **state)
{
	long expected = PEOPLE;

	(void)state;
	assert_int_equal(machine_child(large_body, &expected), 0);
}

static void where_members_are_not_listed_nobody_is(void **state)
{
	long expected = 0;

	(void)state;
	fixture.policy->group_members = false;
	assert_int_equal(b2b_index_write(CACHE, fixture.policy), 0);
	assert_int_equal(machine_child(large_body, &expected), 0);
	fixture.policy->group_members = true;
	assert_int_equal(b2b_index_write(CACHE, fixture.policy), 0);
}

/* Through glibc itself: the whole of the group map, each entry at a buffer that grew for it. */
static int enumerate_body(void *arg)
{
	long people = 0, teams = 0, largest = 0;
	struct group *gr;

	(void)arg;
	nss_module_configure();
	setgrent();
	while ((gr = getgrent())) {
		long n = gr->gr_name[0] == 'g' ? members(gr) : 0;

		people += gr->gr_name[0] == 'p' && strchr(gr->gr_name, '@') != NULL;
		teams += gr->gr_name[0] == 't';
		largest = n > largest ? n : largest;
	}
	CHECK(people == PEOPLE && teams == TEAMS && largest == PEOPLE);
	return 0;
}

static void the_enumeration_lists_them_whole(void **state)
{
	(void)state;
	assert_int_equal(machine_child(enumerate_body, NULL), 0);
}

static int many_groups_body(void *arg)
{
	static gid_t groups[TEAMS + 16];
	int n = TEAMS + 16;

	(void)arg;
	nss_module_configure();
	/* its own, members, partners, three large ones, the teams, and no local one */
	CHECK(getgrouplist("p1@globex", GLOBEX + 1, groups, &n) == (int)TEAMS + 6 && n == (int)TEAMS + 6);
	CHECK(groups[0] == GLOBEX + 1 && groups[n - 1] == GLOBEX + GROUPS_FROM + 2 + TEAMS);
	return 0;
}

static void twenty_thousand_groups_of_one_person_are_listed(void **state)
{
	(void)state;
	assert_int_equal(machine_child(many_groups_body, NULL), 0);
}

/* What is counted: a group of SIZE members by name, by id, in the enumeration; a person in SIZE groups. */
enum work { BY_NAME, BY_ID, NEXT, EVERY_GROUP };

struct count {
	enum work work;
	uint32_t size;
};

static bool do_it(const struct count *count)
{
	uint32_t which = count->size == FEW ? 0 : 1;
	gid_t *groups = NULL;
	long start = 0, size = 0;
	struct group gr;
	int reason;

	switch (count->work) {
	case BY_NAME:
		return nss.getgrnam_r(which == 0 ? "g32@globex" : "g128@globex", &gr, room, ROOM, &reason) == NSS_STATUS_SUCCESS;
	case BY_ID:
		return nss.getgrgid_r(GLOBEX + GROUPS_FROM + which, &gr, room, ROOM, &reason) == NSS_STATUS_SUCCESS;
	case NEXT:
		return nss.getgrent_r(&gr, room, ROOM, &reason) == NSS_STATUS_SUCCESS && gr.gr_mem[count->size - 1] != NULL;
	default:
		return nss.initgroups_dyn(which == 0 ? "p2@globex" : "p3@globex", 0, &start, &size, &groups, 0, &reason) == NSS_STATUS_SUCCESS && start > (long)count->size;
	}
}

/* Everything is mapped, and the enumeration stands before the group: behind the last one of lower number. */
static bool prepare(const struct count *count)
{
	gid_t before = count->size == FEW ? GLOBEX + PEOPLE : GLOBEX + GROUPS_FROM;
	struct group gr = { .gr_gid = 0 };
	int reason;

	nss.setgrent(0);
	while (count->work == NEXT && gr.gr_gid != before)
		if (nss.getgrent_r(&gr, room, ROOM, &reason) != NSS_STATUS_SUCCESS)
			return false;
	return do_it(&(struct count){ BY_NAME, count->size });
}

/* Instructions that COUNT's work takes; -1 where it fails. The child stops itself before and behind it. */
static long instructions(const struct count *count)
{
	pid_t child = fork();
	long steps = -1;
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		bool done = prepare(count) && ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 && raise(SIGSTOP) == 0 && do_it(count);

		_exit(done && raise(SIGSTOP) == 0 ? 0 : 1);
	}
	if (waitpid(child, &status, 0) == child && WIFSTOPPED(status) && ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_EXITKILL) == 0)
		do
			steps++;
		while (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) == 0 && waitpid(child, &status, 0) == child && WIFSTOPPED(status) &&
		       WSTOPSIG(status) == SIGTRAP);
	if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGSTOP)
		return -1;
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	return steps;
}

static void four_times_the_members_cost_four_times_the_instructions(void **state)
{
	static const char *const names[] = { "getgrnam", "getgrgid", "getgrent", "initgroups" };

	(void)state;
	if (machine_observed())
		skip();
	for (enum work work = BY_NAME; work <= EVERY_GROUP; work++) {
		long few = instructions(&(struct count){ work, FEW }), many = instructions(&(struct count){ work, MANY });

		print_message("%s: %ld instructions for %u, %ld for %u\n", names[work], few, FEW, many, MANY);
		assert_true(few > (long)FEW && many > (long)MANY);
		assert_true(many <= few / FEW * MANY * 5 / 4);
	}
}

static int set_up(void **state)
{
	struct b2b_policy *policy = fixture_policy();
	int r;

	(void)state;
	snprintf(fixture.dir, sizeof(fixture.dir), CACHE);
	fixture.policy = policy;
	policy->enumerate = true;
	policy->orgs[FIXTURE_GLOBEX].range_hi = GLOBEX + RANGE - 1;
	r = b2b_index_write(CACHE, policy);
	if (r == 0)
		r = b2b_live_create(CACHE, policy, FIXTURE_GLOBEX, &fixture.lives[FIXTURE_GLOBEX]);
	if (r == 0)
		r = b2b_org_dir_create(CACHE, policy, FIXTURE_GLOBEX);
	assert_int_equal(r, 0);
	b2b_live_store_org(fixture.lives[FIXTURE_GLOBEX], B2B_LIVE_OPEN, false);
	publish();
	room = malloc(ROOM);
	assert_non_null(room);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(room);
	b2b_live_unmap(fixture.lives[FIXTURE_GLOBEX]);
	b2b_policy_free(fixture.policy);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hundred_thousand_members_are_listed),
		cmocka_unit_test(where_members_are_not_listed_nobody_is),
		cmocka_unit_test(the_enumeration_lists_them_whole),
		cmocka_unit_test(twenty_thousand_groups_of_one_person_are_listed),
		cmocka_unit_test(four_times_the_members_cost_four_times_the_instructions),
	};

	machine_private();
	nss_module_load(&nss);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
