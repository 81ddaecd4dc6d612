#include "b2bd/guard/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/clock.h"

#define PF_KTHREAD 0x00200000u
#define SCAN_ENTRIES_MAX 262144u
#define SCAN_NS_MAX (2 * B2B_NS_PER_S)

/* Fields of stat after the name, counted from the state (field 3 of proc(5)). */
enum { F_PPID = 1, F_SID = 3, F_TTY = 4, F_FLAGS = 6, F_THREADS = 17, F_START = 19, F_COUNT };

static int read_text_at(const char *path, char *text, size_t size)
{
	ssize_t got;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	do
		got = read(fd, text, size - 1);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		got = -errno;
	close(fd);
	if (got < 0)
		return (int)got;
	text[got] = '\0';
	return 0;
}

static int read_text(pid_t pid, const char *file, char *text, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	return read_text_at(path, text, size);
}

/* Signed numbers separated by one space; wrapped ones (tpgid is -1) pass as their bits. */
static int parse_fields(const char *text, uint64_t *fields)
{
	for (int i = 1; i < F_COUNT; i++) {
		char *end;

		if (*text != ' ')
			return -EBADMSG;
		text++;
		if (*text != '-' && (*text < '0' || *text > '9'))
			return -EBADMSG;
		fields[i] = strtoull(text, &end, 10);
		text = end;
	}
	return 0;
}

/* Between the first bracket and NAME_END, the last; what would confuse a log line becomes '?'. */
static void take_name(const char *text, const char *name_end, char name[B2B_PROCESS_NAME_SIZE])
{
	const char *at = strchr(text, '(');
	size_t n = 0;

	for (at = at ? at + 1 : name_end; at < name_end && n + 1 < B2B_PROCESS_NAME_SIZE; at++)
		name[n++] = *at > ' ' && *at <= '~' && *at != '"' && *at != '=' ? *at : '?';
	name[n] = '\0';
}

int b2b_process_parse_stat(const char *text, struct b2b_process *ret)
{
	uint64_t fields[F_COUNT] = { 0 };
	const char *name_end = strrchr(text, ')'); /* the name may hold anything, ')' and spaces too */
	long pid = strtol(text, NULL, 10);

	if (!name_end || name_end[1] != ' ' || !name_end[2] || pid <= 0 || pid > INT_MAX)
		return -EBADMSG;
	if (parse_fields(name_end + 3, fields) < 0)
		return -EBADMSG;
	take_name(text, name_end, ret->name);
	ret->pid = (pid_t)pid;
	ret->state = name_end[2];
	ret->ppid = (pid_t)fields[F_PPID];
	ret->sid = (pid_t)fields[F_SID];
	ret->tty = (uint32_t)fields[F_TTY];
	ret->kernel = fields[F_FLAGS] & PF_KTHREAD;
	ret->start_ticks = fields[F_START];
	/* A main thread that left its other threads behind shows as a zombie: they run on. */
	if ((ret->state == 'Z' || ret->state == 'X') && fields[F_THREADS] > 1)
		ret->state = 'S';
	return 0;
}

int b2b_process_parse_uids(const char *text, uint32_t ret_uids[4])
{
	const char *at = strstr(text, "\nUid:");
	uint32_t uids[4];

	if (!at)
		return -EBADMSG;
	at += strlen("\nUid:");
	for (int i = 0; i < 4; i++) {
		char *end;

		at += strspn(at, "\t ");
		if (*at < '0' || *at > '9')
			return -EBADMSG;
		uids[i] = (uint32_t)strtoul(at, &end, 10);
		at = end;
	}
	memcpy(ret_uids, uids, sizeof(uids));
	return 0;
}

static bool is_dead(const struct b2b_process *process)
{
	return process->state == 'Z' || process->state == 'X' || process->state == 'x';
}

int b2b_process_read(pid_t pid, struct b2b_process *ret)
{
	struct b2b_process process = { 0 };
	char text[2048];
	int r;

	r = read_text(pid, "stat", text, sizeof(text));
	if (r == 0)
		r = b2b_process_parse_stat(text, &process);
	if (r == 0 && process.pid != pid)
		r = -EBADMSG;
	if (r < 0)
		return r;
	if (is_dead(&process))
		return -ESRCH;
	if (!process.kernel) {
		r = read_text(pid, "status", text, sizeof(text));
		if (r == 0)
			r = b2b_process_parse_uids(text, process.uids);
		if (r < 0)
			return r;
	}
	*ret = process;
	return 0;
}

