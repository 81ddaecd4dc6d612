/*
 * auth: the agent chooses how, the person is shown where to approve or asked for a token, and the agent's decision counts.
 * An Enter at the prompt counts for nothing: ssh without a terminal answers every prompt by itself.
 */
#include <errno.h>
#include <security/pam_ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "common/clean.h"
#include "common/clock.h"
#include "pam_b2b/abilities.h"
#include "pam_b2b/call.h"
#include "pam_b2b/patience.h"
#include "pam_b2b/recent.h"
#include "pam_b2b/sshd_version.h"

#define BEGIN_LIMIT_S 1 /* proto.h; sshd rounds the time before the first prompt up, to as much as double */
#define PROMPT_LIMIT_S 12 /* for the federation service to answer the agent */
#define AGENT_LEAD_S 1 /* the agent is to end first what was not approved in time: it knows more, and its word has its own audit id */
#define LOOK_UP_NS (500 * B2B_NS_PER_MS) /* how often to see whether the caller is still there */
#define SSHD_SHOWS_INFO 1003 /* from 10.3 on sshd shows PAM_TEXT_INFO when it is said, not with the next prompt */

#define ENTER "Press Enter when you have approved: "
#define WAITING "Waiting for the approval ..."

struct login {
	struct b2b_call call;
	int fd;
	pid_t parent;
	uint64_t began_ns;        /* of the program that serves this log-in (patience.h) */
	uint64_t deadline_ns;
	uint64_t limit_ns;        /* for the agent's next packet */
	enum b2b_reason silence;  /* what it means when none comes until then */
	bool shown;               /* the person had something to act upon: before it nobody can have been proven */
	uint16_t type; /* of the agent's last packet */
	union {
		struct b2b_say_wait wait;
		struct b2b_say_prompt prompt;
		struct b2b_say_question question;
		struct b2b_say_decision decision;
		unsigned char any[B2B_PACKET_MAX];
	} said;
	bool closed; /* when the program looked the person up: it has no shell for them */
	bool gone; /* nobody is there any more */
};

static bool is_sshd(const struct login *login)
{
	return strcmp(login->call.origin.service, "sshd") == 0;
}

static bool wants_enter(const struct login *login)
{
	if (login->call.options.prompt != B2B_PROMPT_AUTO)
		return login->call.options.prompt == B2B_PROMPT_ENTER;
	return is_sshd(login) && b2b_sshd_version() < SSHD_SHOWS_INFO;
}

