/*
 * Enumeration. A cursor is an organisation's slot above an offset in its range, so it names an id and not a place in
 * a file: entries that come and go meanwhile neither repeat others nor hide them.
 */
#include <errno.h>

#include "common/cache_fill.h"
#include "common/cache_group.h"

struct place {
	uint32_t slot, offset;
};

static struct place unpack(uint64_t cursor)
{
	return (struct place){ .slot = (uint32_t)(cursor >> 32), .offset = (uint32_t)cursor };
}

static uint64_t pack(struct place place)
{
	return (uint64_t)place.slot << 32 | place.offset;
}

/* Set org and snap of PLACE's organisation. False: it has none, or this process may not read it. */
static bool readable(struct b2b_look *look, struct place place)
{
	return b2b_look_org(look, (int)place.slot) == 0 && b2b_snap_get(look->cache, look->org, &look->snap) == 0;
}

/* The entry at PLACE or behind it in the same organisation (of KIND, or any where 0) into look->entry; PLACE moves there. Damaged ones are passed over. */
static bool next_entry(struct b2b_look *look, struct place *place, uint8_t kind)
{
	for (uint32_t offset = place->offset ? place->offset : 1; offset < look->snap->n_ids; offset++) {
		if (b2b_snap_by_offset(look->org, look->snap, offset, &look->entry) < 0 || (kind && look->entry.record.kind != kind))
			continue;
		place->offset = offset;
		return true;
	}
	return false;
}

static int next_pw(struct b2b_look *look, struct place *place, struct passwd *ret_pw, char *buf, size_t len)
{
	for (; place->slot < look->view->index.n_orgs; *place = (struct place){ .slot = place->slot + 1 })
		if (readable(look, *place) && next_entry(look, place, B2B_RECORD_USER))
			return b2b_fill_passwd(look, ret_pw, buf, len);
	return -ENOENT;
}

/* Of each organisation first `members`, then groups and private groups by id; at the very end `partners`. */
static int next_gr(struct b2b_look *look, struct place *place, struct group *ret_gr, char *buf, size_t len)
{
	for (; place->slot < look->view->index.n_orgs; *place = (struct place){ .slot = place->slot + 1 }) {
		if (place->offset == 0)
			return b2b_group_of_members(look, (int)place->slot, ret_gr, buf, len);
		if (readable(look, *place) && next_entry(look, place, 0))
			return b2b_group_of_entry(look, ret_gr, buf, len);
	}
	if (place->slot == look->view->index.n_orgs && place->offset == 0)
		return b2b_group_of_partners(look, ret_gr, buf, len);
	return -ENOENT;
}

int b2b_cache_nextpw(struct b2b_cache *cache, uint64_t *cursor, struct passwd *ret_pw, char *buf, size_t len)
{
	struct place place = unpack(*cursor);
	struct b2b_look look;
	int r;

	r = b2b_look_begin(&look, cache);
	if (r < 0)
		return r;
	r = look.view->index.enumerate ? next_pw(&look, &place, ret_pw, buf, len) : -ENOENT;
	if (r == 0) {
		place.offset++;
		*cursor = pack(place);
	}
	b2b_look_end(&look);
	return r;
}

int b2b_cache_nextgr(struct b2b_cache *cache, uint64_t *cursor, struct group *ret_gr, char *buf, size_t len)
{
	struct place place = unpack(*cursor);
	struct b2b_look look;
	int r;

	r = b2b_look_begin(&look, cache);
	if (r < 0)
		return r;
	r = look.view->index.enumerate ? next_gr(&look, &place, ret_gr, buf, len) : -ENOENT;
	if (r == 0) {
		place.offset++;
		*cursor = pack(place);
	}
	b2b_look_end(&look);
	return r;
}
