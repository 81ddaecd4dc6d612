/* Status lists over HTTPS: one fetch for all, as long as somebody needs it, within bounds; and what is not believed. */
#include "tests/unit/status_giver.h"
#include "tests/unit/fake_federation.h"

#include <errno.h>
#include <zlib.h>

#include "b2bd/federation/base64url.h"
#include "b2bd/federation/status_cache_private.h"

#define DEADLINE_NS (30 * B2B_NS_PER_S)

struct world {
	struct giver giver;
	struct b2b_loop *loop;
	struct b2b_http *http;
	struct b2b_conf conf;
	struct b2b_status_cache *cache;
	/* what was told */
	int fetches, answers, came;
	bool needed;
};

static void on_fetched(void *arg, const char *uri, int64_t issued_at)
{
	struct world *w = arg;

	(void)uri;
	(void)issued_at;
	w->fetches++;
}

static bool on_needed(void *arg, const char *uri)
{
	(void)uri;
	return ((struct world *)arg)->needed;
}

static void on_answer(void *arg, bool came)
{
	struct world *w = arg;

	w->answers++;
	w->came += came;
}

static struct world world;

static int set_up(void **state)
{
	static const struct b2b_status_handlers handlers = { .fetched = on_fetched, .needed = on_needed };
	struct world *w = &world;

	memset(w, 0, sizeof(*w));
	giver_start(&w->giver);
	memset(&fake, 0, sizeof(fake));
	fake.jwks = w->giver.jwks;
	giver_conf(&w->giver, &w->conf);
	assert_int_equal(b2b_loop_new(&w->loop), 0);
	assert_int_equal(b2b_http_new(w->loop, tls_server_ca(w->giver.server), NULL, &w->http), 0);
	assert_int_equal(b2b_status_cache_new(w->loop, w->http, NULL, &w->conf, &handlers, w, &w->cache), 0);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	b2b_status_cache_free(w->cache);
	b2b_http_free(w->http);
	b2b_loop_free(w->loop);
	giver_stop(&w->giver);
	return 0;
}

static void turn_until(struct world *w, const int *count, int wanted)
{
	uint64_t deadline = b2b_now_ns() + DEADLINE_NS;

	while (*count < wanted && b2b_now_ns() < deadline)
		b2b_loop_turn(w->loop, 50);
	assert_int_equal(*count, wanted);
}

/* Ask for the list, and wait for whether it comes. */
static bool ask(struct world *w)
{
	int before = w->came;

	assert_int_equal(b2b_status_cache_want(w->cache, w->giver.uri, on_answer, w), 0);
	turn_until(w, &w->answers, w->answers + 1);
	return w->came > before;
}

/* As if its time had come. */
static void fetch_again(struct world *w)
{
	w->cache->entries->retry_ns = 0;
	b2b_status_fetch_in(w->cache->entries, 0);
}

static void stands(struct world *w, uint64_t index, enum b2b_reason reason)
{
	const char *fault = "";

	assert_int_equal(b2b_status_cache_standing(w->cache, w->giver.uri, index, &fault), reason);
}

static void unknown_because(struct world *w, const char *why)
{
	const char *fault = "";

	assert_int_equal(b2b_status_cache_standing(w->cache, w->giver.uri, 1, &fault), B2B_AUTH_UNKNOWN);
	if (!strstr(fault, why))
		fail_msg("\"%s\" does not say: %s", fault, why);
}

static void figures_into(void *arg, const struct b2b_status_figures *figures)
{
	*(struct b2b_status_figures *)arg = *figures;
}

