#include "b2bd/guard/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "b2bd/guard/install.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/org_dir.h"
#include "common/session_record.h"
#include "common/trusted_file.h"
#include "common/write_file.h"

#define LOCK_PATH B2B_RUN_DIR "/b2bd.lock"
#define SEAL "seal"
#define SEAL_NEW ".seal.new"
#define SOCKET_NEW B2B_RUN_DIR "/.agent.sock.new"
#define LOCK_WAIT_NS (5 * B2B_NS_PER_S)
#define LOCK_PAUSE_NS (20 * B2B_NS_PER_MS)
#define BACKLOG 256

/*
 * PATH as a directory of UID and GID with MODE. One that is there must be root's or UID's already, and is brought into line;
 * a symbolic link is refused, because where it leads to is somebody else's.
 */
static int make_dir(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	struct stat st;
	int fd, r = 0;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (st.st_uid != 0 && st.st_uid != uid)
		r = -EPERM;
	else if (fchown(fd, uid, gid) < 0 || fchmod(fd, mode) < 0)
		r = -errno;
	close(fd);
	return r;
}

/* Every directory above PATH that is missing, as root's. */
static int make_parents(const char *path)
{
	char part[PATH_MAX];

	if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part))
		return -ENAMETOOLONG;
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0755) == 0) {
			if (chmod(part, 0755) < 0)
				return -errno;
		} else if (errno != EEXIST) {
			return -errno;
		}
		*slash = '/';
	}
	return 0;
}

static int wait_for_lock(int fd)
{
	const struct timespec pause = { .tv_nsec = (long)LOCK_PAUSE_NS };
	uint64_t until_ns = b2b_now_ns() + LOCK_WAIT_NS;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (b2b_now_ns() >= until_ns)
			return -EBUSY;
		nanosleep(&pause, NULL);
	}
	return 0;
}

