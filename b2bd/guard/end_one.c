#include "b2bd/guard/end_one.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "b2bd/guard/strike.h"
#include "common/clock.h"
#include "common/log.h"

#define QUICK_MAX 64
#define STRIKE_AFTER 2 /* looks in a row that met somebody new */
#define STRIKES_MAX 16 /* people in one look */
#define REGISTERED_MAX 1024 /* processes that are ended without a look: above, looking is what takes less time */
#define REPORTED_MAX 16 /* lines of one kind in one END */
#define GRACE_PACE_NS (250 * B2B_NS_PER_MS)
#define HELD_FIRST_NS (250 * B2B_NS_PER_MS)
#define HELD_LAST_NS (2 * B2B_NS_PER_S)

static const uint64_t paces_ns[] = { 5 * B2B_NS_PER_MS, 10 * B2B_NS_PER_MS, 20 * B2B_NS_PER_MS };

struct look {
	struct b2b_end *end;
	const struct b2b_processes *list;
	uint8_t *marks;
	uint32_t counts[B2B_MARK_LEFT + 1];
	bool spares; /* somebody logged in anew, and that is not to be ended */
	bool fresh; /* something that was not there before */
	uint64_t now_ns;
};

static bool holds(const struct b2b_processes *set, const struct b2b_process *process)
{
	ssize_t at = b2b_processes_find(set, process->pid);

	return at >= 0 && set->items[at].start_ticks == process->start_ticks;
}

static int append(struct b2b_processes *set, const struct b2b_process *process)
{
	if (set->n == set->size) {
		size_t size = set->size ? 2 * set->size : 32;
		struct b2b_process *items = reallocarray(set->items, size, sizeof(*items));

		if (!items)
			return -ENOMEM;
		set->items = items;
		set->size = size;
	}
	set->items[set->n++] = *process;
	return 0;
}

static int by_pid(const void *a, const void *b)
{
	pid_t x = ((const struct b2b_process *)a)->pid, y = ((const struct b2b_process *)b)->pid;

	return x < y ? -1 : x > y;
}

void b2b_end_met(struct b2b_end *end, const struct b2b_process *process, const struct b2b_registry *registry)
{
	if (!end->hunting || !b2b_scope_has_process(&end->scope, process))
		return;
	/* It may be a relay, or a leader: those are judged when the look is over. */
	if (b2b_registry_has_pid(registry, process->ppid) || b2b_registry_has_pid(registry, process->pid))
		return;
	/* So may one be of a session that is spared. */
	if (process->start_ticks >= end->scope.began_ticks && b2b_scope_spares(&end->scope, registry))
		return;
	if (b2b_process_signal(process, SIGKILL) < 0)
		return;
	if (!holds(&end->signalled, process))
		end->ended++;
	append(&end->met, process); /* without memory it is only signalled once more */
}

bool b2b_end_under_way(const struct b2b_end *first, const struct b2b_process *process)
{
	for (const struct b2b_end *end = first; end; end = end->next) {
		bool in_grace = end->grace_ns && !end->hunting;

		if (!end->tombstone && (holds(&end->seen, process) || (in_grace && b2b_scope_has_process(&end->scope, process))))
			return true;
	}
	return false;
}

/* A tombstone, or the first rule of a guard that has just begun, knows nothing of grace, nor which leader had a relay. */
static void leave_to_others(struct look *look, const struct b2b_end *first)
{
	for (size_t i = 0; look->end->tombstone && i < look->list->n; i++) {
		if (look->marks[i] != B2B_MARK_NONE && b2b_end_under_way(first, &look->list->items[i]))
			look->marks[i] = B2B_MARK_NONE;
	}
}

static void kill_one(struct look *look, size_t i)
{
	const struct b2b_process *process = &look->list->items[i];
	struct b2b_end *end = look->end;
	bool met = holds(&end->met, process), known = holds(&end->signalled, process);

	if (!met)
		b2b_process_signal(process, SIGKILL);
	if (!known) {
		look->fresh = true;
		if (!met)
			end->ended++;
	}
}

static void kill_marked(struct look *look, uint8_t mark, bool only_stopped)
{
	for (size_t i = 0; i < look->list->n; i++) {
		if (look->marks[i] != mark || (only_stopped && look->list->items[i].state != 'T'))
			continue;
		kill_one(look, i);
	}
}

