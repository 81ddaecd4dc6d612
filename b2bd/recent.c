/*
 * A key of the directory, and a log-in at the service that is recent enough, make another log-in: nothing more is asked for. For sshd's
 * `publickey,keyboard-interactive`, where root says by max_age what recent is. Only what the person approved themselves counts.
 */
#include <string.h>

#include "b2bd/core.h"
#include "b2bd/event_sessions.h"
#include "b2bd/proofs.h"
#include "b2bd/proven.h"
#include "b2bd/state/key_state.h"
#include "common/clock.h"
#include "common/log.h"

/* By root's words of now, and never more than what the log-in was taken for. */
static void judge_level(const struct b2b_core *core, struct b2b_authentication *authentication)
{
	enum b2b_assurance now = b2b_level_of(core->conf, *authentication->acr ? authentication->acr : NULL);

	if (now < authentication->level)
		authentication->level = now;
}

static enum b2b_reason judge(struct b2b_core *core, const struct b2b_ask_recent *ask, struct b2b_gathered *gathered)
{
	int service = b2b_policy_service(core->policy, ask->origin.service);
	struct b2b_proof proof;
	enum b2b_reason reason;
	bool ours;

	if (!gathered->facts.principal || service < 0 || !core->policy->services[service].max_age_s ||
	    !b2b_key_is_of(core->state, gathered->principal.id, ask->key, strlen(ask->key)) ||
	    b2b_proof_latest(core->state, gathered->principal.uid, &proof) < 0)
		return B2B_AUTH_NONE;
	ours = b2b_proof_is_ours(core, &proof);
	gathered->authentication = proof.authentication;
	gathered->facts.authentication = &gathered->authentication;
	b2b_proof_clear(&proof);
	if (!ours)
		return B2B_AUTH_NONE;
	judge_level(core, &gathered->authentication);
	reason = b2b_decide(&gathered->facts);
	if (reason == B2B_OK && gathered->facts.now_s - gathered->authentication.auth_time_s > B2B_RECENT_MAX_S)
		reason = B2B_AUTH_AGE;
	if (reason == B2B_OK && b2b_log_in_withdrawn(core, &gathered->authentication, gathered->principal.subject, gathered->facts.org))
		reason = B2B_REVOKED;
	/* nobody is kept waiting for a list: where it is not here they are asked for the log-in */
	return reason == B2B_OK ? b2b_status_of_authentication(core, &gathered->authentication) : reason;
}

void b2b_on_ask_recent(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_recent *ask)
{
	struct b2b_say_decision no = { .reason = B2B_AUTH_NONE };
	char ticket[B2B_TICKET_SIZE] = "";
	struct b2b_gathered gathered;
	enum b2b_reason reason;

	b2b_gather(core, ask->origin.user, ask->origin.service, &gathered);
	reason = judge(core, ask, &gathered);
	if (reason == B2B_OK &&
	    b2b_ticket_add(core->tickets, &gathered.authentication, ask->origin.service, ask->origin.tty, b2b_now_ns(), ticket) < 0)
		reason = B2B_INTERNAL;
	if (reason == B2B_OK) {
		b2b_answer(core, client, "auth-recent", &ask->origin, gathered.facts.org, B2B_OK, gathered.principal.uid, ticket);
	} else { /* no refusal: they are asked as ever, and that is what is decided and recorded */
		b2b_log(LOG_DEBUG, "event=auth-not-recent user=%s reason=%s", ask->origin.user, b2b_reason_code(reason));
		no.reason = reason;
		b2b_client_say(client, B2B_SAY_DECISION, &no);
	}
	explicit_bzero(ticket, sizeof(ticket));
	b2b_gathered_clear(&gathered);
}
