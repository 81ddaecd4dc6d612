/* The event loop: timers in order, descriptors with all that poll says, removal under one's feet, signals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "b2bd/loop.h"
#include "common/clock.h"

static struct b2b_loop *loop;

static int set_up(void **state)
{
	(void)state;
	return b2b_loop_new(&loop);
}

static int tear_down(void **state)
{
	(void)state;
	b2b_loop_free(loop);
	return 0;
}

struct seen {
	char order[16];
	struct b2b_timer timers[4];
	struct b2b_io *ios[3];
	int calls[3];
	short revents;
	int fd;
};

static struct seen *seen;

static void note(char c)
{
	size_t n = strlen(seen->order);

	if (n + 1 < sizeof(seen->order))
		seen->order[n] = c;
}

static void fire_a(void *arg)
{
	note('a');
	b2b_timer_stop(arg); /* NULL never: the timer that must not come any more */
}

static void fire_b(void *arg)
{
	(void)arg;
	note('b');
}

static void fire_stop(void *arg)
{
	note('s');
	b2b_loop_stop(loop, *(int *)arg);
}

static void timers_fire_in_order_and_can_be_stopped(void **state)
{
	int code = 42;

	(void)state;
	b2b_timer_set(loop, &seen->timers[0], 30 * B2B_NS_PER_MS, fire_stop, &code);
	b2b_timer_set(loop, &seen->timers[1], 5 * B2B_NS_PER_MS, fire_a, &seen->timers[3]);
	b2b_timer_set(loop, &seen->timers[2], 10 * B2B_NS_PER_MS, fire_b, NULL);
	b2b_timer_set(loop, &seen->timers[3], 10 * B2B_NS_PER_MS, fire_b, NULL);
	assert_int_equal(b2b_loop_run(loop), 42);
	assert_string_equal(seen->order, "abs");
	assert_null(seen->timers[2].loop);
}

static void fire_again(void *arg)
{
	note('x');
	b2b_timer_set(loop, arg, 0, fire_again, arg);
}

static void timer_set_again_by_itself_lets_others_run(void **state)
{
	(void)state;
	b2b_timer_set(loop, &seen->timers[0], 0, fire_again, &seen->timers[0]);
	b2b_loop_turn(loop, 0);
	b2b_loop_turn(loop, 0);
	assert_true(strlen(seen->order) <= 3); /* a turn ends although a timer is always due */
	b2b_timer_stop(&seen->timers[0]);
}

static void timer_set_twice_fires_once_at_the_later_time(void **state)
{
	uint64_t begun = b2b_now_ns();
	int code = 1;

	(void)state;
	b2b_timer_set(loop, &seen->timers[0], B2B_NS_PER_MS, fire_stop, &code);
	b2b_timer_set(loop, &seen->timers[0], 40 * B2B_NS_PER_MS, fire_stop, &code);
	b2b_loop_run(loop);
	assert_true(b2b_now_ns() - begun >= 40 * B2B_NS_PER_MS);
	assert_string_equal(seen->order, "s");
}

static void ready_note(void *arg, short revents)
{
	size_t i = (size_t)(uintptr_t)arg;

	seen->calls[i]++;
	seen->revents = revents;
}

static void descriptor_reports_hang_up_without_being_asked(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(b2b_io_add(loop, fds[0], 0, ready_note, (void *)0, &seen->ios[0]), 0);
	b2b_loop_turn(loop, 0);
	assert_int_equal(seen->calls[0], 0);
	close(fds[1]);
	b2b_loop_turn(loop, 1000);
	assert_int_equal(seen->calls[0], 1);
	assert_true(seen->revents & POLLHUP);
	b2b_io_remove(seen->ios[0]);
	close(fds[0]);
}

