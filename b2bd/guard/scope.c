#include "b2bd/guard/scope.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How a process stands to the sessions of the scope, inherited from its parent. */
enum { UNKNOWN, OUTSIDE, INSIDE, OTHER, SPARED, OWN };

struct judgement {
	const struct b2b_scope *scope;
	struct b2b_processes *list;
	const struct b2b_registry *registry;
	ssize_t *parents;  /* index of the parent, -1 */
	uint8_t *standing; /* UNKNOWN … OWN */
	uint8_t *marks;
	struct b2b_posix_sessions *sessions;
};

static bool word_closed(uint32_t word)
{
	return B2B_LIVE_STATE(word) == B2B_LIVE_CLOSED;
}

bool b2b_scope_closed(const struct b2b_scope *scope, uint32_t uid)
{
	int org = b2b_policy_org_by_uid(scope->policy, uid);

	if (org < 0)
		return false;
	if (word_closed(b2b_live_load(scope->lives[org], uid)))
		return true;
	for (int depth = 0; org >= 0 && depth <= B2B_DEPTH_MAX; depth++) {
		if (word_closed(b2b_live_load_org(scope->lives[org])))
			return true;
		org = scope->policy->orgs[org].parent;
	}
	return false;
}

bool b2b_scope_has_uid(const struct b2b_scope *scope, uint32_t uid)
{
	int org;

	switch (scope->kind) {
	case B2B_SCOPE_USER:
		return uid == scope->uid;
	case B2B_SCOPE_ORG:
		org = b2b_policy_org_by_uid(scope->policy, uid);
		return org >= 0 && b2b_policy_org_within(scope->policy, org, scope->org);
	case B2B_SCOPE_CLOSED:
		return b2b_scope_closed(scope, uid);
	default:
		return false;
	}
}

bool b2b_scope_has_process(const struct b2b_scope *scope, const struct b2b_process *process)
{
	if (process->pid <= 1 || process->kernel || process->pid == scope->own)
		return false;
	for (int i = 0; i < 4; i++) {
		if (!b2b_scope_has_uid(scope, process->uids[i]))
			continue;
		if (!scope->only_older || process->start_ticks < scope->began_ticks || b2b_scope_closed(scope, process->uids[i]))
			return true;
	}
	return false;
}

bool b2b_scope_has_record(const struct b2b_scope *scope, const struct b2b_session_record *record)
{
	if (scope->kind == B2B_SCOPE_SESSION)
		return record->uid == scope->uid && record->pid == scope->pid && record->start_ticks == scope->start_ticks;
	if (!b2b_scope_has_uid(scope, record->uid))
		return false;
	return !(scope->only_older || scope->spare_new) || record->opened_s < scope->began_s || b2b_scope_closed(scope, record->uid);
}

static bool spares(const struct b2b_scope *scope, const struct b2b_session_record *record)
{
	return scope->spare_new && b2b_scope_has_uid(scope, record->uid) && !b2b_scope_has_record(scope, record);
}

bool b2b_scope_spares(const struct b2b_scope *scope, const struct b2b_registry *registry)
{
	for (size_t i = 0; scope->spare_new && i < registry->n; i++) {
		if (spares(scope, &registry->items[i]))
			return true;
	}
	return false;
}

void b2b_scope_forget_records(const struct b2b_scope *scope, const struct b2b_processes *list, const struct b2b_registry *registry)
{
	for (size_t i = 0; i < registry->n; i++) {
		const struct b2b_session_record *record = &registry->items[i];
		ssize_t leader = b2b_processes_find(list, record->pid);

		if (b2b_scope_has_record(scope, record) && (leader < 0 || list->items[leader].start_ticks != record->start_ticks))
			b2b_session_remove(record->pid, record->start_ticks);
	}
}

static bool same_person(const struct b2b_scope *scope, uint32_t uid)
{
	return scope->kind == B2B_SCOPE_SESSION ? uid == scope->uid : b2b_scope_has_uid(scope, uid);
}

static int add_record(void *arg, const struct b2b_session_record *record)
{
	struct b2b_registry *registry = arg;

	if (record->pid <= 1)
		return 0;
	if (registry->n == registry->size) {
		size_t size = registry->size ? 2 * registry->size : 64;
		struct b2b_session_record *items = reallocarray(registry->items, size, sizeof(*items));

		if (!items)
			return -ENOMEM;
		registry->items = items;
		registry->size = size;
	}
	registry->items[registry->n++] = *record;
	return 0;
}

