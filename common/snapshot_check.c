/*
 * The guard's look at a snapshot: it accepts exactly what the builder would have written, so that nothing is left
 * in it that a reader has to guess about. The image is sealed: nobody changes it meanwhile.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/snapshot_builder.h"

struct check {
	const unsigned char *image;
	struct b2b_format_snapshot header;
	const struct b2b_policy *policy;
	const struct b2b_policy_org *org;
	uint32_t n_users, n_groups;
	uint64_t memberships; /* of users; those of groups are found one by one in them */
	struct b2b_finding finding;
};

static bool wrong(struct check *check, uint64_t at, const char *what)
{
	return b2b_find(&check->finding, at, what);
}

static bool zero(const unsigned char *from, const unsigned char *to)
{
	while (from < to)
		if (*from++ != 0)
			return false;
	return true;
}

/* Where two pieces of SIZE bytes differ first; SIZE where they do not, as nearly all do. */
static uint64_t first_difference(const void *a, const void *b, size_t size)
{
	const unsigned char *left = a, *right = b;
	size_t at = memcmp(a, b, size) == 0 ? size : 0;

	while (at < size && left[at] == right[at])
		at++;
	return at;
}

static bool header_valid(struct check *check, size_t len)
{
	struct b2b_format_snapshot expected = check->header;
	const struct b2b_format_snapshot *header = &check->header;
	uint64_t size;

	if (!b2b_format_head_valid(&header->head, B2B_MAGIC_SNAPSHOT, len, sizeof(*header), &check->finding))
		return false;
	if (header->head.version != B2B_FORMAT_VERSION || header->head.min_reader != B2B_FORMAT_MIN_READER)
		return wrong(check, offsetof(struct b2b_format_head, version), "version: not the one that is written here");
	if (header->head.header_size != sizeof(*header))
		return wrong(check, offsetof(struct b2b_format_head, header_size), "header_size: not that of this version");
	if (header->records_size % 8 != 0)
		return wrong(check, offsetof(struct b2b_format_snapshot, records_size), "records_size: no multiple of 8");
	/* Rebuilding the header from its numbers leaves no room for stray bytes. */
	size = b2b_snapshot_place(&expected);
	memset(expected.org_id, 0, sizeof(expected.org_id));
	memcpy(expected.org_id, check->org->id, strlen(check->org->id));
	expected.range_lo = check->org->range_lo;
	expected.range_hi = check->org->range_hi;
	expected.head.reserved = 0;
	memset(expected.pad, 0, sizeof(expected.pad));
	if (memcmp(&expected, header, sizeof(expected)) != 0)
		return wrong(check, first_difference(&expected, header, sizeof(expected)),
			             "header: another organisation or range than root's policy has, a table that is not in its place, or a byte that should be zero");
	if (header->n_rosters ? size > len : size != len)
		return wrong(check, offsetof(struct b2b_format_head, size), "size: the tables take more or less than the file has");
	if (header->hash_size <= (uint64_t)header->n_users + header->n_groups || (header->hash_size & (header->hash_size - 1)) != 0)
		return wrong(check, offsetof(struct b2b_format_snapshot, hash_size), "hash_size: no power of two above the number of names");
	if (header->n_ids > header->range_hi - header->range_lo + 1)
		return wrong(check, offsetof(struct b2b_format_snapshot, n_ids), "n_ids: there are fewer ids in the range");
	return true;
}

/* The record that REF names, or NULL. Where records begin is known once all were walked (walk_records). */
static const struct b2b_format_record *record_at(const struct check *check, uint32_t ref)
{
	uint64_t at = ((uint64_t)ref - 1) * 8;

	if (ref == 0 || at + sizeof(struct b2b_format_record) > check->header.records_size)
		return NULL;
	return (const struct b2b_format_record *)(check->image + check->header.records_at + at);
}

static uint32_t id_ref(const struct check *check, uint32_t offset)
{
	return offset < check->header.n_ids ? ((const uint32_t *)(check->image + check->header.ids_at))[offset] : 0;
}

static const uint32_t *list_of(const struct check *check, const struct b2b_format_record *record)
{
	return (const uint32_t *)(check->image + check->header.lists_at) + record->list;
}

/* The record of KIND that REF names; the id table, already compared with the walk, tells whether one begins there. */
static const struct b2b_format_record *record_of(const struct check *check, uint32_t ref, uint8_t kind)
{
	const struct b2b_format_record *record = record_at(check, ref);

	return record && record->kind == kind && id_ref(check, record->offset) == ref ? record : NULL;
}

static bool name_found(const struct check *check, const struct b2b_format_record *record, const char *local, uint32_t ref)
{
	const struct b2b_format_name *table = (const struct b2b_format_name *)(check->image + check->header.hash_at);
	uint64_t hash = b2b_format_hash(local, record->n_local, check->header.hash_seed);

	for (uint32_t i = 0; i < B2B_PROBES_MAX; i++) {
		const struct b2b_format_name *entry = &table[(hash + i) & (check->header.hash_size - 1)];
		const struct b2b_format_record *other = record_at(check, entry->ref);

		if (!other)
			return false;
		if (entry->ref == ref)
			return entry->id_tag == (record->offset | b2b_format_tag(hash));
		/* Another of the same name before it would hide it. */
		if (other->n_local == record->n_local && memcmp(other + 1, record + 1, record->n_local) == 0)
			return false;
	}
	return false;
}