static void descriptor_wakes_the_loop_and_events_can_change(void **state)
{
	uint64_t begun = b2b_now_ns();
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(b2b_io_add(loop, fds[0], POLLIN, ready_note, (void *)0, &seen->ios[0]), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	b2b_loop_turn(loop, 5000);
	assert_int_equal(seen->calls[0], 1);
	assert_int_equal(seen->revents, POLLIN);
	b2b_io_events(seen->ios[0], POLLOUT);
	b2b_loop_turn(loop, 5000);
	assert_int_equal(seen->revents, POLLOUT);
	assert_true(b2b_now_ns() - begun < 4 * B2B_NS_PER_S);
	b2b_io_remove(seen->ios[0]);
	close(fds[0]);
	close(fds[1]);
}

static void ready_removes_all(void *arg, short revents)
{
	size_t i;

	(void)arg;
	(void)revents;
	seen->calls[0]++;
	for (i = 0; i < 3; i++) {
		b2b_io_remove(seen->ios[i]);
		seen->ios[i] = NULL;
	}
}

static void callback_may_remove_any_descriptor(void **state)
{
	int fds[2];
	size_t i;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(b2b_io_add(loop, fds[1], POLLOUT, ready_removes_all, NULL, &seen->ios[i]), 0);
	b2b_loop_turn(loop, 1000);
	b2b_loop_turn(loop, 0);
	assert_int_equal(seen->calls[0], 1); /* those behind it were not called any more */
	close(fds[0]);
	close(fds[1]);
}

static void ready_adds(void *arg, short revents)
{
	struct b2b_io *io;
	size_t i;

	(void)arg;
	(void)revents;
	seen->calls[0]++;
	if (seen->calls[0] > 2)
		return;
	for (i = 0; i < 40; i++)
		assert_int_equal(b2b_io_add(loop, seen->fd, 0, ready_note, (void *)1, &io), 0);
}

/* Forty more make the loop's arrays move while it goes through them. */
static void callback_may_add_descriptors(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	seen->fd = fds[1];
	assert_int_equal(b2b_io_add(loop, fds[1], POLLOUT, ready_adds, NULL, &seen->ios[0]), 0);
	assert_int_equal(b2b_io_add(loop, fds[1], POLLOUT, ready_adds, NULL, &seen->ios[1]), 0);
	b2b_loop_turn(loop, 1000);
	assert_int_equal(seen->calls[0], 2);
	b2b_loop_turn(loop, 1000);
	assert_int_equal(seen->calls[0], 4);
	close(fds[0]);
	close(fds[1]);
}

static void on_alarm(int number)
{
	(void)number;
}

static void signal_does_not_end_or_confuse_a_turn(void **state)
{
	struct sigaction action = { .sa_handler = on_alarm }, old;
	struct itimerval soon = { .it_value = { .tv_usec = 5000 } }, never = { 0 };
	int fds[2], code = 3;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(b2b_io_add(loop, fds[0], POLLIN, ready_note, (void *)0, &seen->ios[0]), 0);
	sigaction(SIGALRM, &action, &old); /* no SA_RESTART */
	setitimer(ITIMER_REAL, &soon, NULL);
	b2b_timer_set(loop, &seen->timers[0], 50 * B2B_NS_PER_MS, fire_stop, &code);
	assert_int_equal(b2b_loop_run(loop), 3);
	assert_int_equal(seen->calls[0], 0);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
	close(fds[0]);
	close(fds[1]);
}

static void transfer_over(void *arg, CURLMsg *msg)
{
	(void)arg;
	note('n');
	curl_multi_remove_handle(b2b_loop_curl(loop), msg->easy_handle);
}

static void slow(void *arg)
{
	uint64_t until = b2b_now_ns() + 10 * B2B_NS_PER_MS;

	(void)arg;
	while (b2b_now_ns() < until)
		;
	note('s');
}

static void slow_io(void *arg, short revents)
{
	(void)revents;
	slow(arg);
}

static void network_is_heard_between_callbacks_that_take_long(void **state)
{
	CURL *easy = curl_easy_init();
	int ends[2];

	(void)state;
	assert_non_null(easy);
	curl_easy_setopt(easy, CURLOPT_URL, "file:///dev/null");
	b2b_loop_on_curl(loop, transfer_over, NULL);
	b2b_timer_set(loop, &seen->timers[0], 0, slow, NULL);
	b2b_timer_set(loop, &seen->timers[1], 0, fire_b, NULL);
	curl_multi_add_handle(b2b_loop_curl(loop), easy);
	b2b_loop_turn(loop, 0);
	assert_string_equal(seen->order, "snb");
	memset(seen->order, 0, sizeof(seen->order));
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[1]);
	b2b_io_add(loop, ends[0], POLLIN, slow_io, NULL, &seen->ios[0]);
	b2b_io_add(loop, ends[0], POLLIN, slow_io, NULL, &seen->ios[1]);
	curl_multi_add_handle(b2b_loop_curl(loop), easy);
	b2b_loop_turn(loop, 0);
	assert_string_equal(seen->order, "sns");
	b2b_io_remove(seen->ios[0]);
	b2b_io_remove(seen->ios[1]);
	close(ends[0]);
	curl_easy_cleanup(easy);
}

static int fresh(void **state)
{
	seen = calloc(1, sizeof(*seen));
	return seen ? set_up(state) : -1;
}

static int done(void **state)
{
	tear_down(state);
	free(seen);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(timers_fire_in_order_and_can_be_stopped, fresh, done),
		cmocka_unit_test_setup_teardown(timer_set_again_by_itself_lets_others_run, fresh, done),
		cmocka_unit_test_setup_teardown(timer_set_twice_fires_once_at_the_later_time, fresh, done),
		cmocka_unit_test_setup_teardown(descriptor_reports_hang_up_without_being_asked, fresh, done),
		cmocka_unit_test_setup_teardown(descriptor_wakes_the_loop_and_events_can_change, fresh, done),
		cmocka_unit_test_setup_teardown(callback_may_remove_any_descriptor, fresh, done),
		cmocka_unit_test_setup_teardown(callback_may_add_descriptors, fresh, done),
		cmocka_unit_test_setup_teardown(network_is_heard_between_callbacks_that_take_long, fresh, done),
		cmocka_unit_test_setup_teardown(signal_does_not_end_or_confuse_a_turn, fresh, done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
