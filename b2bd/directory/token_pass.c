#include "b2bd/directory/token_pass.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/state/directory_state.h"
#include "common/clock.h"

struct b2b_token_pass {
	struct b2b_federation *federation;
	struct b2b_state *state;
	struct b2b_pass_handlers handlers;
	void *arg;
	const struct b2b_policy *policy;
	bool changed[B2B_ORGS_MAX]; /* by slot */
};

static int store_orgs(struct b2b_token_pass *pass)
{
	int r = 0;

	for (uint32_t i = 0; i < pass->policy->n_orgs && r == 0; i++) {
		const struct b2b_org_record org = { .id = pass->policy->orgs[i].id, .state = B2B_ORG_IS_ACTIVE };

		r = b2b_directory_put_org(pass->state, &org, 0, &pass->changed[i]);
	}
	return r;
}

static int assume_orgs(struct b2b_token_pass *pass)
{
	int r = b2b_state_begin(pass->state);

	if (r < 0)
		return r;
	r = store_orgs(pass);
	if (r == 0)
		return b2b_state_commit(pass->state);
	b2b_state_rollback(pass->state);
	return r;
}

static void answered(void *arg, bool fetched)
{
	struct b2b_token_pass *pass = arg;
	struct b2b_pass_handlers handlers = pass->handlers;
	const char *why = b2b_federation_why(pass->federation);
	int r = fetched ? b2b_directory_end_pass(pass->state, b2b_wall_s()) : 0;

	for (uint32_t i = 0; i < pass->policy->n_orgs; i++) {
		if (pass->changed[i])
			handlers.changed(pass->arg, (int)i);
	}
	arg = pass->arg;
	free(pass);
	if (r < 0)
		handlers.end(arg, -EAGAIN, strerror(-r));
	else
		handlers.end(arg, fetched ? 0 : -EAGAIN, fetched ? "" : *why ? why : "the service did not answer");
}

int b2b_token_pass_start(const struct b2b_pass_order *order, struct b2b_token_pass **ret_pass)
{
	struct b2b_token_pass *pass = calloc(1, sizeof(*pass));
	int r;

	if (!pass)
		return -ENOMEM;
	pass->federation = order->api.federation;
	pass->state = order->state;
	pass->handlers = order->handlers;
	pass->arg = order->arg;
	pass->policy = order->policy;
	r = assume_orgs(pass);
	if (r == 0)
		r = b2b_federation_renew_keys(pass->federation, answered, pass);
	if (r < 0) {
		free(pass);
		return r;
	}
	*ret_pass = pass;
	return 0;
}

void b2b_token_pass_cancel(struct b2b_token_pass *pass)
{
	if (!pass)
		return;
	b2b_federation_forget(pass->federation, pass);
	free(pass);
}
