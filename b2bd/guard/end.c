#include "b2bd/guard/end.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "b2bd/guard/end_one.h"
#include "b2bd/guard/present.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/reason.h"

#define WATCH_FIRST_NS (250 * B2B_NS_PER_MS)
#define WATCH_LAST_NS (2 * B2B_NS_PER_S)
#define EVENTS_MAX 64
#define ASK_EVERY 64 /* processes */

struct b2b_ends {
	struct b2b_ends_setup setup;
	struct b2b_end *first;
	size_t n;
	struct b2b_processes list;
	struct b2b_processes trees;       /* scratch: of registered sessions, while LIST may be half of a look */
	struct b2b_registry registry;
	struct b2b_present present;       /* who is in these */
	uint64_t look_cost_ns, looked_ns; /* of the last look, and when it was over */
	uint64_t watch_ns, watch_pace_ns; /* next look at the tombstones */
	bool put_off;                     /* that look, for an END */
	unsigned watch_doubts;            /* looks at them that found nothing, but may have missed some */
	int epoll_fd;
};

static uint64_t ticks(uint64_t ns)
{
	long per_s = sysconf(_SC_CLK_TCK);

	return per_s > 0 ? ns / (B2B_NS_PER_S / (uint64_t)per_s) : 0;
}

static void end_free(struct b2b_end *end)
{
	if (end->watch_fd >= 0)
		close(end->watch_fd); /* epoll forgets it by itself */
	b2b_processes_free(&end->signalled);
	b2b_processes_free(&end->met);
	b2b_processes_free(&end->relayed);
	b2b_processes_free(&end->seen);
	b2b_posix_sessions_free(&end->sessions);
	b2b_terminals_free(&end->told);
	free(end);
}

static void begin(struct b2b_ends *ends, struct b2b_end *end)
{
	end->scope.policy = ends->setup.policy;
	end->scope.lives = ends->setup.lives;
	end->scope.own = ends->setup.own;
	end->began_ns = b2b_now_ns();
	end->scope.began_ticks = ticks(end->began_ns);
	end->scope.began_s = b2b_wall_s();
	end->watch_fd = -1;
	end->next = ends->first;
	ends->first = end;
	ends->n++;
}

static void watch_from(struct b2b_ends *ends, uint64_t now_ns)
{
	ends->watch_pace_ns = WATCH_FIRST_NS;
	ends->watch_ns = now_ns + WATCH_FIRST_NS;
}

/* A guard that starts: whoever is closed stays out (see end.h). */
static int add_first_watch(struct b2b_ends *ends)
{
	struct b2b_end *end = calloc(1, sizeof(*end));

	if (!end)
		return -ENOMEM;
	begin(ends, end);
	end->scope.kind = B2B_SCOPE_CLOSED;
	end->scope.only_older = true;
	end->tombstone = true;
	end->due_ns = B2B_NEVER;
	end->expires_ns = end->began_ns + B2B_END_TOMBSTONE_NS;
	end->line_len = b2b_tell_format(end->line, b2b_reason_text(B2B_REVOKED), "");
	watch_from(ends, end->began_ns);
	return 0;
}

int b2b_ends_new(const struct b2b_ends_setup *setup, struct b2b_ends **ret_ends)
{
	struct b2b_ends *ends = calloc(1, sizeof(*ends));
	int r;

	if (!ends)
		return -ENOMEM;
	ends->setup = *setup;
	ends->watch_ns = B2B_NEVER;
	ends->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	r = ends->epoll_fd < 0 ? -errno : add_first_watch(ends);
	if (r < 0) {
		b2b_ends_free(ends);
		return r;
	}
	*ret_ends = ends;
	return 0;
}

void b2b_ends_free(struct b2b_ends *ends)
{
	if (!ends)
		return;
	while (ends->first) {
		struct b2b_end *end = ends->first;

		ends->first = end->next;
		end_free(end);
	}
	if (ends->epoll_fd >= 0)
		close(ends->epoll_fd);
	b2b_processes_free(&ends->list);
	b2b_processes_free(&ends->trees);
	b2b_registry_free(&ends->registry);
	b2b_present_free(&ends->present);
	free(ends);
}

