#include "tests/support/next_version.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cache_format.h"
#include "tests/support/scratch.h"

#define LONGER 72     /* bytes of new fields behind a header */
#define STRANGE 40    /* bytes of each unknown table */
#define FILLING 0xa5  /* what new fields, unknown tables and reserved bytes hold */

/* One file being laid out anew. */
struct image {
	unsigned char *from, *to;
	size_t n_from, end;
};

static struct image take(const char *path, size_t header)
{
	struct image image = { 0 };
	struct stat st;
	FILE *file = fopen(path, "re");

	if (!file || fstat(fileno(file), &st) < 0)
		err(1, "%s", path);
	image.n_from = (size_t)st.st_size;
	image.from = malloc(image.n_from);
	image.to = malloc(2 * image.n_from + 4096);
	if (!image.from || !image.to || fread(image.from, 1, image.n_from, file) != image.n_from)
		err(1, "%s", path);
	fclose(file);
	memset(image.to, FILLING, 2 * image.n_from + 4096);
	memcpy(image.to, image.from, header);
	image.end = header + LONGER;
	return image;
}

/* Moves the table that *AT names, of SIZE bytes, behind a strange one. */
static void move(struct image *image, uint32_t *at, size_t size)
{
	image->end = (image->end + STRANGE + 7) & ~(size_t)7;
	memcpy(image->to + image->end, image->from + *at, size);
	*at = (uint32_t)image->end;
	image->end += size;
}

static void set_head(struct b2b_format_head *head, const struct image *image, size_t header, uint16_t min_reader)
{
	head->version = B2B_FORMAT_VERSION + 1;
	head->min_reader = min_reader;
	head->size = image->end;
	head->header_size = (uint32_t)header + LONGER;
	head->reserved |= 0xa5a40000u; /* an index has its low bits in use */
}

static void put(const char *path, const struct image *image)
{
	char new[SCRATCH_SIZE + 8];

	snprintf(new, sizeof(new), "%s.next", path);
	scratch_write(new, image->to, image->end, 0644);
	if (rename(new, path) < 0)
		err(1, "%s", path);
	free(image->from);
	free(image->to);
}

static void strange_pads(struct image *image, const struct b2b_format_index *index)
{
	for (uint32_t i = 0; i < index->n_orgs; i++)
		((struct b2b_format_range *)(void *)(image->to + index->ranges_at))[i].pad = 0xa5a5a5a5u;
	for (uint32_t i = 0; i < index->n_roles; i++)
		((struct b2b_format_role *)(void *)(image->to + index->roles_at))[i].pad = 0xa5a5a5a5u;
	for (uint32_t i = 0; i < index->n_services; i++)
		memset(((struct b2b_format_service *)(void *)(image->to + index->services_at))[i].pad, FILLING, 2);
}

static void next_index(const char *dir, uint16_t min_reader)
{
	struct b2b_format_index index;
	const uint32_t superseded = 1;
	char path[SCRATCH_SIZE];
	struct image image;
	int old;

	scratch_path(path, dir, "index");
	image = take(path, sizeof(index));
	memcpy(&index, image.from, sizeof(index));
	move(&image, &index.shells_at, index.n_shells * (size_t)B2B_PATH_SIZE);
	move(&image, &index.services_at, index.n_services * sizeof(struct b2b_format_service));
	move(&image, &index.orgs_at, index.n_orgs * sizeof(struct b2b_format_org));
	move(&image, &index.hash_at, index.hash_size * sizeof(uint32_t));
	move(&image, &index.roles_at, index.n_roles * sizeof(struct b2b_format_role));
	move(&image, &index.ranges_at, index.n_orgs * sizeof(struct b2b_format_range));
	image.end += STRANGE;
	strange_pads(&image, &index);
	set_head(&index.head, &image, sizeof(index), min_reader);
	memcpy(image.to, &index, sizeof(index));
	old = open(path, O_WRONLY | O_CLOEXEC);
	put(path, &image);
	if (old < 0 || pwrite(old, &superseded, sizeof(superseded), offsetof(struct b2b_format_index, superseded)) != sizeof(superseded))
		err(1, "%s", path);
	close(old);
}

static void next_snapshot(const char *dir, const char *org_id, uint16_t min_reader)
{
	struct b2b_format_snapshot snapshot;
	char path[SCRATCH_SIZE], name[128];
	struct image image;
	int live;

	snprintf(name, sizeof(name), "org/%s/snapshot", org_id);
	scratch_path(path, dir, name);
	image = take(path, sizeof(snapshot));
	memcpy(&snapshot, image.from, sizeof(snapshot));
	move(&image, &snapshot.records_at, snapshot.records_size);
	move(&image, &snapshot.lists_at, snapshot.n_lists * sizeof(uint32_t));
	move(&image, &snapshot.hash_at, snapshot.hash_size * sizeof(struct b2b_format_name));
	move(&image, &snapshot.ids_at, snapshot.n_ids * sizeof(uint32_t));
	move(&image, &snapshot.roster_data_at, snapshot.roster_data_size);
	move(&image, &snapshot.rosters_at, snapshot.n_rosters * sizeof(struct b2b_format_roster_place));
	image.end += STRANGE;
	set_head(&snapshot.head, &image, sizeof(snapshot), min_reader);
	snapshot.head.generation++;
	memset(snapshot.pad, FILLING, sizeof(snapshot.pad));
	memcpy(image.to, &snapshot, sizeof(snapshot));
	put(path, &image);
	snprintf(name, sizeof(name), "live/%s", org_id);
	scratch_path(path, dir, name);
	live = open(path, O_WRONLY | O_CLOEXEC);
	if (live < 0 || pwrite(live, &snapshot.head.generation, sizeof(uint64_t), offsetof(struct b2b_format_live, generation)) != sizeof(uint64_t))
		err(1, "%s", path);
	close(live);
}

static void next_live(const char *dir, const char *org_id, uint16_t min_reader)
{
	char path[SCRATCH_SIZE], name[128];
	struct b2b_format_live header;
	unsigned char fields[LONGER];
	int fd;

	snprintf(name, sizeof(name), "live/%s", org_id);
	scratch_path(path, dir, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || pread(fd, &header, sizeof(header), 0) != sizeof(header))
		err(1, "%s", path);
	header.head.version = B2B_FORMAT_VERSION + 1;
	header.head.min_reader = min_reader;
	header.head.header_size = sizeof(header) + LONGER;
	header.head.reserved = 0xa5a5a5a5u;
	memset(header.pad1, FILLING, sizeof(header.pad1));
	memset(&header.pad2, FILLING, sizeof(header.pad2));
	memset(header.pad3, FILLING, sizeof(header.pad3));
	memset(fields, FILLING, sizeof(fields));
	if (pwrite(fd, &header, sizeof(header), 0) != sizeof(header) || pwrite(fd, fields, sizeof(fields), sizeof(header)) != sizeof(fields))
		err(1, "%s", path);
	close(fd);
}

void next_version(const char *dir, const char *org_id, unsigned which, uint16_t min_reader)
{
	if (which & NEXT_LIVE)
		next_live(dir, org_id, min_reader);
	if (which & NEXT_SNAPSHOT)
		next_snapshot(dir, org_id, min_reader);
	if (which & NEXT_INDEX)
		next_index(dir, min_reader);
}
