/*
 * Revocation, in the order that keeps its promise whatever fails: live words stored (names, account, sudo are closed) →
 * asked of the guard, which tells and ends while the disk is written → committed with a pending end → the event may be
 * acknowledged → looked again until nothing is left → recorded. Where the commit fails it stays closed and is ended all the
 * same, and the event is not acknowledged, so that it comes again; so does one whose commit a crash comes before.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/core.h"
#include "common/clock.h"
#include "common/log.h"

#define AGAIN_NS (2 * B2B_NS_PER_S)

/* An end that the guard is working on. */
struct b2b_ending {
	struct b2b_ending *next;
	struct b2b_core *core;
	struct b2b_pending_end end;
	int org;
	bool behind; /* one of the same scope was under way when it came: what is left for it is to look once more */
	bool sent; /* false: it waits for one of the same scope, or: */
	bool refused; /* the guard could not take it on: it is sent again with the timer. The database need not know of it */
	struct b2b_guard_message held; /* what the guard said last of those it cannot end; left 0: nothing yet */
};

static void close_words(struct b2b_core *core, const struct b2b_revocation *revocation)
{
	struct b2b_live *live = core->lives[revocation->org];
	uint32_t word;
	enum b2b_live_state state;

	if (revocation->scope == B2B_SCOPE_SESSION)
		return;
	word = revocation->scope == B2B_SCOPE_ORG ? b2b_live_load_org(live) : b2b_live_load(live, revocation->uid);
	state = revocation->close ? B2B_LIVE_CLOSED : (enum b2b_live_state)B2B_LIVE_STATE(word);
	if (revocation->scope == B2B_SCOPE_ORG)
		b2b_live_store_org(live, state, true);
	else
		b2b_live_store(live, revocation->uid, state, true);
}

static int cut_off(struct b2b_core *core, const struct b2b_revocation *revocation, int64_t time_ms)
{
	if (revocation->scope == B2B_SCOPE_ORG)
		return b2b_directory_cut_off_org(core->state, core->policy->orgs[revocation->org].id, time_ms);
	return b2b_directory_cut_off(core->state, revocation->uid, time_ms);
}

static int disable(struct b2b_core *core, const struct b2b_revocation *revocation)
{
	if (revocation->scope == B2B_SCOPE_ORG)
		return b2b_directory_disable_org(core->state, core->policy->orgs[revocation->org].id, revocation->event_ms);
	return b2b_directory_disable(core->state, revocation->uid, revocation->event_ms);
}

/*
 * Why it is closed, beside what the directory says, and what was proven before is void: also where the directory alone says it, which
 * does not tell when it was. A window that ends by the clock closes nobody's account, and a clock that was wrong is taken back.
 */
static int store_cause(struct b2b_core *core, const struct b2b_revocation *revocation)
{
	bool by_clock = revocation->reason == B2B_USER_WINDOW || revocation->reason == B2B_ORG_WINDOW;

	if (revocation->scope == B2B_SCOPE_SESSION)
		return 0;
	if (revocation->follows)
		return revocation->by_event ? cut_off(core, revocation, revocation->event_ms) : 0;
	if (revocation->hand)
		return b2b_hand_store(core->state, revocation->hand);
	if (revocation->by_event)
		return revocation->close ? disable(core, revocation) : cut_off(core, revocation, revocation->event_ms);
	return revocation->close && !by_clock ? cut_off(core, revocation, b2b_wall_ms()) : 0;
}

static int store_one(struct b2b_core *core, const struct b2b_revocation *revocation, struct b2b_pending_end *end)
{
	int r = store_cause(core, revocation);

	if (r == 0)
		r = b2b_pending_add(core->state, end, &end->id);
	if (r == 0 && revocation->jti)
		r = b2b_stream_seen(core->state, revocation->jti, b2b_wall_s());
	return r;
}

/* One transaction: a busy disk is waited for once. */
static int store(struct b2b_core *core, const struct b2b_revocation *revocations, struct b2b_pending_end *ends, size_t n)
{
	int r = b2b_state_begin(core->state);
	size_t i;

	if (r < 0)
		return r;
	for (i = 0; i < n && r == 0; i++)
		r = store_one(core, &revocations[i], &ends[i]);
	if (r < 0) {
		b2b_state_rollback(core->state);
		return r;
	}
	return b2b_state_commit(core->state);
}

static void again(void *arg)
{
	b2b_revocations_start(arg);
}

static const char *scope_name(uint32_t scope)
{
	return scope == B2B_SCOPE_ORG ? "organisation" : scope == B2B_SCOPE_USER ? "person" : "session";
}

