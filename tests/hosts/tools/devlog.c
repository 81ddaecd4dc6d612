/*
 * /dev/log of a throw-away host: what the modules, sshd and sudo say to syslog, one line each on standard output.
 *
 *   devlog [PATH]
 *
 * Prints "ready" on standard error once bound; ends when killed.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void print_line(char *line)
{
	char *text = line[0] == '<' ? strchr(line, '>') : NULL;
	struct timeval now;
	struct tm local;
	char stamp[16];

	gettimeofday(&now, NULL);
	localtime_r(&now.tv_sec, &local);
	strftime(stamp, sizeof(stamp), "%H:%M:%S", &local);
	printf("%s.%03ld %s\n", stamp, (long)now.tv_usec / 1000, text ? text + 1 : line);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/dev/log";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char line[8192];
	ssize_t got;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(path, 0666) < 0) {
		perror("devlog");
		return 1;
	}
	fprintf(stderr, "ready\n");
	while ((got = recv(fd, line, sizeof(line) - 1, 0)) >= 0) {
		line[got] = '\0';
		print_line(line);
	}
	return 1;
}