static void one_fetch_serves_all_who_wait(void **state)
{
	struct world *w = *state;
	int who[3], i;

	unknown_because(w, "was not fetched");
	for (i = 0; i < 3; i++)
		assert_int_equal(b2b_status_cache_want(w->cache, w->giver.uri, on_answer, w), 0);
	assert_int_equal(b2b_status_cache_want(w->cache, w->giver.uri, on_answer, &who), 0);
	b2b_status_cache_drop(w->cache, &who); /* this one has gone away */
	turn_until(w, &w->answers, 3);
	assert_int_equal(w->came, 3);
	assert_int_equal(w->giver.requests, 1);
	assert_int_equal(w->fetches, 1);
	assert_string_equal(w->giver.accept, "application/statuslist+jwt");
	stands(w, 1, B2B_OK);
	stands(w, 0, B2B_AUTH_INVALID);
	stands(w, 15, B2B_AUTH_INVALID);
	stands(w, 16, B2B_AUTH_UNKNOWN); /* no such place */
	stands(w, UINT64_MAX, B2B_AUTH_UNKNOWN);
}

static void what_is_not_valid_is_not_valid(void **state)
{
	struct world *w = *state;
	const unsigned char packed[] = { 0x78, 0x01, 0x01, 0x01, 0x00, 0xfe, 0xff, 0xe4, 0x00, 0xe5, 0x00, 0xe5 }; /* stored: 11 10 01 00 */
	char *lst = b2b_base64url_encode(packed, sizeof(packed));

	giver_set(&w->giver, list_claims(b2b_wall_s(), 0, 60, 2, lst));
	free(lst);
	assert_true(ask(w));
	stands(w, 0, B2B_OK);
	stands(w, 1, B2B_AUTH_INVALID);
	stands(w, 2, B2B_AUTH_SUSPENDED);
	stands(w, 3, B2B_AUTH_INVALID); /* the issuer's own */
}

/* Whatever the list says of itself, the next fetch lies within the bounds and not past its end, but for the least. */
static void the_next_fetch_lies_within_bounds(void **state)
{
	static const int64_t longest[] = { 5, 60, 300, 86400 };
	struct world *w = *state;
	struct b2b_status_figures figures;
	int64_t ttl, exp, age, limit, wanted;
	int i;

	srandom(20261124);
	w->needed = true;
	for (i = 0; i < 40; i++) {
		ttl = random() % 4 ? random() % (random() % 2 ? 20 : 200000) : 0;
		age = random() % 2 ? random() % 400 : 0;
		exp = random() % 2 ? 1 + random() % 1000 : 0;
		w->conf.federation.status_interval_s = (uint32_t)(limit = longest[random() % 4]);
		giver_set(&w->giver, list_claims(b2b_wall_s() - age, exp ? b2b_wall_s() + exp : 0, ttl, 1, LST));
		b2b_status_cache_forget(w->cache);
		if (i == 0)
			assert_int_equal(b2b_status_cache_follow(w->cache, w->giver.uri, 0), 0);
		turn_until(w, &w->fetches, i + 1);
		b2b_status_cache_each(w->cache, figures_into, &figures);
		wanted = !ttl ? limit : ttl < B2B_STATUS_LEAST_S ? B2B_STATUS_LEAST_S : ttl < limit ? ttl : limit;
		assert_int_equal(figures.within_s, wanted + wanted / 10 + 1);
		assert_true(figures.interval_s <= figures.within_s);
		assert_in_range(figures.interval_s, B2B_STATUS_LEAST_S, limit);
		assert_true(figures.next_ns <= figures.interval_s * B2B_NS_PER_S / 10 * 11);
		assert_true(figures.next_ns + B2B_NS_PER_S >= figures.interval_s * B2B_NS_PER_S);
		wanted = !ttl ? limit : ttl > age ? ttl - age : ttl;
		wanted = exp && exp < wanted ? exp : wanted;
		wanted = wanted < B2B_STATUS_LEAST_S ? B2B_STATUS_LEAST_S : wanted > limit ? limit : wanted;
		if (llabs((long long)figures.interval_s - wanted) > 1) /* a second may have passed */
			fail_msg("ttl %lld age %lld exp %lld limit %lld: %u, wanted %lld", (long long)ttl, (long long)age, (long long)exp, (long long)limit,
			         figures.interval_s, (long long)wanted);
	}
}

