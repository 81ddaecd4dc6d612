#include "b2bd/directory/scim_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/id_set.h"
#include "b2bd/directory/scim_parse.h"
#include "b2bd/directory/scim_text.h"
#include "b2bd/json.h"
#include "common/clock.h"

#define COUNT 500                 /* resources asked for at once: also the size of a transaction */
#define PAGE_MAX (32u << 20)      /* bytes of an answer: a group may list very many members */
#define PAGE_TIMEOUT_MS 30000
#define PAGE_TRIES 3
#define RETRY_NS B2B_NS_PER_S
#define RETRY_AFTER_MAX_S 60
#define RESTARTS_MAX 3
#define EMPTY_MAX 100 /* pages in a row; with cursors one may be empty and not the last */
#define WHY_SIZE 256

struct b2b_scim_list {
	struct b2b_api api;
	struct b2b_scim_list_handlers handlers;
	void *arg;
	char *url; /* without what tells the page */
	enum b2b_list_style style;
	struct b2b_scim_pages *pages;
	char *page_url;   /* that is asked for */
	const struct b2b_scim_kept *kept; /* it need not be sent if it is that; NULL: it has to be */
	bool insist;      /* it is to be sent in any case */
	struct b2b_api_call *call;
	struct b2b_timer retry;
	struct b2b_id_set shown;
	int count;        /* asked for at once */
	int64_t start;    /* place of the first resource of the page that is asked for; SCIM counts from 1 */
	int64_t total;    /* as the first page said; -1: none yet */
	char *cursor;     /* of the page that is asked for; NULL: the first */
	struct b2b_id_set cursors; /* all that were given */
	unsigned empty; /* pages in a row */
	unsigned tries, restarts;
	char why[WHY_SIZE];
};

static void list_free(struct b2b_scim_list *list)
{
	b2b_timer_stop(&list->retry);
	b2b_id_set_clear(&list->shown);
	b2b_id_set_clear(&list->cursors);
	free(list->cursor);
	free(list->page_url);
	free(list->url);
	free(list);
}

static void end(struct b2b_scim_list *list, int error, const char *why)
{
	struct b2b_scim_list_handlers handlers = list->handlers;
	void *arg = list->arg;
	char text[WHY_SIZE];

	snprintf(text, sizeof(text), "%s", why);
	if (list->pages)
		b2b_scim_pages_end(list->pages, error == 0);
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
	b2b_id_set_clear(&list->shown);
	b2b_id_set_clear(&list->cursors);
	free(list->cursor);
	list->cursor = NULL;
	list->empty = 0;
	list->start = list->style == B2B_LIST_KEYCLOAK ? 0 : 1;
	list->total = -1;
	if (list->pages)
		b2b_scim_pages_begin(list->pages);
}

