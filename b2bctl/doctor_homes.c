/*
 * Homes that several hosts mount: there an id is one person only if every host gives that person the same, and ids by hash are not
 * sure to be (b2b.conf(5)). Told by the table of mounts: statfs(2) could wait for a server, and does not know what is behind FUSE.
 */
#include <fnmatch.h>
#include <mntent.h>
#include <stdlib.h>
#include <string.h>

#include "b2bctl/doctor.h"
#include "common/conf.h"

#define MOUNTS "/proc/self/mounts"

/* What an automounter brings is not known before; it hardly ever is a disk of the host's own. */
static const char *const shared_types[] = {
	"9p", "afs", "autofs", "beegfs", "ceph", "cifs", "coda", "gfs2", "glusterfs", "gpfs", "lustre", "nfs", "nfs4", "ocfs2", "orangefs", "panfs", "pvfs2",
	"smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs", "wekafs", "fuse.afp", "fuse.blobfuse2", "fuse.ceph", "fuse.ceph-fuse", "fuse.curlftpfs",
	"fuse.davfs", "fuse.gcsfuse", "fuse.glusterfs", "fuse.goofys", "fuse.juicefs", "fuse.mfs", "fuse.moosefs", "fuse.mount-s3", "fuse.quobyte",
	"fuse.rclone", "fuse.s3fs", "fuse.seaweedfs", "fuse.sshfs", "fuse.vmhgfs-fuse",
};

struct place {
	char dir[B2B_PATH_SIZE * 4]; /* where it is mounted; a longer one is no part of a home's path */
	char type[32];
};

static bool is_shared(const char *type)
{
	for (size_t i = 0; i < sizeof(shared_types) / sizeof(shared_types[0]); i++)
		if (strcmp(type, shared_types[i]) == 0)
			return true;
	return false;
}

/* The template as a pattern of fnmatch(3), up to as many names as DIR has. */
static void pattern_for(const char *template, const char *alias, const char *dir, char *buf, size_t size)
{
	size_t used = 0, names = 0, wanted = 0;

	for (const char *c = dir; c[0] && c[1]; c++)
		wanted += *c == '/';
	for (const char *c = template; *c && used + 1 < size; c++) {
		if (*c == '/' && names++ == wanted)
			break;
		if (c[0] != '%' || !c[1])
			buf[used++] = *c;
		else if (*++c == 'o')
			used += (size_t)snprintf(buf + used, size - used, "%s", alias);
		else
			buf[used++] = '*';
	}
	buf[used < size ? used : size - 1] = '\0';
}

/* Is DIR somebody's home of the organisation, or above one? *ret_above: above all of them, so that a deeper mount is in its place. */
static bool holds_homes(const char *template, const char *alias, const char *dir, bool *ret_above)
{
	char pattern[B2B_PATH_SIZE * 4];

	pattern_for(template, alias, dir, pattern, sizeof(pattern));
	*ret_above = strcmp(dir, "/") == 0 || !strchr(pattern, '*');
	return strcmp(dir, "/") == 0 || fnmatch(pattern, dir, FNM_PATHNAME) == 0;
}

/* A shared file system with homes of the organisation's people; the table has what is mounted over something behind that. */
static bool find_shared(const struct b2b_doctor *doctor, const char *template, const char *alias, struct place *ret)
{
	FILE *mounts = b2b_doctor_open(doctor, MOUNTS);
	struct place under = { .type = "" }, person = { .type = "" };
	char text[16384];
	struct mntent entry;
	bool above;

	while (mounts && getmntent_r(mounts, &entry, text, sizeof(text))) {
		struct place *place;

		if (strlen(entry.mnt_dir) >= sizeof(under.dir) || !holds_homes(template, alias, entry.mnt_dir, &above))
			continue;
		place = above ? &under : &person;
		if (above ? strlen(entry.mnt_dir) < strlen(under.dir) : !is_shared(entry.mnt_type))
			continue;
		snprintf(place->dir, sizeof(place->dir), "%s", entry.mnt_dir);
		snprintf(place->type, sizeof(place->type), "%s", entry.mnt_type);
	}
	if (mounts)
		fclose(mounts);
	*ret = is_shared(under.type) ? under : person;
	return *ret->type;
}

/* What keeps ids apart from the order of arrival: the rest of a sentence, what to do; NULL where it is done. */
static const char *what_to_do(const struct b2b_conf *conf)
{
	if (conf && !conf->host.hashed_ids)
		return NULL;
	if (conf && conf->federation.directory == B2B_DIRECTORY_TOKEN)
		return "without a directory nobody's id is known before the first log-in: give each host homes of its own";
	if (conf && (conf->host.idmap || (conf->federation.scim_uid_attribute && conf->federation.scim_gid_attribute)))
		return "who has neither a pin nor a number from the directory is given one by hash: set hashed_ids = no";
	return "pin the ids (b2bctl idmap export on one host, the file as idmap on all) and set hashed_ids = no";
}

void b2b_doctor_homes(struct b2b_doctor *doctor)
{
	struct b2b_conf *conf = b2b_doctor_conf(doctor);
	const struct b2b_policy *policy = conf ? conf->policy : doctor->policy;
	const char *mend = what_to_do(conf);
	struct place place, said = { .type = "" };

	for (uint32_t i = 0; mend && policy && i < policy->n_orgs; i++) {
		if (!find_shared(doctor, policy->home, policy->orgs[i].alias, &place) || strcmp(place.dir, said.dir) == 0)
			continue;
		said = place;
		b2b_doctor_say(doctor, B2B_VERDICT_PROBLEM, "homes of %s's people are on a file system that other hosts can share (%s on %s), and ids by hash need "
		               "not be the same there, so that one person owns another's files; %s", policy->orgs[i].alias, place.type, place.dir, mend);
	}
	if (!*said.type)
		b2b_doctor_say(doctor, B2B_VERDICT_OK, mend ? "partners' homes are on no file system that other hosts share" : "nobody is given an id by hash");
	b2b_conf_free(conf);
}
