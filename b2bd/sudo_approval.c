/*
 * One command, from sudo's question to the decision: who may approve it is asked, the terminal is told what to look for, and the first
 * word counts. The connection's end cancels everything.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/asking.h"
#include "b2bd/event_sessions.h"
#include "b2bd/federation/status_cache.h"
#include "b2bd/prompt.h"
#include "b2bd/proven.h"
#include "b2bd/sudo.h"
#include "common/clock.h"
#include "common/log.h"

#define ANSWER_WITHIN_S 12 /* the service's, to a request of ours */
#define CANDIDATES_MAX 64
#define DETAIL_SIZE 320

struct asked {
	struct b2b_sudo *sudo;
	uint32_t uid;
	char name[B2B_NAME_SIZE];
	struct b2b_approval *approval; /* NULL: over */
	struct b2b_id_token proven;    /* while its status list is fetched */
};

struct b2b_sudo {
	struct b2b_core *core;
	struct b2b_client *client;
	struct b2b_ask_command ask;
	struct b2b_sudo_rule rule;
	int64_t began_s;
	char person[B2B_SUDO_PERSON_SIZE]; /* b2b_sudo_person of who asks; "": not a partner */
	char message[B2B_SUDO_MESSAGE_SIZE]; /* on the approval device */
	char shown[B2B_SUDO_MESSAGE_SIZE];   /* on the terminal, where that shows more */
	struct asked asked[B2B_SUDO_ASKED_MAX];
	size_t n_asked;
	bool prompted;
	enum b2b_reason worst; /* what is told if no word comes; B2B_OK: nobody is over yet */
	char fault[DETAIL_SIZE];
};

static void cancel(struct asked *asked)
{
	b2b_status_cache_drop(asked->sudo->core->status, asked);
	b2b_id_token_clear(&asked->proven);
	b2b_approval_cancel(asked->approval);
	asked->approval = NULL;
}

static void cancel_all(struct b2b_sudo *sudo)
{
	for (size_t i = 0; i < sudo->n_asked; i++)
		cancel(&sudo->asked[i]);
}

static void dropped(void *operation)
{
	struct b2b_sudo *sudo = operation;

	b2b_log(LOG_INFO, "event=sudo-approval-cancelled user=%s tty=%s", sudo->ask.origin.user, sudo->ask.origin.tty);
	cancel_all(sudo);
	free(sudo);
}

static int org_of(const struct b2b_core *core, const struct b2b_ask_command *ask)
{
	int org = b2b_policy_org_by_uid(core->policy, ask->uid);

	return org >= 0 ? org : b2b_policy_org_by_uid(core->policy, ask->as_uid);
}

/* DETAIL: fields for the log, "" for none. */
static void say(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_command *ask, enum b2b_reason reason, const char *detail)
{
	struct b2b_say_decision decision = { .reason = reason, .uid = reason == B2B_OK ? ask->uid : 0 };
	char extra[B2B_COMMAND_TEXT_SIZE + 3 * B2B_COMMAND_SIZE] = "";

	b2b_audit_id(decision.audit_id);
	snprintf(decision.message, sizeof(decision.message), "%s", b2b_reason_text(reason));
	snprintf(extra, sizeof(extra), "service=%s tty=%s%s%s", ask->origin.service, ask->origin.tty, *detail ? " " : "", detail);
	b2b_audit_field(extra, sizeof(extra), "runas", ask->runas);
	b2b_audit_field(extra, sizeof(extra), "directory", ask->directory);
	b2b_audit_field(extra, sizeof(extra), "command", ask->text);
	b2b_audit(core, "sudo-approval", org_of(core, ask), ask->origin.user, reason, decision.audit_id, extra);
	b2b_client_say(client, B2B_SAY_DECISION, &decision);
}

/* SUDO is gone afterwards. */
static void decide(struct b2b_sudo *sudo, enum b2b_reason reason, const char *detail)
{
	cancel_all(sudo);
	if (reason == B2B_OK) {
		for (size_t i = 0; i < sudo->n_asked; i++) /* somebody else was faster: no nuisance either */
			b2b_rate_give(&sudo->core->command_rate, sudo->asked[i].uid);
		b2b_sudo_note(sudo->core, sudo->rule.subject_uid, b2b_client_pid(sudo->client));
	}
	b2b_client_attach(sudo->client, NULL, NULL);
	say(sudo->core, sudo->client, &sudo->ask, reason, detail);
	free(sudo);
}

/* May who runs sudo do so at all, by now, and which PERSON is it? Local users are sudoers' business. */
static enum b2b_reason judge_asker(struct b2b_core *core, const struct b2b_ask_command *ask, char person[B2B_SUDO_PERSON_SIZE])
{
	struct b2b_gathered gathered;
	enum b2b_reason reason;