/* Listed, alive, and yet /proc has nothing of it, or of another: who has merely gone has no pidfd. */
static bool is_hidden(pid_t pid)
{
	struct pollfd end = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	struct b2b_process process;
	char text[2048];
	bool hidden;
	int r;

	if (end.fd < 0)
		return false;
	r = read_text(pid, "stat", text, sizeof(text));
	if (r == 0)
		r = b2b_process_parse_stat(text, &process);
	/* Other errors are this process's own want (of descriptors, say). */
	hidden = (r == -ESRCH || r == -EBADMSG || (r == 0 && process.pid != pid)) && poll(&end, 1, 0) == 0;
	close(end.fd);
	return hidden;
}

static void note_hidden(struct b2b_processes *list, pid_t pid)
{
	if (!is_hidden(pid))
		return;
	if (list->hidden++ == 0)
		list->hidden_pid = pid;
}

/* The number that was given out last in this pid namespace, 0 where it cannot be read. */
static pid_t last_pid(void)
{
	char text[128], *at;

	if (read_text_at("/proc/loadavg", text, sizeof(text)) < 0)
		return 0;
	at = strrchr(text, ' ');
	return at ? (pid_t)strtol(at + 1, NULL, 10) : 0;
}

static int keep(struct b2b_processes *list, const struct b2b_process *process)
{
	if (list->n == list->size) {
		size_t size = list->size ? 2 * list->size : 512;
		struct b2b_process *items = reallocarray(list->items, size, sizeof(*items));

		if (!items)
			return -ENOMEM;
		list->items = items;
		list->size = size;
	}
	list->items[list->n++] = *process;
	return 0;
}

static int by_pid(const void *a, const void *b)
{
	pid_t x = ((const struct b2b_process *)a)->pid, y = ((const struct b2b_process *)b)->pid;

	return x < y ? -1 : x > y;
}

static int scan(DIR *proc, struct b2b_processes *list, bool (*seen)(void *, const struct b2b_process *), void *arg)
{
	uint64_t until_ns = b2b_now_ns() + SCAN_NS_MAX;
	struct dirent *entry;
	unsigned entries = 0;
	bool vanished = false;

	while ((errno = 0, entry = readdir(proc))) {
		struct b2b_process process;
		pid_t pid;
		int r;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		/* Somebody who forks and exits for ever could keep us here for ever. */
		if (++entries > SCAN_ENTRIES_MAX || (entries % 256 == 0 && b2b_now_ns() > until_ns))
			return -EAGAIN;
		pid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (b2b_process_read(pid, &process) < 0) {
			note_hidden(list, pid);
			vanished = true;
			continue;
		}
		if (seen && !seen(arg, &process))
			return -ECANCELED;
		r = keep(list, &process);
		if (r < 0)
			return r;
	}
	return errno ? -errno : vanished;
}

int b2b_processes_scan(struct b2b_processes *list, bool (*seen)(void *arg, const struct b2b_process *process), void *arg)
{
	DIR *proc = opendir("/proc");
	pid_t before = last_pid();
	int r;

	if (!proc)
		return -errno;
	list->n = list->hidden = 0;
	list->whole = false;
	r = scan(proc, list, seen, arg);
	closedir(proc);
	if (r >= 0 && last_pid() < before)
		r = -EAGAIN;
	list->whole = r >= 0;
	b2b_processes_sort(list);
	return r;
}

void b2b_processes_sort(struct b2b_processes *list)
{
	size_t kept = 0;

	if (list->n)
		qsort(list->items, list->n, sizeof(*list->items), by_pid);
	for (size_t i = 0; i < list->n; i++) {
		if (kept == 0 || list->items[kept - 1].pid != list->items[i].pid)
			list->items[kept++] = list->items[i];
	}
	list->n = kept;
}

/* Of a kernel without this file, and of threads other than the first, nobody is told. */
static int add_children(struct b2b_processes *list, pid_t parent)
{
	char path[64], text[4096], *at = text, *end;
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
	if (read_text_at(path, text, sizeof(text)) < 0)
		return 0;
	for (long pid = strtol(at, &end, 10); r == 0 && end != at && *end == ' '; pid = strtol(at, &end, 10)) {
		struct b2b_process process;

		at = end;
		if (b2b_process_read((pid_t)pid, &process) == 0 && process.ppid == parent)
			r = keep(list, &process);
	}
	return r;
}

void b2b_processes_add_tree(struct b2b_processes *list, pid_t pid, uint64_t start_ticks, size_t most)
{
	struct b2b_process root;
	size_t before = list->n;

	if (b2b_process_read(pid, &root) < 0 || root.start_ticks != start_ticks || keep(list, &root) < 0)
		return;
	for (size_t i = before; i < list->n; i++) {
		if (list->n > most || add_children(list, list->items[i].pid) < 0) {
			list->n = before;
			return;
		}
	}
	if (list->n > most)
		list->n = before;
}

