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
 * Whom a look found is waited for (by pidfd), so that looking does not take the time of those who end them.
 * --times, for who measures, prints "watching N" as soon as it waits for the N that the first look found, and at the end
 * "START GONE BEGAN ENDED" in microseconds since the epoch: the end of the last of those who were waited for, and the beginning and
 * the end of the look that found neither.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
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
#define PAUSE_MS 1 /* where nobody could be waited for */

struct range {
	unsigned long low, high;
};

/* One look, and those whom it found, by uid where there are such, else by login uid alone; n: their number, of whom WATCHED have a pidfd. */
struct seen {
	bool uid, login;
	size_t n, watched;
	int64_t began_us, ended_us;
};

static struct pollfd watched[WATCHED_MAX];

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

/* The file's text in buf, or an empty string where the process has gone. */
static void read_text(int dir, const char *pid, const char *file, char *buf, size_t size)
{
	char path[64];
	ssize_t got = -1;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", pid, file);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, buf, size - 1);
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
	seen->watched = seen->n = 0;
}

/* Who has gone meanwhile has no pidfd, or one that is readable already. */
static void watch(struct seen *seen, const char *pid)
{
	int fd = seen->watched < WATCHED_MAX ? (int)syscall(SYS_pidfd_open, (pid_t)strtol(pid, NULL, 10), 0) : -1;

	seen->n++;
	if (fd >= 0)
		watched[seen->watched++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

static void look_at(int dir, const char *pid, const struct range *range, struct seen *seen)
{
	char text[4096];
	bool uid;

	read_text(dir, pid, "status", text, sizeof(text));
	if (!text[0] || strstr(text, "\nState:\tZ"))
		return;
	uid = any_uid_within(range, text);
	if (!uid) {
		read_text(dir, pid, "loginuid", text, sizeof(text));
		if (!text[0] || !within(range, strtoul(text, NULL, 10)))
			return;
		seen->login = true;
		if (seen->uid)
			return;
	} else if (!seen->uid) {
		forget(seen); /* those by login uid outlive these */
		seen->uid = true;
	}
	watch(seen, pid);
}

static void look(const struct range *range, struct seen *seen)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	if (!proc) {
		perror("last_look: /proc");
		exit(2);
	}
	forget(seen);
	seen->uid = seen->login = false;
	seen->began_us = wall_us();
	while ((entry = readdir(proc)) != NULL)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			look_at(dirfd(proc), entry->d_name, range, seen);
	seen->ended_us = wall_us();
	closedir(proc);
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

/* Where it is refused, fewer are waited for at a time. */
static void allow_descriptors(void)
{
	const struct rlimit limit = { WATCHED_MAX + 64, WATCHED_MAX + 64 };

	setrlimit(RLIMIT_NOFILE, &limit);
}

static bool any_left(const struct seen *seen)
{
	return seen->uid || seen->login;
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
	look(&range, &seen);
	if (times && (printf("watching %zu\n", seen.n) < 0 || fflush(stdout) < 0))
		return 2;
	while (any_left(&seen)) {
		gone = wait_for_all(&seen, limit);
		if (!gone)
			return 1;
		look(&range, &seen);
		if (seen.uid)
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
