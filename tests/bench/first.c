/*
 * first SERVICE NAME [TIMES]: a fresh process that looks NAME up, then TIMES more; each part stands between two marks for a tracer.
 * Exit status 0: found, 3: not found.
 */
#include <nss.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/bench/first.h"

static char buf[4096];

static int found(const char *name)
{
	struct passwd pw, *user = NULL;

	getpwnam_r(name, &pw, buf, sizeof(buf), &user);
	return user != NULL;
}

static void mark(long times)
{
	if (times)
		syscall(SYS_getpgid, BENCH_MARK);
}

int main(int argc, char **argv)
{
	long times = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
	int first, n = 0;

	if (argc < 3)
		return 2;
	if (*argv[1])
		__nss_configure_lookup("passwd", argv[1]);
	mark(times);
	first = found(argv[2]);
	mark(times);
	for (long i = 0; i < times; i++)
		n += found(argv[2]);
	mark(times);
	return first && n == times ? 0 : 3;
}
