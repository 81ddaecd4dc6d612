#include "tests/fuzz/reader/damage.h"

#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct field {
	uint16_t at, width;
};
#define FIELD(type, member) { offsetof(struct type, member), sizeof(((struct type *)0)->member) }
#define HEAD(type) FIELD(type, head.magic), FIELD(type, head.endian), FIELD(type, head.version), FIELD(type, head.min_reader), \
	FIELD(type, head.size), FIELD(type, head.generation), FIELD(type, head.header_size)

static const struct field index_header[] = {
	HEAD(b2b_format_index), FIELD(b2b_format_index, superseded), FIELD(b2b_format_index, partners_gid), FIELD(b2b_format_index, separator),
	FIELD(b2b_format_index, visibility), FIELD(b2b_format_index, enumerate), FIELD(b2b_format_index, group_members),
	FIELD(b2b_format_index, n_orgs), FIELD(b2b_format_index, n_roles), FIELD(b2b_format_index, n_services), FIELD(b2b_format_index, n_shells),
	FIELD(b2b_format_index, hash_size), FIELD(b2b_format_index, orgs_at), FIELD(b2b_format_index, hash_at), FIELD(b2b_format_index, ranges_at),
	FIELD(b2b_format_index, roles_at), FIELD(b2b_format_index, services_at), FIELD(b2b_format_index, shells_at), FIELD(b2b_format_index, home),
};
static const struct field live_header[] = {
	HEAD(b2b_format_live), FIELD(b2b_format_live, org_id), FIELD(b2b_format_live, range_lo), FIELD(b2b_format_live, range_hi),
	FIELD(b2b_format_live, org_word), FIELD(b2b_format_live, generation), FIELD(b2b_format_live, heartbeat_ns),
	FIELD(b2b_format_live, verified_ns), FIELD(b2b_format_live, boot_id), FIELD(b2b_format_live, changes),
};
static const struct field snapshot_header[] = {
	HEAD(b2b_format_snapshot), FIELD(b2b_format_snapshot, org_id), FIELD(b2b_format_snapshot, range_lo), FIELD(b2b_format_snapshot, range_hi),
	FIELD(b2b_format_snapshot, n_users), FIELD(b2b_format_snapshot, n_groups), FIELD(b2b_format_snapshot, hash_seed),
	FIELD(b2b_format_snapshot, hash_size), FIELD(b2b_format_snapshot, hash_at), FIELD(b2b_format_snapshot, n_ids),
	FIELD(b2b_format_snapshot, ids_at), FIELD(b2b_format_snapshot, records_at), FIELD(b2b_format_snapshot, records_size),
	FIELD(b2b_format_snapshot, lists_at), FIELD(b2b_format_snapshot, n_lists), FIELD(b2b_format_snapshot, n_rosters),
	FIELD(b2b_format_snapshot, rosters_at), FIELD(b2b_format_snapshot, roster_data_at), FIELD(b2b_format_snapshot, roster_data_size),
};

static const struct field org_fields[] = {
	FIELD(b2b_format_org, alias), FIELD(b2b_format_org, id), FIELD(b2b_format_org, parent), FIELD(b2b_format_org, range_lo),
	FIELD(b2b_format_org, range_hi), FIELD(b2b_format_org, roles), FIELD(b2b_format_org, services),
};
static const struct field range_fields[] = { FIELD(b2b_format_range, lo), FIELD(b2b_format_range, hi), FIELD(b2b_format_range, slot) };
static const struct field role_fields[] = { FIELD(b2b_format_role, n_gids), FIELD(b2b_format_role, gids[0]), FIELD(b2b_format_role, gids[15]) };
static const struct field service_fields[] = { FIELD(b2b_format_service, name), FIELD(b2b_format_service, staleness_s) };
static const struct field shell_fields[] = { { 0, 1 }, { B2B_PATH_SIZE - 1, 1 }, { 0, B2B_PATH_SIZE } };
static const struct field word_fields[] = { { 0, 4 } };
static const struct field name_fields[] = { FIELD(b2b_format_name, ref), FIELD(b2b_format_name, id_tag) };
static const struct field place_fields[] = { FIELD(b2b_format_roster_place, offset), FIELD(b2b_format_roster_place, at) };
static const struct field record_fields[] = {
	FIELD(b2b_format_record, roles), FIELD(b2b_format_record, offset), FIELD(b2b_format_record, list), FIELD(b2b_format_record, n_list),
	FIELD(b2b_format_record, kind), FIELD(b2b_format_record, shell), FIELD(b2b_format_record, n_local), FIELD(b2b_format_record, n_gecos),
	{ sizeof(struct b2b_format_record), 1 }, { sizeof(struct b2b_format_record) + 1, 1 }, { sizeof(struct b2b_format_record), 8 },
};

struct table {
	size_t at, entry, n;
	const struct field *fields;
	size_t n_fields;
};
#define TABLE(at, entry, n, fields) (struct table){ at, entry, n, fields, COUNT(fields) }

/* ---- where things are ---- */

