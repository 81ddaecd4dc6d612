#include "common/index_codec.h"

#include <errno.h>
#include <stdlib.h>

#include "common/cache_format.h"

/* ---- encode ---- */

static uint32_t hash_size_for(uint32_t n)
{
	uint32_t size = 8;

	while (size < 2 * n)
		size *= 2;
	return size;
}

static uint32_t place(uint64_t *end, uint64_t bytes)
{
	uint64_t at = *end;

	*end = (at + bytes + 7) & ~7ull;
	return (uint32_t)at;
}

static void lay_out(const struct b2b_policy *policy, struct b2b_format_index *index)
{
	uint64_t end = sizeof(*index);

	memset(index, 0, sizeof(*index));
	index->partners_gid = policy->partners_gid;
	index->separator = policy->separator;
	index->visibility = policy->visibility;
	index->enumerate = policy->enumerate;
	index->group_members = policy->group_members;
	index->n_orgs = policy->n_orgs;
	index->n_roles = policy->n_roles;
	index->n_services = policy->n_services;
	index->n_shells = policy->n_shells;
	index->hash_size = hash_size_for(policy->n_orgs);
	index->hash_at = place(&end, index->hash_size * sizeof(uint32_t));
	index->ranges_at = place(&end, index->n_orgs * sizeof(struct b2b_format_range));
	index->orgs_at = place(&end, index->n_orgs * sizeof(struct b2b_format_org));
	index->roles_at = place(&end, index->n_roles * sizeof(struct b2b_format_role));
	index->services_at = place(&end, index->n_services * sizeof(struct b2b_format_service));
	index->shells_at = place(&end, index->n_shells * (uint64_t)B2B_PATH_SIZE);
	memcpy(index->home, policy->home, strlen(policy->home));
	b2b_format_head_init(&index->head, B2B_MAGIC_INDEX, end, policy->generation, sizeof(*index));
	index->head.reserved = policy->ending_grace_s | (policy->end_left_behind ? B2B_FORMAT_ENDING_LEFT_BEHIND : 0);
}

static void put_orgs(const struct b2b_policy *policy, const struct b2b_format_index *index, unsigned char *image)
{
	struct b2b_format_org *orgs = (struct b2b_format_org *)(image + index->orgs_at);
	uint32_t *hash = (uint32_t *)(image + index->hash_at);

	for (uint32_t i = 0; i < policy->n_orgs; i++) {
		const struct b2b_policy_org *from = &policy->orgs[i];
		uint64_t at;

		memcpy(orgs[i].alias, from->alias, strlen(from->alias));
		memcpy(orgs[i].id, from->id, strlen(from->id));
		orgs[i].parent = from->parent;
		orgs[i].range_lo = from->range_lo;
		orgs[i].range_hi = from->range_hi;
		orgs[i].session_s = from->session_s;
		orgs[i].roles = from->roles;
		orgs[i].services = from->services;
		at = b2b_format_hash(orgs[i].alias, strlen(orgs[i].alias), 0);
		while (hash[at & (index->hash_size - 1)] != 0)
			at++;
		hash[at & (index->hash_size - 1)] = i + 1;
	}
}

static int by_lo(const void *a, const void *b)
{
	const struct b2b_format_range *left = a, *right = b;

	return (left->lo > right->lo) - (left->lo < right->lo);
}

static void put_ranges(const struct b2b_policy *policy, const struct b2b_format_index *index, unsigned char *image)
{
	struct b2b_format_range *ranges = (struct b2b_format_range *)(image + index->ranges_at);

	for (uint32_t i = 0; i < policy->n_orgs; i++) {
		ranges[i].lo = policy->orgs[i].range_lo;
		ranges[i].hi = policy->orgs[i].range_hi;
		ranges[i].slot = i;
	}
	qsort(ranges, policy->n_orgs, sizeof(ranges[0]), by_lo);
}

