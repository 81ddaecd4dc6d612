#include "b2bd/directory/id_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

/* FNV-1a, then mixed (murmur3's finalizer); never 0, which stands for an empty slot. */
static uint64_t hash(const struct b2b_id_set *set, const char *id)
{
	uint64_t h = 0xcbf29ce484222325ull ^ set->key;

	for (; *id; id++)
		h = (h ^ (unsigned char)*id) * 0x100000001b3ull;
	h = (h ^ h >> 33) * 0xff51afd7ed558ccdull;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53ull;
	h ^= h >> 33;
	return h ? h : 1;
}

static int insert(uint64_t *slots, size_t room, uint64_t h)
{
	size_t i = h & (room - 1);

	for (; slots[i]; i = (i + 1) & (room - 1)) {
		if (slots[i] == h)
			return 0;
	}
	slots[i] = h;
	return 1;
}

static int grow(struct b2b_id_set *set)
{
	size_t room = set->room ? set->room * 2 : 1024, i;
	uint64_t *slots = calloc(room, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	if (!set->room)
		set->key = b2b_now_ns();
	for (i = 0; i < set->room; i++) {
		if (set->slots[i])
			insert(slots, room, set->slots[i]);
	}
	free(set->slots);
	set->slots = slots;
	set->room = room;
	return 0;
}

int b2b_id_set_add(struct b2b_id_set *set, const char *id)
{
	int added;

	if (set->n * 4 >= set->room * 3 && grow(set) < 0)
		return -ENOMEM;
	added = insert(set->slots, set->room, hash(set, id));
	set->n += (size_t)added;
	return added;
}

void b2b_id_set_clear(struct b2b_id_set *set)
{
	free(set->slots);
	memset(set, 0, sizeof(*set));
}
