/* Lists that go by cursors (RFC 9865), from services that keep to it and from others; and pages that are not sent again. */
#include "tests/unit/source_fixture.h"

#include <errno.h>

#include "b2bd/directory/scim_list.h"
#include "b2bd/directory/scim_parse.h"
#include "b2bd/directory/scim_service.h"

enum manner {
	KEEPS_TO_IT,
	NEVER_HEARD_OF_IT, /* passes over the parameter */
	REFUSES_IT,        /* 501 */
	HAS_NOTHING_ELSE,  /* cursors, whatever it is asked for */
	GOES_IN_A_CIRCLE,
	COMES_TO_NO_END,
};

struct lists {
	enum manner manner;
	int n, page;     /* resources in all, on a page */
	int expire;      /* so many times a cursor is not known any more */
	bool empty_first, estimates, etags;
	int versions[8]; /* of each page */
	int spared;      /* pages that were not sent */
	int requests, count; /* that was asked for */
};

struct world {
	struct source_run run;
	struct lists lists;
	struct b2b_scim_list *list;
	struct b2b_scim_pages pages;
	char url[256];
	int ends, end_error, shown, same;
	int page_result, same_result; /* of the handlers */
};

static long parameter(const char *path, const char *name, long otherwise)
{
	const char *at = strstr(path, name);

	return at ? strtol(at + strlen(name), NULL, 10) : otherwise;
}

static void page_of(struct lists *lists, struct tls_reply *reply, long from, const char *next)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int i, n = from < 0 ? 0 : lists->n - from < lists->page ? lists->n - (int)from : lists->page;

	assert_non_null(out);
	fputs("{\"Resources\":[", out);
	for (i = 0; i < n; i++)
		fprintf(out, "%s{\"id\":\"r%ld\"}", i ? "," : "", from + i);
	fputs("]", out);
	if (!*next || lists->estimates)
		fprintf(out, ",\"totalResults\":%d", lists->estimates ? 7 : lists->n);
	if (*next)
		fprintf(out, ",\"nextCursor\":\"%s\"", next);
	fputs("}", out);
	fclose(out);
	reply->body = text;
}

static void spare(struct lists *lists, const struct tls_request *request, struct tls_reply *reply, long from)
{
	char etag[64];

	snprintf(etag, sizeof(etag), "\"%ld-%d\"", from, lists->versions[from / lists->page]);
	snprintf(reply->headers, sizeof(reply->headers), "ETag: %s\r\n", etag);
	if (!strstr(request->headers, etag))
		return;
	lists->spared++;
	reply->status = 304;
	free(reply->body);
	reply->body = NULL;
}

static void by_cursor(struct lists *lists, struct tls_reply *reply, long from)
{
	char next[32] = "";

	if (from > 0 && lists->expire) {
		lists->expire--;
		reply->status = 400;
		reply->body = strdup("{\"status\":\"400\",\"scimType\":\"expiredCursor\"}");
		return;
	}
	if (lists->empty_first && from == 0) {
		page_of(lists, reply, -1, "0/%2b");
		return;
	}
	if (from + lists->page < lists->n)
		snprintf(next, sizeof(next), "%ld", from + lists->page);
	else if (lists->manner == GOES_IN_A_CIRCLE)
		snprintf(next, sizeof(next), "%d", lists->page);
	page_of(lists, reply, from, next);
}

static void answer(void *arg, const struct tls_request *request, struct tls_reply *reply)
{
	struct lists *lists = arg;
	const char *cursor = strstr(request->path, "cursor=");
	char next[16];

	lists->requests++;
	lists->count = (int)parameter(request->path, "count=", 0);
	if (cursor && lists->manner == REFUSES_IT) {
		reply->status = 501;
	} else if (cursor && strstr(cursor, "cursor=0%2F%252b")) {
		lists->empty_first = false;
		by_cursor(lists, reply, 0);
	} else if (lists->manner == COMES_TO_NO_END) {
		snprintf(next, sizeof(next), "%d", lists->requests);
		page_of(lists, reply, -1, next);
	} else if ((cursor && lists->manner != NEVER_HEARD_OF_IT) || lists->manner == HAS_NOTHING_ELSE) {
		by_cursor(lists, reply, parameter(request->path, "cursor=", 0));
	} else {
		page_of(lists, reply, parameter(request->path, "startIndex=", 1) - 1, "");
	}
	if (lists->etags && !reply->status)
		spare(lists, request, reply, cursor ? parameter(request->path, "cursor=", 0) : parameter(request->path, "startIndex=", 1) - 1);
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	source_start(&world->run, answer, &world->lists);
	snprintf(world->url, sizeof(world->url), "%s/Users?filter=x", tls_server_url(world->run.server));
	world->lists = (struct lists){ .n = 23, .page = 5 };
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	b2b_scim_list_cancel(world->list);
	b2b_scim_pages_clear(&world->pages);
	source_stop(&world->run);
	free(world);
	return 0;
}