static void one_that_has_not_changed_is_not_sent_again(void **state)
{
	struct world *w = *state;

	w->giver.etag = "\"7\"";
	w->needed = true;
	assert_true(ask(w));
	assert_string_equal(w->giver.if_none_match, "");
	fetch_again(w);
	turn_until(w, &w->fetches, 2);
	assert_string_equal(w->giver.if_none_match, "\"7\"");
	stands(w, 0, B2B_AUTH_INVALID);
	/* over by now: it would not help to hear that it is still the same */
	w->cache->entries->list.expires_at = b2b_wall_s() - 100;
	unknown_because(w, "too old");
	fetch_again(w);
	turn_until(w, &w->fetches, 3);
	assert_string_equal(w->giver.if_none_match, "");
	stands(w, 0, B2B_AUTH_INVALID);
}

static void a_change_shows_with_the_next_fetch(void **state)
{
	struct world *w = *state;

	w->needed = true;
	assert_true(ask(w));
	stands(w, 1, B2B_OK);
	giver_set(&w->giver, list_claims(b2b_wall_s(), 0, 60, 1, ONES));
	fetch_again(w);
	turn_until(w, &w->fetches, 2);
	stands(w, 1, B2B_AUTH_INVALID);
}

static void one_that_nobody_needs_is_not_fetched_again(void **state)
{
	struct world *w = *state;
	int before;

	assert_true(ask(w));
	before = w->giver.requests;
	fetch_again(w);
	b2b_loop_turn(w->loop, 0);
	assert_null(w->cache->entries);
	b2b_loop_turn(w->loop, 20);
	assert_int_equal(w->giver.requests, before);
	unknown_because(w, "was not fetched");
}

static const struct refusal {
	const char *why, *typ, *content_type, *body;
	int status;
	int64_t iat, exp; /* from now */
	bool stranger;
	const char *lst;
} refusals[] = {
	{ .why = "HTTP status 404", .status = 404 },
	{ .why = "HTTP status 302", .status = 302 },
	{ .why = "HTTP status 304", .status = 304 },
	{ .why = "content type", .content_type = "application/json" },
	{ .why = "content type", .content_type = "application/statuslist+jwtx" },
	{ .why = "a token of another kind", .typ = "JWT" },
	{ .why = "not a well-formed signed token", .body = "not a token" },
	{ .why = "not a well-formed signed token", .body = "" },
	{ .why = "the signature is wrong", .stranger = true },
	{ .why = "refused: expired", .iat = -600, .exp = -300 },
	{ .why = "dated in the future", .iat = 600 },
	{ .why = "cannot be unpacked", .lst = "eNrbuRg" },
};

static void what_is_not_believed_lets_nobody_in_and_says_why(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *refusal = &refusals[i];

		w->giver.status = refusal->status;
		w->giver.typ = refusal->typ ? refusal->typ : "statuslist+jwt";
		w->giver.content_type = refusal->content_type ? refusal->content_type : "application/statuslist+jwt";
		w->giver.body = refusal->body;
		w->giver.signing = refusal->stranger ? w->giver.other : w->giver.key;
		giver_set(&w->giver, list_claims(b2b_wall_s() + refusal->iat, refusal->exp ? b2b_wall_s() + refusal->exp : 0, 60, 1,
		                          refusal->lst ? refusal->lst : LST));
		if (w->cache->entries)
			w->cache->entries->retry_ns = 0;
		assert_false(ask(w));
		unknown_because(w, refusal->why);
		/* who comes next is told at once, and does not make it ask again */
		assert_int_equal(b2b_status_cache_want(w->cache, w->giver.uri, on_answer, w), -EAGAIN);
	}
	assert_int_equal(w->fetches, 0);
}

static void one_that_is_larger_than_it_may_be_is_refused(void **state)
{
	struct world *w = *state;
	char *large = malloc(B2B_STATUS_LIST_MAX + 2);

	memset(large, 'A', B2B_STATUS_LIST_MAX + 1);
	large[B2B_STATUS_LIST_MAX + 1] = '\0';
	w->giver.body = large;
	assert_false(ask(w));
	unknown_because(w, "larger than one may be");
	free(large);
}

