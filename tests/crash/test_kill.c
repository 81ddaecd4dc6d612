/*
 * kill -9 of b2bd, of one of its processes or of a child at random instants, under a stream of changes and while witnesses
 * look people up without pause. Nothing is torn, goes backwards, or opens again, no id is used twice; and left alone for a
 * moment, the host is where the directory is.
 *
 * CRASH_SEED repeats a run as far as a random instant can be repeated; LONG=1 kills 1,000 times.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/crash/daemon.h"
#include "tests/crash/witness.h"

#define ROUNDS 30
#define ROUNDS_LONG 1000
#define SETTLE_EVERY 10
#define SETTLE_NS (60 * B2B_NS_PER_S)
#define FIRST_PEOPLE 8
#define NUDGE "https://schemas.openid.net/secevent/risc/event-type/account-enabled"
#define ROLE_GID 2000

struct trial {
	struct daemon daemon;
	struct witnesses *seen;
	uint32_t wanted[WITNESS_PEOPLE]; /* versions ordered */
	unsigned failures;               /* of parts since the first process began: each doubles the pause before the next start */
	unsigned kills[DAEMON_PARTS], rounds, people_ended, orgs_ended;
};

static struct trial trial;

_Noreturn static void failed(const char *what, const char *why)
{
	printf("FAIL %s: %s\n", what, why);
	fflush(stdout);
	daemon_show_log();
	daemon_end(&trial.daemon);
	exit(1);
}

static void pause_ns(uint64_t ns)
{
	const struct timespec pause = { .tv_sec = (time_t)(ns / B2B_NS_PER_S), .tv_nsec = (long)(ns % B2B_NS_PER_S) };

	nanosleep(&pause, NULL);
}

static char *user_name(uint32_t i)
{
	static char name[64];

	snprintf(name, sizeof(name), "u%u@%s.example", i, trial.seen->orgs[trial.seen->people[i].org].alias);
	return name;
}

/* ---- what is ordered ---- */

static json_t *version(uint32_t i, uint32_t number)
{
	return json_pack("{so,so}", "display", json_sprintf("t%u v%u", i, number), "roles",
	                 number % 2 ? json_pack("[s]", "operator") : json_array());
}

static void order(const char *verb, json_t *body)
{
	json_decref(daemon_control(&trial.daemon, verb, body));
}

static void add_person(uint32_t org)
{
	uint32_t i = atomic_load(&trial.seen->n_people);
	json_t *body = version(i, 1);

	trial.seen->people[i].org = org;
	trial.wanted[i] = 1;
	json_object_set_new(body, "id", json_sprintf("id-%u", i));
	json_object_set_new(body, "organisation", json_string(trial.seen->orgs[org].alias));
	json_object_set_new(body, "local", json_sprintf("u%u", i));
	order("person", body);
	atomic_store(&trial.seen->n_people, i + 1);
}

static void change_person(uint32_t i)
{
	json_t *body = version(i, ++trial.wanted[i]);

	json_object_set_new(body, "person", json_string(user_name(i)));
	order("person", body);
}

static void end_person(uint32_t i)
{
	if (atomic_exchange(&trial.seen->people[i].ordered, true))
		return;
	order("offboard", json_pack("{ss}", "person", user_name(i)));
	trial.people_ended++;
}

static void end_org(uint32_t org)
{
	if (atomic_exchange(&trial.seen->orgs[org].ordered, true))
		return;
	order("end-contract", json_pack("{ss}", "organisation", trial.seen->orgs[org].alias));
	trial.orgs_ended++;
}

/* Changes of the directory alone are not signalled: an event that means a look at the directory brings them at once. */
static void nudge(void)
{
	order("event", json_pack("{ss,ss}", "type", NUDGE, "person", "alice@acme.example"));
}

/* The last organisations end, one after the other, spread over the whole run; the first two never do. */
static uint32_t lasting_org(void)
{
	return (uint32_t)random() % 2;
}

static void change_something(void)
{
	uint32_t n = atomic_load(&trial.seen->n_people), i = (uint32_t)random() % n, most = trial.rounds / (WITNESS_ORGS - 1);
	long what = random() % 100;

	if (what < 25 && n < WITNESS_PEOPLE)
		add_person(lasting_org());
	else if (what < 70)
		change_person(i);
	else if (what < 99)
		end_person(i);
	else if (most && trial.orgs_ended < WITNESS_ORGS - 2)
		end_org(2 + trial.orgs_ended);
}

/* ---- what the service saw ---- */

static void note_acknowledged(const json_t *event)
{
	const json_t *subject = json_object_get(event, "sub_id"), *user = json_object_get(subject, "user"), *tenant = json_object_get(subject, "tenant");
	const char *type = json_string_value(json_object_get(event, "type")), *sub = json_string_value(json_object_get(user, "sub"));
	const char *id = json_string_value(json_object_get(tenant, "id"));

	if (!json_is_integer(json_object_get(event, "acked_ms")) || !type || !strstr(type, "account-disabled"))
		return;
	if (sub && strncmp(sub, "id-", 3) == 0)
		atomic_store(&trial.seen->people[strtoul(sub + 3, NULL, 10)].closed, true);
	for (uint32_t org = 0; !sub && id && org < WITNESS_ORGS; org++) {
		if (strcmp(id, trial.seen->orgs[org].alias) == 0)
			atomic_store(&trial.seen->orgs[org].closed, true);
	}
}

static void take_acknowledgements(void)
{
	json_t *events = daemon_events(&trial.daemon), *event;
	size_t i;

	json_array_foreach(events, i, event)
		note_acknowledged(event);
	json_decref(events);
}

