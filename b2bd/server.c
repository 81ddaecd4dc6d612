#include "b2bd/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/proto.h"
#include "common/reason.h"

#define CLIENTS_MAX 1024       /* in all */
#define CLIENTS_PER_UID 16     /* of one uid other than root, so that nobody can take all places */
#define QUEUE_MAX 64

struct packet {
	struct packet *next;
	size_t size;
	unsigned char bytes[];
};

struct b2b_client {
	struct b2b_client *next;
	struct b2b_server *server;
	struct b2b_io *io;
	int fd;
	struct ucred peer;
	struct packet *first, **last;
	size_t queued;
	bool finishing;
	void *operation;
	void (*dropped)(void *operation);
	void (*drained)(void *arg);
	void *drained_arg;
};

struct b2b_server {
	struct b2b_loop *loop;
	struct b2b_io *io;
	int listen_fd;
	b2b_server_request *request;
	void *arg;
	struct b2b_client *clients;
	size_t n_clients;
};

uid_t b2b_client_uid(const struct b2b_client *client)
{
	return client->peer.uid;
}

pid_t b2b_client_pid(const struct b2b_client *client)
{
	return client->peer.pid;
}

size_t b2b_client_queued(const struct b2b_client *client)
{
	return client->queued;
}

void b2b_client_on_drained(struct b2b_client *client, void (*drained)(void *arg), void *arg)
{
	client->drained = drained;
	client->drained_arg = arg;
}

void b2b_client_attach(struct b2b_client *client, void *operation, void (*dropped)(void *operation))
{
	client->operation = operation;
	client->dropped = dropped;
}

bool b2b_client_busy(const struct b2b_client *client)
{
	return client->operation != NULL;
}

void *b2b_client_operation(const struct b2b_client *client, void (*dropped)(void *operation))
{
	return client->dropped == dropped ? client->operation : NULL;
}

static void queue_clear(struct b2b_client *client)
{
	struct packet *packet;

	while ((packet = client->first)) {
		client->first = packet->next;
		explicit_bzero(packet->bytes, packet->size); /* tickets travel here */
		free(packet);
	}
	client->last = &client->first;
	client->queued = 0;
}

static void client_close(struct b2b_client *client)
{
	struct b2b_client **p;

	for (p = &client->server->clients; *p; p = &(*p)->next) {
		if (*p == client) {
			*p = client->next;
			break;
		}
	}
	client->server->n_clients--;
	b2b_io_remove(client->io);
	close(client->fd);
	if (client->operation && client->dropped)
		client->dropped(client->operation);
	queue_clear(client);
	free(client);
}

/* What a descriptor is waited for: a finishing client is not read any more. */
static void client_watch(struct b2b_client *client)
{
	short events = client->finishing ? 0 : POLLIN;

	if (client->first)
		events |= POLLOUT;
	b2b_io_events(client->io, events);
}

/* Returns false when the client is gone. */
static bool client_flush(struct b2b_client *client)
{
	struct packet *packet;

	while ((packet = client->first)) {
		ssize_t n = send(client->fd, packet->bytes, packet->size, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < 0) {
			client_close(client);
			return false;
		}
		client->first = packet->next;
		if (!client->first)
			client->last = &client->first;
		client->queued--;
		explicit_bzero(packet->bytes, packet->size);
		free(packet);
	}
	if (!client->first && client->finishing) {
		client_close(client);
		return false;
	}
	client_watch(client);
	return true;
}

void b2b_client_say(struct b2b_client *client, uint16_t type, const void *body)
{
	uint32_t length = b2b_body_size(type);
	struct b2b_packet_head head = { .version = B2B_PROTO_VERSION, .type = type, .length = length };
	struct packet *packet;

	if (client->finishing || !length)
		return;
	packet = client->queued < QUEUE_MAX ? malloc(sizeof(*packet) + sizeof(head) + length) : NULL;
	if (!packet) {
		client->finishing = true;
		client_watch(client);
		return;
	}
	packet->next = NULL;
	packet->size = sizeof(head) + length;
	memcpy(packet->bytes, &head, sizeof(head));
	memcpy(packet->bytes + sizeof(head), body, length);
	*client->last = packet;
	client->last = &packet->next;
	client->queued++;
	client_watch(client); /* sent from the loop, so that no caller loses its client under its feet */
}

