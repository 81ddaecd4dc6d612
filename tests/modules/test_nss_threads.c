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

static struct nss_module nss;
static struct fixture fixture;
static _Atomic bool over;
static _Atomic unsigned long looks, wrong;

static int replacements(void)
{
	return machine_full_counts() ? 10000 : 400;
}

/* alice is in every snapshot; extra@acme in every second one. */
static void look_once(void)
{
	char buf[2048];
	struct passwd pw;
	struct group gr;
	enum nss_status status;
	int reason;

	if (nss.getpwnam_r("alice@acme", &pw, buf, sizeof(buf), &reason) != NSS_STATUS_SUCCESS || strcmp(pw.pw_name, "alice@acme") != 0 ||
	    pw.pw_uid != FIXTURE_LO(FIXTURE_ACME) + 1)
		wrong++;
	status = nss.getpwnam_r("extra@acme", &pw, buf, sizeof(buf), &reason);
	if (status != NSS_STATUS_NOTFOUND && (status != NSS_STATUS_SUCCESS || pw.pw_uid != FIXTURE_LO(FIXTURE_ACME) + 9))
		wrong++;
	if (nss.getpwuid_r(FIXTURE_LO(FIXTURE_EMEA) + 1, &pw, buf, sizeof(buf), &reason) != NSS_STATUS_SUCCESS || strcmp(pw.pw_name, "bob@emea.acme") != 0)
		wrong++;
	if (nss.getgrnam_r("dba@acme", &gr, buf, sizeof(buf), &reason) != NSS_STATUS_SUCCESS || strcmp(gr.gr_mem[0], "alice@acme") != 0 || !gr.gr_mem[1] || gr.gr_mem[2])
		wrong++;
	looks++;
}

static void *look_all_the_time(void *arg)
{
	while (!over)
		look_once();
	return arg;
}

static void replace_snapshot(int round)
{
	struct b2b_snapshot_user user = { .local = "extra", .uid = FIXTURE_LO(FIXTURE_ACME) + 9 };
	struct b2b_snapshot_builder *builder = fixture_builder(&fixture, FIXTURE_ACME, true);

	if (round % 2 && b2b_snapshot_add_user(builder, &user) < 0)
		abort();
	fixture_publish(&fixture, FIXTURE_ACME, builder);
	b2b_snapshot_free(builder);
}

static void begin(pthread_t threads[THREADS])
{
	over = false;
	looks = wrong = 0;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look_all_the_time, NULL), 0);
}

static void finish(pthread_t threads[THREADS])
{
	over = true;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_true(looks > 0);
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
	look_once();
	assert_int_equal(mapped(CACHE "/index"), 1);
	/* The fixture's own writable mappings of the live files, and the module's of acme and emea. */
	assert_int_equal(mapped(CACHE "/live/"), FIXTURE_ORGS + 2);
}

/*
 * The child comes into being while other threads are inside; it must go on, replace, and not pile up mappings. What those
 * threads were just making or freeing is lost to it: what it inherits as replaced bounds what it may still have in the end.
 */
static int forked_body(void)
{
	int inherited = mapped("/snapshot (deleted)");

	for (int i = 0; i < 20; i++) {
		replace_snapshot(i);
		look_once();
	}
	return wrong || mapped("/snapshot (deleted)") > inherited;
}

static int forked_threads_body(void)
{
	int inherited = mapped("/snapshot (deleted)");
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
	return wrong || mapped("/snapshot (deleted)") > inherited;
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
	/* No agent: absent names are no question. */
	for (int org = 0; org < FIXTURE_ORGS; org++)
		b2b_live_beat(fixture.lives[org], 0);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fixture_stop(&fixture);
	return failed;
}