static void audit_end(const struct b2b_ending *ending, const struct b2b_guard_message *answer, int64_t clear_ms)
{
	const struct b2b_pending_end *end = &ending->end;
	int64_t since = end->event_ms ? end->event_ms : end->received_ms;
	char user[B2B_NAME_SIZE] = "", held[96] = "", extra[512];

	if (end->scope != B2B_SCOPE_ORG)
		b2b_audit_name(ending->core, end->uid, user, sizeof(user));
	if (answer->held_pid)
		snprintf(held, sizeof(held), " held_pid=%d held_uid=%u held_state=%c held_name=%.*s", answer->held_pid, answer->held_uid,
		         answer->held_state, B2B_GUARD_NAME_SIZE - 1, answer->held_name);
	snprintf(extra, sizeof(extra), "scope=%s found=%u root=%u ended=%u left=%u left_behind=%u told=%u event_ms=%lld received_ms=%lld"
	         " closed_us=%lld durable_us=%lld latency_ms=%lld ending_ms=%lld%s", scope_name(end->scope), answer->found, answer->root,
	         answer->ended, answer->left, answer->left_behind, answer->terminals, (long long)end->event_ms, (long long)end->received_ms,
	         (long long)end->closed_us, (long long)end->durable_us, (long long)(clear_ms - since), (long long)(clear_ms - end->received_ms),
	         held);
	b2b_audit(ending->core, answer->left ? "end-incomplete" : "ended", ending->org, user, (enum b2b_reason)end->reason, end->audit_id,
	          extra);
}

static void ending_free(struct b2b_ending *ending)
{
	struct b2b_ending **p;

	for (p = &ending->core->endings; *p; p = &(*p)->next) {
		if (*p == ending) {
			*p = ending->next;
			break;
		}
	}
	free(ending);
}

static bool under_way(const struct b2b_core *core, int64_t id)
{
	const struct b2b_ending *ending;

	for (ending = core->endings; ending; ending = ending->next) {
		if (id && ending->end.id == id)
			return true;
	}
	return false;
}

/*
 * One offboarding comes as two events (the account's and its sessions'): the second waits until the first is through,
 * or the guard would end for the one while it tells for the other.
 */
static struct b2b_ending *find_sent(const struct b2b_core *core, const struct b2b_pending_end *end)
{
	struct b2b_ending *ending;

	for (ending = core->endings; ending; ending = ending->next) {
		if (ending->sent && ending->end.scope == end->scope && ending->end.uid == end->uid && ending->end.pid == end->pid &&
		    strcmp(ending->end.org_id, end->org_id) == 0)
			return ending;
	}
	return NULL;
}

static void try_again(struct b2b_core *core)
{
	b2b_timer_set(core->loop, &core->again, AGAIN_NS, again, core);
}

static void end_done(void *arg, const struct b2b_guard_message *answer);

static void refused(struct b2b_ending *ending)
{
	ending->sent = false;
	ending->refused = true;
	try_again(ending->core);
}

static void dispatch(struct b2b_ending *ending)
{
	const struct b2b_pending_end *end = &ending->end;
	struct b2b_guard_message message = { .type = B2B_GUARD_END, .scope = end->scope, .org = ending->org, .uid = end->uid,
		                             .pid = (int32_t)end->pid, .start_ticks = end->start_ticks };

	memcpy(message.audit_id, end->audit_id, sizeof(message.audit_id));
	memcpy(message.message, end->message, sizeof(message.message));
	ending->sent = true;
	ending->refused = false;
	if (b2b_guard_send(ending->core->guard, &message, -1, end_done, ending) < 0)
		refused(ending);
}

static void dispatch_waiting(struct b2b_core *core)
{
	struct b2b_ending *ending;

	for (ending = core->endings; ending; ending = ending->next) {
		if (!ending->sent && !ending->refused && !find_sent(core, &ending->end))
			dispatch(ending);
	}
}

/*
 * Nothing is left: record it. The second end of one offboarding, for which nobody was left, is no revocation of its own: in the figures
 * it would stand for half of them, with the time that it waited.
 */
