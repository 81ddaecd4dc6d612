#include "tests/support/golden.h"

#include <err.h>
#include <stdio.h>
#include <unistd.h>

#include "common/org_dir.h"
#include "tests/support/fixture.h"
#include "tests/support/scratch.h"

static void golden_file(const char *dir, const char *from, const char *name)
{
	char source[SCRATCH_SIZE], target[SCRATCH_SIZE], bytes[16384];
	size_t size;
	FILE *file;

	scratch_path(source, from, name);
	scratch_path(target, dir, name);
	file = fopen(source, "re");
	if (!file)
		err(1, "%s", source);
	size = fread(bytes, 1, sizeof(bytes), file);
	if (size == 0 || !feof(file))
		errx(1, "%s: not read whole", source);
	fclose(file);
	scratch_write(target, bytes, size, 0644);
}

void golden_copy(const char *dir, const char *from)
{
	struct b2b_policy *policy = fixture_policy();
	char name[96];

	golden_file(dir, from, "index");
	close(b2b_subdir_open(dir, "live"));
	for (int org = 0; org < FIXTURE_ORGS; org++) {
		if (b2b_org_dir_create(dir, policy, org) < 0)
			errx(1, "directory of %s", policy->orgs[org].alias);
		snprintf(name, sizeof(name), "live/%s", policy->orgs[org].id);
		golden_file(dir, from, name);
		snprintf(name, sizeof(name), "org/%s/snapshot", policy->orgs[org].id);
		golden_file(dir, from, name);
	}
	b2b_policy_free(policy);
}
