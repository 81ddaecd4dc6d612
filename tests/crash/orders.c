#include "tests/crash/orders.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "common/clock.h"

#define SETTLE_NS (60 * B2B_NS_PER_S)
#define NUDGE "https://schemas.openid.net/secevent/risc/event-type/account-enabled"
#define SESSIONS_END "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
#define ROLE_GID 2000

_Noreturn void orders_fail(struct orders *orders, const char *what, const char *why)
{
	printf("FAIL %s: %s\n", what, why);
	fflush(stdout);
	daemon_show_log();
	daemon_end(&orders->daemon);
	exit(1);
}

/* As the service calls person I; good until the next call. */
static char *user_name(const struct orders *orders, uint32_t i)
{
	static char name[64];

	snprintf(name, sizeof(name), "u%u@%s.example", i, orders->seen->orgs[orders->seen->people[i].org].alias);
	return name;
}

static json_t *version(uint32_t i, uint32_t number)
{
	return json_pack("{so,so}", "display", json_sprintf("t%u v%u", i, number), "roles",
	                 number % 2 ? json_pack("[s]", "operator") : json_array());
}

static void order(struct orders *orders, const char *verb, json_t *body)
{
	json_decref(daemon_control(&orders->daemon, verb, body));
}

void orders_add_person(struct orders *orders, uint32_t org)
{
	uint32_t i = atomic_load(&orders->seen->n_people);
	json_t *body = version(i, 1);

	orders->seen->people[i].org = org;
	orders->wanted[i] = 1;
	json_object_set_new(body, "id", json_sprintf("id-%u", i));
	json_object_set_new(body, "organisation", json_string(orders->seen->orgs[org].alias));
	json_object_set_new(body, "local", json_sprintf("u%u", i));
	order(orders, "person", body);
	atomic_store(&orders->seen->n_people, i + 1);
}

void orders_change_person(struct orders *orders, uint32_t i)
{
	json_t *body = version(i, ++orders->wanted[i]);

	json_object_set_new(body, "person", json_string(user_name(orders, i)));
	order(orders, "person", body);
}

void orders_end_person(struct orders *orders, uint32_t i)
{
	if (atomic_exchange(&orders->seen->people[i].ordered, true))
		return;
	order(orders, "offboard", json_pack("{ss}", "person", user_name(orders, i)));
	orders->people_ended++;
}

void orders_end_sessions(struct orders *orders, uint32_t i)
{
	order(orders, "event", json_pack("{ss,ss}", "type", SESSIONS_END, "person", user_name(orders, i)));
}

void orders_end_org(struct orders *orders, uint32_t org)
{
	if (atomic_exchange(&orders->seen->orgs[org].ordered, true))
		return;
	order(orders, "end-contract", json_pack("{ss}", "organisation", orders->seen->orgs[org].alias));
	orders->orgs_ended++;
}

void orders_nudge(struct orders *orders)
{
	order(orders, "event", json_pack("{ss,ss}", "type", NUDGE, "person", "alice@acme.example"));
}

static void note_acknowledged(struct orders *orders, const json_t *event)
{
	const json_t *subject = json_object_get(event, "sub_id"), *user = json_object_get(subject, "user"), *tenant = json_object_get(subject, "tenant");
	const char *type = json_string_value(json_object_get(event, "type")), *sub = json_string_value(json_object_get(user, "sub"));
	const char *id = json_string_value(json_object_get(tenant, "id"));

	if (!json_is_integer(json_object_get(event, "acked_ms")) || !type || !strstr(type, "account-disabled"))
		return;
	if (sub && strncmp(sub, "id-", 3) == 0)
		atomic_store(&orders->seen->people[strtoul(sub + 3, NULL, 10)].closed, true);
	for (uint32_t org = 0; !sub && id && org < WITNESS_ORGS; org++) {
		if (strcmp(id, orders->seen->orgs[org].alias) == 0)
			atomic_store(&orders->seen->orgs[org].closed, true);
	}
}

void orders_take_acknowledgements(struct orders *orders)
{
	json_t *events = daemon_events(&orders->daemon), *event;
	size_t i;

	json_array_foreach(events, i, event)
		note_acknowledged(orders, event);
	json_decref(events);
}

/* Is the host where the directory is? WHY says what is not. */
static bool settled(const struct orders *orders, char why[200])
{
	uint32_t n = atomic_load(&orders->seen->n_people);

	for (uint32_t i = 0; i < n; i++) {
		const struct witness_person *person = &orders->seen->people[i];
		bool open = false, wanted = !person->ordered && !orders->seen->orgs[person->org].ordered;
		uint32_t at = witness_look(orders->seen, i, &open);

		/* Who came and went between two looks of the host at the directory was never known here. */
		if ((at == orders->wanted[i] || (at == 0 && person->ordered)) && open == wanted)
			continue;
		snprintf(why, 200, "%s is at version %u of %u, %s, after a minute", user_name(orders, i), at, orders->wanted[i], open ? "open" : "closed");
		return false;
	}
	return true;
}

void orders_settle(struct orders *orders)
{
	const struct timespec pause = { .tv_nsec = 20 * (long)B2B_NS_PER_MS };
	uint64_t until_ns = b2b_now_ns() + SETTLE_NS;
	char why[200] = "";

	while (!settled(orders, why)) {
		if (b2b_now_ns() > until_ns)
			orders_fail(orders, "settled", why);
		nanosleep(&pause, NULL);
	}
}

void orders_check(struct orders *orders)
{
	int status;

	if (waitpid(orders->daemon.first, &status, WNOHANG) > 0) {
		printf("# status %x\n", status);
		orders_fail(orders, "first-process", "b2bd ended by itself");
	}
	if (atomic_load(&orders->seen->failed))
		orders_fail(orders, "witnesses", orders->seen->why);
}

static char *organisations(struct orders *orders)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (uint32_t i = 0; i < WITNESS_ORGS; i++) {
		struct witness_org *org = &orders->seen->orgs[i];

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

/* What happens before there is a stream comes by a directory pass alone, which a full disk does not let through. */
static void wait_for_stream(struct orders *orders)
{
	const struct timespec pause = { .tv_nsec = 20 * (long)B2B_NS_PER_MS };
	uint64_t until_ns = b2b_now_ns() + SETTLE_NS;

	while (!daemon_logged("signals: stream")) {
		if (b2b_now_ns() > until_ns)
			orders_fail(orders, "stream", "b2bd made no stream for the service's signals");
		nanosleep(&pause, NULL);
	}
}

void orders_begin(struct orders *orders, unsigned seed, unsigned people)
{
	char *text;

	printf("# seed %u\n", seed);
	srandom(seed);
	orders->seen = witnesses_new();
	text = organisations(orders);
	daemon_prepare(&orders->daemon, text);
	free(text);
	for (uint32_t org = 0; org < WITNESS_ORGS; org++)
		order(orders, "organisation", json_pack("{ss,ss}", "id", orders->seen->orgs[org].alias, "alias", orders->seen->orgs[org].alias));
	for (uint32_t i = 0; i < people * WITNESS_ORGS; i++)
		orders_add_person(orders, i % WITNESS_ORGS);
	witness_start(orders->seen, true, seed + 1);
	witness_start(orders->seen, false, seed + 2);
	daemon_start(&orders->daemon);
	orders_settle(orders);
	wait_for_stream(orders);
}

void orders_end(struct orders *orders)
{
	atomic_store(&orders->seen->stop, true);
	daemon_end(&orders->daemon);
}

unsigned orders_seed(void)
{
	const char *given = secure_getenv("CRASH_SEED");

	return given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)b2b_wall_ms();
}

