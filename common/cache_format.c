#include "common/cache_format.h"

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool b2b_org_id_valid(const char *text)
{
	size_t len = strnlen(text, B2B_ID_SIZE);

	if (len == 0 || len >= B2B_ID_SIZE || !is_alnum(text[0]))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!is_alnum(text[i]) && text[i] != '.' && text[i] != '_' && text[i] != '-')
			return false;
	return true;
}

bool b2b_format_table_fits(uint64_t at, uint64_t count, uint64_t entry, const struct b2b_format_head *head)
{
	/* Counts and entries come from 32-bit fields: their product cannot wrap. */
	return at % 8 == 0 && at >= head->header_size && at <= head->size && count * entry <= head->size - at;
}

bool b2b_format_head_valid(const struct b2b_format_head *head, const char *magic, size_t size, size_t header)
{
	return size >= header && memcmp(head->magic, magic, sizeof(head->magic)) == 0 && head->endian == B2B_FORMAT_ENDIAN &&
	       head->version >= 1 && head->min_reader <= B2B_FORMAT_VERSION && head->size == size &&
	       head->header_size >= header && head->header_size <= size;
}

void b2b_format_head_init(struct b2b_format_head *head, const char *magic, uint64_t size, uint64_t generation, uint32_t header)
{
	memset(head, 0, sizeof(*head));
	memcpy(head->magic, magic, sizeof(head->magic));
	head->endian = B2B_FORMAT_ENDIAN;
	head->version = B2B_FORMAT_VERSION;
	head->min_reader = B2B_FORMAT_MIN_READER;
	head->size = size;
	head->generation = generation;
	head->header_size = header;
}
