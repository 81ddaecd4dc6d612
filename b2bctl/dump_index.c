#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "b2bctl/dump.h"
#include "common/index_codec.h"
#include "common/live_map.h"

/* The entry NUMBER of the table at AT, of SIZE bytes: within the file, as the header was found valid. */
static const void *entry(const struct b2b_dump *dump, uint32_t at, uint32_t number, size_t size)
{
	return dump->file.bytes + at + (size_t)number * size;
}

static json_t *name_of(const struct b2b_dump *dump, uint32_t at, uint32_t n, uint32_t number, size_t size, size_t width)
{
	char text[16];

	if (dump->readable && number < n)
		return b2b_dump_text(entry(dump, at, number, size), width);
	snprintf(text, sizeof(text), "#%u", number);
	return json_string(text);
}

static json_t *names_of(const struct b2b_dump *dump, uint64_t mask, uint32_t at, uint32_t n, size_t size)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < 64; i++)
		if (mask & 1ull << i)
			json_array_append_new(list, name_of(dump, at, n, i, size, B2B_LABEL_SIZE));
	return list;
}

json_t *b2b_dump_roles(const struct b2b_dump *dump, uint64_t mask)
{
	return names_of(dump, mask, dump->header.roles_at, dump->header.n_roles, sizeof(struct b2b_format_role));
}

static json_t *services(const struct b2b_dump *dump, uint64_t mask)
{
	return names_of(dump, mask, dump->header.services_at, dump->header.n_services, sizeof(struct b2b_format_service));
}

json_t *b2b_dump_shell(const struct b2b_dump *dump, uint32_t number)
{
	return name_of(dump, dump->header.shells_at, dump->header.n_shells, number, B2B_PATH_SIZE, B2B_PATH_SIZE);
}

static json_t *dump_role(const struct b2b_dump *dump, uint32_t number)
{
	const struct b2b_format_role *role = entry(dump, dump->header.roles_at, number, sizeof(*role));
	json_t *gids = json_array();

	for (uint32_t i = 0; i < role->n_gids && i < B2B_ROLE_GIDS_MAX; i++)
		json_array_append_new(gids, json_integer(role->gids[i]));
	return json_pack("{s:o, s:o}", "name", b2b_dump_text(role->name, sizeof(role->name)), "gids", gids);
}

static json_t *dump_service(const struct b2b_dump *dump, uint32_t number)
{
	static const char *const names[] = { [B2B_METHOD_DEVICE] = "device", [B2B_METHOD_CIBA] = "ciba", [B2B_METHOD_TOKEN] = "token" };
	const struct b2b_format_service *service = entry(dump, dump->header.services_at, number, sizeof(*service));
	json_t *methods = json_array();

	for (size_t i = 0; i < sizeof(service->methods) && service->methods[i]; i++) {
		uint8_t method = service->methods[i];

		json_array_append_new(methods, json_string(method <= B2B_METHOD_TOKEN && names[method] ? names[method] : "unknown"));
	}
	return json_pack("{s:o, s:o, s:i, s:b, s:I, s:I}", "name", b2b_dump_text(service->name, sizeof(service->name)), "methods", methods, "assurance",
	                 service->assurance, "key_suffices", service->key_suffices, "max_age_s", (json_int_t)service->max_age_s, "staleness_s",
	                 (json_int_t)service->staleness_s);
}

static json_t *dump_org(const struct b2b_dump *dump, uint32_t number)
{
	const struct b2b_format_org *org = entry(dump, dump->header.orgs_at, number, sizeof(*org));
	json_t *parent = NULL;

	if (org->parent >= 0)
		parent = name_of(dump, dump->header.orgs_at, dump->header.n_orgs, (uint32_t)org->parent, sizeof(*org), sizeof(org->alias));
	return json_pack("{s:o, s:o, s:o?, s:[I,I], s:I, s:o, s:o}", "alias", b2b_dump_text(org->alias, sizeof(org->alias)), "id",
	                 b2b_dump_text(org->id, sizeof(org->id)), "parent", parent, "range", (json_int_t)org->range_lo, (json_int_t)org->range_hi,
	                 "session_s", (json_int_t)org->session_s, "roles", b2b_dump_roles(dump, org->roles), "services", services(dump, org->services));
}

static json_t *each(const struct b2b_dump *dump, uint32_t n, json_t *(*one)(const struct b2b_dump *dump, uint32_t number))
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(list, one(dump, i));
	return list;
}

static void dump_host(const struct b2b_dump *dump, json_t *object)
{
	static const char *const visibilities[] = { "organisation", "strict", "everyone" };
	const struct b2b_format_index *index = &dump->header;

	json_object_set_new(object, "generation", json_integer((json_int_t)index->head.generation));
	json_object_set_new(object, "superseded", json_boolean(index->superseded));
	json_object_set_new(object, "separator", b2b_dump_text(&index->separator, 1));
	json_object_set_new(object, "visibility", json_string(index->visibility < 3 ? visibilities[index->visibility] : "unknown"));
	json_object_set_new(object, "enumerate", json_boolean(index->enumerate));
	json_object_set_new(object, "group_members", json_string(index->group_members ? "full" : "none"));
	json_object_set_new(object, "partners_gid", json_integer(index->partners_gid));
	json_object_set_new(object, "ending_grace_s", json_integer(index->head.reserved & B2B_FORMAT_ENDING_GRACE));
	json_object_set_new(object, "left_behind", json_string(index->head.reserved & B2B_FORMAT_ENDING_LEFT_BEHIND ? "end" : "report"));
	json_object_set_new(object, "home", b2b_dump_text(index->home, sizeof(index->home)));
	json_object_set_new(object, "shells", each(dump, index->n_shells, b2b_dump_shell));
	json_object_set_new(object, "roles", each(dump, index->n_roles, dump_role));
	json_object_set_new(object, "services", each(dump, index->n_services, dump_service));
	json_object_set_new(object, "organisations", each(dump, index->n_orgs, dump_org));
}

