/*
 * Names: the one rule for what can be a partner's name on this host.
 *
 *   alice@acme           a person or a group of the organisation acme
 *   bob@emea.acme        of its subsidiary emea
 *   members@acme         reserved: everyone of the organisation
 *   partners             reserved: every partner of every organisation
 *
 * Local part: a-z 0-9 _ . -, first a letter or _ ; alias: labels of a-z 0-9 -
 * joined by dots, no label empty or beginning or ending with '-'. At most 31 bytes in all
 * (utmp's ut_user). Upper case is folded to lower case before anything else;
 * what is left outside the rule is not a partner's name. The separator is root's choice (B2B_SEPARATORS).
 * Nothing here allocates, waits, or touches a file: NSS calls it for every name.
 */
#ifndef B2B_NAMES_H
#define B2B_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define B2B_NAME_SIZE 32 /* bytes of buffer for a whole name, NUL included */
#define B2B_SEPARATORS "@+" /* what `[host] separator` may choose from */
#define B2B_GROUP_PARTNERS "partners"
#define B2B_GROUP_MEMBERS "members"

struct b2b_name {
	char local[B2B_NAME_SIZE]; /* "alice", padded with NUL */
	char alias[B2B_NAME_SIZE]; /* "emea.acme", likewise */
	uint32_t n_local, n_alias; /* their lengths */
};

/*
 * Split NAME at SEPARATOR, folding case.
 * Returns 0, or -EINVAL when NAME cannot be a partner's name (too long, no
 * separator, wrong character); *ret_name is then untouched.
 */
int b2b_name_split(const char *name, char separator, struct b2b_name *ret_name);

/*
 * The same without judging the characters of either part: for who looks both up in tables of valid names anyway, where a
 * wrong one is not found. False: too long, no separator, or nothing on one side of it; *ret_name is then untouched.
 */
bool b2b_name_cut(const char *name, char separator, struct b2b_name *ret_name);

/*
 * Could NAME be a partner's under any separator? Cheap: at most 32 bytes are
 * read. Used where the index is not at hand, to fail closed for partners and
 * to leave everybody else alone.
 */
bool b2b_name_candidate(const char *name);

/* Join into BUF of SIZE bytes. Returns 0, or -ERANGE when it does not fit 31 bytes or BUF. */
int b2b_name_join(const char *local, char separator, const char *alias, char *buf, size_t size);

bool b2b_local_valid(const char *local); /* by the rule above, already folded */

/*
 * Copy the LEN bytes at TEXT, which may change meanwhile, into RET_LOCAL, padded with NUL, where the copy is a valid local
 * part, already folded. False: it is not; RET_LOCAL is untouched.
 */
bool b2b_local_take(const char *text, size_t len, char ret_local[B2B_NAME_SIZE]);

bool b2b_alias_valid(const char *alias);

#endif
