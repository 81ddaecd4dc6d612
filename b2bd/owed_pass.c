/*
 * Revocations may have been missed: until the directory was read once more, from beginning to end, passes alone renew the lease.
 * That survives the agent: what it acknowledged meanwhile does not come again.
 */
#include "b2bd/core.h"

#include <string.h>

#include "b2bd/event_sessions.h"
#include "common/clock.h"
#include "common/log.h"

static int store(struct b2b_core *core, const char *jti)
{
	int r = b2b_state_begin(core->state);

	if (r < 0)
		return r;
	r = b2b_directory_owe_pass(core->state);
	if (r == 0)
		r = b2b_event_note_seen(core, jti);
	if (r < 0) {
		b2b_state_rollback(core->state);
		return r;
	}
	return b2b_state_commit(core->state);
}

int b2b_owe_pass(struct b2b_core *core, const char *jti)
{
	int r;

	core->must_pass = true;
	core->owed_ns = b2b_now_ns();
	r = store(core, jti);
	if (r < 0)
		b2b_log(LOG_ERR, "event=directory-pass-owed error=\"%s\"; a restart would forget it", strerror(-r));
	return r;
}

void b2b_pass_complete(struct b2b_core *core, uint64_t began_ns)
{
	core->passed_ns = began_ns;
	/* one that was under way already may have read too early */
	if (began_ns <= core->owed_ns)
		return;
	core->must_pass = false;
	if (b2b_directory_paid_pass(core->state) < 0)
		b2b_log(LOG_WARNING, "event=directory-pass-owed error=\"that it is no longer could not be stored; a restart waits for another\"");
}

void b2b_owed_pass_start(struct b2b_core *core)
{
	int64_t complete_s;

	b2b_directory_last_pass(core->state, &complete_s);
	/* where it cannot be read, too */
	core->must_pass = !complete_s || b2b_directory_owes_pass(core->state) != 0;
	core->owed_ns = b2b_now_ns();
}
