/* b2bctl's questions, answered as JSON documents (b2bctl(8) prints the tables). */
#include <string.h>
#include <unistd.h>

#include "b2bd/core.h"
#include "b2bd/reply.h"
#include "common/clock.h"

static int count_session(void *arg, const struct b2b_session *session)
{
	(void)session;
	++*(size_t *)arg;
	return 0;
}

static size_t sessions_of(struct b2b_core *core, uint32_t uid)
{
	size_t n = 0;

	b2b_session_list(core->state, uid, count_session, &n);
	return n;
}

/* NULL in a stream's place: the service has none by configuration. */
static json_t *signals_json(const struct b2b_core *core, const struct b2b_stream_status *signals)
{
	if (!core->stream)
		return json_null();
	return json_pack("{s:b,s:I,s:I,s:s,s:I,s:I,s:I,s:{s:I,s:I,s:s}}", "connected", signals->connected, "last_poll_s", (json_int_t)signals->last_poll_s,
	                 "failing_since_s", (json_int_t)signals->failing_since_s, "why", signals->why ? signals->why : "", "events",
	                 (json_int_t)signals->events, "refused", (json_int_t)signals->refused, "pause_s", (json_int_t)signals->pause_s, "unplaced", "count",
	                 (json_int_t)core->unplaced.count, "last_s", (json_int_t)core->unplaced.last_s, "last", core->unplaced.jti);
}

static json_t *lease_json(const struct b2b_core *core)
{
	uint64_t now = b2b_now_ns(), at = 0;
	uint32_t longest = 0, keep = core->conf->host.staleness_keep_s, i;
	bool known, lapsed = false;

	for (i = 0; i < core->policy->n_orgs; i++) { /* the newest: where a removal waits it may be older */
		if (b2b_live_verified_at(core->lives[i]) > at)
			at = b2b_live_verified_at(core->lives[i]);
		lapsed = lapsed || core->lapsed[i];
	}
	known = at && at <= now;
	for (i = 0; i < core->policy->n_services; i++) {
		if (core->policy->services[i].staleness_s > longest)
			longest = core->policy->services[i].staleness_s;
	}
	return json_pack("{s:o,s:b,s:o,s:b}", "age_ms", known ? json_integer((json_int_t)((now - at) / B2B_NS_PER_MS)) : json_null(), "valid",
	                 known && now - at <= longest * B2B_NS_PER_S, "keep_s", keep ? json_integer(keep) : json_null(), "lapsed", lapsed);
}

/* How it is asked for changes between full passes; null where by configuration it is not. */
static json_t *changes_json(const struct b2b_source_status *directory)
{
	if (!directory->changes_interval_s)
		return json_null();
	return json_pack("{s:I,s:I,s:s}", "interval_s", (json_int_t)directory->changes_interval_s, "last_s", (json_int_t)directory->changes_last_s, "why_not",
	                 directory->changes_why_not);
}

static json_t *status_json(struct b2b_core *core)
{
	struct b2b_revocation_figures figures = { 0 };
	struct b2b_source_status directory;
	struct b2b_stream_status signals = { 0 };

	b2b_source_get_status(core->source, &directory);
	if (core->stream)
		b2b_stream_get_status(core->stream, &signals);
	b2b_revocation_figures(core->state, &figures);
	return json_pack("{s:{s:i,s:I}, s:{s:s,s:b,s:s}, s:{s:I,s:I,s:s,s:I,s:I,s:I,s:o}, s:o, s:o, s:I, s:I,"
	                 " s:{s:I,s:I,s:I,s:I,s:o}, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	                 "agent", "pid", (int)getpid(), "since_s", (json_int_t)core->started_s,
	                 "federation", "issuer", core->conf->federation.issuer, "ready", b2b_federation_ready(core->federation), "why",
	                 b2b_federation_why(core->federation),
	                 "directory", "last_complete_s", (json_int_t)directory.last_complete_s, "failing_since_s",
	                 (json_int_t)directory.failing_since_s, "why", directory.why ? directory.why : "", "people",
	                 (json_int_t)directory.people, "organisations", (json_int_t)directory.organisations, "groups",
	                 (json_int_t)directory.groups, "changes", changes_json(&directory),
	                 "signals", signals_json(core, &signals),
	                 "lease", lease_json(core), "sessions", (json_int_t)sessions_of(core, 0), "pending_ends",
	                 (json_int_t)figures.pending,
	                 "revocations", "count", (json_int_t)figures.count, "p50_ms", (json_int_t)figures.p50_ms, "p99_ms",
	                 (json_int_t)figures.p99_ms, "max_ms", (json_int_t)figures.max_ms, "stages", b2b_figures_json(core),
	                 "held", b2b_held_ends_json(core), "ids", b2b_ids_trouble_json(core), "by_hand", b2b_by_hand_json(core),
	                 "approvals", b2b_approvals_json(core, false),
	                 "clock", b2b_clock_json(core), "status_lists", b2b_status_lists_json(core),
	                 "verification", b2b_verification_json(core), "methods", b2b_methods_json(core),
	                 "worst_case_revocation", b2b_worst_case_json(core, core->stream ? &signals : NULL, &directory));
}

