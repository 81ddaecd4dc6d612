#include "tests/support/machine.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void make(const char *path, mode_t mode)
{
	if (mkdir(path, mode) < 0 || chmod(path, mode) < 0)
		err(1, "mkdir %s", path);
}

static void empty(const char *path)
{
	if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
		err(1, "mount over %s", path);
}

void machine_private(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0)
		err(1, "private mount namespace");
	empty("/var/lib");
	empty("/run");
	make("/var/lib/b2b", 0755);
	make("/var/lib/b2b/cache", 0755);
	make("/run/b2b", 0755);
	make("/run/b2b/sessions", 0750);
}

void machine_own(const char *dir)
{
	char upper[PATH_MAX], work[PATH_MAX], options[3 * PATH_MAX];
	static int n;

	snprintf(upper, sizeof(upper), "/run/own-%d", ++n);
	snprintf(work, sizeof(work), "/run/own-%d-work", n);
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s", dir, upper, work);
	make(upper, 0755);
	make(work, 0755);
	if (mount("overlay", dir, "overlay", 0, options) < 0)
		err(1, "mount over %s", dir);
}

void machine_reachable(char *path, size_t size)
{
	char place[PATH_MAX];
	const char *base = strrchr(path, '/');
	int fd;

	if (!base || snprintf(place, sizeof(place), "/run/%s", base + 1) >= (int)sizeof(place) || strlen(place) >= size)
		errx(1, "%s: no name of a file", path);
	fd = open(place, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || close(fd) < 0 || mount(path, place, "none", MS_BIND, NULL) < 0)
		err(1, "%s", place);
	memcpy(path, place, strlen(place) + 1);
}

void machine_built(char *path, size_t size, const char *name)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len < 0)
		err(1, "/proc/self/exe");
	self[len] = '\0';
	/* BUILD/tests/modules/test_x */
	for (int up = 0; up < 3; up++) {
		char *slash = strrchr(self, '/');

		if (!slash)
			errx(1, "%s is not in a build folder", self);
		*slash = '\0';
	}
	if (snprintf(path, size, "%s/%s", self, name) >= (int)size)
		errx(1, "path too long");
}

bool machine_valgrind(void)
{
	char line[PATH_MAX + 128];
	bool found = false;
	FILE *maps;

	maps = fopen("/proc/self/maps", "re");
	while (maps && !found && fgets(line, sizeof(line), maps))
		found = strstr(line, "/vgpreload_") != NULL;
	if (maps)
		fclose(maps);
	return found;
}

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

bool machine_observed(void)
{
	return SANITIZED || machine_valgrind();
}

bool machine_full_counts(void)
{
	const char *text = secure_getenv("LONG");

	return text && *text;
}

int machine_forbid_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = filter ? 0 : -ENOMEM;

	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 0);
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(exit_group), 0);
	return r == 0 ? seccomp_load(filter) : r;
}

/* cmocka's handlers would go on with the next test in the child, and report the crash of a body as whatever comes of that. */
static void crash_plainly(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
}

int machine_child(int (*body)(void *arg), void *arg)
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		int r;

		crash_plainly();
		r = body(arg);
		fflush(NULL);
		_exit(r ? 1 : 0);
	}
	if (waitpid(child, &status, 0) != child)
		err(1, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
