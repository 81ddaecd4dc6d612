#include <errno.h>
#include <stdlib.h>

#include "common/write_file.h"
#include "tests/bench/flat.h"
#include "tests/bench/packed.h"

static uint64_t table_size(uint32_t n)
{
	uint64_t size = 16;

	while (size < 2ull * n)
		size *= 2;
	return size;
}

static uint64_t lay_out(const struct source *source, struct flat_header *header)
{
	uint64_t at = sizeof(*header);

	for (int table = 0; table < FLAT_TABLES; table++) {
		uint64_t size = table_size(table < FLAT_GROUP_NAME ? source->n_users : source->n_groups);

		header->tables[table].at = at;
		header->tables[table].mask = size - 1;
		at += size * sizeof(struct flat_place);
	}
	header->users_at = at;
	for (uint32_t i = 0; i < source->n_users; i++)
		at += packed_user_size(source, i);
	header->users_end = at;
	for (uint32_t i = 0; i < source->n_groups; i++)
		at += packed_group_size(source, i);
	return header->size = at;
}

static void enter(char *image, enum flat_table table, uint64_t hash, uint64_t at)
{
	struct flat_header *header = (struct flat_header *)(void *)image;
	struct flat_place *places = (struct flat_place *)(void *)(image + header->tables[table].at);
	uint64_t place = hash & header->tables[table].mask;

	while (places[place].at)
		place = (place + 1) & header->tables[table].mask;
	places[place] = (struct flat_place){ .hash = (uint32_t)hash, .at = (uint32_t)(at / 8) };
}

static void fill(const struct source *source, char *image)
{
	uint64_t at = ((struct flat_header *)(void *)image)->users_at;

	for (uint32_t i = 0; i < source->n_users; i++) {
		const struct source_user *user = &source->users[i];

		packed_user_make(source, i, image + at);
		enter(image, FLAT_USER_NAME, packed_hash(user->name, strlen(user->name)), at);
		enter(image, FLAT_USER_UID, packed_hash_id(user->uid), at);
		at += packed_user_size(source, i);
	}
	for (uint32_t i = 0; i < source->n_groups; i++) {
		const struct source_group *group = &source->groups[i];

		packed_group_make(source, i, image + at);
		enter(image, FLAT_GROUP_NAME, packed_hash(group->name, strlen(group->name)), at);
		enter(image, FLAT_GROUP_GID, packed_hash_id(group->gid), at);
		at += packed_group_size(source, i);
	}
}

int flat_write(const struct source *source, int fd, uint64_t *ret_size)
{
	struct flat_header header;
	uint64_t size = lay_out(source, &header);
	char *image = calloc(1, size);
	int r;

	if (!image)
		return -ENOMEM;
	memcpy(image, &header, sizeof(header));
	fill(source, image);
	r = b2b_pwrite_all(fd, image, size, 0);
	free(image);
	if (r == 0)
		*ret_size = size;
	return r;
}