static int page(void *arg, const json_t *resources)
{
	struct world *world = arg;

	world->shown += (int)json_array_size(resources);
	return world->page_result;
}

static int same(void *arg, const json_t *resources)
{
	struct world *world = arg;

	world->same += world->same_result ? 0 : (int)json_array_size(resources);
	return world->same_result;
}

static void ended(void *arg, int error, const char *why)
{
	struct world *world = arg;

	world->list = NULL;
	world->end_error = error;
	snprintf(world->run.why, sizeof(world->run.why), "%s", why);
	world->ends++;
}

static int list(struct world *world, enum b2b_list_style style, int page_max)
{
	static const struct b2b_scim_list_handlers handlers = { .page = page, .same = same, .end = ended };
	struct b2b_api api = { .loop = world->run.loop, .http = world->run.http };
	struct b2b_list_how how = { .style = style, .page_max = page_max, .pages = &world->pages };
	int wanted = world->ends + 1;

	world->shown = world->same = world->lists.spared = 0;
	world->lists.requests = 0;
	assert_int_equal(b2b_scim_list_start(&api, world->url, how, &handlers, world, &world->list), 0);
	source_turn_until(&world->run, &world->ends, wanted);
	return world->end_error;
}

static void the_last_page_is_the_one_without_a_cursor(void **state)
{
	struct world *world = *state;

	assert_int_equal(list(world, B2B_LIST_CURSOR, 250), 0);
	assert_int_equal(world->shown, 23);
	assert_int_equal(world->lists.requests, 5);
	assert_int_equal(world->lists.count, 250);
	world->lists.empty_first = true; /* and a cursor that is more than letters */
	world->lists.estimates = true;
	assert_int_equal(list(world, B2B_LIST_CURSOR, 0), 0);
	assert_int_equal(world->shown, 23);
	assert_int_equal(world->lists.count, 500);
}

static void a_cursor_that_expires_begins_the_list_again(void **state)
{
	struct world *world = *state;

	world->lists.expire = 2;
	assert_int_equal(list(world, B2B_LIST_CURSOR, 0), 0);
	assert_int_equal(world->shown, 23 + 2 * 5);
	world->lists.expire = 1000;
	assert_int_equal(list(world, B2B_LIST_CURSOR, 0), -EAGAIN);
	assert_non_null(strstr(world->run.why, "expire"));
	assert_int_equal(world->lists.requests, 8);
}

static void whoever_pages_otherwise_than_asked_is_followed(void **state)
{
	static const enum manner manners[] = { NEVER_HEARD_OF_IT, REFUSES_IT };
	struct world *world = *state;
	size_t i;

	for (i = 0; i < 2; i++) {
		world->lists.manner = manners[i];
		assert_int_equal(list(world, B2B_LIST_CURSOR, 0), 0);
		assert_int_equal(world->shown, 23);
	}
	world->lists.manner = HAS_NOTHING_ELSE;
	assert_int_equal(list(world, B2B_LIST_SCIM, 0), 0);
	assert_int_equal(world->shown, 23);
}

static void cursors_that_lead_nowhere_are_not_followed_for_ever(void **state)
{
	struct world *world = *state;

	world->lists.manner = GOES_IN_A_CIRCLE;
	assert_int_equal(list(world, B2B_LIST_CURSOR, 0), -EAGAIN);
	assert_non_null(strstr(world->run.why, "circle"));
	world->lists.manner = COMES_TO_NO_END;
	assert_int_equal(list(world, B2B_LIST_CURSOR, 0), -EAGAIN);
	assert_non_null(strstr(world->run.why, "no end"));
	assert_in_range(world->lists.requests, 50, 200);
}