static struct table index_table(const struct b2b_format_index *index, unsigned number)
{
	switch (number % 6) {
	case 0:
		return TABLE(index->orgs_at, sizeof(struct b2b_format_org), index->n_orgs, org_fields);
	case 1:
		return TABLE(index->ranges_at, sizeof(struct b2b_format_range), index->n_orgs, range_fields);
	case 2:
		return TABLE(index->roles_at, sizeof(struct b2b_format_role), index->n_roles, role_fields);
	case 3:
		return TABLE(index->services_at, sizeof(struct b2b_format_service), index->n_services, service_fields);
	case 4:
		return TABLE(index->shells_at, B2B_PATH_SIZE, index->n_shells, shell_fields);
	default:
		return TABLE(index->hash_at, sizeof(uint32_t), index->hash_size, word_fields);
	}
}

static struct table snapshot_table(const struct base *base, int org, unsigned number, unsigned which)
{
	const struct b2b_format_snapshot *header = base_snapshot(base, org);

	switch (header ? number % 6 : 6) {
	case 0:
		return TABLE(base_record_at(base, org, which), sizeof(struct b2b_format_record), base_record_at(base, org, which) != 0, record_fields);
	case 1:
		return TABLE(header->hash_at, sizeof(struct b2b_format_name), header->hash_size, name_fields);
	case 2:
		return TABLE(header->ids_at, sizeof(uint32_t), header->n_ids, word_fields);
	case 3:
		return TABLE(header->lists_at, sizeof(uint32_t), header->n_lists, word_fields);
	case 4:
		return TABLE(header->rosters_at, sizeof(struct b2b_format_roster_place), header->n_rosters, place_fields);
	case 5:
		/* numbers and names alike, as words */
		return TABLE(header->roster_data_at, sizeof(uint32_t), header->roster_data_size / sizeof(uint32_t), word_fields);
	default:
		return TABLE(0, 1, 0, word_fields);
	}
}

static struct table table_of(const struct base *base, int file, unsigned number, unsigned which)
{
	if (file == DISK_INDEX)
		return index_table(base_index(base), number);
	if (file < DISK_SNAPSHOT(0))
		return TABLE(B2B_LIVE_WORDS_AT, sizeof(uint32_t), (base->files[file].size - B2B_LIVE_WORDS_AT) / sizeof(uint32_t), word_fields);
	return snapshot_table(base, file - DISK_SNAPSHOT(0), number, which);
}

static const struct field *header_field(int file, unsigned number)
{
	if (file == DISK_INDEX)
		return &index_header[number % COUNT(index_header)];
	return file < DISK_SNAPSHOT(0) ? &live_header[number % COUNT(live_header)] : &snapshot_header[number % COUNT(snapshot_header)];
}

/* ---- what is stored there ---- */

static uint64_t number_at(int file, size_t at, size_t width)
{
	uint64_t number = 0;
	size_t size;
	const unsigned char *bytes = disk_bytes(file, &size);

	if (width > sizeof(number))
		width = sizeof(number);
	if (at <= size && width <= size - at)
		memcpy(&number, bytes + at, width);
	return number;
}

static uint64_t interesting(uint32_t number)
{
	static const uint64_t values[] = {
		0, 1, 2, 3, 4, 7, 8, 16, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 1023, 1024, 1025, 4095, 4096, 4097, 0x7fff, 0xffff, 0x10000,
		0x3fffff, 0x400000, 0x7fffffff, 0x80000000, 0xfffffff8, 0xfffffffe, 0xffffffff, 0x100000000, 0x7fffffffffffffff, UINT64_MAX,
		B2B_RANGE_FIRST, B2B_RANGE_FIRST - 1, B2B_RANGE_LAST, B2B_GID_FIRST, B2B_FORMAT_ENDIAN,
		DISK_NOW_NS, DISK_NOW_NS + 1, '@', '+', '/', '%', ':', '\n',
	};

	return values[number % COUNT(values)];
}

/* `how` says where from; DELTA is added to what is not random. */
static uint64_t value_of(const struct base *base, const struct damage_step *step, size_t at, size_t width)
{
	int file = damage_file(step);
	const struct field *other = header_field(file, step->value);
	const struct b2b_format_org *org;
	size_t size;

	disk_bytes(file, &size);
	switch (step->how % 8) {
	case 0:
		return step->value;
	case 1:
		return interesting(step->value);
	case 2:
		return number_at(file, at, width) + (uint64_t)(int64_t)step->delta;
	case 3:
		return number_at(file, at, width) ^ 1ull << (step->value % 64);
	case 4:
		return size + (uint64_t)(int64_t)step->delta;
	case 5:
		return number_at(file, other->at, other->width) + (uint64_t)(int64_t)step->delta;
	case 6:
		return (size / 8 + (uint64_t)(int64_t)step->delta) << (step->value % 4);
	default:
		org = (const void *)(base->files[DISK_INDEX].bytes + base_index(base)->orgs_at);
		org += step->value % base_index(base)->n_orgs;
		return (step->value & 0x100 ? org->range_hi : org->range_lo) + (uint64_t)(int64_t)step->delta;
	}
}

