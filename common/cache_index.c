/* The index, mapped and read in place. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/cache_view.h"

static void view_free(struct b2b_view *view)
{
	if (!view)
		return;
	for (uint32_t i = 0; i < view->index.n_orgs; i++)
		b2b_org_free(atomic_load(&view->orgs[i]));
	b2b_map_close(&view->map);
	free(view);
}

static void destroy(struct b2b_retired *retired)
{
	view_free((struct b2b_view *)retired);
}

static const struct b2b_format_range *ranges_of(const struct b2b_view *view)
{
	return (const struct b2b_format_range *)(view->map.base + view->index.ranges_at);
}

static void take_shells(struct b2b_view *view)
{
	for (uint32_t i = 0; i < view->index.n_shells; i++) {
		struct b2b_shell *shell = &view->shells[i];

		b2b_copy(shell->text, view->map.base + view->index.shells_at + (size_t)i * B2B_PATH_SIZE, B2B_PATH_SIZE);
		if (shell->text[0] == '/' && shell->text[B2B_PATH_SIZE - 1] == '\0')
			shell->size = (uint32_t)strlen(shell->text) + 1;
	}
}

B2B_APART static int view_make(const char *dir, struct b2b_view **ret_view)
{
	struct b2b_format_index index;
	struct b2b_map map = { NULL, 0 };
	struct b2b_view *view;
	char path[B2B_CACHE_PATH_SIZE];
	uint32_t n_places = 4;
	int r;

	if (snprintf(path, sizeof(path), "%s/index", dir) >= (int)sizeof(path))
		return -ENODATA;
	r = b2b_map_open(path, sizeof(index), B2B_INDEX_SIZE_MAX, &map);
	if (r < 0)
		return r == -EACCES ? -ENODATA : b2b_map_verdict(r);
	b2b_copy(&index, map.base, sizeof(index));
	if (!b2b_format_index_valid(&index, map.size, NULL)) {
		b2b_map_close(&map);
		return -ENODATA;
	}
	while (n_places < 4 * index.n_orgs)
		n_places *= 2;
	view = calloc(1, sizeof(*view) + (2 * (size_t)index.n_orgs + n_places) * sizeof(view->orgs[0]));
	if (!view) {
		b2b_map_close(&map);
		return -ENOMEM;
	}
	view->retired.destroy = destroy;
	view->map = map;
	view->index = index;
	take_shells(view);
	b2b_ranges_make(&view->ranges, ranges_of(view), index.n_orgs);
	view->by_range = view->orgs + index.n_orgs;
	view->by_alias = view->by_range + index.n_orgs;
	view->alias_mask = n_places - 1;
	*ret_view = view;
	return 0;
}

static bool in_place(const struct b2b_view *view)
{
	return b2b_load32(view->map.base + offsetof(struct b2b_format_index, superseded)) == 0;
}

struct b2b_view *b2b_view_peek(struct b2b_cache *cache)
{
	struct b2b_view *view = atomic_load(&cache->view);

	return view && in_place(view) ? view : NULL;
}

int b2b_view_get(struct b2b_cache *cache, struct b2b_view **ret_view)
{
	struct b2b_view *view = atomic_load(&cache->view), *fresh = NULL;
	int r;

	if (view && in_place(view)) {
		*ret_view = view;
		return 0;
	}
	r = view_make(cache->dir, &fresh);
	if (r < 0)
		return r;
	if (atomic_compare_exchange_strong(&cache->view, &view, fresh)) {
		if (view)
			b2b_readers_retire(&cache->readers, &view->retired);
		*ret_view = fresh;
	} else {
		/* Another thread was first; nobody has seen ours. */
		view_free(fresh);
		*ret_view = view;
	}
	return 0;
}

/* Padded. Where the organisation is mapped, the copy that was checked then. */
static const char *alias_of(const struct b2b_view *view, uint32_t slot)
{
	const struct b2b_org *org = atomic_load(&view->orgs[slot]);

	return org ? org->alias : (const char *)view->map.base + view->index.orgs_at + slot * sizeof(struct b2b_format_org);
}

