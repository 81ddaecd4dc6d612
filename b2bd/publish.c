#include "b2bd/publish.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "b2bd/publish_build.h"
#include "b2bd/publish_words.h"
#include "common/clock.h"
#include "common/log.h"

#define CHILDREN_MAX 4 /* at once: one large organisation does not hold up the others */
#define SOON_NS (2 * B2B_NS_PER_MS)
#define REAP_NS (2 * B2B_NS_PER_MS)
#define STUCK_NS (120 * B2B_NS_PER_S)
#define RETRY_FIRST_NS (2 * B2B_NS_PER_S)
#define RETRY_MAX_NS (60 * B2B_NS_PER_S)

enum phase { IDLE, BUILDING, INSTALLING };

struct slot {
	struct b2b_publish *publish;
	int org;
	enum phase phase;
	uint64_t wanted; /* number of the last request */
	uint64_t holds;  /* requests up to this one are in what is being built */
	struct b2b_build build;
	struct b2b_io *io;
	struct b2b_timer timer; /* building: reap, or give up; idle: retry */
	uint64_t retry_ns;
};

struct waiter {
	struct waiter *next;
	int org;
	uint64_t number;
	void (*done)(void *arg, int error);
	void *arg;
};

struct b2b_publish {
	struct b2b_loop *loop;
	struct b2b_state *state;
	const struct b2b_policy *policy;
	struct b2b_live **lives;
	struct b2b_guard_link *guard;
	struct b2b_timer start;
	struct b2b_words words;
	struct slot *slots;
	struct waiter *waiters;
	unsigned children;
};

static void start_some(void *arg);

static void start_soon(struct b2b_publish *publish, uint64_t delay_ns)
{
	b2b_timer_set(publish->loop, &publish->start, delay_ns, start_some, publish);
}

/* What is called back may ask again or forget others: the list is read anew after each call. */
static void tell_waiters(struct b2b_publish *publish, int org, uint64_t upto, int error)
{
	struct waiter **at = &publish->waiters, *waiter;

	while ((waiter = *at)) {
		if (waiter->org != org || waiter->number > upto) {
			at = &waiter->next;
			continue;
		}
		*at = waiter->next;
		if (waiter->done)
			waiter->done(waiter->arg, error);
		free(waiter);
		at = &publish->waiters;
	}
}

static void retry(void *arg)
{
	struct slot *slot = arg;

	slot->wanted++;
	start_soon(slot->publish, 0);
}

/* Installed, or not: then once more after a while, for what is stored has to be seen some day. */
static void finish(struct slot *slot, int error)
{
	struct b2b_publish *publish = slot->publish;

	slot->phase = IDLE;
	b2b_timer_stop(&slot->timer);
	if (error < 0) {
		b2b_log(LOG_ERR, "publish: the snapshot of %s was not installed: %s", publish->policy->orgs[slot->org].alias, strerror(-error));
		slot->retry_ns = slot->retry_ns ? slot->retry_ns * 2 : RETRY_FIRST_NS;
		if (slot->retry_ns > RETRY_MAX_NS)
			slot->retry_ns = RETRY_MAX_NS;
		b2b_timer_set(publish->loop, &slot->timer, slot->retry_ns, retry, slot);
	} else {
		slot->retry_ns = 0;
	}
	start_soon(publish, 0);
	tell_waiters(publish, slot->org, slot->holds, error);
}

static void installed(void *arg, const struct b2b_guard_message *answer)
{
	finish(arg, answer->result > 0 ? -EBADMSG : answer->result);
}

static void install(struct slot *slot)
{
	struct b2b_publish *publish = slot->publish;
	struct b2b_guard_message message = { .type = B2B_GUARD_INSTALL, .org = slot->org };
	int r = b2b_words_new_people(&publish->words, slot->org);

	if (r == 0) {
		slot->phase = INSTALLING;
		r = b2b_guard_send(publish->guard, &message, slot->build.memfd, installed, slot);
	}
	close(slot->build.memfd);
	slot->build.memfd = -1;
	if (r < 0)
		finish(slot, r);
}

static void give_up(void *arg)
{
	struct slot *slot = arg;

	b2b_build_cancel(&slot->build);
	b2b_io_remove(slot->io);
	slot->io = NULL;
	slot->publish->children--;
	finish(slot, -ETIMEDOUT);
}

static void reap(void *arg)
{
	struct slot *slot = arg;
	int r = b2b_build_take(&slot->build);

	if (r == -EAGAIN) { /* it has spoken, and is being taken apart */
		b2b_timer_set(slot->publish->loop, &slot->timer, REAP_NS, reap, slot);
		return;
	}
	slot->publish->children--;
	b2b_timer_stop(&slot->timer);
	if (r < 0)
		finish(slot, r);
	else
		install(slot);
}

static void reported(void *arg, short revents)
{
	struct slot *slot = arg;

	(void)revents;
	b2b_io_remove(slot->io);
	slot->io = NULL;
	reap(slot);
}

