/* PAM's account and session parts: decide afresh each time, remember what is open. */
#include <stdio.h>
#include <string.h>

#include "b2bd/event_sessions.h"
#include "b2bd/state/key_state.h"
#include "b2bd/state/proof_state.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/session_record.h"

#define AT_ONCE 64

static const struct b2b_authentication *find_authentication(struct b2b_core *core, const struct b2b_origin *origin, const char *ticket,
                                                            uint32_t uid)
{
	uint64_t now = b2b_now_ns();

	if (*ticket)
		return b2b_ticket_find(core->tickets, ticket, uid, origin->service, now);
	return b2b_ticket_latest(core->tickets, uid, origin->service, origin->tty, now);
}

/* Does what AUTHENTICATION rests on still stand, and until when? It may have been verified again meanwhile. In doubt it does not. */
static bool proof_stands(struct b2b_core *core, struct b2b_authentication *authentication)
{
	struct b2b_proof proof;

	if (!authentication->proof)
		return true;
	if (b2b_proof_get(core->state, authentication->proof, &proof) < 0)
		return false;
	authentication->token_end_s = proof.authentication.token_end_s;
	b2b_proof_clear(&proof);
	return true;
}

/* Is one of KEYS, a line each, the person's in the directory now? */
static bool any_given(struct b2b_core *core, const struct b2b_principal *person, const char *keys)
{
	size_t len;

	for (const char *line = keys; *line; line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		if (b2b_key_is_of(core->state, person->id, line, len))
			return true;
	}
	return false;
}

/* Gather and decide; the caller clears. KEYS: that were shown, a line each; NULL: none can be, or which is told later. */
static enum b2b_reason decide(struct b2b_core *core, const struct b2b_origin *origin, const char *ticket, const char *keys,
                              struct b2b_gathered *gathered)
{
	const struct b2b_authentication *found = NULL;
	bool stands = true;
	enum b2b_reason reason;

	b2b_gather(core, origin->user, origin->service, gathered);
	if (gathered->facts.principal)
		found = find_authentication(core, origin, ticket, gathered->principal.uid);
	if (found) {
		gathered->authentication = *found;
		gathered->facts.authentication = &gathered->authentication;
		stands = proof_stands(core, &gathered->authentication);
	}
	gathered->facts.key_counts = !keys || (gathered->facts.principal && any_given(core, &gathered->principal, keys));
	reason = b2b_decide(&gathered->facts);
	if (reason == B2B_OK && !stands)
		return B2B_REVOKED;
	if (reason == B2B_OK && gathered->facts.authentication &&
	    b2b_log_in_withdrawn(core, gathered->facts.authentication, gathered->principal.subject, gathered->facts.org))
		return B2B_REVOKED;
	if (reason == B2B_OK && gathered->facts.authentication)
		return b2b_status_of_authentication(core, gathered->facts.authentication);
	return reason;
}

void b2b_on_ask_account(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_account *ask)
{
	struct b2b_gathered gathered;
	/* sshd tells which key it took when the session opens, and not before */
	enum b2b_reason reason = decide(core, &ask->origin, ask->ticket, NULL, &gathered);

	b2b_answer(core, client, "account", &ask->origin, gathered.facts.org, reason, gathered.principal.uid, NULL);
	b2b_gathered_clear(&gathered);
}

struct gone {
	struct b2b_session_leader leaders[AT_ONCE];
	size_t n;
};

static int collect_gone(void *arg, const struct b2b_session *session)
{
	struct gone *gone = arg;
	uint64_t ticks;
	int r = b2b_start_ticks((pid_t)session->pid, &ticks);

	if (gone->n < AT_ONCE && (r < 0 || ticks != session->start_ticks))
		gone->leaders[gone->n++] = (struct b2b_session_leader){ session->pid, session->start_ticks };
	return 0;
}

void b2b_sessions_forget_gone(struct b2b_core *core)
{
	struct gone gone;
	uint64_t ticks;

	if (b2b_start_ticks(1, &ticks) < 0)
		return; /* /proc hides other people's processes (hidepid): who cannot be seen need not be gone */
	do { /* in portions, because rows cannot go while they are being read */
		gone.n = 0;
		b2b_session_list(core->state, 0, collect_gone, &gone);
		if (gone.n && b2b_sessions_drop(core->state, gone.leaders, gone.n) < 0)
			return; /* of a full disk: another time */
	} while (gone.n == AT_ONCE);
}

static void session_from(const struct b2b_core *core, const struct b2b_ask_open *ask, const struct b2b_decision_facts *facts, struct b2b_session *session)
{
	const struct b2b_authentication *authentication = facts->authentication;
	enum b2b_reason why;

	memset(session, 0, sizeof(*session));
	session->pid = ask->pid;
	session->start_ticks = ask->start_ticks;
	session->uid = facts->principal->uid;
	session->origin = ask->origin;
	session->opened_s = b2b_wall_s();
	session->ends_s = b2b_session_end(facts, &why);
	session->why = (int32_t)why;
	session->idle_s = b2b_service_limits(core, ask->origin.service)->idle_s;
	b2b_audit_id(session->audit_id);
	if (!authentication)
		return;
	session->proof = authentication->proof;
	session->auth_time_s = authentication->auth_time_s;
	memcpy(session->acr, authentication->acr, sizeof(session->acr));
	memcpy(session->jti, authentication->jti, sizeof(session->jti));
	memcpy(session->sid, authentication->sid, sizeof(session->sid));
	session->status_list = authentication->status_list;
	session->status_index = authentication->status_index;
}

static void open_session(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_open *ask, const char *keys)
{
	struct b2b_gathered gathered;
	struct b2b_session session;
	enum b2b_reason reason = decide(core, &ask->origin, ask->ticket, keys, &gathered);

	if (reason == B2B_OK && !b2b_sudo_may_open(core, &gathered.facts, ask->pid))
		reason = B2B_SUDO_UNASKED;
	if (reason == B2B_OK) {
		session_from(core, ask, &gathered.facts, &session);
		b2b_closed_keep(core, session.pid, session.start_ticks);
		/* a session that could not be found again must not be opened */
		if (b2b_session_store(core->state, &session) < 0)
			reason = B2B_INTERNAL;
		else if (session.ends_s || session.idle_s)
			b2b_sessions_look(core);
	}
	b2b_answer(core, client, "session-open", &ask->origin, gathered.facts.org, reason, gathered.principal.uid, NULL);
	b2b_gathered_clear(&gathered);
}

void b2b_on_ask_open(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_open *ask)
{
	open_session(core, client, ask, strcmp(ask->origin.service, "sshd") == 0 ? "" : NULL);
}

void b2b_on_ask_open_ssh(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_open_ssh *ask)
{
	open_session(core, client, &ask->open, ask->keys);
}

void b2b_sessions_start(struct b2b_core *core)
{
	b2b_sessions_forget_gone(core);
	b2b_sessions_look(core);
}