int b2b_view_by_alias(const struct b2b_view *view, const struct b2b_name *name)
{
	const struct b2b_format_index *index = &view->index;
	const uint32_t *hash = (const uint32_t *)(view->map.base + index->hash_at);
	uint64_t at = b2b_format_hash(name->alias, name->n_alias, 0);

	for (uint32_t i = 0; i < index->hash_size; i++) {
		uint32_t slot = b2b_load32(&hash[(at + i) & (index->hash_size - 1)]) - 1;

		if (slot >= index->n_orgs) /* free entries are 0 */
			return -1;
		if (b2b_padded_equal(name->alias, name->n_alias, alias_of(view, slot)))
			return (int)slot;
	}
	return -1;
}

void b2b_view_note_alias(struct b2b_view *view, struct b2b_org *org)
{
	uint64_t at = b2b_format_hash(org->alias, org->n_alias, 0);
	struct b2b_org *other;

	do
		other = NULL;
	while (!atomic_compare_exchange_strong(&view->by_alias[at++ & view->alias_mask], &other, org) && other != org);
}

int b2b_view_by_id(const struct b2b_view *view, uint32_t id)
{
	uint32_t n = b2b_ranges_count(&view->ranges, ranges_of(view), id);
	struct b2b_format_range range;

	if (n == 0)
		return -1;
	b2b_copy(&range, &ranges_of(view)[n - 1], sizeof(range));
	return id >= range.lo && id <= range.hi && range.slot < view->index.n_orgs ? (int)range.slot : -1;
}

struct b2b_org *b2b_view_known_id(const struct b2b_view *view, uint32_t id)
{
	uint32_t n = b2b_ranges_count(&view->ranges, ranges_of(view), id);
	struct b2b_org *org = n > 0 ? atomic_load(&view->by_range[n - 1]) : NULL;

	return org && id >= org->record.range_lo && id <= org->record.range_hi ? org : NULL;
}

void b2b_view_note_id(struct b2b_view *view, uint32_t id, struct b2b_org *org)
{
	uint32_t n = b2b_ranges_count(&view->ranges, ranges_of(view), id);

	if (n > 0)
		atomic_store(&view->by_range[n - 1], org);
}

int b2b_view_record(const struct b2b_view *view, int slot, struct b2b_format_org *ret_record)
{
	struct b2b_format_org record;

	b2b_copy(&record, view->map.base + view->index.orgs_at + (size_t)slot * sizeof(record), sizeof(record));
	if (memchr(record.alias, 0, sizeof(record.alias)) == NULL || !b2b_alias_valid(record.alias) || !b2b_org_id_valid(record.id) ||
	    record.range_lo < B2B_RANGE_FIRST || record.range_hi > B2B_RANGE_LAST || record.range_hi < record.range_lo ||
	    record.range_hi - record.range_lo >= B2B_RANGE_MAX ||
	    (view->index.partners_gid >= record.range_lo && view->index.partners_gid <= record.range_hi) || record.parent < -1 || record.parent >= (int32_t)view->index.n_orgs)
		return -ENODATA;
	*ret_record = record;
	return 0;
}

int b2b_view_role(const struct b2b_view *view, uint32_t number, struct b2b_format_role *ret_role)
{
	struct b2b_format_role role;

	if (number >= view->index.n_roles)
		return -ENODATA;
	b2b_copy(&role, view->map.base + view->index.roles_at + number * sizeof(role), sizeof(role));
	if (role.n_gids > B2B_ROLE_GIDS_MAX)
		return -ENODATA;
	/* Root's group is granted to nobody: so the zeros of a damaged file are no grant. */
	for (uint32_t i = 0; i < role.n_gids; i++)
		if (role.gids[i] == 0)
			return -ENODATA;
	*ret_role = role;
	return 0;
}

int b2b_view_service(const struct b2b_view *view, const char *name, uint32_t *ret_number, struct b2b_format_service *ret_service)
{
	struct b2b_format_service service;

	for (uint32_t i = 0; i < view->index.n_services; i++) {
		b2b_copy(&service, view->map.base + view->index.services_at + i * sizeof(service), sizeof(service));
		if (strncmp(service.name, name, sizeof(service.name)) == 0 && strnlen(name, sizeof(service.name)) < sizeof(service.name)) {
			*ret_number = i;
			*ret_service = service;
			return 0;
		}
	}
	return -ENODATA;
}
