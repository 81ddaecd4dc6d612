/* The agent's life: put the parts together, run, take them apart. A reload does all of it again within the process. */
#include "b2bd/agent.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "b2bd/requests.h"
#include "b2bd/state/ledger.h"
#include "common/clock.h"
#include "common/log.h"

#define RELOAD 1000 /* b2b_loop_run's answer: begin again with a new configuration */
#define FLOOR_EVERY_S 60
#define WINDOW_MAX_NS (60 * B2B_NS_PER_S) /* the wall clock may jump: look at least once a minute */

static void beat(void *arg)
{
	struct b2b_core *core = arg;
	uint64_t now = b2b_now_ns();
	int64_t wall = b2b_wall_s();
	uint32_t i;

	for (i = 0; i < core->policy->n_orgs; i++)
		b2b_live_beat(core->lives[i], now);
	b2b_lapse_check(core);
	if (wall >= core->floor_s + FLOOR_EVERY_S && b2b_clock_raise(core->state, wall) == 0)
		core->floor_s = wall;
	b2b_timer_set(core->loop, &core->beat, B2B_HEARTBEAT_EVERY_NS, beat, core);
}

static void window(void *arg);

static void arrange_window(struct b2b_core *core)
{
	int64_t now = b2b_core_now(core), next;
	uint64_t delay = WINDOW_MAX_NS;

	next = b2b_directory_next_change(core->state, now);
	if (next > 0 && next - now < (int64_t)(WINDOW_MAX_NS / B2B_NS_PER_S))
		delay = next > now ? (uint64_t)(next - now) * B2B_NS_PER_S : B2B_NS_PER_S;
	b2b_timer_set(core->loop, &core->window, delay, window, core);
}

/* Contract windows need no event and no network. */
static void window(void *arg)
{
	struct b2b_core *core = arg;

	b2b_reconcile_soon(core, -1, false);
	arrange_window(core);
}

/* What ends by the clock looks at it again; a clock turned back opens nothing (b2b_core_now). */
static void clock_changed(void *arg)
{
	struct b2b_core *core = arg;

	b2b_log(LOG_NOTICE, "event=clock-changed now_s=%lld highest_s=%lld", (long long)b2b_wall_s(), (long long)core->floor_s);
	window(core);
	b2b_sessions_start(core);
}

static void directory_changed(void *arg, int org)
{
	struct b2b_core *core = arg;

	b2b_reconcile_soon(core, org, true);
	b2b_timer_set(core->loop, &core->window, B2B_NS_PER_S, window, core); /* windows may have moved */
}

/* What a former agent stored and did not live to publish shows in no pass: it is no change any more. */
static void publish_all(struct b2b_core *core)
{
	uint32_t i;

	for (i = 0; i < core->policy->n_orgs; i++)
		b2b_publish_org(core->publish, (int)i, NULL, NULL);
	core->published_all = true;
}

/* What was revoked before AT_NS is known here. */
static void heard_of(struct b2b_core *core, uint64_t at_ns)
{
	bool first = !core->heard_ns;

	core->heard_ns = at_ns;
	if (first) {
		b2b_publish_settled(core->publish);
		b2b_reconcile(core, -1);
	}
	b2b_lease_renew(core);
}

/* What it showed is in force: only then it is of use for the lease. */
static void passed(struct b2b_core *core)
{
	b2b_pass_complete(core, core->shown_ns);
	if (!core->published_all)
		publish_all(core);
	if (core->stream)
		b2b_lease_renew(core);
	else
		heard_of(core, core->shown_ns);
}

static void directory_passed(void *arg, uint64_t began_ns, int error, const char *why)
{
	struct b2b_core *core = arg;

	/* where an organisation's losses wait for a word the pass is complete all the same: the others do not wait with it (b2b_lease_renew) */
	if (error < 0 && error != -EBUSY) {
		b2b_log(LOG_WARNING, "event=directory-pass-failed error=\"%s\"", why ? why : strerror(-error));
		return;
	}
	b2b_log(LOG_INFO, error == -EBUSY ? "event=directory-pass waits=\"%s\"" : "event=directory-pass", why);
	core->shown_ns = began_ns;
	b2b_reconcile_then(core, passed);
}

static void signals_polled(void *arg)
{
	heard_of(arg, b2b_now_ns());
}

