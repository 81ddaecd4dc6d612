#include "common/cache_roster.h"

#include <errno.h>

/* The number of OFFSET's roster, or n_rosters. */
static uint32_t number_of(const struct b2b_snap *snap, uint32_t offset)
{
	uint32_t low = 0, n = snap->n_rosters;

	while (n > 0) {
		uint32_t half = n / 2, here = b2b_load32(&snap->rosters[low + half].offset);

		if (here == offset)
			return low + half;
		if (here < offset) {
			low += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return snap->n_rosters;
}

/* Never 0, and another for every group and every number of changes. */
static uint64_t claim_of(uint32_t offset, uint32_t changes)
{
	return (uint64_t)(offset + 1) << 32 | changes;
}

void b2b_group_roster_find(const struct b2b_org *org, const struct b2b_snap *snap, uint32_t offset, struct b2b_group_roster *ret_roster)
{
	uint32_t changes = b2b_load32(org->head + offsetof(struct b2b_format_live, changes));
	uint32_t number = number_of(snap, offset), at;
	struct b2b_format_roster roster;
	uint64_t room;

	*ret_roster = (struct b2b_group_roster){ 0 };
	if (changes & 1 || number == snap->n_rosters || !snap->proven)
		return;
	at = b2b_load32(&snap->rosters[number].at);
	if (at % 8 != 0 || at >= snap->roster_data_size || snap->roster_data_size - at < sizeof(roster))
		return;
	b2b_copy(&roster, snap->roster_data + at, sizeof(roster));
	room = snap->roster_data_size - at - sizeof(roster);
	if ((uint64_t)roster.n + roster.size > room)
		return;
	ret_roster->n = roster.n;
	ret_roster->size = roster.size;
	ret_roster->sizes = snap->roster_data + at + sizeof(roster);
	ret_roster->text = (const char *)(ret_roster->sizes + roster.n);
	ret_roster->proof = &snap->proven[number];
	ret_roster->claim = claim_of(offset, changes);
}

bool b2b_group_roster_proven(const struct b2b_group_roster *roster)
{
	return roster->proof && atomic_load(roster->proof) == roster->claim;
}

static bool same(const struct b2b_group_roster *roster, const struct b2b_group_fill *fill)
{
	uint32_t at = 0;

	if (fill->n_members != roster->n)
		return false;
	for (uint32_t i = 0; i < roster->n; i++) {
		size_t size = strlen(fill->members[i]) + 1;

		if (roster->sizes[i] != size || size > roster->size - at || memcmp(roster->text + at, fill->members[i], size) != 0)
			return false;
		at += (uint32_t)size;
	}
	return at == roster->size;
}

void b2b_group_roster_prove(const struct b2b_group_roster *roster, const struct b2b_group_fill *fill)
{
	if (roster->proof && same(roster, fill))
		atomic_store(roster->proof, roster->claim);
}

int b2b_group_roster_add(const struct b2b_group_roster *roster, struct b2b_group_fill *fill)
{
	char *text, *name, *last;

	if ((size_t)(fill->high - fill->low) < roster->size + roster->n * sizeof(char *))
		return -ERANGE;
	if (roster->n == 0)
		return 0;
	text = name = last = fill->high - roster->size;
	memcpy(text, roster->text, roster->size);
	for (uint32_t i = 0; i < roster->n; i++) {
		fill->members[i] = last = name;
		name += roster->sizes[i];
	}
	/* Whatever the bytes have become: names only go up, so that where the last begins in the text and ends with it, all do. */
	if (last >= fill->high || name != fill->high || name[-1] != '\0')
		return -ENODATA;
	fill->n_members = roster->n;
	return 0;
}
