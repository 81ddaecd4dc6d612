/*
 * A door from the machine's loopback into a lab's network, for people who look at a demo that was kept.
 *
 *   relay open COUNT COMMAND ARG…   makes COUNT listening sockets on 127.0.0.1, on ports that the kernel chooses, and becomes
 *                                   COMMAND with RELAY="FD:PORT …" in its environment; the sockets stay with the machine's
 *                                   network also when COMMAND leaves it
 *   relay serve FD ADDRESS PORT     forwards what comes in at FD to ADDRESS:PORT, as reached from where it runs
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
	return 1;
}

static int loopback_socket(int *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0); /* kept across exec: that is what it is for */

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, 16) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return -1;
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static int open_and_become(int count, char **command)
{
	char list[256] = "";
	size_t at = 0;

	for (int i = 0; i < count; i++) {
		int port, fd = loopback_socket(&port);

		if (fd < 0)
			return fail("127.0.0.1");
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%d:%d", i ? " " : "", fd, port);
		if (at >= sizeof(list))
			return 2;
	}
	setenv("RELAY", list, 1);
	execvp(command[0], command);
	return fail(command[0]);
}

/* One piece from one side to the other. False at its end. */
static bool carry(int from, int to)
{
	char buf[16384];
	ssize_t got = read(from, buf, sizeof(buf)), put, done;

	if (got <= 0) {
		shutdown(to, SHUT_WR);
		return false;
	}
	for (done = 0; done < got; done += put) {
		put = send(to, buf + done, (size_t)(got - done), MSG_NOSIGNAL);
		if (put < 0)
			return false;
	}
	return true;
}

static void carry_both(int a, int b)
{
	struct pollfd ends[2] = { { .fd = a, .events = POLLIN }, { .fd = b, .events = POLLIN } };

	while (ends[0].fd >= 0 || ends[1].fd >= 0) {
		if (poll(ends, 2, -1) < 0)
			return;
		if (ends[0].fd >= 0 && ends[0].revents && !carry(a, b))
			ends[0].fd = -1;
		if (ends[1].fd >= 0 && ends[1].revents && !carry(b, a))
			ends[1].fd = -1;
	}
}

static int serve(int listening, const char *host, int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int client, there;

	if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
		return 2;
	signal(SIGCHLD, SIG_IGN); /* the connections' processes reap themselves */
	while ((client = accept(listening, NULL, NULL)) >= 0 || errno == EINTR) {
		if (client >= 0 && fork() == 0) {
			there = socket(AF_INET, SOCK_STREAM, 0);
			if (there >= 0 && connect(there, (struct sockaddr *)&address, sizeof(address)) == 0)
				carry_both(client, there);
			_exit(0);
		}
		if (client >= 0)
			close(client);
	}
	return fail("accept");
}

int main(int argc, char **argv)
{
	if (argc >= 4 && strcmp(argv[1], "open") == 0)
		return open_and_become((int)strtol(argv[2], NULL, 10), argv + 3);
	if (argc == 5 && strcmp(argv[1], "serve") == 0)
		return serve((int)strtol(argv[2], NULL, 10), argv[3], (int)strtol(argv[4], NULL, 10));
	fprintf(stderr, "usage: relay open COUNT COMMAND [ARG…] | relay serve FD ADDRESS PORT\n");
	return 2;
}