static json_t *labels_json(uint64_t mask, const char *(*label)(const struct b2b_policy *policy, uint32_t i), const struct b2b_policy *policy,
                           uint32_t n)
{
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (mask & (1ull << i))
			json_array_append_new(list, json_string(label(policy, i)));
	}
	return list;
}

static const char *role_label(const struct b2b_policy *policy, uint32_t i)
{
	return policy->roles[i].name;
}

static const char *service_label(const struct b2b_policy *policy, uint32_t i)
{
	return policy->services[i].name;
}

static const char *org_state(struct b2b_core *core, int org)
{
	struct b2b_org_record record;
	enum b2b_org_state state;

	if (b2b_directory_org(core->state, core->policy->orgs[org].id, &record) < 0)
		return "unknown";
	state = record.state;
	b2b_org_record_clear(&record);
	return state == B2B_ORG_IS_ACTIVE ? "active" : state == B2B_ORG_IS_SUSPENDED ? "suspended" : "ended";
}

struct tally {
	struct b2b_core *core;
	json_t *list;
	int org;
	size_t people, sessions;
	int want; /* organisation, -1: all */
};

static int count_person(void *arg, const struct b2b_principal *person)
{
	(void)person;
	((struct tally *)arg)->people++;
	return 0;
}

static int count_org_session(void *arg, const struct b2b_session *session)
{
	struct tally *tally = arg;

	tally->sessions += b2b_policy_org_by_uid(tally->core->policy, session->uid) == tally->org;
	return 0;
}

static json_t *org_json(struct b2b_core *core, int slot)
{
	const struct b2b_policy *policy = core->policy;
	const struct b2b_policy_org *org = &policy->orgs[slot];
	struct tally tally = { .core = core, .org = slot };

	b2b_directory_each(core->state, org->id, count_person, &tally);
	b2b_session_list(core->state, 0, count_org_session, &tally);
	return json_pack("{s:s,s:s,s:s?,s:s,s:b,s:[I,I],s:I,s:I,s:o,s:o}", "alias", org->alias, "id", org->id, "parent",
	                 org->parent >= 0 ? policy->orgs[org->parent].alias : NULL, "state", org_state(core, slot), "open",
	                 b2b_org_chain_standing(core, slot) == B2B_OK, "range", (json_int_t)org->range_lo, (json_int_t)org->range_hi, "people",
	                 (json_int_t)tally.people, "sessions", (json_int_t)tally.sessions, "services",
	                 labels_json(org->services, service_label, policy, policy->n_services), "roles",
	                 labels_json(org->roles, role_label, policy, policy->n_roles));
}

static json_t *orgs_json(struct b2b_core *core)
{
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < core->policy->n_orgs; i++)
		json_array_append_new(list, org_json(core, (int)i));
	return json_pack("{s:o}", "organisations", list);
}

static const char *person_state(const struct b2b_principal *person)
{
	static const char *const names[] = { "invited", "active", "suspended", "removed" };

	return person->state <= B2B_REMOVED ? names[person->state] : "unknown";
}

