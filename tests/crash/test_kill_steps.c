/*
 * kill -9 of b2bd at each step of a revocation, held there by a tracer: before every call of the agent's that changes something (a
 * message to the guard or the service, a write, a sync) and before the one that comes next, so also between the stores into the cache. Killed
 * is the agent, or all of b2bd. Then nothing of the session is left, whoever was not meant lives on, and nothing is pending.
 * The guard's own steps are met by time (test_kill_ending.c): with nothing to do it makes no calls at which it could be held.
 *
 * Once of an offboarding, which closes the person; and of the end of all sessions of somebody who stays, where only what was stored or comes
 * again can end them: a b2bd that starts anew has no other reason to.
 */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "common/clock.h"
#include "tests/crash/login.h"
#include "tests/crash/orders.h"
#include "tests/crash/tracer.h"

#define LEFT_NS (30 * B2B_NS_PER_S)
#define STEPS_MOST 200 /* a revocation has fewer */
#define DATABASE "file:/var/lib/b2b/state/agent.db?mode=ro"

enum what { OFFBOARDING, END_OF_SESSIONS };

static const char *const what_names[] = { "an offboarding", "an end of sessions" };

static struct orders orders;
static struct login bystander;
static uint32_t next_person;

struct place {
	unsigned steps; /* to pass before it stands */
	bool after;     /* something has just been changed */
};

static void pause_ms(unsigned ms)
{
	const struct timespec pause = { .tv_nsec = (long)ms * 1000000 };

	nanosleep(&pause, NULL);
}

static bool changes(long call)
{
	static const long calls[] = { SYS_write, SYS_pwrite64, SYS_writev, SYS_sendto, SYS_sendmsg, SYS_fdatasync, SYS_fsync, SYS_kill, SYS_tgkill,
		SYS_pidfd_send_signal, SYS_unlink, SYS_unlinkat, SYS_renameat, SYS_renameat2, SYS_ftruncate };

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (calls[i] == call)
			return true;
	}
	return false;
}

static bool at_step(void *arg, const struct tracer_call *call)
{
	struct place *place = arg;
	bool step = place->after || changes(call->call);

	place->after = changes(call->call);
	return step && place->steps-- == 0;
}

static uint32_t uid_of(uint32_t person)
{
	return atomic_load(&orders.seen->people[person].uid);
}

static void begin_login(struct login *login, uint32_t person)
{
	uint64_t until_ns = b2b_now_ns() + LEFT_NS;

	while (!uid_of(person) && b2b_now_ns() < until_ns)
		pause_ms(1);
	if (!uid_of(person) || !login_begin(login, uid_of(person), false))
		orders_fail(&orders, "log-in", "the person's processes do not start");
}

/* How many ends of PERSON's are in the log. */
static unsigned ends_logged(uint32_t person)
{
	char text[96];

	snprintf(text, sizeof(text), "event=ended org=o%u user=u%u@o%u ", orders.seen->people[person].org, person, orders.seen->people[person].org);
	return daemon_logged(text);
}

static void order_it(enum what what, uint32_t person)
{
	if (what == OFFBOARDING)
		orders_end_person(&orders, person);
	else
		orders_end_sessions(&orders, person);
}

/* It comes back by itself; until it is there, there is nobody to hold. */
static pid_t find_agent(void)
{
	uint64_t until_ns = b2b_now_ns() + LEFT_NS;
	pid_t pid;

	while ((pid = daemon_find(&orders.daemon, DAEMON_AGENT)) == 0 && b2b_now_ns() < until_ns)
		pause_ms(1);
	if (!pid)
		orders_fail(&orders, "agent", "it does not come back");
	return pid;
}

static void kill_held(pid_t held, bool all)
{
	if (all)
		kill(orders.daemon.first, SIGSTOP); /* it makes no new one meanwhile */
	tracer_kill(held);
	if (all) {
		daemon_kill(&orders.daemon, DAEMON_FIRST);
		daemon_start(&orders.daemon);
	}
}

