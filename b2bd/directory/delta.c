#include "b2bd/directory/delta.h"

#include <errno.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"

#define FAILURES_MAX 2 /* a resource that is deleted at the wrong moment is one */
#define AGAIN_NS (86400 * B2B_NS_PER_S) /* services are changed, too */

static bool is_off(const struct b2b_delta *delta)
{
	return delta->off_ns && b2b_now_ns() - delta->off_ns < AGAIN_NS;
}

const char *b2b_delta_why_not(const struct b2b_delta *delta)
{
	if (is_off(delta))
		return delta->why;
	if (!delta->based)
		return "a full pass comes first";
	if (delta->known.service.no_filter)
		return "the service says that it has no filters";
	return delta->known.marks[B2B_SCIM_PEOPLE].newest_ms ? "" : "the service does not say of all people when they were modified last";
}

bool b2b_delta_may(const struct b2b_delta *delta)
{
	return delta->interval_s && !*b2b_delta_why_not(delta);
}

void b2b_delta_full_ended(struct b2b_delta *delta, bool complete)
{
	delta->based = complete;
}

static void switch_off(struct b2b_delta *delta, const char *why)
{
	delta->off_ns = b2b_now_ns();
	snprintf(delta->why, sizeof(delta->why), "%s", why);
	b2b_log(LOG_WARNING, "event=directory-changes-not-possible error=\"%s\"; full passes alone, until it is tried again in a day", why);
}

bool b2b_delta_ended(struct b2b_delta *delta, int error, const char *why, bool cut)
{
	if (error == 0) {
		delta->failures = 0;
		delta->off_ns = 0;
		delta->last_s = b2b_wall_s();
		return false;
	}
	delta->based = false;
	if (cut)
		return true;
	b2b_log(error == -EBUSY ? LOG_NOTICE : LOG_WARNING, "event=directory-changes error=\"%s\"; a full pass follows", why);
	if (error == -EBUSY)
		return true;
	/* a service that is away for a while (-EAGAIN) has said nothing of its filters */
	if (error == -EOPNOTSUPP || (error == -ESTALE && ++delta->failures >= FAILURES_MAX))
		switch_off(delta, why);
	return error != -EAGAIN;
}