static void through(struct b2b_ending *ending, const struct b2b_guard_message *answer)
{
	struct b2b_core *core = ending->core;
	int64_t clear_ms = b2b_wall_ms() - (int64_t)((b2b_now_ns() - answer->clear_ns) / B2B_NS_PER_MS);
	bool counts = !ending->behind || answer->found;
	int r = 0;

	audit_end(ending, answer, clear_ms);
	if (counts)
		b2b_figures_add(core, &ending->end, clear_ms);
	if (ending->end.id)
		r = counts ? b2b_pending_done(core->state, ending->end.id, ending->end.durable_us, clear_ms) : b2b_pending_drop(core->state, ending->end.id);
	if (r < 0)
		try_again(core); /* nothing will be found, and it is recorded then */
	b2b_sessions_forget_gone(core);
	ending_free(ending);
}

static void end_done(void *arg, const struct b2b_guard_message *answer)
{
	struct b2b_ending *ending = arg;
	struct b2b_core *core = ending->core;

	if (answer->left) { /* the kernel holds something: the guard goes on and answers again */
		ending->held = *answer;
		audit_end(ending, answer, b2b_wall_ms());
		return;
	}
	if (answer->result < 0) {
		b2b_log(LOG_ERR, "event=end-failed id=%s error=\"%s\"; tried again", ending->end.audit_id, strerror(-answer->result));
		refused(ending);
	} else {
		through(ending, answer);
	}
	dispatch_waiting(core);
}

static void send_end(struct b2b_core *core, const struct b2b_pending_end *end, int org)
{
	struct b2b_ending *ending = calloc(1, sizeof(*ending));

	if (!ending) {
		try_again(core);
		return;
	}
	ending->core = core;
	ending->end = *end;
	ending->org = org;
	ending->behind = find_sent(core, end);
	ending->next = core->endings;
	core->endings = ending;
	if (!ending->behind)
		dispatch(ending);
}

static int64_t since_us(uint64_t then_ns)
{
	return (int64_t)((b2b_now_ns() - then_ns) / 1000);
}

static void describe(struct b2b_core *core, const struct b2b_revocation *revocation, uint64_t began_ns, struct b2b_pending_end *end)
{
	uint64_t received_ns = revocation->received_ns ? revocation->received_ns : began_ns;

	memset(end, 0, sizeof(*end));
	end->scope = revocation->scope;
	end->uid = revocation->uid;
	end->reason = revocation->reason;
	end->event_ms = revocation->event_ms;
	end->received_ms = b2b_wall_ms() - since_us(received_ns) / 1000;
	end->closed_us = since_us(received_ns);
	end->durable_us = -1;
	snprintf(end->org_id, sizeof(end->org_id), "%s", core->policy->orgs[revocation->org].id);
	if (revocation->session) {
		end->pid = revocation->session->pid;
		end->start_ticks = revocation->session->start_ticks;
	}
	if (revocation->hand)
		memcpy(end->audit_id, revocation->hand->audit_id, sizeof(end->audit_id));
	else
		b2b_audit_id(end->audit_id);
	if (!find_sent(core, end)) /* who is being told already is not told again */
		snprintf(end->message, sizeof(end->message), "%s", revocation->text ? revocation->text : b2b_reason_text(revocation->reason));
}

/* What an event or root closed and the database does not know of must not be opened again because of what the database says. */
static void hold_words(struct b2b_core *core, const struct b2b_revocation *revocation, bool hold)
{
	uint32_t uid = revocation->scope == B2B_SCOPE_ORG ? 0 : revocation->uid;
	int hand = revocation->hand ? (int)revocation->hand->kind : 0;

	if (!core->publish || !revocation->close || revocation->follows || !(revocation->by_event || revocation->hand) || revocation->scope == B2B_SCOPE_SESSION)
		return;
	if (!hold)
		b2b_publish_release(core->publish, revocation->org, uid, hand, revocation->event_ms);
	else if (b2b_publish_hold(core->publish, revocation->org, uid, hand, revocation->event_ms) < 0)
		b2b_log(LOG_ERR, "event=hold-failed uid=%u; it may open again before the event comes again", uid);
}

static void tell_audit(struct b2b_core *core, const struct b2b_revocation *revocation, const char *id)
{
	char user[B2B_NAME_SIZE] = "", owner[B2B_NAME_SIZE] = "", extra[128] = "";

	if (revocation->uid)
		b2b_audit_name(core, revocation->uid, user, sizeof(user));
	if (revocation->hand)
		b2b_audit_by(revocation->hand->by, extra, sizeof(extra));
	if (revocation->reason == B2B_OWNER_CLOSED)
		b2b_audit_owner(core, revocation->uid, owner, sizeof(owner));
	b2b_audit_field(extra, sizeof(extra), "owner", owner);
	b2b_audit(core, revocation->close ? "closed" : "sessions-ending", revocation->org, user, revocation->reason, id, *extra ? extra : NULL);
}

