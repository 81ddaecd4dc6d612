/* When to read the directory; how is the source's own business (scim_*.c, keycloak_*.c, token_pass.c). */
#include "b2bd/directory/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/delta.h"
#include "b2bd/directory/keycloak_find.h"
#include "b2bd/directory/keycloak_pass.h"
#include "b2bd/directory/keycloak_url.h"
#include "b2bd/directory/scim_find.h"
#include "b2bd/directory/scim_pass.h"
#include "b2bd/directory/token_pass.h"
#include "b2bd/jitter.h"
#include "common/clock.h"

#define RETRY_FIRST_S 5
#define WHY_SIZE 256

struct question {
	struct question *next;
	struct b2b_source *source;
	struct b2b_find *find;
	void (*done)(void *arg, int error);
	void *arg;
};

static char *scim_base(const struct b2b_conf_federation *federation)
{
	const char *url = federation->scim_url ? federation->scim_url : federation->issuer;
	size_t len = strlen(url);
	char *base = NULL;

	while (len && url[len - 1] == '/')
		len--;
	if (asprintf(&base, "%.*s%s", (int)len, url, federation->scim_url ? "" : "/scim/v2") < 0)
		return NULL;
	return base;
}

/* What one kind of directory does in its own way; the tokens, which are none, do neither. */
static const struct kind {
	char *(*base)(const struct b2b_conf_federation *federation); /* malloc'ed, NULL for want of memory */
	int (*start_pass)(const struct b2b_pass_order *order, struct b2b_pass **ret_pass);
	int (*start_find)(const struct b2b_find *find, struct b2b_find **ret_find);
} kinds[] = {
	[B2B_DIRECTORY_SCIM] = { scim_base, b2b_scim_pass_start, b2b_scim_find_start },
	[B2B_DIRECTORY_TOKEN] = { scim_base, NULL, NULL },
	[B2B_DIRECTORY_KEYCLOAK] = { b2b_keycloak_base, b2b_keycloak_pass_start, b2b_keycloak_find_start },
};

struct b2b_source {
	const struct kind *kind;
	struct b2b_api api;
	struct b2b_state *state;
	const struct b2b_policy *policy;
	const struct b2b_conf *conf;
	struct b2b_source_handlers handlers;
	void *arg;
	char *base;
	struct b2b_scim_store store; /* of single questions */
	struct b2b_pass *pass;
	struct b2b_token_pass *token_pass; /* instead, where there is no directory */
	uint64_t began_ns; /* the pass */
	bool again; /* asked for while a pass was under way, which may have read too early */
	struct b2b_delta delta;
	bool changes;      /* the pass is over changes alone */
	uint64_t full_ns;  /* when the next full one is due (b2b_now_ns) */
	struct b2b_timer timer;
	unsigned failures;
	struct question *questions;
	int64_t failing_since_s;
	char why[WHY_SIZE];
};

static bool passing(const struct b2b_source *source)
{
	return source->pass || source->token_pass;
}

static void begin(struct b2b_source *source);

static void due(void *arg)
{
	struct b2b_source *source = arg;

	/* what asks for changes alone must not hold up a full pass; its end arranges that one */
	if (source->changes && source->pass)
		b2b_pass_fail(source->pass, "a full pass is due");
	else if (!passing(source))
		begin(source);
}

/* Everybody's passes would otherwise reach the service at the same second: a tenth either way. */
static uint64_t about_ns(uint32_t interval_s)
{
	uint64_t interval = interval_s * B2B_NS_PER_S;

	return b2b_jitter_ns(interval - interval / 10, interval + interval / 10);
}

/* After a failure, when all have one, within half. */
static uint64_t pause_ns(const struct b2b_source *source)
{
	uint64_t interval = source->conf->federation.sync_interval_s * B2B_NS_PER_S, retry = RETRY_FIRST_S * B2B_NS_PER_S;

	if (!source->failures)
		return about_ns(source->conf->federation.sync_interval_s);
	retry <<= source->failures > 8 ? 8 : source->failures - 1;
	if (retry > interval)
		retry = interval;
	return b2b_jitter_ns(retry / 2, retry);
}