static int by_record(const void *a, const void *b)
{
	const struct b2b_session_record *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->start_ticks < y->start_ticks ? -1 : x->start_ticks > y->start_ticks;
}

static int by_record_pid(const void *a, const void *b)
{
	const struct b2b_session_record *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

int b2b_registry_read(struct b2b_registry *registry)
{
	int r;

	registry->n = 0;
	r = b2b_session_each(add_record, registry);
	if (registry->n)
		qsort(registry->items, registry->n, sizeof(*registry->items), by_record);
	return r;
}

void b2b_registry_free(struct b2b_registry *registry)
{
	free(registry->items);
	memset(registry, 0, sizeof(*registry));
}

const struct b2b_session_record *b2b_registry_find(const struct b2b_registry *registry, pid_t pid, uint64_t start_ticks)
{
	struct b2b_session_record key = { .pid = pid, .start_ticks = start_ticks };

	return registry->n ? bsearch(&key, registry->items, registry->n, sizeof(key), by_record) : NULL;
}

bool b2b_registry_has_pid(const struct b2b_registry *registry, pid_t pid)
{
	struct b2b_session_record key = { .pid = pid };

	return registry->n && bsearch(&key, registry->items, registry->n, sizeof(key), by_record_pid);
}

static const struct b2b_session_record *record_of(const struct judgement *j, size_t i)
{
	return b2b_registry_find(j->registry, j->list->items[i].pid, j->list->items[i].start_ticks);
}

static uint8_t stand(const struct judgement *j, size_t i, uint8_t inherited)
{
	const struct b2b_process *process = &j->list->items[i];
	const struct b2b_session_record *record;

	if (inherited == OWN || process->pid == j->scope->own)
		return OWN;
	if (process->pid <= 1 || process->kernel)
		return OUTSIDE;
	record = record_of(j, i);
	if (!record)
		return inherited;
	if (b2b_scope_has_record(j->scope, record))
		return INSIDE;
	/* One that was opened from within an old one ends with it. */
	if (inherited == OUTSIDE && spares(j->scope, record))
		return SPARED;
	/* Somebody else's session, opened from within this one: nobody else is touched. */
	return same_person(j->scope, record->uid) ? inherited : OTHER;
}

/* Up to the first ancestor that is known, then down again: each process is judged once, however deep the tree. */
static void judge_standing(struct judgement *j, size_t *stack)
{
	for (size_t i = 0; i < j->list->n; i++) {
		size_t depth = 0;
		ssize_t at = (ssize_t)i;
		uint8_t inherited;

		while (at >= 0 && j->standing[at] == UNKNOWN && depth < j->list->n) {
			stack[depth++] = (size_t)at;
			at = j->parents[at];
		}
		/* Still unknown after as many steps as there are processes: a ring, of a pid that was given out anew while we looked. */
		inherited = at < 0 || j->standing[at] == UNKNOWN ? OUTSIDE : j->standing[at];
		while (depth > 0) {
			size_t down = stack[--depth];

			inherited = stand(j, down, inherited);
			j->standing[down] = inherited;
		}
	}
}

static bool is_leader(const struct judgement *j, size_t i)
{
	const struct b2b_session_record *record = j->standing[i] == INSIDE ? record_of(j, i) : NULL;

	/* A leader with the person's own uid (a user manager) closes nothing: it is ended like the rest. */
	return record && b2b_scope_has_record(j->scope, record) && j->list->items[i].uids[0] != record->uid;
}

/* Like sshd's: a child of the leader in the leader's POSIX session, with the person's uid and no terminal of its own. */
static bool is_relay(const struct judgement *j, size_t i)
{
	const struct b2b_process *process = &j->list->items[i];
	ssize_t parent = j->parents[i];
	const struct b2b_session_record *record;

	if (parent < 0 || j->marks[parent] != B2B_MARK_LEADER || process->tty != 0)
		return false;
	record = record_of(j, (size_t)parent);
	return record && process->uids[0] == record->uid && process->sid == j->list->items[parent].sid;
}

static void mark_by_uid_and_session(struct judgement *j)
{
	for (size_t i = 0; i < j->list->n; i++) {
		if (j->standing[i] == OWN || j->standing[i] == SPARED)
			continue;
		if (is_leader(j, i))
			j->marks[i] = B2B_MARK_LEADER;
		else if (j->standing[i] == INSIDE || b2b_scope_has_process(j->scope, &j->list->items[i]))
			j->marks[i] = B2B_MARK_TARGET;
	}
	for (size_t i = 0; i < j->list->n; i++) {
		if (j->marks[i] == B2B_MARK_TARGET && is_relay(j, i))
			j->marks[i] = B2B_MARK_RELAY;
	}
}

static int gather_sessions(struct judgement *j)
{
	size_t known = j->sessions->n;

	for (size_t i = 0; i < j->list->n; i++) {
		const struct b2b_process *process = &j->list->items[i];
		bool creator = process->pid == process->sid;
		int r;

		if (j->marks[i] == B2B_MARK_NONE || process->sid <= 1)
			continue;
		if (!creator && b2b_posix_sessions_find(j->sessions, known, process->sid))
			continue;
		r = b2b_posix_sessions_add(j->sessions, process->sid, creator ? process->start_ticks : 0);
		if (r < 0)
			return r;
	}
	b2b_posix_sessions_merge(j->sessions);
	return 0;
}

/* The POSIX session of PROCESS, if it is one of ours still: its number may have passed on to another creator. */
static const struct b2b_posix_session *session_of(const struct judgement *j, const struct b2b_process *process)
{
	const struct b2b_posix_session *session = b2b_posix_sessions_find(j->sessions, j->sessions->n, process->sid);
	ssize_t creator = session ? b2b_processes_find(j->list, process->sid) : -1;

	if (creator >= 0 && session->start_ticks && j->list->items[creator].start_ticks != session->start_ticks)
		return NULL;
	return session;
}

/* May rules 3 and 4 look at it at all? */
static bool is_candidate(const struct judgement *j, size_t i)
{
	const struct b2b_process *process = &j->list->items[i];

	if (j->marks[i] != B2B_MARK_NONE || j->standing[i] == OWN || j->standing[i] == OTHER || j->standing[i] == SPARED ||
	    process->pid <= 1 || process->kernel)
		return false;
	if (b2b_policy_org_by_uid(j->scope->policy, process->uids[0]) >= 0 && !same_person(j->scope, process->uids[0]))
		return false;
	return !j->scope->only_older || process->start_ticks < j->scope->began_ticks;
}

static uint8_t mark_by_login(const struct judgement *j, struct b2b_process *process, bool shares)
{
	uint32_t login = j->scope->kind == B2B_SCOPE_SESSION ? B2B_NO_AUDIT : b2b_process_loginuid(process);

	if (login == B2B_NO_AUDIT || !b2b_scope_has_uid(j->scope, login))
		return B2B_MARK_NONE;
	if (shares || j->scope->policy->end_left_behind || b2b_process_slice(process) == login)
		return B2B_MARK_TARGET;
	return B2B_MARK_LEFT;
}

static int mark_by_posix_session(struct judgement *j)
{
	int r = gather_sessions(j);

	for (size_t i = 0; r == 0 && i < j->list->n; i++) {
		const struct b2b_posix_session *session;

		if (!is_candidate(j, i))
			continue;
		session = session_of(j, &j->list->items[i]);
		if (session && session->start_ticks)
			j->marks[i] = B2B_MARK_TARGET;
		else
			j->marks[i] = mark_by_login(j, &j->list->items[i], session != NULL);
	}
	return r;
}

static ssize_t find_leader(const struct judgement *j)
{
	for (size_t i = 0; i < j->list->n; i++) {
		if (j->marks[i] == B2B_MARK_LEADER)
			return (ssize_t)i;
	}
	return -1;
}

/*
 * Who begins a session of the audit's or of logind's is the first in it. sudo begins none, its are those of the log-in around
 * it; and by its parent alone that is not seen, who is gone where sudo went into the background (-b).
 * A look that was cut short may have missed who is older: whoever took another's session for one that was begun here would end
 * what else goes on in it, and the next look is not far.
 */
static bool is_older(const struct judgement *j, size_t i, ssize_t leader)
{
	return j->list->items[i].start_ticks < j->list->items[leader].start_ticks;
}

/* The audit session that the leader began (its parent has another, and nobody older has it); 0 where it began none. */
static uint32_t audit_session_begun(const struct judgement *j)
{
	ssize_t leader = find_leader(j);
	uint32_t session;

	if (leader < 0 || !j->list->whole)
		return 0;
	session = b2b_process_audit_session(j->list->items[leader].pid);
	if (session == B2B_NO_AUDIT || b2b_process_audit_session(j->list->items[leader].ppid) == session)
		return 0;
	for (size_t i = 0; i < j->list->n; i++) {
		if (is_older(j, i, leader) && b2b_process_audit_session(j->list->items[i].pid) == session)
			return 0;
	}
	return session;
}

static bool any_marked(const struct judgement *j)
{
	for (size_t i = 0; i < j->list->n; i++) {
		if (j->marks[i] != B2B_MARK_NONE && j->marks[i] != B2B_MARK_LEFT)
			return true;
	}
	return false;
}

static void mark_by_slice(struct judgement *j)
{
	for (size_t i = 0; i < j->list->n; i++) {
		uint32_t slice = is_candidate(j, i) ? b2b_process_slice(&j->list->items[i]) : B2B_NO_AUDIT;

		if (slice != B2B_NO_AUDIT && b2b_scope_has_uid(j->scope, slice))
			j->marks[i] = B2B_MARK_TARGET;
	}
}

/* The session that logind made for the leader: its parent (sshd's listener) is in another, and so is everybody older. */
static void find_logind_session(struct judgement *j)
{
	ssize_t leader = find_leader(j);
	char begun[B2B_LOGIND_SIZE], other[B2B_LOGIND_SIZE];

	if (leader < 0 || !j->list->whole || b2b_process_logind(j->list->items[leader].pid, j->scope->uid, begun) < 0)
		return;
	if (b2b_process_logind(j->list->items[leader].ppid, j->scope->uid, other) == 0 && strcmp(begun, other) == 0)
		return;
	for (size_t i = 0; i < j->list->n; i++) {
		if (is_older(j, i, leader) && b2b_process_logind(j->list->items[i].pid, j->scope->uid, other) == 0 && strcmp(begun, other) == 0)
			return;
	}
	memcpy(j->sessions->logind, begun, sizeof(begun));
}

static void mark_by_logind_session(struct judgement *j)
{
	if (!*j->sessions->logind)
		find_logind_session(j);
	for (size_t i = 0; *j->sessions->logind && i < j->list->n; i++) {
		char session[B2B_LOGIND_SIZE];

		if (is_candidate(j, i) && b2b_process_logind(j->list->items[i].pid, j->scope->uid, session) == 0 &&
		    strcmp(session, j->sessions->logind) == 0)
			j->marks[i] = B2B_MARK_TARGET;
	}
}

/* One session's detached children: the person's uid, and the audit session that this very log-in began. */
static void mark_by_audit_session(struct judgement *j)
{
	uint32_t session = audit_session_begun(j);

	if (!session)
		return;
	for (size_t i = 0; i < j->list->n; i++) {
		const struct b2b_process *process = &j->list->items[i];

		if (j->marks[i] == B2B_MARK_NONE && j->standing[i] != OWN && j->standing[i] != OTHER && process->uids[0] == j->scope->uid && process->pid > 1 &&
		    b2b_process_audit_session(process->pid) == session)
			j->marks[i] = B2B_MARK_TARGET;
	}
}

static int allocate(struct judgement *j, size_t **ret_stack)
{
	size_t n = j->list->n + 1;

	j->parents = calloc(n, sizeof(*j->parents));
	j->standing = calloc(n, sizeof(*j->standing));
	j->marks = calloc(n, sizeof(*j->marks));
	*ret_stack = calloc(n, sizeof(**ret_stack));
	return j->parents && j->standing && j->marks && *ret_stack ? 0 : -ENOMEM;
}

int b2b_scope_mark(const struct b2b_scope *scope, struct b2b_processes *list, const struct b2b_registry *registry,
                   struct b2b_posix_sessions *sessions, uint8_t **ret_marks)
{
	struct judgement j = { .scope = scope, .list = list, .registry = registry, .sessions = sessions };
	size_t *stack = NULL;
	int r;

	r = allocate(&j, &stack);
	if (r < 0)
		goto out;
	for (size_t i = 0; i < list->n; i++)
		j.parents[i] = b2b_processes_find(list, list->items[i].ppid);
	judge_standing(&j, stack);
	mark_by_uid_and_session(&j);
	if (scope->kind == B2B_SCOPE_SESSION) {
		mark_by_audit_session(&j);
		mark_by_logind_session(&j);
	}
	r = mark_by_posix_session(&j);
	if (r < 0)
		goto out;
	if (scope->kind != B2B_SCOPE_SESSION && !any_marked(&j))
		mark_by_slice(&j);
	*ret_marks = j.marks;
	j.marks = NULL;
out:
	free(j.parents);
	free(j.standing);
	free(j.marks);
	free(stack);
	return r;
}