/* Everything that cache verify would find in it by itself: the first such thing. */
static void name_damage(struct b2b_dump *dump, json_t *object)
{
	struct b2b_policy *policy = NULL;
	struct b2b_finding finding;
	int r = b2b_index_find(dump->file.bytes, dump->file.size, &policy, &finding);

	if (r == 0 && dump->header.head.version == B2B_FORMAT_VERSION)
		r = b2b_index_exact(dump->file.bytes, dump->file.size, policy, &finding);
	if (r < 0)
		b2b_dump_unread(dump, object, r, &finding);
	b2b_policy_free(policy);
}

json_t *b2b_dump_index(struct b2b_dump *dump)
{
	json_t *object = b2b_dump_object("index");
	struct b2b_finding finding = { 0 };
	int r = b2b_cache_file_read(dump->ctl->cache_dir, "index", B2B_INDEX_SIZE_MAX, &dump->file, &finding);

	if (r < 0) {
		b2b_dump_unread(dump, object, r, &finding);
		return object;
	}
	name_damage(dump, object);
	b2b_copy(&dump->header, dump->file.bytes, dump->file.size < sizeof(dump->header) ? dump->file.size : sizeof(dump->header));
	dump->readable = b2b_format_index_valid(&dump->header, dump->file.size, NULL);
	b2b_dump_head(object, &dump->header.head);
	if (dump->readable)
		dump_host(dump, object);
	return object;
}

struct list {
	struct b2b_dump_org *orgs;
	size_t n;
};

static int add(struct list *list, const char *alias, const char *id, uint32_t lo, uint32_t hi)
{
	struct b2b_dump_org *orgs = reallocarray(list->orgs, list->n + 1, sizeof(*orgs));

	if (!orgs)
		return -ENOMEM;
	list->orgs = orgs;
	orgs[list->n] = (struct b2b_dump_org){ .range_lo = lo, .range_hi = hi };
	snprintf(orgs[list->n].alias, sizeof(orgs->alias), "%s", alias);
	snprintf(orgs[list->n++].id, sizeof(orgs->id), "%s", id);
	return 0;
}

/* An organisation whose entry cannot be believed is not looked for; the index has been found damaged. */
static int add_entry(const struct b2b_dump *dump, uint32_t number, struct list *list)
{
	struct b2b_format_org org;

	b2b_copy(&org, entry(dump, dump->header.orgs_at, number, sizeof(org)), sizeof(org));
	org.alias[sizeof(org.alias) - 1] = '\0';
	if (!b2b_org_id_valid(org.id) || org.range_hi < org.range_lo || org.range_hi - org.range_lo >= B2B_RANGE_MAX)
		return 0;
	return add(list, b2b_alias_valid(org.alias) ? org.alias : "", org.id, org.range_lo, org.range_hi);
}

static int add_live(const struct b2b_dump *dump, const char *id, struct list *list)
{
	struct b2b_format_live header = { 0 };
	struct b2b_cache_file file = { 0 };
	char name[B2B_CACHE_FILE_NAME];
	struct b2b_finding ignored;

	if (!b2b_org_id_valid(id))
		return 0;
	snprintf(name, sizeof(name), "live/%.64s", id);
	if (b2b_cache_file_read(dump->ctl->cache_dir, name, b2b_live_size(0, B2B_RANGE_MAX - 1), &file, &ignored) == 0)
		b2b_copy(&header, file.bytes, file.size < sizeof(header) ? file.size : sizeof(header));
	b2b_cache_file_clear(&file);
	return add(list, "", id, header.range_lo, header.range_hi);
}

static int add_lives(const struct b2b_dump *dump, struct list *list)
{
	const struct dirent *found;
	char path[PATH_MAX];
	DIR *stream;
	int r = 0;

	snprintf(path, sizeof(path), "%s/live", dump->ctl->cache_dir);
	stream = opendir(path);
	if (!stream)
		return -errno;
	while (r == 0 && (found = readdir(stream)))
		r = add_live(dump, found->d_name, list);
	closedir(stream);
	return r;
}

int b2b_dump_orgs(struct b2b_dump *dump, struct b2b_dump_org **ret_orgs, size_t *ret_n)
{
	struct list list = { 0 };
	int r = 0;

	for (uint32_t i = 0; r == 0 && dump->readable && i < dump->header.n_orgs; i++)
		r = add_entry(dump, i, &list);
	if (!dump->readable)
		r = add_lives(dump, &list);
	if (r < 0) {
		free(list.orgs);
		return r;
	}
	*ret_orgs = list.orgs;
	*ret_n = list.n;
	return 0;
}