void b2b_client_finish(struct b2b_client *client)
{
	client->finishing = true;
	b2b_io_events(client->io, POLLOUT); /* even with nothing queued: the loop closes it */
}

static void refuse_malformed(struct b2b_client *client)
{
	struct b2b_say_decision decision = { .reason = B2B_PROTOCOL };

	b2b_log(LOG_NOTICE, "event=malformed-request uid=%u pid=%d", client->peer.uid, client->peer.pid);
	b2b_client_say(client, B2B_SAY_DECISION, &decision);
	b2b_client_finish(client);
}

/* One packet a turn keeps a talkative client from holding up the others. */
static void client_read(struct b2b_client *client)
{
	struct {
		_Alignas(uint64_t) unsigned char bytes[B2B_PACKET_MAX + 1];
	} in;
	const struct b2b_packet_head *head = (const void *)in.bytes;
	ssize_t n = recv(client->fd, in.bytes, sizeof(in.bytes), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(client);
		return;
	}
	if (b2b_packet_check(in.bytes, (size_t)n) < 0 || head->type >= B2B_SAY_NAME)
		refuse_malformed(client);
	else
		client->server->request(client->server->arg, client, head->type, in.bytes + sizeof(*head));
	explicit_bzero(in.bytes, (size_t)n);
}

static void client_ready(void *arg, short revents)
{
	struct b2b_client *client = arg;
	void (*drained)(void *) = client->drained;

	if (revents & POLLOUT) {
		if (!client_flush(client))
			return;
		if (!client->first && drained)
			drained(client->drained_arg);
		return; /* reading waits for the next turn: DRAINED may have finished the client */
	}
	if (revents & POLLIN)
		client_read(client);
	else if (revents & (POLLHUP | POLLERR))
		client_close(client);
}

static size_t clients_of(const struct b2b_server *server, uid_t uid)
{
	const struct b2b_client *client;
	size_t n = 0;

	for (client = server->clients; client; client = client->next)
		n += client->peer.uid == uid;
	return n;
}

static bool room_for(const struct b2b_server *server, uid_t uid)
{
	if (uid == 0)
		return server->n_clients < CLIENTS_MAX;
	/* a quarter of the places stays root's */
	return server->n_clients < CLIENTS_MAX - CLIENTS_MAX / 4 && clients_of(server, uid) < CLIENTS_PER_UID;
}

static void client_new(struct b2b_server *server, int fd)
{
	struct b2b_client *client = calloc(1, sizeof(*client));
	socklen_t len = sizeof(client->peer);

	if (!client)
		goto refuse;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &client->peer, &len) < 0 || len != sizeof(client->peer))
		goto refuse;
	if (!room_for(server, client->peer.uid))
		goto refuse;
	client->server = server;
	client->fd = fd;
	client->last = &client->first;
	if (b2b_io_add(server->loop, fd, POLLIN, client_ready, client, &client->io) < 0)
		goto refuse;
	client->next = server->clients;
	server->clients = client;
	server->n_clients++;
	return;
refuse:
	free(client);
	close(fd);
}

static void server_ready(void *arg, short revents)
{
	struct b2b_server *server = arg;
	int i, fd;

	(void)revents;
	for (i = 0; i < 32; i++) {
		fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		client_new(server, fd);
	}
}

int b2b_server_new(struct b2b_loop *loop, int listen_fd, b2b_server_request *request, void *arg, struct b2b_server **ret_server)
{
	struct b2b_server *server = calloc(1, sizeof(*server));
	int flags = fcntl(listen_fd, F_GETFL), r;

	if (!server)
		return -ENOMEM;
	if (flags < 0 || fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		r = -errno;
		goto out;
	}
	server->loop = loop;
	server->listen_fd = listen_fd;
	server->request = request;
	server->arg = arg;
	r = b2b_io_add(loop, listen_fd, POLLIN, server_ready, server, &server->io);
	if (r < 0)
		goto out;
	*ret_server = server;
	return 0;
out:
	free(server);
	return r;
}

void b2b_server_free(struct b2b_server *server)
{
	if (!server)
		return;
	while (server->clients)
		client_close(server->clients);
	b2b_io_remove(server->io);
	free(server);
}
