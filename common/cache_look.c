#include "common/cache_look.h"

#include <errno.h>

#include "common/clock.h"
#include "common/live.h"

#define TRIES 3 /* a snapshot replaced again and again within one look-up: the last answer stands */

int b2b_look_begin(struct b2b_look *look, struct b2b_cache *cache)
{
	look->cache = cache;
	if (b2b_readers_enter(&cache->readers, &look->ticket) < 0)
		return -ENODATA;
	if (b2b_view_get(cache, &look->view) < 0) {
		b2b_readers_leave(&cache->readers, &look->ticket);
		return -ENODATA;
	}
	return 0;
}

int b2b_look_begin_name(struct b2b_look *look, struct b2b_cache *cache, const char *name, struct b2b_name *ret_split)
{
	int r;

	look->cache = cache;
	if (b2b_readers_enter(&cache->readers, &look->ticket) < 0)
		return b2b_name_candidate(name) ? -ENODATA : -ENOENT;
	/* With the index at hand the name is read once; without, it must deserve that the index is opened. */
	look->view = b2b_view_peek(cache);
	r = look->view ? 0 : b2b_name_candidate(name) ? b2b_view_get(cache, &look->view) : -ENOENT;
	if (r == 0 && b2b_name_split(name, look->view->index.separator, ret_split) < 0)
		r = -ENOENT;
	if (r < 0)
		b2b_readers_leave(&cache->readers, &look->ticket);
	return r;
}

void b2b_look_end(struct b2b_look *look)
{
	b2b_readers_leave(&look->cache->readers, &look->ticket);
}

int b2b_look_org(struct b2b_look *look, int slot)
{
	int r;

	if (slot < 0)
		return -ENOENT;
	r = b2b_org_get(look->cache, look->view, slot, &look->org);
	if (r == 0)
		look->slot = slot;
	return r == -EACCES ? -ENOENT : r;
}

/* FIND in the snapshot in place; again in the next one when that came meanwhile. *ret_secret: it may not be read. */
static int search(struct b2b_look *look, int (*find)(struct b2b_look *look, const void *key), const void *key, bool *ret_secret)
{
	int r = -ENOENT;

	*ret_secret = false;
	for (int i = 0; i < TRIES; i++) {
		r = b2b_snap_get(look->cache, look->org, &look->snap);
		if (r == -EACCES) {
			*ret_secret = true;
			return -ENOENT;
		}
		if (r < 0)
			return r;
		r = find(look, key);
		if (r == 0 || b2b_org_generation(look->org) == look->snap->mapped_for)
			break;
	}
	return r;
}

static int find_local(struct b2b_look *look, const void *local)
{
	return b2b_snap_by_name(look->org, look->snap, local, &look->entry);
}

static int find_offset(struct b2b_look *look, const void *offset)
{
	return b2b_snap_by_offset(look->org, look->snap, *(const uint32_t *)offset, &look->entry);
}

static bool agent_beats(const struct b2b_org *org)
{
	uint64_t beat = b2b_load64(org->live.base + offsetof(struct b2b_format_live, heartbeat_ns)), now = b2b_now_ns();

	return beat != 0 && beat <= now && now - beat < B2B_HEARTBEAT_FRESH_NS;
}

int b2b_look_name(struct b2b_look *look, const struct b2b_name *name)
{
	bool secret;
	int r;

	r = b2b_look_org(look, b2b_view_by_alias(look->view, name->alias));
	if (r < 0)
		return r;
	r = search(look, find_local, name->local, &secret);
	/* Worth a question only where an answer could let somebody in. */
	if (r == -ENOENT && !secret && strcmp(name->local, B2B_GROUP_MEMBERS) != 0 && b2b_org_open(look->org) && agent_beats(look->org))
		return -ESRCH;
	return r;
}

int b2b_look_id(struct b2b_look *look, uint32_t id)
{
	uint32_t offset;
	bool secret;
	int r;

	r = b2b_look_org(look, b2b_view_by_id(look->view, id));
	if (r < 0)
		return r;
	/* Between index and organisation the bytes may have changed. */
	if (id < look->org->record.range_lo || id > look->org->record.range_hi)
		return -ENODATA;
	offset = id - look->org->record.range_lo;
	return search(look, find_offset, &offset, &secret);
}

bool b2b_look_open(const struct b2b_look *look)
{
	return B2B_LIVE_STATE(b2b_org_word(look->org, look->entry.record.offset)) == B2B_LIVE_OPEN && b2b_org_open(look->org);
}
