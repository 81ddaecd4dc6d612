/*
 * What root closes by hand and opens again: a person, an organisation with all below it, one session, or every partner.
 * Nothing of it needs the federation service, and nothing that the service says undoes it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/core.h"
#include "b2bd/reply.h"
#include "common/clock.h"
#include "common/log.h"

#define SESSIONS_AT_ONCE 64

/* One order: the verb's target and who gave it. */
struct order {
	struct b2b_core *core;
	struct b2b_client *client;
	char name[B2B_MESSAGE_SIZE];
	struct b2b_hand hand;
	int org;      /* slot; -1: of all */
	uint32_t uid; /* of a person */
};

void b2b_hand_begin(struct b2b_hand *hand, struct b2b_client *client, const char *argument, size_t *ret_name)
{
	size_t len = strcspn(argument, "\n");

	memset(hand, 0, sizeof(*hand));
	snprintf(hand->reason, sizeof(hand->reason), "%s", argument[len] ? argument + len + 1 : "");
	for (char *c = hand->reason; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	}
	hand->by = b2b_audit_login_uid(b2b_client_pid(client));
	hand->since_ms = b2b_wall_ms();
	b2b_audit_id(hand->audit_id);
	*ret_name = len;
}

static void begin(struct order *order, struct b2b_core *core, struct b2b_client *client, const char *argument)
{
	size_t len;

	memset(order, 0, sizeof(*order));
	order->core = core;
	order->client = client;
	order->org = -1;
	b2b_hand_begin(&order->hand, client, argument, &len);
	snprintf(order->name, sizeof(order->name), "%.*s", (int)len, argument);
}

/* ---- whom a name means ---- */

static enum b2b_reason find_user(struct order *order)
{
	const struct b2b_policy *policy = order->core->policy;
	struct b2b_principal person;
	struct b2b_name parts;
	int r;

	order->org = b2b_name_split(order->name, policy->separator, &parts) < 0 ? -1 : b2b_policy_org_by_alias(policy, parts.alias);
	if (order->org < 0)
		return B2B_USER_UNKNOWN;
	r = b2b_directory_by_name(order->core->state, policy->orgs[order->org].id, parts.local, &person);
	if (r < 0)
		return r == -ENOENT ? B2B_USER_UNKNOWN : B2B_INTERNAL;
	order->uid = person.uid;
	order->hand.kind = B2B_HAND_USER;
	snprintf(order->hand.what, sizeof(order->hand.what), "%s", person.id);
	snprintf(order->hand.other, sizeof(order->hand.other), "%s", order->name);
	r = strlen(person.id) < sizeof(order->hand.what) ? 0 : -ENAMETOOLONG;
	b2b_principal_clear(&person);
	return r < 0 ? B2B_INTERNAL : B2B_OK;
}

static enum b2b_reason find_org(struct order *order)
{
	order->org = b2b_policy_org_by_alias(order->core->policy, order->name);
	if (order->org < 0)
		return B2B_ORG_UNKNOWN;
	order->hand.kind = B2B_HAND_ORG;
	snprintf(order->hand.what, sizeof(order->hand.what), "%s", order->core->policy->orgs[order->org].id);
	snprintf(order->hand.other, sizeof(order->hand.other), "%s", order->name);
	return B2B_OK;
}

static enum b2b_reason find_all(struct order *order)
{
	order->hand.kind = B2B_HAND_ALL;
	snprintf(order->name, sizeof(order->name), "every partner");
	return B2B_OK;
}

/* ---- answers ---- */

static json_t *hand_json(const struct b2b_hand *hand)
{
	static const char *const kinds[] = { [B2B_HAND_USER] = "user", [B2B_HAND_ORG] = "org", [B2B_HAND_ALL] = "all", [B2B_HAND_KEY] = "key" };
	bool key = hand->kind == B2B_HAND_KEY;

	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:o}", "kind", kinds[hand->kind], "name", key ? hand->what : hand->other, "id",
	                 key ? hand->other : hand->what, "reason", hand->reason, "audit_id", hand->audit_id, "since_s",
	                 (json_int_t)(hand->since_ms / 1000), "by", hand->by == UINT32_MAX ? json_null() : json_integer(hand->by));
}

static int list_one(void *arg, const struct b2b_hand *hand)
{
	return json_array_append_new(arg, hand_json(hand)) < 0 ? -ENOMEM : 0;
}

json_t *b2b_by_hand_json(struct b2b_core *core)
{
	json_t *list = json_array();

	b2b_hand_each(core->state, 0, list_one, list);
	return list;
}