/* The newer END of the same scope watches for the older one too. */
static bool superseded(const struct b2b_end *end, const struct b2b_guard_message *message)
{
	return end->tombstone && end->scope.kind == message->scope && end->scope.org == message->org &&
	       (message->scope == B2B_SCOPE_ORG || end->scope.uid == message->uid);
}

static void remove_if(struct b2b_ends *ends, const struct b2b_guard_message *message, uint64_t now_ns)
{
	struct b2b_end **at = &ends->first;

	while (*at) {
		struct b2b_end *end = *at;

		if ((message && superseded(end, message)) || (end->tombstone && now_ns >= end->expires_ns)) {
			*at = end->next;
			ends->n--;
			end_free(end);
		} else {
			at = &end->next;
		}
	}
}

int b2b_ends_add(struct b2b_ends *ends, const struct b2b_guard_message *message)
{
	struct b2b_end *end;

	remove_if(ends, message, b2b_now_ns());
	if (ends->n >= B2B_ENDS_MAX)
		return -EBUSY;
	end = calloc(1, sizeof(*end));
	if (!end)
		return -ENOMEM;
	begin(ends, end);
	end->scope.kind = message->scope;
	end->scope.org = message->org;
	end->scope.uid = message->uid;
	end->scope.pid = message->pid;
	end->scope.start_ticks = message->start_ticks;
	end->scope.spare_new = ends->setup.policy->ending_grace_s > 0;
	end->serial = message->serial;
	end->owed = true;
	memcpy(end->audit_id, message->audit_id, sizeof(end->audit_id));
	end->line_len = *message->message ? b2b_tell_format(end->line, message->message, message->audit_id) : 0;
	end->due_ns = end->began_ns;
	return 0;
}

void b2b_ends_policy(struct b2b_ends *ends, const struct b2b_policy *policy)
{
	ends->setup.policy = policy;
	for (struct b2b_end *end = ends->first; end; end = end->next)
		end->scope.policy = policy;
}

void b2b_ends_forget(struct b2b_ends *ends)
{
	for (struct b2b_end *end = ends->first; end; end = end->next)
		end->owed = false;
}

void b2b_ends_registered(struct b2b_ends *ends)
{
	if (ends->watch_ns != B2B_NEVER)
		ends->watch_ns = b2b_now_ns();
}

int b2b_ends_fd(const struct b2b_ends *ends)
{
	return ends->epoll_fd;
}

uint64_t b2b_ends_due(const struct b2b_ends *ends)
{
	uint64_t due_ns = ends->watch_ns;

	for (const struct b2b_end *end = ends->first; end; end = end->next) {
		if (end->due_ns < due_ns)
			due_ns = end->due_ns;
	}
	return due_ns;
}

static void answer(struct b2b_ends *ends, const struct b2b_end *end, int result)
{
	struct b2b_guard_message message;

	b2b_end_describe(end, result, &message);
	if (end->owed)
		ends->setup.answer(ends->setup.arg, &message);
}

static void forget_watch(struct b2b_end *end)
{
	if (end->watch_fd >= 0)
		close(end->watch_fd);
	end->watch_fd = -1;
}

/* Wake up as soon as LIST's WATCH is gone: a pidfd is readable then. Without one the pause does. */
static void wait_for(struct b2b_ends *ends, struct b2b_end *end, const struct b2b_processes *list, ssize_t watch)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = end };

	if (watch < 0)
		return;
	end->watch_fd = b2b_process_open(&list->items[watch]);
	if (end->watch_fd == -ESRCH)
		end->due_ns = b2b_now_ns(); /* gone already */
	if (end->watch_fd < 0)
		end->watch_fd = -1;
	else if (epoll_ctl(ends->epoll_fd, EPOLL_CTL_ADD, end->watch_fd, &event) < 0)
		forget_watch(end);
}

