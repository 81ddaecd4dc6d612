/*
 * kill -9 of b2bd, of one of its processes or of a child at random instants, under a stream of changes and while witnesses
 * look people up without pause. Nothing is torn, goes backwards, or opens again, no id is used twice; and left alone for a
 * moment, the host is where the directory is.
 *
 * CRASH_SEED repeats a run as far as a random instant can be repeated; LONG=1 kills 1,000 times.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"
#include "tests/crash/orders.h"

#define ROUNDS 30
#define ROUNDS_LONG 1000
#define SETTLE_EVERY 10
#define FIRST_PEOPLE 8

static struct orders orders;
static unsigned failures; /* of parts since the first process began: each doubles the pause before the next start */
static unsigned kills[DAEMON_PARTS];

static void pause_ns(uint64_t ns)
{
	const struct timespec pause = { .tv_sec = (time_t)(ns / B2B_NS_PER_S), .tv_nsec = (long)(ns % B2B_NS_PER_S) };

	nanosleep(&pause, NULL);
}

/* The first two organisations last; the others end one after the other, spread over the run. */
static void end_an_organisation(unsigned number, unsigned rounds)
{
	if (orders.orgs_ended < WITNESS_ORGS - 2 && number >= rounds * (orders.orgs_ended + 1) / (WITNESS_ORGS - 1))
		orders_end_org(&orders, 2 + orders.orgs_ended);
}

static void change_something(void)
{
	uint32_t n = atomic_load(&orders.seen->n_people), i = (uint32_t)random() % n;
	long what = random() % 100;

	if (what < 25 && n < WITNESS_PEOPLE)
		orders_add_person(&orders, (uint32_t)random() % 2);
	else if (what < 80)
		orders_change_person(&orders, i);
	else
		orders_end_person(&orders, i);
}

static enum daemon_part choose(void)
{
	static const enum daemon_part often[] = { DAEMON_FIRST, DAEMON_FIRST, DAEMON_FIRST, DAEMON_AGENT,   DAEMON_AGENT,
		                                  DAEMON_GUARD, DAEMON_GUARD, DAEMON_INSTALL, DAEMON_INSTALL, DAEMON_BUILD };

	return failures >= 3 ? DAEMON_FIRST : often[random() % (long)(sizeof(often) / sizeof(often[0]))];
}

/* Children live for milliseconds: waited for, a while. */
static bool strike(enum daemon_part part)
{
	uint64_t until_ns = b2b_now_ns() + 300 * B2B_NS_PER_MS;

	while (!daemon_kill(&orders.daemon, part)) {
		if (b2b_now_ns() > until_ns)
			return false;
		if (part != DAEMON_INSTALL && part != DAEMON_BUILD)
			pause_ns(B2B_NS_PER_MS);
	}
	return true;
}

static void kill_once(void)
{
	enum daemon_part part = choose();
	bool child = part == DAEMON_INSTALL || part == DAEMON_BUILD;

	/* Mostly within what a change takes; at times within a start or after all is done. */
	if (!child)
		pause_ns((uint64_t)random() % (random() % 4 ? 120 : 700) * B2B_NS_PER_MS);
	if (!strike(part)) {
		part = DAEMON_FIRST;
		strike(part);
	}
	kills[part]++;
	if (part == DAEMON_FIRST) {
		failures = 0;
		daemon_start(&orders.daemon);
	} else if (!child) {
		failures++;
	}
}

static void round_once(unsigned number, unsigned rounds)
{
	end_an_organisation(number, rounds);
	for (long changes = 1 + random() % 3; changes > 0; changes--)
		change_something();
	orders_nudge(&orders);
	kill_once();
	orders_take_acknowledgements(&orders);
	if (number % SETTLE_EVERY == SETTLE_EVERY - 1)
		orders_settle(&orders);
	orders_check(&orders);
}

static void report(unsigned seed)
{
	printf("ok killed at random instants: seed %u,", seed);
	for (int part = 0; part < DAEMON_PARTS; part++)
		printf(" %s %u,", daemon_part_name((enum daemon_part)part), kills[part]);
	printf(" %u people, %u ended, %u organisations ended, %llu looks, %llu found\n", atomic_load(&orders.seen->n_people), orders.people_ended,
	       orders.orgs_ended, (unsigned long long)atomic_load(&orders.seen->looks), (unsigned long long)atomic_load(&orders.seen->found));
}

int main(void)
{
	unsigned seed = orders_seed(), rounds = secure_getenv("LONG") ? ROUNDS_LONG : ROUNDS;

	daemon_enter();
	orders_begin(&orders, seed, FIRST_PEOPLE);
	for (unsigned i = 0; i < rounds; i++)
		round_once(i, rounds);
	orders_settle(&orders);
	orders_check(&orders);
	report(seed);
	orders_end(&orders);
	return 0;
}
