#include "tests/bench/subject.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/first.h"
#include "tests/bench/floor/floor.h"

#define NSSWITCH "/etc/nsswitch.conf"

/* The next of the line's fields, "-" where it ends before. */
static char *next_field(char **line)
{
	char *field = strsep(line, "\t");

	return strdup(field && *field ? field : "-");
}

int bench_subjects_read(const char *path, struct bench_subject **subjects, size_t *n)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file;

	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (getline(&text, &size, file) > 0) {
		struct bench_subject *bigger, *subject;
		char *line = text;

		line[strcspn(line, "\n")] = '\0';
		bigger = reallocarray(*subjects, *n + 1, sizeof(**subjects));
		if (!bigger)
			break;
		*subjects = bigger;
		subject = &bigger[(*n)++];
		*subject = (struct bench_subject){ .to = -1, .from = -1 };
		subject->name = next_field(&line);
		subject->service = next_field(&line);
		subject->environment = next_field(&line);
		subject->operations = next_field(&line);
		subject->note = next_field(&line);
		subject->knows_nobody = strcmp(subject->service, "benchnone") == 0;
	}
	free(text);
	fclose(file);
	return 0;
}

bool bench_subject_does(const struct bench_subject *subject, const struct bench_op *op)
{
	const char *at = subject->operations;
	bool does = false;

	while (*at) {
		size_t len = strcspn(at, ","), minus = *at == '-';

		if ((len == 3 && strncmp(at, "all", len) == 0) ||
		    (len - minus == strlen(op->name) && strncmp(at + minus, op->name, len - minus) == 0))
			does = !minus;
		at += len + (at[len] == ',');
	}
	return does;
}

static void set_environment(const struct bench_subject *subject)
{
	char *all = strdup(subject->environment), *at = all, *pair;

	while (all && strcmp(subject->environment, "-") != 0 && (pair = strsep(&at, ",")))
		if (strchr(pair, '='))
			putenv(pair); /* stays in use: not freed */
}

static bool own_mounts(void)
{
	return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* Another nsswitch.conf, for this process alone. */
static bool own_nsswitch(const struct bench_subject *subject)
{
	char path[] = "/tmp/nsswitch.XXXXXX";
	int fd = mkstemp(path);
	bool done;

	done = fd >= 0 && dprintf(fd, "passwd: %s\ngroup: %s\ninitgroups: %s\n", subject->service, subject->service, subject->service) > 0 &&
	       fchmod(fd, 0644) == 0 && mount(path, NSSWITCH, NULL, MS_BIND, NULL) == 0;
	if (fd >= 0) {
		close(fd);
		unlink(path);
	}
	return done;
}

/* glibc's own `files` read the people where it alone sees them; all others, where their set-up put them. */
static bool own_files(void)
{
	return mount(BENCH_DIR "/passwd", "/etc/passwd", NULL, MS_BIND, NULL) == 0 && mount(BENCH_DIR "/group", "/etc/group", NULL, MS_BIND, NULL) == 0;
}

__attribute__((noreturn)) static void child(const struct bench_subject *subject, enum bench_how how, uint32_t people, int in, int out)
{
	bool files = strcmp(subject->service, "files") == 0;
	char worker[4096], number[16];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (bench_beside("worker", worker, sizeof(worker)) < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || !own_mounts() ||
	    (how == BENCH_NSSWITCH && !own_nsswitch(subject)) || (files && !own_files()))
		_exit(126);
	snprintf(number, sizeof(number), "%u", people);
	set_environment(subject);
	execl(worker, "worker", how == BENCH_NSSWITCH ? "" : subject->service, number, subject->knows_nobody ? "0" : "1", (char *)NULL);
	_exit(127);
}

int bench_subject_start(struct bench_subject *subject, enum bench_how how, uint32_t people)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(from, O_CLOEXEC) < 0) {
		int r = -errno;

		close(to[0]);
		close(to[1]);
		return r;
	}
	subject->pid = fork();
	if (subject->pid == 0)
		child(subject, how, people, to[0], from[1]);
	close(to[0]);
	close(from[1]);
	subject->to = to[1];
	subject->from = from[0];
	if (subject->pid > 0)
		return 0;
	subject->pid = 0;
	bench_subject_stop(subject);
	return -EAGAIN;
}

void bench_subject_stop(struct bench_subject *subject)
{
	if (subject->pid > 0) {
		kill(subject->pid, SIGKILL);
		waitpid(subject->pid, NULL, 0);
	}
	if (subject->to >= 0)
		close(subject->to);
	if (subject->from >= 0)
		close(subject->from);
	subject->pid = 0;
	subject->to = subject->from = -1;
}

int bench_subject_ask(struct bench_subject *subject, const struct bench_request *request, int timeout_ms, struct bench_reply *ret_reply)
{
	struct pollfd ready = { .fd = subject->from, .events = POLLIN };
	struct bench_reply reply;
	int r = 0;

	if (write(subject->to, request, sizeof(*request)) != sizeof(*request))
		r = -ECONNRESET;
	else if (poll(&ready, 1, timeout_ms) == 0)
		r = -ETIMEDOUT;
	else if (read(subject->from, &reply, sizeof(reply)) != sizeof(reply))
		r = -ECONNRESET;
	if (r < 0)
		bench_subject_stop(subject);
	else
		*ret_reply = reply;
	return r;
}
