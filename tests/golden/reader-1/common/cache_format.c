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

bool b2b_format_head_valid(const struct b2b_format_head *head, const char *magic, size_t size, size_t header, struct b2b_finding *ret_finding)
{
	if (size < header)
		return b2b_find(ret_finding, size, "the file ends within its header");
	if (memcmp(head->magic, magic, sizeof(head->magic)) != 0)
		return b2b_find(ret_finding, offsetof(struct b2b_format_head, magic), "magic: this is a file of another kind");
	if (head->endian != B2B_FORMAT_ENDIAN)
		return b2b_find(ret_finding, offsetof(struct b2b_format_head, endian), "endian: the file is of a host with another byte order");
	if (head->version < 1)
		return b2b_find(ret_finding, offsetof(struct b2b_format_head, version), "version: there is none such");
	if (head->min_reader > B2B_FORMAT_VERSION)
		return b2b_find(ret_finding, offsetof(struct b2b_format_head, min_reader), "min_reader: a newer version made it, and this one cannot read it");
	if (head->size != size)
		return b2b_find(ret_finding, offsetof(struct b2b_format_head, size), "size: it is not that of the file");
	if (head->header_size < header || head->header_size > size)
		return b2b_find(ret_finding, offsetof(struct b2b_format_head, header_size), "header_size: too short for a header, or longer than the file");
	return true;
}

bool b2b_format_head_newer(const struct b2b_format_head *head, const char *magic)
{
	return memcmp(head->magic, magic, sizeof(head->magic)) == 0 && head->endian == B2B_FORMAT_ENDIAN &&
	       head->version > B2B_FORMAT_VERSION && head->min_reader > B2B_FORMAT_VERSION;
}

bool b2b_format_snapshot_valid(const struct b2b_format_snapshot *snapshot, size_t size, struct b2b_finding *ret_finding)
{
	const struct b2b_format_head *head = &snapshot->head;

	if (!b2b_format_head_valid(head, B2B_MAGIC_SNAPSHOT, size, sizeof(*snapshot), ret_finding))
		return false;
	if (snapshot->range_hi < snapshot->range_lo || snapshot->range_hi - snapshot->range_lo >= B2B_RANGE_MAX)
		return b2b_find(ret_finding, offsetof(struct b2b_format_snapshot, range_lo), "range: it is none, or too large");
	if (snapshot->n_ids > snapshot->range_hi - snapshot->range_lo + 1)
		return b2b_find(ret_finding, offsetof(struct b2b_format_snapshot, n_ids), "n_ids: there are fewer ids in the range");
	if (snapshot->hash_size < 1 || (snapshot->hash_size & (snapshot->hash_size - 1)) != 0)
		return b2b_find(ret_finding, offsetof(struct b2b_format_snapshot, hash_size), "hash_size: it is no power of two");
	if (!b2b_format_table_fits(snapshot->hash_at, snapshot->hash_size, sizeof(struct b2b_format_name), head))
		return b2b_find(ret_finding, offsetof(struct b2b_format_snapshot, hash_at), "hash_at: the table of names does not lie in the file");
	if (!b2b_format_table_fits(snapshot->ids_at, snapshot->n_ids, sizeof(uint32_t), head))
		return b2b_find(ret_finding, offsetof(struct b2b_format_snapshot, ids_at), "ids_at: the table of ids does not lie in the file");
	if (!b2b_format_table_fits(snapshot->lists_at, snapshot->n_lists, sizeof(uint32_t), head))
		return b2b_find(ret_finding, offsetof(struct b2b_format_snapshot, lists_at), "lists_at: the lists do not lie in the file");
	if (!b2b_format_table_fits(snapshot->records_at, snapshot->records_size, 1, head))
		return b2b_find(ret_finding, offsetof(struct b2b_format_snapshot, records_at), "records_at: the records do not lie in the file");
	return true;
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