/* The guard's answer is not read before the loop's next turn: what is being ended is recorded as what was stored. */
static void note_stored(struct b2b_core *core, const struct b2b_pending_end *end)
{
	struct b2b_ending *ending;

	for (ending = core->endings; ending; ending = ending->next) {
		if (ending->end.id == 0 && ending->end.scope == end->scope && ending->end.uid == end->uid && ending->end.pid == end->pid &&
		    strcmp(ending->end.org_id, end->org_id) == 0 && strcmp(ending->end.audit_id, end->audit_id) == 0) {
			ending->end.id = end->id;
			ending->end.durable_us = end->durable_us;
		}
	}
}

/* It is stored, or could not be, which ends nothing of its ending. */
static void conclude(struct b2b_core *core, const struct b2b_revocation *revocation, const struct b2b_pending_end *end, int error)
{
	hold_words(core, revocation, error < 0);
	if (error < 0) {
		core->failed_commits++;
		b2b_log(LOG_ERR, "event=revocation-not-durable id=%s error=\"%s\"; closed and ended all the same", end->audit_id, strerror(-error));
	} else {
		note_stored(core, end);
	}
	tell_audit(core, revocation, end->audit_id);
}

static int revoke_together(struct b2b_core *core, const struct b2b_revocation *revocations, struct b2b_pending_end *ends, size_t n)
{
	uint64_t began_ns = b2b_now_ns();
	size_t i;
	int r;

	for (i = 0; i < n; i++)
		close_words(core, &revocations[i]);
	for (i = 0; i < n; i++)
		describe(core, &revocations[i], began_ns, &ends[i]);
	for (i = 0; i < n; i++)
		send_end(core, &ends[i], revocations[i].org);
	r = store(core, revocations, ends, n);
	for (i = 0; i < n && r == 0; i++)
		ends[i].durable_us = since_us(revocations[i].received_ns ? revocations[i].received_ns : began_ns);
	for (i = 0; i < n; i++)
		conclude(core, &revocations[i], &ends[i], r);
	return r;
}

int b2b_revoke(struct b2b_core *core, const struct b2b_revocation *revocation)
{
	struct b2b_pending_end end;

	return revocation->org < 0 ? -EINVAL : revoke_together(core, revocation, &end, 1);
}

int b2b_revoke_each(struct b2b_core *core, const struct b2b_revocation *revocations, size_t n)
{
	struct b2b_pending_end *ends = calloc(n ? n : 1, sizeof(*ends));
	int r = 0, one;
	size_t i;

	if (ends) {
		r = revoke_together(core, revocations, ends, n);
		free(ends);
		return r;
	}
	for (i = 0; i < n; i++) { /* without memory one after the other, which needs none */
		one = b2b_revoke(core, &revocations[i]);
		if (one < 0)
			r = one;
	}
	return r;
}

static int resume(void *arg, const struct b2b_pending_end *end)
{
	struct b2b_core *core = arg;
	int org = b2b_policy_org_by_id(core->policy, end->org_id);

	if (org >= 0 && !under_way(core, end->id))
		send_end(core, end, org);
	return 0;
}

json_t *b2b_held_ends_json(const struct b2b_core *core)
{
	json_t *list = json_array();

	for (const struct b2b_ending *ending = core->endings; ending; ending = ending->next) {
		const struct b2b_guard_message *held = &ending->held;
		const char state[] = { held->held_state, '\0' };
		char user[B2B_NAME_SIZE] = "";

		if (!held->left)
			continue;
		if (ending->end.scope != B2B_SCOPE_ORG)
			b2b_audit_name(ending->core, ending->end.uid, user, sizeof(user));
		json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:I,s:I,s:s,s:s%,s:I}", "organisation", core->policy->orgs[ending->org].alias, "user",
		                                      user, "id", ending->end.audit_id, "left", (json_int_t)held->left, "pid",
		                                      (json_int_t)held->held_pid, "state", state, "name", held->held_name,
		                                      strnlen(held->held_name, sizeof(held->held_name)), "uid", (json_int_t)held->held_uid));
	}
	return list;
}

void b2b_revocations_start(struct b2b_core *core)
{
	for (struct b2b_ending *ending = core->endings; ending; ending = ending->next)
		ending->refused = false;
	b2b_pending_list(core->state, resume, core);
	dispatch_waiting(core);
}

void b2b_revocations_stop(struct b2b_core *core)
{
	while (core->endings)
		ending_free(core->endings);
}