static void signals_gap(void *arg)
{
	struct b2b_core *core = arg;

	b2b_owe_pass(core, NULL);
	b2b_source_sync(core->source);
}

/* It may have been a revocation. The pass follows with the gap that the stream raises for it. */
static int signals_lost(void *arg)
{
	return b2b_owe_pass(arg, NULL);
}

static int signals_event(void *arg, const struct b2b_event *event)
{
	return b2b_on_event(arg, event);
}

static void federation_changed(void *arg, bool ready, const char *why)
{
	struct b2b_core *core = arg;

	b2b_log(ready ? LOG_INFO : LOG_WARNING, "event=federation-%s why=\"%s\"", ready ? "ready" : "unreachable", why ? why : "");
	if (ready)
		b2b_source_sync(core->source);
}

static void guard_gone(void *arg)
{
	struct b2b_core *core = arg;

	b2b_log(LOG_ERR, "event=guard-gone; the agent ends with it");
	b2b_loop_stop(core->loop, EX_SOFTWARE);
}

/* Only a configuration that can be read replaces the one that works. */
static void guard_reload(void *arg)
{
	struct b2b_core *core = arg;
	struct b2b_conf *conf;
	char error[B2B_CONF_ERROR_SIZE];

	if (b2b_conf_read(core->setup->conf_path, false, &conf, error) < 0) {
		b2b_log(LOG_ERR, "event=reload-refused error=\"%s\"; the old configuration stays in force", error);
		return;
	}
	b2b_conf_free(conf);
	b2b_loop_stop(core->loop, RELOAD);
}

static int start_parts(struct b2b_core *core, char *error)
{
	static const struct b2b_source_handlers source_handlers = { .changed = directory_changed, .passed = directory_passed };
	static const struct b2b_stream_handlers stream_handlers = { .event = signals_event, .polled = signals_polled,
		                                                  .lost = signals_lost, .gap = signals_gap };
	int r, guard_fd;

	if ((r = b2b_loop_new(&core->loop)) < 0 ||
	    (r = b2b_http_new(core->loop, core->conf->federation.ca_file, core->conf->federation.proxy, &core->http)) < 0 ||
	    (r = b2b_tickets_new(&core->tickets)) < 0 || (r = b2b_state_open(core->setup->state_dir, &core->state)) < 0 ||
	    (r = b2b_directory_adopt_policy(core->state, core->policy)) < 0)
		return r;
	core->roles_moved = r == 1;
	b2b_ledger_set_rules(core->state, core->conf->pins, core->conf->host.hashed_ids);
	core->floor_s = b2b_clock_floor(core->state);
	core->push_rate = (struct b2b_rate){ .burst = core->conf->host.approval_requests,
		                             .every_ns = core->conf->host.approval_pause_s * B2B_NS_PER_S };
	core->command_rate = core->push_rate;
	/* the link owns its descriptor; a reload needs the original again */
	guard_fd = dup(core->setup->guard_fd);
	if (guard_fd < 0)
		return -errno;
	if ((r = b2b_guard_link_new(core->loop, guard_fd, guard_gone, guard_reload, core, &core->guard)) < 0 ||
	    (r = b2b_publish_new(core->loop, core->state, core->policy, core->lives, core->guard, &core->publish)) < 0 ||
	    (r = b2b_federation_new(core->loop, core->http, core->conf, &core->federation, error)) < 0 ||
	    (r = b2b_source_new(core->loop, core->http, core->federation, core->state, core->policy, core->conf, &source_handlers, core,
	                        &core->source)) < 0)
		return r;
	if (core->conf->federation.directory == B2B_DIRECTORY_TOKEN &&
	    (r = b2b_reservations_new(core->state, core->policy, &core->reservations)) < 0)
		return r;
	if (core->conf->federation.signals == B2B_SIGNALS_SSF &&
	    (r = b2b_stream_new(core->loop, core->http, core->federation, core->state, core->conf, core->policy, &stream_handlers, core, &core->stream)) < 0)
		return r;
	b2b_owed_pass_start(core);
	r = b2b_clock_watch_new(core->loop, clock_changed, core, &core->clock_watch);
	if (r < 0)
		return r;
	r = b2b_status_start(core);
	if (r < 0)
		return r;
	b2b_federation_on_ready(core->federation, federation_changed, core);
	r = b2b_distrust_apply(core); /* before any token comes */
	if (r < 0)
		return r;
	return b2b_server_new(core->loop, core->setup->listen_fd, b2b_on_request, core, &core->server);
}

