/*
 * Watches /proc until nobody of a range of ids is left, and says when that was.
 *
 *   last_look [--times] LOW HIGH SECONDS
 *
 * Somebody is left while a process has one of the ids LOW-HIGH as any of its uids, or as its audit login uid
 * (a root shell that they got by sudo). Prints, in ms since the epoch, "START UIDS_GONE ALL_GONE": the first look,
 * the first that found no uid, and the first that found neither. Ends with 1 when SECONDS go by, 2 on wrong use.
 * Zombies count as gone: they run nothing and hold nothing.
 *
 * Whom a look found by uid is waited for (by pidfd), so that looking does not take the time of those who end them.
 * --times, for who measures, prints "watching N" as soon as it waits for the N whom the first look found by uid, and at the end
 * "START GONE BEGAN ENDED" in microseconds since the epoch: the end of the last of those who were waited for, and the beginning and
 * the end of the look that found neither. It waits for those by login uid alone as well: no look is made before they are gone.
 *
 * Every look asks the kernel anew for the four uids, the state and the login uid of every process that is there. Of those whom the
 * first look met it keeps the two files open: they go on telling of that very process, whoever gets its number, and to read them
 * takes half the time that opening them takes as well. All others are opened. Two threads share a look where there are two processors.
 * Who has come while a look went on, from a parent who was gone before it came to him, say, is listed and asked about in the same look.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WATCHED_MAX 8192 /* of whoever is more, the next look takes care */
#define KEPT_MAX 16384
#define SHARED_LEAST 256 /* by two threads */
#define OTHERS_MAX 64 /* descriptors */
#define LISTINGS_MAX 4 /* on a busy host somebody new is there each time */
#define PAUSE_MS 1 /* where nobody could be waited for */

struct range {
	unsigned long low, high;
};

/* What a look says of one process. */
struct listed {
	pid_t pid;
	enum { GONE, OTHER, BY_UID, BY_LOGIN } verdict;
};

/* A thread's part of those who are listed. */
struct part {
	int dir;
	const struct range *range;
	size_t from, to;
};

/* How many it found by uid, and how many by login uid alone; WATCHED have a pidfd. */
struct seen {
	size_t uids, logins, watched;
	int64_t began_us, ended_us;
};

/* Whom the first look met; -1: could not be kept open. */
struct kept {
	pid_t pid;
	int status, login;
};

static struct pollfd watched[WATCHED_MAX];
static struct kept kept[KEPT_MAX]; /* by pid, once the first look is over */
static size_t n_kept, kept_max, watched_max;
static struct listed *listed; /* by pid, but for those who have just been added */
static size_t n_listed, listed_max;
static bool keeping = true; /* the first look goes on */

static int64_t wall_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool within(const struct range *range, unsigned long id)
{
	return id >= range->low && id <= range->high;
}

/* Of what begins with a pid. */
static int by_pid(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return x < y ? -1 : x > y;
}

/* PID's, with nothing open yet while the first look goes on; NULL: there is none. */
static struct kept *find_kept(pid_t pid)
{
	if (!keeping)
		return bsearch(&pid, kept, n_kept, sizeof(*kept), by_pid);
	if (n_kept == kept_max)
		return NULL;
	kept[n_kept] = (struct kept){ .pid = pid, .status = -1, .login = -1 };
	return &kept[n_kept++];
}

/* Who cannot see must not say that nobody is there. */
static int open_file(int dir, pid_t pid, const char *file)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%d/%s", (int)pid, file);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT && errno != ESRCH) {
		fprintf(stderr, "last_look: /proc/%s: %s\n", path, strerror(errno));
		exit(2);
	}
	return fd;
}

/*
 * The file's text in buf, or an empty string where the process has gone. KEPT_FD (or NULL) is what
 * the first look opens and later ones read.
 */
