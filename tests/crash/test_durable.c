/*
 * A revocation at the worst moments, played with the real b2bd: nothing is acknowledged before it is on disk; what was closed
 * and could not be stored stays closed for the next agent; and a word that a power cut brought back open is closed
 * again before anybody could get in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/cache.h"
#include "common/cache_format.h"
#include "common/clock.h"
#include "common/live.h"
#include "tests/crash/daemon.h"
#include "tests/crash/tracer.h"

#define LIVE "/var/lib/b2b/cache/live/42c3e9"
#define RANGE_LO 2013265920u
#define DISABLED "https://schemas.openid.net/secevent/risc/event-type/account-disabled"
#define WAIT_NS (60 * B2B_NS_PER_S)

static struct daemon daemon_;
static struct b2b_live *live; /* as readers see it */

static void pause_ms(unsigned ms)
{
	const struct timespec pause = { .tv_nsec = (long)ms * 1000000 };

	nanosleep(&pause, NULL);
}

#define WAIT_FOR(condition)                                   \
	do {                                                  \
		uint64_t until_ = b2b_now_ns() + WAIT_NS;     \
		while (!(condition) && b2b_now_ns() < until_) \
			pause_ms(5);                          \
		assert_true(condition);                       \
	} while (0)

/* ---- people ---- */

static uint32_t uid_of(const char *name)
{
	char buf[512];
	struct b2b_cache *cache = NULL;
	struct passwd pw;
	uint32_t uid = 0;

	assert_int_equal(b2b_cache_new(NULL, &cache), 0);
	if (b2b_cache_getpwnam(cache, name, &pw, buf, sizeof(buf)) == 0)
		uid = pw.pw_uid;
	b2b_cache_free(cache);
	return uid;
}

static bool is_state(uint32_t uid, enum b2b_live_state state)
{
	return B2B_LIVE_STATE(b2b_live_load(live, uid)) == state;
}

static void order(const char *verb, const char *person)
{
	json_decref(daemon_control(&daemon_, verb, json_pack("{ss}", "person", person)));
}

/* Somebody new, open to all. Returns the uid. */
static uint32_t somebody(const char *local)
{
	char name[64];

	json_decref(daemon_control(&daemon_, "person", json_pack("{ss,ss,ss}", "organisation", "acme", "local", local, "id", local)));
	snprintf(name, sizeof(name), "%s@acme", local);
	WAIT_FOR(uid_of(name) && is_state(uid_of(name), B2B_LIVE_OPEN));
	return uid_of(name);
}

/* Has the host acknowledged that the person with ID is disabled? */
static bool acknowledged(const char *id)
{
	json_t *events = daemon_events(&daemon_), *event;
	bool found = false;
	size_t i;

	json_array_foreach(events, i, event) {
		const char *sub = json_string_value(json_object_get(json_object_get(json_object_get(event, "sub_id"), "user"), "sub"));

		if (sub && strcmp(sub, id) == 0 && strstr(json_string_value(json_object_get(event, "type")), "account-disabled"))
			found = json_is_integer(json_object_get(event, "acked_ms"));
	}
	json_decref(events);
	return found;
}

/* ---- the agent, held ---- */

static bool of_the_journal(const struct tracer_call *call)
{
	char path[256];

	return tracer_fd_path(call->pid, (int)call->args[0], path, sizeof(path)) == 0 && strstr(path, "agent.db-wal");
}

/* About to sync what it wrote of the revocation: the word is stored already. */
static bool syncs(void *arg, const struct tracer_call *call)
{
	return call->call == SYS_fdatasync && is_state(*(uint32_t *)arg, B2B_LIVE_CLOSED) && of_the_journal(call);
}

/* About to write the first of it. */
static bool writes(void *arg, const struct tracer_call *call)
{
	return call->call == SYS_pwrite64 && is_state(*(uint32_t *)arg, B2B_LIVE_CLOSED) && of_the_journal(call);
}

static void is_acknowledged_once_it_is_on_disk(void **state)
{
	uint32_t uid = somebody("zoe");
	pid_t agent = daemon_find(&daemon_, DAEMON_AGENT);

	(void)state;
	kill(agent, SIGSTOP); /* until it is held */
	order("offboard", "zoe@acme.example");
	tracer_hold(agent, &(struct tracer_place){ .at = syncs, .arg = &uid });
	assert_false(acknowledged("zoe"));
	tracer_let_go(agent);
	WAIT_FOR(acknowledged("zoe"));
	assert_true(is_state(uid, B2B_LIVE_CLOSED));
}

/* Is the agent that began after SINCE alive by its heartbeat? UID's word stays closed all the while. */
static void expect_closed_until_alive(uint32_t uid, uint64_t since_ns)
{
	uint64_t until_ns = b2b_now_ns() + WAIT_NS;

	while (b2b_live_heartbeat(live) < since_ns) {
		assert_true(b2b_now_ns() < until_ns);
		assert_true(is_state(uid, B2B_LIVE_CLOSED));
	}
	assert_true(is_state(uid, B2B_LIVE_CLOSED));
}

