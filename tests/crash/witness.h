/*
 * Witnesses: processes that look people up without pause while writers are killed, and hold every answer against what was
 * ordered. What they saw is in memory that all share, so that an answer of one binds all later answers of all.
 *
 * Person number I is called uI; the display name is "tI vK" at version K, and K's parity decides over the role operator: so the
 * parts of an answer can be told to belong together, and versions never to go backwards.
 */
#ifndef B2B_CRASH_WITNESS_H
#define B2B_CRASH_WITNESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define WITNESS_PEOPLE 8192
#define WITNESS_ORGS 8
#define WITNESS_RANGE 4096u

struct witness_person {
	uint32_t org;
	_Atomic uint32_t uid;     /* 0: nobody saw one yet */
	_Atomic uint32_t version; /* the latest that anybody saw */
	_Atomic bool ordered;     /* to be closed; stored before the order is given */
	_Atomic bool closed;      /* for good: somebody saw it closed, or the service saw the acknowledgement */
};

struct witness_org {
	char alias[16];
	uint32_t lo;
	uint32_t role_gid;
	_Atomic bool ordered, closed;
};

struct witnesses {
	struct witness_org orgs[WITNESS_ORGS];
	struct witness_person people[WITNESS_PEOPLE];
	_Atomic uint32_t n_people;                             /* ordered so far */
	_Atomic uint32_t owners[WITNESS_ORGS * WITNESS_RANGE]; /* person + 1, by organisation and id */
	_Atomic uint64_t looks, found;
	_Atomic bool stop;
	_Atomic bool failed;
	char why[256]; /* once failed */
};

/* Shared with children that are forked later. Exits the test on failure. */
struct witnesses *witnesses_new(void);

/*
 * Look until told to stop. By MODULE through the real libnss_b2b.so.2, without it through a cache handle that is made anew
 * now and then, as short-lived processes do.
 */
pid_t witness_start(struct witnesses *witnesses, bool module, unsigned seed);

/* One look at person I by the calling process. Returns the version seen, 0 where there is none; *ret_open where there is one. */
uint32_t witness_look(struct witnesses *witnesses, uint32_t i, bool *ret_open);

#endif
