/*
 * How far a type of resource has been read, by the directory's own clock: what a question for changes begins from (RFC 7644 3.4.2.2,
 * meta.lastModified). The host's clock only says which times cannot be.
 */
#ifndef B2B_SCIM_MARK_H
#define B2B_SCIM_MARK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/idmap.h"

struct b2b_scim_mark { /* zeroed at first */
	int64_t newest_ms;           /* greatest lastModified that was shown; 0: it cannot be asked for changes, as something was undated, or nothing shown */
	char newest[B2B_OWNER_SIZE]; /* the id of what had it: an answer that does not show it again is none */
	uint64_t since_ns;           /* when it was first shown (b2b_now_ns) */
	uint64_t began_ns, took_ns;  /* the last reading that was complete */
};

/* One reading of a type, of everything or of what changed. */
struct b2b_scim_reading {
	int64_t after_ms; /* what was modified after it is asked for; 0: everything */
	uint64_t began_ns;
	int64_t newest_ms;
	char newest[B2B_OWNER_SIZE];
	bool undated; /* something had no lastModified, or none that is a time */
	bool met;     /* what was the newest before was shown */
};

/* CHANGES: ask for changes alone, where MARK lets that be; else for everything. */
void b2b_scim_reading_begin(struct b2b_scim_reading *reading, const struct b2b_scim_mark *mark, bool changes);

/*
 * RESOURCES were shown. Times after LATEST_MS are not believed, so that one that lies years ahead does not hide what changes
 * meanwhile. Returns 0, or -EOPNOTSUPP where they are not what was asked for: the service does not heed the question.
 */
int b2b_scim_reading_note(struct b2b_scim_reading *reading, const struct b2b_scim_mark *mark, const json_t *resources, int64_t latest_ms);

/*
 * Everything that was asked for was shown: note it in MARK. Returns 0, or -ESTALE where an answer for changes lacks what was the
 * newest before: it is gone, or the service answers a question that it does not understand with nothing.
 */
int b2b_scim_reading_end(const struct b2b_scim_reading *reading, struct b2b_scim_mark *mark);

#endif
