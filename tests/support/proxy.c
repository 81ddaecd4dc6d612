#include "tests/support/proxy.h"

#include <arpa/inet.h>
#include <err.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct proxy {
	pthread_t thread;
	pthread_mutex_t lock;
	int listen_fd, stop[2];
	unsigned tunnels;
	char url[64], line[256];
};

static bool readable(struct proxy *proxy, int a, int b, int *ret_which)
{
	struct pollfd fds[3] = { { .fd = proxy->stop[0], .events = POLLIN }, { .fd = a, .events = POLLIN }, { .fd = b, .events = POLLIN } };

	if (poll(fds, 3, -1) < 0 || fds[0].revents)
		return false;
	*ret_which = fds[1].revents ? a : b;
	return true;
}

static bool pass_on(int from, int to)
{
	char buf[16384];
	ssize_t n = read(from, buf, sizeof(buf)), done = 0, sent;

	while (n > 0 && done < n && (sent = send(to, buf + done, (size_t)(n - done), MSG_NOSIGNAL)) > 0)
		done += sent;
	return n > 0 && done == n;
}

/* "CONNECT 127.0.0.1:PORT HTTP/1.1": a socket to there, or -1. */
static int dial(const char *line)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const char *colon = strchr(line, ':');
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_port = htons((uint16_t)(colon ? strtoul(colon + 1, NULL, 10) : 0));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void tunnel(struct proxy *proxy, int client)
{
	static const char yes[] = "HTTP/1.1 200 OK\r\n\r\n";
	char head[4096] = "";
	size_t len = 0;
	int server, from;

	while (len < sizeof(head) - 1 && !strstr(head, "\r\n\r\n")) {
		if (!readable(proxy, client, -1, &from) || read(client, head + len, 1) != 1)
			return;
		head[++len] = '\0';
	}
	pthread_mutex_lock(&proxy->lock);
	proxy->tunnels++;
	snprintf(proxy->line, sizeof(proxy->line), "%.*s", (int)strcspn(head, "\r\n"), head);
	pthread_mutex_unlock(&proxy->lock);
	server = dial(head);
	if (server < 0 || send(client, yes, sizeof(yes) - 1, MSG_NOSIGNAL) < 0)
		return;
	while (readable(proxy, client, server, &from) && pass_on(from, from == client ? server : client))
		;
	close(server);
}

static void *serve(void *arg)
{
	struct proxy *proxy = arg;
	int client, which;

	while (readable(proxy, proxy->listen_fd, -1, &which)) {
		client = accept4(proxy->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0)
			continue;
		tunnel(proxy, client);
		close(client);
	}
	return NULL;
}

struct proxy *proxy_start(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	struct proxy *proxy = calloc(1, sizeof(*proxy));

	if (!proxy || pthread_mutex_init(&proxy->lock, NULL) != 0 || pipe(proxy->stop) < 0)
		err(1, "proxy");
	proxy->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (proxy->listen_fd < 0 || bind(proxy->listen_fd, (struct sockaddr *)&address, len) < 0 || listen(proxy->listen_fd, 16) < 0 ||
	    getsockname(proxy->listen_fd, (struct sockaddr *)&address, &len) < 0 || pthread_create(&proxy->thread, NULL, serve, proxy) != 0)
		err(1, "proxy");
	snprintf(proxy->url, sizeof(proxy->url), "http://127.0.0.1:%u", ntohs(address.sin_port));
	return proxy;
}

void proxy_stop(struct proxy *proxy)
{
	if (!proxy)
		return;
	close(proxy->stop[1]);
	pthread_join(proxy->thread, NULL);
	close(proxy->stop[0]);
	close(proxy->listen_fd);
	pthread_mutex_destroy(&proxy->lock);
	free(proxy);
}

const char *proxy_url(const struct proxy *proxy)
{
	return proxy->url;
}

unsigned proxy_tunnels(struct proxy *proxy, char line[256])
{
	unsigned n;

	pthread_mutex_lock(&proxy->lock);
	n = proxy->tunnels;
	memcpy(line, proxy->line, sizeof(proxy->line));
	pthread_mutex_unlock(&proxy->lock);
	return n;
}
