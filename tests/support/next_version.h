/*
 * The next version of the format, as its writer will keep to the rules in common/cache_format.h: one higher, longer headers,
 * unknown tables between the known ones and these in another order, bytes that are reserved in this version in use.
 */
#ifndef B2B_TEST_NEXT_VERSION_H
#define B2B_TEST_NEXT_VERSION_H

#include <stdint.h>

#include "common/cache_format.h"

enum { NEXT_INDEX = 1, NEXT_LIVE = 2, NEXT_SNAPSHOT = 4, NEXT_ALL = 7 };

#define NEXT_SAME_READER B2B_FORMAT_VERSION        /* min_reader of a file that a reader of this version understands */
#define NEXT_ONLY_READER (B2B_FORMAT_VERSION + 1)  /* of one that it must refuse */

/*
 * Make WHICH of the files of organisation ORG_ID below DIR, which are of this version, such files: index and snapshot
 * replaced by rename and announced, the live file in place. Exits the test on failure.
 */
void next_version(const char *dir, const char *org_id, unsigned which, uint16_t min_reader);

#endif
