#include "tests/federation/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/federation/http.h"

#define IDLE_TIMEOUT_S 120U
#define DESCRIPTORS_SPARE 200U /* of a process's: database, files, standard streams */
#define TOPICS 4096U
#define TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* One exchange: request, reply, and its place in the list of those that wait. */
struct exchange {
	struct fed_request request;
	struct fed_reply reply;
	const struct fed_route *route;
	size_t room;       /* bytes allocated for the body */
	bool too_large;
	bool waiting;      /* in the list, connection suspended */
	bool answered;     /* the reply is complete; what is left is a deliberate delay */
	struct exchange *next, *previous;             /* by time */
	struct exchange *topic_next, **topic_place;   /* of those whose topic falls into the same chain */
};

struct fed_server {
	struct fed *fed;
	struct MHD_Daemon *daemon;
	struct exchange *waiting, *waiting_last; /* by wait_until_ms, ascending */
	struct exchange *topics[TOPICS];         /* the same, by what wakes them */
	bool stopping;
};

static const struct fed_route *const tables[] = {
	fed_poll_routes,	fed_scim_routes,      fed_ssf_routes,	   fed_token_routes,		fed_device_routes,
	fed_introspect_routes, fed_discovery_routes, fed_page_routes,  fed_page_device_routes,	fed_page_desk_routes,
	fed_page_invitation_routes, fed_registration_routes, fed_control_routes, fed_ciba_routes,
	fed_status_routes,
};

static int64_t now_ms(void)
{
	return (int64_t)(b2b_now_ns() / 1000000);
}

/* --- waiting --- */

static struct exchange **topic_chain(struct fed_server *server, const char *topic)
{
	uint32_t hash = 2166136261U; /* FNV-1a */
	for (; *topic; topic++)
		hash = (hash ^ (unsigned char)*topic) * 16777619U;
	return &server->topics[hash % TOPICS];
}

/* Most wait equally long, so that the place is nearly always the last. */
static void queue_by_time(struct fed_server *server, struct exchange *exchange)
{
	struct exchange *after = server->waiting_last;
	while (after && after->request.wait_until_ms > exchange->request.wait_until_ms)
		after = after->previous;
	exchange->previous = after;
	exchange->next = after ? after->next : server->waiting;
	*(after ? &after->next : &server->waiting) = exchange;
	*(exchange->next ? &exchange->next->previous : &server->waiting_last) = exchange;
}

static void queue_by_topic(struct fed_server *server, struct exchange *exchange)
{
	struct exchange **chain = topic_chain(server, exchange->request.topic);
	exchange->topic_next = *chain;
	exchange->topic_place = chain;
	if (*chain)
		(*chain)->topic_place = &exchange->topic_next;
	*chain = exchange;
}

static void wait_begin(struct fed_server *server, struct exchange *exchange)
{
	exchange->waiting = true;
	queue_by_time(server, exchange);
	queue_by_topic(server, exchange);
	MHD_suspend_connection(exchange->request.connection);
}

static void wait_end(struct fed_server *server, struct exchange *exchange)
{
	if (!exchange->waiting)
		return;
	*(exchange->previous ? &exchange->previous->next : &server->waiting) = exchange->next;
	*(exchange->next ? &exchange->next->previous : &server->waiting_last) = exchange->previous;
	*exchange->topic_place = exchange->topic_next;
	if (exchange->topic_next)
		exchange->topic_next->topic_place = exchange->topic_place;
	exchange->waiting = false;
	MHD_resume_connection(exchange->request.connection);
}

void fed_server_wake(struct fed_server *server, const char *topic)
{
	for (struct exchange *next, *at = server ? *topic_chain(server, topic) : NULL; at; at = next) {
		next = at->topic_next;
		if (!at->answered && strcmp(topic, at->request.topic) == 0)
			wait_end(server, at);
	}
}

void fed_server_wake_all(struct fed_server *server)
{
	for (struct exchange *next, *at = server ? server->waiting : NULL; at; at = next) {
		next = at->next;
		if (!at->answered)
			wait_end(server, at);
	}
}

/* Wake what is due; returns how many milliseconds until the next is, or -1. */
static int wait_expire(struct fed_server *server)
{
	int64_t now = now_ms(), left;
	bool resumed = false;
	for (struct exchange *at; (at = server->waiting) && at->request.wait_until_ms <= now; resumed = true) {
		at->request.timed_out = true;
		wait_end(server, at);
	}
	if (resumed)
		return 0; /* what was resumed is run by MHD_run, which must not wait for other news first */
	if (!server->waiting)
		return -1;
	left = server->waiting->request.wait_until_ms - now;
	return left > INT_MAX ? INT_MAX : (int)left;
}

/* --- routing --- */

static bool route_fits(const struct fed_route *route, const char *path, const char **ret_rest)
{
	size_t len = strlen(route->path);
	if (route->path[len - 1] == '/' && len > 1) {
		if (strncmp(path, route->path, len) != 0)
			return false;
		*ret_rest = path + len;
		return true;
	}
	*ret_rest = "";
	return strcmp(path, route->path) == 0;
}

