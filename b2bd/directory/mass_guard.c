#include "b2bd/directory/mass_guard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"

struct missing {
	uint32_t *uids;
	size_t n, room;
};

static int add(void *arg, uint32_t uid, const char *id)
{
	struct missing *missing = arg;
	uint32_t *more;

	(void)id;
	if (missing->n == missing->room) {
		more = reallocarray(missing->uids, missing->room * 2 + 64, sizeof(*more));
		if (!more)
			return -ENOMEM;
		missing->uids = more;
		missing->room = missing->room * 2 + 64;
	}
	missing->uids[missing->n++] = uid;
	return 0;
}

bool b2b_mass_is(const struct b2b_conf_federation *conf, uint64_t missing, uint64_t living)
{
	return missing >= conf->mass_removal_least && missing * 100 > living * conf->mass_removal_percent;
}

static int note(struct b2b_state *state, const struct b2b_policy_org *org, const struct missing *missing, uint64_t living, bool listed,
                int64_t since_s, char *why)
{
	struct b2b_removal removal = { .missing = missing->uids, .n_missing = missing->n, .living = living, .unlisted = !listed,
		                       .since_s = since_s, .by = UINT32_MAX };
	int r;

	snprintf(removal.org_id, sizeof(removal.org_id), "%s", org->id);
	r = b2b_removal_put(state, &removal);
	snprintf(why, B2B_MASS_WHY_SIZE,
	         listed ? "%s would lose %zu of %llu people: b2bctl approve %s, if that is so"
	                : "the organisation %s is no longer listed (%zu of %llu people): b2bctl approve %s, if it is gone",
	         org->alias, missing->n, (unsigned long long)living, org->alias);
	return r < 0 ? r : B2B_MASS_WAITS;
}

/* Against what waited already, and may have been approved. */
static int judge_mass(struct b2b_state *state, const struct b2b_conf_federation *conf, const struct b2b_policy_org *org,
                      const struct missing *missing, uint64_t living, bool listed, char *why)
{
	struct b2b_removal before = { 0 };
	int64_t since_s = b2b_wall_s();
	size_t beyond;
	int r = b2b_removal_get(state, org->id, &before);

	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0) {
		since_s = before.since_s;
		beyond = b2b_removal_beyond(&before, missing->uids, missing->n);
		if (before.approved_s && (listed || before.unlisted) && !b2b_mass_is(conf, beyond, living)) {
			b2b_removal_clear(&before);
			return B2B_MASS_APPROVED;
		}
		if (before.approved_s)
			b2b_log(LOG_WARNING, "directory: %s would lose %zu more than was approved; it waits again", org->alias, beyond);
		b2b_removal_clear(&before);
	}
	return note(state, org, missing, living, listed, since_s, why);
}

int b2b_mass_judge(struct b2b_state *state, const struct b2b_conf_federation *conf, const struct b2b_policy_org *org, int64_t pass,
                   bool listed, char why[B2B_MASS_WHY_SIZE])
{
	struct missing missing = { 0 };
	uint64_t living = 0, unseen = 0;
	int r = b2b_directory_count_unseen(state, org->id, pass, &living, &unseen);

	if (r < 0)
		return r;
	if ((listed || !living) && !b2b_mass_is(conf, unseen, living)) {
		r = b2b_removal_drop(state, org->id);
		if (r == 0)
			b2b_log(LOG_NOTICE, "directory: %s does not lose many people any more; nothing waits for approval", org->alias);
		return r < 0 && r != -ENOENT ? r : B2B_MASS_NONE;
	}
	r = b2b_directory_each_unseen(state, org->id, pass, add, &missing);
	if (r == 0)
		r = judge_mass(state, conf, org, &missing, living, listed, why);
	free(missing.uids);
	return r;
}

int b2b_mass_end_org(struct b2b_state *state, const char *org_id, int64_t pass)
{
	struct b2b_org_record org;
	bool changed;
	int r = b2b_directory_org(state, org_id, &org);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	org.state = B2B_ORG_HAS_ENDED;
	r = b2b_state_begin(state);
	if (r == 0) {
		r = b2b_directory_put_org(state, &org, pass, &changed);
		if (r == 0)
			r = b2b_state_commit(state);
		else
			b2b_state_rollback(state);
	}
	b2b_org_record_clear(&org);
	return r;
}