static bool text_valid(const struct check *check, const struct b2b_format_record *record, char local[B2B_NAME_SIZE])
{
	const char *text = (const char *)(record + 1);

	if (record->n_local == 0 || record->n_local >= B2B_NAME_SIZE)
		return false;
	b2b_name_pad(local, text, record->n_local);
	return strlen(local) == record->n_local && b2b_record_name_valid(local, strlen(check->org->alias)) &&
	       b2b_gecos_valid(text + record->n_local, record->n_gecos);
}

static bool fields_valid(const struct check *check, const struct b2b_format_record *record)
{
	if (record->kind == B2B_RECORD_USER)
		return record->shell < check->policy->n_shells;
	return record->kind == B2B_RECORD_GROUP && record->roles == 0 && record->shell == 0 && record->n_gecos == 0;
}

/* Bytes of RECORD, or 0 where it does not end within LEFT of them. */
static uint64_t whole(const struct b2b_format_record *record, uint64_t left)
{
	uint64_t size = left < sizeof(*record) ? 0 : b2b_record_whole(record->n_local, record->n_gecos, record->n_list);

	return size <= left ? size : 0;
}

/* One record of SIZE bytes at AT; ids must ascend. */
static bool record_valid(struct check *check, uint64_t at, uint64_t size, uint32_t least_offset)
{
	const unsigned char *records = check->image + check->header.records_at;
	const struct b2b_format_record *record = (const struct b2b_format_record *)(records + at);
	uint32_t list_at = b2b_record_list_at(record->n_local, record->n_gecos);
	uint64_t file_at = check->header.records_at + at;
	uint32_t ref = (uint32_t)(at / 8) + 1;
	char local[B2B_NAME_SIZE];

	if (record->offset < least_offset)
		return wrong(check, file_at, "record: its id is not above the one before, or that of the organisation itself");
	if (record->list != (at + list_at) / sizeof(uint32_t))
		return wrong(check, file_at, "record: its list does not follow its names");
	if (!text_valid(check, record, local))
		return wrong(check, file_at, "record: its name or its display name is against the rule");
	if (!fields_valid(check, record))
		return wrong(check, file_at, "record: neither a user with a known shell nor a plain group");
	if (!zero((const unsigned char *)(record + 1) + record->n_local + record->n_gecos, records + at + list_at) ||
	    !zero(records + at + list_at + record->n_list * sizeof(uint32_t), records + at + size))
		return wrong(check, file_at, "record: the bytes behind its names or its list are not zero");
	if (id_ref(check, record->offset) != ref)
		return wrong(check, check->header.ids_at + (uint64_t)record->offset * sizeof(uint32_t), "ids: an id that does not lead to its record");
	if (!name_found(check, record, local, ref))
		return wrong(check, file_at, "record: its name is not found by the table of names");
	return true;
}

static bool walk_records(struct check *check)
{
	const unsigned char *records = check->image + check->header.records_at;
	uint32_t least_offset = 1;

	for (uint64_t at = 0; at < check->header.records_size;) {
		const struct b2b_format_record *record = (const struct b2b_format_record *)(records + at);
		uint64_t size = whole(record, check->header.records_size - at);

		if (size == 0)
			return wrong(check, check->header.records_at + at, "record: it does not end within the records");
		if (!record_valid(check, at, size, least_offset))
			return false;
		least_offset = record->offset + 1;
		check->n_users += record->kind == B2B_RECORD_USER;
		check->n_groups += record->kind == B2B_RECORD_GROUP;
		check->memberships += record->kind == B2B_RECORD_USER ? record->n_list : 0;
		at += size;
	}
	if (check->n_users != check->header.n_users || check->n_groups != check->header.n_groups)
		return wrong(check, offsetof(struct b2b_format_snapshot, n_users), "n_users, n_groups: not as many as there are records");
	return true;
}

/* Every record has been found in both tables; equal numbers mean that nothing else is in them. */
static bool tables_exact(struct check *check)
{
	const struct b2b_format_name *names = (const struct b2b_format_name *)(check->image + check->header.hash_at);
	uint64_t n = (uint64_t)check->n_users + check->n_groups, n_names = 0, n_ids = 0;

	for (uint32_t i = 0; i < check->header.hash_size; i++) {
		n_names += names[i].ref != 0;
		if (names[i].ref == 0 && names[i].id_tag != 0)
			return wrong(check, check->header.hash_at + (uint64_t)i * sizeof(*names), "names: an empty entry that is not zero");
	}
	for (uint32_t i = 0; i < check->header.n_ids; i++)
		n_ids += id_ref(check, i) != 0;
	if (n_names != n)
		return wrong(check, check->header.hash_at, "names: an entry that no record belongs to");
	if (n_ids != n || (check->header.n_ids > 0 && id_ref(check, check->header.n_ids - 1) == 0))
		return wrong(check, check->header.ids_at, "ids: an entry that no record belongs to, or an empty one at the end");
	if (!zero(check->image + check->header.ids_at + (uint64_t)check->header.n_ids * sizeof(uint32_t), check->image + check->header.records_at))
		return wrong(check, check->header.records_at - sizeof(uint32_t), "ids: the bytes behind them are not zero");
	return true;
}