static void hold_events(bool hold)
{
	json_decref(daemon_control(&daemon_, "misbehave", json_pack("{sb}", "hold_events", hold)));
}

static void is_closed_for_the_next_agent_though_it_was_never_stored(void **state)
{
	uint32_t uid = somebody("yve");
	pid_t agent = daemon_find(&daemon_, DAEMON_AGENT);
	uint64_t killed_ns;

	(void)state;
	/* The event alone: the directory goes on calling her active. */
	kill(agent, SIGSTOP);
	json_decref(daemon_control(&daemon_, "event", json_pack("{ss,ss}", "type", DISABLED, "person", "yve@acme.example")));
	tracer_hold(agent, &(struct tracer_place){ .at = writes, .arg = &uid });
	hold_events(true);
	tracer_kill(agent);
	killed_ns = b2b_now_ns();
	assert_false(acknowledged("yve"));
	expect_closed_until_alive(uid, killed_ns);
	hold_events(false);
	WAIT_FOR(acknowledged("yve"));
	assert_true(is_state(uid, B2B_LIVE_CLOSED));
}

/* What a power cut may leave of the page: an old word, the times of before, and the id of a boot that is over. */
static void lose_page(uint32_t uid)
{
	const uint32_t open_word = B2B_LIVE_OPEN;
	const uint64_t now = b2b_now_ns();
	const uint8_t boot_id[16] = "another boot";
	int fd = open(LIVE, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &open_word, sizeof(open_word), B2B_LIVE_WORDS_AT + (uid - RANGE_LO) * sizeof(open_word)), sizeof(open_word));
	assert_int_equal(pwrite(fd, &now, sizeof(now), offsetof(struct b2b_format_live, heartbeat_ns)), sizeof(now));
	assert_int_equal(pwrite(fd, &now, sizeof(now), offsetof(struct b2b_format_live, verified_ns)), sizeof(now));
	assert_int_equal(pwrite(fd, boot_id, sizeof(boot_id), offsetof(struct b2b_format_live, boot_id)), sizeof(boot_id));
	close(fd);
}

/* What the PAM module would say of the agent and the lease. */
static struct b2b_standing standing(const char *name)
{
	struct b2b_standing standing = { .uid = 0 };
	struct b2b_cache *cache = NULL;

	assert_int_equal(b2b_cache_new(NULL, &cache), 0);
	assert_int_equal(b2b_cache_standing(cache, name, "sshd", &standing), 0);
	b2b_cache_free(cache);
	return standing;
}

static void is_closed_again_before_anybody_gets_in_when_a_power_cut_opened_it(void **state)
{
	uint32_t uid = somebody("xan");
	uint64_t until_ns = b2b_now_ns() + WAIT_NS;
	struct b2b_standing now;

	(void)state;
	order("offboard", "xan@acme.example");
	WAIT_FOR(acknowledged("xan"));
	daemon_kill(&daemon_, DAEMON_FIRST);
	lose_page(uid);
	now = standing("xan@acme");
	assert_true(now.user_open); /* the name is open, and nobody gets in by it */
	assert_false(now.agent_alive || now.lease_valid);
	/* The service is silent: what the agent has on disk must do. */
	kill(daemon_.service.pid, SIGSTOP);
	daemon_start(&daemon_);
	do {
		now = standing("xan@acme"); /* looks at the words last */
		assert_false(now.user_open && (now.agent_alive || now.lease_valid));
		assert_true(b2b_now_ns() < until_ns);
	} while (!now.agent_alive);
	assert_false(now.user_open || now.lease_valid);
	kill(daemon_.service.pid, SIGCONT);
	do {
		now = standing("xan@acme");
		assert_false(now.user_open);
		assert_true(b2b_now_ns() < until_ns);
	} while (!now.lease_valid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_acknowledged_once_it_is_on_disk),
		cmocka_unit_test(is_closed_for_the_next_agent_though_it_was_never_stored),
		cmocka_unit_test(is_closed_again_before_anybody_gets_in_when_a_power_cut_opened_it),
	};
	int r;

	if (!tracer_works()) {
		puts("skip durable: takes a tracer, which this machine or valgrind does not allow");
		return 0;
	}
	daemon_enter();
	daemon_prepare(&daemon_, "[organisation acme]\nid = 42c3e9\nrange = 2013265920-2013331455\nservices = sshd\n[service sshd]\nmethods = device\n");
	daemon_start(&daemon_);
	WAIT_FOR(uid_of("alice@acme"));
	assert_int_equal(b2b_live_open("/var/lib/b2b/cache", "42c3e9", &live), 0);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	if (r)
		daemon_show_log();
	b2b_live_unmap(live);
	daemon_end(&daemon_);
	return r;
}