int b2b_prepare_lock(void)
{
	int fd, r;

	r = make_dir(B2B_RUN_DIR, 0, 0, 0755);
	if (r < 0)
		return r;
	fd = open(LOCK_PATH, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = wait_for_lock(fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int b2b_prepare_dirs(const char *cache_dir, const char *state_dir, uid_t uid, gid_t gid)
{
	int r;

	r = make_parents(cache_dir);
	if (r == 0)
		r = make_dir(cache_dir, 0, 0, 0755);
	if (r == 0)
		r = make_parents(state_dir);
	if (r == 0)
		r = make_dir(state_dir, uid, gid, 0700);
	if (r == 0)
		r = make_dir(B2B_SESSION_DIR, 0, gid, 0750);
	return r;
}

int b2b_prepare_home_path(const char *template, const char *alias, char *buf, size_t size)
{
	const char *user = strstr(template, "%u"), *org = strstr(template, "%o");
	size_t used = 0;
	const char *end;

	end = user;
	while (end && end > template && end[-1] != '/')
		end--;
	if (!end || !org || org >= end || end - template < 2)
		return -ENOENT;
	for (const char *at = template; at < end - 1; at++) {
		int n;

		if (at[0] == '%' && at[1] == 'o') {
			n = snprintf(buf + used, size - used, "%s", alias);
			at++;
		} else {
			n = snprintf(buf + used, size - used, "%c", *at);
		}
		if (n < 0 || (size_t)n >= size - used)
			return -ENAMETOOLONG;
		used += (size_t)n;
	}
	return 0;
}

/* One that is there already, and not just begun, keeps what its administrator gave it. */
static int make_home(const struct b2b_policy *policy, const struct b2b_policy_org *org)
{
	char path[PATH_MAX];
	struct stat st;
	int r = b2b_prepare_home_path(policy->home, org->alias, path, sizeof(path));

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (lstat(path, &st) == 0 && !(st.st_uid == 0 && st.st_gid == 0 && (st.st_mode & 07777) == 0700))
		return st.st_gid == org->range_lo ? 0 : -EEXIST;
	r = make_parents(path);
	return r < 0 ? r : make_dir(path, 0, org->range_lo, 0750);
}

static const char *why_not(int error)
{
	switch (error) {
	case -EEXIST:
		return "its live file was made for another range, and a range never changes under an id";
	case -EPROTONOSUPPORT:
		return "a newer b2b made its live file, and this one cannot read it: install that one again, the file holds what was revoked";
	default:
		return "b2bctl cache verify says what is wrong and what to do";
	}
}

static int prepare_org(const char *cache_dir, const struct b2b_policy *policy, int slot, struct b2b_live **ret_live)
{
	const struct b2b_policy_org *org = &policy->orgs[slot];
	int r;

	r = b2b_org_dir_create(cache_dir, policy, slot);
	if (r == 0)
		r = b2b_live_create(cache_dir, policy, slot, ret_live);
	if (r < 0) {
		b2b_log(LOG_ERR, "event=cache-failed org=%s error=\"%s\"; %s", org->alias, strerror(-r), why_not(r));
		return r;
	}
	b2b_install_recover(cache_dir, policy, slot, *ret_live);
	r = make_home(policy, org);
	if (r < 0)
		b2b_log(LOG_WARNING, "event=home-not-ours org=%s error=\"%s\"; owner and mode of its home directory are left as they are", org->alias,
		        strerror(-r));
	return 0;
}

/* The directories of live files and snapshots are there for good before anything in them counts. */
static int sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return r;
}

int b2b_prepare_orgs(const char *cache_dir, const struct b2b_policy *policy, struct b2b_live ***ret_lives)
{
	struct b2b_live **lives = calloc(policy->n_orgs + 1, sizeof(struct b2b_live *));
	int r = lives ? 0 : -ENOMEM;

	for (uint32_t i = 0; r == 0 && i < policy->n_orgs; i++)
		r = prepare_org(cache_dir, policy, (int)i, &lives[i]);
	if (r == 0 && (r = sync_dir(cache_dir)) < 0)
		b2b_log(LOG_ERR, "event=cache-failed path=%s error=\"%s\"", cache_dir, strerror(-r));
	if (r < 0) {
		b2b_prepare_release(lives, policy->n_orgs);
		return r;
	}
	*ret_lives = lives;
	return 0;
}

void b2b_prepare_release(struct b2b_live **lives, uint32_t n)
{
	for (uint32_t i = 0; lives && i < n; i++)
		b2b_live_unmap(lives[i]);
	free(lives);
}

int b2b_prepare_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = SOCKET_NEW };
	int fd, r = 0;

	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	unlink(SOCKET_NEW); /* of a predecessor that died between bind and rename */
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(SOCKET_NEW, 0666) < 0 || listen(fd, BACKLOG) < 0 ||
	    rename(SOCKET_NEW, B2B_SOCKET_PATH) < 0) {
		r = -errno;
		unlink(SOCKET_NEW);
		close(fd);
		return r;
	}
	return fd;
}

/* *KEY is what is to be written. */
static int make_seal(const unsigned char key[B2B_SEAL_KEY_SIZE])
{
	int dir = open(B2B_RUN_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r;

	if (dir < 0)
		return -errno;
	r = b2b_write_new(dir, SEAL_NEW, key, B2B_SEAL_KEY_SIZE, 0400);
	if (r == 0 && renameat(dir, SEAL_NEW, dir, SEAL) < 0)
		r = -errno;
	close(dir);
	return r;
}

int b2b_prepare_seal(unsigned char ret_key[B2B_SEAL_KEY_SIZE])
{
	unsigned char key[B2B_SEAL_KEY_SIZE];
	size_t len = 0;
	char *text = NULL;
	int r = b2b_trusted_read(B2B_RUN_DIR "/" SEAL, B2B_SEAL_KEY_SIZE, &text, &len);

	if (r == 0 && len == B2B_SEAL_KEY_SIZE) {
		memcpy(ret_key, text, len);
	} else if (r == 0 || r == -ENOENT) { /* half a key is none */
		r = getrandom(key, sizeof(key), 0) == (ssize_t)sizeof(key) ? make_seal(key) : -EIO;
		if (r == 0)
			memcpy(ret_key, key, sizeof(key));
		explicit_bzero(key, sizeof(key));
	}
	if (text)
		explicit_bzero(text, len);
	free(text);
	return r;
}