static void put_grants(const struct b2b_policy *policy, const struct b2b_format_index *index, unsigned char *image)
{
	struct b2b_format_role *roles = (struct b2b_format_role *)(image + index->roles_at);
	struct b2b_format_service *services = (struct b2b_format_service *)(image + index->services_at);

	for (uint32_t i = 0; i < policy->n_roles; i++) {
		memcpy(roles[i].name, policy->roles[i].name, strlen(policy->roles[i].name));
		roles[i].n_gids = policy->roles[i].n_gids;
		memcpy(roles[i].gids, policy->roles[i].gids, policy->roles[i].n_gids * sizeof(uint32_t));
	}
	for (uint32_t i = 0; i < policy->n_services; i++) {
		const struct b2b_policy_service *from = &policy->services[i];

		memcpy(services[i].name, from->name, strlen(from->name));
		memcpy(services[i].methods, from->methods, sizeof(from->methods));
		services[i].assurance = from->assurance;
		services[i].key_suffices = from->key_suffices;
		services[i].max_age_s = from->max_age_s;
		services[i].staleness_s = from->staleness_s;
	}
	for (uint32_t i = 0; i < policy->n_shells; i++)
		memcpy(image + index->shells_at + (size_t)i * B2B_PATH_SIZE, policy->shells[i], strlen(policy->shells[i]));
}

int b2b_index_encode(const struct b2b_policy *policy, void **ret_image, size_t *ret_size)
{
	struct b2b_format_index index;
	unsigned char *image;
	int r;

	r = b2b_policy_check(policy);
	if (r < 0)
		return r;
	lay_out(policy, &index);
	image = calloc(1, index.head.size);
	if (!image)
		return -ENOMEM;
	memcpy(image, &index, sizeof(index));
	put_orgs(policy, &index, image);
	put_ranges(policy, &index, image);
	put_grants(policy, &index, image);
	*ret_image = image;
	*ret_size = index.head.size;
	return 0;
}

/* ---- decode ---- */

static bool index_counts_valid(const struct b2b_format_index *index, struct b2b_finding *ret_finding)
{
	if (index->n_orgs > B2B_ORGS_MAX)
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, n_orgs), "n_orgs: too many organisations");
	if (index->n_roles > B2B_ROLES_MAX)
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, n_roles), "n_roles: too many roles");
	if (index->n_services > B2B_SERVICES_MAX)
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, n_services), "n_services: too many services");
	if (index->n_shells < 1 || index->n_shells > B2B_SHELLS_MAX)
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, n_shells), "n_shells: no shell, or too many");
	if (index->home[B2B_PATH_SIZE - 1] != '\0')
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, home), "home: it does not end");
	if (index->separator == '\0' || !strchr(B2B_SEPARATORS, index->separator))
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, separator), "separator: it may not be one");
	if (index->hash_size <= index->n_orgs || index->hash_size > B2B_INDEX_HASH_MAX || (index->hash_size & (index->hash_size - 1)) != 0)
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, hash_size), "hash_size: no power of two above n_orgs, or too large");
	return true;
}

bool b2b_format_index_valid(const struct b2b_format_index *index, size_t size, struct b2b_finding *ret_finding)
{
	const struct b2b_format_head *head = &index->head;

	if (!b2b_format_head_valid(head, B2B_MAGIC_INDEX, size, sizeof(*index), ret_finding) || !index_counts_valid(index, ret_finding))
		return false;
	if (!B2B_PARTNERS_GID_VALID(index->partners_gid))
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, partners_gid), "partners_gid: it is outside of what partners may have");
	if (!b2b_format_table_fits(index->hash_at, index->hash_size, sizeof(uint32_t), head))
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, hash_at), "hash_at: the table of aliases does not lie in the file");
	if (!b2b_format_table_fits(index->ranges_at, index->n_orgs, sizeof(struct b2b_format_range), head))
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, ranges_at), "ranges_at: the ranges do not lie in the file");
	if (!b2b_format_table_fits(index->orgs_at, index->n_orgs, sizeof(struct b2b_format_org), head))
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, orgs_at), "orgs_at: the organisations do not lie in the file");
	if (!b2b_format_table_fits(index->roles_at, index->n_roles, sizeof(struct b2b_format_role), head))
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, roles_at), "roles_at: the roles do not lie in the file");
	if (!b2b_format_table_fits(index->services_at, index->n_services, sizeof(struct b2b_format_service), head))
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, services_at), "services_at: the services do not lie in the file");
	if (!b2b_format_table_fits(index->shells_at, index->n_shells, B2B_PATH_SIZE, head))
		return b2b_find(ret_finding, offsetof(struct b2b_format_index, shells_at), "shells_at: the shells do not lie in the file");
	return true;
}