	if (b2b_policy_org_by_uid(core->policy, ask->uid) < 0)
		return B2B_OK;
	b2b_gather_uid(core, ask->uid, ask->origin.service, &gathered);
	reason = b2b_decide_standing(&gathered.facts);
	if (reason == B2B_OK && b2b_sudo_person(core, &gathered.principal, person) < 0)
		reason = B2B_INTERNAL;
	b2b_gathered_clear(&gathered);
	return reason;
}

/* Is it one person who asks and who would approve, under whatever account? In doubt it is. */
static bool is_asker(const struct b2b_sudo *sudo, const struct b2b_gathered *gathered)
{
	char person[B2B_SUDO_PERSON_SIZE];

	return gathered->principal.uid == sudo->ask.uid || b2b_sudo_person(sudo->core, &gathered->principal, person) < 0 ||
	       strcmp(person, sudo->person) == 0;
}

/* Issued for this very request: whatever the service may have kept from an earlier one says nothing about this command. */
static bool is_old(const struct b2b_sudo *sudo, const struct b2b_id_token *token)
{
	return token->issued_at + (int64_t)sudo->core->conf->federation.clock_skew_s < sudo->began_s;
}

/* What b2b_proven says of an approver, as who asks is told it. */
static enum b2b_reason reason_of_approver(enum b2b_reason reason)
{
	switch (reason) {
	case B2B_ASSURANCE:
	case B2B_AUTH_AGE:
		return B2B_SUDO_WEAK;
	case B2B_AUTH_UNKNOWN: /* these say nothing against who approved */
	case B2B_STALE:
	case B2B_INTERNAL:
		return reason;
	default:
		return B2B_SUDO_WRONG_APPROVER;
	}
}

/* Does TOKEN speak for who was asked, and may they still approve? *ret_fault for the log. */
static enum b2b_reason judge_approver(struct b2b_sudo *sudo, const struct asked *asked, const struct b2b_id_token *token, const char **ret_fault)
{
	struct b2b_core *core = sudo->core;
	struct b2b_authentication authentication;
	struct b2b_gathered gathered;
	enum b2b_reason reason;

	b2b_gather_uid(core, asked->uid, sudo->ask.origin.service, &gathered);
	reason = b2b_proven(core, &gathered.facts, token, &authentication, ret_fault);
	if (reason != B2B_OK) {
		if (!**ret_fault)
			*ret_fault = b2b_reason_code(reason);
		reason = reason_of_approver(reason);
	} else if (is_asker(sudo, &gathered) || !b2b_sudo_may_approve(core, &sudo->rule, &gathered)) {
		*ret_fault = "not among the approvers any more";
		reason = B2B_SUDO_WRONG_APPROVER;
	} else if (is_old(sudo, token) || b2b_log_in_withdrawn(core, &authentication, gathered.principal.subject, gathered.facts.org)) {
		*ret_fault = "issued before it was asked for, or withdrawn since";
		reason = B2B_AUTH_TOKEN;
	}
	b2b_gathered_clear(&gathered);
	return reason;
}

static void approved(struct b2b_sudo *sudo, const struct asked *asked, const struct b2b_id_token *token)
{
	const char *fault = "";
	char detail[DETAIL_SIZE] = "";
	enum b2b_reason standing = judge_asker(sudo->core, &sudo->ask, sudo->person), reason = judge_approver(sudo, asked, token, &fault);

	if (reason == B2B_OK)
		reason = standing;
	b2b_audit_field(detail, sizeof(detail), "asked", asked->name);
	b2b_audit_field(detail, sizeof(detail), "approved_by", token->subject);
	b2b_audit_field(detail, sizeof(detail), "fault", fault);
	decide(sudo, reason, detail);
}

/* Whether the list came or not: the decision looks. */
static void list_fetched(void *arg, bool came)
{
	struct asked *asked = arg;

	(void)came;
	approved(asked->sudo, asked, &asked->proven);
}

/* Of one who was asked there will be no word; the others' may still come. */
static void without_word(struct b2b_sudo *sudo, struct asked *asked, int reason, const char *fault_text)
{
	char detail[DETAIL_SIZE] = "";

	cancel(asked);
	if (reason == B2B_AUTH_EXPIRED)
		sudo->worst = B2B_SUDO_EXPIRED;
	else if (sudo->worst == B2B_OK)
		sudo->worst = reason == B2B_AUTH_METHOD ? B2B_SUDO_NOBODY : (enum b2b_reason)reason;
	if (*fault_text)
		snprintf(sudo->fault, sizeof(sudo->fault), "%s", fault_text);
	b2b_log(LOG_INFO, "event=sudo-asked user=%s asked=%s reason=%s why=\"%s\"", sudo->ask.origin.user, asked->name,
	        b2b_reason_code(reason), fault_text);
	for (size_t i = 0; i < sudo->n_asked; i++) {
		if (sudo->asked[i].approval)
			return;
	}
	b2b_audit_field(detail, sizeof(detail), "fault", sudo->fault);
	decide(sudo, sudo->worst, detail);
}

