/* What an END need not look at all processes for: registered sessions; and whom a look is about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "b2bd/guard/end_one.h"
#include "b2bd/guard/present.h"
#include "tests/unit/test_guard_tree.h"

static void test_tree_is_read_whole_or_not_at_all(void **state)
{
	struct tree tree = start_session();
	pid_t other = spawn(plain, ALICE);
	struct b2b_processes list = { 0 };

	(void)state;
	b2b_processes_add_tree(&list, tree.leader, ticks_of(tree.leader) + 1, 100);
	assert_int_equal(list.n, 0);
	b2b_processes_add_tree(&list, tree.leader, ticks_of(tree.leader), 3);
	assert_int_equal(list.n, 0);
	b2b_processes_add_tree(&list, tree.relay, ticks_of(tree.relay), 100);
	b2b_processes_add_tree(&list, tree.leader, ticks_of(tree.leader), 100);
	assert_int_equal(list.n, 7);
	b2b_processes_sort(&list);
	assert_int_equal(list.n, 4);
	assert_true(b2b_processes_find(&list, tree.leader) >= 0 && b2b_processes_find(&list, tree.relay) >= 0);
	assert_true(b2b_processes_find(&list, tree.shell) >= 0 && b2b_processes_find(&list, tree.command) >= 0);
	assert_true(b2b_processes_find(&list, other) < 0);
	b2b_processes_free(&list);
}

static void test_registered_session_needs_no_look(void **state)
{
	struct tree tree = start_session();
	pid_t unknown = spawn(plain, ALICE), erin = spawn(plain, ERIN);
	struct b2b_session_record records[] = { { .magic = B2B_SESSION_MAGIC, .uid = ERIN, .pid = erin, .start_ticks = ticks_of(erin) },
		                                { .magic = B2B_SESSION_MAGIC, .uid = ALICE, .pid = tree.leader, .start_ticks = ticks_of(tree.leader) } };
	const struct b2b_registry registry = { .items = records, .n = 2 };
	struct b2b_end end = { .watch_fd = -1, .due_ns = 1, .scope = { .policy = policy, .lives = lives, .own = getpid(), .kind = B2B_SCOPE_USER, .org = ACME, .uid = ALICE } };
	struct b2b_processes list = { 0 };

	(void)state;
	if (records[0].pid > records[1].pid) {
		struct b2b_session_record swap = records[0];

		records[0] = records[1];
		records[1] = swap;
	}
	b2b_end_registered(&end, &list, &registry, &end);
	WAIT_FOR(!world_alive(tree.shell) && !world_alive(tree.command));
	assert_int_equal(end.ended, 2);
	assert_true(world_alive(tree.relay) && world_alive(tree.leader)); /* they bring the reason, and close */
	assert_true(world_alive(unknown)); /* only looking finds him */
	assert_true(world_alive(erin));
	assert_int_equal(end.due_ns, 1);
	assert_false(end.hunting);
	b2b_processes_free(&list);
	b2b_processes_free(&end.seen);
	b2b_processes_free(&end.signalled);
	b2b_processes_free(&end.relayed);
	b2b_posix_sessions_free(&end.sessions);
}

/* What /proc says in FILE of PID from now on, for as long as it lives: neither logind nor the kernel's audit is needed. */
static void pretend(pid_t pid, const char *file, const char *text)
{
	char from[] = "/run/pretend-XXXXXX", path[64];
	int fd = mkstemp(from);

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(mount(from, path, NULL, MS_BIND, NULL), 0);
	unlink(from);
}

static void pauses(int n)
{
	while (n-- > 0)
		world_pause();
}

/* As if the look had been cut short before it came to PID. */
static int cut_short(struct b2b_processes *list, pid_t pid)
{
	ssize_t at = b2b_processes_find(list, pid);

	assert_true(at >= 0);
	memmove(&list->items[at], &list->items[at + 1], (list->n - (size_t)at - 1) * sizeof(*list->items));
	list->n--;
	list->whole = false;
	return -EAGAIN;
}

