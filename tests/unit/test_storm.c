/* What a service meets when it comes back: hosts that lost it in the same instant return spread out, and not for ever later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "b2bd/jitter.h"
#include "b2bd/signals/stream_private.h"
#include "common/clock.h"
#include "common/log.h"

#define HOSTS 2000
#define SLICES 10

static void step(struct b2b_stream *stream)
{
	(void)stream;
}

/* Seconds until a stream that has failed so often before tries again. */
static double retry_s(struct b2b_loop *loop, unsigned failures)
{
	struct b2b_stream stream = { .api = { .loop = loop }, .failures = failures, .failing_since_s = 1 };
	double seconds;

	b2b_stream_fail(&stream, step, "it went away");
	seconds = ((double)stream.timer.due_ns - (double)b2b_now_ns()) / 1e9;
	b2b_timer_stop(&stream.timer);
	return seconds;
}

static void the_first_retries_of_many_hosts_are_spread_over_a_second(void **state)
{
	struct b2b_loop *loop;
	int slices[SLICES] = { 0 }, i;

	(void)state;
	assert_int_equal(b2b_loop_new(&loop), 0);
	for (i = 0; i < HOSTS; i++) {
		double seconds = retry_s(loop, 0);

		assert_true(seconds < 1);
		slices[(int)(seconds < 0 ? 0 : seconds * SLICES)]++;
	}
	/* even would be a tenth each, but for the first, of which a part is left free */
	for (i = 1; i < SLICES; i++)
		assert_in_range(slices[i], HOSTS / SLICES / 2, HOSTS / SLICES * 2);
	b2b_loop_free(loop);
}

static void later_retries_are_further_apart_and_bounded(void **state)
{
	struct b2b_loop *loop;
	double longest[2] = { 0, 0 };
	int i;

	(void)state;
	assert_int_equal(b2b_loop_new(&loop), 0);
	for (i = 0; i < HOSTS; i++) {
		double third = retry_s(loop, 2), late = retry_s(loop, 1000);

		longest[0] = third > longest[0] ? third : longest[0];
		longest[1] = late > longest[1] ? late : longest[1];
	}
	assert_true(longest[0] > 3.5 && longest[0] <= 4);
	assert_true(longest[1] > 28 && longest[1] <= 32);
	b2b_loop_free(loop);
}

static void chance_keeps_within_its_bounds_and_reaches_all_of_them(void **state)
{
	bool seen[16] = { false };
	int i;

	(void)state;
	assert_int_equal(b2b_jitter_ns(7, 7), 7);
	for (i = 0; i < HOSTS; i++) {
		uint64_t got = b2b_jitter_ns(1600, 3199);

		assert_in_range(got, 1600, 3199);
		seen[(got - 1600) / 100] = true;
	}
	for (i = 0; i < 16; i++)
		assert_true(seen[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_retries_of_many_hosts_are_spread_over_a_second),
		cmocka_unit_test(later_retries_are_further_apart_and_bounded),
		cmocka_unit_test(chance_keeps_within_its_bounds_and_reaches_all_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
