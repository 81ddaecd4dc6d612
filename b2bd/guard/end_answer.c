/* What is said of one END: to the agent, and of what is left to the log. */
#include <string.h>

#include "b2bd/guard/end_one.h"
#include "common/log.h"

#define REPORTED_MAX 16 /* lines in one END */

/* One of those that are left. */
static void tell_held(const struct b2b_end *end, struct b2b_guard_message *message)
{
	static const struct b2b_process none = { .state = '?', .name = "hidden" };
	const struct b2b_process *held = end->signalled.n ? &end->signalled.items[0] : &none;

	if (!end->signalled.n && !end->hidden_pid)
		return;
	message->held_pid = end->signalled.n ? held->pid : end->hidden_pid;
	message->held_uid = held->uids[0];
	message->held_state = held->state;
	memcpy(message->held_name, held->name, sizeof(message->held_name));
}

void b2b_end_describe(const struct b2b_end *end, int result, struct b2b_guard_message *ret_message)
{
	*ret_message = (struct b2b_guard_message){ .type = B2B_GUARD_DONE,
		                                   .serial = end->serial,
		                                   .org = end->scope.org,
		                                   .scope = end->scope.kind,
		                                   .uid = end->scope.uid,
		                                   .pid = end->scope.pid,
		                                   .start_ticks = end->scope.start_ticks,
		                                   .result = result,
		                                   .ended = end->ended,
		                                   .left = result == 0 ? 0 : end->left ? end->left : 1,
		                                   .terminals = end->terminals,
		                                   .began_ns = end->began_ns,
		                                   .clear_ns = end->clear_ns,
		                                   .found = end->found,
		                                   .root = end->root,
		                                   .left_behind = end->left_behind };
	if (result < 0)
		tell_held(end, ret_message);
}

void b2b_end_report_held(const struct b2b_end *end)
{
	b2b_log(LOG_ERR, "event=not-ended left=%u id=%s; tried again until it is", end->left, end->audit_id);
	if (end->hidden_pid)
		b2b_log(LOG_ERR, "event=hidden pid=%d id=%s; something is mounted over its entry in /proc: look what, and whose it is", (int)end->hidden_pid,
		        end->audit_id);
	for (size_t i = 0; i < end->signalled.n && i < REPORTED_MAX; i++) {
		const struct b2b_process *process = &end->signalled.items[i];

		b2b_log(LOG_ERR, "event=held pid=%d uid=%u state=%c name=%s id=%s", (int)process->pid, process->uids[0], process->state, process->name,
		        end->audit_id);
	}
}