static void on_result(void *arg, int reason, const struct b2b_id_token *token, const char *fault_text)
{
	struct asked *asked = arg;
	char detail[DETAIL_SIZE] = "";

	if (reason == B2B_OK) {
		/* the plug-in waits for an answer of the service beyond the approval's end */
		if (!b2b_proven_awaits(asked->sudo->core, token, &asked->proven, list_fetched, asked))
			approved(asked->sudo, asked, token);
	} else if (reason == B2B_AUTH_DENIED) {
		b2b_audit_field(detail, sizeof(detail), "denied_by", asked->name);
		decide(asked->sudo, B2B_SUDO_DENIED, detail);
	} else {
		without_word(asked->sudo, asked, reason, fault_text);
	}
}

/* The service has taken the first request: tell the terminal, once. */
static void on_prompt(void *arg, const struct b2b_approval_prompt *prompt)
{
	struct b2b_sudo *sudo = ((struct asked *)arg)->sudo;
	struct b2b_say_prompt say_prompt = { .lifetime_s = prompt->expires_in_s };
	const char *names[B2B_SUDO_ASKED_MAX];

	if (sudo->prompted)
		return;
	sudo->prompted = true;
	for (size_t i = 0; i < sudo->n_asked; i++)
		names[i] = sudo->asked[i].name;
	b2b_prompt_command(say_prompt.text, sizeof(say_prompt.text), names, sudo->n_asked, sudo->shown);
	b2b_client_say(sudo->client, B2B_SAY_PROMPT, &say_prompt);
}

/* Ask the person of GATHERED. Returns 0 or why not: -EDQUOT asked too often. */
static int ask_one(struct b2b_sudo *sudo, const struct b2b_gathered *gathered)
{
	static const struct b2b_approval_handlers handlers = { .prompt = on_prompt, .result = on_result };
	struct b2b_core *core = sudo->core;
	struct asked *asked = &sudo->asked[sudo->n_asked];
	char hint[B2B_HINT_SIZE], acr_values[B2B_ACR_VALUES_SIZE];
	struct b2b_approval_request request = { .login_hint = hint, .binding_message = sudo->message, .lifetime_s = sudo->rule.conf->wait_s };
	int r;

	asked->sudo = sudo;
	asked->uid = gathered->principal.uid;
	b2b_audit_name(core, asked->uid, asked->name, sizeof(asked->name));
	if (!b2b_rate_take(&core->command_rate, asked->uid, b2b_now_ns()))
		return -EDQUOT;
	b2b_asking_hint(core, gathered, asked->name, hint, sizeof(hint));
	b2b_asking_acr_values(core->conf, &core->policy->services[b2b_policy_service(core->policy, sudo->ask.origin.service)], acr_values);
	request.acr_values = *acr_values ? acr_values : NULL;
	r = b2b_ciba_start(core->federation, &request, &handlers, asked, &asked->approval);
	if (r < 0)
		b2b_rate_give(&core->command_rate, asked->uid);
	else
		sudo->n_asked++;
	return r;
}

static enum b2b_reason reason_of(int r)
{
	switch (r) {
	case 0:
	case -EOPNOTSUPP:
		return B2B_SUDO_NOBODY;
	case -EDQUOT:
		return B2B_AUTH_FATIGUE;
	case -EHOSTUNREACH:
		return B2B_SERVICE_DOWN;
	default:
		return B2B_INTERNAL;
	}
}

/* Those of the approvers who stand and are not who asks. B2B_OK: at least one was asked. */
static enum b2b_reason ask_all(struct b2b_sudo *sudo)
{
	uint32_t uids[CANDIDATES_MAX];
	int n = b2b_sudo_candidates(sudo->core, &sudo->rule, uids, CANDIDATES_MAX), r = n < 0 ? n : 0;

	for (int i = 0; i < n && sudo->n_asked < B2B_SUDO_ASKED_MAX; i++) {
		struct b2b_gathered gathered;

		b2b_gather_uid(sudo->core, uids[i], sudo->ask.origin.service, &gathered);
		if (b2b_decide_standing(&gathered.facts) == B2B_OK && !is_asker(sudo, &gathered) &&
		    b2b_sudo_may_approve(sudo->core, &sudo->rule, &gathered))
			r = ask_one(sudo, &gathered);
		b2b_gathered_clear(&gathered);
	}
	return sudo->n_asked ? B2B_OK : reason_of(r);
}

