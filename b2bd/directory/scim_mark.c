#include "b2bd/directory/scim_mark.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "b2bd/directory/scim_parse.h"
#include "common/clock.h"

/*
 * A change may carry a time from before others that were shown already: it was committed later than it is dated, or comes from another
 * of the service's machines.
 */
#define OVERLAP_MS 300000
#define LEAST_OVERLAP_MS 1000 /* times may be cut to whole seconds on the way */

/*
 * Whoever was modified while a long reading went on may have been read before, so what that took is asked for again. Once the overlap has
 * passed since the newest time was shown, and all after that was read, what is dated before it was, too.
 */
static int64_t begin_of_changes(const struct b2b_scim_mark *mark)
{
	bool settled = mark->began_ns >= mark->since_ns + OVERLAP_MS * B2B_NS_PER_MS;
	int64_t back_ms = settled ? LEAST_OVERLAP_MS : OVERLAP_MS + (int64_t)(mark->took_ns / B2B_NS_PER_MS), after_ms = mark->newest_ms - back_ms;

	return after_ms > 1000 ? after_ms - after_ms % 1000 : 0;
}

void b2b_scim_reading_begin(struct b2b_scim_reading *reading, const struct b2b_scim_mark *mark, bool changes)
{
	memset(reading, 0, sizeof(*reading));
	reading->began_ns = b2b_now_ns();
	reading->after_ms = changes && mark->newest_ms ? begin_of_changes(mark) : 0;
}

static int note_one(struct b2b_scim_reading *reading, const struct b2b_scim_mark *mark, const json_t *resource, int64_t latest_ms)
{
	const char *id = b2b_scim_id(resource);
	int64_t modified_ms = 0;
	bool undated = b2b_scim_modified(resource, &modified_ms) < 0 || modified_ms <= 0 || !id;

	reading->undated = reading->undated || undated;
	if (reading->after_ms && (undated || modified_ms < reading->after_ms))
		return -EOPNOTSUPP;
	if (undated)
		return 0;
	reading->met = reading->met || !strcmp(id, mark->newest);
	if (modified_ms > reading->newest_ms && modified_ms <= latest_ms) {
		reading->newest_ms = modified_ms;
		snprintf(reading->newest, sizeof(reading->newest), "%s", id);
	}
	return 0;
}

int b2b_scim_reading_note(struct b2b_scim_reading *reading, const struct b2b_scim_mark *mark, const json_t *resources, int64_t latest_ms)
{
	const json_t *resource;
	size_t i;
	int r = 0;

	json_array_foreach(resources, i, resource) {
		r = note_one(reading, mark, resource, latest_ms);
		if (r < 0)
			break;
	}
	return r;
}

int b2b_scim_reading_end(const struct b2b_scim_reading *reading, struct b2b_scim_mark *mark)
{
	int64_t newest_ms = reading->undated ? 0 : reading->newest_ms;
	uint64_t now_ns = b2b_now_ns();

	if (reading->after_ms && !reading->met)
		return -ESTALE;
	if (!reading->after_ms || newest_ms > mark->newest_ms) {
		if (newest_ms != mark->newest_ms)
			mark->since_ns = now_ns;
		mark->newest_ms = newest_ms;
		memcpy(mark->newest, reading->newest, sizeof(mark->newest));
	}
	mark->began_ns = reading->began_ns;
	mark->took_ns = now_ns - reading->began_ns;
	return 0;
}