static void arrange_next(struct b2b_source *source)
{
	uint64_t now_ns = b2b_now_ns(), wait_ns = source->full_ns > now_ns ? source->full_ns - now_ns : 0, changes_ns;

	if (wait_ns && b2b_delta_may(&source->delta)) {
		changes_ns = about_ns(source->delta.interval_s);
		if (changes_ns < wait_ns)
			wait_ns = changes_ns;
	}
	b2b_timer_set(source->api.loop, &source->timer, wait_ns, due, source);
}

static void pass_changed(void *arg, int org)
{
	struct b2b_source *source = arg;

	source->handlers.changed(source->arg, org);
}

/* How the service answered; waiting for a person's word is no failure of it: it is not asked more often for that. */
static void note_end(struct b2b_source *source, int error, const char *why)
{
	source->pass = NULL;
	source->token_pass = NULL;
	source->failures = error == -EAGAIN ? source->failures + 1 : 0;
	snprintf(source->why, sizeof(source->why), "%s", error < 0 ? why : "");
	if (error != -EAGAIN)
		source->failing_since_s = 0;
	else if (!source->failing_since_s)
		source->failing_since_s = b2b_wall_s();
}

static void pass_end(void *arg, int error, const char *why)
{
	struct b2b_source *source = arg;

	note_end(source, error, why);
	b2b_delta_full_ended(&source->delta, error != -EAGAIN);
	source->full_ns = source->again ? 0 : b2b_now_ns() + pause_ns(source);
	arrange_next(source);
	source->handlers.passed(source->arg, source->began_ns, error, source->why);
}

/* A service that fails is left in peace for a while, as after a full pass that failed. */
static void changes_end(void *arg, int error, const char *why)
{
	struct b2b_source *source = arg;
	bool cut = b2b_now_ns() >= source->full_ns;

	source->changes = false;
	source->pass = NULL;
	if (error == -EAGAIN && !cut)
		note_end(source, error, why);
	if (b2b_delta_ended(&source->delta, error, why, cut))
		source->full_ns = 0;
	else if (error < 0)
		source->full_ns = b2b_now_ns() + pause_ns(source);
	arrange_next(source);
}

static int start_pass(struct b2b_source *source)
{
	struct b2b_pass_order order = { .api = source->api, .base = source->base, .state = source->state, .policy = source->policy,
		                        .conf = source->conf, .known = &source->delta.known, .changes = source->changes,
		                        .handlers = { .changed = pass_changed, .end = source->changes ? changes_end : pass_end }, .arg = source };

	return source->kind->start_pass ? source->kind->start_pass(&order, &source->pass) : b2b_token_pass_start(&order, &source->token_pass);
}

static void begin(struct b2b_source *source)
{
	uint64_t now_ns = b2b_now_ns();
	int r;

	source->changes = now_ns < source->full_ns && b2b_delta_may(&source->delta);
	b2b_timer_stop(&source->timer);
	if (source->changes) {
		b2b_timer_set(source->api.loop, &source->timer, source->full_ns - now_ns, due, source);
	} else {
		source->again = false;
		source->began_ns = now_ns;
	}
	r = start_pass(source);
	if (r < 0) {
		snprintf(source->why, sizeof(source->why), "a pass could not be begun: %s", strerror(-r));
		source->changes = false;
		source->failures++;
		source->full_ns = now_ns + pause_ns(source);
		arrange_next(source);
	}
}

int b2b_source_new(struct b2b_loop *loop, struct b2b_http *http, struct b2b_federation *federation, struct b2b_state *state,
                   const struct b2b_policy *policy, const struct b2b_conf *conf, const struct b2b_source_handlers *handlers, void *arg,
                   struct b2b_source **ret_source)
{
	struct b2b_source *source = calloc(1, sizeof(*source));

