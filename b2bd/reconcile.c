/*
 * The words as directory and windows want them: who stands open and may no longer is ended, then what may be is opened. Of everybody
 * at once, or for what can be many people in portions, a turn of the loop each: an event must not wait until all have been looked at.
 */
#include <errno.h>
#include <stdlib.h>

#include "b2bd/core.h"

#define PORTION 1000      /* people; some milliseconds */
#define CLOSED_AT_ONCE 64 /* people in one transaction */

struct closing {
	struct b2b_core *core;
	int org;
	int64_t now;
	struct {
		uint32_t uid;
		enum b2b_reason reason;
	} *people;
	size_t n, room;
	uint32_t seen, last; /* how many were looked at, and the last of them */
};

static int collect_closed(void *arg, uint32_t uid, const struct b2b_principal *person)
{
	struct closing *closing = arg;
	int standing = person ? b2b_principal_standing(person, closing->now) : B2B_OK;
	void *bigger;

	closing->seen++;
	closing->last = uid;
	if (standing == B2B_OK || B2B_LIVE_STATE(b2b_live_load(closing->core->lives[closing->org], uid)) != B2B_LIVE_OPEN)
		return 0;
	if (closing->n == closing->room) {
		closing->room = closing->room ? closing->room * 2 : 64;
		bigger = reallocarray(closing->people, closing->room, sizeof(*closing->people));
		if (!bigger)
			return -ENOMEM;
		closing->people = bigger;
	}
	closing->people[closing->n].uid = uid;
	closing->people[closing->n++].reason = (enum b2b_reason)standing;
	return 0;
}

/* In transactions of a few: one for each person would take long where there are many. */
static void end_closed(const struct closing *closing)
{
	struct b2b_revocation list[CLOSED_AT_ONCE];
	bool by_clock = false;
	size_t i, n;

	for (i = 0; i < closing->n; i += n) {
		for (n = 0; n < CLOSED_AT_ONCE && i + n < closing->n; n++) {
			list[n] = (struct b2b_revocation){ .scope = B2B_SCOPE_USER, .org = closing->org, .uid = closing->people[i + n].uid,
				                           .close = true, .reason = closing->people[i + n].reason };
			by_clock = by_clock || list[n].reason == B2B_USER_WINDOW;
		}
		b2b_revoke_each(closing->core, list, n);
	}
	if (by_clock)
		b2b_core_note_time(closing->core);
}

/* MOST people from FROM on. Returns from where those are that come behind them, 0: nobody does. */
static uint32_t close_people(struct b2b_core *core, int org, uint32_t from, uint32_t most)
{
	struct closing closing = { .core = core, .org = org, .now = b2b_core_now(core) };

	b2b_directory_each_standing(core->state, core->policy->orgs[org].id, from, most, collect_closed, &closing);
	end_closed(&closing);
	free(closing.people);
	return closing.seen == most ? closing.last + 1 : 0;
}

static void close_organisation(struct b2b_core *core, int org)
{
	struct b2b_revocation revocation = { .scope = B2B_SCOPE_ORG, .org = org, .close = true };
	struct b2b_org_record record;

	if (B2B_LIVE_STATE(b2b_live_load_org(core->lives[org])) != B2B_LIVE_OPEN ||
	    b2b_directory_org(core->state, core->policy->orgs[org].id, &record) < 0)
		return;
	revocation.reason = (enum b2b_reason)b2b_org_standing(&record, b2b_core_now(core));
	b2b_org_record_clear(&record);
	if (revocation.reason != B2B_OK)
		b2b_revoke(core, &revocation);
	if (revocation.reason == B2B_ORG_WINDOW)
		b2b_core_note_time(core);
}

void b2b_reconcile(struct b2b_core *core, int org)
{
	int first = org < 0 ? 0 : org, last = org < 0 ? (int)core->policy->n_orgs - 1 : org;

	for (; first <= last; first++) {
		close_organisation(core, first);
		close_people(core, first, 0, UINT32_MAX);
		b2b_publish_words(core->publish, first);
	}
}

/* Those that changed come before those of which only time has passed. */
static int next_due(const struct b2b_round *round, int n_orgs)
{
	int due = -1;

	for (int org = n_orgs - 1; org >= 0; org--) {
		if (round->due[org] && (due < 0 || round->publish[org] || !round->publish[due]))
			due = org;
	}
	return due;
}

static bool any_changed(const struct b2b_core *core)
{
	for (uint32_t org = 0; org < core->policy->n_orgs; org++) {
		if (core->round.publish[org])
			return true;
	}
	return false;
}

static void tell_waiter(struct b2b_core *core)
{
	void (*then)(struct b2b_core *core) = core->round.then;

	if (any_changed(core))
		return;
	core->round.then = NULL;
	if (then)
		then(core);
}

static void turn(void *arg)
{
	struct b2b_core *core = arg;
	struct b2b_round *round = &core->round;
	uint32_t from = round->from;

	if (from == 0) {
		tell_waiter(core);
		round->org = next_due(round, (int)core->policy->n_orgs);
		if (round->org < 0)
			return;
		round->due[round->org] = false;
		close_organisation(core, round->org);
	}
	round->from = close_people(core, round->org, from, PORTION);
	b2b_publish_words_some(core->publish, round->org, from, PORTION);
	if (round->from == 0 && round->publish[round->org] && !round->due[round->org]) {
		round->publish[round->org] = false;
		b2b_publish_org(core->publish, round->org, NULL, NULL);
	}
	b2b_timer_set(core->loop, &round->timer, 0, turn, core);
}

void b2b_reconcile_soon(struct b2b_core *core, int org, bool publish)
{
	int first = org < 0 ? 0 : org, last = org < 0 ? (int)core->policy->n_orgs - 1 : org;

	for (; first <= last; first++) {
		core->round.due[first] = true;
		core->round.publish[first] = core->round.publish[first] || publish;
	}
	if (!core->round.timer.loop)
		b2b_timer_set(core->loop, &core->round.timer, 0, turn, core);
}

void b2b_reconcile_then(struct b2b_core *core, void (*then)(struct b2b_core *core))
{
	core->round.then = then;
	tell_waiter(core);
}