static void a_page_that_is_as_it_was_is_not_sent_again(void **state)
{
	static const enum b2b_list_style styles[] = { B2B_LIST_SCIM, B2B_LIST_CURSOR };
	struct world *world = *state;
	size_t i;

	world->lists.etags = true;
	for (i = 0; i < 2; i++) {
		assert_int_equal(list(world, styles[i], 0), 0);
		assert_int_equal(world->shown, 23);
		assert_int_equal(list(world, styles[i], 0), 0);
		assert_int_equal(world->same, 23);
		assert_int_equal(world->lists.requests, 5);
		world->lists.versions[2]++;
		assert_int_equal(list(world, styles[i], 0), 0);
		assert_int_equal(world->shown, 5);
		assert_int_equal(world->same, 18);
		assert_int_equal(list(world, styles[i], 0), 0);
		assert_int_equal(world->same, 23);
	}
}

static void whoever_needs_a_page_gets_it(void **state)
{
	struct world *world = *state;

	world->lists.etags = true;
	world->page_result = 1; /* of each: it is needed the next time, too */
	assert_int_equal(list(world, B2B_LIST_SCIM, 0), 0);
	assert_int_equal(list(world, B2B_LIST_SCIM, 0), 0);
	assert_int_equal(world->lists.spared, 0);
	world->page_result = 0;
	assert_int_equal(list(world, B2B_LIST_SCIM, 0), 0);
	world->same_result = 1; /* after all it is needed */
	assert_int_equal(list(world, B2B_LIST_SCIM, 0), 0);
	assert_int_equal(world->lists.spared, 5);
	assert_int_equal(world->shown, 23);
	world->same_result = 0;
	assert_int_equal(list(world, B2B_LIST_SCIM, 0), 0);
	assert_int_equal(world->same, 23);
	world->same_result = -ENOSPC; /* a list that ended before its end is no ground for the next */
	assert_int_equal(list(world, B2B_LIST_SCIM, 0), -EAGAIN);
	world->same_result = 0;
	assert_int_equal(list(world, B2B_LIST_SCIM, 0), 0);
	assert_int_equal(world->shown, 23);
}

static struct b2b_scim_service service_of(const char *text)
{
	struct b2b_scim_service service;

	assert_int_equal(b2b_scim_service_parse(text, strlen(text), &service), 0);
	return service;
}

static void a_service_says_how_it_pages(void **state)
{
	struct b2b_scim_service service = service_of("{\"pagination\":{\"cursor\":true,\"index\":false,\"maxPageSize\":250},\"filter\":{\"supported\":false}}");
	struct b2b_scim_page parsed;
	char body[3000];

	(void)state;
	assert_true(service.cursors);
	assert_true(service.no_filter);
	assert_int_equal(service.page_max, 250);
	service = service_of("{\"pagination\":{\"cursor\":\"true\",\"maxPageSize\":-1},\"filter\":[false]}");
	assert_false(service.cursors);
	assert_false(service.no_filter);
	assert_int_equal(service.page_max, 0);
	assert_int_equal(b2b_scim_service_parse("[]", 2, &service), -EBADMSG);
	snprintf(body, sizeof(body), "{\"Resources\":[],\"nextCursor\":\"%0*d\"}", B2B_SCIM_CURSOR_MAX, 1);
	assert_int_equal(b2b_scim_page_parse(body, strlen(body), &parsed), 0);
	b2b_scim_page_clear(&parsed);
	snprintf(body, sizeof(body), "{\"Resources\":[],\"nextCursor\":\"%0*d\"}", B2B_SCIM_CURSOR_MAX + 1, 1);
	assert_int_equal(b2b_scim_page_parse(body, strlen(body), &parsed), -EBADMSG);
	assert_int_equal(b2b_scim_page_parse("{\"Resources\":[],\"nextCursor\":5}", 31, &parsed), -EBADMSG);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_last_page_is_the_one_without_a_cursor),
		TEST(a_cursor_that_expires_begins_the_list_again),
		TEST(whoever_pages_otherwise_than_asked_is_followed),
		TEST(cursors_that_lead_nowhere_are_not_followed_for_ever),
		TEST(a_page_that_is_as_it_was_is_not_sent_again),
		TEST(whoever_needs_a_page_gets_it),
		cmocka_unit_test(a_service_says_how_it_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
