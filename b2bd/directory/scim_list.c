#include "b2bd/directory/scim_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/id_set.h"
#include "b2bd/directory/scim_parse.h"
#include "b2bd/json.h"
#include "common/clock.h"

#define COUNT 500                 /* resources asked for at once: also the size of a transaction */
#define PAGE_MAX (32u << 20)      /* bytes of an answer: a group may list very many members */
#define PAGE_TIMEOUT_MS 30000
#define PAGE_TRIES 3
#define RETRY_NS B2B_NS_PER_S
#define RETRY_AFTER_MAX_S 60
#define RESTARTS_MAX 3
#define WHY_SIZE 256

struct b2b_scim_list {
	struct b2b_api api;
	struct b2b_scim_list_handlers handlers;
	void *arg;
	char *url; /* without what tells the page */
	enum b2b_list_style style;
	struct b2b_api_call *call;
	struct b2b_timer retry;
	struct b2b_id_set shown;
	int64_t start;    /* place of the first resource of the page that is asked for; SCIM counts from 1 */
	int64_t total;    /* as the first page said; -1: none yet */
	unsigned tries, restarts;
	char why[WHY_SIZE];
};

static void list_free(struct b2b_scim_list *list)
{
	b2b_timer_stop(&list->retry);
	b2b_id_set_clear(&list->shown);
	free(list->url);
	free(list);
}

static void end(struct b2b_scim_list *list, int error, const char *why)
{
	struct b2b_scim_list_handlers handlers = list->handlers;
	void *arg = list->arg;
	char text[WHY_SIZE];

	snprintf(text, sizeof(text), "%s", why);
	list_free(list);
	handlers.end(arg, error, text);
}

static void ask(struct b2b_scim_list *list);

static void retry(void *arg)
{
	ask(arg);
}

/* Something in between failed: a listing of thousands of pages does not begin anew for one of them. */
static void try_again(struct b2b_scim_list *list, long after_s)
{
	uint64_t delay = RETRY_NS << list->tries;

	if (++list->tries >= PAGE_TRIES) {
		end(list, -EAGAIN, list->why);
		return;
	}
	if (after_s > 0)
		delay = (uint64_t)(after_s < RETRY_AFTER_MAX_S ? after_s : RETRY_AFTER_MAX_S) * B2B_NS_PER_S;
	b2b_timer_set(list->api.loop, &list->retry, delay, retry, list);
}

static void rewind_list(struct b2b_scim_list *list)
{
	list->start = list->style == B2B_LIST_SCIM ? 1 : 0;
	list->total = -1;
}

/* People came or went while we read, and pages have moved: somebody may have slipped through. */
static void start_over(struct b2b_scim_list *list)
{
	if (++list->restarts > RESTARTS_MAX) {
		end(list, -EAGAIN, "the directory keeps changing while it is read");
		return;
	}
	b2b_id_set_clear(&list->shown);
	rewind_list(list);
	ask(list);
}

/* How many of them were not shown before, or a negative errno. */
static int64_t note_shown(struct b2b_scim_list *list, const json_t *resources)
{
	const json_t *resource;
	const char *id;
	int64_t new = 0;
	size_t i;
	int r;

	json_array_foreach(resources, i, resource) {
		id = b2b_scim_id(resource);
		if (!id)
			return -EBADMSG;
		r = b2b_id_set_add(&list->shown, id);
		if (r < 0)
			return r;
		new += r;
	}
	return new;
}

/* Without a total only an empty page is the end; one that shows nobody new would never come to it. */
static void turn_untotalled(struct b2b_scim_list *list, size_t n, int64_t new)
{
	if (n == 0)
		end(list, 0, "");
	else if (new == 0)
		end(list, -EAGAIN, "the same page comes again");
	else
		ask(list);
}