/* An END of the session of alice's that LEADER opened, and of nothing else of hers, until nobody of it is left. The first look misses MISSED; 0: nobody. */
static void end_session(pid_t leader, pid_t missed)
{
	struct b2b_session_record record = { .magic = B2B_SESSION_MAGIC, .uid = ALICE, .pid = leader, .start_ticks = ticks_of(leader) };
	const struct b2b_registry registry = { .items = &record, .n = 1 };
	struct b2b_end end = { .watch_fd = -1, .scope = { .policy = policy, .lives = lives, .own = -1, .kind = B2B_SCOPE_SESSION, .org = ACME,
		                                          .uid = ALICE, .pid = leader, .start_ticks = record.start_ticks } };
	struct b2b_processes list = { 0 };
	bool clear = false;
	ssize_t watch;

	b2b_end_registered(&end, &list, &registry, &end);
	assert_true(end.begun);
	pauses(100); /* whoever goes because of that is gone then */
	for (int i = 0; i < 10000 && !clear; i++) {
		int scanned = b2b_processes_scan(&list, NULL, NULL);

		if (i == 0 && missed)
			scanned = cut_short(&list, missed);
		clear = b2b_end_looked(&end, &list, &registry, scanned, &end, &watch) == 1;
		pauses(1);
	}
	assert_true(clear);
	assert_false(world_alive(leader));
	b2b_processes_free(&list);
	b2b_processes_free(&end.seen);
	b2b_processes_free(&end.signalled);
	b2b_processes_free(&end.relayed);
	b2b_posix_sessions_free(&end.sessions);
}

static pid_t start_command(uint32_t uid)
{
	pid_t command = fork();

	if (command != 0)
		return command;
	setsid();
	world_become(uid);
	sleep_for_ever();
	return 0;
}

/* Root's, which ends with its command, and nobody's child. */
static void sudo_in_background(uint32_t uid, int out)
{
	pid_t command;

	if (fork() != 0)
		_exit(0);
	setsid();
	while (getppid() != 1)
		world_pause();
	command = start_command(uid);
	ready(out);
	waitpid(command, NULL, 0);
}

static void test_end_of_sudo_in_background_spares_the_log_in_around_it(void **state)
{
	pid_t shell = spawn(detached, ALICE), sudo;
	char scope[96];

	(void)state;
	pauses(30); /* /proc counts in hundredths: what follows is younger there too */
	sudo = spawn(sudo_in_background, ALICE);
	snprintf(scope, sizeof(scope), "0::/user.slice/user-%u.slice/session-3.scope\n", ALICE);
	pretend(shell, "cgroup", scope);
	pretend(sudo, "cgroup", scope);
	end_session(sudo, 0);
	assert_true(world_alive(shell));
}

/* That nobody older is in the log-in around sudo is seen by a look that met everybody, and by no other. */
static void test_a_look_that_was_cut_short_makes_no_session_of_the_log_in_around_it(void **state)
{
	pid_t shell = spawn(detached, ALICE), sudo, younger;
	char scope[96];

	(void)state;
	pauses(30);
	sudo = spawn(sudo_in_background, ALICE);
	pauses(30);
	younger = spawn(detached, ALICE);
	snprintf(scope, sizeof(scope), "0::/user.slice/user-%u.slice/session-3.scope\n", ALICE);
	for (size_t i = 0; i < 3; i++) {
		pretend((pid_t[]){ shell, sudo, younger }[i], "cgroup", scope);
		pretend((pid_t[]){ shell, sudo, younger }[i], "sessionid", "7");
	}
	end_session(sudo, shell);
	assert_true(world_alive(shell));
	assert_true(world_alive(younger));
}

/* Root's, which ends with its command; what was detached before it has the log-in's audit session, and else nothing. */
static void log_in(uint32_t uid, int out)
{
	pid_t command;

	setsid();
	command = start_command(uid);
	tell(out, getpid());
	if (fork() == 0) {
		detached(uid, out);
		_exit(0);
	}
	waitpid(command, NULL, 0);
	_exit(0);
}

static void test_end_of_one_log_in_finds_who_detached_himself(void **state)
{
	pid_t leader, detached_one;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	if (fork() == 0)
		log_in(ALICE, ends[1]);
	assert_int_equal(read(ends[0], &leader, sizeof(leader)), sizeof(leader));
	assert_int_equal(read(ends[0], &detached_one, sizeof(detached_one)), sizeof(detached_one));
	close(ends[0]);
	close(ends[1]);
	pretend(leader, "sessionid", "7");
	pretend(detached_one, "sessionid", "7");
	end_session(leader, 0);
	assert_false(world_alive(detached_one));
}

