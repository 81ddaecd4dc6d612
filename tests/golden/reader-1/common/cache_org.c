/* Organisations: their live words and those of the organisations above them, mapped. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/cache_view.h"
#include "common/live.h"
#include "common/live_map.h"

void b2b_org_free(struct b2b_org *org)
{
	struct b2b_snap *snap;

	if (!org)
		return;
	snap = atomic_load(&org->snap);
	if (snap)
		snap->retired.destroy(&snap->retired);
	b2b_map_close(&org->live);
	free(org);
}

/* What a refused or damaged file means to a look-up; for want of memory or descriptors it is as good as damaged. */
static int verdict(int error)
{
	return error == -EACCES ? -EACCES : -ENODATA;
}

static int map_live(const char *dir, struct b2b_org *org)
{
	const struct b2b_format_org *record = &org->record;
	size_t size = b2b_live_size(record->range_lo, record->range_hi);
	struct b2b_format_live header;
	char path[PATH_MAX];
	int r;

	if (snprintf(path, sizeof(path), "%s/live/%s", dir, record->id) >= (int)sizeof(path))
		return -ENODATA;
	r = b2b_map_open(path, size, size, &org->live);
	if (r < 0)
		return verdict(r);
	b2b_copy(&header, org->live.base, sizeof(header));
	if (!b2b_format_live_valid(&header, size, NULL) || header.range_lo != record->range_lo || header.range_hi != record->range_hi ||
	    strncmp(header.org_id, record->id, sizeof(header.org_id)) != 0)
		return -ENODATA;
	org->head = org->live.base;
	org->words = (const uint32_t *)(org->head + B2B_LIVE_WORDS_AT);
	org->chain[0] = (const uint32_t *)(org->head + offsetof(struct b2b_format_live, org_word));
	org->n_chain = 1;
	return 0;
}

static int org_at(struct b2b_cache *cache, struct b2b_view *view, int slot, int depth, struct b2b_org **ret_org);

/* A parent's mapping lives as long as the view that holds both. */
static int chain_up(struct b2b_cache *cache, struct b2b_view *view, struct b2b_org *org, int depth)
{
	struct b2b_org *parent;
	int r;

	if (org->record.parent < 0)
		return 0;
	r = org_at(cache, view, org->record.parent, depth + 1, &parent);
	if (r < 0)
		return r;
	if (parent->n_chain >= B2B_DEPTH_MAX)
		return -ENODATA;
	memcpy(org->chain + 1, parent->chain, parent->n_chain * sizeof(parent->chain[0]));
	org->n_chain = parent->n_chain + 1;
	return 0;
}

static void name_parts(struct b2b_org *org, const struct b2b_format_index *index)
{
	char *at = org->suffix;

	org->n_alias = (uint32_t)strlen(org->record.alias);
	*at++ = index->separator;
	at = mempcpy(at, org->record.alias, org->n_alias + 1);
	at = mempcpy(at, "*", 2);
	org->n_suffix = (uint32_t)(at - org->suffix);
	b2b_home_fill(&org->home, index->home, org->record.alias);
}

static int org_new(struct b2b_cache *cache, struct b2b_view *view, int slot, int depth, struct b2b_org **ret_org)
{
	struct b2b_format_org record;
	struct b2b_org *org;
	int r;

	r = b2b_view_record(view, slot, &record);
	if (r < 0)
		return r;
	org = calloc(1, sizeof(*org) + b2b_home_room(view->index.home, record.alias));
	if (!org)
		return -ENODATA;
	org->record = record;
	name_parts(org, &view->index);
	r = map_live(cache->dir, org);
	if (r == 0)
		r = chain_up(cache, view, org, depth);
	if (r < 0) {
		b2b_org_free(org);
		return r;
	}
	*ret_org = org;
	return 0;
}

/* DEPTH ends a loop among parents. */
static int org_at(struct b2b_cache *cache, struct b2b_view *view, int slot, int depth, struct b2b_org **ret_org)
{
	struct b2b_org *org = atomic_load(&view->orgs[slot]), *fresh = NULL;
	int r;

	if (org) {
		*ret_org = org;
		return 0;
	}
	if (depth >= B2B_DEPTH_MAX)
		return -ENODATA;
	r = org_new(cache, view, slot, depth, &fresh);
	if (r < 0)
		return r;
	if (atomic_compare_exchange_strong(&view->orgs[slot], &org, fresh)) {
		*ret_org = fresh;
	} else {
		b2b_org_free(fresh);
		*ret_org = org;
	}
	return 0;
}

int b2b_org_make(struct b2b_cache *cache, struct b2b_view *view, int slot, struct b2b_org **ret_org)
{
	return org_at(cache, view, slot, 0, ret_org);
}
