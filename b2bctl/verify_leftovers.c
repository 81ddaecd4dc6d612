/* What lies in the cache's folders and should not: left by a crash, or put there by somebody. */
#include <dirent.h>
#include <limits.h>
#include <string.h>

#include "b2bctl/verify.h"

/* Calls JUDGE for each name in FOLDER ("" the cache's own). What cannot be opened has been told by b2b_verify_folder. */
static void each(struct b2b_verify *verify, const char *folder, void (*judge)(struct b2b_verify *verify, const char *folder, const char *name))
{
	const struct dirent *entry;
	char path[PATH_MAX];
	DIR *stream;

	snprintf(path, sizeof(path), "%s/%s", verify->ctl->cache_dir, folder);
	stream = opendir(path);
	while (stream && (entry = readdir(stream)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			judge(verify, folder, entry->d_name);
	if (stream)
		closedir(stream);
}

static void tell(struct b2b_verify *verify, const char *folder, const char *name, const char *what, const char *to_do)
{
	char file[PATH_MAX];

	snprintf(file, sizeof(file), "%s%s%s", folder, *folder ? "/" : "", name);
	b2b_verify_note(verify, file, B2B_VERIFY_NOWHERE, what, to_do);
}

static void unknown(struct b2b_verify *verify, const char *folder, const char *name)
{
	tell(verify, folder, name, "nothing of ours is called so", "find out who made it, then remove it");
}

static void judge_top(struct b2b_verify *verify, const char *folder, const char *name)
{
	if (strcmp(name, "index.old") == 0)
		b2b_verify_fault(verify, name, B2B_VERIFY_NOWHERE, "a crash left it: processes do not know yet that there is a newer index", "b2bctl policy apply");
	else if (strcmp(name, ".index.new") == 0)
		tell(verify, folder, name, "half an index, being written or left by a crash", "b2bctl policy apply removes it");
	else if (strcmp(name, "index") != 0 && strcmp(name, "live") != 0 && strcmp(name, "org") != 0)
		unknown(verify, folder, name);
}

static void judge_live(struct b2b_verify *verify, const char *folder, const char *name)
{
	if (strncmp(name, ".new-", 5) == 0)
		tell(verify, folder, name, "half a live file, left by a crash", "restart b2bd: it removes it");
	else if (!b2b_org_id_valid(name))
		unknown(verify, folder, name);
}

static void judge_roster(struct b2b_verify *verify, const char *folder, const char *name)
{
	if (strcmp(name, ".snapshot.new") == 0)
		tell(verify, folder, name, "half a snapshot, being written or left by a crash", "the next one that is published replaces it");
	else if (strcmp(name, "snapshot") != 0)
		unknown(verify, folder, name);
}

static void judge_org(struct b2b_verify *verify, const char *folder, const char *name)
{
	char path[PATH_MAX];

	if (!b2b_org_id_valid(name)) {
		unknown(verify, folder, name);
		return;
	}
	if (verify->policy && b2b_policy_org_by_id(verify->policy, name) < 0)
		tell(verify, folder, name, "people of an organisation that has no section", "remove it if it does not come back; its live file stays");
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	each(verify, path, judge_roster);
}

void b2b_verify_leftovers(struct b2b_verify *verify)
{
	each(verify, "", judge_top);
	each(verify, "live", judge_live);
	each(verify, "org", judge_org);
}