/* Find the route; NULL with *ret_known when the path exists for other methods. */
static const struct fed_route *find_route(struct fed_request *request, bool *ret_known)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct fed_route *route = tables[i]; route->path; route++)
			if (route_fits(route, request->path, &request->rest)) {
				*ret_known = true;
				if (strcmp(route->method, request->method) == 0)
					return route;
			}
	return NULL;
}

static int parse_form(struct fed_request *request)
{
	const char *type = fed_header(request, "Content-Type");
	if (!request->body || !type || strncasecmp(type, "application/x-www-form-urlencoded", 33) != 0)
		return 0;
	if (memchr(request->body, '\0', request->body_len))
		return -EBADMSG;
	return fed_form_parse(request->body, request->form);
}

static int refuse(struct fed_reply *reply, unsigned status, const char *error, const char *description)
{
	fed_reply_clear(reply);
	return fed_reply_json(reply, status, json_pack("{ss,ss}", "error", error, "error_description", description));
}

static int run_handler(struct fed *fed, struct exchange *exchange)
{
	int error = exchange->route->handler(fed, &exchange->request, &exchange->reply);
	if (error == FED_WAIT || error == 0)
		return error;
	fprintf(stderr, "b2b-federation: %s %s: %s\n", exchange->request.method, exchange->request.path, strerror(-error));
	return refuse(&exchange->reply, 500, "server_error", "something broke in the service; its standard error says what");
}

/* First look at a complete request: 0 answered, FED_WAIT. */
static int begin(struct fed *fed, struct exchange *exchange)
{
	bool known = false;
	struct fed_request *request = &exchange->request;
	if (exchange->too_large)
		return refuse(&exchange->reply, 413, "invalid_request", "the body is larger than this service reads");
	exchange->route = find_route(request, &known);
	if (!exchange->route)
		return refuse(&exchange->reply, known ? 405 : 404, "invalid_request", known ? "not with this method" : "nothing is here");
	struct fed_misbehaviour *misbehaviour = &fed->misbehaviour;
	if (fed_fault_strikes(&misbehaviour->drop, exchange->route->family)) {
		exchange->reply.drop = true;
		return 0;
	}
	if (fed_fault_strikes(&misbehaviour->status, exchange->route->family))
		return fed_reply_json(&exchange->reply, (unsigned)misbehaviour->status.value, json_object());
	if (parse_form(request) != 0)
		return refuse(&exchange->reply, 400, "invalid_request", "the form cannot be read, or names something twice");
	return run_handler(fed, exchange);
}

/* --- libmicrohttpd's side --- */

static enum MHD_Result take_query(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	json_t *text = json_string(value ? value : "");
	if (text) /* not UTF-8: as if it were not there */
		json_object_set_new(arg, name, text);
	return MHD_YES;
}

static struct exchange *exchange_new(struct MHD_Connection *connection, const char *path, const char *method)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));
	if (!exchange)
		return NULL;
	exchange->request.connection = connection;
	exchange->request.method = method;
	exchange->request.path = path;
	exchange->request.rest = "";
	exchange->request.query = json_object();
	exchange->request.form = json_object();
	if (!exchange->request.query || !exchange->request.form) {
		json_decref(exchange->request.query);
		json_decref(exchange->request.form);
		free(exchange);
		return NULL;
	}
	MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, take_query, exchange->request.query);
	return exchange;
}

static bool take_body(struct exchange *exchange, const char *data, size_t len)
{
	struct fed_request *request = &exchange->request;
	if (exchange->too_large || request->body_len + len > FED_BODY_MAX) {
		exchange->too_large = true;
		return true;
	}
	if (request->body_len + len + 1 > exchange->room) {
		size_t room = (request->body_len + len + 1) * 2;
		char *body = realloc(request->body, room);
		if (!body)
			return false;
		request->body = body;
		exchange->room = room;
	}
	memcpy(request->body + request->body_len, data, len);
	request->body_len += len;
	request->body[request->body_len] = '\0';
	return true;
}

