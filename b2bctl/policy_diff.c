#include <grp.h>
#include <stdlib.h>
#include <string.h>

#include "b2bctl/ctl.h"
#include "common/index_codec.h"

#define TEXT_SIZE 4096

static const struct b2b_policy nothing;

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* NAMES in order and joined, so that lists can be compared as text. */
static void join(const char **names, size_t n, char buf[TEXT_SIZE])
{
	size_t at = 0;

	if (n > 1)
		qsort(names, n, sizeof(*names), by_name);
	snprintf(buf, TEXT_SIZE, "%s", n ? "" : "none");
	for (size_t i = 0; i < n && at < TEXT_SIZE; i++)
		at += (size_t)snprintf(buf + at, TEXT_SIZE - at, "%s%s", i ? " " : "", names[i]);
}

static void services_text(const struct b2b_policy *policy, uint64_t mask, char buf[TEXT_SIZE])
{
	const char *names[B2B_SERVICES_MAX];
	size_t n = 0;

	for (uint32_t i = 0; i < policy->n_services; i++)
		if (mask & (1ull << i))
			names[n++] = policy->services[i].name;
	join(names, n, buf);
}

static void roles_text(const struct b2b_policy *policy, uint64_t mask, char buf[TEXT_SIZE])
{
	const char *names[B2B_ROLES_MAX];
	size_t n = 0;

	for (uint32_t i = 0; i < policy->n_roles; i++)
		if (mask & (1ull << i))
			names[n++] = policy->roles[i].name;
	join(names, n, buf);
}

static void groups_text(const struct b2b_policy_role *role, char buf[TEXT_SIZE])
{
	char copies[B2B_ROLE_GIDS_MAX][64];
	const char *names[B2B_ROLE_GIDS_MAX];

	for (uint32_t i = 0; i < role->n_gids; i++) {
		const struct group *group = getgrgid(role->gids[i]);

		if (group)
			snprintf(copies[i], sizeof(copies[i]), "%s", group->gr_name);
		else
			snprintf(copies[i], sizeof(copies[i]), "%u", role->gids[i]);
		names[i] = copies[i];
	}
	join(names, role->n_gids, buf);
}

static void service_text(const struct b2b_policy_service *service, char buf[TEXT_SIZE])
{
	static const char *const methods[] = { "", "device", "ciba", "", "token" };
	size_t at = 0;

	for (size_t i = 0; i < sizeof(service->methods) && service->methods[i]; i++)
		at += (size_t)snprintf(buf + at, TEXT_SIZE - at, "%s%s", i ? " " : "", service->methods[i] <= B2B_METHOD_TOKEN ? methods[service->methods[i]] : "?");
	snprintf(buf + at, TEXT_SIZE - at, ", assurance %u, max_age %us, staleness %us%s", service->assurance, service->max_age_s, service->staleness_s,
	         service->key_suffices ? ", key suffices" : "");
}

/* A line where two texts differ. */
static unsigned differ(FILE *out, const char *what, const char *name, const char *key, const char *before, const char *after)
{
	if (strcmp(before, after) == 0)
		return 0;
	fprintf(out, "~ %s%s%s: %s%s%s -> %s\n", what, *name ? " " : "", name, key, *key ? " " : "", before, after);
	return 1;
}

static unsigned differ_number(FILE *out, const char *what, const char *name, const char *key, uint32_t before, uint32_t after)
{
	char a[16], b[16];

	snprintf(a, sizeof(a), "%u", before);
	snprintf(b, sizeof(b), "%u", after);
	return differ(out, what, name, key, a, b);
}

static void shells_text(const struct b2b_policy *policy, char buf[TEXT_SIZE])
{
	size_t at = 0;

	buf[0] = '\0';
	for (uint32_t i = 0; i < policy->n_shells && at < TEXT_SIZE; i++) /* their order counts */
		at += (size_t)snprintf(buf + at, TEXT_SIZE - at, "%s%s", i ? " " : "", policy->shells[i]);
}

static unsigned diff_host(const struct b2b_policy *before, const struct b2b_policy *after, FILE *out)
{
	static const char *const visibilities[] = { "organisation", "strict", "everyone" };
	char a[TEXT_SIZE], b[TEXT_SIZE];
	const char separators[2][2] = { { before->separator, 0 }, { after->separator, 0 } };
	unsigned n;

	shells_text(before, a);
	shells_text(after, b);
	n = differ(out, "host", "", "shells", a, b);
	n += differ(out, "host", "", "home", before->home, after->home);
	n += differ(out, "host", "", "separator", separators[0], separators[1]);
	n += differ(out, "host", "", "visibility", visibilities[before->visibility % 3], visibilities[after->visibility % 3]);
	n += differ(out, "host", "", "enumerate", before->enumerate ? "yes" : "no", after->enumerate ? "yes" : "no");
	n += differ(out, "host", "", "group_members", before->group_members ? "full" : "none", after->group_members ? "full" : "none");
	n += differ_number(out, "host", "", "partners_gid", before->partners_gid, after->partners_gid);
	n += differ_number(out, "host", "", "ending_grace", before->ending_grace_s, after->ending_grace_s);
	n += differ(out, "host", "", "left_behind", before->end_left_behind ? "end" : "report", after->end_left_behind ? "end" : "report");
	return n;
}

