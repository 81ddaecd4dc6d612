/* Mass removals that wait for an administrator's word (b2bd/directory/mass_guard.h): shown, and approved. */
#include <errno.h>
#include <string.h>

#include "b2bd/core.h"
#include "b2bd/reply.h"
#include "b2bd/state/removal_state.h"
#include "common/clock.h"

#define NAMED_MOST 1000

static json_t *names_json(struct b2b_core *core, const struct b2b_removal *removal)
{
	json_t *names = json_array();
	char name[B2B_NAME_SIZE];
	size_t i;

	for (i = 0; i < removal->n_missing && i < NAMED_MOST; i++) {
		b2b_audit_name(core, removal->missing[i], name, sizeof(name));
		json_array_append_new(names, json_string(name));
	}
	return names;
}

static json_t *removal_json(struct b2b_core *core, int org, const struct b2b_removal *removal, bool names)
{
	json_t *json = json_pack("{s:s,s:I,s:I,s:b,s:I,s:b}", "organisation", core->policy->orgs[org].alias, "missing",
	                         (json_int_t)removal->n_missing, "living", (json_int_t)removal->living, "unlisted", removal->unlisted,
	                         "since_s", (json_int_t)removal->since_s, "approved", removal->approved_s != 0);

	if (json && names)
		json_object_set_new(json, "people", names_json(core, removal));
	return json;
}

json_t *b2b_approvals_json(struct b2b_core *core, bool names)
{
	json_t *list = json_array();
	struct b2b_removal removal;

	for (uint32_t i = 0; i < core->policy->n_orgs; i++) {
		if (b2b_removal_get(core->state, core->policy->orgs[i].id, &removal) < 0)
			continue;
		json_array_append_new(list, removal_json(core, (int)i, &removal, names));
		b2b_removal_clear(&removal);
	}
	return list;
}

static void approve(struct b2b_core *core, struct b2b_client *client, const char *argument)
{
	char alias[B2B_NAME_SIZE], extra[96], by[32];
	struct b2b_removal removal;
	struct b2b_hand who;
	size_t len;
	int org, r;

	b2b_hand_begin(&who, client, argument, &len);
	snprintf(alias, sizeof(alias), "%.*s", (int)len, argument);
	org = b2b_policy_org_by_alias(core->policy, alias);
	if (org < 0) {
		b2b_reply_refuse(client, B2B_ORG_UNKNOWN);
		return;
	}
	r = b2b_removal_get(core->state, core->policy->orgs[org].id, &removal);
	if (r == 0) {
		r = b2b_removal_approve(core->state, removal.org_id, b2b_wall_s(), who.by);
		if (r < 0)
			b2b_removal_clear(&removal);
	}
	if (r < 0) {
		if (r == -ENOENT)
			b2b_reply_error(client, B2B_UNCHANGED, "nothing of %s waits for approval; b2bctl approve --list shows what does", alias);
		else
			b2b_reply_error(client, B2B_INTERNAL, "nothing was approved: the database cannot be written (%s)", strerror(-r));
		return;
	}
	b2b_audit_by(who.by, by, sizeof(by));
	snprintf(extra, sizeof(extra), "people=%zu of=%llu %s", removal.n_missing, (unsigned long long)removal.living, by);
	b2b_audit(core, "removal-approved", org, NULL, B2B_OK, who.audit_id, extra);
	b2b_reply_json(client, json_pack("{s:s,s:s,s:I,s:s}", "done", "approved", "organisation", alias, "missing",
	                                 (json_int_t)removal.n_missing, "audit_id", who.audit_id));
	b2b_removal_clear(&removal);
	b2b_source_sync(core->source);
}

bool b2b_on_ask_approve(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_control *ask)
{
	if (strcmp(ask->verb, "approvals") == 0)
		b2b_reply_json(client, json_pack("{s:o}", "approvals", b2b_approvals_json(core, true)));
	else if (strcmp(ask->verb, "approve") == 0)
		approve(core, client, ask->argument);
	else
		return false;
	return true;
}
