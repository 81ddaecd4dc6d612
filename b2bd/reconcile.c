/*
 * The words as directory and windows want them: who stands open and may no longer is ended, then what may be is opened. Of everybody
 * at once, or for what can be many people in portions, a turn of the loop each: an event must not wait until all have been looked at.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/core.h"
#include "common/clock.h"
#include "common/log.h"

#define PORTION 1000      /* people; some milliseconds */
#define CLOSED_AT_ONCE 64 /* people in one transaction */
#define AGAIN_NS B2B_NS_PER_S /* after an error */

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

/*
 * MOST people from FROM on. *RET_NEXT: from where those are that come behind them, 0: nobody does. Returns 0, or a negative errno:
 * somebody was not looked at, and no word of theirs may be closed without that.
 */
static int close_people(struct b2b_core *core, int org, int64_t now, uint32_t from, uint32_t most, uint32_t *ret_next)
{
	struct closing closing = { .core = core, .org = org, .now = now };
	int r = b2b_directory_each_standing(core->state, core->policy->orgs[org].id, from, most, collect_closed, &closing);

	end_closed(&closing);
	free(closing.people);
	*ret_next = closing.seen == most ? closing.last + 1 : 0;
	return r;
}

static void close_organisation(struct b2b_core *core, int org, int64_t now)
{
	struct b2b_revocation revocation = { .scope = B2B_SCOPE_ORG, .org = org, .close = true };
	struct b2b_org_record record;

	if (B2B_LIVE_STATE(b2b_live_load_org(core->lives[org])) != B2B_LIVE_OPEN ||
	    b2b_directory_org(core->state, core->policy->orgs[org].id, &record) < 0)
		return;
	revocation.reason = (enum b2b_reason)b2b_org_standing(&record, now);
	b2b_org_record_clear(&record);
	if (revocation.reason != B2B_OK)
		b2b_revoke(core, &revocation);
	if (revocation.reason == B2B_ORG_WINDOW)
		b2b_core_note_time(core);
}

static void turn(void *arg);

/* Nobody is told that it is done before it is. */
static void put_off(struct b2b_core *core, int org, int error)
{
	b2b_log(LOG_ERR, "event=reconcile-failed organisation=%s error=\"%s\"; tried again", core->policy->orgs[org].alias, strerror(-error));
	core->round.due[org] = true;
	b2b_timer_set(core->loop, &core->round.timer, AGAIN_NS, turn, core);
}

void b2b_reconcile(struct b2b_core *core, int org)
{
	int first = org < 0 ? 0 : org, last = org < 0 ? (int)core->policy->n_orgs - 1 : org;
	int64_t now = b2b_core_now(core); /* one for both halves: who is ended is who is closed */

	for (; first <= last; first++) {
		uint32_t next;
		int r;

		close_organisation(core, first, now);
		r = close_people(core, first, now, 0, UINT32_MAX, &next);
		if (r == 0)
			r = b2b_publish_words(core->publish, first, now);
		if (r < 0)
			put_off(core, first, r);
	}
}

/*
 * In turn, so that one with many people, of whom some change all the time, keeps no other waiting. Those that changed come
 * before those of which only time has passed, but not twice in a row.
 */
static int next_due(struct b2b_round *round, int n_orgs)
{
	int due = -1;

	for (int i = 1; i <= n_orgs; i++) {
		int org = (round->org + i) % n_orgs;

		if (round->due[org] && (due < 0 || (round->publish[org] == !round->changed && round->publish[due] == round->changed)))
			due = org;
	}
	if (due >= 0)
		round->changed = round->publish[due];
	return due;
}

static bool any_awaited(const struct b2b_core *core)
{
	for (uint32_t org = 0; org < core->policy->n_orgs; org++) {
		if (core->round.awaited[org])
			return true;
	}
	return false;
}

static void tell_waiter(struct b2b_core *core)
{
	void (*then)(struct b2b_core *core) = core->round.then;

	if (any_awaited(core))
		return;
	core->round.then = NULL;
	if (then)
		then(core);
}

/* What changed during the look takes another, but nobody waits for what comes later, nor do those who are known by then. */
static void looked_at(struct b2b_core *core, int org)
{
	struct b2b_round *round = &core->round;

	if (round->publish[org])
		b2b_publish_org(core->publish, org, NULL, NULL);
	round->publish[org] = round->publish[org] && round->due[org];
	if (round->too_early)
		round->too_early = false;
	else
		round->awaited[org] = false;
}

static void turn(void *arg)
{
	struct b2b_core *core = arg;
	struct b2b_round *round = &core->round;
	uint32_t from = round->from;
	int64_t now = b2b_core_now(core);
	int r;

	if (from == 0) {
		tell_waiter(core);
		round->org = next_due(round, (int)core->policy->n_orgs);
		if (round->org < 0)
			return;
		round->due[round->org] = false;
		close_organisation(core, round->org, now);
	}
	r = close_people(core, round->org, now, from, PORTION, &round->from);
	if (r == 0 && from && round->from == 0)
		close_organisation(core, round->org, now); /* the last portion brings its word into line, which may have changed meanwhile */
	if (r == 0)
		r = b2b_publish_words_some(core->publish, round->org, from, PORTION, now);
	if (r < 0) {
		round->from = 0;
		round->too_early = false;
		put_off(core, round->org, r);
		return;
	}
	if (round->from == 0)
		looked_at(core, round->org);
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
	struct b2b_round *round = &core->round;

	round->then = then;
	memcpy(round->awaited, round->publish, sizeof(round->awaited));
	/* the look that is under way may have passed somebody who changed since */
	round->too_early = round->from && round->due[round->org];
	tell_waiter(core);
}
