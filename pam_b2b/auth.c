/*
 * auth: the agent begins a device grant, the person is shown where to approve, and the agent's decision counts.
 * What is typed at the prompt counts for nothing: ssh without a terminal answers every prompt by itself.
 */
#include <errno.h>
#include <security/pam_ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "common/clock.h"
#include "pam_b2b/call.h"
#include "pam_b2b/sshd_version.h"

#define BEGIN_LIMIT_S 1 /* proto.h; sshd rounds the time before the first prompt up, to as much as double */
#define PROMPT_LIMIT_S 12 /* for the federation service to begin the grant */
#define LOOK_UP_NS (500 * B2B_NS_PER_MS) /* how often to see whether the caller is still there */
#define SSHD_SHOWS_INFO 1003 /* from 10.3 on sshd shows PAM_TEXT_INFO when it is said, not with the next prompt */

#define ENTER "Press Enter when you have approved: "
#define WAITING "Waiting for the approval ..."

struct login {
	struct b2b_call call;
	int fd;
	pid_t parent;
	uint64_t deadline_ns;
	uint16_t type; /* of the agent's last packet */
	union {
		struct b2b_say_wait wait;
		struct b2b_say_prompt prompt;
		struct b2b_say_decision decision;
		unsigned char any[B2B_PACKET_MAX];
	} said;
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
static enum b2b_reason listen_until(struct login *login, uint64_t deadline_ns)
{
	int r;

	do {
		r = b2b_agent_receive(login->fd, 0, &login->type, &login->said, sizeof(login->said), sooner(deadline_ns, b2b_now_ns() + LOOK_UP_NS));
		login->gone = getppid() != login->parent;
	} while (r == -ETIMEDOUT && !login->gone && b2b_now_ns() < deadline_ns);
	if (login->gone)
		return B2B_AUTH_EXPIRED;
	if (r == -EBADMSG)
		return B2B_PROTOCOL;
	return r < 0 ? B2B_AGENT_DOWN : B2B_OK;
}

/* A decision where something else was hoped for. */
static enum b2b_reason take_decision(struct login *login)
{
	login->call.decision = login->said.decision;
	explicit_bzero(&login->said, sizeof(login->said));
	if (login->call.decision.reason == B2B_OK && login->call.decision.uid != login->call.standing.uid)
		return B2B_PROTOCOL;
	return (enum b2b_reason)login->call.decision.reason;
}

static enum b2b_reason begin(struct login *login)
{
	struct b2b_ask_auth body;
	uint64_t limit = seconds_from_now(BEGIN_LIMIT_S);
	enum b2b_reason reason;

	memset(&body, 0, sizeof(body));
	body.origin = login->call.origin;
	body.utf8 = login->call.options.qr;
	body.lifetime_s = (uint32_t)((login->deadline_ns - b2b_now_ns()) / B2B_NS_PER_S);
	login->fd = b2b_agent_connect(limit);
	if (login->fd < 0 || b2b_agent_send(login->fd, B2B_ASK_AUTH, &body, limit) < 0)
		return B2B_AGENT_DOWN;
	reason = listen_until(login, limit);
	if (reason != B2B_OK || login->type == B2B_SAY_WAIT)
		return reason;
	if (login->type != B2B_SAY_DECISION)
		return B2B_PROTOCOL;
	reason = take_decision(login);
	return reason == B2B_OK ? B2B_PROTOCOL : reason; /* nobody can have approved yet */
}

static enum b2b_reason await_prompt(struct login *login)
{
	enum b2b_reason reason = listen_until(login, sooner(login->deadline_ns, seconds_from_now(PROMPT_LIMIT_S)));

	if (reason == B2B_AGENT_DOWN)
		return B2B_SERVICE_DOWN;
	if (reason != B2B_OK || login->type == B2B_SAY_PROMPT)
		return reason;
	if (login->type != B2B_SAY_DECISION)
		return B2B_PROTOCOL;
	reason = take_decision(login);
	return reason == B2B_OK ? B2B_PROTOCOL : reason;
}

/* One message: before 10.3 sshd holds everything back until the prompt, and shows that whole. */
static enum b2b_reason show_prompt(struct login *login, bool enter)
{
	struct b2b_say_prompt *prompt = &login->said.prompt;
	char *answer = NULL;
	int r;

