#include "b2bd/directory/confirm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/scim_parse.h"

#define TIMEOUT_MS 10000

static const char doubt[] = "the service does not say whether people who are no longer listed are gone";

int b2b_confirm_add(struct b2b_pass *pass, uint32_t uid, const char *id)
{
	char *copy = strdup(id);

	if (!pass->missing)
		pass->missing = calloc(B2B_CONFIRM_ROWS, sizeof(*pass->missing));
	if (!copy || !pass->missing) {
		free(copy);
		return -ENOMEM;
	}
	pass->missing[pass->n_missing++] = (struct b2b_missing){ .uid = uid, .id = copy };
	return pass->n_missing == B2B_CONFIRM_ROWS;
}

void b2b_confirm_drop(struct b2b_pass *pass)
{
	while (pass->n_missing)
		free(pass->missing[--pass->n_missing].id);
	free(pass->missing);
	pass->missing = NULL;
	pass->n_asked = 0;
}

/* URL is taken. Returns 0 or a negative errno. */
static int ask(struct b2b_pass *pass, char *url, void (*done)(void *arg, const struct b2b_http_response *response))
{
	struct b2b_http_request request = { .method = "GET", .url = url, .accept = "application/scim+json, application/json",
		                            .timeout_ms = TIMEOUT_MS };
	int r = url ? b2b_api_start(&pass->api, &request, done, pass, &pass->confirm) : -ENOMEM;

	free(url);
	return r;
}

static void go_on(void *arg)
{
	struct b2b_pass *pass = arg;

	pass->confirmed(pass);
}

/* Exactly those asked for, and then the next of them: nobody goes who was not asked for. */
static void remove_asked(struct b2b_pass *pass)
{
	uint32_t uids[B2B_CONFIRM_ROWS], removed = 0;
	size_t i;
	int r;

	for (i = 0; i < pass->n_missing; i++)
		uids[i] = pass->missing[i].uid;
	r = b2b_directory_remove(pass->store.state, pass->number, uids, pass->n_missing, &removed);
	if (r < 0) {
		b2b_pass_fail(pass, strerror(-r));
		return;
	}
	b2b_confirm_drop(pass);
	if (removed)
		pass->store.changed[pass->org] = true;
	b2b_pass_stored(pass);
	b2b_timer_set(pass->api.loop, &pass->next, 0, go_on, pass);
}

static void org_answered(void *arg, const struct b2b_http_response *response)
{
	struct b2b_pass *pass = arg;

	pass->confirm = NULL;
	if (response->error || response->status != 200)
		b2b_pass_fail(pass, doubt);
	else
		remove_asked(pass);
}

static void all_confirmed(struct b2b_pass *pass)
{
	int r;

	if (!pass->gone || !pass->listed[pass->org] || !pass->kind->org_url) {
		remove_asked(pass);
		return;
	}
	r = ask(pass, pass->kind->org_url(pass, pass->org), org_answered);
	if (r < 0)
		b2b_pass_fail(pass, strerror(-r));
}

static void confirm_next(struct b2b_pass *pass);

/* Somebody who is there was not shown: a page moved. */
static int still_there(struct b2b_pass *pass, const struct b2b_http_response *response, const char *id)
{
	json_t *answer = json_loadb(response->body, response->body_len, JSON_REJECT_DUPLICATES, NULL), *person, *resources;
	int r = -EAGAIN;

	if (answer && b2b_scim_id(answer) && !strcmp(b2b_scim_id(answer), id)) {
		person = pass->kind->person(pass, pass->org, answer);
		resources = person ? json_pack("[o]", person) : NULL;
		r = resources ? b2b_scim_store_people(&pass->store, resources, pass->number) : -ENOMEM;
		json_decref(resources);
	}
	json_decref(answer);
	return r;
}

/* Listed or not: what the service says of this one id counts. */
static void confirmed(void *arg, const struct b2b_http_response *response)
{
	struct b2b_pass *pass = arg;
	const char *id = pass->missing[pass->n_asked++].id;
	int r = -EAGAIN;

	pass->confirm = NULL;
	if (!response->error && response->status == 200) {
		r = still_there(pass, response, id);
	} else if (!response->error && response->status == 404) {
		pass->gone = true;
		r = 0;
	}
	if (r < 0)
		b2b_pass_fail(pass, doubt);
	else
		confirm_next(pass);
}

static void confirm_next(struct b2b_pass *pass)
{
	int r;

	if (pass->n_asked == pass->n_missing) {
		all_confirmed(pass);
		return;
	}
	r = ask(pass, pass->kind->person_url(pass, pass->org, pass->missing[pass->n_asked].id), confirmed);
	if (r < 0)
		b2b_pass_fail(pass, strerror(-r));
}

void b2b_confirm(struct b2b_pass *pass, void (*then)(struct b2b_pass *pass))
{
	pass->gone = false;
	pass->confirmed = then;
	confirm_next(pass);
}

void b2b_confirm_cancel(struct b2b_pass *pass)
{
	b2b_api_cancel(pass->confirm);
	pass->confirm = NULL;
}
