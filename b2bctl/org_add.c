#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bctl/ctl.h"
#include "common/cache_format.h"
#include "common/index.h"

#define RANGE_SIZE 0x10000u

static bool overlaps(uint32_t lo, uint32_t hi, const struct b2b_policy *policy, const struct b2b_range *known, size_t n)
{
	if (policy->partners_gid >= lo && policy->partners_gid <= hi)
		return true;
	for (uint32_t i = 0; i < policy->n_orgs; i++)
		if (lo <= policy->orgs[i].range_hi && policy->orgs[i].range_lo <= hi)
			return true;
	for (size_t i = 0; i < n; i++)
		if (lo <= known[i].hi && known[i].lo <= hi)
			return true;
	return false;
}

/* The range that organisation ID has or had already, or the first that nobody has had. */
static int choose(const char *id, const struct b2b_policy *policy, const struct b2b_range *known, size_t n, struct b2b_range *ret_range)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(known[i].id, id) == 0) {
			*ret_range = known[i];
			return 0;
		}
	for (uint32_t lo = B2B_RANGE_FIRST; lo >= B2B_RANGE_FIRST && lo <= B2B_RANGE_LAST - RANGE_SIZE + 1; lo += RANGE_SIZE) {
		if (overlaps(lo, lo + RANGE_SIZE - 1, policy, known, n))
			continue;
		ret_range->lo = lo;
		ret_range->hi = lo + RANGE_SIZE - 1;
		return 0;
	}
	return -ENOSPC;
}

static int judge(struct b2b_ctl *ctl, const struct b2b_policy *policy)
{
	int org;

	if (!ctl->id)
		return b2b_ctl_fail(ctl, B2B_CTL_USAGE, "--id is missing: the organisation's immutable id at the federation service");
	if (!b2b_org_id_valid(ctl->id))
		return b2b_ctl_fail(ctl, B2B_CTL_USAGE, "the id may have letters, digits, '.', '_' and '-', at most 64");
	if (!b2b_alias_valid(ctl->operand))
		return b2b_ctl_fail(ctl, B2B_CTL_USAGE, "the alias may have labels of a-z, 0-9 and '-' joined by dots, at most 23 bytes");
	if (b2b_policy_org_by_alias(policy, ctl->operand) >= 0)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "organisation %s is in %s already", ctl->operand, ctl->conf_path);
	org = b2b_policy_org_by_id(policy, ctl->id);
	if (org >= 0)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "organisation %s has this id already", policy->orgs[org].alias);
	return B2B_CTL_OK;
}

static int propose(struct b2b_ctl *ctl, const struct b2b_policy *policy, char **ret_section)
{
	struct b2b_policy *before = NULL;
	struct b2b_range *known = NULL, range = { 0 };
	size_t n = 0;
	int r;

	b2b_index_read(ctl->cache_dir, &before); /* where there is none, the configuration and the live files tell */
	r = b2b_ranges_known(ctl->cache_dir, before, &known, &n);
	b2b_policy_free(before);
	if (r == 0)
		r = choose(ctl->id, policy, known, n, &range);
	free(known);
	if (r < 0)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "%s", r == -ENOSPC ? "no range of 65536 ids is free" : strerror(-r));
	if (asprintf(ret_section, "\n[organisation %s]\nid       = %s\nrange    = 0x%x-0x%x\nservices = sshd\n", ctl->operand, ctl->id, range.lo, range.hi) < 0)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "out of memory");
	return B2B_CTL_OK;
}

static int check_conf(struct b2b_ctl *ctl, const char *whole, size_t len, void *arg, char *error)
{
	struct b2b_conf *conf = NULL;
	int r = b2b_conf_parse(whole, len, ctl->conf_path, true, &conf, error);

	(void)arg;
	b2b_conf_free(conf);
	return r;
}

int b2b_ctl_org_add(struct b2b_ctl *ctl)
{
	char error[B2B_CONF_ERROR_SIZE], *section = NULL;
	struct b2b_conf *conf = NULL;
	int code;

	if (b2b_conf_read(ctl->conf_path, true, &conf, error) < 0)
		return b2b_ctl_fail(ctl, B2B_CTL_CONF, "%s", error);
	code = judge(ctl, conf->policy);
	if (code == B2B_CTL_OK)
		code = propose(ctl, conf->policy, &section);
	if (code == B2B_CTL_OK && ctl->write)
		code = b2b_ctl_append(ctl, ctl->conf_path, section, check_conf, NULL);
	if (code == B2B_CTL_OK) {
		fputs(section + 1, ctl->out); /* without the empty line before it */
		fprintf(ctl->err, ctl->write ? "Appended to %s; now: b2bctl policy apply\n" : "A section for %s (--write appends it); then: b2bctl policy apply\n",
		        ctl->conf_path);
	}
	free(section);
	b2b_conf_free(conf);
	return code;
}
