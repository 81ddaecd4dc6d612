#include "tests/fuzz/reader/facts.h"

#include <string.h>

#include "common/cache_format.h"

#define HEADERS_MAX 64
#define ORGS_SEEN_MAX 1024
#define GRANTS_SEEN_MAX 64

/* The roles of one state of the index. */
struct grants {
	uint32_t n;
	struct b2b_format_role roles[B2B_ROLES_MAX];
};

static const unsigned char *bytes; /* the index as it is now */
static size_t n_bytes;
static struct b2b_format_index headers[HEADERS_MAX];
static size_t n_headers;
static struct b2b_format_org orgs[ORGS_SEEN_MAX];
static size_t n_orgs;
static struct grants grants[GRANTS_SEEN_MAX];
static size_t n_grants;
static bool snapshot_changed;
static bool too_many; /* states in one run: anything may be said then */

void facts_reset(void)
{
	n_headers = n_orgs = n_grants = 0;
	too_many = snapshot_changed = false;
}

void facts_snapshot_changed(void)
{
	snapshot_changed = true;
}

bool facts_rosters(void)
{
	return !snapshot_changed;
}

/* The entry NUMBER of SIZE bytes of the table at TABLE, or zeros where the file has ended. */
static void entry_at(uint64_t table, uint64_t number, void *entry, size_t size)
{
	uint64_t at = table + number * size;

	memset(entry, 0, size);
	if (at <= n_bytes && size <= n_bytes - at)
		memcpy(entry, bytes + at, size);
}

static void add_org(const struct b2b_format_org *org)
{
	for (size_t i = 0; i < n_orgs; i++)
		if (memcmp(&orgs[i], org, sizeof(*org)) == 0)
			return;
	if (n_orgs < ORGS_SEEN_MAX)
		orgs[n_orgs++] = *org;
	else
		too_many = true;
}

static void add_roles(const struct b2b_format_index *header)
{
	struct grants *new = &grants[n_grants];

	if (n_grants == GRANTS_SEEN_MAX) {
		too_many = true;
		return;
	}
	new->n = header->n_roles < B2B_ROLES_MAX ? header->n_roles : B2B_ROLES_MAX;
	for (uint32_t i = 0; i < new->n; i++)
		entry_at(header->roles_at, i, &new->roles[i], sizeof(new->roles[i]));
	for (size_t i = 0; i < n_grants; i++)
		if (grants[i].n == new->n && memcmp(grants[i].roles, new->roles, new->n * sizeof(new->roles[0])) == 0)
			return;
	n_grants++;
}

/* The tables where HEADER says, as they are now: who has an older header reads the newer tables. */
static void gather(const struct b2b_format_index *header)
{
	struct b2b_format_org org;

	for (uint32_t i = 0; i < header->n_orgs && i <= n_bytes / sizeof(org); i++) {
		entry_at(header->orgs_at, i, &org, sizeof(org));
		if (org.range_lo >= B2B_RANGE_FIRST && org.range_hi <= B2B_RANGE_LAST && memchr(org.alias, 0, sizeof(org.alias)))
			add_org(&org);
	}
	add_roles(header);
}

void facts_index(void)
{
	struct b2b_format_index header;
	bool known = false;

	bytes = disk_bytes(DISK_INDEX, &n_bytes);
	entry_at(0, 0, &header, sizeof(header));
	if (n_bytes < sizeof(header) || header.head.magic[0] != B2B_MAGIC_INDEX[0])
		memset(&header, 0, sizeof(header));
	for (size_t i = 0; i < n_headers; i++)
		known |= memcmp(&headers[i], &header, sizeof(header)) == 0;
	if (!known && n_headers < HEADERS_MAX)
		headers[n_headers++] = header;
	else if (!known)
		too_many = true;
	for (size_t i = 0; i < n_headers; i++)
		gather(&headers[i]);
}

static bool is_alias(const struct b2b_format_org *org, const char *alias)
{
	return strncmp(org->alias, alias, sizeof(org->alias)) == 0;
}

bool facts_id(const char *alias, uint32_t id)
{
	for (size_t i = 0; i < n_orgs; i++)
		if (is_alias(&orgs[i], alias) && id >= orgs[i].range_lo && id <= orgs[i].range_hi)
			return true;
	return too_many;
}

bool facts_first(const char *alias, uint32_t id)
{
	for (size_t i = 0; i < n_orgs; i++)
		if (is_alias(&orgs[i], alias) && id == orgs[i].range_lo)
			return true;
	return too_many;
}

/* A role that MASK holds, in any state, with GID. */
static bool gives(uint64_t mask, uint32_t gid)
{
	for (size_t state = 0; state < n_grants; state++)
		for (uint32_t i = 0; i < grants[state].n; i++) {
			const struct b2b_format_role *role = &grants[state].roles[i];

			for (uint32_t k = 0; (mask & 1ull << i) && role->n_gids <= B2B_ROLE_GIDS_MAX && k < role->n_gids; k++)
				if (role->gids[k] == gid)
					return true;
		}
	return false;
}

bool facts_newcomer(const char *alias, uint32_t id)
{
	for (size_t i = 0; i < n_orgs; i++)
		if (is_alias(&orgs[i], alias) && id > orgs[i].range_lo && id <= orgs[i].range_hi)
			return true;
	return too_many;
}

bool facts_local_gid(const char *alias, uint32_t gid)
{
	for (size_t i = 0; i < n_orgs; i++)
		if (is_alias(&orgs[i], alias) && gives(orgs[i].roles, gid))
			return true;
	return too_many;
}

bool facts_partners(uint32_t gid)
{
	for (size_t i = 0; i < n_headers; i++)
		if (headers[i].partners_gid == gid)
			return true;
	return too_many;
}

bool facts_members(void)
{
	for (size_t i = 0; i < n_headers; i++)
		if (headers[i].group_members)
			return true;
	return too_many;
}

bool facts_separator(char separator)
{
	for (size_t i = 0; i < n_headers; i++)
		if (headers[i].separator == separator)
			return true;
	return too_many;
}

int facts_live_of(uint32_t id, const char *const ids[DISK_ORGS])
{
	int found = too_many ? -2 : -1;

	for (size_t i = 0; i < n_orgs; i++)
		for (int org = 0; id >= orgs[i].range_lo && id <= orgs[i].range_hi && org < DISK_ORGS; org++)
			if (strncmp(orgs[i].id, ids[org], sizeof(orgs[i].id)) == 0)
				found = found == -1 || found == org ? org : -2;
	return found;
}

bool facts_range(unsigned n, uint32_t *ret_lo, uint32_t *ret_hi)
{
	if (n >= n_orgs)
		return false;
	*ret_lo = orgs[n].range_lo;
	*ret_hi = orgs[n].range_hi;
	return true;
}