/*
 * Look after look somebody new: he forks faster than we look. All of his processes are in scope, so all are killed at once;
 * not while a relay of theirs brings the reason, which it does for 100 ms at most.
 */
static void strike_forkers(struct look *look)
{
	struct b2b_end *end = look->end;
	uint32_t struck[STRIKES_MAX];
	size_t n = 0;

	if (end->quick < STRIKE_AFTER || (look->counts[B2B_MARK_RELAY] && look->now_ns < end->relay_ns))
		return;
	for (size_t i = 0; i < look->list->n && n < STRIKES_MAX; i++) {
		uint32_t uid = look->list->items[i].uids[0];
		size_t same = 0;

		if (look->marks[i] != B2B_MARK_TARGET || holds(&end->signalled, &look->list->items[i]) || !b2b_scope_has_uid(&end->scope, uid) ||
		    ((end->scope.only_older || look->spares) && !b2b_scope_closed(&end->scope, uid)))
			continue;
		while (same < n && struck[same] != uid)
			same++;
		if (same == n) {
			struck[n++] = uid;
			b2b_strike(end->scope.policy, uid);
		}
	}
}

/* Everything killed in this look; the next look's "known". */
static void remember(struct look *look, bool relays, bool leaders)
{
	struct b2b_end *end = look->end;

	end->signalled.n = 0;
	end->met.n = 0;
	for (size_t i = 0; i < look->list->n; i++) {
		uint8_t mark = look->marks[i];

		if (mark == B2B_MARK_TARGET || (mark == B2B_MARK_RELAY && relays) || (mark == B2B_MARK_LEADER && leaders))
			append(&end->signalled, &look->list->items[i]);
	}
}

/* Only an END that begins gives grace: who comes late has had it. */
static bool has_grace(struct look *look)
{
	struct b2b_end *end = look->end;
	uint64_t grace_ns = end->scope.policy->ending_grace_s * B2B_NS_PER_S;

	if (!grace_ns || end->tombstone || end->held)
		return false;
	if (!end->grace_ns)
		end->grace_ns = look->now_ns + grace_ns;
	return look->counts[B2B_MARK_TARGET] && look->now_ns < end->grace_ns;
}

/* Once each, as a terminal that goes away would; a stopped one could not heed it. */
static void hang_up(struct look *look)
{
	for (size_t i = 0; i < look->list->n; i++) {
		const struct b2b_process *process = &look->list->items[i];

		if (look->marks[i] != B2B_MARK_TARGET || holds(&look->end->seen, process))
			continue;
		b2b_process_signal(process, SIGHUP);
		b2b_process_signal(process, SIGCONT);
	}
}

static void end_marked(struct look *look)
{
	struct b2b_end *end = look->end;
	bool relays, leaders, alone = look->counts[B2B_MARK_TARGET] + look->counts[B2B_MARK_RELAY] == 0;

	end->hunting = !has_grace(look);
	if (!end->hunting) {
		hang_up(look);
		return;
	}
	if (look->counts[B2B_MARK_RELAY] && !end->relay_ns)
		end->relay_ns = look->now_ns + B2B_END_DRAIN_NS;
	if (alone && look->counts[B2B_MARK_LEADER] && !end->leader_ns)
		end->leader_ns = look->now_ns + B2B_END_LEADER_NS;
	relays = end->relay_ns && look->now_ns >= end->relay_ns;
	leaders = alone && end->leader_ns && look->now_ns >= end->leader_ns;
	strike_forkers(look);
	kill_marked(look, B2B_MARK_TARGET, false);
	if (relays)
		kill_marked(look, B2B_MARK_RELAY, false);
	/* A stopped leader would wait for ever with its children's ends unread. */
	if (alone)
		kill_marked(look, B2B_MARK_LEADER, !leaders);
	remember(look, relays, leaders);
}

static void report_left(const struct look *look)
{
	struct b2b_end *end = look->end;

	if (end->tombstone)
		return;
	end->left_behind = 0;
	for (size_t i = 0; i < look->list->n; i++) {
		const struct b2b_process *process = &look->list->items[i];

		if (look->marks[i] != B2B_MARK_LEFT || end->left_behind++ >= REPORTED_MAX)
			continue;
		b2b_log(LOG_WARNING, "event=left-behind pid=%d uid=%u name=%s id=%s", (int)process->pid, process->uids[0], process->name, end->audit_id);
	}
}

