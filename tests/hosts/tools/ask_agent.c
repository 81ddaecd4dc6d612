/*
 * Asks the agent's socket directly, as whoever runs this: what an unprivileged process can get out of it.
 *   ask_agent TYPE TEXT [COUNT]
 * TYPE is a number of enum b2b_packet_type; TEXT stands at the start of the request's body, which is a name or a verb in
 * every type; the rest is zero; a TEXT that begins with '#' gets another name each time in its place. COUNT requests, one after
 * another on connections of their own; prints what came back and how often, "3 user-unknown", or "closed" where nothing did.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/proto.h"
#include "common/reason.h"

static const char *const codes[] = {
#define CODE(symbol, number, code, text) [number] = code,
	B2B_REASONS(CODE)
};
#define REASONS (int)(sizeof(codes) / sizeof(codes[0]))

static const size_t sizes[] = {
	[B2B_ASK_NAME] = sizeof(struct b2b_ask_name),       [B2B_ASK_AUTH] = sizeof(struct b2b_ask_auth),
	[B2B_ASK_RESULT] = sizeof(struct b2b_ask_result),   [B2B_ASK_ACCOUNT] = sizeof(struct b2b_ask_account),
	[B2B_ASK_OPEN] = sizeof(struct b2b_ask_open),       [B2B_ASK_CLOSE] = sizeof(struct b2b_ask_close),
	[B2B_ASK_CONTROL] = sizeof(struct b2b_ask_control), [B2B_ASK_KEYS] = sizeof(struct b2b_ask_keys),
	[B2B_ASK_ANSWER] = sizeof(struct b2b_ask_answer),   [B2B_ASK_COMMAND] = sizeof(struct b2b_ask_command),
	[B2B_ASK_RECENT] = sizeof(struct b2b_ask_recent),   [B2B_ASK_RECENT + 1] = sizeof(struct b2b_ask_name),
};
#define TYPES (sizeof(sizes) / sizeof(sizes[0])) /* with one that there is not */

/* Every answer begins with its reason, but for a prompt and a wait, which are reported as their types. */
static int answer_of(const char *packet, ssize_t got)
{
	struct b2b_packet_head head;
	int32_t reason;

	if (got < (ssize_t)(sizeof(head) + sizeof(reason)))
		return -1;
	memcpy(&head, packet, sizeof(head));
	memcpy(&reason, packet + sizeof(head), sizeof(reason));
	if (head.type == B2B_SAY_WAIT || head.type == B2B_SAY_PROMPT || reason < 0 || reason >= REASONS)
		return -1;
	return reason;
}

static int ask(uint16_t type, const char *text)
{
	static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = B2B_SOCKET_PATH };
	struct b2b_packet_head head = { .version = B2B_PROTO_VERSION, .type = type, .length = (uint32_t)sizes[type] };
	static char packet[B2B_PACKET_MAX];
	const struct timeval limit = { .tv_sec = 5 };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), answer = -1;

	memset(packet, 0, sizeof(packet));
	memcpy(packet, &head, sizeof(head));
	memcpy(packet + sizeof(head), text, strnlen(text, head.length - 1));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	    send(fd, packet, sizeof(head) + head.length, MSG_NOSIGNAL) > 0)
		answer = answer_of(packet, recv(fd, packet, sizeof(packet), 0));
	close(fd);
	return answer;
}

int main(int argc, char **argv)
{
	unsigned long type = argc > 2 ? strtoul(argv[1], NULL, 10) : 0, count = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
	unsigned answers[REASONS] = { 0 }, closed = 0;

	if (type < B2B_ASK_NAME || type >= TYPES) {
		fprintf(stderr, "usage: ask_agent TYPE TEXT [COUNT]\n");
		return 2;
	}
	while (count--) {
		char text[B2B_NAME_SIZE] = "";
		int answer;

		if (argv[2][0] == '#')
			snprintf(text, sizeof(text), "x%lu%s", count, argv[2] + 1);
		answer = ask((uint16_t)type, *text ? text : argv[2]);

		if (answer < 0)
			closed++;
		else
			answers[answer]++;
	}
	for (int i = 0; i < REASONS; i++)
		if (answers[i])
			printf("%u %s\n", answers[i], codes[i] ? codes[i] : "?");
	if (closed)
		printf("%u closed\n", closed);
	return 0;
}
