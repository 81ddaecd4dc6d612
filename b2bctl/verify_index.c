#include <errno.h>
#include <stdlib.h>

#include "b2bctl/verify.h"
#include "common/index_codec.h"

#define INDEX "index"
#define MEND "b2bctl policy apply makes it anew"

/* What the tables say is right; that they say it as it would be written shows the rest: hash, ranges, order, filling. */
static void judge_bytes(struct b2b_verify *verify, const struct b2b_cache_file *file, const struct b2b_policy *policy)
{
	struct b2b_finding finding = { 0 };
	int r = b2b_index_exact(file->bytes, file->size, policy, &finding);

	if (r == -EBADMSG)
		b2b_verify_fault(verify, INDEX, finding.at, finding.what, MEND);
	else if (r < 0)
		b2b_verify_unread(verify, INDEX, r, &finding, MEND);
}

static bool of_another_version(struct b2b_verify *verify, const struct b2b_cache_file *file)
{
	struct b2b_format_head head;

	b2b_copy(&head, file->bytes, sizeof(head));
	if (head.version == B2B_FORMAT_VERSION)
		return false;
	b2b_verify_note(verify, INDEX, offsetof(struct b2b_format_head, version), "another version made it; what a reader of this one looks at is right",
	                "b2bctl policy apply makes one of this version");
	return true;
}

void b2b_verify_index(struct b2b_verify *verify, struct b2b_policy **ret_policy)
{
	struct b2b_finding finding = { 0 };
	struct b2b_cache_file file = { 0 };
	int r;

	*ret_policy = NULL;
	r = b2b_cache_file_read(verify->ctl->cache_dir, INDEX, B2B_INDEX_SIZE_MAX, &file, &finding);
	if (r < 0) {
		b2b_verify_unread(verify, INDEX, r, &finding, MEND);
		return;
	}
	b2b_verify_owner(verify, INDEX, &file.st);
	r = b2b_index_find(file.bytes, file.size, ret_policy, &finding);
	if (r < 0)
		b2b_verify_unread(verify, INDEX, r, &finding, MEND);
	else if (!of_another_version(verify, &file))
		judge_bytes(verify, &file, *ret_policy);
	b2b_cache_file_clear(&file);
}

void b2b_verify_conf(struct b2b_verify *verify, struct b2b_conf **ret_conf)
{
	char error[B2B_CONF_ERROR_SIZE];
	struct b2b_policy *wanted;

	*ret_conf = NULL;
	if (verify->ctl->other_dir && !verify->ctl->other_conf)
		return; /* a copy's configuration is not this host's */
	if (b2b_conf_read(verify->ctl->conf_path, true, ret_conf, error) < 0) {
		b2b_verify_note(verify, INDEX, B2B_VERIFY_NOWHERE, error, "it was not compared with the configuration; b2bctl policy check says more");
		return;
	}
	wanted = (*ret_conf)->policy;
	if (b2b_policy_keep_role_numbers(wanted, verify->policy) < 0)
		return;
	verify->wanted = wanted;
	if (!b2b_policy_same(verify->policy, wanted))
		b2b_verify_note(verify, INDEX, B2B_VERIFY_NOWHERE, "it is not what the configuration says",
		                "b2bctl policy check tells the difference, b2bctl policy apply puts it in force");
}
