/*
 * Sessions that their PAM part has closed. When an organisation ends, 200 leaders do so at once: their rows go in one transaction,
 * a moment later, so that nobody waits for the disk as often, neither they nor the next event. A row that a crash keeps goes
 * with its leader (b2b_sessions_forget_gone).
 */
#include "b2bd/core.h"
#include "b2bd/server.h"
#include "common/clock.h"
#include "common/log.h"

#define TOGETHER_NS (100 * B2B_NS_PER_MS)

void b2b_closed_drop(struct b2b_core *core)
{
	b2b_timer_stop(&core->closed.timer);
	if (core->closed.n && b2b_sessions_drop(core->state, core->closed.items, core->closed.n) < 0)
		b2b_log(LOG_WARNING, "event=sessions-not-dropped count=%zu; they are forgotten when their leaders are gone", core->closed.n);
	core->closed.n = 0;
}

static void due(void *arg)
{
	b2b_closed_drop(arg);
}

void b2b_closed_keep(struct b2b_core *core, int64_t pid, uint64_t start_ticks)
{
	struct b2b_closed *closed = &core->closed;

	for (size_t i = 0; i < closed->n; i++) {
		if (closed->items[i].pid == pid && closed->items[i].start_ticks == start_ticks)
			closed->items[i--] = closed->items[--closed->n];
	}
}

void b2b_on_ask_close(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_close *ask)
{
	const struct b2b_say_decision decision = { .reason = B2B_OK };
	struct b2b_closed *closed = &core->closed;

	if (closed->n == B2B_CLOSED_MAX)
		b2b_closed_drop(core);
	if (closed->n == 0)
		b2b_timer_set(core->loop, &closed->timer, TOGETHER_NS, due, core);
	closed->items[closed->n++] = (struct b2b_session_leader){ ask->pid, ask->start_ticks };
	b2b_client_say(client, B2B_SAY_DECISION, &decision);
}
