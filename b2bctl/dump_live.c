#include <errno.h>

#include "b2bctl/dump.h"
#include "common/clock.h"
#include "common/live_map.h"

static json_t *age_ms(uint64_t then_ns)
{
	uint64_t now_ns = b2b_now_ns();

	return then_ns == 0 || then_ns > now_ns ? json_null() : json_integer((json_int_t)((now_ns - then_ns) / B2B_NS_PER_MS));
}

/* Of another boot, or none: they say nothing about now. */
static void dump_times(json_t *object, const struct b2b_format_live *header)
{
	uint8_t boot_id[sizeof(header->boot_id)];
	bool now = b2b_boot_id(boot_id) == 0 && memcmp(boot_id, header->boot_id, sizeof(boot_id)) == 0;

	json_object_set_new(object, "this_boot", json_boolean(now));
	json_object_set_new(object, "heartbeat_age_ms", now ? age_ms(header->heartbeat_ns) : json_null());
	json_object_set_new(object, "lease_age_ms", now ? age_ms(header->verified_ns) : json_null());
}

static void dump_words(const struct b2b_dump *dump, json_t *object, const struct b2b_cache_file *file, const struct b2b_format_live *header)
{
	const uint32_t *words = (const uint32_t *)(const void *)(file->bytes + B2B_LIVE_WORDS_AT);
	json_int_t counts[B2B_LIVE_CLOSED + 2] = { 0 };
	json_t *list = dump->ctl->words ? json_array() : NULL;

	for (uint32_t i = 0; i <= header->range_hi - header->range_lo; i++) {
		uint32_t state = B2B_LIVE_STATE(words[i]);
		json_t *word;

		counts[state <= B2B_LIVE_CLOSED ? state : B2B_LIVE_CLOSED + 1]++;
		if (!list || words[i] == 0)
			continue;
		word = b2b_dump_word(words[i]);
		json_object_set_new(word, "id", json_integer((json_int_t)header->range_lo + i));
		json_array_append_new(list, word);
	}
	json_object_set_new(object, "words", json_pack("{s:I, s:I, s:I, s:I}", "open", counts[B2B_LIVE_OPEN], "closed", counts[B2B_LIVE_CLOSED], "empty",
	                                               counts[B2B_LIVE_EMPTY], "unknown", counts[B2B_LIVE_CLOSED + 1]));
	if (list)
		json_object_set_new(object, "list", list);
}

static bool of_org(const struct b2b_format_live *header, const struct b2b_dump_org *org, struct b2b_finding *ret_finding)
{
	if (strncmp(header->org_id, org->id, sizeof(header->org_id)) != 0)
		return b2b_find(ret_finding, offsetof(struct b2b_format_live, org_id), "org_id: the file is another organisation's");
	if (header->range_lo != org->range_lo || header->range_hi != org->range_hi)
		return b2b_find(ret_finding, offsetof(struct b2b_format_live, range_lo), "range: not the one that the organisation has");
	return true;
}

json_t *b2b_dump_live(struct b2b_dump *dump, const struct b2b_dump_org *org, struct b2b_cache_file *ret_live)
{
	struct b2b_format_live header = { 0 };
	struct b2b_finding finding = { 0 };
	char name[B2B_CACHE_FILE_NAME];
	json_t *object;
	int r;

	snprintf(name, sizeof(name), "live/%s", org->id);
	object = b2b_dump_object(name);
	r = b2b_cache_file_read(dump->ctl->cache_dir, name, b2b_live_size(0, B2B_RANGE_MAX - 1), ret_live, &finding);
	if (r < 0) {
		b2b_dump_unread(dump, object, r, &finding);
		return object;
	}
	b2b_copy(&header, ret_live->bytes, ret_live->size < sizeof(header) ? ret_live->size : sizeof(header));
	b2b_dump_head(object, &header.head);
	if (!b2b_format_live_valid(&header, ret_live->size, &finding) || !of_org(&header, org, &finding)) {
		b2b_dump_unread(dump, object, -EBADMSG, &finding);
		b2b_cache_file_clear(ret_live);
		return object;
	}
	json_object_set_new(object, "generation", json_integer((json_int_t)header.generation));
	json_object_set_new(object, "org_word", b2b_dump_word(header.org_word));
	dump_times(object, &header);
	dump_words(dump, object, ret_live, &header);
	return object;
}