static void read_text(int dir, pid_t pid, const char *file, int *kept_fd, char *buf, size_t size)
{
	ssize_t got = kept_fd && *kept_fd >= 0 ? pread(*kept_fd, buf, size - 1, 0) : -1;

	if (got <= 0) { /* nothing was kept, or he has gone: another may have the number */
		int fd = open_file(dir, pid, file);

		got = fd < 0 ? -1 : pread(fd, buf, size - 1, 0);
		if (keeping && kept_fd)
			*kept_fd = fd;
		else if (fd >= 0)
			close(fd);
	}
	buf[got > 0 ? got : 0] = '\0';
}

static bool any_uid_within(const struct range *range, const char *status)
{
	const char *at = strstr(status, "\nUid:");
	char *end;

	if (!at)
		return false;
	at += strlen("\nUid:");
	for (int i = 0; i < 4; i++) {
		if (within(range, strtoul(at, &end, 10)))
			return true;
		at = end;
	}
	return false;
}

static void forget(struct seen *seen)
{
	for (size_t i = 0; i < seen->watched; i++)
		close(watched[i].fd);
	seen->watched = 0;
}

/* Who has gone meanwhile has no pidfd, or one that is readable already. */
static void watch(struct seen *seen, pid_t pid)
{
	int fd = seen->watched < watched_max ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

	if (fd >= 0)
		watched[seen->watched++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

static int judge(int dir, pid_t pid, const struct range *range)
{
	struct kept *mine = find_kept(pid);
	char status[4096], login[32];

	read_text(dir, pid, "status", mine ? &mine->status : NULL, status, sizeof(status));
	read_text(dir, pid, "loginuid", mine ? &mine->login : NULL, login, sizeof(login));
	if (!status[0] || strstr(status, "\nState:\tZ"))
		return GONE;
	if (any_uid_within(range, status))
		return BY_UID;
	return login[0] && within(range, strtoul(login, NULL, 10)) ? BY_LOGIN : OTHER;
}

static void *judge_part(void *arg)
{
	const struct part *part = arg;

	for (size_t i = part->from; i < part->to; i++)
		listed[i].verdict = judge(part->dir, listed[i].pid, part->range);
	return NULL;
}

/* Those from FROM on. The first look, which keeps files open, is one thread's. */
static void judge_from(int dir, const struct range *range, size_t from)
{
	struct part first = { dir, range, from, n_listed }, second = first;
	pthread_t thread;
	bool shared;

	second.from = from + (n_listed - from) / 2;
	shared = !keeping && n_listed - from > SHARED_LEAST && sysconf(_SC_NPROCESSORS_ONLN) > 1 &&
	         pthread_create(&thread, NULL, judge_part, &second) == 0;
	if (shared)
		first.to = second.from;
	judge_part(&first);
	if (shared)
		pthread_join(thread, NULL);
}

static void append(pid_t pid)
{
	if (n_listed == listed_max) {
		listed_max = listed_max ? 2 * listed_max : KEPT_MAX;
		listed = reallocarray(listed, listed_max, sizeof(*listed));
		if (!listed) {
			perror("last_look");
			exit(2);
		}
	}
	listed[n_listed++].pid = pid;
}

/* Whoever is not listed yet, behind those who are. */
static void list_new(DIR *proc)
{
	size_t known = n_listed;
	struct dirent *entry;

	rewinddir(proc);
	while ((entry = readdir(proc)) != NULL) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && (known == 0 || !bsearch(&pid, listed, known, sizeof(*listed), by_pid)))
			append(pid);
	}
}

/* Those by uid, or where there are none, those by login uid alone, who may outlive the others; or ALL. */
static void watch_found(bool all, struct seen *seen)
{
	for (size_t i = 0; i < n_listed; i++) {
		seen->uids += listed[i].verdict == BY_UID;
		seen->logins += listed[i].verdict == BY_LOGIN;
	}
	for (size_t i = 0; i < n_listed; i++) {
		if (listed[i].verdict == BY_UID || (listed[i].verdict == BY_LOGIN && (all || seen->uids == 0)))
			watch(seen, listed[i].pid);
	}
}

