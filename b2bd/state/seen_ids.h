/*
 * Which ids a full directory pass has met: one bit each, in memory. Nothing of it needs to outlive a pass, and a
 * pass over a million unchanged people then writes nothing to disk.
 */
#ifndef B2B_SEEN_IDS_H
#define B2B_SEEN_IDS_H

#include <stdbool.h>
#include <stdint.h>

struct b2b_seen_ids { /* zeroed at first */
	int64_t pass;
	uint64_t **chapters[512]; /* of pages: whatever part of the 32 bits is not used costs next to nothing */
};

void b2b_seen_ids_clear(struct b2b_seen_ids *seen);
/* Mark ID in PASS; another PASS than before forgets all marks. Returns 0 or -ENOMEM. */
int b2b_seen_ids_mark(struct b2b_seen_ids *seen, int64_t pass, uint32_t id);
bool b2b_seen_ids_has(const struct b2b_seen_ids *seen, int64_t pass, uint32_t id);

#endif