/* From the first page again; at the end of that WHY. */
static void start_over(struct b2b_scim_list *list, const char *why)
{
	if (++list->restarts > RESTARTS_MAX) {
		end(list, -EAGAIN, why);
		return;
	}
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

static void turn_index(struct b2b_scim_list *list, int64_t total, int64_t new)
{
	int64_t shown = (int64_t)list->shown.n;

	/* people came or went while we read, and pages have moved: somebody may have slipped through */
	if (list->total >= 0 && total != list->total) {
		start_over(list, "the directory keeps changing while it is read");
		return;
	}
	list->total = total;
	if (shown == list->total)
		end(list, 0, "");
	else if (shown > list->total || new == 0)
		end(list, -EAGAIN, shown > list->total ? "more resources than totalResults" : "fewer resources than totalResults");
	else
		ask(list);
}

/* Only the last page has no cursor; what totalResults says is an estimate here. */
static void turn_cursor(struct b2b_scim_list *list, const char *next, size_t n, int64_t new)
{
	int r;

	if (!next) {
		end(list, 0, "");
		return;
	}
	list->empty = n ? 0 : list->empty + 1;
	free(list->cursor);
	list->cursor = strdup(next);
	r = list->cursor ? b2b_id_set_add(&list->cursors, next) : -ENOMEM;
	if (r < 0)
		end(list, -EAGAIN, strerror(-r));
	else if (r == 0 || (n && new == 0))
		end(list, -EAGAIN, "the pages of the directory go in a circle");
	else if (list->empty > EMPTY_MAX || list->shown.n > B2B_SCIM_TOTAL_MAX)
		end(list, -EAGAIN, "the pages of the directory come to no end");
	else
		ask(list);
}

/* Of the first page: does the service page otherwise than it was asked to? */
static void follow_style(struct b2b_scim_list *list, const struct b2b_scim_page *page)
{
	bool more = page->total > (int64_t)json_array_size(page->resources);

	if (list->style == B2B_LIST_SCIM && page->next)
		list->style = B2B_LIST_CURSOR;
	else if (list->style == B2B_LIST_CURSOR && !page->next && more)
		list->style = B2B_LIST_SCIM;
}

/* PAGE was handed on. */
static void turn_page(struct b2b_scim_list *list, const struct b2b_scim_page *page, bool first, int64_t new)
{
	if (first)
		follow_style(list, page);
	list->start += (int64_t)json_array_size(page->resources);
	if (list->style == B2B_LIST_KEYCLOAK)
		turn_untotalled(list, json_array_size(page->resources), new);
	else if (list->style == B2B_LIST_CURSOR)
		turn_cursor(list, page->next, json_array_size(page->resources), new);
	else
		turn_index(list, page->total, new);
}

/* A page that was sent, with ETAG if not NULL. */
static void take_page(struct b2b_scim_list *list, const struct b2b_scim_page *page, const char *etag)
{
	bool first = !list->shown.n && !list->cursor;
	int64_t new = note_shown(list, page->resources);
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
	if (list->pages)
		b2b_scim_pages_keep(list->pages, list->page_url, r ? NULL : etag, page);
	turn_page(list, page, first, new);
}

/* A page that was not sent, because it is as it was. */
static void take_same(struct b2b_scim_list *list)
{
	bool first = !list->shown.n && !list->cursor;
	struct b2b_scim_page page = { 0 };
	int64_t new;
	int r = b2b_scim_pages_restore(list->kept, &page);

	if (r == 0)
		r = list->handlers.same(list->arg, page.resources);
	new = r == 0 ? note_shown(list, page.resources) : 0;
	if (r < 0 || new < 0) {
		end(list, -EAGAIN, strerror(-(r < 0 ? r : (int)new)));
	} else if (r > 0) {
		list->insist = true;
		ask(list);
	} else {
		b2b_scim_pages_keep_same(list->pages);
		turn_page(list, &page, first, new);
	}
	b2b_scim_page_clear(&page);
}

static int parse_page(const struct b2b_scim_list *list, const struct b2b_http_response *response, struct b2b_scim_page *ret_page)
{
	json_t *root;
	int r;

	if (list->style != B2B_LIST_KEYCLOAK) {
		r = b2b_scim_page_parse(response->body, response->body_len, ret_page);
		if (r == 0 && list->style == B2B_LIST_SCIM && ret_page->total < 0 && !ret_page->next) {
			b2b_scim_page_clear(ret_page);
			return -EBADMSG;
		}
		return r;
	}
	r = b2b_json_parse_array(response->body, response->body_len, &root);
	if (r == 0)
		*ret_page = (struct b2b_scim_page){ .root = root, .resources = root, .total = -1 };
	return r;
}

/* Cursors have gone bad, or were never known: is there another way to go on? */
static bool refused_cursor(struct b2b_scim_list *list, const struct b2b_http_response *response)
{
	static const char *const bad[] = { "expiredCursor", "invalidCursor", NULL };

	if (list->style != B2B_LIST_CURSOR || response->error)
		return false;
	if (list->cursor) {
		if (response->status != 400 || !b2b_scim_error_is(response->body, response->body_len, bad))
			return false;
		start_over(list, "the directory's cursors expire while it is read");
		return true;
	}
	if (response->status != 400 && response->status != 501)
		return false;
	list->style = B2B_LIST_SCIM;
	ask(list);
	return true;
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
	if (!response->error && response->status == 304 && list->kept) {
		list->tries = 0;
		take_same(list);
		return;
	}
	if (response->error || response->status != 200) {
		if (!refused_cursor(list, response))
			refused(list, response);
		return;
	}
	r = parse_page(list, response, &page);
	if (r < 0) {
		snprintf(list->why, sizeof(list->why), "%.*s did not answer with a %slist", (int)strcspn(list->url, "?"), list->url,
		         list->style == B2B_LIST_KEYCLOAK ? "" : "SCIM ");
		try_again(list, -1);
		return;
	}
	list->tries = 0;
	take_page(list, &page, response->etag);
	b2b_scim_page_clear(&page);
}

/* malloc'ed, NULL for want of memory */
static char *page_url(const struct b2b_scim_list *list)
{
	char after = strchr(list->url, '?') ? '&' : '?', *url = NULL, *cursor = b2b_scim_percent(list->cursor ? list->cursor : "");
	long long start = list->start;
	int n = -1;

	switch (list->style) {
	case B2B_LIST_SCIM:
		n = asprintf(&url, "%s%cstartIndex=%lld&count=%d", list->url, after, start, list->count);
		break;
	case B2B_LIST_CURSOR:
		n = cursor ? asprintf(&url, "%s%ccursor=%s&count=%d", list->url, after, cursor, list->count) : -1;
		break;
	case B2B_LIST_KEYCLOAK:
		n = asprintf(&url, "%s%cfirst=%lld&max=%d", list->url, after, start, list->count);
		break;
	}
	free(cursor);
	return n < 0 ? NULL : url;
}

static void ask(struct b2b_scim_list *list)
{
	struct b2b_http_request request = { .method = "GET", .accept = "application/scim+json, application/json", .timeout_ms = PAGE_TIMEOUT_MS,
		                            .max_body = PAGE_MAX };
	int r;

	free(list->page_url);
	list->page_url = page_url(list);
	list->kept = list->pages && list->page_url && !list->insist ? b2b_scim_pages_next(list->pages, list->page_url) : NULL;
	list->insist = false;
	request.url = list->page_url;
	request.if_none_match = list->kept ? list->kept->etag : NULL;
	r = list->page_url ? b2b_api_start(&list->api, &request, answered, list, &list->call) : -ENOMEM;
	if (r < 0) {
		snprintf(list->why, sizeof(list->why), "%s", strerror(-r));
		list->tries = 0;
		try_again(list, -1); /* not from within start: the end comes from the loop */
	}
}

int b2b_scim_list_start(const struct b2b_api *api, const char *url, struct b2b_list_how how, const struct b2b_scim_list_handlers *handlers,
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
	list->style = how.style;
	list->count = how.page_max && how.page_max < COUNT ? how.page_max : COUNT;
	list->pages = how.pages;
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
