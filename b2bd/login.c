/*
 * A log-in, from PAM's question to the decision: the methods of its service in turn, the first that can be begun; then
 * what the person sees, and the answer that the module waits for.
 */
#include "b2bd/login.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/proven.h"
#include "common/clock.h"
#include "common/log.h"

#define ANSWER_WITHIN_S 12 /* the service's, to a request of ours; the module waits as long */

static const struct b2b_login_method *const methods[] = { &b2b_login_device, &b2b_login_ciba, &b2b_login_token };

static void login_free(struct b2b_login *login)
{
	b2b_status_cache_drop(login->core->status, login);
	b2b_id_token_clear(&login->proven);
	if (login->method)
		login->method->cancel(login);
	b2b_publish_forget(login->core->publish, login);
	if (login->hold)
		b2b_reservation_release(login->core->reservations, login->hold, b2b_now_ns());
	explicit_bzero(login, sizeof(*login));
	free(login);
}

static const char *method_name(const struct b2b_login *login)
{
	return login->method ? login->method->name : "none";
}

static void login_dropped(void *operation)
{
	struct b2b_login *login = operation;

	if (!login->decided)
		b2b_log(LOG_INFO, "event=auth-cancelled user=%s service=%s method=%s", login->origin.user, login->origin.service,
		        method_name(login));
	login_free(login);
}

/* The person showed a token and had nothing to approve. */
static const char *sentence(const struct b2b_login *login, enum b2b_reason reason)
{
	if (reason == B2B_AUTH_WRONG_PERSON && login->method == &b2b_login_token)
		return "This token is somebody else's; use your own.";
	return b2b_reason_text(reason);
}

/* Say the decision and be done with the log-in. */
static void login_say(struct b2b_login *login)
{
	b2b_client_attach(login->client, NULL, NULL);
	b2b_client_say(login->client, B2B_SAY_DECISION, &login->decision);
	login_free(login);
}

void b2b_login_decide(struct b2b_login *login, int org, enum b2b_reason reason, const char *detail)
{
	struct b2b_say_decision *decision = &login->decision;
	char extra[512];

	login->decided = true;
	decision->reason = reason;
	decision->uid = reason == B2B_OK ? login->uid : 0;
	b2b_audit_id(decision->audit_id);
	snprintf(decision->message, sizeof(decision->message), "%s", sentence(login, reason));
	snprintf(extra, sizeof(extra), "service=%s tty=%s from=%s method=%s%s%s", login->origin.service, login->origin.tty, login->origin.rhost,
	         method_name(login), *detail ? " " : "", detail);
	b2b_audit(login->core, "auth", org, login->origin.user, reason, decision->audit_id, extra);
	if (login->waiting)
		login_say(login);
}

static const struct b2b_login_method *method_of(uint8_t number)
{
	size_t i;

	for (i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		if (methods[i]->number == number)
			return methods[i];
	}
	return NULL;
}

static enum b2b_reason reason_of(int r)
{
	switch (r) {
	case -EOPNOTSUPP:
		return B2B_AUTH_METHOD;
	case -EDQUOT:
		return B2B_AUTH_FATIGUE;
	case -EHOSTUNREACH:
		return B2B_SERVICE_DOWN;
	default:
		return B2B_INTERNAL;
	}
}

/* A method is no way for this log-in. The last to be told is that there is none at all. */
static void pass_over(struct b2b_login *login, const char *method, enum b2b_reason reason, const char *why)
{
	if (login->unfit == B2B_AUTH_METHOD)
		login->unfit = reason;
	b2b_log(LOG_INFO, "event=auth-method-passed user=%s service=%s method=%s reason=%s why=\"%s\"", login->origin.user, login->origin.service,
	        method, b2b_reason_code(reason), why);
}

bool b2b_login_has_next(const struct b2b_login *login)
{
	return login->tried < sizeof(login->service->methods) && login->service->methods[login->tried];
}

/* Begin with the next method that fits; decide where there is none. LOGIN may be gone afterwards. */
static void begin_next(struct b2b_login *login)
{
	const struct b2b_login_method *method;
	int r;

	while (b2b_login_has_next(login)) {
		method = method_of(login->service->methods[login->tried++]);
		if (!method)
			continue;
		login->method = method;
		r = method->begin(login);
		if (r == 0)
			return;
		login->method = NULL;
		pass_over(login, method->name, reason_of(r), r == -EOPNOTSUPP ? "not offered by the service, or not possible here" : strerror(-r));
	}
	b2b_login_decide(login, -1, login->unfit, "");
}

void b2b_login_show(struct b2b_login *login, const struct b2b_say_prompt *prompt)
{
	login->shown = true;
	login->waiting = false; /* from now on the module asks for the result */
	b2b_client_say(login->client, B2B_SAY_PROMPT, prompt);
}

void b2b_login_ask(struct b2b_login *login, const struct b2b_say_question *question)
{
	login->asked = true;
	login->waiting = false;
	b2b_client_say(login->client, B2B_SAY_QUESTION, question);
}

static void conclude(struct b2b_login *login, const struct b2b_id_token *token)
{
	char detail[B2B_LOGIN_DETAIL_SIZE];
	int org;
	enum b2b_reason reason = b2b_login_accept(login, token, &org, detail);

	if (reason != B2B_AUTH_PENDING)
		b2b_login_decide(login, org, reason, detail);
}

