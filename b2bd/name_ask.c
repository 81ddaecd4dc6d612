/*
 * First-time names: NSS met a name of a known organisation that is not in its snapshot, and asks, once.
 * The person is fetched, stored, published; "OK" means: look again. Everything else is a quick no, because the
 * caller may be any `ls -l`; what the service denied is remembered for a few seconds. Where there is no directory a name that
 * nobody has proven yet is answered with a reservation (directory/reservation.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/core.h"
#include "common/clock.h"

#define ASKS_MAX 64
#define ASKS_OTHERS_MAX 16 /* of peers other than root */
#define ABSENT_NS (5 * B2B_NS_PER_S)
#define RATE_BURST 20
#define RATE_PER_S 5

/* sshd's questions are root's, a peer like any other: no more ids are kept at a time than that allows. */
_Static_assert(RATE_BURST + RATE_PER_S * B2B_RESERVE_KEEP_S + B2B_RESERVATIONS_LOGINS <= B2B_RESERVATIONS_MAX, "there is room for every name");

struct b2b_name_ask {
	struct b2b_name_ask *next;
	struct b2b_core *core;
	struct b2b_client *client; /* NULL: it went away */
	int org;
	char local[B2B_NAME_SIZE];
};

struct b2b_rate b2b_name_rate(void)
{
	return (struct b2b_rate){ .burst = RATE_BURST, .every_ns = B2B_NS_PER_S / RATE_PER_S };
}

static void remember_absent(struct b2b_absent *absent, int org, const char *local)
{
	absent->names[absent->next].org = org;
	memcpy(absent->names[absent->next].local, local, B2B_NAME_SIZE);
	absent->names[absent->next].until_ns = b2b_now_ns() + ABSENT_NS;
	absent->next = (absent->next + 1) % B2B_ABSENT_MAX;
}

static bool known_absent(const struct b2b_absent *absent, int org, const char *local)
{
	uint64_t now = b2b_now_ns();
	size_t i;

	for (i = 0; i < B2B_ABSENT_MAX; i++) {
		if (absent->names[i].until_ns > now && absent->names[i].org == org && strcmp(absent->names[i].local, local) == 0)
			return true;
	}
	return false;
}

static void say_name(struct b2b_client *client, enum b2b_reason reason)
{
	struct b2b_say_name answer = { .reason = reason };

	b2b_client_say(client, B2B_SAY_NAME, &answer);
}

static void ask_free(struct b2b_name_ask *ask)
{
	struct b2b_core *core = ask->core;
	struct b2b_name_ask **p;

	for (p = &core->asks; *p; p = &(*p)->next) {
		if (*p == ask) {
			*p = ask->next;
			break;
		}
	}
	core->n_asks--;
	free(ask);
}

static void ask_answer(struct b2b_name_ask *ask, enum b2b_reason reason)
{
	if (ask->client) {
		b2b_client_attach(ask->client, NULL, NULL);
		say_name(ask->client, reason);
	}
	ask_free(ask);
}

/* The client went away; what was fetched is stored all the same. */
static void ask_dropped(void *operation)
{
	((struct b2b_name_ask *)operation)->client = NULL;
}

static void published(void *arg, int error)
{
	ask_answer(arg, error < 0 ? B2B_BUSY : B2B_OK);
}

static void found(void *arg, int error)
{
	struct b2b_name_ask *ask = arg;

	if (error == -ENOENT) {
		remember_absent(&ask->core->absent, ask->org, ask->local);
		ask_answer(ask, B2B_USER_UNKNOWN);
	} else if (error < 0) {
		ask_answer(ask, B2B_SERVICE_DOWN);
	} else {
		b2b_reconcile(ask->core, ask->org);
		b2b_publish_org(ask->core->publish, ask->org, published, ask);
	}
}

static enum b2b_reason may_ask(struct b2b_core *core, const struct b2b_client *client, int org, const char *local)
{
	uid_t peer = b2b_client_uid(client);

	if (org < 0)
		return B2B_ORG_UNKNOWN;
	if (!b2b_visible_to(core, peer, org) || known_absent(&core->absent, org, local))
		return B2B_USER_UNKNOWN;
	if (b2b_client_busy(client))
		return B2B_PROTOCOL;
	if (core->n_asks >= (peer == 0 ? ASKS_MAX : ASKS_OTHERS_MAX))
		return B2B_BUSY;
	if (!b2b_rate_take(&core->name_rate, peer, b2b_now_ns()))
		return B2B_BUSY;
	return b2b_federation_ready(core->federation) ? B2B_OK : B2B_SERVICE_DOWN;
}

static enum b2b_reason reason_of(int error)
{
	switch (error) {
	case -EINVAL:
		return B2B_NAME_INVALID;
	case -EEXIST:
		return B2B_USER_UNKNOWN;
	case -EBUSY:
		return B2B_BUSY;
	default:
		return B2B_INTERNAL;
	}
}

/*
 * Where there is no directory: is it a name that nobody has proven yet? Then root, that is sshd, is told an id for it, and nobody else
 * anything. False: CLIENT is to be answered as ever.
 */
static bool answer_reserved(struct b2b_core *core, struct b2b_client *client, int org, const char *local)
{
	struct b2b_say_reserved reserved;
	struct b2b_principal known;
	enum b2b_reason reason = B2B_USER_UNKNOWN;
	int r;

	if (!core->reservations)
		return false;
	if (b2b_directory_by_name(core->state, core->policy->orgs[org].id, local, &known) == 0) {
		b2b_principal_clear(&known);
		return false;
	}
	if (b2b_client_uid(client) == 0)
		reason = b2b_org_chain_standing(core, org);
	if (reason == B2B_OK) {
		r = b2b_reserve(core->reservations, org, local, b2b_now_ns(), &reserved);
		if (r == 0) {
			b2b_client_say(client, B2B_SAY_RESERVED, &reserved);
			return true;
		}
		reason = reason_of(r);
	}
	say_name(client, reason);
	return true;
}

void b2b_on_ask_name(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_name *packet)
{
	struct b2b_name name;
	struct b2b_name_ask *ask;
	enum b2b_reason reason;
	int org;

	if (b2b_name_split(packet->name, core->policy->separator, &name) < 0) {
		say_name(client, B2B_NAME_INVALID);
		return;
	}
	org = b2b_policy_org_by_alias(core->policy, name.alias);
	reason = may_ask(core, client, org, name.local);
	if (reason == B2B_OK && answer_reserved(core, client, org, name.local))
		return;
	ask = reason == B2B_OK ? calloc(1, sizeof(*ask)) : NULL;
	if (!ask) {
		say_name(client, reason == B2B_OK ? B2B_INTERNAL : reason);
		return;
	}
	ask->core = core;
	ask->client = client;
	ask->org = org;
	memcpy(ask->local, name.local, sizeof(ask->local));
	ask->next = core->asks;
	core->asks = ask;
	core->n_asks++;
	b2b_client_attach(client, ask, ask_dropped);
	b2b_source_find(core->source, org, name.local, found, ask);
}

void b2b_name_asks_cancel(struct b2b_core *core)
{
	while (core->asks) {
		struct b2b_name_ask *ask = core->asks;

		b2b_source_forget(core->source, ask);
		b2b_publish_forget(core->publish, ask);
		if (ask->client)
			b2b_client_attach(ask->client, NULL, NULL);
		ask_free(ask);
	}
}