static void look(const struct range *range, bool all, struct seen *seen)
{
	DIR *proc = opendir("/proc");
	size_t known = 0;

	if (!proc) {
		perror("last_look: /proc");
		exit(2);
	}
	forget(seen);
	seen->uids = seen->logins = n_listed = 0;
	seen->began_us = wall_us();
	for (int i = 0; i < LISTINGS_MAX && (list_new(proc), n_listed > known); i++) {
		judge_from(dirfd(proc), range, known);
		qsort(listed, n_listed, sizeof(*listed), by_pid);
		known = n_listed;
	}
	watch_found(all, seen);
	seen->ended_us = wall_us();
	closedir(proc);
}

static void first_look(const struct range *range, bool all, struct seen *seen)
{
	look(range, all, seen);
	keeping = false;
	qsort(kept, n_kept, sizeof(*kept), by_pid);
}

/* Returns when the last of them ended; 0 when that is not before LIMIT_US. */
static int64_t wait_for_all(struct seen *seen, int64_t limit_us)
{
	for (size_t i = 0; i < seen->watched; i++) {
		int64_t left_us = limit_us - wall_us();

		if (left_us <= 0 || poll(&watched[i], 1, (int)(left_us / 1000 + 1)) == 0)
			return 0;
	}
	if (seen->watched == 0)
		poll(NULL, 0, PAUSE_MS);
	return wall_us();
}

/* Where it is refused, fewer are waited for at a time, and fewer files are kept open. */
static void allow_descriptors(void)
{
	const struct rlimit wanted = { WATCHED_MAX + 2 * KEPT_MAX + OTHERS_MAX, WATCHED_MAX + 2 * KEPT_MAX + OTHERS_MAX };
	struct rlimit limit = { 0, 0 };

	if (setrlimit(RLIMIT_NOFILE, &wanted) == 0)
		limit = wanted;
	else
		getrlimit(RLIMIT_NOFILE, &limit);
	kept_max = limit.rlim_cur < wanted.rlim_cur ? limit.rlim_cur / 4 : KEPT_MAX;
	watched_max = limit.rlim_cur < wanted.rlim_cur ? limit.rlim_cur / 8 : WATCHED_MAX;
}

static bool any_left(const struct seen *seen)
{
	return seen->uids || seen->logins;
}

int main(int argc, char **argv)
{
	bool times = argc == 5 && strcmp(argv[1], "--times") == 0;
	int64_t start = wall_us(), uids_gone = 0, gone = start, limit;
	struct seen seen = { 0 };
	struct range range;

	if (argc != 4 + times) {
		fprintf(stderr, "usage: last_look [--times] LOW HIGH SECONDS\n");
		return 2;
	}
	argv += times;
	range = (struct range){ strtoul(argv[1], NULL, 10), strtoul(argv[2], NULL, 10) };
	limit = start + strtol(argv[3], NULL, 10) * 1000000;
	allow_descriptors();
	first_look(&range, times, &seen);
	if (times && (printf("watching %zu\n", seen.uids ? seen.uids : seen.logins) < 0 || fflush(stdout) < 0))
		return 2;
	while (any_left(&seen)) {
		gone = wait_for_all(&seen, limit);
		if (!gone)
			return 1;
		look(&range, times, &seen);
		if (seen.uids)
			uids_gone = 0;
		else if (!uids_gone)
			uids_gone = seen.ended_us;
	}
	if (!uids_gone)
		uids_gone = seen.ended_us;
	if (times)
		printf("%lld %lld %lld %lld\n", (long long)start, (long long)gone, (long long)seen.began_us, (long long)seen.ended_us);
	else
		printf("%lld %lld %lld\n", (long long)start / 1000, (long long)uids_gone / 1000, (long long)seen.ended_us / 1000);
	return 0;
}
