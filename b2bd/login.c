/*
 * A log-in: PAM's auth asks, the person approves at the federation service, the token comes back.
 * One struct per log-in, attached to its connection; the connection's end cancels everything.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "b2bd/binding.h"
#include "b2bd/core.h"
#include "b2bd/prompt.h"
#include "common/clock.h"
#include "common/log.h"

#define PROMPT_WITHIN_S 12 /* the service's answer to a device request; the module waits as long */

struct login {
	struct b2b_core *core;
	struct b2b_client *client;
	struct b2b_approval *device;
	struct b2b_origin origin;
	bool utf8;
	bool waiting;  /* the module waits for the decision */
	bool decided;
	struct b2b_say_decision decision;
};

static void login_free(struct login *login)
{
	b2b_approval_cancel(login->device);
	explicit_bzero(login, sizeof(*login));
	free(login);
}

static void login_dropped(void *operation)
{
	struct login *login = operation;

	if (!login->decided)
		b2b_log(LOG_INFO, "event=auth-cancelled user=%s service=%s", login->origin.user, login->origin.service);
	login_free(login);
}

/* Say the decision and be done with the log-in. */
static void login_say(struct login *login)
{
	b2b_client_attach(login->client, NULL, NULL);
	b2b_client_say(login->client, B2B_SAY_DECISION, &login->decision);
	login_free(login);
}

static void login_decide(struct login *login, int org, enum b2b_reason reason, uint32_t uid, const char *detail)
{
	struct b2b_say_decision *decision = &login->decision;
	char extra[384];

	login->decided = true;
	decision->reason = reason;
	decision->uid = reason == B2B_OK ? uid : 0;
	b2b_audit_id(decision->audit_id);
	snprintf(decision->message, sizeof(decision->message), "%s", b2b_reason_text(reason));
	snprintf(extra, sizeof(extra), "service=%s tty=%s from=%s%s%s", login->origin.service, login->origin.tty, login->origin.rhost,
	         detail ? " " : "", detail ? detail : "");
	b2b_audit(login->core, "auth", org, login->origin.user, reason, decision->audit_id, extra);
}

static enum b2b_assurance level_of(const struct b2b_conf *conf, const char *acr)
{
	size_t i;

	for (i = 0; acr && i < conf->n_acrs; i++) {
		if (strcmp(conf->acrs[i].acr, acr) == 0)
			return conf->acrs[i].level;
	}
	return acr ? B2B_AAL1 : B2B_AAL_NONE;
}

