#include "b2bctl/cache_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/snapshot.h"

static int open_file(const char *dir, const char *name, struct b2b_finding *ret_finding)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENOENT;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 || errno == ENOENT || errno == EACCES)
		return fd >= 0 ? fd : -errno;
	b2b_find(ret_finding, 0, errno == ELOOP ? "it is a symbolic link" : "it cannot be opened");
	return -EBADMSG;
}

/* What is read is what is there: a file that shrinks meanwhile is shorter. */
static int copy(struct b2b_cache_file *file)
{
	size_t len = 0;

	file->bytes = calloc(1, file->size + 1);
	if (!file->bytes)
		return -ENOMEM;
	while (len < file->size) {
		ssize_t got = pread(file->fd, file->bytes + len, file->size - len, (off_t)len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	file->size = len;
	return 0;
}

static int judge(struct b2b_cache_file *file, size_t max, struct b2b_finding *ret_finding)
{
	bool right = fstat(file->fd, &file->st) == 0 && S_ISREG(file->st.st_mode);

	if (!right)
		b2b_find(ret_finding, 0, "it is no regular file");
	else if (file->st.st_size < 0 || (uintmax_t)file->st.st_size > max)
		right = b2b_find(ret_finding, max, "size: more than such a file may have");
	file->size = right ? (size_t)file->st.st_size : 0;
	return right ? 0 : -EBADMSG;
}

int b2b_cache_file_read(const char *dir, const char *name, size_t max, struct b2b_cache_file *ret_file, struct b2b_finding *ret_finding)
{
	struct b2b_cache_file file = { .fd = open_file(dir, name, ret_finding) };
	int r;

	if (file.fd < 0)
		return file.fd;
	snprintf(file.name, sizeof(file.name), "%s", name);
	r = judge(&file, max, ret_finding);
	if (r == 0)
		r = copy(&file);
	if (r < 0) {
		b2b_cache_file_clear(&file);
		return r;
	}
	*ret_file = file;
	return 0;
}

void b2b_cache_file_clear(struct b2b_cache_file *file)
{
	if (!file->name[0])
		return;
	free(file->bytes);
	close(file->fd);
	*file = (struct b2b_cache_file){ 0 };
}

static int judge_header(struct b2b_roster *roster, const char *org_id, uint32_t lo, uint32_t hi, struct b2b_finding *ret_finding)
{
	struct b2b_format_snapshot *header = &roster->header;
	const struct b2b_cache_file *file = &roster->file;

	b2b_copy(header, file->bytes, file->size < sizeof(*header) ? file->size : sizeof(*header));
	if (!b2b_format_snapshot_valid(header, file->size, ret_finding))
		return b2b_format_head_newer(&header->head, B2B_MAGIC_SNAPSHOT) ? -EPROTONOSUPPORT : -EBADMSG;
	if (strncmp(header->org_id, org_id, sizeof(header->org_id)) != 0)
		b2b_find(ret_finding, offsetof(struct b2b_format_snapshot, org_id), "org_id: the snapshot is another organisation's");
	else if (header->range_lo != lo || header->range_hi != hi)
		b2b_find(ret_finding, offsetof(struct b2b_format_snapshot, range_lo), "range: not the one that the organisation has");
	else
		return 0;
	return -EBADMSG;
}

static int take(const char *dir, const char *org_id, uint32_t lo, uint32_t hi, struct b2b_roster *roster, struct b2b_finding *ret_finding)
{
	char name[B2B_CACHE_FILE_NAME];
	int r;

	snprintf(name, sizeof(name), "org/%s/snapshot", org_id);
	r = b2b_cache_file_read(dir, name, B2B_SNAPSHOT_MAX, &roster->file, ret_finding);
	if (r == 0)
		r = judge_header(roster, org_id, lo, hi, ret_finding);
	if (r < 0)
		return r;
	roster->snap.map = (struct b2b_map){ roster->file.bytes, roster->file.size };
	b2b_snap_take(&roster->snap, &roster->header);
	roster->org.record.range_lo = lo;
	roster->org.record.range_hi = hi;
	roster->org.n_suffix = sizeof("*"); /* as if the alias took no room: what is too long with it is named by verify */
	roster->org.words = (const uint32_t *)(const void *)roster->file.bytes; /* only ever prefetched */
	return 0;
}

/* On the heap: what readers have on lines of their own is aligned more strictly than a stack under AddressSanitizer. */
int b2b_roster_open(const char *dir, const char *org_id, uint32_t lo, uint32_t hi, struct b2b_roster **ret_roster, struct b2b_finding *ret_finding)
{
	struct b2b_roster *roster = b2b_aligned_new(sizeof(*roster));
	int r;

	if (!roster)
		return -ENOMEM;
	r = take(dir, org_id, lo, hi, roster, ret_finding);
	if (r < 0) {
		b2b_roster_close(roster);
		return r;
	}
	*ret_roster = roster;
	return 0;
}

void b2b_roster_close(struct b2b_roster *roster)
{
	if (!roster)
		return;
	b2b_cache_file_clear(&roster->file);
	free(roster);
}
