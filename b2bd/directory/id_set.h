/*
 * Which resources a listing has shown: a set of keyed 64-bit hashes, because a million ids as text would be kept only to
 * be compared. Two that fall together make a listing look shorter, never longer: then nothing is removed.
 */
#ifndef B2B_ID_SET_H
#define B2B_ID_SET_H

#include <stddef.h>
#include <stdint.h>

struct b2b_id_set { /* zeroed at first */
	uint64_t *slots;
	size_t room, n;
	uint64_t key;
};

/* 1 it is new, 0 it was there, or -ENOMEM. */
int b2b_id_set_add(struct b2b_id_set *set, const char *id);
void b2b_id_set_clear(struct b2b_id_set *set);

#endif