static uint64_t earlier(uint64_t a, uint64_t deadline)
{
	return deadline && deadline < a ? deadline : a;
}

static void pace(struct look *look)
{
	struct b2b_end *end = look->end;
	uint64_t due_ns;

	if (!end->hunting) {
		end->busy_ns = look->now_ns; /* what holds out does so from the end of the grace on */
		end->due_ns = earlier(look->now_ns + GRACE_PACE_NS, end->grace_ns);
		return;
	}
	if (look->fresh && end->quick < QUICK_MAX) {
		end->quick++;
		end->pace = 0;
		end->due_ns = look->now_ns;
		return;
	}
	if (end->held) {
		end->held_pace_ns = end->held_pace_ns ? 2 * end->held_pace_ns : HELD_FIRST_NS;
		if (end->held_pace_ns > HELD_LAST_NS)
			end->held_pace_ns = HELD_LAST_NS;
		end->due_ns = look->now_ns + end->held_pace_ns;
		return;
	}
	due_ns = look->now_ns + paces_ns[end->pace];
	if (end->pace + 1 < sizeof(paces_ns) / sizeof(*paces_ns))
		end->pace++;
	if (look->counts[B2B_MARK_RELAY] && look->now_ns < end->relay_ns)
		due_ns = earlier(due_ns, end->relay_ns);
	if (look->now_ns < end->leader_ns)
		due_ns = earlier(due_ns, end->leader_ns);
	end->due_ns = due_ns;
}

static ssize_t first_marked(const struct look *look)
{
	static const uint8_t order[] = { B2B_MARK_TARGET, B2B_MARK_RELAY, B2B_MARK_LEADER };

	for (size_t m = 0; m < sizeof(order); m++) {
		for (size_t i = 0; look->counts[order[m]] && i < look->list->n; i++) {
			if (look->marks[i] == order[m])
				return (ssize_t)i;
		}
	}
	return -1;
}

static bool has_relay(const struct look *look, pid_t leader)
{
	for (size_t i = 0; i < look->list->n; i++) {
		if (look->marks[i] == B2B_MARK_RELAY && look->list->items[i].ppid == leader)
			return true;
	}
	return false;
}

/*
 * A leader without a relay has nothing to bring the reason to, and may be about to start its first process: what we kill under it
 * (a helper of its PAM stack) would let it go on. So it is ended with the rest, where all of a person's sessions end. A session
 * that ends by itself (sudo's limit) leaves its terminal to others, and sudo must put that right.
 */
static int judge_leaders(struct look *look)
{
	struct b2b_end *end = look->end;
	int r = 0;

	for (size_t i = 0; end->scope.kind != B2B_SCOPE_SESSION && r == 0 && i < look->list->n; i++) {
		const struct b2b_process *process = &look->list->items[i];

		if (look->marks[i] != B2B_MARK_LEADER || holds(&end->relayed, process))
			continue;
		if (!has_relay(look, process->pid)) {
			look->marks[i] = B2B_MARK_TARGET;
			continue;
		}
		r = append(&end->relayed, process);
		if (r == 0)
			qsort(end->relayed.items, end->relayed.n, sizeof(*end->relayed.items), by_pid);
	}
	return r;
}

/* Who was killed and is dying still is left, whatever connected him to the scope may be gone. */
static void count(struct look *look)
{
	for (size_t i = 0; i < look->list->n; i++) {
		uint8_t *mark = &look->marks[i];

		if ((*mark == B2B_MARK_NONE || *mark == B2B_MARK_LEFT) && holds(&look->end->signalled, &look->list->items[i]))
			*mark = B2B_MARK_TARGET;
	}
	for (size_t i = 0; i < look->list->n; i++)
		look->counts[look->marks[i]]++;
	look->end->left = look->counts[B2B_MARK_TARGET] + look->counts[B2B_MARK_RELAY] + look->counts[B2B_MARK_LEADER];
}

