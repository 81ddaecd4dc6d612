/* One look-up in flight: from name or id to view, organisation, snapshot and entry. */
#ifndef B2B_CACHE_LOOK_H
#define B2B_CACHE_LOOK_H

#include "common/cache.h"
#include "common/cache_view.h"

struct b2b_look {
	struct b2b_cache *cache;
	struct b2b_ticket ticket;
	struct b2b_view *view;
	struct b2b_org *org;
	struct b2b_snap *snap;
	int slot;
	struct b2b_entry entry;
};

/* Enter and find the index. Returns 0 or -ENODATA; b2b_look_end only after 0. */
int b2b_look_begin(struct b2b_look *look, struct b2b_cache *cache);
void b2b_look_end(struct b2b_look *look);

/*
 * The same for NAME, cut at root's separator (its parts are not judged: they are looked up). -ENOENT where it cannot be
 * ours: then no file has been opened.
 */
int b2b_look_begin_name(struct b2b_look *look, struct b2b_cache *cache, const char *name, struct b2b_name *ret_split);

/*
 * Set org, snap and entry for NAME, or for ID (not an organisation's first). Returns 0, -ENOENT, -ENODATA, and by name
 * -ESRCH, as common/cache.h says. Where the snapshot was replaced meanwhile, the new one decides.
 */
int b2b_look_name(struct b2b_look *look, const struct b2b_name *name);
int b2b_look_id(struct b2b_look *look, uint32_t id);

/* Begin and find NAME, which must be a person's. Returns 0, or the error of either: then the look-up is over. */
int b2b_look_begin_user(struct b2b_look *look, struct b2b_cache *cache, const char *name);

/* Set slot and org alone. Returns 0, -ENOENT (unknown, or not for this process), -ENODATA. */
int b2b_look_org(struct b2b_look *look, int slot);

/* Does the user of look->entry stand open: own word, organisation's, and all above? */
bool b2b_look_open(const struct b2b_look *look);

#endif
