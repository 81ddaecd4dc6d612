/*
 * The lease, and the limit for keeping sessions: where the service was not heard for longer than root allows, nobody can know that they still
 * may go on, and they are ended. Nothing is closed by it: the lease has long kept new ones out, and opens by itself again.
 */
#include <errno.h>
#include <stdlib.h>

#include "b2bd/core.h"
#include "b2bd/state/removal_state.h"
#include "common/clock.h"
#include "common/log.h"

/* An end of what is above ends it too. What cannot be read may wait. */
static bool removal_waits(const struct b2b_core *core, int org)
{
	const struct b2b_policy *policy = core->policy;

	for (; org >= 0; org = policy->orgs[org].parent) {
		if (b2b_removal_waits(core->state, policy->orgs[org].id) != 0)
			return true;
	}
	return false;
}

/*
 * Up to when all revocations are known. What events may have failed to tell a pass does, as of its beginning: where they go on
 * failing, one pass after the other still keeps the lease.
 */
static uint64_t known_until(const struct b2b_core *core)
{
	return core->must_pass && core->passed_ns < core->heard_ns ? core->passed_ns : core->heard_ns;
}

void b2b_lease_renew(struct b2b_core *core)
{
	uint64_t until = known_until(core);

	if (until <= core->leased_ns)
		return;
	core->leased_ns = until;
	core->withheld = 0;
	for (uint32_t i = 0; i < core->policy->n_orgs; i++) {
		if ((!core->stream || core->must_pass) && removal_waits(core, (int)i)) {
			core->withheld++;
			b2b_log(LOG_WARNING, "event=lease-withheld organisation=%s; a removal waits: b2bctl approve --list", core->policy->orgs[i].alias);
			continue;
		}
		b2b_live_verified(core->lives[i], until);
		core->lapsed[i] = false;
	}
}

/* CLOCK_BOOTTIME: the time that the machine slept counts. Never verified: since the machine was started. */
static bool lapsed(const struct b2b_core *core, int org, uint64_t now)
{
	uint64_t at = b2b_live_verified_at(core->lives[org]);

	return now - (at <= now ? at : 0) > core->conf->host.staleness_keep_s * B2B_NS_PER_S;
}

/* Not yet ended for it, nor by the end of the one above it now. */
static bool lapses(const struct b2b_core *core, int org, uint64_t now)
{
	int parent = core->policy->orgs[org].parent;

	return lapsed(core, org, now) && !core->lapsed[org] && (parent < 0 || !lapsed(core, parent, now) || core->lapsed[parent]);
}

void b2b_lapse_check(struct b2b_core *core)
{
	const struct b2b_policy *policy = core->policy;
	uint64_t now = b2b_now_ns();
	struct b2b_revocation *list;
	size_t n = 0;

	if (!core->conf->host.staleness_keep_s || !policy->n_orgs)
		return;
	list = calloc(policy->n_orgs, sizeof(*list));
	if (!list)
		return; /* the next beat tries again */
	for (uint32_t i = 0; i < policy->n_orgs; i++) {
		if (lapses(core, (int)i, now))
			list[n++] = (struct b2b_revocation){ .scope = B2B_SCOPE_ORG, .org = (int)i, .reason = B2B_STALE };
	}
	if (n) {
		b2b_log(LOG_WARNING, "event=lapsed limit_s=%u; sessions are ended until the service is heard again", core->conf->host.staleness_keep_s);
		b2b_revoke_each(core, list, n);
	}
	for (uint32_t i = 0; i < policy->n_orgs; i++) /* durable or not: after a restart the same is found again */
		core->lapsed[i] = core->lapsed[i] || lapsed(core, (int)i, now);
	free(list);
}
