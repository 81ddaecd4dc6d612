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
	if (r == 0 && !b2b_name_cut(name, look->view->index.separator, ret_split))
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

/* The snapshot in place. *RET_SECRET: there is one, and it may not be read. */
static int snapshot(struct b2b_look *look, bool *ret_secret)
{
	int r = b2b_snap_get(look->cache, look->org, &look->snap);

	*ret_secret = r == -EACCES;
	return r == -EACCES ? -ENOENT : r;
}

/* Is R, found in look->snap, the last word? Not where the snapshot was replaced meanwhile: the new one decides then. */
static bool settled(const struct b2b_look *look, int r)
{
	return r == 0 || b2b_org_generation(look->org) == look->snap->mapped_for;
}

static bool agent_beats(const struct b2b_org *org)
{
	uint64_t beat = b2b_load64(org->head + offsetof(struct b2b_format_live, heartbeat_ns)), now;

	if (beat == 0)
		return false;
	now = b2b_now_ns();
	return beat <= now && now - beat < B2B_HEARTBEAT_FRESH_NS;
}

/* Worth a question only where an answer could let somebody in. */
static bool worth_asking(const struct b2b_look *look, const struct b2b_name *name)
{
	return b2b_org_open(look->org) && agent_beats(look->org) && b2b_local_valid(name->local) &&
	       strcmp(name->local, B2B_GROUP_MEMBERS) != 0;
}

int b2b_look_name(struct b2b_look *look, const struct b2b_name *name)
{
	bool secret;
	int r;

	r = b2b_look_org(look, b2b_view_by_alias(look->view, name));
	if (r < 0)
		return r;
	for (int i = 0; i < TRIES; i++) {
		r = snapshot(look, &secret);
		if (r < 0)
			break;
		r = b2b_snap_by_name(look->org, look->snap, name, &look->entry);
		if (settled(look, r))
			break;
	}
	return r == -ENOENT && !secret && worth_asking(look, name) ? -ESRCH : r;
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
	for (int i = 0; i < TRIES; i++) {
		r = snapshot(look, &secret);
		if (r < 0)
			break;
		r = b2b_snap_by_offset(look->org, look->snap, offset, &look->entry);
		if (settled(look, r))
			break;
	}
	return r;
}

int b2b_look_begin_user(struct b2b_look *look, struct b2b_cache *cache, const char *name)
{
	struct b2b_name split;
	int r;

	r = b2b_look_begin_name(look, cache, name, &split);
	if (r < 0)
		return r;
	r = b2b_look_name(look, &split);
	if (r == 0 && look->entry.record.kind != B2B_RECORD_USER)
		r = -ENOENT;
	if (r < 0)
		b2b_look_end(look);
	return r;
}

bool b2b_look_open(const struct b2b_look *look)
{
	return B2B_LIVE_STATE(b2b_org_word(look->org, look->entry.record.offset)) == B2B_LIVE_OPEN && b2b_org_open(look->org);
}