static int take_text(char *to, size_t to_size, const char *from, size_t from_size)
{
	size_t len = strnlen(from, from_size);

	if (len >= from_size || len >= to_size)
		return -EBADMSG;
	memcpy(to, from, len);
	return 0;
}

static int take_host(const struct b2b_format_index *index, const unsigned char *image, struct b2b_policy *policy)
{
	policy->generation = index->head.generation;
	policy->separator = index->separator;
	policy->visibility = index->visibility;
	policy->enumerate = index->enumerate != 0;
	policy->group_members = index->group_members != 0;
	policy->partners_gid = index->partners_gid;
	policy->ending_grace_s = index->head.reserved & B2B_FORMAT_ENDING_GRACE;
	policy->end_left_behind = index->head.reserved & B2B_FORMAT_ENDING_LEFT_BEHIND;
	policy->n_shells = index->n_shells;
	for (uint32_t i = 0; i < index->n_shells; i++)
		if (take_text(policy->shells[i], B2B_PATH_SIZE, (const char *)image + index->shells_at + (size_t)i * B2B_PATH_SIZE, B2B_PATH_SIZE) < 0)
			return -EBADMSG;
	return take_text(policy->home, B2B_PATH_SIZE, index->home, sizeof(index->home));
}

static int take_role(const struct b2b_format_role *from, struct b2b_policy_role *role)
{
	if (from->n_gids > B2B_ROLE_GIDS_MAX)
		return -EBADMSG;
	role->n_gids = from->n_gids;
	memcpy(role->gids, from->gids, from->n_gids * sizeof(uint32_t));
	return take_text(role->name, B2B_LABEL_SIZE, from->name, sizeof(from->name));
}

static int take_service(const struct b2b_format_service *from, struct b2b_policy_service *service)
{
	memcpy(service->methods, from->methods, sizeof(service->methods));
	service->assurance = from->assurance;
	service->key_suffices = from->key_suffices != 0;
	service->max_age_s = from->max_age_s;
	service->staleness_s = from->staleness_s;
	return take_text(service->name, B2B_LABEL_SIZE, from->name, sizeof(from->name));
}

static int take_org(const struct b2b_format_org *from, struct b2b_policy_org *org)
{
	org->parent = from->parent;
	org->range_lo = from->range_lo;
	org->range_hi = from->range_hi;
	org->session_s = from->session_s;
	org->roles = from->roles;
	org->services = from->services;
	if (take_text(org->id, sizeof(org->id), from->id, sizeof(from->id)) < 0)
		return -EBADMSG;
	return take_text(org->alias, sizeof(org->alias), from->alias, sizeof(from->alias));
}

static int not_taken(struct b2b_policy_fault *ret_fault, enum b2b_policy_part part, uint32_t number, const char *what)
{
	*ret_fault = (struct b2b_policy_fault){ .part = part, .number = number, .what = what };
	return -EBADMSG;
}

static int take_tables(const struct b2b_format_index *index, const unsigned char *image, struct b2b_policy *policy, struct b2b_policy_fault *ret_fault)
{
	const struct b2b_format_role *roles = (const struct b2b_format_role *)(image + index->roles_at);
	const struct b2b_format_service *services = (const struct b2b_format_service *)(image + index->services_at);
	const struct b2b_format_org *orgs = (const struct b2b_format_org *)(image + index->orgs_at);

	policy->n_roles = index->n_roles;
	policy->n_services = index->n_services;
	policy->n_orgs = index->n_orgs;
	for (uint32_t i = 0; i < index->n_roles; i++)
		if (take_role(&roles[i], &policy->roles[i]) < 0)
			return not_taken(ret_fault, B2B_POLICY_ROLE, i, "role: its name does not end, or it has too many gids");
	for (uint32_t i = 0; i < index->n_services; i++)
		if (take_service(&services[i], &policy->services[i]) < 0)
			return not_taken(ret_fault, B2B_POLICY_SERVICE, i, "service: its name does not end");
	for (uint32_t i = 0; i < index->n_orgs; i++)
		if (take_org(&orgs[i], &policy->orgs[i]) < 0)
			return not_taken(ret_fault, B2B_POLICY_ORG, i, "organisation: its alias or its id does not end");
	return 0;
}

