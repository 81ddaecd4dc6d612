/*
 * Watches /proc until nobody of a range of ids is left, and says when that was.
 *
 *   last_look LOW HIGH SECONDS
 *
 * Somebody is left while a process has one of the ids LOW-HIGH as any of its uids, or as its audit login uid
 * (a root shell that they got by sudo). Prints, in ms since the epoch, "START UIDS_GONE ALL_GONE": the first look,
 * the first that found no uid, and the first that found neither. Ends with 1 when SECONDS go by, 2 on wrong use.
 * Zombies count as gone: they run nothing and hold nothing.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct range {
	unsigned long low, high;
};

struct seen {
	bool uid, login;
};

static int64_t wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
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

static void look_at(int dir, const char *pid, const struct range *range, struct seen *seen)
{
	char text[4096];

	read_text(dir, pid, "status", text, sizeof(text));
	if (!text[0] || strstr(text, "\nState:\tZ"))
		return;
	if (any_uid_within(range, text))
		seen->uid = true;
	read_text(dir, pid, "loginuid", text, sizeof(text));
	if (text[0] && within(range, strtoul(text, NULL, 10)))
		seen->login = true;
}

static struct seen look(const struct range *range)
{
	struct seen seen = { false, false };
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	if (!proc) {
		perror("last_look: /proc");
		exit(2);
	}
	while ((entry = readdir(proc)) != NULL)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			look_at(dirfd(proc), entry->d_name, range, &seen);
	closedir(proc);
	return seen;
}

int main(int argc, char **argv)
{
	int64_t start = wall_ms(), uids_gone = 0, limit;
	struct range range;
	struct seen seen;

	if (argc != 4) {
		fprintf(stderr, "usage: last_look LOW HIGH SECONDS\n");
		return 2;
	}
	range = (struct range){ strtoul(argv[1], NULL, 10), strtoul(argv[2], NULL, 10) };
	limit = start + strtol(argv[3], NULL, 10) * 1000;
	for (;;) {
		seen = look(&range);
		if (seen.uid)
			uids_gone = 0;
		else if (!uids_gone)
			uids_gone = wall_ms();
		if (!seen.uid && !seen.login)
			break;
		if (wall_ms() > limit)
			return 1;
		usleep(1000);
	}
	printf("%lld %lld %lld\n", (long long)start, (long long)uids_gone, (long long)wall_ms());
	return 0;
}
