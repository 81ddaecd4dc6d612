/*
 * Many agents in one process. Each runs on a stack of its own; b2bd/loop.c waits in curl_multi_poll, which is this file's: it goes on
 * with whichever agent has a socket that is ready, or a timer that is due. curl_multi_perform is its counterpart and hands curl those
 * sockets alone. What curl's own would do for one agent (a poll over all its sockets) is done by one epoll for all.
 */
#include <dlfcn.h>
#include <err.h>
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/fleet/host.h"

#define STACK_SIZE ((size_t)256 * 1024)
#define EVENTS_MAX 1024
#define OWN_MAX 32
#define LOOK_NS (250 * B2B_NS_PER_MS) /* how often it is looked which hosts are ready */

static struct {
	int epoll_fd;
	struct host *hosts;
	unsigned n, begun;
	struct host **waiting; /* heap by wake_ns */
	size_t n_waiting;
	struct host *current;
	ucontext_t scheduler;
} fleet;

struct host *host_current(void)
{
	return fleet.current;
}

/* --- who waits, by time --- */

static void place(struct host *host, size_t at)
{
	fleet.waiting[at] = host;
	host->place = at;
}

static void sift_up(struct host *host, size_t at)
{
	for (; at && fleet.waiting[(at - 1) / 2]->wake_ns > host->wake_ns; at = (at - 1) / 2)
		place(fleet.waiting[(at - 1) / 2], at);
	place(host, at);
}

static void sift_down(struct host *host, size_t at)
{
	size_t child;

	while ((child = 2 * at + 1) < fleet.n_waiting) {
		if (child + 1 < fleet.n_waiting && fleet.waiting[child + 1]->wake_ns < fleet.waiting[child]->wake_ns)
			child++;
		if (fleet.waiting[child]->wake_ns >= host->wake_ns)
			break;
		place(fleet.waiting[child], at);
		at = child;
	}
	place(host, at);
}

static void wait_until(struct host *host, uint64_t wake_ns)
{
	host->wake_ns = wake_ns;
	sift_up(host, fleet.n_waiting++);
}

static void wait_no_more(struct host *host)
{
	struct host *last = fleet.waiting[--fleet.n_waiting];

	if (last == host)
		return;
	if (host->place && fleet.waiting[(host->place - 1) / 2]->wake_ns > last->wake_ns)
		sift_up(last, host->place);
	else
		sift_down(last, host->place);
}

/* --- curl's sockets --- */

static int socket_changed(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
	const struct host *host = arg;
	struct epoll_event event = { .data.u64 = (uint64_t)host->number << 32 | (uint32_t)fd };

	(void)easy;
	(void)unused;
	if (what == CURL_POLL_REMOVE) { /* it may be closed already */
		epoll_ctl(fleet.epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
	if (epoll_ctl(fleet.epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0 && epoll_ctl(fleet.epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		warn("epoll_ctl");
	return 0;
}

static void watch_sockets(struct host *host, CURLM *multi)
{
	if (host->multi == multi)
		return;
	host->multi = multi;
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket_changed);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, host);
}

static uint64_t deadline(CURLM *multi, int timeout_ms)
{
	long wanted_ms = -1;

	curl_multi_timeout(multi, &wanted_ms);
	if (wanted_ms >= 0 && wanted_ms < timeout_ms)
		timeout_ms = (int)wanted_ms;
	return b2b_now_ns() + (uint64_t)timeout_ms * B2B_NS_PER_MS;
}

/* The agent's own descriptors (no log-ins, no guard, no change of the clock) are looked at with each turn: at least once a second. */
static bool own_ready(const struct curl_waitfd fds[], unsigned n)
{
	struct pollfd polled[OWN_MAX];
	unsigned i;

	if (n > OWN_MAX)
		errx(1, "an agent has %u descriptors of its own", n);
	for (i = 0; i < n; i++)
		polled[i] = (struct pollfd){ .fd = fds[i].fd, .events = POLLIN };
	return poll(polled, n, 0) > 0;
}

CURLMcode curl_multi_poll(CURLM *multi, struct curl_waitfd fds[], unsigned n, int timeout_ms, int *ret_ready)
{
	struct host *host = fleet.current;

	watch_sockets(host, multi);
	wait_until(host, deadline(multi, own_ready(fds, n) ? 0 : timeout_ms));
	swapcontext(&host->context, &fleet.scheduler);
	if (ret_ready)
		*ret_ready = host->n_ready;
	return CURLM_OK;
}

CURLMcode curl_multi_perform(CURLM *multi, int *ret_running)
{
	struct host *host = fleet.current;
	int i, n = host->n_ready;

	host->n_ready = 0;
	for (i = 0; i < n; i++)
		curl_multi_socket_action(multi, host->ready[i].fd, host->ready[i].events, ret_running);
	return curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, ret_running);
}

/* --- what is measured --- */

static enum fleet_kind kind_of(const char *url)
{
	const char *path = url ? strchr(url + strlen("https://"), '/') : NULL;

	if (!path)
		return FLEET_METADATA;
	if (strncmp(path, "/ssf/poll/", 10) == 0)
		return FLEET_POLL;
	if (strncmp(path, "/ssf/", 5) == 0)
		return FLEET_STREAM;
	if (strcmp(path, "/token") == 0)
		return FLEET_TOKEN;
	return strncmp(path, "/scim/", 6) == 0 ? FLEET_DIRECTORY : FLEET_METADATA;
}

static void count(struct fleet_shared *shared, CURL *easy, CURLcode result)
{
	curl_off_t up = 0, down = 0;
	long head = 0, request = 0, status = 0, connects = 0;
	const char *url = NULL;
	struct fleet_count *counted;

	curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
	curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &up);
	curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
	curl_easy_getinfo(easy, CURLINFO_HEADER_SIZE, &head);
	curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
	counted = &shared->counts[kind_of(url)];
	counted->requests++;
	counted->bytes += (uint64_t)(up + down + head + request);
	if (result != CURLE_OK || status < 200 || status > 299)
		counted->failed++;
	shared->connections += (uint64_t)connects;
}

CURLMsg *curl_multi_info_read(CURLM *multi, int *ret_queued)
{
	static CURLMsg *(*next)(CURLM *multi, int *ret_queued);
	CURLMsg *msg;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "curl_multi_info_read");
	if (!next)
		errx(1, "%s", dlerror());
	msg = next(multi, ret_queued);
	if (msg && msg->msg == CURLMSG_DONE)
		count(fleet.current->shared, msg->easy_handle, msg->data.result);
	return msg;
}

