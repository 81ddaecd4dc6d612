/*
 * Snapshots, both ways in. Input read as an image: the guard's check refuses it or every record obeys the rules. Input read
 * as a list of people and groups: whatever the builder takes, the check accepts.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/snapshot.h"
#include "tests/support/fixture.h"

static struct b2b_policy *policy;

static void as_image(const uint8_t *data, size_t size)
{
	void *image = malloc(size ? size : 1);
	uint64_t generation;

	if (!image)
		return;
	memcpy(image, data, size);
	for (int org = 0; org < FIXTURE_ORGS; org++)
		b2b_snapshot_check(image, size, policy, org, &generation);
	free(image);
}

/* Sixteen bytes make one person or group: kind, id, name length, shell, roles or members, name. */
static void add_one(struct b2b_snapshot_builder *builder, const uint8_t *from)
{
	uint32_t id = FIXTURE_LO(FIXTURE_ACME) - 1 + (uint32_t)(from[1] | (from[2] & 7) << 8), members[3];
	char local[9] = "", gecos[9] = "";

	memcpy(local, from + 8, from[3] & 7);
	memcpy(gecos, from + 8 + (from[3] & 7), 8 - (from[3] & 7));
	if (from[0] & 1) {
		struct b2b_snapshot_user user = { .local = local, .gecos = gecos, .uid = id, .roles = from[5], .shell = from[4] & 3 };

		b2b_snapshot_add_user(builder, &user);
	} else {
		struct b2b_snapshot_group group = { .local = local, .gid = id, .members = members, .n_members = from[4] & 3 };

		for (int i = 0; i < 3; i++)
			members[i] = FIXTURE_LO(FIXTURE_ACME) + from[5 + i];
		b2b_snapshot_add_group(builder, &group);
	}
}

static void check_built(struct b2b_snapshot_builder *builder)
{
	int fd = memfd_create("snapshot", MFD_CLOEXEC);
	uint64_t generation = 0;
	struct stat st;
	void *image;

	if (fd < 0 || b2b_snapshot_write(builder, fd) < 0 || fstat(fd, &st) < 0)
		abort();
	image = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (image == MAP_FAILED || b2b_snapshot_check(image, (size_t)st.st_size, policy, FIXTURE_ACME, &generation) < 0 || generation != 3)
		abort();
	munmap(image, (size_t)st.st_size);
	close(fd);
}

static void as_list(const uint8_t *data, size_t size)
{
	struct b2b_snapshot_builder *builder = NULL;

	if (b2b_snapshot_new(policy, FIXTURE_ACME, 3, &builder) < 0)
		return;
	for (; size >= 16; data += 16, size -= 16)
		add_one(builder, data);
	check_built(builder);
	b2b_snapshot_free(builder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!policy)
		policy = fixture_policy();
	as_image(data, size);
	as_list(data, size);
	return 0;
}