static void clear(struct b2b_ends *ends, struct b2b_end *end)
{
	bool late = end->tombstone;

	end->clear_ns = ends->looked_ns;
	b2b_scope_forget_records(&end->scope, &ends->list, &ends->registry);
	if (late && end->ended)
		b2b_log(LOG_NOTICE, "event=ended-late processes=%u id=%s", end->ended, end->audit_id);
	answer(ends, end, 0);
	end->owed = false;
	end->hunting = false;
	end->held = false;
	end->held_pace_ns = end->grace_ns = end->relay_ns = end->leader_ns = end->busy_ns = 0;
	end->quick = end->pace = end->doubts = end->found = end->root = end->ended = 0;
	end->signalled.n = end->met.n = end->relayed.n = end->seen.n = end->sessions.n = 0;
	end->due_ns = B2B_NEVER;
	end->scope.only_older = true;
	end->tombstone = true;
	if (!late) {
		end->expires_ns = end->scope.kind == B2B_SCOPE_SESSION ? end->clear_ns : end->clear_ns + B2B_END_TOMBSTONE_NS;
		watch_from(ends, end->clear_ns);
	}
}

static void hold(struct b2b_ends *ends, struct b2b_end *end)
{
	if (!end->busy_ns || b2b_now_ns() < end->busy_ns + B2B_END_HELD_NS)
		return;
	/* Only what the kernel holds is left: who logs in anew meanwhile is not part of it. */
	if (!end->fresh)
		end->scope.only_older = true;
	end->sessions.n = 0; /* numbers pass on in time */
	if (end->held)
		return;
	end->held = true;
	b2b_end_report_held(end);
	answer(ends, end, -EBUSY);
}

static void look_at(struct b2b_ends *ends, struct b2b_end *end, int scanned)
{
	ssize_t watch = -1;
	int r;

	forget_watch(end);
	end->breath = false;
	r = b2b_end_looked(end, &ends->list, &ends->registry, scanned, ends->first, &watch);
	if (r > 0) {
		clear(ends, end);
		return;
	}
	if (r < 0)
		end->due_ns = b2b_now_ns() + WATCH_FIRST_NS; /* no memory: once more */
	hold(ends, end);
	wait_for(ends, end, &ends->list, watch);
}

static bool is_due(const struct b2b_ends *ends, const struct b2b_end *end, uint64_t now_ns)
{
	return end->due_ns <= now_ns || (end->tombstone && ends->watch_ns <= now_ns);
}

static void begin_registered(struct b2b_ends *ends, struct b2b_end *end)
{
	ssize_t watch = b2b_end_registered(end, &ends->trees, &ends->registry, ends->first);

	if (watch < 0)
		return;
	end->breath = true;
	end->due_ns = b2b_now_ns() + B2B_END_BREATH_NS;
	wait_for(ends, end, &ends->trees, watch);
}

/* What has just begun need not wait for a look. Is there any that is under way and due by NOW_NS? */
static bool end_registered(struct b2b_ends *ends, uint64_t now_ns)
{
	bool any = false;

	for (struct b2b_end *end = ends->first; end; end = end->next) {
		if (end->tombstone || end->due_ns > now_ns)
			continue;
		if (!end->begun)
			begin_registered(ends, end);
		any = any || end->due_ns <= now_ns;
	}
	return any;
}

/* Tombstones alone are not looked at while an END takes breath: it would have to wait for that look, and they can be in its own. */
static bool takes_breath(struct b2b_ends *ends)
{
	for (const struct b2b_end *end = ends->first; end; end = end->next) {
		if (!end->breath)
			continue;
		if (ends->watch_ns < end->due_ns)
			ends->watch_ns = end->due_ns;
		return true;
	}
	return false;
}

/* A look that is made anyway is theirs too: it may find who was not registered. */
static void join_look(struct b2b_ends *ends, uint64_t now_ns)
{
	for (struct b2b_end *end = ends->first; end; end = end->next) {
		if (end->breath && end->due_ns > now_ns)
			end->due_ns = now_ns;
	}
}

struct met {
	struct b2b_ends *ends;
	uint64_t now_ns;
	bool may_wait; /* only tombstones are looked at */
	unsigned n;
};

static bool met(void *arg, const struct b2b_process *process)
{
	struct met *look = arg;

	if (++look->n % ASK_EVERY == 0 && look->ends->setup.hear(look->ends->setup.arg)) {
		end_registered(look->ends, b2b_now_ns());
		if (look->may_wait)
			return false;
	}
	for (struct b2b_end *end = look->ends->first; end; end = end->next) {
		if (end->hunting && is_due(look->ends, end, look->now_ns) && !(end->tombstone && b2b_end_under_way(look->ends->first, process)))
			b2b_end_met(end, process, &look->ends->registry);
	}
	return true;
}

