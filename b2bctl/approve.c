/* Mass removals: what waits for an administrator's word, and the word. */
#include <string.h>

#include "b2bctl/ctl.h"
#include "common/clock.h"

#define NAMED_MOST 20

static void show_names(FILE *out, const json_t *people, long long missing)
{
	size_t i, n = json_array_size(people);

	for (i = 0; i < n && i < NAMED_MOST; i++)
		b2b_ctl_paragraph(out, "", "%s", json_string_value(json_array_get(people, i)));
	if (missing > (long long)i)
		b2b_ctl_paragraph(out, "", "and %lld more%s", missing - (long long)i, n > NAMED_MOST ? "; --json names them" : "");
}

void b2b_ctl_show_approvals(FILE *out, const json_t *list, int64_t now_s)
{
	char ago[B2B_AGE_SIZE];
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one) {
		const char *alias = b2b_ctl_text(one, "organisation");
		long long missing = b2b_ctl_number(one, "missing");

		b2b_ctl_paragraph(out, "waits", "%s: %lld of %lld people are not in the directory any more%s; first missed %s%s%s", alias, missing,
		                  b2b_ctl_number(one, "living"), b2b_ctl_true(one, "unlisted") ? ", nor is the organisation" : "",
		                  b2b_ctl_ago(b2b_ctl_number(one, "since_s"), now_s, ago),
		                  b2b_ctl_true(one, "approved") ? "; approved, so the next complete pass removes them" : "; b2bctl approve ",
		                  b2b_ctl_true(one, "approved") ? "" : alias);
		show_names(out, json_object_get(one, "people"), json_object_get(one, "people") ? missing : 0);
	}
}

static int show_list(FILE *out, const json_t *json)
{
	const json_t *list = json_object_get(json, "approvals");

	if (!json_is_array(list))
		return B2B_CTL_FAILED;
	if (!json_array_size(list))
		fputs("Nothing waits for approval.\n", out);
	b2b_ctl_show_approvals(out, list, b2b_wall_s());
	return B2B_CTL_OK;
}

static int show_approved(FILE *out, const json_t *json)
{
	if (strcmp(b2b_ctl_text(json, "done"), "approved") != 0)
		return B2B_CTL_FAILED;
	fprintf(out, "Approved: %lld people of %s are removed by the pass over the directory that begins now,\n"
	             "if it does not meet them either (audit id %s).\n",
	        b2b_ctl_number(json, "missing"), b2b_ctl_text(json, "organisation"), b2b_ctl_text(json, "audit_id"));
	return B2B_CTL_OK;
}

int b2b_ctl_approve(struct b2b_ctl *ctl)
{
	if (ctl->list == (ctl->operand != NULL))
		return b2b_ctl_fail(ctl, B2B_CTL_USAGE, "usage: b2bctl approve ORGANISATION, or b2bctl approve --list");
	if (ctl->list)
		return b2b_ctl_ask_and_show(ctl, "approvals", show_list);
	return b2b_ctl_ask_and_show(ctl, "approve", show_approved);
}