void b2b_processes_free(struct b2b_processes *list)
{
	free(list->items);
	memset(list, 0, sizeof(*list));
}

ssize_t b2b_processes_find(const struct b2b_processes *list, pid_t pid)
{
	struct b2b_process key = { .pid = pid };
	struct b2b_process *found = list->n ? bsearch(&key, list->items, list->n, sizeof(key), by_pid) : NULL;

	return found ? found - list->items : -1;
}

static uint32_t read_number(pid_t pid, const char *file)
{
	char text[32];

	if (read_text(pid, file, text, sizeof(text)) < 0 || text[0] < '0' || text[0] > '9')
		return B2B_NO_AUDIT;
	return (uint32_t)strtoul(text, NULL, 10);
}

uint32_t b2b_process_loginuid(struct b2b_process *process)
{
	if (!process->knows_login)
		process->login = read_number(process->pid, "loginuid");
	process->knows_login = true;
	return process->login;
}

uint32_t b2b_process_audit_session(pid_t pid)
{
	return read_number(pid, "sessionid");
}

/* Behind "user-UID.slice/", and UID; NULL: in nobody's slice. */
static const char *find_slice(const char *cgroup, uint32_t *ret_uid)
{
	static const char slice[] = "/user.slice/user-";
	const char *at = strstr(cgroup, slice);
	unsigned long uid;
	char *end;

	if (!at)
		return NULL;
	at += sizeof(slice) - 1;
	if (*at < '0' || *at > '9')
		return NULL;
	uid = strtoul(at, &end, 10);
	if (strncmp(end, ".slice", strlen(".slice")) != 0 || uid >= B2B_NO_AUDIT)
		return NULL;
	/* Root's own: makes /run/user/UID and takes it away again. */
	if (strncmp(end + strlen(".slice"), "/user-runtime-dir@", strlen("/user-runtime-dir@")) == 0)
		return NULL;
	*ret_uid = (uint32_t)uid;
	return end + strlen(".slice");
}

uint32_t b2b_process_parse_slice(const char *cgroup)
{
	uint32_t uid;

	return find_slice(cgroup, &uid) ? uid : B2B_NO_AUDIT;
}

uint32_t b2b_process_slice(struct b2b_process *process)
{
	char text[4096];

	if (!process->knows_slice)
		process->slice = read_text(process->pid, "cgroup", text, sizeof(text)) < 0 ? B2B_NO_AUDIT : b2b_process_parse_slice(text);
	process->knows_slice = true;
	return process->slice;
}

int b2b_process_parse_logind(const char *cgroup, uint32_t uid, char ret_session[B2B_LOGIND_SIZE])
{
	uint32_t found = B2B_NO_AUDIT;
	const char *at = find_slice(cgroup, &found);
	size_t len;

	if (!at || found != uid || strncmp(at, "/session-", strlen("/session-")) != 0)
		return -ENOENT;
	at++;
	len = strcspn(at, "/\n");
	if (len >= B2B_LOGIND_SIZE || len < strlen(".scope") || strncmp(at + len - strlen(".scope"), ".scope", strlen(".scope")) != 0)
		return -ENOENT;
	memcpy(ret_session, at, len);
	ret_session[len] = '\0';
	return 0;
}

int b2b_process_logind(pid_t pid, uint32_t uid, char ret_session[B2B_LOGIND_SIZE])
{
	char text[4096];
	int r = read_text(pid, "cgroup", text, sizeof(text));

	return r < 0 ? -ENOENT : b2b_process_parse_logind(text, uid, ret_session);
}

int b2b_process_open(const struct b2b_process *process)
{
	struct b2b_process now;
	char text[2048];
	int fd = (int)syscall(SYS_pidfd_open, process->pid, 0), r;

	if (fd < 0)
		return errno == EINVAL ? -ESRCH : -errno;
	r = read_text(process->pid, "stat", text, sizeof(text));
	if (r == 0)
		r = b2b_process_parse_stat(text, &now);
	if (r == 0 && is_dead(&now))
		r = -ESRCH;
	if (r == 0 && now.start_ticks != process->start_ticks)
		r = -ESRCH;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int b2b_process_signal(const struct b2b_process *process, int signal_number)
{
	int fd = b2b_process_open(process), r = 0;

	if (fd < 0)
		return fd;
	if (syscall(SYS_pidfd_send_signal, fd, signal_number, NULL, 0) < 0)
		r = -errno;
	close(fd);
	return r;
}