/* Whether the list came or not: the decision looks. */
static void list_fetched(void *arg, bool came)
{
	struct b2b_login *login = arg;

	(void)came;
	conclude(login, &login->proven);
}

void b2b_login_proven(struct b2b_login *login, const struct b2b_id_token *token)
{
	struct b2b_say_wait wait = { .within_s = ANSWER_WITHIN_S };

	if (!b2b_proven_awaits(login->core, token, &login->proven, list_fetched, login))
		conclude(login, token);
	else if (login->waiting)
		b2b_client_say(login->client, B2B_SAY_WAIT, &wait);
}

void b2b_login_failed(struct b2b_login *login, enum b2b_reason reason, const char *fault_text)
{
	struct b2b_say_wait wait = { .within_s = ANSWER_WITHIN_S };
	char detail[B2B_LOGIN_DETAIL_SIZE] = "";

	if ((reason == B2B_AUTH_METHOD || reason == B2B_AUTH_TOKEN_NONE) && !login->shown) {
		pass_over(login, login->method->name, reason, fault_text);
		login->method->cancel(login);
		login->method = NULL;
		b2b_client_say(login->client, B2B_SAY_WAIT, &wait);
		begin_next(login);
		return;
	}
	b2b_audit_field(detail, sizeof(detail), "fault", fault_text);
	b2b_login_decide(login, -1, reason, detail);
}

uint32_t b2b_login_left_s(const struct b2b_login *login)
{
	uint64_t now = b2b_now_ns();

	if (!login->end_ns)
		return 0;
	return login->end_ns > now + B2B_NS_PER_S ? (uint32_t)((login->end_ns - now) / B2B_NS_PER_S) : 1;
}

static enum b2b_reason may_begin(struct b2b_core *core, const struct b2b_origin *origin, int *ret_org, uint32_t *ret_uid)
{
	struct b2b_gathered gathered;
	enum b2b_reason reason;

	b2b_login_gather(core, origin, &gathered);
	*ret_org = gathered.facts.org;
	*ret_uid = gathered.principal.uid;
	reason = b2b_decide_standing(&gathered.facts);
	if (reason == B2B_OK && !b2b_rate_take(&core->auth_rate, gathered.principal.uid, b2b_now_ns()))
		reason = B2B_BUSY;
	b2b_gathered_clear(&gathered);
	if (reason == B2B_OK && !b2b_federation_ready(core->federation))
		reason = B2B_SERVICE_DOWN;
	return reason;
}

static void login_begin(struct b2b_login *login, int org, const struct b2b_ask_auth *ask)
{
	struct b2b_say_wait wait = { .within_s = ANSWER_WITHIN_S };

	login->origin = ask->origin;
	b2b_login_hold(login, org);
	login->can = ask->can;
	login->end_ns = ask->lifetime_s ? b2b_now_ns() + ask->lifetime_s * B2B_NS_PER_S : 0;
	/* granted, as may_begin found */
	login->service = &login->core->policy->services[b2b_policy_service(login->core->policy, ask->origin.service)];
	login->unfit = B2B_AUTH_METHOD;
	login->waiting = true;
	b2b_client_attach(login->client, login, login_dropped);
	b2b_client_say(login->client, B2B_SAY_WAIT, &wait);
	begin_next(login);
}

void b2b_on_ask_auth(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_auth *ask)
{
	struct b2b_login *login = NULL;
	enum b2b_reason reason;
	uint32_t uid = 0;
	int org = -1;

	reason = b2b_client_busy(client) ? B2B_PROTOCOL : may_begin(core, &ask->origin, &org, &uid);
	if (reason == B2B_OK)
		login = calloc(1, sizeof(*login));
	if (!login) {
		b2b_answer(core, client, "auth", &ask->origin, org, reason == B2B_OK ? B2B_INTERNAL : reason, 0, NULL);
		return;
	}
	login->core = core;
	login->client = client;
	login->uid = uid;
	login_begin(login, org, ask);
}

/* The log-in of this connection; NULL, answered, where there is none. */
static struct b2b_login *login_of(struct b2b_core *core, struct b2b_client *client)
{
	static const struct b2b_origin nobody;
	struct b2b_login *login = b2b_client_operation(client, login_dropped);

	if (!login)
		b2b_answer(core, client, "auth", &nobody, -1, B2B_PROTOCOL, 0, NULL);
	return login;
}

void b2b_on_ask_result(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_result *ask)
{
	struct b2b_login *login = login_of(core, client);
	struct b2b_say_decision pending = { .reason = B2B_AUTH_PENDING };

	if (!login)
		return;
	if (login->decided)
		login_say(login);
	else if (ask->wait)
		login->waiting = true;
	else
		b2b_client_say(client, B2B_SAY_DECISION, &pending);
}

void b2b_on_ask_answer(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_answer *ask)
{
	struct b2b_login *login = login_of(core, client);
	struct b2b_say_wait wait = { .within_s = ANSWER_WITHIN_S };

	if (!login)
		return;
	if (!login->asked) {
		b2b_client_finish(client);
		return;
	}
	login->asked = false;
	login->waiting = true;
	b2b_client_say(client, B2B_SAY_WAIT, &wait);
	login->method->answer(login, ask->text);
}
