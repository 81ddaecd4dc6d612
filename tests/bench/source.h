/* passwd(5) and group(5) files, parsed once for whatever is built from them. */
#ifndef B2B_BENCH_SOURCE_H
#define B2B_BENCH_SOURCE_H

#include <stddef.h>
#include <stdint.h>

struct source_user {
	const char *name, *gecos, *home, *shell;
	uint32_t uid, gid;
	uint32_t groups, n_groups; /* first in memberships, number */
};

struct source_group {
	const char *name;
	uint32_t gid;
	uint32_t members, n_members; /* first in members, number */
};

struct source {
	struct source_user *users;
	struct source_group *groups;
	uint32_t n_users, n_groups;
	uint32_t *members;     /* numbers of users, group after group */
	uint32_t *memberships; /* gids, user after user */
	char *passwd_text, *group_text;
};

/* Parse DIR/passwd and DIR/group. Returns 0 or a negative errno (-EBADMSG: a line that is none). Caller frees with source_free. */
int source_read(const char *dir, struct source *ret_source);
void source_free(struct source *source);

#endif
