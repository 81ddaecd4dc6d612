/* Revocations may have been missed: until the directory was read once more, from beginning to end, nothing renews the lease. */
#include "b2bd/core.h"
#include "common/clock.h"

void b2b_owe_pass(struct b2b_core *core)
{
	core->must_pass = true;
	core->owed_ns = b2b_now_ns();
}

void b2b_pass_complete(struct b2b_core *core, uint64_t began_ns)
{
	/* one that was under way already may have read too early */
	if (began_ns > core->owed_ns)
		core->must_pass = false;
}
