#include "common/cache.h"

#include <errno.h>
#include <stdlib.h>

#include "common/cache_fill.h"
#include "common/cache_look.h"
#include "common/index.h"

int b2b_cache_new(const char *dir, struct b2b_cache **ret_cache)
{
	struct b2b_cache *cache;

	cache = calloc(1, sizeof(*cache));
	if (!cache)
		return -ENOMEM;
	cache->dir = dir ? dir : B2B_CACHE_DIR;
	*ret_cache = cache;
	return 0;
}

void b2b_cache_free(struct b2b_cache *cache)
{
	struct b2b_view *view;

	if (!cache)
		return;
	view = atomic_load(&cache->view);
	if (view)
		view->retired.destroy(&view->retired);
	b2b_readers_finish(&cache->readers);
	free(cache);
}

int b2b_cache_getpwnam(struct b2b_cache *cache, const char *name, struct passwd *ret_pw, char *buf, size_t len)
{
	struct b2b_look look;
	int r;

	r = b2b_look_begin_user(&look, cache, name);
	if (r < 0)
		return r;
	r = b2b_fill_passwd(&look, ret_pw, buf, len);
	b2b_look_end(&look);
	return r;
}

int b2b_cache_getpwuid(struct b2b_cache *cache, uint32_t uid, struct passwd *ret_pw, char *buf, size_t len)
{
	struct b2b_look look;
	int r;

	if (uid < B2B_RANGE_FIRST || uid > B2B_RANGE_LAST)
		return -ENOENT;
	r = b2b_look_begin(&look, cache);
	if (r < 0)
		return r;
	r = b2b_look_id(&look, uid);
	if (r == 0)
		r = look.entry.record.kind == B2B_RECORD_USER ? b2b_fill_passwd(&look, ret_pw, buf, len) : -ENOENT;
	b2b_look_end(&look);
	return r;
}

static int add_role(const struct b2b_view *view, uint32_t number, int (*add)(void *arg, uint32_t gid), void *arg)
{
	struct b2b_format_role role;
	int r;

	r = b2b_view_role(view, number, &role);
	for (uint32_t i = 0; r == 0 && i < role.n_gids; i++)
		r = add(arg, role.gids[i]);
	return r;
}

/* Delegation ∩ grant; the grant is already cut to the ancestors' grants. */
static int add_roles(const struct b2b_look *look, int (*add)(void *arg, uint32_t gid), void *arg)
{
	uint64_t roles = look->entry.record.roles & look->org->record.roles;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < look->view->index.n_roles; i++)
		if (roles & 1ull << i)
			r = add_role(look->view, i, add, arg);
	return r;
}

static int add_groups(const struct b2b_look *look, int (*add)(void *arg, uint32_t gid), void *arg)
{
	const struct b2b_format_org *record = &look->org->record;
	int r;

	r = add(arg, record->range_lo);
	if (r == 0)
		r = add(arg, look->view->index.partners_gid);
	for (uint32_t i = 0; r == 0 && i < look->entry.record.n_list; i++) {
		uint32_t offset = b2b_load32(look->entry.list + i);

		r = offset > record->range_hi - record->range_lo ? -ENODATA : add(arg, record->range_lo + offset);
	}
	return r == 0 ? add_roles(look, add, arg) : r;
}

int b2b_cache_initgroups(struct b2b_cache *cache, const char *name, int (*add)(void *arg, uint32_t gid), void *arg)
{
	struct b2b_look look;
	int r;

	r = b2b_look_begin_user(&look, cache, name);
	if (r < 0)
		return r;
	if (b2b_look_open(&look))
		r = add_groups(&look, add, arg);
	b2b_look_end(&look);
	return r;
}

int b2b_cache_ours(struct b2b_cache *cache, const char *name)
{
	struct b2b_name split;
	struct b2b_look look;
	int r;

	r = b2b_look_begin_name(&look, cache, name, &split);
	if (r < 0)
		return r == -ENODATA; /* no index, but the name could be one */
	r = b2b_local_valid(split.local) && b2b_view_by_alias(look.view, &split) >= 0;
	b2b_look_end(&look);
	return r;
}
