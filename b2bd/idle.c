#include "b2bd/idle.h"

#include "b2bd/guard/tell.h"

#define DEPTH_MAX 64

static bool belongs(const struct b2b_processes *list, const struct b2b_process *process, const struct b2b_session *session)
{
	ssize_t at;

	for (int depth = 0; depth < DEPTH_MAX; depth++) {
		if (process->pid == session->pid)
			return process->start_ticks == session->start_ticks;
		at = process->ppid > 1 ? b2b_processes_find(list, process->ppid) : -1;
		if (at < 0)
			return false;
		process = &list->items[at];
	}
	return false;
}

int64_t b2b_idle_since(const struct b2b_processes *list, const struct b2b_session *session)
{
	int64_t latest = 0, typed;
	uint32_t last = 0;

	for (size_t i = 0; i < list->n; i++) {
		const struct b2b_process *process = &list->items[i];

		if (!process->tty || process->tty == last || !belongs(list, process, session))
			continue;
		last = process->tty; /* neighbours often share one */
		if (b2b_terminal_typed(process->tty, &typed) == 0 && typed > latest)
			latest = typed;
	}
	return latest;
}
