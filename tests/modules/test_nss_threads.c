/*
 * libnss_b2b.so.2 among threads: look-ups while snapshots, policy and words are replaced, and forks meanwhile. Every answer
 * must be one that was true at some moment; nothing may crash, and what was replaced must be unmapped again.
 * Run under SANITIZE=thread to see races as well.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/index.h"
#include "tests/support/fixture.h"
#include "tests/support/machine.h"
#include "tests/support/nss_module.h"

/* Under TSan the child of a process with threads may not start any. */
#ifdef __SANITIZE_THREAD__
#define CHILD_THREADS 0
#else
#define CHILD_THREADS 1
#endif

#define CACHE "/var/lib/b2b/cache"
#define THREADS 4
#define CROWD 60 /* people, from behind this offset on */
#define CROWD_AT 300
#define CROWD_GID (FIXTURE_LO(FIXTURE_ACME) + 102)

static struct nss_module nss;
static struct fixture fixture;
static _Atomic bool over;
static _Atomic unsigned long looks, lists, wrong;

static int replacements(void)
{
	return machine_full_counts() ? 10000 : 400;
}

static void expect(bool right)
{
	if (!right)
		wrong++;
}

/* alice is in every snapshot; extra@acme in every second one, and then in crowd@acme with all others. */
static void look_for_people(void)
{
	char buf[2048];
	struct passwd pw;
	struct spwd sp;
	enum nss_status status;
	int reason;

	expect(nss.getpwnam_r("alice@acme", &pw, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS && strcmp(pw.pw_name, "alice@acme") == 0 &&
	       pw.pw_uid == FIXTURE_LO(FIXTURE_ACME) + 1);
	status = nss.getpwnam_r("extra@acme", &pw, buf, sizeof(buf), &reason);
	expect(status == NSS_STATUS_NOTFOUND || (status == NSS_STATUS_SUCCESS && pw.pw_uid == FIXTURE_LO(FIXTURE_ACME) + 9));
	expect(nss.getpwuid_r(FIXTURE_LO(FIXTURE_EMEA) + 1, &pw, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS && strcmp(pw.pw_name, "bob@emea.acme") == 0);
	expect(nss.getspnam_r("alice@acme", &sp, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS && strcmp(sp.sp_namp, "alice@acme") == 0 &&
	       strcmp(sp.sp_pwdp, "*") == 0);
}

static bool has_gid(const gid_t *groups, long int n, gid_t gid)
{
	while (n > 0 && groups[n - 1] != gid)
		n--;
	return n > 0;
}

/* members@, partners, dba, web, crowd, and what the roles give. */
static void look_for_groups_of(void)
{
	gid_t array[32], *groups = array;
	long int n = 0, size = 32;
	int reason;

	expect(nss.initgroups_dyn("alice@acme", FIXTURE_LO(FIXTURE_ACME) + 1, &n, &size, &groups, 0, &reason) == NSS_STATUS_SUCCESS && n == 8 &&
	       has_gid(groups, n, FIXTURE_LO(FIXTURE_ACME)) && has_gid(groups, n, FIXTURE_LO(FIXTURE_ACME) + 100) &&
	       has_gid(groups, n, CROWD_GID) && has_gid(groups, n, 5002));
}

/* How often NAME is a member. */
static int times(const struct group *gr, const char *name)
{
	int n = 0;

	for (char **member = gr->gr_mem; *member; member++)
		n += strcmp(*member, name) == 0;
	return n;
}

static int n_members(const struct group *gr)
{
	int n = 0;

	while (gr->gr_mem[n])
		n++;
	return n;
}

/* Dave may be closed meanwhile, and extra not be there. */
static void look_for_members(void)
{
	char buf[8192];
	struct group gr;
	int reason, extra;

	expect(nss.getgrnam_r("dba@acme", &gr, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS && n_members(&gr) == 2 &&
	       times(&gr, "alice@acme") == 1 && times(&gr, "carol@acme") == 1);
	expect(nss.getgrgid_r(FIXTURE_LO(FIXTURE_ACME) + 101, &gr, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS && strcmp(gr.gr_name, "web@acme") == 0 &&
	       times(&gr, "alice@acme") == 1 && n_members(&gr) == 1 + times(&gr, "dave@acme"));
	expect(nss.getgrgid_r(CROWD_GID, &gr, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS && strcmp(gr.gr_name, "crowd@acme") == 0 &&
	       times(&gr, "alice@acme") == 1 && times(&gr, "one7@acme") == 1 &&
	       n_members(&gr) == CROWD + 1 + times(&gr, "extra@acme"));
	expect(nss.getgrgid_r(FIXTURE_LO(FIXTURE_ACME), &gr, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS && strcmp(gr.gr_name, "members@acme") == 0);
	extra = times(&gr, "extra@acme");
	expect(extra <= 1 && n_members(&gr) == CROWD + 2 + extra + times(&gr, "dave@acme") && times(&gr, "carol@acme") == 1);
}

static void look_once(void)
{
	look_for_people();
	look_for_groups_of();
	look_for_members();
	looks++;
}

/* Counts who comes, by offset: acme's alone. */
static void count_acme(unsigned seen[FIXTURE_RANGE], uint32_t id, unsigned *ret_others)
{
	if (id >= FIXTURE_LO(FIXTURE_ACME) && id < FIXTURE_LO(FIXTURE_ACME) + FIXTURE_RANGE)
		seen[id - FIXTURE_LO(FIXTURE_ACME)]++;
	else
		++*ret_others;
}

/* Whoever is in every snapshot comes once, extra once or not at all, nobody else. */
static void judge_list(const unsigned seen[FIXTURE_RANGE], bool groups)
{
	for (uint32_t offset = 0; offset < FIXTURE_RANGE; offset++) {
		bool person = (offset >= 1 && offset <= 3) || (offset > CROWD_AT && offset <= CROWD_AT + CROWD);
		bool group = offset == 0 || offset == 100 || offset == 101 || offset == CROWD_GID - FIXTURE_LO(FIXTURE_ACME);

		expect(offset == 9 ? seen[offset] <= 1 : seen[offset] == (person || (groups && group)));
	}
}

static void list_people(void)
{
	unsigned seen[FIXTURE_RANGE] = { 0 }, others = 0;
	char buf[2048];
	struct passwd pw;
	enum nss_status status;
	int reason;

	nss.setpwent(0);
	while ((status = nss.getpwent_r(&pw, buf, sizeof(buf), &reason)) == NSS_STATUS_SUCCESS)
		count_acme(seen, pw.pw_uid, &others);
	nss.endpwent();
	expect(status == NSS_STATUS_NOTFOUND && others == 4); /* heidi, bob, erin, grace */
	judge_list(seen, false);
}

static void list_groups(void)
{
	unsigned seen[FIXTURE_RANGE] = { 0 }, others = 0;
	char buf[8192];
	struct group gr;
	enum nss_status status;
	int reason;

	nss.setgrent(0);
	while ((status = nss.getgrent_r(&gr, buf, sizeof(buf), &reason)) == NSS_STATUS_SUCCESS)
		count_acme(seen, gr.gr_gid, &others);
	nss.endgrent();
	expect(status == NSS_STATUS_NOTFOUND && others == 4 + 3 + 1 + 1); /* their private groups, three of members, ops, partners */
	judge_list(seen, true);
}

/* The place in a list is the process's: one thread. */
static void *list_all_the_time(void *arg)
{
	while (!over) {
		list_people();
		list_groups();
		lists++;
	}
	return arg;
}

static void *look_all_the_time(void *arg)
{
	while (!over)
		look_once();
	return arg;
}

/* With a group that is large enough for its members to be kept as one text. */
static void add_crowd(struct b2b_snapshot_builder *builder, bool extra)
{
	struct b2b_snapshot_user user = { .local = "extra", .uid = FIXTURE_LO(FIXTURE_ACME) + 9 };
	uint32_t members[CROWD + 2] = { FIXTURE_LO(FIXTURE_ACME) + 1 };
	struct b2b_snapshot_group group = { .local = "crowd", .gid = CROWD_GID, .members = members, .n_members = 1 };
	char local[16];

	if (extra && b2b_snapshot_add_user(builder, &user) < 0)
		abort();
	if (extra)
		members[group.n_members++] = user.uid;
	for (int i = 0; i < CROWD; i++) {
		snprintf(local, sizeof(local), "one%d", i);
		user = (struct b2b_snapshot_user){ .local = local, .uid = FIXTURE_LO(FIXTURE_ACME) + CROWD_AT + 1 + (uint32_t)i };
		members[group.n_members++] = user.uid;
		if (b2b_snapshot_add_user(builder, &user) < 0)
			abort();
	}
	if (b2b_snapshot_add_group(builder, &group) < 0)
		abort();
}

static void replace_snapshot(int round)
{
	struct b2b_snapshot_builder *builder = fixture_builder(&fixture, FIXTURE_ACME, true);

	add_crowd(builder, round % 2);
	fixture_publish(&fixture, FIXTURE_ACME, builder);
	b2b_snapshot_free(builder);
}

static void begin(pthread_t threads[THREADS])
{
	over = false;
	looks = lists = wrong = 0;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, i == 0 ? list_all_the_time : look_all_the_time, NULL), 0);
}

static void finish(pthread_t threads[THREADS])
{
	over = true;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_true(looks > 0 && lists > 0);
	assert_int_equal(wrong, 0);
}

static void wait_for_a_look(void)
{
	unsigned long before = looks;

	while (looks == before)
		sched_yield();
}

/* How many of the cache's files this process has mapped. */
static int mapped(const char *what)
{
	char line[4352];
	FILE *maps = fopen("/proc/self/maps", "re");
	int n = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		n += strstr(line, what) != NULL;
	fclose(maps);
	return n;
}

static void replaced_snapshots_are_read_or_unmapped(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	begin(threads);
	for (int i = 0; i < replacements(); i++) {
		replace_snapshot(i);
		wait_for_a_look();
	}
	finish(threads);
	look_once(); /* the last one out has nothing to wait for */
	assert_int_equal(mapped(CACHE "/org/42c3e9/snapshot"), 1);
}

static void replaced_policies_take_their_mappings_along(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	begin(threads);
	for (int i = 0; i < replacements() / 8; i++) {
		assert_int_equal(b2b_index_write(CACHE, fixture.policy), 0);
		wait_for_a_look();
	}
	finish(threads);
	list_people();
	look_once();
	assert_int_equal(mapped(CACHE "/index"), 1);
	/* The fixture's own writable mappings of the live files, and the module's. */
	assert_int_equal(mapped(CACHE "/live/"), 2 * FIXTURE_ORGS);
}

/*
 * The child comes into being while other threads are inside; it must go on, replace, and not pile up mappings. What those
 * threads were just making or freeing is lost to it: what it inherits as replaced, and of the snapshot in place more than once,
 * bounds what it may still have in the end.
 */
static int bound(void)
{
	int all = mapped("/org/42c3e9/snapshot"), replaced = mapped("/org/42c3e9/snapshot (deleted)");

	return all > replaced ? all - 1 : replaced;
}

static int judge_forked(int most)
{
	if (wrong)
		return 1;
	return mapped("/org/42c3e9/snapshot (deleted)") > most ? 2 : 0;
}

static int forked_body(void)
{
	int most = bound();

	for (int i = 0; i < 20; i++) {
		replace_snapshot(i);
		look_once();
	}
	return judge_forked(most);
}

static int forked_threads_body(void)
{
	int most = bound();
	pthread_t threads[THREADS];

	over = false;
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, look_all_the_time, NULL) != 0)
			return 1;
	for (int i = 0; i < 20; i++)
		replace_snapshot(i);
	over = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	look_once();
	return judge_forked(most);
}

static void a_fork_in_the_middle_leaves_a_working_child(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	if (machine_valgrind()) /* which calls a leak in the child what the forked threads were just making */
		skip();
	begin(threads);
	for (int i = 0; i < (machine_full_counts() ? 500 : 40); i++) {
		pid_t child = fork();
		int status;

		if (child == 0)
			_exit(CHILD_THREADS && i % 2 ? forked_threads_body() : forked_body());
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		/* The child's generations are the parent's next ones. */
		fixture.generation[FIXTURE_ACME] += 21;
		replace_snapshot(i);
	}
	finish(threads);
}

static void a_word_closes_for_every_thread(void **state)
{
	uint32_t uid = FIXTURE_LO(FIXTURE_ACME) + 1;
	pthread_t threads[THREADS];
	struct passwd pw;
	char buf[1024];
	int reason;

	(void)state;
	begin(threads);
	for (int i = 0; i < replacements(); i++) {
		wait_for_a_look();
		b2b_live_store(fixture.lives[FIXTURE_ACME], uid + 2, i % 2 ? B2B_LIVE_OPEN : B2B_LIVE_CLOSED, true);
		assert_int_equal(nss.getpwuid_r(uid + 2, &pw, buf, sizeof(buf), &reason), NSS_STATUS_SUCCESS);
		assert_string_equal(pw.pw_shell, i % 2 ? "/bin/bash" : "/usr/sbin/nologin");
	}
	finish(threads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replaced_snapshots_are_read_or_unmapped),
		cmocka_unit_test(replaced_policies_take_their_mappings_along),
		cmocka_unit_test(a_word_closes_for_every_thread),
		cmocka_unit_test(a_fork_in_the_middle_leaves_a_working_child),
	};
	int failed;

	machine_private();
	nss_module_load(&nss);
	fixture_start(&fixture, CACHE);
	fixture.policy->enumerate = true;
	if (b2b_index_write(CACHE, fixture.policy) < 0)
		abort();
	for (uint32_t i = 1; i <= CROWD; i++)
		b2b_live_store(fixture.lives[FIXTURE_ACME], FIXTURE_LO(FIXTURE_ACME) + CROWD_AT + i, B2B_LIVE_OPEN, false);
	b2b_live_store(fixture.lives[FIXTURE_ACME], FIXTURE_LO(FIXTURE_ACME) + 9, B2B_LIVE_OPEN, false);
	replace_snapshot(0);
	/* No agent: absent names are no question. */
	for (int org = 0; org < FIXTURE_ORGS; org++)
		b2b_live_beat(fixture.lives[org], 0);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fixture_stop(&fixture);
	return failed;
}