static unsigned diff_roles(const struct b2b_policy *before, const struct b2b_policy *after, FILE *out)
{
	char a[TEXT_SIZE], b[TEXT_SIZE];
	unsigned n = 0;

	for (uint32_t i = 0; i < after->n_roles; i++) {
		int was = b2b_policy_role(before, after->roles[i].name);

		groups_text(&after->roles[i], b);
		if (was < 0) {
			fprintf(out, "+ role %s: local_groups %s\n", after->roles[i].name, b);
			n++;
		} else {
			groups_text(&before->roles[was], a);
			n += differ(out, "role", after->roles[i].name, "local_groups", a, b);
		}
	}
	return n;
}

static unsigned diff_services(const struct b2b_policy *before, const struct b2b_policy *after, FILE *out)
{
	char a[TEXT_SIZE], b[TEXT_SIZE];
	unsigned n = 0;

	for (uint32_t i = 0; i < after->n_services; i++) {
		int was = b2b_policy_service(before, after->services[i].name);

		service_text(&after->services[i], b);
		if (was >= 0) {
			service_text(&before->services[was], a);
			n += differ(out, "service", after->services[i].name, "", a, b);
		} else if (before != &nothing) {
			fprintf(out, "+ service %s: %s\n", after->services[i].name, b);
			n++;
		}
	}
	for (uint32_t i = 0; i < before->n_services; i++)
		if (b2b_policy_service(after, before->services[i].name) < 0)
			n += fprintf(out, "- service %s\n", before->services[i].name) > 0;
	return n;
}

static const char *parent_alias(const struct b2b_policy *policy, const struct b2b_policy_org *org)
{
	return org->parent >= 0 ? policy->orgs[org->parent].alias : "none";
}

static unsigned diff_org(const struct b2b_policy *before, const struct b2b_policy_org *was, const struct b2b_policy *after,
                         const struct b2b_policy_org *org, FILE *out)
{
	char a[TEXT_SIZE], b[TEXT_SIZE];
	unsigned n;

	n = differ(out, "organisation", org->alias, "alias", was->alias, org->alias);
	n += differ(out, "organisation", org->alias, "parent", parent_alias(before, was), parent_alias(after, org));
	services_text(before, was->services, a);
	services_text(after, org->services, b);
	n += differ(out, "organisation", org->alias, "services", a, b);
	roles_text(before, was->roles, a);
	roles_text(after, org->roles, b);
	n += differ(out, "organisation", org->alias, "roles", a, b);
	n += differ_number(out, "organisation", org->alias, "session", was->session_s, org->session_s);
	return n;
}

static unsigned diff_orgs(const struct b2b_policy *before, const struct b2b_policy *after, FILE *out)
{
	char services[TEXT_SIZE], roles[TEXT_SIZE];
	unsigned n = 0;

	for (uint32_t i = 0; i < after->n_orgs; i++) {
		const struct b2b_policy_org *org = &after->orgs[i];
		int was = b2b_policy_org_by_id(before, org->id);

		if (was >= 0) {
			n += diff_org(before, &before->orgs[was], after, org, out);
			continue;
		}
		services_text(after, org->services, services);
		roles_text(after, org->roles, roles);
		fprintf(out, "+ organisation %s (%s): ids 0x%x-0x%x, parent %s, services %s, roles %s\n", org->alias, org->id, org->range_lo, org->range_hi,
		        parent_alias(after, org), services, roles);
		n++;
	}
	for (uint32_t i = 0; i < before->n_orgs; i++)
		if (b2b_policy_org_by_id(after, before->orgs[i].id) < 0)
			n += fprintf(out, "- organisation %s (%s): its people have no access any more; its ids stay its own\n", before->orgs[i].alias,
			             before->orgs[i].id) > 0;
	return n;
}

unsigned b2b_policy_diff(const struct b2b_policy *before, const struct b2b_policy *after, FILE *out)
{
	unsigned n = 0;

	if (before)
		n += diff_host(before, after, out);
	else
		before = &nothing;
	n += diff_roles(before, after, out);
	n += diff_services(before, after, out);
	return n + diff_orgs(before, after, out);
}

bool b2b_policy_same(const struct b2b_policy *before, const struct b2b_policy *after)
{
	struct b2b_policy now = *after;
	void *a = NULL, *b = NULL;
	size_t a_size, b_size;
	bool same = false;

	now.generation = before->generation;
	if (b2b_index_encode(before, &a, &a_size) == 0 && b2b_index_encode(&now, &b, &b_size) == 0)
		same = a_size == b_size && memcmp(a, b, a_size) == 0;
	free(a);
	free(b);
	return same;
}