/* It may be the person's as well as anybody's: nobody is called gone while it is there. */
static void count_hidden(struct look *look)
{
	struct b2b_end *end = look->end;

	end->hidden_pid = 0;
	if (end->left || end->tombstone || !look->list->hidden)
		return;
	end->left = look->list->hidden;
	end->hidden_pid = look->list->hidden_pid;
}

/* What is new in this look is counted once; it is there to be compared with in the next. */
static void count_found(struct look *look)
{
	struct b2b_processes now = { 0 };

	for (size_t i = 0; i < look->list->n; i++) {
		if (look->marks[i] == B2B_MARK_NONE || look->marks[i] == B2B_MARK_LEFT)
			continue;
		if (!holds(&look->end->seen, &look->list->items[i])) {
			look->end->found++;
			look->end->root += look->marks[i] == B2B_MARK_TARGET && look->list->items[i].uids[1] == 0;
		}
		append(&now, &look->list->items[i]); /* without memory it is only counted, and hung up, twice */
	}
	b2b_processes_free(&look->end->seen);
	look->end->seen = now;
}

/* On a busy host somebody always vanishes while one looks: a few looks in a row that find nothing are enough then. */
static bool doubtful(struct b2b_end *end, int scanned, uint64_t now_ns)
{
	if (scanned == 0 || end->doubts == B2B_END_DOUBTS_MAX)
		return false;
	end->doubts++;
	end->due_ns = now_ns;
	return true;
}

int b2b_end_looked(struct b2b_end *end, struct b2b_processes *list, const struct b2b_registry *registry, int scanned,
                   const struct b2b_end *first, ssize_t *ret_watch)
{
	struct look look = { .end = end, .list = list, .spares = b2b_scope_spares(&end->scope, registry) };
	int r;

	*ret_watch = -1;
	/* What one session detached is told by its leader, in a look that met everybody; the leader would be gone by the next. */
	if (end->scope.kind == B2B_SCOPE_SESSION && !list->whole && doubtful(end, scanned, b2b_now_ns()))
		return 0;
	r = b2b_scope_mark(&end->scope, list, registry, &end->sessions, &look.marks);
	if (r < 0)
		return r;
	if (end->met.n)
		qsort(end->met.items, end->met.n, sizeof(*end->met.items), by_pid);
	r = judge_leaders(&look);
	if (r < 0)
		goto out;
	leave_to_others(&look, first);
	count(&look);
	look.now_ns = b2b_now_ns();
	look.fresh = end->met.n > 0;
	count_hidden(&look);
	if (end->left == 0 && !look.fresh && scanned >= 0) {
		r = doubtful(end, scanned, look.now_ns) ? 0 : 1;
		if (r)
			report_left(&look);
		goto out;
	}
	end->doubts = 0;
	if (!end->busy_ns)
		end->busy_ns = look.now_ns;
	end->terminals += b2b_terminals_tell(&end->told, list, look.marks, end->line, end->line_len);
	end_marked(&look);
	count_found(&look);
	end->fresh = look.fresh;
	pace(&look);
	*ret_watch = first_marked(&look);
out:
	free(look.marks);
	return r;
}

ssize_t b2b_end_registered(struct b2b_end *end, struct b2b_processes *list, const struct b2b_registry *registry, const struct b2b_end *first)
{
	uint64_t due_ns = end->due_ns;
	pid_t leader = 0;
	ssize_t watch;

	end->begun = true;
	/* What one session began is judged by who else is in it, and by its leader while it lives: that takes a look at all. */
	if (end->scope.kind == B2B_SCOPE_SESSION)
		return -1;
	list->n = list->hidden = 0;
	list->whole = false;
	for (size_t i = 0; i < registry->n; i++) {
		const struct b2b_session_record *record = &registry->items[i];
		size_t before = list->n;

		if (b2b_scope_has_record(&end->scope, record))
			b2b_processes_add_tree(list, record->pid, record->start_ticks, REGISTERED_MAX);
		if (list->n > before)
			leader = record->pid;
	}
	b2b_processes_sort(list);
	if (list->n)
		b2b_end_looked(end, list, registry, -EAGAIN, first, &watch);
	end->due_ns = due_ns;
	end->quick = end->pace = 0;
	end->hunting = false; /* who is met only by looking is told before he is ended */
	return b2b_processes_find(list, leader);
}