	b2b_pam_clean(prompt->text, true);
	login->deadline_ns = sooner(login->deadline_ns, seconds_from_now(prompt->lifetime_s));
	if (enter)
		r = pam_prompt(login->call.pamh, PAM_PROMPT_ECHO_ON, &answer, "%s%s", prompt->text, ENTER);
	else
		r = pam_prompt(login->call.pamh, PAM_TEXT_INFO, NULL, "%s%s", prompt->text, WAITING);
	if (answer) { /* people type passwords anywhere */
		explicit_bzero(answer, strlen(answer));
		free(answer);
	}
	login->gone = r != PAM_SUCCESS || getppid() != login->parent;
	return login->gone ? B2B_AUTH_EXPIRED : B2B_OK;
}

static enum b2b_reason await_result(struct login *login)
{
	struct b2b_ask_result body = { .wait = b2b_now_ns() < login->deadline_ns };
	enum b2b_reason reason;

	if (b2b_agent_send(login->fd, B2B_ASK_RESULT, &body, seconds_from_now(B2B_ASK_LIMIT_S)) < 0)
		return B2B_AGENT_DOWN;
	/* answered late: what has been approved by now still counts */
	reason = listen_until(login, body.wait ? login->deadline_ns : seconds_from_now(B2B_ASK_LIMIT_S));
	if (reason == B2B_AGENT_DOWN && body.wait && b2b_now_ns() >= login->deadline_ns)
		return B2B_AUTH_EXPIRED;
	if (reason != B2B_OK)
		return reason;
	if (login->type != B2B_SAY_DECISION)
		return B2B_PROTOCOL;
	reason = take_decision(login);
	return reason == B2B_AUTH_PENDING ? B2B_AUTH_EXPIRED : reason;
}

/* Nobody is let in whom the cache has closed meanwhile, whatever the agent says; and the ticket goes to `account`. */
static enum b2b_reason accept(struct login *login)
{
	struct b2b_call *call = &login->call;
	char variable[sizeof(B2B_TICKET_VARIABLE) + B2B_TICKET_SIZE];
	enum b2b_reason reason = b2b_call_person(call, call->origin.user, &call->standing);
	int r;

	if (reason == B2B_OK)
		reason = b2b_standing_verdict(&call->standing);
	if (reason != B2B_OK)
		return reason;
	snprintf(variable, sizeof(variable), "%s=%s", B2B_TICKET_VARIABLE, call->decision.ticket);
	r = pam_putenv(call->pamh, variable);
	explicit_bzero(variable, sizeof(variable));
	return r == PAM_SUCCESS ? B2B_OK : B2B_INTERNAL;
}

static enum b2b_reason log_in(struct login *login)
{
	struct b2b_call *call = &login->call;
	enum b2b_reason reason = b2b_call_allowed(call);

	if (reason == B2B_OK)
		reason = b2b_call_person(call, call->origin.user, &call->standing);
	if (reason == B2B_OK && !call->standing.agent_alive)
		reason = B2B_AGENT_DOWN; /* without spending the two seconds */
	if (reason == B2B_OK)
		reason = begin(login); /* the agent knows best why not … */
	if (reason == B2B_OK)
		reason = b2b_standing_verdict(&call->standing); /* … but cannot open what is closed here */
	if (reason == B2B_OK)
		reason = await_prompt(login);
	if (reason == B2B_OK)
		reason = show_prompt(login, wants_enter(login));
	if (reason == B2B_OK)
		reason = await_result(login);
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
	unsigned timeout = is_sshd(login) ? B2B_PAM_TIMEOUT_SSHD_S : B2B_PAM_TIMEOUT_S;
	enum b2b_reason reason;

	login->fd = -1;
	login->parent = getppid();
	login->deadline_ns = seconds_from_now(call->options.timeout_s ? call->options.timeout_s : timeout);
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
