/* Any packet whatever: what is taken for whole has its type's size and ended strings. */
#include <stdlib.h>
#include <string.h>

#include "common/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void touch_origin(const struct b2b_origin *origin)
{
	if (strlen(origin->user) >= sizeof(origin->user) || strlen(origin->service) >= sizeof(origin->service) ||
	    strlen(origin->tty) >= sizeof(origin->tty) || strlen(origin->rhost) >= sizeof(origin->rhost) ||
	    strlen(origin->ruser) >= sizeof(origin->ruser))
		abort();
}

static void touch(uint16_t type, const void *body)
{
	const struct b2b_say_decision *decision = body;
	const struct b2b_say_text *text = body;

	switch (type) {
	case B2B_ASK_AUTH:
	case B2B_ASK_ACCOUNT:
	case B2B_ASK_OPEN:
	case B2B_ASK_OPEN_SSH:
	case B2B_ASK_COMMAND:
		touch_origin(body); /* the first member of each */
		break;
	case B2B_SAY_PROMPT:
		if (strlen(((const struct b2b_say_prompt *)body)->text) >= B2B_PROMPT_SIZE)
			abort();
		break;
	case B2B_SAY_QUESTION:
		if (strlen(((const struct b2b_say_question *)body)->text) >= B2B_MESSAGE_SIZE)
			abort();
		break;
	case B2B_ASK_ANSWER:
		if (strlen(((const struct b2b_ask_answer *)body)->text) >= B2B_ANSWER_SIZE)
			abort();
		break;
	case B2B_SAY_DECISION:
		if (strlen(decision->ticket) >= B2B_TICKET_SIZE || strlen(decision->audit_id) >= B2B_AUDIT_ID_SIZE ||
		    strlen(decision->message) >= B2B_MESSAGE_SIZE)
			abort();
		break;
	case B2B_SAY_TEXT:
		if (text->length > B2B_TEXT_SIZE)
			abort();
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct b2b_packet_head head;
	uint8_t *packet = malloc(size ? size : 1); /* of exactly this size, so that reading past it is seen */

	if (!packet)
		return 0;
	if (size)
		memcpy(packet, data, size);
	if (b2b_packet_check(packet, size) == 0) {
		memcpy(&head, packet, sizeof(head));
		if (head.length != b2b_body_size(head.type) || size != sizeof(head) + head.length)
			abort();
		touch(head.type, packet + sizeof(head));
	}
	free(packet);
	return 0;
}
