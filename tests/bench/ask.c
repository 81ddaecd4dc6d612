#include "tests/bench/ask.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "common/policy.h"

#define GROUPS_ROOM 64

static bool user_right(const struct bench_key *key, bool expected, const struct passwd *found)
{
	if (!found || !expected)
		return !found && !expected;
	return found->pw_uid == key->id && strcmp(found->pw_name, key->name) == 0;
}

/* Exactly N members? The list lies in BUF, wherever it ends. */
static bool lists(const struct group *group, uint32_t n, const char *buf)
{
	size_t before = (size_t)((const char *)group->gr_mem - buf) / sizeof(char *);

	return before + n < BENCH_BUFFER_SIZE / sizeof(char *) && !group->gr_mem[n] && (n == 0 || group->gr_mem[n - 1]);
}

static bool group_right(const struct bench_key *key, bool expected, const struct group *found, const char *buf)
{
	if (!found || !expected)
		return !found && !expected;
	return found->gr_gid == key->id && strcmp(found->gr_name, key->name) == 0 && lists(found, key->size, buf);
}

/* `partners`, in which everybody is, stands in no group file: those that know it give one group more. */
static bool groups_right(const struct bench_key *key, bool expected)
{
	gid_t list[GROUPS_ROOM];
	int n = GROUPS_ROOM, most = expected ? BENCH_GROUPS_EACH + 2 : 1;
	uint32_t sum = 0;

	if (getgrouplist(key->name, key->id, list, &n) < 0 || n > most || n < most - (expected ? 1 : 0))
		return false;
	for (int i = 0; i < n; i++)
		sum += list[i];
	if (!expected)
		return sum == key->id;
	return sum - key->size == (n == most ? B2B_PARTNERS_GID : 0);
}

bool bench_ask(enum bench_ask ask, const struct bench_key *key, bool expected, char *buf)
{
	struct passwd pw, *user = NULL;
	struct group gr, *group = NULL;

	switch (ask) {
	case BENCH_USER_NAME:
		getpwnam_r(key->name, &pw, buf, BENCH_BUFFER_SIZE, &user);
		return user_right(key, expected, user);
	case BENCH_USER_UID:
		getpwuid_r(key->id, &pw, buf, BENCH_BUFFER_SIZE, &user);
		return user_right(key, expected, user);
	case BENCH_GROUP_NAME:
		getgrnam_r(key->name, &gr, buf, BENCH_BUFFER_SIZE, &group);
		return group_right(key, expected, group, buf);
	case BENCH_GROUP_GID:
		getgrgid_r(key->id, &gr, buf, BENCH_BUFFER_SIZE, &group);
		return group_right(key, expected, group, buf);
	case BENCH_INITGROUPS:
		return groups_right(key, expected);
	default:
		return false;
	}
}
