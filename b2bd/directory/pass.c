#include "b2bd/directory/pass.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/confirm.h"
#include "b2bd/directory/mass_guard.h"
#include "common/clock.h"
#include "common/log.h"

#define TELL_EVERY_NS B2B_NS_PER_S /* changes found are told during a long pass, but not for each page */
#define SWEEP_ROWS 500
#define SWEEP_PAUSE_NS B2B_NS_PER_MS

_Static_assert(sizeof(((struct b2b_pass *)NULL)->why) >= B2B_MASS_WHY_SIZE, "why it waits has room");

static void pass_free(struct b2b_pass *pass)
{
	b2b_timer_stop(&pass->next);
	b2b_confirm_drop(pass);
	free(pass->listed);
	free(pass->store.changed);
	free(pass);
}

static void tell_changed(struct b2b_pass *pass)
{
	uint32_t i;

	pass->told_ns = b2b_now_ns();
	for (i = 0; i < pass->store.policy->n_orgs; i++) {
		if (!pass->store.changed[i])
			continue;
		pass->store.changed[i] = false;
		pass->handlers.changed(pass->arg, (int)i);
	}
}

void b2b_pass_end(struct b2b_pass *pass, int error, const char *why)
{
	struct b2b_pass_handlers handlers = pass->handlers;
	void *arg = pass->arg;
	char text[sizeof(pass->why)];

	snprintf(text, sizeof(text), "%s", why);
	if (pass->store.logged > B2B_SCIM_LOG_MAX)
		b2b_log(LOG_WARNING, "directory: %u records were passed over", pass->store.logged);
	tell_changed(pass);
	b2b_confirm_cancel(pass);
	pass->kind->stop(pass);
	pass_free(pass);
	handlers.end(arg, error, text);
}

void b2b_pass_fail(struct b2b_pass *pass, const char *why)
{
	b2b_pass_end(pass, -EAGAIN, why);
}

static const struct b2b_policy_org *org_of(const struct b2b_pass *pass)
{
	return &pass->store.policy->orgs[pass->org];
}

static void next_org(struct b2b_pass *pass);

/* Groups of one organisation, a few at a turn of the loop. */
static void sweep(void *arg)
{
	struct b2b_pass *pass = arg;
	uint32_t removed = 0;
	int r = b2b_directory_sweep_groups(pass->store.state, org_of(pass)->id, pass->number, SWEEP_ROWS, &removed);

	if (r < 0) {
		b2b_pass_fail(pass, strerror(-r));
		return;
	}
	if (removed) {
		pass->store.changed[pass->org] = true;
		b2b_timer_set(pass->api.loop, &pass->next, SWEEP_PAUSE_NS, sweep, pass);
		return;
	}
	if (pass->approved)
		b2b_removal_drop(pass->store.state, org_of(pass)->id);
	pass->org++;
	next_org(pass);
}

/* 1: those who are missing are to be asked for; 0: nothing is to be done for this organisation; or a negative errno. */
static int look_at_org(struct b2b_pass *pass)
{
	const struct b2b_policy_org *org = org_of(pass);
	bool here = pass->listed[pass->org];
	char why[B2B_MASS_WHY_SIZE] = "";
	int r = b2b_mass_judge(pass->store.state, &pass->store.conf->federation, org, pass->number, here, why);

	if (r == B2B_MASS_WAITS) {
		pass->result = -EBUSY;
		snprintf(pass->why, sizeof(pass->why), "%s", why);
		b2b_log(LOG_ERR, "directory: %s; nobody of it is removed", why);
		return 0;
	}
	pass->approved = r == B2B_MASS_APPROVED;
	if (r == B2B_MASS_APPROVED && !here) {
		pass->store.changed[pass->org] = true;
		r = b2b_mass_end_org(pass->store.state, org->id, pass->number);
	}
	return r < 0 ? r : 1;
}

static int collect_missing(void *arg, uint32_t uid, const char *id)
{
	return b2b_confirm_add(arg, uid, id);
}

static void ask_for_missing(struct b2b_pass *pass)
{
	int r = b2b_directory_each_unseen(pass->store.state, org_of(pass)->id, pass->number, collect_missing, pass);

	if (r < 0)
		b2b_pass_fail(pass, strerror(-r));
	else if (pass->n_missing)
		b2b_confirm(pass, ask_for_missing);
	else
		b2b_timer_set(pass->api.loop, &pass->next, 0, sweep, pass);
}

/* An organisation that waits for a word holds no other up, and the pass is complete: all that it shows is stored. */
static void next_org(struct b2b_pass *pass)
{
	int r = 0;

	while ((uint32_t)pass->org < pass->store.policy->n_orgs && (r = look_at_org(pass)) == 0)
		pass->org++;
	if (r < 0) {
		b2b_pass_fail(pass, "the database cannot be read");
	} else if (r > 0) {
		ask_for_missing(pass);
	} else {
		b2b_directory_end_pass(pass->store.state, b2b_wall_s());
		b2b_pass_end(pass, pass->result, pass->why);
	}
}

void b2b_pass_conclude(struct b2b_pass *pass)
{
	pass->org = 0;
	next_org(pass);
}

void b2b_pass_listed(struct b2b_pass *pass, int org)
{
	pass->listed[org] = true;
}

void b2b_pass_stored(struct b2b_pass *pass)
{
	if (b2b_now_ns() - pass->told_ns > TELL_EVERY_NS)
		tell_changed(pass);
}

int b2b_pass_begin(struct b2b_pass *pass, const struct b2b_pass_kind *kind, const struct b2b_pass_order *order)
{
	int r;

	pass->kind = kind;
	pass->api = order->api;
	pass->base = order->base;
	pass->store = (struct b2b_scim_store){ .state = order->state, .policy = order->policy, .conf = order->conf };
	pass->handlers = order->handlers;
	pass->arg = order->arg;
	pass->told_ns = b2b_now_ns();
	pass->store.changed = calloc(order->policy->n_orgs + 1, sizeof(*pass->store.changed));
	pass->listed = calloc(order->policy->n_orgs + 1, sizeof(*pass->listed));
	r = pass->store.changed && pass->listed ? b2b_directory_begin_pass(order->state, &pass->number) : -ENOMEM;
	if (r < 0) {
		free(pass->store.changed);
		free(pass->listed);
	}
	return r;
}

void b2b_pass_cancel(struct b2b_pass *pass)
{
	if (!pass)
		return;
	b2b_confirm_cancel(pass);
	pass->kind->stop(pass);
	pass_free(pass);
}
