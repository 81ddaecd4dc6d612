/* What the guard takes from the agent, and what it reads in /proc: names of processes are anybody's choice. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/guard/message.h"
#include "b2bd/guard/proc.h"
#include "b2bd/guard/tell.h"

static struct b2b_policy_org orgs[2] = {
	{ .id = "42c3e9", .alias = "acme", .parent = -1, .range_lo = 0x78000000u, .range_hi = 0x7800ffffu },
	{ .id = "7be10a", .alias = "emea.acme", .parent = 0, .range_lo = 0x78010000u, .range_hi = 0x7801ffffu },
};
static const struct b2b_policy policy = { .orgs = orgs, .n_orgs = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_message(const uint8_t *data, size_t size)
{
	struct b2b_guard_message message;
	char line[B2B_TELL_SIZE];
	size_t len;

	if (b2b_guard_message_check(data, size, size % 2 == 0, &policy, &message) < 0)
		return;
	/* Whatever it was: what is accepted names an organisation of the policy, nobody outside it, and never PID 1. */
	assert(message.org == 0 || message.org == 1);
	if (message.type != B2B_GUARD_END)
		return;
	if (message.scope != B2B_SCOPE_ORG)
		assert(message.uid > orgs[message.org].range_lo && message.uid <= orgs[message.org].range_hi);
	assert(message.scope != B2B_SCOPE_SESSION || message.pid > 1);
	len = b2b_tell_format(line, message.message, message.audit_id);
	assert(len == strlen(line) && len < sizeof(line));
	for (size_t i = 3; i + 2 < len; i++)
		assert((unsigned char)line[i] >= 0x20 && line[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t packet[B2B_GUARD_PACKET] = { 0 };
	struct b2b_process process = { 0 };
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (b2b_process_parse_stat(text, &process) == 0)
		assert(process.pid > 0 && process.state);
	(void)b2b_process_parse_uids(text, process.uids);
	(void)b2b_process_parse_slice(text);
	free(text);
	memcpy(packet, data, size < sizeof(packet) ? size : sizeof(packet));
	check_message(data, size);
	check_message(packet, sizeof(packet));
	return 0;
}