/* What was waited for is gone: look, but not so often that looking is all the guard does. */
static void wake(struct b2b_ends *ends)
{
	struct epoll_event events[EVENTS_MAX];
	uint64_t soonest_ns = ends->looked_ns + ends->look_cost_ns;
	int n = epoll_wait(ends->epoll_fd, events, EVENTS_MAX, 0);

	for (int i = 0; i < n; i++) {
		struct b2b_end *end = events[i].data.ptr;

		forget_watch(end);
		if (end->due_ns > soonest_ns)
			end->due_ns = soonest_ns;
	}
}

static void next_watch(struct b2b_ends *ends, uint64_t now_ns)
{
	bool any = false;

	for (const struct b2b_end *end = ends->first; end && !any; end = end->next)
		any = end->tombstone;
	if (!any) {
		ends->watch_ns = B2B_NEVER;
		return;
	}
	ends->watch_ns = now_ns + ends->watch_pace_ns;
	ends->watch_pace_ns = 2 * ends->watch_pace_ns > WATCH_LAST_NS ? WATCH_LAST_NS : 2 * ends->watch_pace_ns;
}

/* Returns what b2b_processes_scan says, negative also where the registry could not be read; -ECANCELED: this was no look. */
static int look(struct b2b_ends *ends, uint64_t now_ns)
{
	struct met arg = { .ends = ends, .now_ns = now_ns };
	int r = b2b_registry_read(&ends->registry), s;
	bool any = end_registered(ends, now_ns);

	if (!any && takes_breath(ends))
		return -ECANCELED;
	join_look(ends, now_ns);
	/* Before anybody was registered the directory may not be there. */
	if (r == -ENOENT)
		r = 0;
	arg.may_wait = !any && !ends->put_off;
	s = b2b_processes_scan(&ends->list, met, &arg);
	ends->looked_ns = b2b_now_ns();
	ends->look_cost_ns = ends->looked_ns - now_ns;
	ends->put_off = s == -ECANCELED;
	return r < 0 && !ends->put_off ? r : s;
}

/* Nothing was begun with it, and nobody of its is there: nothing would be marked. */
static bool sleeps(const struct b2b_ends *ends, const struct b2b_end *end)
{
	return end->tombstone && end->due_ns == B2B_NEVER && !b2b_present_any(&ends->present, &end->scope);
}

static bool any_watched(const struct b2b_ends *ends)
{
	for (const struct b2b_end *end = ends->first; end; end = end->next) {
		if (end->tombstone && end->due_ns == B2B_NEVER)
			return true;
	}
	return false;
}

static void look_at_due(struct b2b_ends *ends, uint64_t now_ns, bool watched, int scanned)
{
	/* Without memory each is looked at by itself. */
	bool known = watched && any_watched(ends) && b2b_present_gather(&ends->present, &ends->list, &ends->registry, ends->setup.policy) == 0;
	bool doubtful = false;

	for (struct b2b_end *end = ends->first; end; end = end->next) {
		if (end->due_ns > now_ns && !(end->tombstone && watched))
			continue;
		if (known && sleeps(ends, end))
			doubtful = scanned != 0;
		else
			look_at(ends, end, scanned);
	}
	if (!watched || ends->watch_ns > now_ns)
		return;
	if (doubtful && ends->watch_doubts < B2B_END_DOUBTS_MAX) {
		ends->watch_doubts++; /* at once again */
		return;
	}
	ends->watch_doubts = 0;
	next_watch(ends, now_ns);
}

void b2b_ends_run(struct b2b_ends *ends)
{
	uint64_t now_ns;
	bool watched;
	int scanned;

	wake(ends);
	now_ns = b2b_now_ns();
	if (b2b_ends_due(ends) > now_ns)
		return;
	remove_if(ends, NULL, now_ns);
	watched = ends->watch_ns <= now_ns;
	scanned = look(ends, now_ns);
	if (scanned != -ECANCELED)
		look_at_due(ends, now_ns, watched, scanned);
}