static void stop_parts(struct b2b_core *core)
{
	b2b_name_asks_cancel(core);
	b2b_reverify_stop(core);
	b2b_clock_watch_free(core->clock_watch);
	b2b_server_free(core->server);
	b2b_stream_free(core->stream);
	b2b_source_free(core->source);
	b2b_status_cache_free(core->status);
	b2b_reservations_free(core->reservations);
	b2b_federation_free(core->federation);
	b2b_publish_free(core->publish);
	b2b_guard_link_free(core->guard);
	b2b_revocations_stop(core);
	if (core->state)
		b2b_closed_drop(core);
	b2b_state_close(core->state);
	b2b_tickets_free(core->tickets);
	b2b_http_free(core->http);
	b2b_loop_free(core->loop);
	b2b_conf_free(core->conf);
}

static void stop_signal(void *arg, short revents)
{
	struct b2b_core *core = arg;

	(void)revents;
	b2b_loop_stop(core->loop, 0);
}

/* SIGTERM and SIGINT arrive as a descriptor, blocked otherwise; SIGPIPE never. */
static int signal_descriptor(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The guard could not announce what lies there, or root's roles have other numbers than it carries. */
static void publish_anew(struct b2b_core *core)
{
	for (uint32_t i = 0; i < core->policy->n_orgs; i++)
		if (core->roles_moved || b2b_live_unpublished(core->lives[i]))
			b2b_publish_org(core->publish, (int)i, NULL, NULL);
}

static void resume(struct b2b_core *core)
{
	struct b2b_source_status directory;

	b2b_source_get_status(core->source, &directory);
	b2b_sessions_start(core);
	b2b_reverify_look(core);
	b2b_revocations_start(core);
	b2b_pins_start(core);
	b2b_reconcile(core, -1); /* before anybody is served */
	arrange_window(core);
	/* Before the first complete pass the names that are on disk are better than what is known here, where they can be read. */
	if (!directory.last_complete_s)
		publish_anew(core);
	else
		publish_all(core);
	beat(core);
}

static int run(struct b2b_core *core, int signal_fd)
{
	char error[B2B_CONF_ERROR_SIZE] = "";
	struct b2b_io *io = NULL;
	int r = b2b_conf_read(core->setup->conf_path, false, &core->conf, error);

	if (r < 0) {
		b2b_log(LOG_ERR, "%s", error);
		return EX_CONFIG;
	}
	r = start_parts(core, error);
	if (r < 0) {
		b2b_log(LOG_ERR, "%s", *error ? error : strerror(-r));
		r = *error ? EX_CONFIG : EX_OSERR;
		goto out;
	}
	if (b2b_io_add(core->loop, signal_fd, POLLIN, stop_signal, core, &io) < 0) {
		r = EX_OSERR;
		goto out;
	}
	resume(core);
	sd_notify(0, "READY=1\nSTATUS=Serving partner log-ins");
	b2b_log(LOG_INFO, "event=started organisations=%u", core->policy->n_orgs);
	r = b2b_loop_run(core->loop);
	b2b_io_remove(io);
out:
	stop_parts(core);
	return r;
}

int b2b_agent_main(const struct b2b_agent_setup *setup)
{
	int signal_fd = signal_descriptor(), r;

	if (signal_fd < 0)
		return EX_OSERR;
	do {
		struct b2b_core *core = calloc(1, sizeof(*core));

		if (!core)
			return EX_OSERR;
		core->setup = setup;
		core->policy = setup->policy;
		core->lives = setup->lives;
		memcpy(core->seal_key, setup->seal_key, sizeof(core->seal_key));
		core->started_s = b2b_wall_s();
		core->name_rate = b2b_name_rate();
		core->auth_rate = (struct b2b_rate){ .burst = 10, .every_ns = 6 * B2B_NS_PER_S };
		r = run(core, signal_fd);
		explicit_bzero(core->seal_key, sizeof(core->seal_key));
		free(core);
	} while (r == RELOAD);
	sd_notify(0, "STOPPING=1");
	b2b_log(LOG_INFO, "event=stopped status=%d", r);
	close(signal_fd);
	return r;
}
