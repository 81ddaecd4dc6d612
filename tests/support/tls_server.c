#include "tests/support/tls_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/certificate.h"
#include "tests/support/signer.h"

#define CONNECTIONS_MAX 64

/* assert() may not be compiled away: tests stand on it */
#define MUST(x) ((x) ? (void)0 : must_failed(#x, __LINE__))
static void must_failed(const char *what, int line)
{
	fprintf(stderr, "tls_server.c:%d: %s\n", line, what);
	abort();
}

struct connection {
	struct tls_server *server;
	pthread_t thread;
	int fd;
	unsigned number;
};

struct tls_server {
	SSL_CTX *ctx;
	tls_handler *handler;
	void *arg;
	pthread_mutex_t lock; /* one handler at a time */
	pthread_t acceptor;
	int listen_fd;
	int stop[2]; /* closing [1] wakes everybody */
	struct connection connections[CONNECTIONS_MAX];
	unsigned n;
	char url[64], folder[128], ca[160];
};

static X509 *make_certificate(EVP_PKEY *key, enum tls_server_fault fault)
{
	bool expired = fault == TLS_SERVER_EXPIRED, early = fault == TLS_SERVER_NOT_YET;
	struct certificate_wish wish = { .subject = "tests", .names = fault == TLS_SERVER_OTHER_NAME ? "DNS:other.example" : "IP:127.0.0.1",
		                         .from_s = expired ? -7200 : early ? 86400 : 0, .until_s = expired ? -3600 : early ? 2 * 86400 : 0 };

	return certificate_make(key, &wish, NULL, NULL);
}

/* A certificate by an authority that is not in order; *RET_CA is the one that clients get. */
static X509 *make_issued(EVP_PKEY *key, enum tls_server_fault fault, X509 **ret_ca)
{
	bool over = fault == TLS_SERVER_AUTHORITY_OVER;
	const struct certificate_wish authority = { .subject = "authority", .from_s = over ? -7200 : 0, .until_s = over ? -3600 : 0 },
	                              between = { .subject = "between" },
	                              wish = { .subject = "tests", .names = "IP:127.0.0.1", .digest = fault == TLS_SERVER_SHA1 ? "SHA1" : NULL };
	EVP_PKEY *authority_key = signer_key("ES256"), *between_key = signer_key("ES256");
	X509 *by = certificate_make(between_key, &between, NULL, NULL), *certificate;

	*ret_ca = certificate_make(authority_key, &authority, NULL, NULL);
	certificate = fault == TLS_SERVER_GAP ? certificate_make(key, &wish, by, between_key) : certificate_make(key, &wish, *ret_ca, authority_key);
	X509_free(by);
	EVP_PKEY_free(authority_key);
	EVP_PKEY_free(between_key);
	return certificate;
}

static int knows_nobody(int verdict, X509_STORE_CTX *store)
{
	(void)verdict;
	(void)store;
	return 0;
}

static void make_context(struct tls_server *server, enum tls_server_fault fault)
{
	bool issued = fault == TLS_SERVER_AUTHORITY_OVER || fault == TLS_SERVER_SHA1 || fault == TLS_SERVER_GAP;
	EVP_PKEY *key = signer_key(fault == TLS_SERVER_WEAK ? "RSA1024" : "ES256");
	X509 *ca = NULL, *cert = issued ? make_issued(key, fault, &ca) : make_certificate(key, fault);
	FILE *file = fopen(server->ca, "we");

	MUST(file && PEM_write_X509(file, ca ? ca : cert));
	fclose(file);
	X509_free(ca);
	server->ctx = SSL_CTX_new(TLS_server_method());
	MUST(server->ctx);
	if (fault == TLS_SERVER_WEAK || fault == TLS_SERVER_SHA1)
		SSL_CTX_set_security_level(server->ctx, 0);
	MUST(SSL_CTX_use_certificate(server->ctx, cert) == 1 && SSL_CTX_use_PrivateKey(server->ctx, key) == 1);
	if (fault == TLS_SERVER_WANTS_CERTIFICATE)
		SSL_CTX_set_verify(server->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, knows_nobody);
	if (fault == TLS_SERVER_OLD_TLS) {
		SSL_CTX_set_security_level(server->ctx, 0);
		MUST(SSL_CTX_set_min_proto_version(server->ctx, TLS1_VERSION) && SSL_CTX_set_max_proto_version(server->ctx, TLS1_1_VERSION));
	}
	X509_free(cert);
	EVP_PKEY_free(key);
}

/* True until the server is being stopped. */
static bool readable(const struct connection *c, SSL *ssl)
{
	struct pollfd fds[2] = { { .fd = c->fd, .events = POLLIN }, { .fd = c->server->stop[0], .events = POLLIN } };

	if (SSL_pending(ssl))
		return true;
	if (poll(fds, 2, -1) < 0)
		return false;
	return !fds[1].revents;
}

static size_t declared_length(const char *headers)
{
	const char *at;

	for (at = headers; (at = strchr(at, '\n')); at++) {
		if (strncasecmp(at + 1, "content-length:", 15) == 0)
			return (size_t)strtoul(at + 16, NULL, 10);
	}
	return 0;
}

