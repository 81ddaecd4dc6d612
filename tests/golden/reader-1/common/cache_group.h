/* Groups: of organisations, `members`, private ones, `partners`; for look-ups and enumeration alike. */
#ifndef B2B_CACHE_GROUP_H
#define B2B_CACHE_GROUP_H

#include "common/cache_look.h"

/* Return 0, -ERANGE or -ENODATA. look->entry, or look->slot, say which. */
int b2b_group_of_entry(struct b2b_look *look, struct group *ret_gr, char *buf, size_t len);
int b2b_group_of_members(struct b2b_look *look, int slot, struct group *ret_gr, char *buf, size_t len);
int b2b_group_of_partners(struct b2b_look *look, struct group *ret_gr, char *buf, size_t len);

#endif
