#include "tests/support/machine.h"

#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
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

int machine_child(int (*body)(void *arg), void *arg)
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		int r = body(arg);

		fflush(NULL);
		_exit(r ? 1 : 0);
	}
	if (waitpid(child, &status, 0) != child)
		err(1, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
