/* Entries become struct passwd and struct group in the caller's buffer. -ERANGE: it is too small; *ret_x is untouched. */
#ifndef B2B_CACHE_FILL_H
#define B2B_CACHE_FILL_H

#include <grp.h>
#include <pwd.h>

#include "common/cache_look.h"

#define B2B_NOLOGIN "/usr/sbin/nologin"

/* The user of look->entry; where it does not stand open, the shell is B2B_NOLOGIN. Returns 0, -ERANGE, or -ENODATA. */
int b2b_fill_passwd(const struct b2b_look *look, struct passwd *ret_pw, char *buf, size_t len);

/* A group under construction: name and password at the beginning of the buffer, then pointers; members' names from its end down. */
struct b2b_group_fill {
	char *name, *password;
	char **members;
	size_t n_members;
	char *low, *high; /* what is free between pointers and names */
};

/* Begin with LOCAL@ALIAS, or LOCAL alone where SEPARATOR is NUL. Returns 0 or -ERANGE. */
int b2b_group_begin(struct b2b_group_fill *fill, const char *local, char separator, const char *alias, char *buf, size_t len);
/* Add the member LOCAL (N_LOCAL bytes) of the same alias. Returns 0 or -ERANGE. */
int b2b_group_add(struct b2b_group_fill *fill, const char *local, size_t n_local, char separator, const char *alias, size_t n_alias);
void b2b_group_end(struct b2b_group_fill *fill, uint32_t gid, struct group *ret_gr);

#endif
