/* Rosters in a mapped snapshot: groups whose members are all open, ready to be copied (struct b2b_format_roster). */
#ifndef B2B_CACHE_ROSTER_H
#define B2B_CACHE_ROSTER_H

#include "common/cache_fill.h"

struct b2b_group_roster {
	uint32_t n, size;
	const uint8_t *sizes; /* n, in the map */
	const char *text;     /* size bytes, likewise */
	_Atomic uint64_t *proof; /* where it is remembered; NULL: words are being changed, or there is no roster */
	uint64_t claim;          /* as this */
};

/* The roster of the group at OFFSET, or one of no use. Before the words are looked at. */
void b2b_group_roster_find(const struct b2b_org *org, const struct b2b_snap *snap, uint32_t offset, struct b2b_group_roster *ret_roster);

/* Has it been proven, and no word changed since? */
bool b2b_group_roster_proven(const struct b2b_group_roster *roster);

/* FILL holds the group's open members. Where they are the roster's, from first to last, that is proven. */
void b2b_group_roster_prove(const struct b2b_group_roster *roster, const struct b2b_group_fill *fill);

/* Add all its members to FILL, which has none yet. Returns 0, -ERANGE, or -ENODATA where the bytes have changed. */
int b2b_group_roster_add(const struct b2b_group_roster *roster, struct b2b_group_fill *fill);

#endif
