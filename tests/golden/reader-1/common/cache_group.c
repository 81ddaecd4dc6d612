#include "common/cache_group.h"

#include <errno.h>

#include "common/cache_fill.h"
#include "common/live.h"

/* Adds the user that REF names where it stands open; its organisation does. */
static int add_open(const struct b2b_look *look, struct b2b_group_fill *fill, uint32_t ref)
{
	struct b2b_entry member;
	int r;

	r = b2b_snap_member(look->snap, ref, &member);
	if (r < 0)
		return r;
	if (B2B_LIVE_STATE(b2b_org_word(look->org, member.record.offset)) != B2B_LIVE_OPEN)
		return 0;
	return b2b_group_add(fill, member.local, member.record.n_local, look->view->index.separator, look->org->record.alias, look->org->n_alias);
}

static bool lists_members(const struct b2b_look *look)
{
	return look->view->index.group_members && b2b_org_open(look->org);
}

/* A private group lists nobody: it is its user's primary group. */
int b2b_group_of_entry(struct b2b_look *look, struct group *ret_gr, char *buf, size_t len)
{
	const struct b2b_format_record *record = &look->entry.record;
	struct b2b_group_fill fill;
	int r;

	r = b2b_group_begin(&fill, look->entry.local, look->view->index.separator, look->org->record.alias, buf, len);
	if (r == 0 && record->kind == B2B_RECORD_GROUP && lists_members(look))
		for (uint32_t i = 0; r == 0 && i < record->n_list; i++)
			r = add_open(look, &fill, b2b_load32(look->entry.list + i));
	if (r == 0)
		b2b_group_end(&fill, look->org->record.range_lo + record->offset, ret_gr);
	return r;
}

static int add_everyone(const struct b2b_look *look, struct b2b_group_fill *fill)
{
	int r = 0;

	for (uint32_t offset = 1; r == 0 && offset < look->snap->n_ids; offset++) {
		struct b2b_entry entry;

		if (b2b_load32(look->snap->ids + offset) == 0)
			continue;
		r = b2b_snap_by_offset(look->org, look->snap, offset, &entry);
		if (r == 0 && entry.record.kind == B2B_RECORD_USER)
			r = add_open(look, fill, b2b_load32(look->snap->ids + offset));
	}
	return r;
}

/* Name and gid come from the index, which everybody may read; the people only where the roster may be read. */
int b2b_group_of_members(struct b2b_look *look, int slot, struct group *ret_gr, char *buf, size_t len)
{
	struct b2b_format_org record;
	struct b2b_group_fill fill;
	int r;

	r = b2b_view_record(look->view, slot, &record);
	if (r == 0)
		r = b2b_group_begin(&fill, B2B_GROUP_MEMBERS, look->view->index.separator, record.alias, buf, len);
	if (r < 0)
		return r;
	if (look->view->index.group_members && b2b_look_org(look, slot) == 0 && lists_members(look) &&
	    b2b_snap_get(look->cache, look->org, &look->snap) == 0)
		r = add_everyone(look, &fill);
	if (r == 0)
		b2b_group_end(&fill, record.range_lo, ret_gr);
	return r;
}

/* Lists nobody: its members are of organisations that may not see each other. */
int b2b_group_of_partners(struct b2b_look *look, struct group *ret_gr, char *buf, size_t len)
{
	struct b2b_group_fill fill;
	int r;

	r = b2b_group_begin(&fill, B2B_GROUP_PARTNERS, '\0', "", buf, len);
	if (r == 0)
		b2b_group_end(&fill, look->view->index.partners_gid, ret_gr);
	return r;
}

static bool is_partners(const char *name)
{
	static const char partners[] = B2B_GROUP_PARTNERS;

	for (size_t i = 0; i < sizeof(partners); i++) {
		char c = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];

		if (c != partners[i])
			return false;
	}
	return true;
}

static int by_name(struct b2b_look *look, const struct b2b_name *name, struct group *ret_gr, char *buf, size_t len)
{
	int r, slot;

	if (strcmp(name->local, B2B_GROUP_MEMBERS) == 0) {
		slot = b2b_view_by_alias(look->view, name);
		return slot < 0 ? -ENOENT : b2b_group_of_members(look, slot, ret_gr, buf, len);
	}
	r = b2b_look_name(look, name);
	return r == 0 ? b2b_group_of_entry(look, ret_gr, buf, len) : r;
}

int b2b_cache_getgrnam(struct b2b_cache *cache, const char *name, struct group *ret_gr, char *buf, size_t len)
{
	bool partners = is_partners(name);
	struct b2b_name split;
	struct b2b_look look;
	int r;

	r = partners ? b2b_look_begin(&look, cache) : b2b_look_begin_name(&look, cache, name, &split);
	if (r < 0)
		return r;
	r = partners ? b2b_group_of_partners(&look, ret_gr, buf, len) : by_name(&look, &split, ret_gr, buf, len);
	b2b_look_end(&look);
	return r;
}

static int by_gid(struct b2b_look *look, uint32_t gid, struct group *ret_gr, char *buf, size_t len)
{
	struct b2b_format_org record;
	int r, slot;

	if (gid == look->view->index.partners_gid)
		return b2b_group_of_partners(look, ret_gr, buf, len);
	slot = b2b_view_by_id(look->view, gid);
	if (slot < 0)
		return -ENOENT;
	r = b2b_view_record(look->view, slot, &record);
	if (r < 0)
		return r;
	if (gid == record.range_lo)
		return b2b_group_of_members(look, slot, ret_gr, buf, len);
	r = b2b_look_id(look, gid);
	return r == 0 ? b2b_group_of_entry(look, ret_gr, buf, len) : r;
}

int b2b_cache_getgrgid(struct b2b_cache *cache, uint32_t gid, struct group *ret_gr, char *buf, size_t len)
{
	struct b2b_look look;
	int r;

	if (gid < B2B_GID_FIRST || gid > B2B_RANGE_LAST)
		return -ENOENT;
	r = b2b_look_begin(&look, cache);
	if (r < 0)
		return r;
	r = by_gid(&look, gid, ret_gr, buf, len);
	b2b_look_end(&look);
	return r;
}
