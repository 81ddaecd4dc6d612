#include "common/snapshot_roster.h"

#include "common/snapshot.h"

void b2b_suffix_init(struct b2b_suffix *suffix, char separator, const char *alias)
{
	memset(suffix, 0, sizeof(*suffix));
	suffix->text[0] = separator;
	memcpy(suffix->text + 1, alias, strlen(alias));
	suffix->size = strlen(alias) + 2;
}

/* Records, one after the other, by where they begin. */
static const struct b2b_format_record *record_at(const void *image, const struct b2b_format_snapshot *header, uint64_t at)
{
	return (const struct b2b_format_record *)((const unsigned char *)image + header->records_at + at);
}

static uint64_t behind(const struct b2b_format_record *record, uint64_t at)
{
	return at + b2b_record_whole(record->n_local, record->n_gecos, record->n_list);
}

static const uint32_t *list_of(const void *image, const struct b2b_format_snapshot *header, const struct b2b_format_record *group)
{
	return (const uint32_t *)(const void *)((const unsigned char *)image + header->lists_at) + group->list;
}

static const struct b2b_format_record *member_at(const void *image, const struct b2b_format_snapshot *header, uint32_t ref)
{
	return record_at(image, header, ((uint64_t)ref - 1) * 8);
}

static uint64_t rounded(uint64_t size)
{
	return (size + 7) & ~7ull;
}

static uint64_t measure(const void *image, const struct b2b_suffix *suffix, const struct b2b_format_snapshot *header,
                        const struct b2b_format_record *group)
{
	const uint32_t *list = list_of(image, header, group);
	uint64_t size = sizeof(struct b2b_format_roster) + group->n_list * (1 + suffix->size);

	for (uint32_t i = 0; i < group->n_list; i++)
		size += member_at(image, header, list[i])->n_local;
	return rounded(size);
}

uint64_t b2b_rosters_place(const void *image, const struct b2b_suffix *suffix, struct b2b_format_snapshot *header)
{
	uint64_t size = 0;

	for (uint64_t at = 0; at < header->records_size; at = behind(record_at(image, header, at), at))
		if (record_at(image, header, at)->kind == B2B_RECORD_GROUP)
			size += measure(image, suffix, header, record_at(image, header, at));
	header->n_rosters = header->n_groups;
	header->rosters_at = header->records_at + header->records_size;
	header->roster_data_at = header->rosters_at + header->n_rosters * (uint32_t)sizeof(struct b2b_format_roster_place);
	if (header->roster_data_at + size > B2B_SNAPSHOT_MAX)
		return 0;
	header->roster_data_size = (uint32_t)size;
	return header->roster_data_at + size;
}

static uint32_t write_one(const void *image, const struct b2b_suffix *suffix, const struct b2b_format_snapshot *header,
                          const struct b2b_format_record *group, unsigned char *data)
{
	struct b2b_format_roster *roster = (struct b2b_format_roster *)(void *)data;
	const uint32_t *list = list_of(image, header, group);
	unsigned char *sizes = data + sizeof(*roster);
	char *text = (char *)sizes + group->n_list, *at = text;

	for (uint32_t i = 0; i < group->n_list; i++) {
		const struct b2b_format_record *user = member_at(image, header, list[i]);

		sizes[i] = (uint8_t)(user->n_local + suffix->size);
		memcpy(at, user + 1, user->n_local);
		memcpy(at + user->n_local, suffix->text, suffix->size);
		at += sizes[i];
	}
	roster->n = group->n_list;
	roster->size = (uint32_t)(at - text);
	return (uint32_t)rounded((uint64_t)((unsigned char *)at - data));
}

void b2b_rosters_write(const void *image, const struct b2b_suffix *suffix, const struct b2b_format_snapshot *header, void *to)
{
	struct b2b_format_roster_place *place = to;
	unsigned char *data = (unsigned char *)to + (header->roster_data_at - header->rosters_at);
	uint32_t size = 0;

	for (uint64_t at = 0; at < header->records_size; at = behind(record_at(image, header, at), at)) {
		const struct b2b_format_record *record = record_at(image, header, at);

		if (record->kind != B2B_RECORD_GROUP)
			continue;
		*place++ = (struct b2b_format_roster_place){ .offset = record->offset, .at = size };
		size += write_one(image, suffix, header, record, data + size);
	}
}