/* The request line and headers, then as much body as they declare. */
static bool read_request(struct connection *c, SSL *ssl, struct tls_request *request)
{
	char buf[32768];
	size_t len = 0, want;
	char *end = NULL, *space;
	int got;

	memset(request, 0, sizeof(*request));
	request->connection = c->number;
	do {
		if (len == sizeof(buf) - 1 || !readable(c, ssl) || (got = SSL_read(ssl, buf + len, (int)(sizeof(buf) - 1 - len))) <= 0)
			return false;
		len += (size_t)got;
		buf[len] = '\0';
		if (!end)
			end = strstr(buf, "\r\n\r\n");
		want = end ? (size_t)(end + 4 - buf) + declared_length(buf) : sizeof(buf);
	} while (len < want);
	snprintf(request->body, sizeof(request->body), "%.*s", (int)(len - (size_t)(end + 4 - buf)), end + 4);
	end[2] = '\0';
	space = strchr(buf, ' ');
	if (!space)
		return false;
	snprintf(request->method, sizeof(request->method), "%.*s", (int)(space - buf), buf);
	snprintf(request->path, sizeof(request->path), "%.*s", (int)strcspn(space + 1, " "), space + 1);
	snprintf(request->headers, sizeof(request->headers), "%s", strchr(buf, '\n') + 1);
	return true;
}

/* False: the connection ends here. */
static bool send_reply(struct connection *c, SSL *ssl, const struct tls_reply *reply)
{
	char head[2048];
	size_t len = reply->body_len ? reply->body_len : reply->body ? strlen(reply->body) : 0;
	struct pollfd stop = { .fd = c->server->stop[0], .events = POLLIN };

	if (reply->silent) {
		poll(&stop, 1, -1);
		return false;
	}
	snprintf(head, sizeof(head), "HTTP/1.1 %d Test\r\nContent-Length: %zu\r\n%s\r\n", reply->status ? reply->status : 200,
	         reply->declared ? reply->declared : len, reply->headers);
	if (SSL_write(ssl, head, (int)strlen(head)) <= 0 || (len && SSL_write(ssl, reply->body, (int)len) <= 0))
		return false;
	return !reply->cut;
}

static void *serve(void *arg)
{
	struct connection *c = arg;
	struct tls_request *request = malloc(sizeof(*request));
	SSL *ssl = SSL_new(c->server->ctx);
	bool more = true;

	MUST(ssl && request && SSL_set_fd(ssl, c->fd));
	if (SSL_accept(ssl) == 1) {
		while (more && read_request(c, ssl, request)) {
			struct tls_reply reply = { 0 };

			pthread_mutex_lock(&c->server->lock);
			c->server->handler(c->server->arg, request, &reply);
			pthread_mutex_unlock(&c->server->lock);
			more = send_reply(c, ssl, &reply);
			free(reply.body);
		}
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	free(request);
	shutdown(c->fd, SHUT_RDWR);
	ERR_clear_error();
	return NULL;
}

static void *accept_all(void *arg)
{
	struct tls_server *server = arg;
	struct pollfd fds[2] = { { .fd = server->listen_fd, .events = POLLIN }, { .fd = server->stop[0], .events = POLLIN } };

	while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
		struct connection *c = &server->connections[server->n];

		MUST(server->n < CONNECTIONS_MAX);
		c->server = server;
		c->fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		/* head and body are two writes: the second would wait 40 ms for the first to be acknowledged */
		setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
		if (c->fd < 0)
			continue;
		c->number = ++server->n;
		MUST(pthread_create(&c->thread, NULL, serve, c) == 0);
	}
	return NULL;
}

static void listen_on_loopback(struct tls_server *server)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(server->listen_fd >= 0 && bind(server->listen_fd, (struct sockaddr *)&address, len) == 0);
	MUST(listen(server->listen_fd, 16) == 0 && getsockname(server->listen_fd, (struct sockaddr *)&address, &len) == 0);
	snprintf(server->url, sizeof(server->url), "https://127.0.0.1:%u", ntohs(address.sin_port));
}

struct tls_server *tls_server_start(enum tls_server_fault fault, tls_handler *handler, void *arg)
{
	struct tls_server *server = calloc(1, sizeof(*server));
	const char *tmp = secure_getenv("TMPDIR");

	MUST(server);
	signal(SIGPIPE, SIG_IGN);
	server->handler = handler;
	server->arg = arg;
	pthread_mutex_init(&server->lock, NULL);
	MUST(pipe(server->stop) == 0);
	snprintf(server->folder, sizeof(server->folder), "%s/b2b-tls-XXXXXX", tmp ? tmp : "/tmp");
	MUST(mkdtemp(server->folder));
	snprintf(server->ca, sizeof(server->ca), "%s/ca.pem", server->folder);
	make_context(server, fault);
	listen_on_loopback(server);
	MUST(pthread_create(&server->acceptor, NULL, accept_all, server) == 0);
	return server;
}

void tls_server_stop(struct tls_server *server)
{
	unsigned i;

	if (!server)
		return;
	close(server->stop[1]);
	pthread_join(server->acceptor, NULL);
	for (i = 0; i < server->n; i++) {
		shutdown(server->connections[i].fd, SHUT_RDWR);
		pthread_join(server->connections[i].thread, NULL);
		close(server->connections[i].fd);
	}
	close(server->stop[0]);
	close(server->listen_fd);
	SSL_CTX_free(server->ctx);
	pthread_mutex_destroy(&server->lock);
	unlink(server->ca);
	rmdir(server->folder);
	free(server);
}

const char *tls_server_url(const struct tls_server *server)
{
	return server->url;
}

const char *tls_server_ca(const struct tls_server *server)
{
	return server->ca;
}

const char *tls_server_folder(const struct tls_server *server)
{
	return server->folder;
}
