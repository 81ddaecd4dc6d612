#include "b2bctl/ctl.h"

#define SHOWN_MOST 5

static void show_one(FILE *out, const json_t *list, int64_t now_s)
{
	long long fetched = b2b_ctl_number(list, "fetched_s"), ttl = b2b_ctl_number(list, "ttl_s"),
		  failing = b2b_ctl_number(list, "failing_since_s");
	char ago[B2B_AGE_SIZE], span[B2B_AGE_SIZE], next[B2B_AGE_SIZE];

	b2b_ctl_paragraph(out, "status list", "%s: %lld session%s, fetched %s", b2b_ctl_text(list, "uri"), b2b_ctl_number(list, "sessions"),
	                  b2b_ctl_number(list, "sessions") == 1 ? "" : "s", b2b_ctl_ago(fetched, now_s, ago));
	if (failing)
		b2b_ctl_paragraph(out, "", "failing for %s: %s; nobody logs in by it, open sessions stay", b2b_ctl_span(now_s - failing, span),
		                  b2b_ctl_text(list, "why"));
	else if (fetched)
		b2b_ctl_paragraph(out, "", "ttl %s, next fetch in %s; what is withdrawn in it shows within %lld s", ttl ? b2b_ctl_span(ttl, span) : "not said",
		                  b2b_ctl_span(b2b_ctl_number(list, "next_in_s"), next), b2b_ctl_number(list, "within_s"));
}

void b2b_ctl_show_status_lists(FILE *out, const json_t *lists, int64_t now_s)
{
	size_t i, n = json_array_size(lists);

	for (i = 0; i < n && i < SHOWN_MOST; i++)
		show_one(out, json_array_get(lists, i), now_s);
	if (n > SHOWN_MOST)
		b2b_ctl_paragraph(out, "", "and %zu more status lists: b2bctl status --json shows all", n - SHOWN_MOST);
}