static void one_of_another_place_is_refused(void **state)
{
	struct world *w = *state;
	char *body;

	json_object_set_new(w->giver.claims, "sub", json_string(ISSUER "/lists/2"));
	w->giver.body = body = signer_token(w->giver.key, "ES256", "k1", "statuslist+jwt", w->giver.claims);
	assert_false(ask(w));
	unknown_because(w, "of another place");
	free(body);
}

/* A cache on the way, or somebody in it, could show again what was true once. */
static void one_from_before_the_last_is_refused_and_the_last_stays(void **state)
{
	struct world *w = *state;
	struct b2b_status_figures figures;

	w->needed = true;
	assert_true(ask(w));
	giver_set(&w->giver, list_claims(b2b_wall_s() - 20, 0, 60, 1, ZEROES));
	fetch_again(w);
	turn_until(w, &w->giver.requests, 2);
	do
		b2b_loop_turn(w->loop, 10);
	while (w->cache->entries->call);
	b2b_status_cache_each(w->cache, figures_into, &figures);
	assert_non_null(strstr(figures.why, "from before one that was fetched"));
	assert_true(figures.failing_since_s > 0);
	stands(w, 0, B2B_AUTH_INVALID);
	assert_int_equal(w->fetches, 1);
}

static void what_was_believed_before_a_restart_counts_against_an_older_one(void **state)
{
	struct world *w = *state;

	w->needed = true;
	assert_int_equal(b2b_status_cache_follow(w->cache, w->giver.uri, b2b_wall_s() + 10), 0);
	turn_until(w, &w->giver.requests, 1);
	do
		b2b_loop_turn(w->loop, 10);
	while (w->cache->entries->call);
	unknown_because(w, "from before one that was fetched");
}

static void unknown_keys_are_fetched_once(void **state)
{
	struct world *w = *state;

	w->giver.signing = w->giver.other;
	w->giver.kid = "k2";
	assert_int_equal(b2b_status_cache_want(w->cache, w->giver.uri, on_answer, w), 0);
	turn_until(w, &fake.refetches, 1);
	fake.jwks = w->giver.both;
	fake.refetched(fake.refetched_arg, true);
	assert_int_equal(w->answers, 1);
	stands(w, 1, B2B_OK);

	fake.jwks = w->giver.jwks;
	w->cache->entries->list.expires_at = 1;
	w->cache->entries->list.issued_at = 0;
	assert_int_equal(b2b_status_cache_want(w->cache, w->giver.uri, on_answer, w), 0);
	turn_until(w, &fake.refetches, 2);
	fake.refetched(fake.refetched_arg, false);
	assert_int_equal(w->answers, 2);
	assert_int_equal(w->came, 1);
	unknown_because(w, "does not publish");
}

static void lists_lie_at_the_issuer_or_where_root_says(void **state)
{
	static const struct {
		const char *uri;
		bool allowed;
	} uris[] = {
		{ "https://login.example.com/lists/1", true },
		{ "https://login.example.com:443/lists/1", true },
		{ "https://LOGIN.example.com/x", true },
		{ "https://lists.example.net:8443", true },
		{ "https://lists.example.net:8443/a?b", true },
		{ "https://lists.example.net/a", false },
		{ "https://lists.example.net:84430/a", false },
		{ "https://login.example.com:8443/lists/1", false },
		{ "https://login.example.com.evil.example/lists/1", false },
		{ "https://login.example.com@evil.example/", false },
		{ "https://evil.example/login.example.com", false },
		{ "https://login.example.com\\@evil.example/", false },
		{ "https://", false },
		{ "http://login.example.com/lists/1", false },
		{ "file:///etc/passwd", false },
	};
	struct world *w = *state;
	char *two[] = { (char *)"https://lists.example.net:8443" };
	const struct b2b_conf_federation conf = { .issuer = (char *)ISSUER "/realms/a", .status_origins = { .words = two, .n = 1 } };
	const char *fault = "";

	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		if (b2b_status_uri_allowed(&conf, uris[i].uri) != uris[i].allowed)
			fail_msg("%s", uris[i].uri);
	}
	assert_int_equal(b2b_status_cache_want(w->cache, "https://evil.example/1", on_answer, w), -EPERM);
	assert_int_equal(b2b_status_cache_standing(w->cache, "https://evil.example/1", 0, &fault), B2B_AUTH_TOKEN);
	assert_non_null(strstr(fault, "status_origins"));
	assert_int_equal(w->giver.requests, 0);
}

