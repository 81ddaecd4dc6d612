/* For LD_PRELOAD: wraps calls that a look-up makes, and looks a name up in each of them, as tracing and auditing libraries do. */
#include <dlfcn.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int depth, looked, wrong;

/* One level: what the look-up in here calls is not looked into again. */
static void look(void)
{
	struct passwd pw, *found = NULL;
	char buf[2048];

	if (depth++ == 0) {
		looked++;
		if (getpwnam_r("carol@acme", &pw, buf, sizeof(buf), &found) != 0 || !found || strcmp(pw.pw_name, "carol@acme") != 0)
			wrong++;
	}
	depth--;
}

static void *original(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

int open(const char *path, int flags, ...)
{
	int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))original("open");
	va_list args;
	int mode;

	va_start(args, flags);
	mode = va_arg(args, int);
	va_end(args);
	if (strncmp(path, "/var/lib/b2b/", 13) == 0)
		look();
	return real(path, flags, mode);
}

int fstat(int fd, struct stat *st)
{
	int (*real)(int, struct stat *) = (int (*)(int, struct stat *))original("fstat");

	look();
	return real(fd, st);
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	void *(*real)(void *, size_t, int, int, int, off_t) = (void *(*)(void *, size_t, int, int, int, off_t))original("mmap");

	if (flags & MAP_SHARED)
		look();
	return real(at, size, protection, flags, fd, offset);
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
	int (*real)(int, const struct sockaddr *, socklen_t) = (int (*)(int, const struct sockaddr *, socklen_t))original("connect");

	look();
	return real(fd, address, size);
}

__attribute__((destructor)) static void say(void)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "interposed %s\n", wrong ? "wrong" : looked > 2 ? "well" : "nothing");

	if (write(STDOUT_FILENO, text, (size_t)len) != len)
		_exit(1);
}