static uint64_t seconds_from_now(unsigned seconds)
{
	return b2b_now_ns() + seconds * B2B_NS_PER_S;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* One packet into login->said. Returns early when whoever started this process has gone away. */
static enum b2b_reason listen_on(struct login *login)
{
	int r;

	do {
		r = b2b_agent_receive(login->fd, 0, &login->type, &login->said, sizeof(login->said),
		                      sooner(login->limit_ns, b2b_now_ns() + LOOK_UP_NS));
		login->gone = getppid() != login->parent;
	} while (r == -ETIMEDOUT && !login->gone && b2b_now_ns() < login->limit_ns);
	if (login->gone)
		return B2B_AUTH_EXPIRED;
	if (r == -ETIMEDOUT)
		return login->silence;
	if (r == -EBADMSG)
		return B2B_PROTOCOL;
	return r < 0 ? B2B_AGENT_DOWN : B2B_OK;
}

static enum b2b_reason take_decision(struct login *login)
{
	enum b2b_reason reason;

	login->call.decision = login->said.decision;
	explicit_bzero(&login->said, sizeof(login->said));
	reason = (enum b2b_reason)login->call.decision.reason;
	if (reason == B2B_OK && (!login->shown || login->call.decision.uid != login->call.standing.uid))
		return B2B_PROTOCOL;
	return reason == B2B_AUTH_PENDING ? B2B_AUTH_EXPIRED : reason;
}

static enum b2b_reason begin(struct login *login)
{
	uint64_t now = b2b_now_ns();
	struct b2b_ask_auth body;
	enum b2b_reason reason;

	if (login->deadline_ns < now + (AGENT_LEAD_S + 1) * B2B_NS_PER_S)
		return B2B_AUTH_EXPIRED;
	memset(&body, 0, sizeof(body));
	body.origin = login->call.origin;
	body.can = b2b_abilities(&login->call, is_sshd(login));
	body.lifetime_s = (uint32_t)((login->deadline_ns - now) / B2B_NS_PER_S) - AGENT_LEAD_S;
	login->limit_ns = seconds_from_now(BEGIN_LIMIT_S);
	login->silence = B2B_AGENT_DOWN;
	login->fd = b2b_agent_connect(login->limit_ns);
	if (login->fd < 0 || b2b_agent_send(login->fd, B2B_ASK_AUTH, &body, login->limit_ns) < 0)
		return B2B_AGENT_DOWN;
	reason = listen_on(login);
	if (reason != B2B_OK || login->type == B2B_SAY_WAIT)
		return reason;
	return login->type == B2B_SAY_DECISION ? take_decision(login) : B2B_PROTOCOL;
}

/* The agent has asked the federation service. */
static void expect_service(struct login *login)
{
	login->limit_ns = sooner(login->deadline_ns, seconds_from_now(PROMPT_LIMIT_S));
	login->silence = B2B_SERVICE_DOWN;
}

static void forget_answer(char *answer)
{
	if (!answer)
		return;
	explicit_bzero(answer, strlen(answer));
	free(answer);
}

static enum b2b_reason still_there(struct login *login, int r)
{
	login->shown = true;
	login->gone = r != PAM_SUCCESS || getppid() != login->parent;
	return login->gone ? B2B_AUTH_EXPIRED : B2B_OK;
}

/* What has been approved by now still counts, also when the answer comes late. */
static enum b2b_reason ask_result(struct login *login)
{
	struct b2b_ask_result body = { .wait = b2b_now_ns() < login->deadline_ns };

	if (b2b_agent_send(login->fd, B2B_ASK_RESULT, &body, seconds_from_now(B2B_ASK_LIMIT_S)) < 0)
		return B2B_AGENT_DOWN;
	login->limit_ns = body.wait ? login->deadline_ns : seconds_from_now(B2B_ASK_LIMIT_S);
	login->silence = body.wait ? B2B_AUTH_EXPIRED : B2B_AGENT_DOWN;
	return B2B_OK;
}

/* One message: before 10.3 sshd holds everything back until the prompt, and shows that whole. */
static enum b2b_reason show_prompt(struct login *login)
{
	struct b2b_say_prompt *prompt = &login->said.prompt;
	enum b2b_reason reason;
	char *answer = NULL;
	int r;

	b2b_clean_text(prompt->text, true);
	login->deadline_ns = sooner(login->deadline_ns, b2b_now_ns() + ((uint64_t)prompt->lifetime_s + AGENT_LEAD_S) * B2B_NS_PER_S);
	if (wants_enter(login))
		r = pam_prompt(login->call.pamh, PAM_PROMPT_ECHO_ON, &answer, "%s%s", prompt->text, ENTER);
	else
		r = pam_prompt(login->call.pamh, PAM_TEXT_INFO, NULL, "%s%s", prompt->text, WAITING);
	forget_answer(answer); /* people type passwords anywhere */
	reason = still_there(login, r);
	return reason == B2B_OK ? ask_result(login) : reason;
}

static enum b2b_reason send_answer(struct login *login, const char *answer)
{
	struct b2b_ask_answer body;
	int r;

	if (strlen(answer) >= sizeof(body.text))
		return B2B_AUTH_TOKEN_CUT;
	memset(&body, 0, sizeof(body));
	memcpy(body.text, answer, strlen(answer));
	r = b2b_agent_send(login->fd, B2B_ASK_ANSWER, &body, seconds_from_now(B2B_ASK_LIMIT_S));
	explicit_bzero(&body, sizeof(body));
	expect_service(login);
	return r < 0 ? B2B_AGENT_DOWN : B2B_OK;
}

static enum b2b_reason put_question(struct login *login)
{
	struct b2b_say_question *question = &login->said.question;
	enum b2b_reason reason;
	char *answer = NULL;
	int r;

	b2b_clean_text(question->text, true);
	r = pam_prompt(login->call.pamh, PAM_PROMPT_ECHO_OFF, &answer, "%s", question->text);
	reason = still_there(login, r);
	if (reason == B2B_OK)
		reason = send_answer(login, answer ? answer : "");
	forget_answer(answer);
	return reason;
}

/* Until the agent decides: waits, prompts and questions as they come. */
static enum b2b_reason follow(struct login *login)
{
	enum b2b_reason reason = B2B_OK;

	expect_service(login);
	while (reason == B2B_OK) {
		reason = listen_on(login);
		if (reason != B2B_OK)
			break;
		if (login->type == B2B_SAY_DECISION)
			return take_decision(login);
		if (login->type == B2B_SAY_WAIT)
			expect_service(login);
		else if (login->type == B2B_SAY_PROMPT)
			reason = show_prompt(login);
		else if (login->type == B2B_SAY_QUESTION)
			reason = put_question(login);
		else
			reason = B2B_PROTOCOL;
	}
	return reason;
}

/*
 * Nobody is let in whom the cache has closed meanwhile, whatever the agent says, nor with another id than the program was told; and
 * the ticket goes to `account`.
 */
static enum b2b_reason accept(struct login *login)
{
	struct b2b_call *call = &login->call;
	char variable[sizeof(B2B_TICKET_VARIABLE) + B2B_TICKET_SIZE];
	uint32_t uid = call->standing.uid;
	enum b2b_reason reason = b2b_call_person(call, call->origin.user, &call->standing);
	int r;

	if (reason == B2B_OK)
		reason = b2b_standing_verdict(&call->standing);
	if (reason == B2B_OK && (login->closed || call->standing.uid != uid))
		reason = B2B_AUTH_AGAIN;
	if (reason != B2B_OK)
		return reason;
	snprintf(variable, sizeof(variable), "%s=%s", B2B_TICKET_VARIABLE, call->decision.ticket);
	r = pam_putenv(call->pamh, variable);
	explicit_bzero(variable, sizeof(variable));
	return r == PAM_SUCCESS ? B2B_OK : B2B_INTERNAL;
}

static enum b2b_reason find_person(struct login *login, bool *ret_newcomer)
{
	struct b2b_call *call = &login->call;
	enum b2b_reason reason = b2b_call_person(call, call->origin.user, &call->standing);

	*ret_newcomer = reason == B2B_USER_UNKNOWN;
	if (*ret_newcomer)
		return b2b_call_newcomer(call, call->origin.user, login->began_ns, &call->standing);
	if (reason == B2B_OK && !call->standing.agent_alive)
		reason = B2B_AGENT_DOWN; /* without spending the two seconds */
	return reason;
}

/*
 * A person's own word, if nothing else is in the way, may be one that the proof opens where there is no directory. Whether there is one the
 * agent alone knows (begin() has its decision then, without a prompt): one that lies about it has shown a prompt and let in nobody, as
 * accept() refuses whoever was closed here.
 */
static enum b2b_reason may_follow(struct login *login)
{
	struct b2b_standing proven = login->call.standing;

	login->closed = !proven.user_open;
	proven.user_open = true;
	return b2b_standing_verdict(&proven);
}

static enum b2b_reason log_in(struct login *login)
{
	struct b2b_call *call = &login->call;
	enum b2b_reason reason = b2b_call_allowed(call);
	bool newcomer = false;

	if (reason == B2B_OK)
		reason = find_person(login, &newcomer);
	if (reason == B2B_OK && !newcomer && b2b_recent(call)) {
		reason = b2b_standing_verdict(&call->standing);
		return reason == B2B_OK ? accept(login) : reason;
	}
	if (reason == B2B_OK)
		reason = begin(login); /* the agent knows best why not … */
	if (reason == B2B_OK && !newcomer)
		reason = may_follow(login); /* … but cannot open what is closed here */
	if (reason == B2B_OK)
		reason = follow(login);
	return reason == B2B_OK ? accept(login) : reason;
}

static int auth_code(enum b2b_reason reason)
{
	switch (reason) {
	case B2B_OK:
		return PAM_SUCCESS;
	case B2B_USER_UNKNOWN:
	case B2B_NAME_INVALID:
	case B2B_ORG_UNKNOWN:
		return PAM_USER_UNKNOWN;
	case B2B_NOT_ROOT:
		return PAM_CRED_INSUFFICIENT;
	case B2B_AGENT_DOWN:
	case B2B_CACHE_DOWN:
	case B2B_SERVICE_DOWN:
	case B2B_STALE:
	case B2B_CLOCK:
	case B2B_BUSY:
	case B2B_PROTOCOL:
	case B2B_INTERNAL:
		return PAM_AUTHINFO_UNAVAIL;
	default:
		return PAM_AUTH_ERR;
	}
}

static int authenticate(struct login *login)
{
	struct b2b_call *call = &login->call;
	struct b2b_patience patience;
	enum b2b_reason reason;

	login->fd = -1;
	login->parent = getppid();
	b2b_patience(call, login->parent, &patience);
	login->began_ns = patience.began_ns;
	login->deadline_ns = patience.deadline_ns;
	reason = log_in(login);
	if (login->fd >= 0)
		close(login->fd); /* cancels what is still open */
	explicit_bzero(&login->said, sizeof(login->said));
	if (login->gone) { /* there is nobody to tell */
		pam_syslog(call->pamh, LOG_INFO, "event=pam-auth-cancelled user=%s service=%s", call->standing.name, call->origin.service);
		return PAM_AUTH_ERR;
	}
	b2b_call_tell(call, reason);
	return auth_code(reason);
}

__attribute__((visibility("default"))) int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct login login = { .fd = -1 };
	int code = PAM_IGNORE;

	(void)flags; /* PAM_SILENT, which sudo always sets, cannot mean a log-in that nobody can approve */
	b2b_call_begin(&login.call, pamh, "pam-auth", argc, argv);
	if (login.call.user_ours)
		code = authenticate(&login);
	b2b_call_end(&login.call);
	return code;
}