static void there_is_an_end_to_how_many_are_followed(void **state)
{
	struct world *w = *state;
	char uri[512];
	const char *fault = "";
	int i;

	w->needed = true;
	for (i = 0; i < B2B_STATUS_LISTS_MAX; i++) {
		snprintf(uri, sizeof(uri), "%s/%d", tls_server_url(w->giver.server), i);
		assert_int_equal(b2b_status_cache_follow(w->cache, uri, 0), 0);
		turn_until(w, &w->fetches, i + 1); /* one after the other: the server has not so many threads */
	}
	assert_int_equal(b2b_status_cache_want(w->cache, w->giver.uri, on_answer, w), -ENOSPC);
	assert_int_equal(b2b_status_cache_standing(w->cache, w->giver.uri, 0, &fault), B2B_AUTH_UNKNOWN);
	w->needed = false; /* one that nobody needs makes room */
	assert_true(ask(w));
	assert_int_equal(w->cache->n, B2B_STATUS_LISTS_MAX);
}

/* 4 MiB of zeroes, which pack to some kilobytes. */
static char *large_lst(void)
{
	static const unsigned char zeroes[B2B_STATUS_LIST_BYTES_MAX];
	uLongf len = compressBound(sizeof(zeroes));
	unsigned char *packed = malloc(len);
	char *lst;

	assert_int_equal(compress2(packed, &len, zeroes, sizeof(zeroes), 9), Z_OK);
	lst = b2b_base64url_encode(packed, len);
	free(packed);
	return lst;
}

static void there_is_an_end_to_how_much_is_kept(void **state)
{
	struct world *w = *state;
	char uri[512], *lst = large_lst();
	size_t kept = 0;
	int i;

	w->needed = true;
	giver_set(&w->giver, list_claims(b2b_wall_s(), 0, 60, 1, lst));
	free(lst);
	for (i = 0; i < 6; i++) {
		snprintf(uri, sizeof(uri), "%s/%d", tls_server_url(w->giver.server), i);
		assert_int_equal(b2b_status_cache_follow(w->cache, uri, 0), 0);
		turn_until(w, &w->fetches, i + 1);
	}
	for (const struct b2b_status_entry *entry = w->cache->entries; entry; entry = entry->next)
		kept += entry->list.n_bytes;
	assert_int_equal(kept, B2B_STATUS_ALL_BYTES_MAX);
	assert_int_equal(b2b_status_cache_standing(w->cache, uri, 7, &(const char *){ "" }), B2B_OK); /* the last is among them */
}

static void distrusted_keys_take_their_lists_with_them(void **state)
{
	struct world *w = *state;

	w->needed = true;
	assert_true(ask(w));
	b2b_status_cache_forget(w->cache);
	stands(w, 1, B2B_AUTH_UNKNOWN);
	turn_until(w, &w->fetches, 2);
	stands(w, 1, B2B_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_fetch_serves_all_who_wait),
		TEST(what_is_not_valid_is_not_valid),
		TEST(the_next_fetch_lies_within_bounds),
		TEST(one_that_has_not_changed_is_not_sent_again),
		TEST(a_change_shows_with_the_next_fetch),
		TEST(one_that_nobody_needs_is_not_fetched_again),
		TEST(what_is_not_believed_lets_nobody_in_and_says_why),
		TEST(one_that_is_larger_than_it_may_be_is_refused),
		TEST(one_of_another_place_is_refused),
		TEST(one_from_before_the_last_is_refused_and_the_last_stays),
		TEST(what_was_believed_before_a_restart_counts_against_an_older_one),
		TEST(unknown_keys_are_fetched_once),
		TEST(lists_lie_at_the_issuer_or_where_root_says),
		TEST(there_is_an_end_to_how_many_are_followed),
		TEST(there_is_an_end_to_how_much_is_kept),
		TEST(distrusted_keys_take_their_lists_with_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
