#include "tests/fuzz/reader/base.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/index.h"
#include "tests/support/fixture.h"
#include "tests/support/scratch.h"

_Static_assert(DISK_ORGS == FIXTURE_ORGS, "as many organisations as the fixture has");

static struct base bases[BASES];

static void add_user(struct b2b_snapshot_builder *builder, int org, uint32_t offset, const char *local, const char *gecos)
{
	struct b2b_snapshot_user user = { .local = local, .gecos = gecos, .uid = FIXTURE_LO(org) + offset, .roles = 3 };

	if (b2b_snapshot_add_user(builder, &user) < 0)
		errx(1, "add user %s", local);
}

static void add_group(struct b2b_snapshot_builder *builder, int org, uint32_t offset, const char *local, const uint32_t *members, size_t n)
{
	struct b2b_snapshot_group group = { .local = local, .gid = FIXTURE_LO(org) + offset, .members = members, .n_members = n };

	if (b2b_snapshot_add_group(builder, &group) < 0)
		errx(1, "add group %s", local);
}

static void publish(struct fixture *fixture, int org, struct b2b_snapshot_builder *builder)
{
	fixture_publish(fixture, org, builder);
	b2b_snapshot_free(builder);
}

static void make_closed(struct fixture *fixture)
{
	b2b_live_store(fixture->lives[FIXTURE_ACME], FIXTURE_LO(FIXTURE_ACME) + 1, B2B_LIVE_CLOSED, true);
	b2b_live_store(fixture->lives[FIXTURE_ACME], FIXTURE_LO(FIXTURE_ACME) + 2, (enum b2b_live_state)7, true);
	b2b_live_store_org(fixture->lives[FIXTURE_APAC], B2B_LIVE_CLOSED, true);
	b2b_live_store_org(fixture->lives[FIXTURE_GLOBEX], (enum b2b_live_state)7, true);
}

static void make_other(struct fixture *fixture)
{
	struct b2b_policy *policy = fixture->policy;

	policy->separator = '+';
	policy->visibility = B2B_VISIBLE_STRICT;
	policy->group_members = false;
	policy->partners_gid = B2B_GID_FIRST;
	snprintf(policy->home, sizeof(policy->home), "/srv/%%%%/%%u%%x%%");
	policy->n_roles = B2B_ROLES_MAX;
	for (uint32_t i = 0; i < policy->n_orgs; i++)
		policy->orgs[i].roles = ~0ull;
	for (uint32_t i = 0; i < B2B_ROLES_MAX; i++) {
		snprintf(policy->roles[i].name, sizeof(policy->roles[i].name), "role%u", i);
		policy->roles[i].n_gids = B2B_ROLE_GIDS_MAX;
		for (uint32_t k = 0; k < B2B_ROLE_GIDS_MAX; k++)
			policy->roles[i].gids[k] = 1000 + i * B2B_ROLE_GIDS_MAX + k;
	}
}

static void make_long(struct fixture *fixture)
{
	struct b2b_snapshot_builder *builder = fixture_builder(fixture, FIXTURE_ACME, true);
	char gecos[B2B_GECOS_SIZE] = "";
	const uint32_t uid = FIXTURE_LO(FIXTURE_ACME) + FIXTURE_RANGE - 1;

	memset(gecos, 'g', sizeof(gecos) - 1);
	add_user(builder, FIXTURE_ACME, FIXTURE_RANGE - 1, "a_person.with-a-long.name1", gecos);
	add_group(builder, FIXTURE_ACME, FIXTURE_RANGE - 2, "a_group.with-as-long.a-nam", &uid, 1);
	publish(fixture, FIXTURE_ACME, builder);
	b2b_live_store(fixture->lives[FIXTURE_ACME], uid, B2B_LIVE_OPEN, false);
}

static void make_large(struct fixture *fixture)
{
	struct b2b_snapshot_builder *builder = fixture_builder(fixture, FIXTURE_ACME, false);
	uint32_t members[BASE_CROWD];
	char local[B2B_NAME_SIZE];

	for (uint32_t i = 0; i < BASE_CROWD; i++) {
		members[i] = FIXTURE_LO(FIXTURE_ACME) + 1 + i;
		snprintf(local, sizeof(local), "person%u", i);
		add_user(builder, FIXTURE_ACME, 1 + i, local, "One of many");
		b2b_live_store(fixture->lives[FIXTURE_ACME], members[i], i % 7 ? B2B_LIVE_OPEN : B2B_LIVE_CLOSED, false);
	}
	add_group(builder, FIXTURE_ACME, BASE_CROWD + 1, "dba", members, BASE_CROWD);
	publish(fixture, FIXTURE_ACME, builder);
}

