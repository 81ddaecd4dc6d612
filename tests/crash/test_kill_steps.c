/*
 * kill -9 of b2bd at each step of a revocation, held there by a tracer: before every call of the agent's or the guard's that changes something
 * (a message to one another or the service, a write, a sync, a signal) and before the one that comes next, so also between the stores into the
 * cache. Killed is who is held, or all of b2bd. Then nothing of the session is left, whoever was not meant lives on, and nothing is pending.
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
#define RESTART_EACH 4 /* kills: whoever ends again and again is started again ever later */
#define DATABASE "file:/var/lib/b2b/state/agent.db?mode=ro"

enum what { OFFBOARDING, END_OF_SESSIONS };

static const char *const what_names[] = { "an offboarding", "an end of sessions" };

static struct orders orders;
static struct login bystander;
static uint32_t next_person;

/* Of a revocation. */
struct place {
	uint32_t person;
	struct login *login;
	unsigned steps; /* to pass before who is held stands */
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
static pid_t find(enum daemon_part part)
{
	uint64_t until_ns = b2b_now_ns() + LEFT_NS;
	pid_t pid;

	while ((pid = daemon_find(&orders.daemon, part)) == 0 && b2b_now_ns() < until_ns)
		pause_ms(1);
	if (!pid)
		orders_fail(&orders, daemon_part_name(part), "it does not come back");
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

/* Nothing of the session is left, and b2bd says so. */
static bool is_over(void *arg)
{
	const struct place *place = arg;

	return login_left(place->login) == 0 && ends_logged(place->person) > 0;
}

/* One way to be killed. */
struct way {
	enum what what;
	enum daemon_part held;
	bool all;
};

/* Returns whether the revocation was over before it came to that many steps. */
static bool round_once(const struct way *way, unsigned steps)
{
	uint32_t person = next_person++;
	struct login login;
	struct place place = { .person = person, .login = &login, .steps = steps };
	char where[128];
	pid_t held;
	bool stood;

	if (person + 1 >= atomic_load(&orders.seen->n_people))
		orders_fail(&orders, "people", "there are too few for so many steps");
	begin_login(&login, person);
	held = find(way->held);
	kill(held, SIGSTOP); /* until it is held */
	order_it(way->what, person);
	stood = tracer_hold(held, &(struct tracer_place){ .at = at_step, .over = is_over, .arg = &place }) && !is_over(&place);
	kill_held(held, way->all);
	snprintf(where, sizeof(where), "%s, %s killed at step %u of %s's", what_names[way->what], way->all ? "all" : "it", steps,
	         daemon_part_name(way->held));
	expect_nothing_left(&login, where);
	return !stood;
}

/* At every step. Returns at how many it was killed before the revocation was over. */
static unsigned play(const struct way *way)
{
	for (unsigned steps = 0; steps < STEPS_MOST; steps++) {
		if (round_once(way, steps))
			return steps;
		if (!way->all && steps % RESTART_EACH == RESTART_EACH - 1) {
			daemon_stop(&orders.daemon);
			daemon_start(&orders.daemon);
		}
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

/* What is pending when b2bd starts is ended, and said to be. */
static void resume(int64_t n)
{
	const uint64_t until_ns = b2b_now_ns() + LEFT_NS;
	const unsigned before = daemon_logged("event=ended ");

	daemon_start(&orders.daemon);
	while (n > 0 && daemon_logged("event=ended ") < before + (unsigned)n && b2b_now_ns() < until_ns)
		pause_ms(20);
	orders_settle(&orders);
}

static void expect_nothing_pending(void)
{
	uint64_t until_ns = b2b_now_ns() + LEFT_NS;
	char line[1024];
	int64_t n;

	do {
		daemon_stop(&orders.daemon);
		n = pending();
		resume(n);
	} while (n != 0 && b2b_now_ns() < until_ns);
	if (n != 0)
		orders_fail(&orders, "pending", n < 0 ? "the database cannot be read" : "ends that are through are pending");
	if (daemon_log_line(" left=", " left=0 ", line, sizeof(line)))
		orders_fail(&orders, "an end says that it left something", line);
}

/* At every step in every way; or at one in each. Returns how many kills came before the end. */
static unsigned play_all(bool whole)
{
	static const struct { enum daemon_part held; unsigned steps; } parts[] = { { DAEMON_AGENT, 50 }, { DAEMON_GUARD, 30 } };
	unsigned kills = 0, one;

	for (unsigned i = 0; i < 8; i++) {
		const struct way way = { .what = i / 4, .held = parts[i / 2 % 2].held, .all = i % 2 };

		one = whole ? play(&way) : !round_once(&way, (unsigned)random() % parts[i / 2 % 2].steps);
		kills += one;
		if (whole && printf("%s, %s held, %s killed: %u steps\n", what_names[way.what], daemon_part_name(way.held), way.all ? "all" : "it", one) > 0)
			fflush(stdout);
	}
	return kills;
}

int main(void)
{
	bool whole = secure_getenv("LONG") != NULL;
	unsigned kills, seed = orders_seed();

	if (!tracer_works()) {
		puts("skip kill at every step: takes a tracer, which this machine or valgrind does not allow");
		return 0;
	}
	daemon_enter();
	orders_begin(&orders, seed, whole ? 200 : 6);
	begin_login(&bystander, atomic_load(&orders.seen->n_people) - 1);
	kills = play_all(whole);
	expect_nothing_pending();
	if (kills < 4)
		orders_fail(&orders, "steps", "hardly any kill came before the end");
	printf("ok killed at %s of a revocation: %u kills, seed %u\n", whole ? "every step" : "some steps", kills, seed);
	kill(bystander.leader, SIGKILL);
	orders_end(&orders);
	return 0;
}
