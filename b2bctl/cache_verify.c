#include <errno.h>
#include <string.h>

#include "b2bctl/verify.h"

static void add(struct b2b_verify *verify, const char *kind, const char *file, uint64_t at, const char *what, const char *to_do)
{
	json_t *finding = json_pack("{s:s, s:s, s:s, s:s}", "kind", kind, "file", file, "what", what, "do", to_do);

	json_object_set_new(finding, "at", at == B2B_VERIFY_NOWHERE ? json_null() : json_integer((json_int_t)at));
	json_array_append_new(verify->findings, finding);
}

void b2b_verify_fault(struct b2b_verify *verify, const char *file, uint64_t at, const char *what, const char *to_do)
{
	add(verify, "fault", file, at, what, to_do);
	verify->faults++;
}

void b2b_verify_note(struct b2b_verify *verify, const char *file, uint64_t at, const char *what, const char *to_do)
{
	add(verify, "note", file, at, what, to_do);
}

void b2b_verify_unread(struct b2b_verify *verify, const char *file, int error, const struct b2b_finding *finding, const char *mend)
{
	if (error == -ENOENT)
		b2b_verify_fault(verify, file, B2B_VERIFY_NOWHERE, "it is not there", mend);
	else if (error == -EACCES)
		b2b_verify_fault(verify, file, B2B_VERIFY_NOWHERE, "this user may not read it, so nobody knows", "run it as root");
	else if (error == -EPROTONOSUPPORT)
		b2b_verify_fault(verify, file, finding->at, finding->what, "install the newer b2b again; until then none of these partners is let in");
	else if (error == -EBADMSG)
		b2b_verify_fault(verify, file, finding->at, finding->what, mend);
	else
		b2b_verify_fault(verify, file, B2B_VERIFY_NOWHERE, strerror(-error), "try again");
}

void b2b_verify_zero(struct b2b_verify *verify, const struct b2b_cache_file *file, size_t from, size_t to, const char *mend)
{
	for (size_t at = from; at < to; at++)
		if (file->bytes[at] != 0) {
			b2b_verify_fault(verify, file->name, at, "a byte that nothing describes is not zero", mend);
			return;
		}
}

static void look_at_all(struct b2b_verify *verify)
{
	struct b2b_conf *conf = NULL;
	struct b2b_policy *policy = NULL;

	b2b_verify_folder(verify, "");
	b2b_verify_index(verify, &policy);
	verify->policy = policy;
	if (policy) {
		b2b_verify_conf(verify, &conf);
		b2b_verify_folder(verify, "live");
		b2b_verify_folder(verify, "org");
	}
	for (int org = 0; policy && (uint32_t)org < policy->n_orgs; org++) {
		struct b2b_cache_file live = { 0 };

		b2b_verify_live(verify, org, &live);
		b2b_verify_org_folder(verify, org);
		b2b_verify_roster(verify, org, &live);
		b2b_cache_file_clear(&live);
	}
	if (!policy)
		b2b_verify_note(verify, "live, org", B2B_VERIFY_NOWHERE, "not looked at: without an index nobody knows what belongs there",
		                "mend the index first; b2bctl cache dump shows them");
	b2b_verify_leftovers(verify);
	b2b_conf_free(conf);
	b2b_policy_free(policy);
	verify->policy = verify->wanted = NULL;
}

/* A line for each, so that it can be searched: kind, file and byte, what, what to do. */
static void print(struct b2b_verify *verify)
{
	FILE *out = verify->ctl->out;
	json_t *finding;
	size_t i;

	json_array_foreach(verify->findings, i, finding) {
		fprintf(out, "%s: %s", b2b_ctl_text(finding, "kind"), b2b_ctl_text(finding, "file"));
		if (json_is_integer(json_object_get(finding, "at")))
			fprintf(out, " at byte %lld", b2b_ctl_number(finding, "at"));
		fprintf(out, ": %s; %s\n", b2b_ctl_text(finding, "what"), b2b_ctl_text(finding, "do"));
	}
	if (verify->faults == 0)
		fputs("The cache is sound.\n", out);
	else
		fprintf(out, "%u fault%s.\n", verify->faults, verify->faults == 1 ? "" : "s");
}

int b2b_ctl_cache_verify(struct b2b_ctl *ctl)
{
	struct b2b_verify verify = { .ctl = ctl, .findings = json_array() };
	int code;

	if (!verify.findings)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "%s", strerror(ENOMEM));
	look_at_all(&verify);
	if (ctl->json) {
		json_t *answer = json_pack("{s:b, s:O}", "sound", verify.faults == 0, "findings", verify.findings);

		code = b2b_ctl_print_json(ctl, answer);
		json_decref(answer);
	} else {
		print(&verify);
		code = fflush(ctl->out) == 0 ? B2B_CTL_OK : B2B_CTL_FAILED;
	}
	json_decref(verify.findings);
	return code == B2B_CTL_OK && verify.faults > 0 ? B2B_CTL_FAILED : code;
}
