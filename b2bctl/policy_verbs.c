#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "b2bctl/ctl.h"
#include "common/index.h"

/* The configuration, and the policy that is in force (NULL where there is none that can be read). */
struct plan {
	struct b2b_conf *conf;
	struct b2b_policy *before;
};

static void plan_clear(struct plan *plan)
{
	b2b_conf_free(plan->conf);
	b2b_policy_free(plan->before);
}

static int read_before(struct b2b_ctl *ctl, struct b2b_policy **ret_before)
{
	int r = b2b_index_read(ctl->cache_dir, ret_before);

	if (r == 0 || r == -ENOENT)
		return B2B_CTL_OK;
	if (r != -EBADMSG && r != -EPROTONOSUPPORT)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "%s/index: %s", ctl->cache_dir,
		                    r == -EPERM ? "somebody else than root can change it; remove it and apply again" : strerror(-r));
	fprintf(ctl->err, "warning: %s/index %s and is made anew; restart b2bd, so that roles are published anew too\n", ctl->cache_dir,
	        r == -EBADMSG ? "is damaged" : "was made by a newer b2b, which this one cannot read,");
	return B2B_CTL_OK;
}

/* An id, once given, is never another's: not by another range for the same organisation, nor by a range that another had. */
static int judge_range(struct b2b_ctl *ctl, const struct b2b_range *known, const struct b2b_policy_org *org)
{
	bool same = strcmp(known->id, org->id) == 0;

	if (same && (known->lo != org->range_lo || known->hi != org->range_hi))
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED,
		                    "organisation %s has 0x%x-0x%x and cannot change to 0x%x-0x%x: its people's files would be somebody else's; put the range back",
		                    org->alias, known->lo, known->hi, org->range_lo, org->range_hi);
	if (!same && org->range_lo <= known->hi && known->lo <= org->range_hi)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED,
		                    "organisation %s cannot have 0x%x-0x%x: ids of it were given to organisation %s, and never pass to another; b2bctl org add proposes a free range",
		                    org->alias, org->range_lo, org->range_hi, known->id);
	return B2B_CTL_OK;
}

static int judge_ranges(struct b2b_ctl *ctl, const struct plan *plan)
{
	const struct b2b_policy *policy = plan->conf->policy;
	struct b2b_range *known = NULL;
	size_t n = 0;
	int r, code = B2B_CTL_OK;

	r = b2b_ranges_known(ctl->cache_dir, plan->before, &known, &n);
	if (r < 0)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "the ranges given out before cannot be read: %s", strerror(-r));
	for (size_t i = 0; code == B2B_CTL_OK && i < n; i++)
		for (uint32_t j = 0; code == B2B_CTL_OK && j < policy->n_orgs; j++)
			code = judge_range(ctl, &known[i], &policy->orgs[j]);
	free(known);
	return code;
}

/* A typing error looks like an organisation of other hosts. */
static void warn_foreign_pins(struct b2b_ctl *ctl, const struct b2b_conf *conf)
{
	int line;
	size_t n = b2b_idmap_foreign(conf->pins, &line);

	if (n)
		fprintf(ctl->err, "warning: %s:%d: this organisation has no section here, so %s not count on this host\n", conf->host.idmap, line,
		        n > 1 ? "the line and others like it do" : "the line does");
}

static int make_plan(struct b2b_ctl *ctl, struct plan *plan)
{
	char error[B2B_CONF_ERROR_SIZE];
	int code;

	if (b2b_conf_read(ctl->conf_path, true, &plan->conf, error) < 0)
		return b2b_ctl_fail(ctl, B2B_CTL_CONF, "%s", error);
	code = read_before(ctl, &plan->before);
	if (code == B2B_CTL_OK)
		code = judge_ranges(ctl, plan);
	if (code != B2B_CTL_OK || !plan->before)
		return code;
	if (b2b_policy_keep_role_numbers(plan->conf->policy, plan->before) < 0)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "%d roles are the most, those counted that were removed; use the name of one of these again",
		                    B2B_ROLES_MAX);
	return B2B_CTL_OK;
}

/* Package and tmpfiles make it; this is for a host that has only the binaries yet. */
static int make_folder(const char *dir)
{
	if (mkdir(dir, 0755) < 0)
		return errno == EEXIST ? 0 : -errno;
	return chmod(dir, 0755) < 0 ? -errno : 0; /* whatever the umask */
}

static int make_folders(const char *dir)
{
	char *copy = strdup(dir);
	int r = copy ? make_folder(dirname(copy)) : -ENOMEM;

	free(copy);
	return r < 0 ? r : make_folder(dir);
}

static int write_plan(struct b2b_ctl *ctl, struct plan *plan)
{
	struct b2b_policy *after = plan->conf->policy;
	int r;

	if (plan->before && b2b_policy_same(plan->before, after) && b2b_index_intact(ctl->cache_dir, plan->before) == 1) {
		/* what a crash left behind the last apply is finished all the same */
		b2b_index_recover(ctl->cache_dir);
		fputs("Nothing has changed.\n", ctl->out);
		return B2B_CTL_OK;
	}
	after->generation = plan->before ? plan->before->generation + 1 : 0;
	r = make_folders(ctl->cache_dir);
	if (r == 0)
		r = b2b_index_write(ctl->cache_dir, after);
	if (r < 0)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "%s/index cannot be written: %s; what was in force stays", ctl->cache_dir, strerror(-r));
	b2b_policy_diff(plan->before, after, ctl->out);
	fputs("Applied. A running b2bd takes it over with: systemctl reload b2bd\n", ctl->out);
	return B2B_CTL_OK;
}

int b2b_ctl_policy_apply(struct b2b_ctl *ctl)
{
	struct plan plan = { 0 };
	int code;

	if (geteuid() != 0)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "the policy is root's: run it as root");
	code = make_plan(ctl, &plan);
	if (code == B2B_CTL_OK) {
		warn_foreign_pins(ctl, plan.conf);
		b2b_policy_warn(plan.conf, ctl->err);
		code = write_plan(ctl, &plan);
	}
	plan_clear(&plan);
	return code;
}

int b2b_ctl_policy_check(struct b2b_ctl *ctl)
{
	struct plan plan = { 0 };
	int code = make_plan(ctl, &plan);

	if (code == B2B_CTL_OK) {
		warn_foreign_pins(ctl, plan.conf);
		b2b_policy_warn(plan.conf, ctl->err);
		if (plan.before && b2b_policy_same(plan.before, plan.conf->policy))
			fputs("The configuration is right, and in force.\n", ctl->out);
		else if (b2b_policy_diff(plan.before, plan.conf->policy, ctl->out) > 0)
			fputs("The configuration is right; b2bctl policy apply would change the above.\n", ctl->out);
		else
			fputs("The configuration is right; b2bctl policy apply puts it in force.\n", ctl->out);
	}
	plan_clear(&plan);
	return code;
}
