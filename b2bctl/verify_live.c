#include <errno.h>

#include "b2bctl/verify.h"
#include "common/clock.h"
#include "common/live_map.h"

/* Words are revocations: nobody is told to throw them away lightly. */
#define MEND "stop b2bd, put back a copy of it, or without one remove it and reboot: b2bd makes it anew, but processes keep the one they mapped"
#define TIMES_MEND "no session is opened until b2bd has stored it anew, which it does every second while it runs"

static void judge_whose(struct b2b_verify *verify, const struct b2b_cache_file *file, const struct b2b_format_live *header,
                        const struct b2b_policy_org *org)
{
	if (strncmp(header->org_id, org->id, sizeof(header->org_id)) != 0)
		b2b_verify_fault(verify, file->name, offsetof(struct b2b_format_live, org_id), "org_id: the file is another organisation's", MEND);
	if (header->range_lo != org->range_lo || header->range_hi != org->range_hi)
		b2b_verify_fault(verify, file->name, offsetof(struct b2b_format_live, range_lo), "range: the index has another, and a range never changes",
		                 "put the range back in the configuration, then b2bctl policy apply");
}

static void judge_filling(struct b2b_verify *verify, const struct b2b_cache_file *file, const struct b2b_format_live *header)
{
	if (header->head.version != B2B_FORMAT_VERSION) {
		b2b_verify_note(verify, file->name, offsetof(struct b2b_format_head, version),
		                "another version made it; what a reader of this one looks at is right", "nothing");
		return;
	}
	if (header->head.min_reader != B2B_FORMAT_MIN_READER)
		b2b_verify_fault(verify, file->name, offsetof(struct b2b_format_head, min_reader), "min_reader: not that of this version", MEND);
	if (header->head.header_size != sizeof(*header))
		b2b_verify_fault(verify, file->name, offsetof(struct b2b_format_head, header_size), "header_size: not that of this version", MEND);
	b2b_verify_zero(verify, file, offsetof(struct b2b_format_head, generation), offsetof(struct b2b_format_head, header_size), MEND);
	b2b_verify_zero(verify, file, offsetof(struct b2b_format_head, reserved), offsetof(struct b2b_format_live, org_id), MEND);
	b2b_verify_zero(verify, file, offsetof(struct b2b_format_live, org_id) + strnlen(header->org_id, sizeof(header->org_id)),
	                offsetof(struct b2b_format_live, range_lo), MEND);
	b2b_verify_zero(verify, file, offsetof(struct b2b_format_live, pad1), offsetof(struct b2b_format_live, org_word), MEND);
	b2b_verify_zero(verify, file, offsetof(struct b2b_format_live, pad2), offsetof(struct b2b_format_live, generation), MEND);
	b2b_verify_zero(verify, file, offsetof(struct b2b_format_live, pad3), offsetof(struct b2b_format_live, heartbeat_ns), MEND);
	b2b_verify_zero(verify, file, sizeof(*header), B2B_LIVE_WORDS_AT, MEND);
}

/* Times of another boot mean nothing, and readers know. */
static void judge_times(struct b2b_verify *verify, const struct b2b_cache_file *file, const struct b2b_format_live *header)
{
	uint8_t boot_id[sizeof(header->boot_id)];

	if (b2b_boot_id(boot_id) < 0 || memcmp(boot_id, header->boot_id, sizeof(boot_id)) != 0)
		return;
	if (header->heartbeat_ns > b2b_now_ns())
		b2b_verify_fault(verify, file->name, offsetof(struct b2b_format_live, heartbeat_ns), "heartbeat: it is to come yet", TIMES_MEND);
	if (header->verified_ns > b2b_now_ns())
		b2b_verify_fault(verify, file->name, offsetof(struct b2b_format_live, verified_ns), "lease: it is to come yet", TIMES_MEND);
}

static void judge_word(struct b2b_verify *verify, const struct b2b_cache_file *file, uint64_t at, uint32_t word)
{
	if (B2B_LIVE_STATE(word) > B2B_LIVE_CLOSED)
		b2b_verify_fault(verify, file->name, at, "word: a state that nobody stores, which readers take for closed", "restart b2bd: it stores every word");
}

static void judge_words(struct b2b_verify *verify, const struct b2b_cache_file *file, const struct b2b_format_live *header)
{
	uint32_t n = header->range_hi - header->range_lo + 1;

	judge_word(verify, file, offsetof(struct b2b_format_live, org_word), header->org_word);
	for (uint32_t i = 0; i < n; i++)
		judge_word(verify, file, B2B_LIVE_WORDS_AT + (uint64_t)i * sizeof(uint32_t), ((const uint32_t *)(const void *)(file->bytes + B2B_LIVE_WORDS_AT))[i]);
}

void b2b_verify_live(struct b2b_verify *verify, int org, struct b2b_cache_file *ret_live)
{
	const struct b2b_policy_org *of = &verify->policy->orgs[org];
	struct b2b_finding finding = { 0 };
	char name[B2B_CACHE_FILE_NAME];
	struct b2b_format_live header = { 0 };
	int r;

	snprintf(name, sizeof(name), "live/%s", of->id);
	r = b2b_cache_file_read(verify->ctl->cache_dir, name, b2b_live_size(0, B2B_RANGE_MAX - 1), ret_live, &finding);
	if (r < 0) {
		b2b_verify_unread(verify, name, r, &finding, r == -ENOENT ? "restart b2bd: it makes one" : MEND);
		return;
	}
	b2b_verify_owner(verify, name, &ret_live->st);
	b2b_verify_partner_acl(verify, name, ret_live->fd, org, true, 4);
	b2b_copy(&header, ret_live->bytes, ret_live->size < sizeof(header) ? ret_live->size : sizeof(header));
	if (!b2b_format_live_valid(&header, ret_live->size, &finding)) {
		b2b_verify_unread(verify, name, b2b_format_head_newer(&header.head, B2B_MAGIC_LIVE) ? -EPROTONOSUPPORT : -EBADMSG, &finding, MEND);
		b2b_cache_file_clear(ret_live);
		return;
	}
	judge_whose(verify, ret_live, &header, of);
	judge_filling(verify, ret_live, &header);
	judge_times(verify, ret_live, &header);
	judge_words(verify, ret_live, &header);
	if (header.range_lo != of->range_lo || header.range_hi != of->range_hi)
		b2b_cache_file_clear(ret_live);
}
