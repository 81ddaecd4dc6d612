/*
 * Do root's pins agree with the ledger? An id never changes, so that a pin that came too late can only be told. All pins
 * are looked at once after the start, a few at a turn of the loop.
 */
#include <errno.h>
#include <string.h>

#include "b2bd/core.h"
#include "b2bd/state/ledger.h"
#include "common/clock.h"
#include "common/log.h"

#define AT_ONCE 500
#define PAUSE_NS B2B_NS_PER_MS
#define LOGGED_MAX 20

static void tell(struct b2b_core *core, const struct b2b_pin *pin, int judged)
{
	const char *kind = b2b_id_kind_name(pin->kind);
	uint32_t id = 0;

	if (core->pins_broken++ >= LOGGED_MAX)
		return;
	if (judged == -EEXIST && b2b_ledger_find(core->state, pin->org_id, pin->kind, pin->owner, &id) == 0)
		b2b_log(LOG_ERR,
		        "ids: %s:%d pins %u for %s %s of organisation %s, who has %u on this host, and an id never changes: pin %u, or set b2bd's state up "
		        "anew before this host shares files",
		        core->conf->host.idmap, pin->line, pin->id, kind, pin->owner, pin->org_id, id, id);
	else
		b2b_log(LOG_ERR, "ids: %s:%d pins %u for %s %s of organisation %s, but another has it on this host for ever: b2bctl idmap %u says who; pin another",
		        core->conf->host.idmap, pin->line, pin->id, kind, pin->owner, pin->org_id, pin->id);
}

static void look_at_some(void *arg)
{
	struct b2b_core *core = arg;
	size_t n, end;
	const struct b2b_pin *pins = b2b_idmap_pins(core->conf->pins, &n);
	int r = 0;

	end = n - core->pins_seen < AT_ONCE ? n : core->pins_seen + AT_ONCE;
	for (; core->pins_seen < end && (r == 0 || r == -EEXIST || r == -EADDRINUSE); core->pins_seen++) {
		r = b2b_ledger_judge_pin(core->state, &pins[core->pins_seen]);
		if (r == -EEXIST || r == -EADDRINUSE)
			tell(core, &pins[core->pins_seen], r);
	}
	if (r < 0 && r != -EEXIST && r != -EADDRINUSE)
		b2b_log(LOG_ERR, "ids: the pins could not be compared with the ledger: %s", strerror(-r));
	else if (core->pins_seen < n)
		b2b_timer_set(core->loop, &core->pins, PAUSE_NS, look_at_some, core);
	else if (core->pins_broken > LOGGED_MAX)
		b2b_log(LOG_ERR, "ids: %zu pins do not hold here", core->pins_broken);
}

void b2b_pins_start(struct b2b_core *core)
{
	b2b_timer_set(core->loop, &core->pins, 0, look_at_some, core);
}