static void copy_claim(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

static void authentication_from(struct b2b_core *core, const struct b2b_principal *principal, const struct b2b_id_token *token,
                                struct b2b_authentication *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->uid = principal->uid;
	ret->level = level_of(core->conf, token->acr);
	ret->auth_time_s = token->auth_time ? token->auth_time : token->issued_at;
	ret->session_expiry_s = token->session_expiry;
	copy_claim(ret->acr, sizeof(ret->acr), token->acr);
	copy_claim(ret->jti, sizeof(ret->jti), token->jti);
	copy_claim(ret->sid, sizeof(ret->sid), json_string_value(json_object_get(token->claims, "sid")));
}

/* max_age cannot be judged by when the token was issued: a token may be issued long after the person authenticated. */
static bool lacks_auth_time(const struct b2b_gathered *gathered, const struct b2b_id_token *token)
{
	int service = b2b_policy_service(gathered->facts.policy, gathered->facts.service);

	return service >= 0 && gathered->facts.policy->services[service].max_age_s && !token->auth_time;
}

/* What was approved, as the service says it. */
static void describe(const struct b2b_id_token *token, const char *fault, char *buf, size_t size)
{
	b2b_audit_field(buf, size, "fault", fault);
	b2b_audit_field(buf, size, "approved_by", token->subject);
	b2b_audit_field(buf, size, "approved_for", token->organisation ? token->organisation : "none");
}

static void accept_token(struct login *login, const struct b2b_id_token *token)
{
	struct b2b_core *core = login->core;
	struct b2b_authentication authentication;
	struct b2b_gathered gathered;
	const char *fault = "";
	enum b2b_reason reason;
	char detail[320] = "";

	b2b_gather(core, login->origin.user, login->origin.service, &gathered);
	reason = b2b_binding_check(&core->conf->federation, &gathered.facts, token, &fault);
	if (reason == B2B_AUTH_WRONG_PERSON || reason == B2B_AUTH_WRONG_ORG)
		describe(token, fault, detail, sizeof(detail));
	if (reason == B2B_OK && lacks_auth_time(&gathered, token))
		reason = B2B_AUTH_AGE;
	if (reason == B2B_OK) {
		authentication_from(core, &gathered.principal, token, &authentication);
		gathered.facts.authentication = &authentication;
		reason = b2b_decide(&gathered.facts);
	}
	if (reason == B2B_OK && b2b_ticket_add(core->tickets, &authentication, login->origin.service, login->origin.tty, b2b_now_ns(),
	                                       login->decision.ticket) < 0)
		reason = B2B_INTERNAL;
	login_decide(login, gathered.facts.org, reason, gathered.principal.uid, *detail ? detail : NULL);
	b2b_gathered_clear(&gathered);
}

static void device_result(void *arg, int reason, const struct b2b_id_token *token, const char *fault_text)
{
	struct login *login = arg;
	char detail[192];

	if (reason == B2B_OK) {
		accept_token(login, token);
	} else {
		snprintf(detail, sizeof(detail), "fault=\"%s\"", fault_text ? fault_text : "");
		login_decide(login, -1, (enum b2b_reason)reason, 0, fault_text && *fault_text ? detail : NULL);
	}
	/* before the prompt was shown, a decision is the answer to the request itself */
	if (login->waiting)
		login_say(login);
}

static void host_name(const struct b2b_core *core, char *buf, size_t size)
{
	if (core->conf->host.audience)
		snprintf(buf, size, "%s", core->conf->host.audience);
	else if (gethostname(buf, size) < 0)
		snprintf(buf, size, "this host");
	buf[size - 1] = '\0';
}

static void device_prompt(void *arg, const struct b2b_approval_prompt *prompt)
{
	struct login *login = arg;
	struct b2b_say_prompt say = { .lifetime_s = prompt->expires_in_s };
	char host[B2B_HOST_SIZE];

	host_name(login->core, host, sizeof(host));
	b2b_prompt_device(say.text, sizeof(say.text), login->origin.user, host, prompt, login->utf8 && login->core->conf->host.qr);
	login->waiting = false; /* from now on the module asks for the result */
	b2b_client_say(login->client, B2B_SAY_PROMPT, &say);
}

static enum b2b_reason may_begin(struct b2b_core *core, const struct b2b_origin *origin, int *ret_org)
{
	struct b2b_gathered gathered;
	enum b2b_reason reason;

	b2b_gather(core, origin->user, origin->service, &gathered);
	*ret_org = gathered.facts.org;
	reason = b2b_decide_standing(&gathered.facts);
	if (reason == B2B_OK && !b2b_rate_take(&core->auth_rate, gathered.principal.uid, b2b_now_ns()))
		reason = B2B_BUSY;
	b2b_gathered_clear(&gathered);
	if (reason == B2B_OK && !b2b_federation_ready(core->federation))
		reason = B2B_SERVICE_DOWN;
	return reason;
}

void b2b_on_ask_auth(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_auth *ask)
{
	static const struct b2b_approval_handlers handlers = { .prompt = device_prompt, .result = device_result };
	struct b2b_say_wait wait = { .within_s = PROMPT_WITHIN_S };
	struct b2b_approval_request request = { 0 };
	struct login *login = NULL;
	enum b2b_reason reason;
	int org = -1;

	reason = b2b_client_busy(client) ? B2B_PROTOCOL : may_begin(core, &ask->origin, &org);
	if (reason == B2B_OK)
		login = calloc(1, sizeof(*login));
	if (!login) {
		b2b_answer(core, client, "auth", &ask->origin, org, reason == B2B_OK ? B2B_INTERNAL : reason, 0, NULL);
		return;
	}
	login->core = core;
	login->client = client;
	login->origin = ask->origin;
	login->utf8 = ask->utf8 != 0;
	login->waiting = true;
	request.login_hint = login->origin.user;
	request.lifetime_s = ask->lifetime_s;
	if (b2b_device_start(core->federation, &request, &handlers, login, &login->device) < 0) {
		login_free(login);
		b2b_answer(core, client, "auth", &ask->origin, org, B2B_SERVICE_DOWN, 0, NULL);
		return;
	}
	b2b_client_attach(client, login, login_dropped);
	b2b_client_say(client, B2B_SAY_WAIT, &wait);
}

void b2b_on_ask_result(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_result *ask)
{
	static const struct b2b_origin nobody;
	struct login *login = b2b_client_operation(client, login_dropped);
	struct b2b_say_decision pending = { .reason = B2B_AUTH_PENDING };

	if (!login)
		b2b_answer(core, client, "auth", &nobody, -1, B2B_PROTOCOL, 0, NULL);
	else if (login->decided)
		login_say(login);
	else if (ask->wait)
		login->waiting = true;
	else
		b2b_client_say(client, B2B_SAY_DECISION, &pending);
}
