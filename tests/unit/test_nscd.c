/* Telling a caching daemon to forget: the shipped child, and a daemon that is played by this test. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "b2bd/guard/nscd.h"
#include "tests/support/scratch.h"

#define WAIT_MS 10000

static char dir[SCRATCH_SIZE], path[SCRATCH_SIZE];
static struct b2b_nscd *nscd;

static int daemon_start(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

/* The next request's database into RET; -1 when none comes in MS. The caller answers and closes what is returned. */
static int daemon_take(int listen_fd, int ms, char ret_database[16])
{
	struct pollfd wait = { .fd = listen_fd, .events = POLLIN };
	struct {
		int32_t version, type, key_len;
		char key[16];
	} request = { 0 };
	ssize_t got;
	int fd;

	if (poll(&wait, 1, ms) != 1)
		return -1;
	fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	got = recv(fd, &request, sizeof(request), 0);
	assert_true(got > 12);
	assert_int_equal(request.version, 2);
	assert_int_equal(request.type, 10);
	assert_int_equal(request.key_len, got - 12);
	assert_int_equal(request.key[request.key_len - 1], 0);
	memcpy(ret_database, request.key, 16);
	return fd;
}

static void answer(int fd, int32_t result)
{
	assert_int_equal(send(fd, &result, sizeof(result), MSG_NOSIGNAL), sizeof(result));
	close(fd);
}

static void assert_told(int listen_fd)
{
	static const char *const databases[] = { "passwd", "group" };

	for (int i = 0; i < 2; i++) {
		char database[16];
		int fd = daemon_take(listen_fd, WAIT_MS, database);

		assert_true(fd >= 0);
		assert_string_equal(database, databases[i]);
		answer(fd, 0);
	}
}

static int start(void **state)
{
	(void)state;
	scratch_make(dir);
	scratch_path(path, dir, "socket");
	return b2b_nscd_start(path, &nscd);
}

static int stop(void **state)
{
	(void)state;
	b2b_nscd_free(nscd);
	nscd = NULL;
	scratch_remove(dir);
	return 0;
}

static void tells_passwd_and_group_and_once_more(void **state)
{
	int fd = daemon_start();
	char database[16];

	(void)state;
	assert_int_equal(daemon_take(fd, 100, database), -1); /* nobody asked for anything yet */
	b2b_nscd_forget(nscd);
	assert_told(fd);
	assert_told(fd);
	assert_int_equal(daemon_take(fd, 1500, database), -1);
	close(fd);
}

static void no_daemon_is_no_trouble(void **state)
{
	int fd;

	(void)state;
	b2b_nscd_forget(nscd);
	fd = daemon_start(); /* it comes up between the first time and the second, or before both */
	assert_told(fd);
	close(fd);
}

/* The only child of PID; 0: there is none. */
static pid_t child_of(pid_t pid)
{
	char name[64];
	int child = 0;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	file = fopen(name, "re");
	assert_non_null(file);
	if (fscanf(file, "%d", &child) != 1)
		child = 0;
	fclose(file);
	return child;
}

/* Who speaks with the daemon: started by this process's only child, as often as it dies. */
static pid_t teller(void)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	pid_t pid = 0;

	for (int i = 0; i < WAIT_MS && pid == 0; i++) {
		pid = child_of(child_of(getpid()));
		if (pid == 0)
			nanosleep(&ms, NULL);
	}
	assert_true(pid > 0);
	return pid;
}

/* With the teller stopped nothing is ever taken out of the pipe: who waited would wait for ever. */
static void never_waits_for_a_daemon_that_hangs(void **state)
{
	(void)state;
	kill(teller(), SIGSTOP);
	alarm(60);
	for (int i = 0; i < 70000; i++) /* more than a pipe holds */
		b2b_nscd_forget(nscd);
	alarm(0);
	kill(teller(), SIGCONT);
}

static void tells_again_until_it_is_heard(void **state)
{
	int fd = daemon_start(), silent;
	char database[16];

	(void)state;
	b2b_nscd_forget(nscd);
	silent = daemon_take(fd, WAIT_MS, database);
	assert_true(silent >= 0);
	do { /* what was sent while nothing was answered waits in the queue, closed by its sender */
		int next = daemon_take(fd, WAIT_MS, database);

		assert_true(next >= 0);
		if (strcmp(database, "passwd") == 0) {
			answer(next, 0);
			break;
		}
		close(next);
	} while (true);
	close(silent);
	silent = daemon_take(fd, WAIT_MS, database);
	assert_true(silent >= 0);
	assert_string_equal(database, "group");
	answer(silent, 0);
	close(fd);
}

static void takes_a_refusal_for_not_told(void **state)
{
	int fd = daemon_start(), asked;
	char database[16];

	(void)state;
	b2b_nscd_forget(nscd);
	for (int i = 0; i < 2; i++) {
		asked = daemon_take(fd, WAIT_MS, database);
		assert_true(asked >= 0);
		answer(asked, EINVAL);
	}
	assert_told(fd);
	close(fd);
}

static void goes_on_when_who_tells_has_died(void **state)
{
	int fd = daemon_start(), silent, next;
	pid_t first = teller();
	char database[16];

	(void)state;
	b2b_nscd_forget(nscd);
	silent = daemon_take(fd, WAIT_MS, database); /* the request is out of the pipe, and nothing was told */
	assert_true(silent >= 0);
	assert_int_equal(kill(first, SIGKILL), 0);
	close(silent);
	while ((next = daemon_take(fd, WAIT_MS, database)) >= 0 && strcmp(database, "passwd") != 0)
		close(next); /* it may have gone on to the group before it died */
	assert_true(next >= 0);
	answer(next, 0);
	next = daemon_take(fd, WAIT_MS, database);
	assert_true(next >= 0);
	assert_string_equal(database, "group");
	answer(next, 0);
	assert_int_not_equal(teller(), first);
	b2b_nscd_forget(nscd);
	assert_told(fd);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tells_passwd_and_group_and_once_more, start, stop),
		cmocka_unit_test_setup_teardown(no_daemon_is_no_trouble, start, stop),
		cmocka_unit_test_setup_teardown(never_waits_for_a_daemon_that_hangs, start, stop),
		cmocka_unit_test_setup_teardown(tells_again_until_it_is_heard, start, stop),
		cmocka_unit_test_setup_teardown(takes_a_refusal_for_not_told, start, stop),
		cmocka_unit_test_setup_teardown(goes_on_when_who_tells_has_died, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
