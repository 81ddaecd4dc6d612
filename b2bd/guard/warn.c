#include "b2bd/guard/warn.h"

#include <errno.h>
#include <stdlib.h>

#include "b2bd/guard/tell.h"
#include "b2bd/guard/terminals.h"

struct b2b_warnings {
	struct b2b_ends_setup setup;
	struct b2b_processes list;
	struct b2b_registry registry;
	size_t n;
	struct b2b_guard_message messages[B2B_WARNINGS_MAX];
};

int b2b_warnings_new(const struct b2b_ends_setup *setup, struct b2b_warnings **ret_warnings)
{
	struct b2b_warnings *warnings = calloc(1, sizeof(*warnings));

	if (!warnings)
		return -ENOMEM;
	warnings->setup = *setup;
	*ret_warnings = warnings;
	return 0;
}

void b2b_warnings_free(struct b2b_warnings *warnings)
{
	if (!warnings)
		return;
	b2b_processes_free(&warnings->list);
	b2b_registry_free(&warnings->registry);
	free(warnings);
}

void b2b_warnings_policy(struct b2b_warnings *warnings, const struct b2b_policy *policy)
{
	warnings->setup.policy = policy;
}

int b2b_warnings_add(struct b2b_warnings *warnings, const struct b2b_guard_message *message)
{
	if (warnings->n == B2B_WARNINGS_MAX)
		return -EBUSY;
	warnings->messages[warnings->n++] = *message;
	return 0;
}

static int tell(struct b2b_warnings *warnings, const struct b2b_guard_message *message, uint32_t *ret_terminals)
{
	const struct b2b_scope scope = { .policy = warnings->setup.policy, .lives = warnings->setup.lives, .own = warnings->setup.own,
		                         .kind = message->scope, .org = message->org, .uid = message->uid, .pid = message->pid,
		                         .start_ticks = message->start_ticks };
	struct b2b_posix_sessions sessions = { 0 };
	struct b2b_terminals told = { NULL, 0 };
	uint8_t *marks = NULL;
	char line[B2B_TELL_SIZE];
	int r = b2b_scope_mark(&scope, &warnings->list, &warnings->registry, &sessions, &marks);

	if (r == 0)
		*ret_terminals = b2b_terminals_tell(&told, &warnings->list, marks, line, b2b_tell_format(line, message->message, message->audit_id));
	b2b_terminals_free(&told);
	b2b_posix_sessions_free(&sessions);
	free(marks);
	return r;
}

/* A look that was cut short tells those whom it met: it is a courtesy. */
void b2b_warnings_run(struct b2b_warnings *warnings)
{
	int r;

	if (!warnings->n)
		return;
	r = b2b_registry_read(&warnings->registry);
	if (r == 0 || r == -ENOENT)
		r = b2b_processes_scan(&warnings->list, NULL, NULL);
	if (r > 0 || r == -EAGAIN)
		r = 0;
	for (size_t i = 0; i < warnings->n; i++) {
		const struct b2b_guard_message *message = &warnings->messages[i];
		struct b2b_guard_message done = { .type = B2B_GUARD_DONE, .serial = message->serial };

		done.result = r < 0 ? r : tell(warnings, message, &done.terminals);
		warnings->setup.answer(warnings->setup.arg, &done);
	}
	warnings->n = 0;
}
