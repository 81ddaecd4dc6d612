/* What is wrong with a file, and where: for people, who have to mend it. Who decides for a program looks at the error alone. */
#ifndef B2B_FINDING_H
#define B2B_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct b2b_finding {
	uint64_t at;      /* byte of the file */
	const char *what; /* static; NULL: nothing was found */
};

/* Notes that at AT is WHAT where RET_FINDING is not NULL. Returns false: what was looked at is not valid. */
static inline bool b2b_find(struct b2b_finding *ret_finding, uint64_t at, const char *what)
{
	if (ret_finding) {
		ret_finding->at = at;
		ret_finding->what = what;
	}
	return false;
}

#endif