/* What people on both sides read, with the same code in it, another one each time. */
static enum b2b_reason make_messages(struct b2b_sudo *sudo)
{
	const struct b2b_ask_command *ask = &sudo->ask;
	bool full = sudo->core->conf->federation.command_message == B2B_MESSAGE_FULL;
	char host[B2B_HOST_SIZE], code[B2B_BINDING_SIZE];

	b2b_asking_host(sudo->core->conf, host);
	if (b2b_binding_message(full ? "" : host, code) < 0)
		return B2B_INTERNAL;
	if (snprintf(sudo->shown, sizeof(sudo->shown), "%s %s on %s as %s in %s: %s", code, ask->origin.user, host, ask->runas, ask->directory,
	             ask->text) >= (int)sizeof(sudo->shown))
		return B2B_SUDO_TOO_LONG;
	snprintf(sudo->message, sizeof(sudo->message), "%s", full ? sudo->shown : code);
	return B2B_OK;
}

static enum b2b_reason begin(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_command *ask, const struct b2b_sudo_rule *rule,
                             const char *person)
{
	struct b2b_say_wait wait = { .within_s = ANSWER_WITHIN_S };
	struct b2b_sudo *sudo = calloc(1, sizeof(*sudo));
	enum b2b_reason reason;

	if (!sudo)
		return B2B_INTERNAL;
	sudo->core = core;
	sudo->client = client;
	sudo->ask = *ask;
	sudo->rule = *rule;
	sudo->began_s = b2b_wall_s();
	snprintf(sudo->person, sizeof(sudo->person), "%s", person);
	reason = make_messages(sudo);
	if (reason == B2B_OK)
		reason = ask_all(sudo);
	if (reason != B2B_OK) {
		free(sudo);
		return reason;
	}
	b2b_client_attach(client, sudo, dropped);
	b2b_client_say(client, B2B_SAY_WAIT, &wait);
	return B2B_OK;
}

/* Is what stands here what the plug-in would send? The rest of what it says is root's word. */
static bool is_whole(const struct b2b_core *core, const struct b2b_ask_command *ask)
{
	const char *const texts[] = { ask->runas, ask->directory, ask->text };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (!*texts[i])
			return false;
		for (const char *c = texts[i]; *c; c++) {
			if (*c < ' ' || *c > '~' || *c == '"')
				return false;
		}
	}
	return b2b_policy_service(core->policy, ask->origin.service) >= 0;
}

/* Who approves reads the name; what is decided is about the id. */
static bool is_named(struct b2b_core *core, const struct b2b_ask_command *ask)
{
	char name[B2B_NAME_SIZE];

	if (b2b_policy_org_by_uid(core->policy, ask->uid) < 0)
		return *ask->origin.user;
	b2b_audit_name(core, ask->uid, name, sizeof(name));
	return strcmp(name, ask->origin.user) == 0;
}

static enum b2b_reason may_begin(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_command *ask,
                                 char person[B2B_SUDO_PERSON_SIZE])
{
	if (b2b_client_busy(client) || !is_whole(core, ask) || !is_named(core, ask))
		return B2B_PROTOCOL;
	return org_of(core, ask) < 0 ? B2B_NOT_OURS : judge_asker(core, ask, person);
}

void b2b_on_ask_command(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_command *ask)
{
	char person[B2B_SUDO_PERSON_SIZE] = "";
	enum b2b_reason reason = may_begin(core, client, ask, person);
	struct b2b_sudo_rule rule = { .conf = NULL };
	bool demanded;

	if (reason == B2B_OK)
		b2b_sudo_rule(core, ask, &rule);
	demanded = b2b_sudo_demands(&rule, ask);
	if (reason == B2B_OK && demanded && (ask->flags & B2B_COMMAND_NO_WAIT))
		reason = B2B_SUDO_NO_WAIT;
	else if (reason == B2B_OK && demanded && !b2b_rate_take(&core->auth_rate, ask->uid, b2b_now_ns()))
		reason = B2B_BUSY;
	else if (reason == B2B_OK && demanded)
		reason = begin(core, client, ask, &rule, person);
	if (reason == B2B_OK && demanded)
		return; /* under way */
	if (reason == B2B_OK)
		b2b_sudo_note(core, rule.subject_uid, b2b_client_pid(client));
	say(core, client, ask, reason, reason == B2B_OK ? rule.conf ? "approval=exempt" : "approval=none" : "");
}