static void make_empty(struct fixture *fixture)
{
	char path[SCRATCH_SIZE];

	publish(fixture, FIXTURE_ACME, fixture_builder(fixture, FIXTURE_ACME, false));
	scratch_path(path, fixture->dir, "org/7be10a/snapshot");
	if (unlink(path) < 0)
		err(1, "%s", path);
	b2b_live_set_generation(fixture->lives[FIXTURE_EMEA], 0);
}

static void make(unsigned number, struct fixture *fixture)
{
	fixture->policy->enumerate = true;
	switch (number) {
	case BASE_TINY:
		fixture->policy->n_orgs = 1;
		break;
	case BASE_DEEP:
		for (int org = 0; org < DISK_ORGS; org++)
			fixture->policy->orgs[org].parent = org - 1;
		break;
	case BASE_CLOSED:
		make_closed(fixture);
		break;
	case BASE_OTHER:
		make_other(fixture);
		break;
	case BASE_LONG:
		make_long(fixture);
		break;
	case BASE_LARGE:
		make_large(fixture);
		break;
	case BASE_EMPTY:
		make_empty(fixture);
	}
	if (b2b_index_write(fixture->dir, fixture->policy) < 0)
		errx(1, "index of base %u", number);
}

static void take(const char *dir, const char *name, struct disk_file *file)
{
	char path[SCRATCH_SIZE];
	struct stat st;
	int fd;

	scratch_path(path, dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &st) < 0 || st.st_size <= 0 || (size_t)st.st_size > DISK_SIZE_MAX)
		errx(1, "%s: of no use", path);
	file->size = (size_t)st.st_size;
	file->bytes = malloc(file->size);
	if (!file->bytes || read(fd, file->bytes, file->size) != st.st_size)
		err(1, "%s", path);
	close(fd);
}

/* The agent of the boot and the time that the hook plays. */
static void beat(struct base *base, unsigned number)
{
	uint64_t now = number == BASE_CLOSED ? DISK_NOW_NS / 2 : DISK_NOW_NS - 1;

	for (int org = 0; org < DISK_ORGS; org++) {
		struct b2b_format_live *live = (void *)base->files[DISK_LIVE(org)].bytes;

		live->heartbeat_ns = live->verified_ns = now;
		memset(live->boot_id, DISK_BOOT, sizeof(live->boot_id));
	}
}

static void make_blocks(struct base *base)
{
	for (int i = 0; i < DISK_FILES; i++) {
		struct disk_file *file = &base->files[i];

		file->block = file->size ? malloc(file->size) : NULL;
		if (file->size && !file->block)
			err(1, "block");
		if (file->block)
			memcpy(file->block, file->bytes, file->size);
	}
}

static void take_all(struct base *base, const struct fixture *fixture)
{
	static const char *const ids[DISK_ORGS] = { "42c3e9", "7be10b", "7be10a", "9d01f2" };
	char name[SCRATCH_SIZE];

	base->separator = fixture->policy->separator;
	take(fixture->dir, "index", &base->files[DISK_INDEX]);
	for (int org = 0; org < DISK_ORGS; org++) {
		base->ids[org] = ids[org];
		snprintf(name, sizeof(name), "live/%s", ids[org]);
		take(fixture->dir, name, &base->files[DISK_LIVE(org)]);
		snprintf(name, sizeof(name), "org/%s/snapshot", ids[org]);
		take(fixture->dir, name, &base->files[DISK_SNAPSHOT(org)]);
	}
}

const struct base *base_get(unsigned number)
{
	struct base *base = &bases[number];
	struct fixture fixture;

	if (base->files[DISK_INDEX].bytes)
		return base;
	fixture_start(&fixture, NULL);
	make(number, &fixture);
	take_all(base, &fixture);
	beat(base, number);
	make_blocks(base);
	fixture.policy->n_orgs = FIXTURE_ORGS;
	fixture_stop(&fixture);
	return base;
}

const struct b2b_format_index *base_index(const struct base *base)
{
	return (const void *)base->files[DISK_INDEX].bytes;
}

const struct b2b_format_snapshot *base_snapshot(const struct base *base, int org)
{
	return (const void *)base->files[DISK_SNAPSHOT(org)].bytes;
}

size_t base_record_at(const struct base *base, int org, unsigned which)
{
	const struct b2b_format_snapshot *header = base_snapshot(base, org);
	const unsigned char *bytes = (const void *)header;
	uint32_t n, ref = 0;

	if (!header || header->n_users + header->n_groups == 0)
		return 0;
	n = which % (header->n_users + header->n_groups) + 1;
	for (uint32_t i = 0; n > 0 && i < header->n_ids; i++) {
		ref = ((const uint32_t *)(const void *)(bytes + header->ids_at))[i];
		n -= ref != 0;
	}
	return header->records_at + ((size_t)ref - 1) * 8;
}