static enum MHD_Result send_reply(struct exchange *exchange)
{
	struct fed_reply *reply = &exchange->reply;
	if (reply->drop)
		return MHD_NO;
	struct MHD_Response *response = MHD_create_response_from_buffer(reply->len, reply->body, MHD_RESPMEM_MUST_FREE);
	if (!response)
		return MHD_NO;
	reply->body = NULL; /* the response has it now */
	if (reply->content_type)
		MHD_add_response_header(response, "Content-Type", reply->content_type);
	for (size_t i = 0; i < reply->n_headers; i++)
		MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
	enum MHD_Result result = MHD_queue_response(exchange->request.connection, reply->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result finish(struct fed_server *server, struct exchange *exchange)
{
	struct fed_request *request = &exchange->request;
	if (!exchange->answered) {
		request->stopping = server->stopping;
		int state = exchange->route ? run_handler(server->fed, exchange) : begin(server->fed, exchange);
		if (state == FED_WAIT) {
			wait_begin(server, exchange);
			return MHD_YES;
		}
		if (state < 0)
			return MHD_NO;
		exchange->answered = true;
		struct fed_fault *slow = &server->fed->misbehaviour.slow;
		if (exchange->route && !server->stopping && fed_fault_strikes(slow, exchange->route->family)) {
			request->wait_until_ms = now_ms() + slow->value;
			wait_begin(server, exchange);
			return MHD_YES;
		}
	}
	return send_reply(exchange);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *path, const char *method, const char *version,
				  const char *data, size_t *len, void **state)
{
	struct exchange *exchange = *state;
	(void)version;
	if (!exchange) {
		*state = exchange_new(connection, path, method);
		return *state ? MHD_YES : MHD_NO;
	}
	if (*len > 0) {
		bool taken = take_body(exchange, data, *len);
		*len = 0;
		return taken ? MHD_YES : MHD_NO;
	}
	return finish(arg, exchange);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code)
{
	struct exchange *exchange = *state;
	(void)arg, (void)connection, (void)code;
	if (!exchange)
		return;
	fed_reply_clear(&exchange->reply);
	json_decref(exchange->request.query);
	json_decref(exchange->request.form);
	if (exchange->request.body)
		explicit_bzero(exchange->request.body, exchange->request.body_len); /* passwords, secrets */
	free(exchange->request.body);
	free(exchange->request.memory);
	free(exchange);
	*state = NULL;
}

static void on_trouble(void *arg, const char *format, va_list args)
{
	(void)arg;
	fputs("b2b-federation: ", stderr);
	vfprintf(stderr, format, args);
}

/* --- life --- */

/* As many as there can be descriptors: every host holds one all the time. */
static unsigned connections_max(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 1024 - DESCRIPTORS_SPARE;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < 2 * DESCRIPTORS_SPARE)
		return DESCRIPTORS_SPARE;
	return limit.rlim_cur > 1000000 ? 1000000 : (unsigned)limit.rlim_cur - DESCRIPTORS_SPARE;
}

int fed_server_start(struct fed *fed, const struct fed_server_options *options, struct fed_server **ret_server)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(options->port) };
	struct sockaddr_in6 address6 = { .sin6_family = AF_INET6, .sin6_port = htons(options->port) };
	bool six = inet_pton(AF_INET6, options->address, &address6.sin6_addr) == 1;
	void *where = six ? (void *)&address6 : (void *)&address;
	if (!six && inet_pton(AF_INET, options->address, &address.sin_addr) != 1)
		return -EINVAL;
	struct fed_server *server = calloc(1, sizeof(*server));
	if (!server)
		return -ENOMEM;
	server->fed = fed;
	struct MHD_OptionItem client_ca[] = { { MHD_OPTION_HTTPS_MEM_TRUST, 0, (void *)(uintptr_t)options->client_ca }, { MHD_OPTION_END, 0, NULL } };
	errno = 0;
	server->daemon = MHD_start_daemon(MHD_USE_TLS | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | (six ? MHD_USE_IPv6 : 0U), options->port, NULL, NULL,
					  on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_trouble, NULL, MHD_OPTION_SOCK_ADDR, where, MHD_OPTION_HTTPS_MEM_CERT, options->certificate,
					  MHD_OPTION_HTTPS_MEM_KEY, options->key, MHD_OPTION_HTTPS_PRIORITIES, TLS_PRIORITIES,
					  MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S,
					  MHD_OPTION_CONNECTION_LIMIT, connections_max(), MHD_OPTION_LISTEN_BACKLOG_SIZE, 4096U,
					  MHD_OPTION_ARRAY, options->client_ca ? client_ca : client_ca + 1, MHD_OPTION_END);
	if (!server->daemon) {
		int error = errno ? -errno : -EINVAL;
		free(server);
		return error;
	}
	*ret_server = server;
	return 0;
}

uint16_t fed_server_port(const struct fed_server *server)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
	return info ? info->port : 0;
}

int fed_server_run(struct fed_server *server, int stop_fd)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return -EINVAL;
	struct pollfd fds[] = { { .fd = info->epoll_fd, .events = POLLIN }, { .fd = stop_fd, .events = POLLIN } };
	for (;;) {
		MHD_UNSIGNED_LONG_LONG wanted;
		int timeout = wait_expire(server);
		if (MHD_get_timeout(server->daemon, &wanted) == MHD_YES && (timeout < 0 || wanted < (unsigned)timeout))
			timeout = (int)wanted;
		if (poll(fds, 2, timeout) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents)
			return 0;
		if (MHD_run(server->daemon) != MHD_YES)
			return -EIO;
	}
}

void fed_server_free(struct fed_server *server)
{
	if (!server)
		return;
	server->stopping = true;
	while (server->waiting)
		wait_end(server, server->waiting);
	MHD_run(server->daemon); /* let them say that it is over */
	MHD_stop_daemon(server->daemon);
	free(server);
}
