#include "common/cache_group.h"

#include <errno.h>

#include "common/cache_roster.h"
#include "common/live.h"

/* Adds the user that REF names where it stands open; its organisation does. */
static int add_open(const struct b2b_look *look, struct b2b_group_fill *fill, uint32_t ref)
{
	struct b2b_entry member;
	int r;

	r = b2b_snap_member(look->org, look->snap, ref, &member);
	if (r < 0)
		return r;
	if (B2B_LIVE_STATE(b2b_org_word(look->org, member.record.offset)) != B2B_LIVE_OPEN)
		return 0;
	return b2b_group_add(fill, member.local, member.record.n_local, look->view->index.separator, look->org->record.alias, look->org->n_alias);
}

static int add_everyone(const struct b2b_look *look, struct b2b_group_fill *fill)
{
	int r = 0;

	for (uint32_t offset = 1; r == 0 && offset < look->snap->n_ids; offset++) {
		uint32_t ref = b2b_load32(look->snap->ids + offset);

		/* groups are no members */
		if (ref != 0 && b2b_snap_kind(look->snap, ref) == B2B_RECORD_USER)
			r = add_open(look, fill, ref);
	}
	return r;
}

/* The members of the group of look->entry: one by one, or all at once where nothing has changed since that gave the same. */
static int add_listed(struct b2b_look *look, struct b2b_group_fill *fill)
{
	struct b2b_group_roster roster;
	int r = 0;

	b2b_group_roster_find(look->org, look->snap, look->entry.record.offset, &roster);
	if (b2b_group_roster_proven(&roster))
		return b2b_group_roster_add(&roster, fill);
	for (uint32_t i = 0; r == 0 && i < look->entry.record.n_list; i++)
		r = add_open(look, fill, b2b_load32(look->entry.list + i));
	if (r == 0)
		b2b_group_roster_prove(&roster, fill);
	return r;
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
		r = add_listed(look, &fill);
	if (r == 0)
		b2b_group_end(&fill, look->org->record.range_lo + record->offset, ret_gr);
	return r;
}

/*
 * Whose group `members` of SLOT is: where people are listed, the record that their organisation was mapped with, or name,
 * gid and members could be of two once the bytes of the index change; else the index says it, which everybody may read.
 */
static int record_of(struct b2b_look *look, int slot, struct b2b_format_org *ret_record, bool *ret_mapped)
{
	*ret_mapped = look->view->index.group_members && b2b_look_org(look, slot) == 0;
	if (!*ret_mapped)
		return b2b_view_record(look->view, slot, ret_record);
	*ret_record = look->org->record;
	return 0;
}

/* The people only where the roster may be read. */
static int group_of_record(struct b2b_look *look, const struct b2b_format_org *record, bool mapped, struct group *ret_gr, char *buf, size_t len)
{
	struct b2b_group_fill fill;
	int r;

	r = b2b_group_begin(&fill, B2B_GROUP_MEMBERS, look->view->index.separator, record->alias, buf, len);
	if (r < 0)
		return r;
	if (mapped && lists_members(look) && b2b_snap_get(look->cache, look->org, &look->snap) == 0)
		r = add_everyone(look, &fill);
	if (r == 0)
		b2b_group_end(&fill, record->range_lo, ret_gr);
	return r;
}

int b2b_group_of_members(struct b2b_look *look, int slot, struct group *ret_gr, char *buf, size_t len)
{
	struct b2b_format_org record;
	bool mapped;
	int r;

	r = record_of(look, slot, &record, &mapped);
	return r == 0 ? group_of_record(look, &record, mapped, ret_gr, buf, len) : r;
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

/* The group `members` of SLOT, if it (still) has GID or, where not NULL, ALIAS. */
static int members_of(struct b2b_look *look, int slot, const char *alias, uint32_t gid, struct group *ret_gr, char *buf, size_t len)
{
	struct b2b_format_org record;
	bool mapped;
	int r;

	r = record_of(look, slot, &record, &mapped);
	if (r == 0 && (alias ? memcmp(record.alias, alias, sizeof(record.alias)) != 0 : record.range_lo != gid))
		r = -ENODATA;
	return r == 0 ? group_of_record(look, &record, mapped, ret_gr, buf, len) : r;
}

static int by_name(struct b2b_look *look, const struct b2b_name *name, struct group *ret_gr, char *buf, size_t len)
{
	int r, slot;

	if (strcmp(name->local, B2B_GROUP_MEMBERS) == 0) {
		slot = b2b_view_by_alias(look->view, name);
		return slot < 0 ? -ENOENT : members_of(look, slot, name->alias, 0, ret_gr, buf, len);
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

/* Is GID the first of a range, as the index has it, and so that of a group `members`? Returns 1 (*RET_SLOT: whose), 0, -ENOENT, or -ENODATA. */
static int is_first(const struct b2b_view *view, uint32_t gid, int *ret_slot)
{
	int slot = b2b_view_by_id(view, gid), r;
	struct b2b_format_org record;

	if (slot < 0)
		return -ENOENT;
	r = b2b_view_record(view, slot, &record);
	if (r < 0)
		return r;
	*ret_slot = slot;
	return gid == record.range_lo;
}

static int by_gid(struct b2b_look *look, uint32_t gid, struct group *ret_gr, char *buf, size_t len)
{
	const struct b2b_org *known = b2b_view_known_id(look->view, gid);
	int r = 0, slot = -1;

	if (gid == look->view->index.partners_gid)
		return b2b_group_of_partners(look, ret_gr, buf, len);
	if (!known || gid == known->record.range_lo)
		r = is_first(look->view, gid, &slot);
	if (r > 0)
		return members_of(look, slot, NULL, gid, ret_gr, buf, len);
	if (r == 0)
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