/* ---- kills ---- */

static enum daemon_part choose(void)
{
	static const enum daemon_part often[] = { DAEMON_FIRST, DAEMON_FIRST, DAEMON_FIRST, DAEMON_AGENT,   DAEMON_AGENT,
		                                  DAEMON_GUARD, DAEMON_GUARD, DAEMON_INSTALL, DAEMON_INSTALL, DAEMON_BUILD };

	return trial.failures >= 3 ? DAEMON_FIRST : often[random() % (long)(sizeof(often) / sizeof(often[0]))];
}

/* Children live for milliseconds: waited for, a while. */
static bool strike(enum daemon_part part)
{
	uint64_t until_ns = b2b_now_ns() + 300 * B2B_NS_PER_MS;

	while (!daemon_kill(&trial.daemon, part)) {
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
	trial.kills[part]++;
	if (part == DAEMON_FIRST) {
		trial.failures = 0;
		daemon_start(&trial.daemon);
	} else if (!child) {
		trial.failures++;
	}
}

/* ---- where it comes to rest ---- */

/* Is the host where the directory is? WHY says what is not. */
static bool settled(char why[200])
{
	uint32_t n = atomic_load(&trial.seen->n_people);

	for (uint32_t i = 0; i < n; i++) {
		const struct witness_person *person = &trial.seen->people[i];
		bool open = false, wanted = !person->ordered && !trial.seen->orgs[person->org].ordered;
		uint32_t at = witness_look(trial.seen, i, &open);

		if (at == trial.wanted[i] && open == wanted)
			continue;
		snprintf(why, 200, "%s is at version %u of %u, %s, after a minute", user_name(i), at, trial.wanted[i], open ? "open" : "closed");
		return false;
	}
	return true;
}

static void settle(void)
{
	uint64_t until_ns = b2b_now_ns() + SETTLE_NS;
	char why[200] = "";

	while (!settled(why)) {
		if (b2b_now_ns() > until_ns)
			failed("settled", why);
		pause_ns(20 * B2B_NS_PER_MS);
	}
}

static void check_witnesses(const char *when)
{
	int status;

	if (waitpid(trial.daemon.first, &status, WNOHANG) > 0) {
		printf("# status %x\n", status);
		failed("first-process", "b2bd ended by itself");
	}
	if (atomic_load(&trial.seen->failed))
		failed(when, trial.seen->why);
}

static void round_once(unsigned number)
{
	for (long changes = 1 + random() % 3; changes > 0; changes--)
		change_something();
	nudge();
	kill_once();
	take_acknowledgements();
	if (number % SETTLE_EVERY == SETTLE_EVERY - 1)
		settle();
	check_witnesses("witnesses");
}

/* ---- the world ---- */

static char *organisations(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (uint32_t i = 0; i < WITNESS_ORGS; i++) {
		struct witness_org *org = &trial.seen->orgs[i];

		snprintf(org->alias, sizeof(org->alias), "o%u", i);
		org->lo = 0x78000000u + i * 0x10000u;
		org->role_gid = ROLE_GID;
		fprintf(out, "[organisation %s]\nid = %s\nrange = %u-%u\nservices = sshd\nroles = operator\n", org->alias, org->alias, org->lo,
		        org->lo + WITNESS_RANGE - 1);
	}
	fprintf(out, "[organisation acme]\nid = 42c3e9\nrange = 2040528896-2040529919\nservices = sshd\n");
	fprintf(out, "[role operator]\nlocal_groups = engineers\n[service sshd]\nmethods = device\n");
	fclose(out);
	return text;
}

static void start(unsigned seed)
{
	char *text;

	srandom(seed);
	trial.seen = witnesses_new();
	text = organisations();
	daemon_prepare(&trial.daemon, text);
	free(text);
	for (uint32_t org = 0; org < WITNESS_ORGS; org++)
		order("organisation", json_pack("{ss,ss}", "id", trial.seen->orgs[org].alias, "alias", trial.seen->orgs[org].alias));
	for (uint32_t i = 0; i < FIRST_PEOPLE * WITNESS_ORGS; i++)
		add_person(i % WITNESS_ORGS);
	witness_start(trial.seen, true, seed + 1);
	witness_start(trial.seen, false, seed + 2);
	daemon_start(&trial.daemon);
	settle();
}

static unsigned seed_of_this_run(void)
{
	const char *given = secure_getenv("CRASH_SEED");

	return given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)b2b_wall_ms();
}

static void report(unsigned seed)
{
	printf("ok killed at random instants: seed %u,", seed);
	for (int part = 0; part < DAEMON_PARTS; part++)
		printf(" %s %u,", daemon_part_name((enum daemon_part)part), trial.kills[part]);
	printf(" %u people, %u ended, %u organisations ended, %llu looks, %llu found\n", atomic_load(&trial.seen->n_people), trial.people_ended,
	       trial.orgs_ended, (unsigned long long)atomic_load(&trial.seen->looks), (unsigned long long)atomic_load(&trial.seen->found));
}

int main(void)
{
	unsigned seed = seed_of_this_run();

	daemon_enter();
	trial.rounds = secure_getenv("LONG") ? ROUNDS_LONG : ROUNDS;
	printf("# seed %u\n", seed);
	start(seed);
	for (unsigned i = 0; i < trial.rounds; i++)
		round_once(i);
	settle();
	check_witnesses("witnesses");
	atomic_store(&trial.seen->stop, true);
	report(seed);
	daemon_end(&trial.daemon);
	return 0;
}