static void start(struct slot *slot)
{
	struct b2b_publish *publish = slot->publish;
	uint64_t generation = b2b_live_generation(publish->lives[slot->org]) + 1;
	int r;

	slot->holds = slot->wanted;
	b2b_timer_stop(&slot->timer);
	r = b2b_build_start(publish->state, publish->policy, slot->org, generation, &slot->build);
	if (r == 0) {
		r = b2b_io_add(publish->loop, slot->build.report, POLLIN, reported, slot, &slot->io);
		if (r < 0)
			b2b_build_cancel(&slot->build);
	}
	if (r < 0) {
		finish(slot, r);
		return;
	}
	slot->phase = BUILDING;
	publish->children++;
	b2b_timer_set(publish->loop, &slot->timer, STUCK_NS, give_up, slot);
}

static void start_some(void *arg)
{
	struct b2b_publish *publish = arg;
	uint32_t i;

	if (!b2b_state_idle(publish->state)) {
		start_soon(publish, SOON_NS);
		return;
	}
	for (i = 0; i < publish->policy->n_orgs && publish->children < CHILDREN_MAX; i++) {
		struct slot *slot = &publish->slots[i];

		if (slot->phase == IDLE && slot->wanted > slot->holds)
			start(slot);
	}
}

int b2b_publish_new(struct b2b_loop *loop, struct b2b_state *state, const struct b2b_policy *policy, struct b2b_live **lives,
                    struct b2b_guard_link *guard, struct b2b_publish **ret_publish)
{
	struct b2b_publish *publish = calloc(1, sizeof(*publish));
	uint32_t i;

	if (!publish)
		return -ENOMEM;
	publish->loop = loop;
	publish->state = state;
	publish->policy = policy;
	publish->lives = lives;
	publish->guard = guard;
	publish->slots = calloc(policy->n_orgs ? policy->n_orgs : 1, sizeof(*publish->slots));
	if (!publish->slots || b2b_words_init(&publish->words, state, policy, lives) < 0) {
		free(publish->slots);
		free(publish);
		return -ENOMEM;
	}
	for (i = 0; i < policy->n_orgs; i++)
		publish->slots[i] = (struct slot){ .publish = publish, .org = (int)i, .build = { .memfd = -1, .report = -1 } };
	*ret_publish = publish;
	return 0;
}

void b2b_publish_free(struct b2b_publish *publish)
{
	struct waiter *waiter;
	uint32_t i;

	if (!publish)
		return;
	for (i = 0; i < publish->policy->n_orgs; i++) {
		if (publish->slots[i].phase == BUILDING)
			b2b_build_cancel(&publish->slots[i].build);
		b2b_io_remove(publish->slots[i].io);
		b2b_timer_stop(&publish->slots[i].timer);
	}
	while ((waiter = publish->waiters)) {
		publish->waiters = waiter->next;
		free(waiter);
	}
	b2b_timer_stop(&publish->start);
	b2b_words_clear(&publish->words);
	free(publish->slots);
	free(publish);
}

void b2b_publish_org(struct b2b_publish *publish, int org, void (*done)(void *arg, int error), void *arg)
{
	struct slot *slot = &publish->slots[org];
	struct waiter *waiter = NULL;

	if (done) {
		waiter = calloc(1, sizeof(*waiter));
		if (!waiter) {
			done(arg, -ENOMEM);
			return;
		}
	}
	/* what is asked before the child is forked is in what it builds */
	slot->wanted++;
	if (waiter) {
		*waiter = (struct waiter){ .next = publish->waiters, .org = org, .number = slot->wanted, .done = done, .arg = arg };
		publish->waiters = waiter;
	}
	if (!publish->start.loop)
		start_soon(publish, SOON_NS);
}

void b2b_publish_forget(struct b2b_publish *publish, void *arg)
{
	struct waiter **at = &publish->waiters, *waiter;

	while ((waiter = *at)) {
		if (waiter->arg != arg) {
			at = &waiter->next;
			continue;
		}
		*at = waiter->next;
		free(waiter);
	}
}

int b2b_publish_words(struct b2b_publish *publish, int org, int64_t now)
{
	int first = org < 0 ? 0 : org, last = org < 0 ? (int)publish->policy->n_orgs - 1 : org, r = 0, one;

	for (; first <= last; first++) {
		one = b2b_words_apply(&publish->words, first, now);
		if (one < 0)
			r = one;
	}
	return r;
}

int b2b_publish_words_some(struct b2b_publish *publish, int org, uint32_t from, uint32_t most, int64_t now)
{
	return b2b_words_apply_some(&publish->words, org, from, most, now);
}

void b2b_publish_settled(struct b2b_publish *publish)
{
	publish->words.settled = true;
}

int b2b_publish_hold(struct b2b_publish *publish, int org, uint32_t uid, int hand, int64_t event_ms)
{
	return b2b_words_hold(&publish->words, org, uid, hand, event_ms);
}

bool b2b_publish_release(struct b2b_publish *publish, int org, uint32_t uid, int hand, int64_t event_ms)
{
	return b2b_words_release(&publish->words, org, uid, hand, event_ms);
}