static void say_done(const struct order *order, const char *what, size_t sessions)
{
	b2b_reply_json(order->client, json_pack("{s:s,s:s,s:s,s:I}", "done", what, "name", order->name, "audit_id", order->hand.audit_id,
	                                        "sessions", (json_int_t)sessions));
}

static void say_not_durable(const struct order *order, int error)
{
	b2b_reply_error(order->client, B2B_NOT_DURABLE,
	                "%s: closed, and being ended, but this could not be written to disk (%s) and would be lost with b2bd's end; make room and repeat it",
	                order->name, strerror(-error));
}

/* ---- closing ---- */

/* Sessions of ORG (-1: of all) and UID (0: of all). */
struct count {
	const struct b2b_policy *policy;
	int org;
	size_t n;
};

static bool within(const struct b2b_policy *policy, int org, int above)
{
	for (; org >= 0; org = policy->orgs[org].parent) {
		if (org == above)
			return true;
	}
	return above < 0;
}

static int count_one(void *arg, const struct b2b_session *session)
{
	struct count *count = arg;

	count->n += within(count->policy, b2b_policy_org_by_uid(count->policy, session->uid), count->org);
	return 0;
}

static size_t sessions_of(const struct order *order)
{
	struct count count = { .policy = order->core->policy, .org = order->org };

	b2b_session_list(order->core->state, order->uid, count_one, &count);
	return count.n;
}

static struct b2b_revocation revocation_of(const struct order *order, int org)
{
	return (struct b2b_revocation){ .scope = order->uid ? B2B_SCOPE_USER : B2B_SCOPE_ORG, .org = org, .uid = order->uid, .close = true,
		                        .hand = &order->hand, .reason = order->uid ? B2B_USER_CLOSED : B2B_ORG_CLOSED,
		                        .text = order->hand.reason };
}

/* Every organisation that has none above it: what is below closes, and is ended, with it. */
static int close_all(const struct order *order)
{
	const struct b2b_policy *policy = order->core->policy;
	struct b2b_revocation *list = calloc(policy->n_orgs + 1, sizeof(*list));
	size_t n = 0;
	int r;

	if (!list)
		return -ENOMEM;
	for (uint32_t i = 0; i < policy->n_orgs; i++) {
		if (policy->orgs[i].parent < 0)
			list[n++] = revocation_of(order, (int)i);
	}
	r = b2b_revoke_each(order->core, list, n);
	free(list);
	return r;
}

static void close_it(struct order *order)
{
	struct b2b_hand before;
	size_t sessions;
	int r = b2b_hand_find(order->core->state, order->hand.kind, order->hand.what, &before);

	if (r == 0) {
		b2b_reply_error(order->client, B2B_UNCHANGED, "%s is closed already (%s, audit id %s); b2bctl status says since when", order->name,
		                before.reason, before.audit_id);
		return;
	}
	sessions = sessions_of(order);
	if (order->hand.kind == B2B_HAND_ALL) {
		r = close_all(order);
	} else {
		struct b2b_revocation revocation = revocation_of(order, order->org);

		r = order->uid ? b2b_revoke_owner(order->core, &revocation, order->hand.what) : b2b_revoke(order->core, &revocation);
	}
	if (r < 0)
		say_not_durable(order, r);
	else
		say_done(order, "closed", sessions);
}

/* ---- one session ---- */

struct named {
	const struct order *order;
	struct b2b_session found[SESSIONS_AT_ONCE];
	size_t n;
};

/* By its audit id, its leader's process id, or what names it in tokens: jti or sid. */
static int collect_named(void *arg, const struct b2b_session *session)
{
	struct named *named = arg;
	const char *name = named->order->name;
	char pid[24];

	snprintf(pid, sizeof(pid), "%lld", (long long)session->pid);
	if (named->n < SESSIONS_AT_ONCE && (!strcmp(name, session->audit_id) || !strcmp(name, pid) || !strcmp(name, session->jti) ||
	                                    !strcmp(name, session->sid)))
		named->found[named->n++] = *session;
	return 0;
}

