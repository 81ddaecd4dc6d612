#include "tests/support/scripted_agent.h"

#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/proto.h"

#define PATIENCE_MS 20000

union packet {
	struct b2b_packet_head head;
	uint64_t align;
	unsigned char bytes[B2B_PACKET_MAX];
};

static void make_reserved(const struct scripted_step *step, struct b2b_say_reserved *reserved)
{
	reserved->since_ns = step->reason ? b2b_now_ns() + B2B_NS_PER_S : 1;
	reserved->keep_s = 86400;
	reserved->uid = step->uid;
}

static void make_body(const struct scripted_step *step, void *body)
{
	struct b2b_say_decision *decision = body;
	struct b2b_say_prompt *prompt = body;
	struct b2b_say_question *question = body;

	if (step->type == B2B_SAY_WAIT)
		((struct b2b_say_wait *)body)->within_s = 12;
	if (step->type == B2B_SAY_PROMPT) {
		prompt->lifetime_s = step->lifetime_s ? step->lifetime_s : 600;
		snprintf(prompt->text, sizeof(prompt->text), "%s", step->text);
	}
	if (step->type == B2B_SAY_QUESTION) {
		question->lifetime_s = step->lifetime_s ? step->lifetime_s : 600;
		snprintf(question->text, sizeof(question->text), "%s", step->text);
	}
	if (step->type == B2B_SAY_RESERVED)
		make_reserved(step, body);
	if (step->type != B2B_SAY_DECISION)
		return;
	decision->reason = step->reason;
	decision->uid = step->uid;
	snprintf(decision->ticket, sizeof(decision->ticket), "%s", SCRIPTED_TICKET);
	snprintf(decision->audit_id, sizeof(decision->audit_id), "%s", SCRIPTED_ID);
	snprintf(decision->message, sizeof(decision->message), "%s", step->text ? step->text : "");
}

static bool readable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, PATIENCE_MS) == 1;
}

/* What step->answer is about. */
static const char *said(uint16_t type, const void *body)
{
	switch (type) {
	case B2B_ASK_COMMAND:
		return ((const struct b2b_ask_command *)body)->text;
	case B2B_ASK_OPEN_SSH:
		return ((const struct b2b_ask_open_ssh *)body)->keys;
	default:
		return ((const struct b2b_ask_answer *)body)->text;
	}
}

static bool waits_as_long(const struct scripted_step *step, const struct b2b_ask_auth *ask)
{
	bool fits = !step->most_s || (ask->lifetime_s >= step->least_s && ask->lifetime_s <= step->most_s);

	if (!fits)
		warnx("it waits %u s instead of %u to %u", ask->lifetime_s, step->least_s, step->most_s);
	return fits;
}

static bool can_as_much(const struct scripted_step *step, const struct b2b_ask_auth *ask)
{
	bool fits = (ask->can & step->can) == step->can && !(ask->can & step->cannot);

	if (!fits)
		warnx("it can %#x instead of %#x and not %#x", ask->can, step->can, step->cannot);
	return fits;
}

static bool take_request(int listener, int *connection, const struct scripted_step *step)
{
	union packet packet;
	uint16_t want = step->want;
	const void *body = packet.bytes + sizeof(packet.head);
	ssize_t n;

	if (want != B2B_ASK_RESULT && want != B2B_ASK_ANSWER) {
		if (*connection >= 0)
			close(*connection);
		*connection = readable(listener) ? accept(listener, NULL, NULL) : -1;
	}
	if (*connection < 0 || !readable(*connection))
		return false;
	n = recv(*connection, &packet, sizeof(packet), 0);
	if (n <= 0 || b2b_packet_check(&packet, (size_t)n) < 0 || packet.head.type != want)
		return false;
	if (want == B2B_ASK_AUTH && !(waits_as_long(step, body) && can_as_much(step, body)))
		return false;
	return !step->answer || strcmp(said(want, body), step->answer) == 0;
}

static void answer(int *connection, const struct scripted_step *step)
{
	union packet packet;
	size_t size;

	memset(&packet, 0, sizeof(packet));
	packet.head.version = B2B_PROTO_VERSION;
	packet.head.type = step->type;
	packet.head.length = b2b_body_size(step->type);
	make_body(step, packet.bytes + sizeof(packet.head));
	size = sizeof(packet.head) + packet.head.length;
	if (step->how == SCRIPTED_GARBAGE) {
		memset(&packet, 0xee, sizeof(packet));
		size = 40;
	}
	if (step->how == SCRIPTED_SHORT)
		size--;
	if (step->how <= SCRIPTED_SHORT)
		send(*connection, &packet, size, MSG_NOSIGNAL);
	if (step->how == SCRIPTED_NOTHING)
		while (readable(*connection) && recv(*connection, &packet, sizeof(packet), 0) > 0)
			;
	if (step->how == SCRIPTED_HANG_UP) {
		close(*connection);
		*connection = -1;
	}
}

static int play(int listener, const struct scripted_step *steps, size_t count)
{
	int connection = -1;

	for (size_t i = 0; i < count; i++) {
		if (steps[i].want && !take_request(listener, &connection, &steps[i]))
			return (int)i + 1;
		if (steps[i].before)
			steps[i].before(steps[i].arg);
		answer(&connection, &steps[i]);
	}
	return 0;
}

pid_t scripted_agent_start(const struct scripted_step *steps, size_t count)
{
	static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = B2B_SOCKET_PATH };
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	pid_t agent;

	unlink(B2B_SOCKET_PATH);
	if (listener < 0 || bind(listener, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener, 8) < 0)
		err(1, "%s", B2B_SOCKET_PATH);
	fflush(NULL);
	agent = fork();
	if (agent < 0)
		err(1, "fork");
	if (agent == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(play(listener, steps, count));
	}
	close(listener);
	return agent;
}

int scripted_agent_end(pid_t agent)
{
	uint64_t deadline = b2b_now_ns() + 2 * B2B_NS_PER_S;
	int status = 0;

	while (waitpid(agent, &status, WNOHANG) == 0) {
		if (b2b_ms_left(deadline) == 0) { /* it waits for what never came */
			kill(agent, SIGKILL);
			waitpid(agent, &status, 0);
			return 255;
		}
		poll(NULL, 0, 5);
	}
	unlink(B2B_SOCKET_PATH);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 254;
}
