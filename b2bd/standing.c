/* Gathering the facts of a decision: directory copy, live words, lease, clock. */
#include <string.h>

#include "b2bd/core.h"
#include "common/clock.h"

int64_t b2b_core_now(const struct b2b_core *core)
{
	int64_t wall = b2b_wall_s();

	return wall > core->floor_s ? wall : core->floor_s;
}

void b2b_core_note_time(struct b2b_core *core)
{
	int64_t wall = b2b_wall_s();

	if (wall > core->floor_s && b2b_clock_raise(core->state, wall) == 0)
		core->floor_s = wall;
}

static bool clock_trusted(const struct b2b_core *core)
{
	return b2b_wall_s() + (int64_t)core->conf->federation.clock_skew_s >= core->floor_s;
}

static uint64_t verified_age(const struct b2b_core *core, int org)
{
	uint64_t now = b2b_now_ns(), at = b2b_live_verified_at(core->lives[org]);

	return at && at <= now ? now - at : UINT64_MAX;
}

/* Directory records and words of ORG and everything above it. */
static bool gather_chain(struct b2b_core *core, int org, struct b2b_gathered *gathered)
{
	const struct b2b_policy *policy = core->policy;
	bool open = true;

	for (; org >= 0 && gathered->n_chain <= B2B_DEPTH_MAX; org = policy->orgs[org].parent) {
		open = open && B2B_LIVE_STATE(b2b_live_load_org(core->lives[org])) == B2B_LIVE_OPEN;
		if (b2b_directory_org(core->state, policy->orgs[org].id, &gathered->chain[gathered->n_chain]) < 0)
			return false; /* the decision sees a chain that is too short */
		gathered->n_chain++;
	}
	return open;
}

const struct b2b_conf_limits *b2b_service_limits(const struct b2b_core *core, const char *service)
{
	int slot = b2b_policy_service(core->policy, service);

	return &core->conf->limits[slot >= 0 && core->policy->services[slot].assurance <= B2B_AAL3 ? core->policy->services[slot].assurance : B2B_AAL_NONE];
}

static void gather(struct b2b_core *core, int org, const char *service, struct b2b_gathered *gathered)
{
	struct b2b_decision_facts *facts = &gathered->facts;

	facts->policy = core->policy;
	facts->org = org;
	facts->service = service;
	facts->now_s = b2b_core_now(core);
	facts->clock_trusted = clock_trusted(core);
	facts->verified_age_ns = UINT64_MAX;
	facts->level_session_s = b2b_service_limits(core, service)->session_s;
	if (org < 0)
		return;
	facts->verified_age_ns = verified_age(core, org);
	gathered->org_open = gather_chain(core, org, gathered);
	facts->words_open = gathered->org_open;
	if (facts->principal)
		facts->words_open = facts->words_open &&
		                    B2B_LIVE_STATE(b2b_live_load(core->lives[org], facts->principal->uid)) == B2B_LIVE_OPEN;
	facts->chain = gathered->chain;
	facts->n_chain = gathered->n_chain;
}

void b2b_gather(struct b2b_core *core, const char *name, const char *service, struct b2b_gathered *ret)
{
	struct b2b_name parts;
	int org;

	memset(ret, 0, sizeof(*ret));
	org = b2b_name_split(name, core->policy->separator, &parts) < 0 ? -1 : b2b_policy_org_by_alias(core->policy, parts.alias);
	if (org >= 0 && b2b_directory_by_name(core->state, core->policy->orgs[org].id, parts.local, &ret->principal) == 0)
		ret->facts.principal = &ret->principal;
	gather(core, org, service, ret);
}

void b2b_gather_uid(struct b2b_core *core, uint32_t uid, const char *service, struct b2b_gathered *ret)
{
	int org = b2b_policy_org_by_uid(core->policy, uid);

	memset(ret, 0, sizeof(*ret));
	if (org >= 0 && b2b_directory_by_uid(core->state, uid, &ret->principal) == 0)
		ret->facts.principal = &ret->principal;
	gather(core, org, service, ret);
}

void b2b_gathered_clear(struct b2b_gathered *gathered)
{
	size_t i;

	if (gathered->facts.principal)
		b2b_principal_clear(&gathered->principal);
	for (i = 0; i < gathered->n_chain; i++)
		b2b_org_record_clear(&gathered->chain[i]);
	memset(gathered, 0, sizeof(*gathered));
}

enum b2b_reason b2b_org_chain_standing(struct b2b_core *core, int org)
{
	int64_t now = b2b_core_now(core);

	for (; org >= 0; org = core->policy->orgs[org].parent) {
		struct b2b_org_record record;
		int standing;

		if (b2b_directory_org(core->state, core->policy->orgs[org].id, &record) < 0)
			return B2B_ORG_UNKNOWN;
		standing = b2b_org_standing(&record, now);
		b2b_org_record_clear(&record);
		if (standing != B2B_OK)
			return (enum b2b_reason)standing;
		if (B2B_LIVE_STATE(b2b_live_load_org(core->lives[org])) != B2B_LIVE_OPEN)
			return B2B_REVOKED;
	}
	return B2B_OK;
}

bool b2b_visible_to(const struct b2b_core *core, uid_t peer, int org)
{
	int own = b2b_policy_org_by_uid(core->policy, peer);

	if (peer == 0 || core->policy->visibility == B2B_VISIBLE_EVERYONE)
		return true;
	if (own >= 0)
		return own == org;
	return core->policy->visibility != B2B_VISIBLE_STRICT;
}
