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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "b2bd/guard/proc.h"
#include "common/clock.h"
#include "common/session_record.h"
#include "tests/crash/orders.h"

#define ROUNDS 9
#define ROUNDS_LONG 300
#define LAST_STEP_MS 1300
#define LEFT_NS (30 * B2B_NS_PER_S)
#define PROCESSES 6 /* of the person; the leader is root's */

static struct orders orders;

static void pause_ns(uint64_t ns)
{
	const struct timespec pause = { .tv_sec = (time_t)(ns / B2B_NS_PER_S), .tv_nsec = (long)(ns % B2B_NS_PER_S) };

	nanosleep(&pause, NULL);
}

_Noreturn static void stay(void)
{
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	for (;;)
		pause();
}

static void be_person(uint32_t uid)
{
	if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		_exit(98);
	stay();
}

static void lead(uint32_t uid)
{
	struct b2b_session_record record = { .magic = B2B_SESSION_MAGIC, .uid = uid, .pid = getpid(), .opened_s = b2b_wall_s() };

	setsid();
	snprintf(record.origin.service, sizeof(record.origin.service), "sshd");
	if (b2b_start_ticks(getpid(), &record.start_ticks) < 0 || b2b_session_put(&record) < 0)
		_exit(97);
	for (int i = 0; i < PROCESSES; i++) {
		if (fork() == 0) {
			/* The first is the relay; the others left the session. */
			if (i > 0 && (setsid() < 0 || fork() != 0))
				_exit(0);
			be_person(uid);
		}
	}
	stay();
}

static unsigned count(uint32_t uid)
{
	struct b2b_processes list = { 0 };
	unsigned n = 0;

	b2b_processes_scan(&list, NULL, NULL);
	for (size_t i = 0; i < list.n; i++)
		n += list.items[i].uids[0] == uid;
	b2b_processes_free(&list);
	return n;
}

static bool gone(pid_t leader, uint32_t uid)
{
	return waitpid(leader, NULL, WNOHANG) != 0 && count(uid) == 0;
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

static pid_t log_in(uint32_t uid)
{
	uint64_t until_ns = b2b_now_ns() + LEFT_NS;
	pid_t leader = fork();

	if (leader == 0)
		lead(uid);
	while (count(uid) < PROCESSES && b2b_now_ns() < until_ns)
		pause_ns(B2B_NS_PER_MS);
	if (count(uid) < PROCESSES)
		orders_fail(&orders, "log-in", "the person's processes do not start");
	return leader;
}

/* Returns whether something of the person was still there. */
static bool kill_at(uint32_t step_ms, enum daemon_part part, pid_t leader, uint32_t uid)
{
	struct b2b_process process;
	bool left;

	pause_ns(step_ms * B2B_NS_PER_MS);
	daemon_kill(&orders.daemon, part);
	left = count(uid) > 0 || b2b_process_read(leader, &process) == 0;
	if (part == DAEMON_FIRST)
		daemon_start(&orders.daemon);
	return left;
}

static bool round_once(uint32_t person, uint32_t bystander, uint32_t step_ms, enum daemon_part part)
{
	uint32_t uid = uid_of(person);
	pid_t leader = log_in(uid);
	uint64_t until_ns;
	bool early;
	char why[128];

	orders_end_person(&orders, person);
	early = kill_at(step_ms, part, leader, uid);
	until_ns = b2b_now_ns() + LEFT_NS;
	while (!gone(leader, uid) && b2b_now_ns() < until_ns)
		pause_ns(5 * B2B_NS_PER_MS);
	if (kill(leader, 0) == 0 || count(uid)) {
		snprintf(why, sizeof(why), "%s killed %u ms after the offboarding: %u processes live", daemon_part_name(part), step_ms, count(uid));
		orders_fail(&orders, "left", why);
	}
	if (count(bystander) < PROCESSES)
		orders_fail(&orders, "bystander", "somebody else's processes ended");
	orders_check(&orders);
	return early;
}

int main(void)
{
	static const enum daemon_part parts[] = { DAEMON_FIRST, DAEMON_AGENT, DAEMON_GUARD };
	unsigned rounds = secure_getenv("LONG") ? ROUNDS_LONG : ROUNDS, early = 0;
	uint32_t bystander;
	pid_t leader;

	daemon_enter();
	orders_begin(&orders, orders_seed(), rounds + 1);
	bystander = uid_of(rounds);
	leader = log_in(bystander);
	for (unsigned i = 0; i < rounds; i++)
		early += round_once(i, bystander, i * LAST_STEP_MS / rounds, parts[i % 3]);
	orders_settle(&orders);
	if (early < rounds / 3)
		orders_fail(&orders, "steps", "too few kills came before the end");
	printf("ok killed at each step of a revocation: %u rounds, in %u of them before its end\n", rounds, early);
	kill(leader, SIGKILL);
	orders_end(&orders);
	return 0;
}
