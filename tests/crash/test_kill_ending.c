/*
 * kill -9 of b2bd, or of one of its two working processes, at each step of a revocation: from before the event is heard
 * until after all is over, a few milliseconds later in each round. Started again, nothing of the person is left, and
 * everybody else is there.
 *
 * A revocation takes 1.1 s here and so has many steps: a relay and a leader that will not go hold it up.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"
#include "tests/crash/login.h"
#include "tests/crash/orders.h"

#define ROUNDS 9
#define ROUNDS_LONG 300
#define LAST_STEP_MS 1300
#define LEFT_NS (30 * B2B_NS_PER_S)

static struct orders orders;

static void pause_ns(uint64_t ns)
{
	const struct timespec pause = { .tv_sec = (time_t)(ns / B2B_NS_PER_S), .tv_nsec = (long)(ns % B2B_NS_PER_S) };

	nanosleep(&pause, NULL);
}

static uint32_t uid_of(uint32_t person)
{
	uint64_t until_ns = b2b_now_ns() + LEFT_NS;
	uint32_t uid;

	while ((uid = atomic_load(&orders.seen->people[person].uid)) == 0 && b2b_now_ns() < until_ns)
		pause_ns(B2B_NS_PER_MS);
	if (!uid)
		orders_fail(&orders, "uid", "nobody sees the person");
	return uid;
}

/* Returns whether something of the person was still there. */
static bool kill_at(uint32_t step_ms, enum daemon_part part, struct login *login)
{
	bool left;

	pause_ns(step_ms * B2B_NS_PER_MS);
	daemon_kill(&orders.daemon, part);
	left = login_left(login) > 0;
	if (part == DAEMON_FIRST)
		daemon_start(&orders.daemon);
	return left;
}

static bool round_once(uint32_t person, struct login *bystander, uint32_t step_ms, enum daemon_part part)
{
	struct login login;
	uint64_t until_ns;
	bool early;
	char why[128];

	if (!login_begin(&login, uid_of(person), true))
		orders_fail(&orders, "log-in", "the person's processes do not start");
	orders_end_person(&orders, person);
	early = kill_at(step_ms, part, &login);
	until_ns = b2b_now_ns() + LEFT_NS;
	while (login_left(&login) && b2b_now_ns() < until_ns)
		pause_ns(5 * B2B_NS_PER_MS);
	if (login_left(&login)) {
		snprintf(why, sizeof(why), "%s killed %u ms after the offboarding: %u processes live", daemon_part_name(part), step_ms,
		         login_left(&login));
		orders_fail(&orders, "left", why);
	}
	if (login_left(bystander) <= LOGIN_PROCESSES)
		orders_fail(&orders, "bystander", "somebody else's processes ended");
	orders_check(&orders);
	return early;
}

int main(void)
{
	static const enum daemon_part parts[] = { DAEMON_FIRST, DAEMON_AGENT, DAEMON_GUARD };
	unsigned rounds = secure_getenv("LONG") ? ROUNDS_LONG : ROUNDS, early = 0;
	struct login bystander;

	daemon_enter();
	orders_begin(&orders, orders_seed(), rounds + 1);
	if (!login_begin(&bystander, uid_of(rounds), true))
		orders_fail(&orders, "log-in", "the bystander's processes do not start");
	for (unsigned i = 0; i < rounds; i++)
		early += round_once(i, &bystander, i * LAST_STEP_MS / rounds, parts[i % 3]);
	orders_settle(&orders);
	if (early < rounds / 3)
		orders_fail(&orders, "steps", "too few kills came before the end");
	printf("ok killed at each step of a revocation: %u rounds, in %u of them before its end\n", rounds, early);
	kill(bystander.leader, SIGKILL);
	orders_end(&orders);
	return 0;
}