/* A process of root's that logged in as BOB. */
static void logged_in(uint32_t uid, int out)
{
	char text[16];
	int fd = open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC);

	snprintf(text, sizeof(text), "%u", uid);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(97);
	ready(out);
	sleep_for_ever();
}

static void saved_only(uint32_t uid, int out)
{
	if (setresuid(0, 0, uid) < 0)
		_exit(98);
	ready(out);
	sleep_for_ever();
}

static bool present_in(uint32_t kind, int org, uint32_t uid, const struct b2b_present *present)
{
	const struct b2b_scope scope = { .policy = policy, .lives = lives, .kind = kind, .org = org, .uid = uid };

	return b2b_present_any(present, &scope);
}

static void gather(const struct b2b_registry *registry, struct b2b_present *present)
{
	struct b2b_processes list = { 0 };

	assert_true(b2b_processes_scan(&list, NULL, NULL) >= 0);
	assert_int_equal(b2b_present_gather(present, &list, registry, policy), 0);
	b2b_processes_free(&list);
}

static void test_who_has_any_part_is_present(void **state)
{
	struct b2b_session_record record = { .magic = B2B_SESSION_MAGIC, .uid = ERIN + 1, .pid = 4000000 };
	const struct b2b_registry none = { 0 }, one = { .items = &record, .n = 1 };
	struct b2b_present present = { 0 };

	(void)state;
	gather(&none, &present);
	assert_int_equal(present.n, 0);
	assert_false(present_in(B2B_SCOPE_ORG, ACME, 0, &present));
	spawn(saved_only, ALICE);
	for (int i = 0; i < 3; i++)
		spawn(plain, ERIN);
	gather(&none, &present);
	assert_int_equal(present.n, 2);
	assert_true(present_in(B2B_SCOPE_USER, ACME, ALICE, &present) && present_in(B2B_SCOPE_USER, GLOBEX, ERIN, &present));
	assert_false(present_in(B2B_SCOPE_USER, ACME, ALICE + 1, &present));
	assert_true(present_in(B2B_SCOPE_ORG, ACME, 0, &present) && present_in(B2B_SCOPE_ORG, GLOBEX, 0, &present));
	assert_false(present_in(B2B_SCOPE_ORG, EMEA, 0, &present));
	assert_false(present_in(B2B_SCOPE_CLOSED, 0, 0, &present));
	b2b_live_store(lives[GLOBEX], ERIN, B2B_LIVE_CLOSED, false);
	assert_true(present_in(B2B_SCOPE_CLOSED, 0, 0, &present));
	b2b_live_store(lives[GLOBEX], ERIN, B2B_LIVE_OPEN, false);
	gather(&one, &present); /* a record without its leader is removed by whoever looks */
	assert_true(present_in(B2B_SCOPE_USER, GLOBEX, ERIN + 1, &present));
	if (access("/proc/self/loginuid", W_OK) == 0) { /* else the kernel has no audit */
		spawn(logged_in, BOB);
		gather(&none, &present);
		assert_true(present_in(B2B_SCOPE_USER, EMEA, BOB, &present) && present_in(B2B_SCOPE_ORG, EMEA, 0, &present));
	}
	b2b_present_free(&present);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_tree_is_read_whole_or_not_at_all, end_all),
		cmocka_unit_test_teardown(test_registered_session_needs_no_look, end_all),
		cmocka_unit_test_teardown(test_end_of_sudo_in_background_spares_the_log_in_around_it, end_all),
		cmocka_unit_test_teardown(test_a_look_that_was_cut_short_makes_no_session_of_the_log_in_around_it, end_all),
		cmocka_unit_test_teardown(test_end_of_one_log_in_finds_who_detached_himself, end_all),
		cmocka_unit_test_teardown(test_who_has_any_part_is_present, end_all),
	};
	int failed;

	world_needs_pidfds();
	make_world();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	drop_world();
	return failed;
}