static void expect_nothing_left(struct login *login, const char *where)
{
	uint64_t until_ns = b2b_now_ns() + LEFT_NS;
	char why[256];

	while (login_left(login) && b2b_now_ns() < until_ns)
		pause_ms(5);
	if (login_left(login)) {
		snprintf(why, sizeof(why), "%s: %u processes live", where, login_left(login));
		orders_fail(&orders, "left", why);
	}
	if (login_left(&bystander) <= LOGIN_PROCESSES) {
		snprintf(why, sizeof(why), "%s: somebody else's processes ended", where);
		orders_fail(&orders, "bystander", why);
	}
	orders_check(&orders);
}

/* Returns whether the revocation was over before it came to that many steps. */
static bool round_once(enum what what, bool all, unsigned steps)
{
	struct place place = { .steps = steps };
	uint32_t person = next_person++;
	struct login login;
	char where[128];
	pid_t held;
	bool over;

	if (person + 1 >= atomic_load(&orders.seen->n_people))
		orders_fail(&orders, "people", "there are too few for so many steps");
	begin_login(&login, person);
	held = find_agent();
	kill(held, SIGSTOP); /* until it is held */
	order_it(what, person);
	tracer_hold(held, at_step, &place);
	over = login_left(&login) == 0 && ends_logged(person) > 0;
	kill_held(held, all);
	snprintf(where, sizeof(where), "%s, %s killed at step %u", what_names[what], all ? "all" : "the agent", steps);
	expect_nothing_left(&login, where);
	return over;
}

static unsigned play(enum what what, bool all, unsigned stride, unsigned first)
{
	unsigned rounds = 0;

	for (unsigned steps = first; steps < STEPS_MOST; steps += stride, rounds++) {
		if (round_once(what, all, steps))
			return rounds;
	}
	orders_fail(&orders, "steps", "the revocation is never over");
}

static int64_t number(sqlite3 *db, const char *query)
{
	sqlite3_stmt *row = NULL;
	int64_t value = -1;

	if (sqlite3_prepare_v2(db, query, -1, &row, NULL) == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW)
		value = sqlite3_column_int64(row, 0);
	sqlite3_finalize(row);
	return value;
}

/* With b2bd stopped: how many ends it would resume. */
static int64_t pending(void)
{
	sqlite3 *db = NULL;
	int64_t n = -1;

	if (sqlite3_open_v2(DATABASE, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) == SQLITE_OK)
		n = number(db, "SELECT count(*) FROM pending_end");
	sqlite3_close(db);
	return n;
}

static void expect_nothing_pending(void)
{
	uint64_t until_ns = b2b_now_ns() + LEFT_NS;
	int64_t n;

	do {
		daemon_stop(&orders.daemon);
		n = pending();
		daemon_start(&orders.daemon);
		orders_settle(&orders);
	} while (n != 0 && b2b_now_ns() < until_ns);
	if (n != 0)
		orders_fail(&orders, "pending", n < 0 ? "the database cannot be read" : "ends that are through are pending");
	if (daemon_logged(" left=") != daemon_logged(" left=0 "))
		orders_fail(&orders, "left", "an end says that it left something");
}

int main(void)
{
	bool whole = secure_getenv("LONG") != NULL;
	unsigned rounds = 0, seed = orders_seed(), stride = whole ? 1 : 40;

	if (!tracer_works()) {
		puts("skip kill at every step: takes a tracer, which this machine or valgrind does not allow");
		return 0;
	}
	daemon_enter();
	orders_begin(&orders, seed, whole ? 100 : 4);
	begin_login(&bystander, atomic_load(&orders.seen->n_people) - 1);
	for (int what = OFFBOARDING; what <= END_OF_SESSIONS; what++) {
		for (int all = 0; all < 2; all++)
			rounds += play((enum what)what, all, stride, whole ? 0 : (unsigned)random() % stride);
	}
	expect_nothing_pending();
	printf("ok killed at %s of a revocation: %u rounds, seed %u\n", whole ? "every step" : "some steps", rounds, seed);
	kill(bystander.leader, SIGKILL);
	orders_end(&orders);
	return 0;
}
