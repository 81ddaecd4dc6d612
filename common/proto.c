/* The packets themselves: sizes and well-formedness, for both ends. */
#include "common/proto.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Where a body holds strings: offset and room of each. */
struct text {
	uint16_t offset, size;
};

#define TEXT(type, field) { offsetof(struct type, field), sizeof(((struct type *)0)->field) }
#define ORIGIN(type, at)                                                                                                   \
	TEXT(type, at.user), TEXT(type, at.service), TEXT(type, at.tty), TEXT(type, at.rhost), TEXT(type, at.ruser)

static const struct text name_texts[] = { TEXT(b2b_ask_name, name), { 0, 0 } };
static const struct text keys_texts[] = { TEXT(b2b_ask_keys, name), { 0, 0 } };
static const struct text auth_texts[] = { ORIGIN(b2b_ask_auth, origin), { 0, 0 } };
static const struct text recent_texts[] = { ORIGIN(b2b_ask_recent, origin), TEXT(b2b_ask_recent, key), { 0, 0 } };
static const struct text account_texts[] = { ORIGIN(b2b_ask_account, origin), TEXT(b2b_ask_account, ticket), { 0, 0 } };
static const struct text open_texts[] = { ORIGIN(b2b_ask_open, origin), TEXT(b2b_ask_open, ticket), { 0, 0 } };
static const struct text open_ssh_texts[] = { ORIGIN(b2b_ask_open_ssh, open.origin), TEXT(b2b_ask_open_ssh, open.ticket),
	                                      TEXT(b2b_ask_open_ssh, keys), { 0, 0 } };
static const struct text command_texts[] = { ORIGIN(b2b_ask_command, origin), TEXT(b2b_ask_command, as_user), TEXT(b2b_ask_command, path),
	                                     TEXT(b2b_ask_command, runas), TEXT(b2b_ask_command, directory), TEXT(b2b_ask_command, text), { 0, 0 } };
static const struct text control_texts[] = { TEXT(b2b_ask_control, verb), TEXT(b2b_ask_control, argument), { 0, 0 } };
static const struct text answer_texts[] = { TEXT(b2b_ask_answer, text), { 0, 0 } };
static const struct text question_texts[] = { TEXT(b2b_say_question, text), { 0, 0 } };
static const struct text prompt_texts[] = { TEXT(b2b_say_prompt, text), { 0, 0 } };
static const struct text decision_texts[] = { TEXT(b2b_say_decision, ticket), TEXT(b2b_say_decision, audit_id),
	                                      TEXT(b2b_say_decision, message), { 0, 0 } };
static const struct text no_texts[] = { { 0, 0 } };

_Static_assert(sizeof(struct b2b_ask_open_ssh) <= sizeof(struct b2b_say_text), "the largest packet is as B2B_PACKET_MAX says");

struct body {
	uint32_t size;
	const struct text *texts; /* up to size 0 */
};

static struct body body_of(uint16_t type)
{
	switch (type) {
	case B2B_ASK_NAME:
		return (struct body){ sizeof(struct b2b_ask_name), name_texts };
	case B2B_ASK_AUTH:
		return (struct body){ sizeof(struct b2b_ask_auth), auth_texts };
	case B2B_ASK_RESULT:
		return (struct body){ sizeof(struct b2b_ask_result), no_texts };
	case B2B_ASK_ACCOUNT:
		return (struct body){ sizeof(struct b2b_ask_account), account_texts };
	case B2B_ASK_OPEN:
		return (struct body){ sizeof(struct b2b_ask_open), open_texts };
	case B2B_ASK_OPEN_SSH:
		return (struct body){ sizeof(struct b2b_ask_open_ssh), open_ssh_texts };
	case B2B_ASK_CLOSE:
		return (struct body){ sizeof(struct b2b_ask_close), no_texts };
	case B2B_ASK_CONTROL:
		return (struct body){ sizeof(struct b2b_ask_control), control_texts };
	case B2B_ASK_KEYS:
		return (struct body){ sizeof(struct b2b_ask_keys), keys_texts };
	case B2B_ASK_ANSWER:
		return (struct body){ sizeof(struct b2b_ask_answer), answer_texts };
	case B2B_ASK_COMMAND:
		return (struct body){ sizeof(struct b2b_ask_command), command_texts };
	case B2B_ASK_RECENT:
		return (struct body){ sizeof(struct b2b_ask_recent), recent_texts };
	case B2B_SAY_NAME:
		return (struct body){ sizeof(struct b2b_say_name), no_texts };
	case B2B_SAY_WAIT:
		return (struct body){ sizeof(struct b2b_say_wait), no_texts };
	case B2B_SAY_PROMPT:
		return (struct body){ sizeof(struct b2b_say_prompt), prompt_texts };
	case B2B_SAY_DECISION:
		return (struct body){ sizeof(struct b2b_say_decision), decision_texts };
	case B2B_SAY_TEXT:
		return (struct body){ sizeof(struct b2b_say_text), no_texts };
	case B2B_SAY_QUESTION:
		return (struct body){ sizeof(struct b2b_say_question), question_texts };
	case B2B_SAY_RESERVED:
		return (struct body){ sizeof(struct b2b_say_reserved), no_texts };
	default:
		return (struct body){ 0, no_texts };
	}
}

uint32_t b2b_body_size(uint16_t type)
{
	return body_of(type).size;
}

static bool texts_end(const unsigned char *body, const struct text *text)
{
	for (; text->size; text++) {
		if (!memchr(body + text->offset, '\0', text->size))
			return false;
	}
	return true;
}

int b2b_packet_check(const void *packet, size_t size)
{
	const struct b2b_packet_head *head = packet;
	const unsigned char *bytes = packet;
	struct body body;

	if (size < sizeof(*head) || head->version != B2B_PROTO_VERSION)
		return -EBADMSG;
	body = body_of(head->type);
	if (!body.size || head->length != body.size || size != sizeof(*head) + body.size)
		return -EBADMSG;
	if (!texts_end(bytes + sizeof(*head), body.texts))
		return -EBADMSG;
	if (head->type == B2B_SAY_TEXT && ((const struct b2b_say_text *)(bytes + sizeof(*head)))->length > B2B_TEXT_SIZE)
		return -EBADMSG;
	return 0;
}