/* Numbers whole; text by its first eight bytes. */
static void store_number(const struct base *base, const struct damage_step *step, size_t at, size_t width)
{
	uint64_t value = value_of(base, step, at, width);

	disk_store(damage_file(step), at, &value, width < sizeof(value) ? width : sizeof(value));
}

static void store_entry(const struct base *base, const struct damage_step *step)
{
	struct table table = table_of(base, damage_file(step), step->what >> 4, step->which);
	const struct field *field = &table.fields[(step->what & 15) % table.n_fields];

	if (table.n > 0)
		store_number(base, step, table.at + step->which % table.n * table.entry + field->at, field->width);
}

static void swap_entries(const struct base *base, const struct damage_step *step)
{
	unsigned char one[sizeof(struct b2b_format_org)], other[sizeof(one)];
	struct table table = table_of(base, damage_file(step), step->what >> 4, step->which);
	size_t size, first = table.at + (table.n ? step->which % table.n * table.entry : 0);
	size_t second = table.at + (table.n ? step->value % table.n * table.entry : 0);
	const unsigned char *bytes = disk_bytes(damage_file(step), &size);

	if (table.n == 0 || first + table.entry > size || second + table.entry > size)
		return;
	memcpy(one, bytes + first, table.entry);
	memcpy(other, bytes + second, table.entry);
	disk_store(damage_file(step), first, other, table.entry);
	disk_store(damage_file(step), second, one, table.entry);
}

static void copy_run(const struct damage_step *step)
{
	static unsigned char run[256];
	size_t size, from, n = step->which + 1u;
	const unsigned char *bytes = disk_bytes(damage_file(step), &size);

	if (size < n)
		return;
	from = (step->value & 0xffff) % (size - n + 1);
	memcpy(run, bytes + from, n);
	disk_store(damage_file(step), (step->value >> 16) % size, run, n);
}

static void fill_run(const struct damage_step *step)
{
	static unsigned char run[DISK_SIZE_MAX];
	size_t size;

	disk_bytes(damage_file(step), &size);
	if (size == 0)
		return;
	memset(run, step->how & 1 ? step->which : 0, size);
	disk_store(damage_file(step), (step->value & 0xffff) % size, run, (step->value >> 16) % size + 1);
}

static void resize(const struct damage_step *step)
{
	static unsigned char image[DISK_SIZE_MAX];
	const uint64_t limit = DISK_SIZE_MAX;
	size_t size;
	const unsigned char *bytes = disk_bytes(damage_file(step), &size);
	uint64_t new = step->how & 2 ? size + (uint64_t)(int64_t)step->delta : step->value % (2 * size + 64);

	if (size == 0 || new == 0 || new > limit)
		return;
	memset(image, step->which, new);
	memcpy(image, bytes, new < size ? new : size);
	if ((step->how & 1) && new >= sizeof(struct b2b_format_head))
		memcpy(image + offsetof(struct b2b_format_head, size), &new, sizeof(new));
	disk_replace(damage_file(step), image, new);
}

static void put_foreign(const struct damage_step *step)
{
	const struct disk_file *other = &base_get(step->which % BASES)->files[step->what % DISK_FILES];

	if (other->size == 0)
		return;
	if (step->how & 1)
		disk_store(damage_file(step), 0, other->bytes, other->size);
	else
		disk_replace(damage_file(step), other->bytes, other->size);
}

static void refuse(const struct damage_step *step)
{
	static const int errors[] = { -EACCES, -ENOENT, -EMFILE, -EPERM, -EBADMSG, -ENOMEM, 0 };

	disk_refuse(damage_file(step), errors[step->value % COUNT(errors)]);
}

static void store_generation(const struct base *base, const struct damage_step *step)
{
	struct damage_step other = *step;

	other.file = (uint8_t)DISK_LIVE(step->file % DISK_ORGS);
	store_number(base, &other, offsetof(struct b2b_format_live, generation), sizeof(uint64_t));
}

void damage_play(const struct base *base, const struct damage_step *step)
{
	const struct field *field = header_field(damage_file(step), step->what);
	const uint32_t superseded = step->value;
	size_t size;

	disk_bytes(damage_file(step), &size);
	switch (step->verb % DAMAGE_VERBS) {
	case DAMAGE_HEADER:
		store_number(base, step, field->at, field->width);
		break;
	case DAMAGE_ENTRY:
		store_entry(base, step);
		break;
	case DAMAGE_PLACE:
		if (size > 0)
			store_number(base, step, step->value % size, 1u << (step->what & 3));
		break;
	case DAMAGE_COPY:
		copy_run(step);
		break;
	case DAMAGE_FILL:
		fill_run(step);
		break;
	case DAMAGE_SWAP:
		swap_entries(base, step);
		break;
	case DAMAGE_RESIZE:
		resize(step);
		break;
	case DAMAGE_FOREIGN:
		put_foreign(step);
		break;
	case DAMAGE_REFUSE:
		refuse(step);
		break;
	case DAMAGE_GENERATION:
		store_generation(base, step);
		break;
	case DAMAGE_SUPERSEDED:
		disk_store(DISK_INDEX, offsetof(struct b2b_format_index, superseded), &superseded, sizeof(superseded));
	}
}