/* Where in the file FAULT is. */
static void locate(const struct b2b_format_index *index, const struct b2b_policy_fault *fault, struct b2b_finding *ret_finding)
{
	static const uint32_t sizes[] = {
		[B2B_POLICY_SHELL] = B2B_PATH_SIZE,
		[B2B_POLICY_ROLE] = sizeof(struct b2b_format_role),
		[B2B_POLICY_SERVICE] = sizeof(struct b2b_format_service),
		[B2B_POLICY_ORG] = sizeof(struct b2b_format_org),
	};
	const uint32_t tables[] = {
		[B2B_POLICY_HOST] = offsetof(struct b2b_format_index, partners_gid),
		[B2B_POLICY_SHELL] = index->shells_at,
		[B2B_POLICY_ROLE] = index->roles_at,
		[B2B_POLICY_SERVICE] = index->services_at,
		[B2B_POLICY_ORG] = index->orgs_at,
	};

	b2b_find(ret_finding, tables[fault->part] + (uint64_t)fault->number * sizes[fault->part], fault->what);
}

int b2b_index_find(const void *image, size_t size, struct b2b_policy **ret_policy, struct b2b_finding *ret_finding)
{
	struct b2b_policy_fault fault = { .part = B2B_POLICY_HOST, .what = "shells, home: one does not end" };
	struct b2b_policy *policy = NULL;
	struct b2b_format_index index = { 0 };
	int r;

	memcpy(&index, image, size < sizeof(index) ? size : sizeof(index));
	if (!b2b_format_index_valid(&index, size, ret_finding))
		return b2b_format_head_newer(&index.head, B2B_MAGIC_INDEX) ? -EPROTONOSUPPORT : -EBADMSG;
	policy = calloc(1, sizeof(*policy));
	if (policy)
		policy->orgs = calloc((size_t)index.n_orgs + 1, sizeof(*policy->orgs));
	if (!policy || !policy->orgs) {
		r = -ENOMEM;
		goto out;
	}
	r = take_host(&index, image, policy);
	if (r == 0)
		r = take_tables(&index, image, policy, &fault);
	if (r == 0)
		r = b2b_policy_find(policy, &fault);
	if (r < 0) {
		r = r == -ENOMEM ? r : -EBADMSG;
		locate(&index, &fault, ret_finding);
		goto out;
	}
	*ret_policy = policy;
	policy = NULL;
out:
	b2b_policy_free(policy);
	return r;
}

int b2b_index_decode(const void *image, size_t size, struct b2b_policy **ret_policy)
{
	return b2b_index_find(image, size, ret_policy, NULL);
}

/* What a byte of an index is that differs from the one which would be written, although all that decoding reads is right. */
static const char *differing(const struct b2b_format_index *index, uint64_t at)
{
	if (at >= offsetof(struct b2b_format_index, superseded) && at < offsetof(struct b2b_format_index, partners_gid))
		return "superseded: the index in place says that it is not; processes open it anew at every look-up";
	if (at >= index->hash_at && at < index->hash_at + (uint64_t)index->hash_size * sizeof(uint32_t))
		return "hash: the table of aliases does not lead to the organisations";
	if (at >= index->ranges_at && at < index->ranges_at + (uint64_t)index->n_orgs * sizeof(struct b2b_format_range))
		return "ranges: they are not those of the organisations, or not in order";
	return "a table that is not in its place, or a byte that should be zero";
}

int b2b_index_exact(const void *image, size_t size, const struct b2b_policy *policy, struct b2b_finding *ret_finding)
{
	const unsigned char *found = image, *expected;
	struct b2b_format_index index;
	void *encoded = NULL;
	size_t n_encoded = 0, at = 0;
	int r;

	r = b2b_index_encode(policy, &encoded, &n_encoded);
	if (r < 0)
		return r == -ENOMEM ? r : -EBADMSG;
	memcpy(&index, encoded, sizeof(index));
	expected = encoded;
	while (at < size && at < n_encoded && found[at] == expected[at])
		at++;
	r = at == size && at == n_encoded ? 0 : -EBADMSG;
	if (r < 0)
		b2b_find(ret_finding, at, differing(&index, at));
	free(encoded);
	return r;
}
