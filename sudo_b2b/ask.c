#include "sudo_b2b/ask.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/clean.h"
#include "common/clock.h"

#define ANSWER_LIMIT_S 2   /* for what needs nobody else */
#define SERVICE_LIMIT_S 15 /* for the federation service to answer the agent */
#define WAIT_MOST_S 1800

struct wait {
	b2b_sudo_print *print;
	int fd;
	int signals;             /* readable when one is pending; it is never read, so that sudo gets it */
	uint64_t limit_ns;       /* for the agent's next packet */
	enum b2b_reason silence; /* what it means when none comes until then */
	bool shown, interrupted;
	uint16_t type;           /* of the agent's last packet */
	union {
		struct b2b_say_wait wait;
		struct b2b_say_prompt prompt;
		struct b2b_say_decision decision;
		unsigned char any[B2B_PACKET_MAX];
	} said;
};

static void expect(struct wait *wait, uint64_t seconds, enum b2b_reason silence)
{
	wait->limit_ns = b2b_now_ns() + seconds * B2B_NS_PER_S;
	wait->silence = silence;
}

/* Until the agent says something. */
static enum b2b_reason listen_on(struct wait *wait)
{
	struct pollfd fds[2] = { { .fd = wait->fd, .events = POLLIN }, { .fd = wait->signals, .events = POLLIN } };
	int n, r;

	do {
		n = poll(fds, 2, b2b_ms_left(wait->limit_ns));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return B2B_INTERNAL;
	wait->interrupted = fds[1].revents != 0;
	if (wait->interrupted || n == 0)
		return wait->silence;
	r = b2b_agent_receive(wait->fd, 0, &wait->type, &wait->said, sizeof(wait->said), wait->limit_ns);
	return r == -EBADMSG ? B2B_PROTOCOL : r < 0 ? B2B_AGENT_DOWN : B2B_OK;
}

static enum b2b_reason show(struct wait *wait)
{
	struct b2b_say_prompt *prompt = &wait->said.prompt;

	if (wait->shown)
		return B2B_PROTOCOL;
	b2b_clean_text(prompt->text, true);
	wait->shown = true;
	wait->print(B2B_SUDO_ERROR_MSG | B2B_SUDO_PREFER_TTY, "%sWaiting for the approval; Ctrl-C gives up ...\n", prompt->text);
	expect(wait, (prompt->lifetime_s < WAIT_MOST_S ? prompt->lifetime_s : WAIT_MOST_S) + SERVICE_LIMIT_S, B2B_SUDO_EXPIRED);
	return B2B_OK;
}

static enum b2b_reason follow(struct wait *wait, const struct b2b_ask_command *ask, struct b2b_say_decision *ret_decision)
{
	enum b2b_reason reason = B2B_OK;

	while (reason == B2B_OK) {
		reason = listen_on(wait);
		if (reason != B2B_OK)
			break;
		if (wait->type == B2B_SAY_PROMPT) {
			reason = show(wait);
		} else if (wait->type == B2B_SAY_WAIT && !wait->shown) {
			expect(wait, SERVICE_LIMIT_S, B2B_SERVICE_DOWN);
		} else if (wait->type == B2B_SAY_DECISION) {
			*ret_decision = wait->said.decision;
			reason = (enum b2b_reason)ret_decision->reason;
			return reason == B2B_OK && ret_decision->uid != ask->uid ? B2B_PROTOCOL : reason;
		} else {
			reason = B2B_PROTOCOL;
		}
	}
	return reason;
}

static enum b2b_reason ask_agent(struct wait *wait, const struct b2b_ask_command *ask, struct b2b_say_decision *ret_decision)
{
	enum b2b_reason reason;

	expect(wait, ANSWER_LIMIT_S, B2B_AGENT_DOWN);
	wait->fd = b2b_agent_connect(wait->limit_ns);
	if (wait->fd < 0)
		return B2B_AGENT_DOWN;
	if (b2b_agent_send(wait->fd, B2B_ASK_COMMAND, ask, wait->limit_ns) < 0)
		reason = B2B_AGENT_DOWN;
	else
		reason = follow(wait, ask, ret_decision);
	close(wait->fd); /* cancels what is still open */
	return reason;
}

enum b2b_reason b2b_sudo_ask(const struct b2b_ask_command *ask, b2b_sudo_print *print, struct b2b_say_decision *ret_decision, bool *ret_shown,
                             bool *ret_interrupted)
{
	static const int ending[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };
	struct wait wait = { .print = print };
	enum b2b_reason reason = B2B_INTERNAL;
	sigset_t set, before;

	memset(ret_decision, 0, sizeof(*ret_decision));
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ending) / sizeof(*ending); i++)
		sigaddset(&set, ending[i]);
	if (sigprocmask(SIG_BLOCK, &set, &before) < 0)
		return B2B_INTERNAL;
	wait.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (wait.signals >= 0) {
		reason = ask_agent(&wait, ask, ret_decision);
		close(wait.signals);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	*ret_shown = wait.shown;
	*ret_interrupted = wait.interrupted;
	return reason;
}