static bool ascending(const uint32_t *list, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (list[i - 1] >= list[i])
			return false;
	return true;
}

static bool listed(const uint32_t *list, uint32_t n, uint32_t value)
{
	uint32_t low = 0;

	while (n > 0) {
		uint32_t half = n / 2;

		if (list[low + half] == value)
			return true;
		if (list[low + half] < value) {
			low += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return false;
}

static uint64_t list_at(const struct check *check, const struct b2b_format_record *record)
{
	return check->header.lists_at + (uint64_t)record->list * sizeof(uint32_t);
}

/* A group's members are users who list the group themselves. */
static bool group_list_valid(struct check *check, const struct b2b_format_record *group)
{
	const uint32_t *list = list_of(check, group);

	for (uint32_t i = 0; i < group->n_list; i++) {
		const struct b2b_format_record *user = record_of(check, list[i], B2B_RECORD_USER);

		if (!user || !listed(list_of(check, user), user->n_list, group->offset))
			return wrong(check, list_at(check, group) + (uint64_t)i * sizeof(uint32_t),
				     "lists: a member that is no user, or does not list the group");
	}
	return true;
}

static bool lists_valid(struct check *check)
{
	const unsigned char *records = check->image + check->header.records_at;
	uint64_t of_groups = 0;

	for (uint64_t at = 0; at < check->header.records_size;) {
		const struct b2b_format_record *record = (const struct b2b_format_record *)(records + at);

		if (!ascending(list_of(check, record), record->n_list))
			return wrong(check, list_at(check, record), "lists: one that does not ascend");
		if (record->kind == B2B_RECORD_GROUP) {
			if (!group_list_valid(check, record))
				return false;
			of_groups += record->n_list;
		}
		at += b2b_record_whole(record->n_local, record->n_gecos, record->n_list);
	}
	/* Each group's member lists it once; equal sums mean that no user lists anything else. */
	return of_groups == check->memberships || wrong(check, check->header.lists_at, "lists: a user lists a group that does not list the user");
}

/* Made once more of what has been found sound, and compared: there is nothing else that they could be. */
static bool rosters_exact(struct check *check, size_t len)
{
	struct b2b_format_snapshot expected = check->header;
	struct b2b_suffix suffix;
	unsigned char *rosters;
	uint64_t size, differ;

	if (check->header.n_rosters == 0)
		return true;
	b2b_suffix_init(&suffix, check->policy->separator, check->org->alias);
	size = b2b_rosters_place(check->image, &suffix, &expected);
	if (size != len || memcmp(&expected, &check->header, sizeof(expected)) != 0)
		return wrong(check, first_difference(&expected, &check->header, sizeof(expected)), "rosters: not where they belong, or not of their size");
	size -= expected.rosters_at;
	rosters = calloc(1, size);
	if (!rosters)
		return wrong(check, expected.rosters_at, "rosters: too large to be checked in this memory");
	b2b_rosters_write(check->image, &suffix, &expected, rosters);
	differ = first_difference(rosters, check->image + expected.rosters_at, size);
	free(rosters);
	return differ == size || wrong(check, expected.rosters_at + differ, "rosters: not the names of the groups' members");
}

static int judge(struct check *check, size_t len)
{
	return header_valid(check, len) && walk_records(check) && tables_exact(check) && lists_valid(check) && rosters_exact(check, len)
	               ? 0 : -EBADMSG;
}

int b2b_snapshot_find(const void *image, size_t len, const struct b2b_policy *policy, int org, uint64_t *ret_generation,
                      struct b2b_finding *ret_finding)
{
	struct check check = { .image = image, .policy = policy };
	int r;

	b2b_find(ret_finding, len, "size: too short for a header, or longer than a snapshot may be");
	if (org < 0 || (uint32_t)org >= policy->n_orgs || len < sizeof(check.header) || len > B2B_SNAPSHOT_MAX)
		return -EBADMSG;
	check.org = &policy->orgs[org];
	memcpy(&check.header, image, sizeof(check.header));
	r = judge(&check, len);
	if (r == 0)
		*ret_generation = check.header.head.generation;
	b2b_find(ret_finding, check.finding.at, check.finding.what);
	return r;
}

int b2b_snapshot_check(const void *image, size_t len, const struct b2b_policy *policy, int org, uint64_t *ret_generation)
{
	return b2b_snapshot_find(image, len, policy, org, ret_generation, NULL);
}