static void turn_page(struct b2b_scim_list *list, const struct b2b_scim_page *page)
{
	int64_t new = note_shown(list, page->resources), shown;
	int r;

	if (new < 0) {
		end(list, -EAGAIN, "a resource without an id");
		return;
	}
	r = list->handlers.page(list->arg, page->resources);
	if (r < 0) {
		end(list, -EAGAIN, strerror(-r));
		return;
	}
	list->start += (int64_t)json_array_size(page->resources);
	if (list->style == B2B_LIST_KEYCLOAK) {
		turn_untotalled(list, json_array_size(page->resources), new);
		return;
	}
	if (list->total >= 0 && page->total != list->total) {
		start_over(list);
		return;
	}
	list->total = page->total;
	shown = (int64_t)list->shown.n;
	if (shown == list->total)
		end(list, 0, "");
	else if (shown > list->total || new == 0)
		end(list, -EAGAIN, shown > list->total ? "more resources than totalResults" : "fewer resources than totalResults");
	else
		ask(list);
}

static int parse_page(const struct b2b_scim_list *list, const struct b2b_http_response *response, struct b2b_scim_page *ret_page)
{
	json_t *root;
	int r;

	if (list->style == B2B_LIST_SCIM)
		return b2b_scim_page_parse(response->body, response->body_len, ret_page);
	r = b2b_json_parse_array(response->body, response->body_len, &root);
	if (r == 0)
		*ret_page = (struct b2b_scim_page){ .root = root, .resources = root, .total = -1 };
	return r;
}

/* No page, for whatever reason. */
static void refused(struct b2b_scim_list *list, const struct b2b_http_response *response)
{
	int r = response->status == 404 ? -ENOENT : response->status == 400 || response->status == 501 ? -EOPNOTSUPP : -EAGAIN;

	if (response->error)
		snprintf(list->why, sizeof(list->why), "%s", response->error_text);
	else
		snprintf(list->why, sizeof(list->why), "%.*s answered with status %ld", (int)strcspn(list->url, "?"), list->url, response->status);
	if (response->error || response->status == 429 || (response->status >= 500 && response->status != 501))
		try_again(list, response->retry_after_s);
	else
		end(list, r, list->why);
}

static void answered(void *arg, const struct b2b_http_response *response)
{
	struct b2b_scim_list *list = arg;
	struct b2b_scim_page page = { 0 };
	int r;

	list->call = NULL;
	if (response->error || response->status != 200) {
		refused(list, response);
		return;
	}
	r = parse_page(list, response, &page);
	if (r < 0) {
		snprintf(list->why, sizeof(list->why), "%.*s did not answer with a %slist", (int)strcspn(list->url, "?"), list->url,
		         list->style == B2B_LIST_SCIM ? "SCIM " : "");
		try_again(list, -1);
		return;
	}
	list->tries = 0;
	turn_page(list, &page);
	b2b_scim_page_clear(&page);
}

/* Returns 0 or -ENAMETOOLONG. */
static int page_url(const struct b2b_scim_list *list, char *url, size_t size)
{
	const char *format = list->style == B2B_LIST_SCIM ? "%s%cstartIndex=%lld&count=%d" : "%s%cfirst=%lld&max=%d";

	return snprintf(url, size, format, list->url, strchr(list->url, '?') ? '&' : '?', (long long)list->start, COUNT) < (int)size ? 0 : -ENAMETOOLONG;
}

static void ask(struct b2b_scim_list *list)
{
	char url[2304];
	struct b2b_http_request request = { .method = "GET", .url = url, .accept = "application/scim+json, application/json",
		                            .timeout_ms = PAGE_TIMEOUT_MS, .max_body = PAGE_MAX };
	int r = page_url(list, url, sizeof(url));

	if (r == 0)
		r = b2b_api_start(&list->api, &request, answered, list, &list->call);
	if (r < 0) {
		snprintf(list->why, sizeof(list->why), "%s", strerror(-r));
		list->tries = 0;
		try_again(list, -1); /* not from within start: the end comes from the loop */
	}
}

int b2b_scim_list_start(const struct b2b_api *api, const char *url, enum b2b_list_style style, const struct b2b_scim_list_handlers *handlers,
                        void *arg, struct b2b_scim_list **ret_list)
{
	struct b2b_scim_list *list = calloc(1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	list->url = strdup(url);
	if (!list->url) {
		free(list);
		return -ENOMEM;
	}
	list->api = *api;
	list->style = style;
	list->handlers = *handlers;
	list->arg = arg;
	rewind_list(list);
	*ret_list = list;
	ask(list);
	return 0;
}

void b2b_scim_list_cancel(struct b2b_scim_list *list)
{
	if (!list)
		return;
	b2b_api_cancel(list->call);
	list_free(list);
}
