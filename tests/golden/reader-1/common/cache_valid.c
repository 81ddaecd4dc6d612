/* Of that version's index_codec.c and live.c what its reader calls. */
#include "common/cache_format.h"
#include "common/live_map.h"

static bool index_counts_valid(const struct b2b_format_index *index, struct b2b_finding *ret_finding)
{
	if (index->n_orgs > B2B_ORGS_MAX)
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, n_orgs), "n_orgs: too many organisations");
	if (index->n_roles > B2B_ROLES_MAX)
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, n_roles), "n_roles: too many roles");
	if (index->n_services > B2B_SERVICES_MAX)
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, n_services), "n_services: too many services");
	if (index->n_shells < 1 || index->n_shells > B2B_SHELLS_MAX)
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, n_shells), "n_shells: no shell, or too many");
	if (index->home[B2B_PATH_SIZE - 1] != '\0')
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, home), "home: it does not end");
	if (index->separator == '\0' || !strchr(B2B_SEPARATORS, index->separator))
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, separator), "separator: it may not be one");
	if (index->hash_size <= index->n_orgs || index->hash_size > B2B_INDEX_HASH_MAX || (index->hash_size & (index->hash_size - 1)) != 0)
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, hash_size), "hash_size: no power of two above n_orgs, or too large");
	return true;
}

bool b2b_format_index_valid(const struct b2b_format_index *index, size_t size, struct b2b_finding *ret_finding)
{
	const struct b2b_format_head *head = &index->head;

	if (!b2b_format_head_valid(head, B2B_MAGIC_INDEX, size, sizeof(*index), ret_finding) || !index_counts_valid(index, ret_finding))
		return false;
	if (!b2b_format_table_fits(index->hash_at, index->hash_size, sizeof(uint32_t), head))
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, hash_at), "hash_at: the table of aliases does not lie in the file");
	if (!b2b_format_table_fits(index->ranges_at, index->n_orgs, sizeof(struct b2b_format_range), head))
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, ranges_at), "ranges_at: the ranges do not lie in the file");
	if (!b2b_format_table_fits(index->orgs_at, index->n_orgs, sizeof(struct b2b_format_org), head))
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, orgs_at), "orgs_at: the organisations do not lie in the file");
	if (!b2b_format_table_fits(index->roles_at, index->n_roles, sizeof(struct b2b_format_role), head))
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, roles_at), "roles_at: the roles do not lie in the file");
	if (!b2b_format_table_fits(index->services_at, index->n_services, sizeof(struct b2b_format_service), head))
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, services_at), "services_at: the services do not lie in the file");
	if (!b2b_format_table_fits(index->shells_at, index->n_shells, B2B_PATH_SIZE, head))
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, shells_at), "shells_at: the shells do not lie in the file");
	return true;
}

bool b2b_format_live_valid(const struct b2b_format_live *header, size_t size, struct b2b_finding *ret_finding)
{
	if (!b2b_format_head_valid(&header->head, B2B_MAGIC_LIVE, size, sizeof(*header), ret_finding))
		return false;
	if (header->head.header_size > B2B_LIVE_WORDS_AT)
		return b2b_find(ret_finding, offsetof(struct b2b_format_head, header_size), "header_size: the header reaches into the words");
	if (header->range_lo > header->range_hi || header->range_hi - header->range_lo >= B2B_RANGE_MAX)
		return b2b_find(ret_finding, offsetof(struct b2b_format_live, range_lo), "range: it is none, or too large");
	if (size != b2b_live_size(header->range_lo, header->range_hi))
		return b2b_find(ret_finding, offsetof(struct b2b_format_live, range_hi), "range: the file has not a word for each of its ids");
	return true;
}
