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

bool b2b_format_index_valid(const struct b2b_format_index *index, size_t size)
{
	const struct b2b_format_head *head = &index->head;

	return b2b_format_head_valid(head, B2B_MAGIC_INDEX, size, sizeof(*index)) &&
	       index->n_orgs <= B2B_ORGS_MAX && index->n_roles <= B2B_ROLES_MAX && index->n_services <= B2B_SERVICES_MAX &&
	       index->n_shells >= 1 && index->n_shells <= B2B_SHELLS_MAX && index->home[B2B_PATH_SIZE - 1] == '\0' &&
	       index->separator != '\0' && strchr(B2B_SEPARATORS, index->separator) &&
	       index->hash_size > index->n_orgs && index->hash_size <= B2B_INDEX_HASH_MAX &&
	       (index->hash_size & (index->hash_size - 1)) == 0 &&
	       b2b_format_table_fits(index->hash_at, index->hash_size, sizeof(uint32_t), head) &&
	       b2b_format_table_fits(index->ranges_at, index->n_orgs, sizeof(struct b2b_format_range), head) &&
	       b2b_format_table_fits(index->orgs_at, index->n_orgs, sizeof(struct b2b_format_org), head) &&
	       b2b_format_table_fits(index->roles_at, index->n_roles, sizeof(struct b2b_format_role), head) &&
	       b2b_format_table_fits(index->services_at, index->n_services, sizeof(struct b2b_format_service), head) &&
	       b2b_format_table_fits(index->shells_at, index->n_shells, B2B_PATH_SIZE, head);
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

static int take_tables(const struct b2b_format_index *index, const unsigned char *image, struct b2b_policy *policy)
{
	const struct b2b_format_role *roles = (const struct b2b_format_role *)(image + index->roles_at);
	const struct b2b_format_service *services = (const struct b2b_format_service *)(image + index->services_at);
	const struct b2b_format_org *orgs = (const struct b2b_format_org *)(image + index->orgs_at);
	int r = 0;

	policy->n_roles = index->n_roles;
	policy->n_services = index->n_services;
	policy->n_orgs = index->n_orgs;
	for (uint32_t i = 0; r == 0 && i < index->n_roles; i++)
		r = take_role(&roles[i], &policy->roles[i]);
	for (uint32_t i = 0; r == 0 && i < index->n_services; i++)
		r = take_service(&services[i], &policy->services[i]);
	for (uint32_t i = 0; r == 0 && i < index->n_orgs; i++)
		r = take_org(&orgs[i], &policy->orgs[i]);
	return r;
}

int b2b_index_decode(const void *image, size_t size, struct b2b_policy **ret_policy)
{
	struct b2b_policy *policy = NULL;
	struct b2b_format_index index;
	int r;

	if (size < sizeof(index))
		return -EBADMSG;
	memcpy(&index, image, sizeof(index));
	if (!b2b_format_index_valid(&index, size))
		return -EBADMSG;
	policy = calloc(1, sizeof(*policy));
	if (policy)
		policy->orgs = calloc((size_t)index.n_orgs + 1, sizeof(*policy->orgs));
	if (!policy || !policy->orgs) {
		r = -ENOMEM;
		goto out;
	}
	r = take_host(&index, image, policy);
	if (r == 0)
		r = take_tables(&index, image, policy);
	if (r == 0)
		r = b2b_policy_check(policy);
	if (r < 0) {
		r = r == -ENOMEM ? r : -EBADMSG;
		goto out;
	}
	*ret_policy = policy;
	policy = NULL;
out:
	b2b_policy_free(policy);
	return r;
}
