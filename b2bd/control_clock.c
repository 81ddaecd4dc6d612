/*
 * The highest time that was seen keeps contracts closed when the clock is turned back. A clock that was wrong, far ahead, for a
 * moment would so keep everybody out until that time comes: root can say that it is right now.
 */
#include <stdlib.h>
#include <string.h>

#include "b2bd/core.h"
#include "b2bd/reply.h"
#include "common/clock.h"

json_t *b2b_clock_json(const struct b2b_core *core)
{
	int64_t behind = core->floor_s - b2b_wall_s();

	return json_pack("{s:I,s:b}", "behind_s", (json_int_t)(behind > 0 ? behind : 0), "trusted",
	                 behind <= (int64_t)core->conf->federation.clock_skew_s);
}

bool b2b_on_ask_clock(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_control *ask)
{
	int64_t now = b2b_wall_s(), behind = core->floor_s - now;
	char by[32], extra[96];
	struct b2b_hand who;
	size_t len;
	int r;

	if (strcmp(ask->verb, "clock-accept") != 0)
		return false;
	if (behind <= 0) {
		b2b_reply_error(client, B2B_UNCHANGED, "the clock is not behind the latest time that was seen");
		return true;
	}
	b2b_hand_begin(&who, client, ask->argument, &len);
	r = b2b_clock_accept(core->state, now);
	if (r < 0) {
		b2b_reply_error(client, B2B_INTERNAL, "the clock is still not trusted: the database cannot be written (%s)", strerror(-r));
		return true;
	}
	core->floor_s = now;
	b2b_audit_by(who.by, by, sizeof(by));
	snprintf(extra, sizeof(extra), "behind_s=%lld %s", (long long)behind, by);
	b2b_audit(core, "clock-accepted", -1, NULL, B2B_OK, who.audit_id, extra);
	b2b_reconcile(core, -1); /* windows that were taken for over are open again */
	b2b_reply_json(client, json_pack("{s:s,s:I,s:s}", "done", "clock-accepted", "behind_s", (json_int_t)behind, "audit_id", who.audit_id));
	return true;
}
