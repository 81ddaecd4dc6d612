/* Every question there is, and whether the answer keeps the rules. */
#ifndef B2B_FUZZ_READER_QUESTIONS_H
#define B2B_FUZZ_READER_QUESTIONS_H

#include "common/cache.h"
#include "tests/fuzz/reader/base.h"

struct asking {
	struct b2b_cache *cache;
	const struct base *base;
	size_t room;  /* bytes of buffer for each */
	bool still;   /* nothing changes while the questions are asked */
	void (*before)(unsigned question); /* called before each, which are numbered from 1 */
	unsigned question;
	unsigned answered; /* with 0 */
};

enum {
	QUESTIONS_PEOPLE = 1, /* by name, with their groups */
	QUESTIONS_NAMES = 2,  /* groups by name, what is nobody's name, standings */
	QUESTIONS_IDS = 4,    /* people and groups by id */
	QUESTIONS_LISTS = 8,  /* enumeration; maps everything that can be */
	QUESTIONS_NEWCOMERS = 16, /* people who are not there yet */
	QUESTIONS_ALL = 31,
};

/* Put those of ROUNDS. Aborts where an answer breaks a rule. */
void questions_ask(struct asking *asking, unsigned rounds);

#endif
