/*
 * What status lists say of the log-ins and sessions of this host: at a log-in, at every decision that uses it later, and of every open session
 * each time its list is fetched anew. A list that cannot be had lets nobody in, and ends nobody.
 */
#include <errno.h>
#include <stdlib.h>

#include "b2bd/core.h"
#include "b2bd/state/status_state.h"
#include "common/clock.h"
#include "common/log.h"

#define SESSIONS_AT_ONCE 64

enum b2b_reason b2b_status_of_place(struct b2b_core *core, const struct b2b_status_place *place, const char **ret_fault)
{
	return place->uri ? b2b_status_cache_standing(core->status, place->uri, place->index, ret_fault) : B2B_OK;
}

enum b2b_reason b2b_status_of_authentication(struct b2b_core *core, const struct b2b_authentication *authentication)
{
	const char *fault;
	enum b2b_reason reason;
	char *uri;

	if (!authentication->status_list)
		return B2B_OK;
	if (b2b_status_list_uri(core->state, authentication->status_list, &uri) < 0)
		return B2B_AUTH_UNKNOWN;
	reason = b2b_status_cache_standing(core->status, uri, (uint64_t)authentication->status_index, &fault);
	free(uri);
	return reason;
}

int b2b_status_note(struct b2b_core *core, const struct b2b_status_place *place, struct b2b_authentication *authentication)
{
	if (!place->uri)
		return 0;
	authentication->status_index = (int64_t)place->index;
	return b2b_status_list_number(core->state, place->uri, &authentication->status_list);
}

static bool needed(void *arg, const char *uri)
{
	struct b2b_core *core = arg;
	int64_t list;
	int r = b2b_status_list_find(core->state, uri, &list);

	if (r < 0)
		return r != -ENOENT; /* else it cannot be told */
	return b2b_session_count_of_list(core->state, list) != 0 || b2b_tickets_name_list(core->tickets, list, b2b_now_ns());
}

/* Those sessions of a list that are to be ended. */
struct withdrawn {
	struct b2b_core *core;
	const char *uri;
	size_t n, placeless;
	struct {
		struct b2b_session session;
		enum b2b_reason reason;
	} list[SESSIONS_AT_ONCE];
};

static int collect(void *arg, const struct b2b_session *session)
{
	struct withdrawn *withdrawn = arg;
	const char *fault;
	enum b2b_reason reason = b2b_status_cache_standing(withdrawn->core->status, withdrawn->uri, (uint64_t)session->status_index, &fault);

	withdrawn->placeless += reason == B2B_AUTH_UNKNOWN;
	if (reason != B2B_AUTH_INVALID && reason != B2B_AUTH_SUSPENDED)
		return 0;
	withdrawn->list[withdrawn->n].session = *session;
	withdrawn->list[withdrawn->n++].reason = reason;
	return withdrawn->n == SESSIONS_AT_ONCE; /* the others when these are out of the way */
}

/* False: there may be more. */
static bool end_withdrawn(struct b2b_core *core, const char *uri, int64_t list)
{
	struct withdrawn withdrawn = { .core = core, .uri = uri };

	if (b2b_session_each_of_list(core->state, list, collect, &withdrawn) < 0)
		return true; /* the next fetch sees them */
	for (size_t i = 0; i < withdrawn.n; i++)
		b2b_session_end_for(core, &withdrawn.list[i].session, withdrawn.list[i].reason);
	if (withdrawn.placeless)
		b2b_log(LOG_WARNING, "event=status-list-short uri=%s sessions=%zu; it has no place for them, and they go on", uri, withdrawn.placeless);
	return withdrawn.n < SESSIONS_AT_ONCE;
}

static void fetched(void *arg, const char *uri, int64_t issued_at)
{
	struct b2b_core *core = arg;
	int64_t list, before, left;

	/* Who waited for it is about to open a session in it: the time that it was issued at is kept for that. */
	if (b2b_status_list_number(core->state, uri, &list) < 0) {
		b2b_log(LOG_ERR, "event=status-list-not-known uri=%s; which sessions it speaks of cannot be told before the next fetch", uri);
		return;
	}
	if (b2b_status_list_issued(core->state, list, issued_at) < 0)
		b2b_log(LOG_ERR, "event=status-list-not-noted uri=%s; an older one may be believed after a restart", uri);
	left = b2b_session_count_of_list(core->state, list);
	do { /* as long as it helps: an end that is not durable leaves its session for the next fetch */
		before = left;
		if (end_withdrawn(core, uri, list))
			return;
		left = b2b_session_count_of_list(core->state, list);
	} while (left > 0 && left < before);
}

static int follow(void *arg, const char *uri, int64_t issued_at)
{
	struct b2b_core *core = arg;
	int r = b2b_status_cache_follow(core->status, uri, issued_at);

	if (r < 0) /* root may have taken its place out of the configuration: then nobody can say any more, and nobody is ended for it */
		b2b_log(LOG_WARNING, "event=status-list-not-followed uri=%s error=\"%s\"", uri, r == -EPERM ? "not a place of status_origins" : "too many");
	return 0;
}

int b2b_status_start(struct b2b_core *core)
{
	static const struct b2b_status_handlers handlers = { .fetched = fetched, .needed = needed };
	int r = b2b_status_cache_new(core->loop, core->http, core->federation, core->conf, &handlers, core, &core->status);

	return r < 0 ? r : b2b_status_list_each(core->state, follow, core);
}

struct lists {
	struct b2b_core *core;
	json_t *list;
};

static void add_list(void *arg, const struct b2b_status_figures *figures)
{
	struct lists *lists = arg;
	int64_t list = 0, sessions = 0;

	if (b2b_status_list_find(lists->core->state, figures->uri, &list) == 0)
		sessions = b2b_session_count_of_list(lists->core->state, list);
	json_array_append_new(lists->list, json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:s}", "uri", figures->uri, "sessions",
	                                             (json_int_t)sessions, "fetched_s", (json_int_t)figures->fetched_s, "issued_s",
	                                             (json_int_t)figures->issued_at, "expires_s", (json_int_t)figures->expires_at, "ttl_s",
	                                             (json_int_t)figures->ttl_s, "interval_s", (json_int_t)figures->interval_s, "within_s", (json_int_t)figures->within_s, "next_in_s",
	                                             (json_int_t)(figures->next_ns / B2B_NS_PER_S), "failing_since_s",
	                                             (json_int_t)figures->failing_since_s, "why", figures->why));
}

json_t *b2b_status_lists_json(struct b2b_core *core)
{
	struct lists lists = { .core = core, .list = json_array() };

	b2b_status_cache_each(core->status, add_list, &lists);
	return lists.list;
}