	if (!source)
		return -ENOMEM;
	source->api = (struct b2b_api){ .loop = loop, .http = http, .federation = federation };
	source->state = state;
	source->policy = policy;
	source->conf = conf;
	source->handlers = *handlers;
	source->arg = arg;
	source->delta.interval_s = conf->federation.delta_interval_s;
	source->kind = &kinds[conf->federation.directory];
	source->base = source->kind->base(&conf->federation);
	source->store = (struct b2b_scim_store){ .state = state, .policy = policy, .conf = conf };
	source->store.changed = calloc(policy->n_orgs + 1, sizeof(*source->store.changed));
	if (!source->base || !source->store.changed) {
		free(source->store.changed);
		free(source->base);
		free(source);
		return -ENOMEM;
	}
	*ret_source = source;
	return 0;
}

void b2b_source_free(struct b2b_source *source)
{
	struct question *question;

	if (!source)
		return;
	while ((question = source->questions)) {
		source->questions = question->next;
		b2b_find_cancel(question->find);
		free(question);
	}
	b2b_pass_cancel(source->pass);
	b2b_token_pass_cancel(source->token_pass);
	b2b_scim_pages_clear(&source->delta.known.people);
	b2b_timer_stop(&source->timer);
	free(source->store.changed);
	free(source->base);
	free(source);
}

void b2b_source_sync(struct b2b_source *source)
{
	source->full_ns = 0;
	if (passing(source) && !source->changes)
		source->again = true;
	else
		b2b_timer_set(source->api.loop, &source->timer, 0, due, source);
}

static void unlink_question(struct question *question)
{
	struct question **at = &question->source->questions;

	while (*at != question)
		at = &(*at)->next;
	*at = question->next;
}

static void found(void *arg, int error)
{
	struct question *question = arg;
	struct b2b_source *source = question->source;
	uint32_t i;

	unlink_question(question);
	source->store.logged = 0;
	for (i = 0; i < source->policy->n_orgs; i++) {
		if (!source->store.changed[i])
			continue;
		source->store.changed[i] = false;
		source->handlers.changed(source->arg, (int)i);
	}
	if (question->done)
		question->done(question->arg, error);
	free(question);
}

/* What the tokens have brought is all there is. */
static int find_known(struct b2b_source *source, int org, const char *local)
{
	struct b2b_principal person;
	int r = b2b_directory_by_name(source->state, source->policy->orgs[org].id, local, &person);

	if (r == 0)
		b2b_principal_clear(&person);
	return r == 0 || r == -ENOENT ? r : -EHOSTUNREACH;
}

static void ask(struct b2b_source *source, int org, const char *local, void (*done)(void *arg, int error), void *arg)
{
	struct question *question = calloc(1, sizeof(*question));
	struct b2b_find find = { .api = &source->api, .base = source->base, .store = &source->store, .org = org, .done = found, .arg = question };
	int r;

	if (!question) {
		done(arg, -EHOSTUNREACH);
		return;
	}
	question->source = source;
	question->done = done;
	question->arg = arg;
	question->next = source->questions;
	source->questions = question;
	snprintf(find.local, sizeof(find.local), "%s", local);
	r = source->kind->start_find(&find, &question->find);
	if (r < 0) {
		unlink_question(question);
		free(question);
		done(arg, -EHOSTUNREACH);
	}
}

void b2b_source_find(struct b2b_source *source, int org, const char *local, void (*done)(void *arg, int error), void *arg)
{
	if (source->kind->start_find)
		ask(source, org, local, done, arg);
	else
		done(arg, find_known(source, org, local));
}

/* The answer is stored all the same when it comes. */
void b2b_source_forget(struct b2b_source *source, void *arg)
{
	struct question *question;

	for (question = source->questions; question; question = question->next) {
		if (question->arg == arg)
			question->done = NULL;
	}
}

void b2b_source_get_status(const struct b2b_source *source, struct b2b_source_status *ret_status)
{
	struct b2b_source_status status = { .failing_since_s = source->failing_since_s, .why = source->why };
	struct b2b_directory_counts counts = { 0 };

	status.changes_interval_s = source->delta.interval_s;
	status.changes_last_s = source->delta.last_s;
	status.changes_why_not = source->delta.interval_s ? b2b_delta_why_not(&source->delta) : "";
	b2b_directory_last_pass(source->state, &status.last_complete_s);
	b2b_directory_count(source->state, &counts);
	status.people = counts.people;
	status.organisations = counts.organisations;
	status.groups = counts.groups;
	*ret_status = status;
}
