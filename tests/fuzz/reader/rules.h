/* The rules that every answer keeps, whatever the files hold. Each aborts with a line that says what was wrong. */
#ifndef B2B_FUZZ_READER_RULES_H
#define B2B_FUZZ_READER_RULES_H

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cache.h"
#include "tests/fuzz/reader/disk.h"

#define RULES_UNTOUCHED 0xa5 /* what an output holds before */

/* The codes of common/cache.h; -ESRCH only BY_NAME. */
void rules_code(int r, bool by_name);

/* An output that was filled with RULES_UNTOUCHED still is. */
void rules_untouched(const void *output, size_t size);

/* An answer to NAME (NULL: was not asked by name), or to ID (0: neither by id), in the LEN bytes of BUF. */
void rules_passwd(const struct passwd *pw, const char *buf, size_t len, const char *name, uint32_t id);
void rules_group(const struct group *gr, const char *buf, size_t len, const char *name, uint32_t id);
void rules_standing(const struct b2b_standing *standing, const char *name);

/* GID was given to NAME as a supplementary group. */
void rules_gid_of(const char *name, uint32_t gid);

/* The same to a newcomer, who has no more than what everybody of the organisation has. */
void rules_gid_of_newcomer(const char *name, uint32_t gid);

/* UID got a shell: where there is no doubt which word is its own, that and its organisation's are open. */
void rules_open(uint32_t uid, const char *const ids[DISK_ORGS]);

/* The (damaged) index offers B2B_NOLOGIN as a shell, so that it no longer tells who is closed. */
bool rules_nologin_is_a_shell(void);

#endif
