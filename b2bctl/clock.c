#include <string.h>

#include "b2bctl/ctl.h"

void b2b_ctl_show_clock(FILE *out, const json_t *clock)
{
	char span[B2B_AGE_SIZE];

	if (json_is_object(clock) && !b2b_ctl_true(clock, "trusted"))
		b2b_ctl_paragraph(out, "clock", "%s behind the latest time that was seen: no session is opened. Set it; if it is right now and was wrong "
		                                "before: b2bctl clock accept",
		                  b2b_ctl_span(b2b_ctl_number(clock, "behind_s"), span));
}

static int show_accepted(FILE *out, const json_t *json)
{
	char span[B2B_AGE_SIZE];

	if (strcmp(b2b_ctl_text(json, "done"), "clock-accepted") != 0)
		return B2B_CTL_FAILED;
	fprintf(out, "The clock counts as right, though it was %s behind (audit id %s).\n",
	        b2b_ctl_span(b2b_ctl_number(json, "behind_s"), span), b2b_ctl_text(json, "audit_id"));
	return B2B_CTL_OK;
}

int b2b_ctl_clock_accept(struct b2b_ctl *ctl)
{
	return b2b_ctl_ask_and_show(ctl, "clock-accept", show_accepted);
}