static bool is_ready(const struct host *host)
{
	struct b2b_stream_status status;

	if (!host->core || !host->core->stream || host->core->must_pass || !host->core->heard_ns)
		return false;
	b2b_stream_get_status(host->core->stream, &status);
	return status.connected;
}

static void look(struct host *host)
{
	bool ready = is_ready(host);

	if (ready && !host->seen->ready)
		sqlite3_db_release_memory(b2b_state_db(host->core->state)); /* of its start; ten thousand caches do not fit */
	host->seen->ready = ready;
}

/* --- running --- */

static void run_agent(void)
{
	struct host *host = fleet.current;
	int status;

	host->shared->started++;
	status = b2b_agent_main(&host->setup);
	host->core = NULL;
	host->shared->ended++;
	warnx("the agent of host %u has ended with %d", host->number, status);
}

static void begin(struct host *host)
{
	void *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

	if (stack == MAP_FAILED || getcontext(&host->context) < 0)
		err(1, "a stack for host %u", host->number);
	host->context.uc_stack.ss_sp = stack;
	host->context.uc_stack.ss_size = STACK_SIZE;
	host->context.uc_link = &fleet.scheduler;
	makecontext(&host->context, run_agent, 0);
}

static void go_on(struct host *host)
{
	fleet.current = host;
	swapcontext(&fleet.scheduler, &host->context);
	fleet.current = NULL;
}

/* Sockets that are ready: their agents are to go on at once, each once. */
static void collect(int timeout_ms)
{
	static struct epoll_event events[EVENTS_MAX];
	int i, n = epoll_wait(fleet.epoll_fd, events, EVENTS_MAX, timeout_ms);

	for (i = 0; i < n; i++) {
		struct host *host = &fleet.hosts[(events[i].data.u64 >> 32) - fleet.hosts[0].number];
		unsigned what = events[i].events;

		if (host->n_ready == HOST_SOCKETS)
			continue; /* it is told again */
		host->ready[host->n_ready++] = (struct host_ready){ .fd = (int)(uint32_t)events[i].data.u64,
			.events = (what & EPOLLIN ? CURL_CSELECT_IN : 0) | (what & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
			          (what & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0) };
		wait_no_more(host);
		wait_until(host, 0);
	}
}

static void look_at_all(uint64_t now)
{
	static uint64_t looked_ns;
	static bool trimmed;
	unsigned i, ready = 0;

	if (now - looked_ns < LOOK_NS)
		return;
	looked_ns = now;
	for (i = 0; i < fleet.begun; i++) {
		look(&fleet.hosts[i]);
		ready += fleet.hosts[i].seen->ready;
	}
	if (ready == fleet.n && !trimmed) {
		malloc_trim(0); /* what starting took */
		trimmed = true;
	}
}

static void begin_some(uint64_t since_ns, unsigned per_second)
{
	uint64_t due = (b2b_now_ns() - since_ns) * per_second / B2B_NS_PER_S;

	while (fleet.begun < fleet.n && fleet.begun < due) {
		struct host *host = &fleet.hosts[fleet.begun++];

		begin(host);
		go_on(host);
	}
}

void hosts_run(struct host *hosts, unsigned n, unsigned per_second)
{
	uint64_t began_ns = b2b_now_ns(), now;

	fleet.hosts = hosts;
	fleet.n = n;
	fleet.waiting = calloc(n, sizeof(*fleet.waiting));
	fleet.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!fleet.waiting || fleet.epoll_fd < 0)
		err(1, "epoll");
	for (;;) {
		uint64_t turn_ns = b2b_now_ns();
		int timeout_ms = fleet.n_waiting ? b2b_ms_left(fleet.waiting[0]->wake_ns) : 10;

		collect(timeout_ms < 10 ? timeout_ms : 10);
		now = b2b_now_ns();
		/* who waits anew in this turn has its turn in the next */
		while (fleet.n_waiting && fleet.waiting[0]->wake_ns <= turn_ns) {
			struct host *host = fleet.waiting[0];

			wait_no_more(host);
			go_on(host);
		}
		begin_some(began_ns, per_second);
		look_at_all(now);
	}
}