static void end_sessions(struct order *order)
{
	struct b2b_revocation list[SESSIONS_AT_ONCE];
	struct named named = { .order = order };
	size_t i, n = 0;
	int r;

	if (*order->name)
		b2b_session_list(order->core->state, 0, collect_named, &named);
	for (i = 0; i < named.n; i++) {
		int org = b2b_policy_org_by_uid(order->core->policy, named.found[i].uid);

		if (org >= 0)
			list[n++] = (struct b2b_revocation){ .scope = B2B_SCOPE_SESSION, .org = org, .uid = named.found[i].uid, .session = &named.found[i],
				                             .reason = B2B_REVOKED, .text = order->hand.reason, .hand = &order->hand };
	}
	if (!n) {
		b2b_reply_error(order->client, B2B_UNCHANGED, "there is no session %s; b2bctl sessions lists process ids, with --json audit and token ids",
		                order->name);
		return;
	}
	r = b2b_revoke_each(order->core, list, n);
	if (r < 0)
		b2b_reply_error(order->client, B2B_NOT_DURABLE, "session %s is being ended, but this could not be written to disk (%s)", order->name,
		                strerror(-r));
	else
		say_done(order, "ended", n);
}

/* ---- opening ---- */

/* Is it open now, or what else closes it? */
static enum b2b_reason standing_of(const struct order *order)
{
	struct b2b_core *core = order->core;
	struct b2b_principal person;
	enum b2b_reason reason;

	if (order->org < 0)
		return B2B_OK; /* each has its own */
	reason = b2b_org_chain_standing(core, order->org);
	if (reason != B2B_OK || !order->uid || b2b_directory_by_uid(core->state, order->uid, &person) < 0)
		return reason;
	reason = (enum b2b_reason)b2b_principal_standing(&person, b2b_core_now(core));
	b2b_principal_clear(&person);
	if (reason == B2B_OK && B2B_LIVE_STATE(b2b_live_load(core->lives[order->org], order->uid)) != B2B_LIVE_OPEN)
		reason = B2B_REVOKED;
	return reason;
}

/* What the order holds closed that could not be stored. Was there any? */
static bool release(const struct order *order)
{
	struct b2b_core *core = order->core;
	int first = order->org < 0 ? 0 : order->org, last = order->org < 0 ? (int)core->policy->n_orgs - 1 : order->org;
	bool held = false;

	for (; first <= last; first++)
		held = b2b_publish_release(core->publish, first, order->uid, (int)order->hand.kind, 0) || held;
	return held;
}

static void open_it(struct order *order)
{
	struct b2b_core *core = order->core;
	enum b2b_reason reason;
	char extra[64];
	int r = b2b_hand_drop(core->state, order->hand.kind, order->hand.what);

	if ((r == 0 || r == -ENOENT) && release(order))
		r = 0;
	if (r < 0) {
		if (r == -ENOENT)
			b2b_reply_error(order->client, B2B_UNCHANGED, "%s is not closed by hand on this host; b2bctl status lists what is", order->name);
		else
			b2b_reply_error(order->client, B2B_INTERNAL, "%s stays closed: the database cannot be written (%s)", order->name, strerror(-r));
		return;
	}
	b2b_reconcile(core, order->org);
	b2b_audit_by(order->hand.by, extra, sizeof(extra));
	b2b_audit(core, order->org < 0 ? "opened-all" : "opened", order->org, order->uid ? order->name : NULL, B2B_OK, order->hand.audit_id, extra);
	reason = standing_of(order);
	b2b_reply_json(order->client, json_pack("{s:s,s:s,s:s,s:b,s:s,s:s,s:b}", "done", "opened", "name", order->name, "audit_id",
	                                        order->hand.audit_id, "open", reason == B2B_OK, "reason", b2b_reason_code(reason), "reason_text",
	                                        b2b_reason_text(reason), "heard", core->heard_ns != 0));
}

bool b2b_on_ask_hand(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_control *ask)
{
	static const struct {
		const char *verb;
		enum b2b_reason (*find)(struct order *order);
		void (*run)(struct order *order);
	} verbs[] = {
		{ "revoke-user", find_user, close_it },   { "revoke-org", find_org, close_it },   { "close-all", find_all, close_it },
		{ "reinstate-user", find_user, open_it }, { "reinstate-org", find_org, open_it }, { "open-all", find_all, open_it },
		{ "revoke-session", NULL, end_sessions },
	};
	struct order order;
	enum b2b_reason reason = B2B_OK;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(ask->verb, verbs[i].verb) != 0)
			continue;
		begin(&order, core, client, ask->argument);
		if (verbs[i].find)
			reason = verbs[i].find(&order);
		if (reason == B2B_OK)
			verbs[i].run(&order);
		else
			b2b_reply_refuse(client, reason);
		return true;
	}
	return false;
}