static int list_person(void *arg, const struct b2b_principal *person)
{
	struct tally *tally = arg;
	struct b2b_core *core = tally->core;
	const struct b2b_policy_org *org = &core->policy->orgs[tally->org];
	int standing = b2b_principal_standing(person, b2b_core_now(core));
	char name[B2B_NAME_SIZE];

	if (standing == B2B_OK)
		standing = b2b_org_chain_standing(core, tally->org);
	if (standing == B2B_OK && B2B_LIVE_STATE(b2b_live_load(core->lives[tally->org], person->uid)) != B2B_LIVE_OPEN)
		standing = B2B_REVOKED;
	if (b2b_name_join(person->local, core->policy->separator, org->alias, name, sizeof(name)) < 0)
		return 0;
	json_array_append_new(tally->list,
	                      json_pack("{s:s,s:I,s:s,s:s,s:b,s:s,s:o,s:I}", "name", name, "uid", (json_int_t)person->uid, "organisation",
	                                org->alias, "state", person_state(person), "open", standing == B2B_OK, "reason",
	                                b2b_reason_code(standing), "roles",
	                                labels_json(person->roles & org->roles, role_label, core->policy, core->policy->n_roles), "sessions",
	                                (json_int_t)sessions_of(core, person->uid)));
	return 0;
}

static json_t *users_json(struct b2b_core *core, int want)
{
	struct tally tally = { .core = core, .list = json_array() };

	for (tally.org = 0; tally.org < (int)core->policy->n_orgs; tally.org++) {
		if (want < 0 || want == tally.org)
			b2b_directory_each(core->state, core->policy->orgs[tally.org].id, list_person, &tally);
	}
	return json_pack("{s:o}", "users", tally.list);
}

static int list_session(void *arg, const struct b2b_session *session)
{
	struct tally *tally = arg;
	int org = b2b_policy_org_by_uid(tally->core->policy, session->uid);

	if (tally->want >= 0 && org != tally->want)
		return 0;
	json_array_append_new(tally->list,
	                      json_pack("{s:s,s:I,s:s,s:s,s:I,s:s,s:s,s:I,s:I,s:b,s:s,s:s,s:s,s:s}", "user", session->origin.user, "uid",
	                                (json_int_t)session->uid, "organisation", org >= 0 ? tally->core->policy->orgs[org].alias : "",
	                                "service", session->origin.service, "pid", (json_int_t)session->pid, "tty", session->origin.tty,
	                                "from", session->origin.rhost, "opened_s", (json_int_t)session->opened_s, "ends_s",
	                                (json_int_t)session->ends_s, "authenticated", session->auth_time_s != 0, "acr", session->acr,
	                                "audit_id", session->audit_id, "jti", session->jti, "sid", session->sid));
	return 0;
}

static json_t *sessions_json(struct b2b_core *core, int want)
{
	struct tally tally = { .core = core, .list = json_array(), .want = want };

	b2b_session_list(core->state, 0, list_session, &tally);
	return json_pack("{s:o}", "sessions", tally.list);
}

void b2b_on_ask_control(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_control *ask)
{
	int org = *ask->argument ? b2b_policy_org_by_alias(core->policy, ask->argument) : -1;

	b2b_closed_drop(core); /* what is listed or revoked by hand is open */
	if (b2b_on_ask_ids(core, client, ask) || b2b_on_ask_hand(core, client, ask) || b2b_on_ask_keys(core, client, ask) ||
	    b2b_on_ask_approve(core, client, ask) || b2b_on_ask_clock(core, client, ask) || b2b_on_ask_stream(core, client, ask))
		return;
	if (*ask->argument && org < 0) {
		b2b_reply_refuse(client, B2B_ORG_UNKNOWN);
	} else if (strcmp(ask->verb, "status") == 0) {
		b2b_reply_json(client, status_json(core));
	} else if (strcmp(ask->verb, "orgs") == 0) {
		b2b_reply_json(client, orgs_json(core));
	} else if (strcmp(ask->verb, "users") == 0) {
		b2b_reply_json(client, users_json(core, org));
	} else if (strcmp(ask->verb, "sessions") == 0) {
		b2b_reply_json(client, sessions_json(core, org));
	} else if (strcmp(ask->verb, "sync") == 0) {
		b2b_source_sync(core->source);
		b2b_reply_json(client, json_pack("{s:b}", "started", 1));
	} else {
		b2b_reply_refuse(client, B2B_PROTOCOL);
	}
}
