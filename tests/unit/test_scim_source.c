/* A SCIM directory over HTTPS: what is complete and what only looks like it, and who is gone. */
#include "tests/unit/source_fixture.h"

#include <errno.h>

#include "b2bd/state/removal_state.h"
#include "common/reason.h"

#define PEOPLE_MAX 1200

struct directory {
	int n_people;              /* p0 … of acme */
	int gone;                  /* those below this one answer 404 by id and are not listed */
	int unlisted;              /* not listed, but there by id: so many after those gone */
	int page;                  /* largest page that is given */
	int status;                /* 0: 200 */
	int refuse_first;          /* so many 401 first */
	bool repeat_past_end, total_lies, acme_unlisted, ignore_filter, numbers;
	bool plain;                /* core and enterprise schema alone, no Organization */
	int without_org;           /* a plain directory's first so many people belong to no organisation */
	const char *extra;         /* one more resource, raw */
	int requests;
	char last_path[1024];
};

struct world {
	struct source_run run; /* first: see there */
	struct directory directory;
	char url[256];
};

#define ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

/* The directory's number of person N: p3 and p4 have what is no number of their own, p5 a string. */
static const char *number_json(char buf[32], int n)
{
	if (n == 3)
		return "\"seven\"";
	snprintf(buf, 32, n == 5 ? "\"%d\"" : "%d", n == 4 ? 1000 : 2013270000 + n);
	return buf;
}

static void plain_person_json(const struct directory *directory, char *buf, size_t size, int n)
{
	snprintf(buf, size, "{\"id\":\"p%d\",\"userName\":\"N%d@acme.example\",\"active\":true,\"" ENTERPRISE "\":{%s\"department\":\"X\"}}", n, n,
	         n < directory->without_org ? "" : "\"organization\":\"42c3e9\",");
}

static void person_json(const struct directory *directory, char *buf, size_t size, int n)
{
	char number[32];

	if (directory->plain) {
		plain_person_json(directory, buf, size, n);
		return;
	}
	snprintf(buf, size,
	         "{\"id\":\"p%d\",\"userName\":\"n%d@acme.example\",\"displayName\":\"N:%d,\",\"active\":true,"
	         "\"roles\":[{\"value\":\"dba\"},{\"value\":\"nonsense\"}],\"groups\":[{\"value\":\"g1\"}],"
	         "\"meta\":{\"lastModified\":\"2026-11-23T21:00:00.250Z\"},"
	         "\"urn:b2b:scim:schemas:2.0:User\":{\"organizationId\":\"42c3e9\",\"localName\":\"N%d\",\"uidNumber\":%s,\"kind\":\"person\",\"state\":\"active\"}}",
	         n, n, n, n, directory->numbers ? number_json(number, n) : "null");
}

static char *list_json(const struct directory *directory, long start, int count, int first, int total, bool people)
{
	size_t room = 256 + (size_t)count * 640;
	char *body = malloc(room), one[640];
	size_t n = 0;
	int i, shown = 0;

	n += (size_t)snprintf(body, room, "{\"totalResults\":%d,\"itemsPerPage\":%d,\"startIndex\":%ld,\"Resources\":[",
	                      directory->total_lies ? total + 1 : total, count, start);
	for (i = first + (int)start - 1; people && i < first + total && shown < count; i++, shown++) {
		person_json(directory, one, sizeof(one), i);
		n += (size_t)snprintf(body + n, room - n, "%s%s", shown ? "," : "", one);
	}
	snprintf(body + n, room - n, "]}");
	return body;
}

static char *people_page(struct directory *directory, const char *path)
{
	const char *at = strstr(path, "startIndex=");
	long start = at ? strtol(at + 11, NULL, 10) : 1;
	int first = directory->gone + directory->unlisted, total = directory->n_people - first, count = directory->page;
	char *body;

	if (directory->extra) {
		if (asprintf(&body, "{\"totalResults\":1,\"Resources\":[%s]}", directory->extra) < 0)
			return NULL;
		return body;
	}
	if (start > total && directory->repeat_past_end)
		start = 1;
	return list_json(directory, start, count, first, total, true);
}

static char *one_person(const struct directory *directory, const char *path, int *status)
{
	int n = (int)strtol(strstr(path, "/Users/p") + 8, NULL, 10);
	char *body = malloc(640);

	if (n < directory->gone || n >= directory->n_people) {
		*status = 404;
		snprintf(body, 640, "{\"status\":\"404\"}");
	} else {
		person_json(directory, body, 640, n);
	}
	return body;
}

static char *found_person(const struct directory *directory, const char *path)
{
	const char *term = directory->plain ? "userName%20sw%20%22n" : "localName%20eq%20%22n", *name = strstr(path, term);
	char one[640], *body = NULL;
	int n = name ? (int)strtol(name + strlen(term), NULL, 10) : 0;

	person_json(directory, one, sizeof(one), directory->ignore_filter ? 0 : n);
	if (asprintf(&body, "{\"totalResults\":%d,\"Resources\":[%s]}", n < directory->n_people, n < directory->n_people ? one : "") < 0)
		return NULL;
	return body;
}

static void answer(void *arg, const struct tls_request *request, struct tls_reply *reply)
{
	struct directory *directory = arg;

	directory->requests++;
	snprintf(directory->last_path, sizeof(directory->last_path), "%s", request->path);
	if (directory->refuse_first > 0 || !strstr(request->headers, "Bearer token")) {
		directory->refuse_first--;
		reply->status = 401;
	} else if (directory->status) {
		reply->status = directory->status;
	} else if (directory->plain && strstr(request->path, "/Organizations")) {
		reply->status = 404;
	} else if (directory->plain && strstr(request->path, "/Groups")) {
		reply->body = strdup("{\"totalResults\":2,\"Resources\":[{\"id\":\"g0\",\"displayName\":\"everybody\"},{\"id\":\"g1\",\"displayName\":\"DBA\","
		                     "\"members\":[{\"value\":\"p1\"}],\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:Group\":{\"organization\":\"42c3e9\"}}]}");
	} else if (strstr(request->path, "/Organizations")) {
		reply->body = strdup(directory->acme_unlisted
		                         ? "{\"totalResults\":0}"
		                         : "{\"totalResults\":2,\"Resources\":[{\"id\":\"42c3e9\",\"alias\":\"acme\",\"state\":\"active\"},"
		                           "{\"id\":\"other\",\"alias\":\"other\",\"state\":\"active\"}]}");
	} else if (strstr(request->path, "/Groups")) {
		reply->body = strdup("{\"totalResults\":1,\"Resources\":[{\"id\":\"g1\",\"displayName\":\"DBA\",\"members\":[{\"value\":\"p1\"}],"
		                     "\"urn:b2b:scim:schemas:2.0:Group\":{\"organizationId\":\"42c3e9\",\"localName\":\"dba\",\"gidNumber\":2013271000}}]}");
	} else if (strstr(request->path, "filter=")) {
		reply->body = found_person(directory, request->path);
	} else if (strstr(request->path, "/Users/")) {
		reply->body = one_person(directory, request->path, &reply->status);
	} else {
		reply->body = people_page(directory, request->path);
	}
}

static void changed(void *arg, int org)
{
	struct world *world = arg;

	assert_in_range(org, 0, world->directory.plain ? 1 : 0); /* a plain one says nothing of organisations */
	assert_true(b2b_state_idle(world->run.base->state));
	world->run.changes++;
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct b2b_conf_federation *federation = &world->run.conf.federation;

	source_start(&world->run, answer, &world->directory);
	snprintf(world->url, sizeof(world->url), "%s", tls_server_url(world->run.server));
	federation->issuer = world->url;
	federation->scim_schema = (char *)"urn:b2b:scim:schemas:2.0:User";
	federation->scim_organisation_attribute = (char *)"organizationId";
	federation->scim_name_attribute = federation->scim_group_name_attribute = (char *)"localName";
	federation->scim_organisations = true;
	federation->subject_attribute = (char *)"id";
	federation->scim_uid_attribute = (char *)"uidNumber";
	federation->scim_gid_attribute = (char *)"gidNumber";
	federation->sync_interval_s = 3600;
	federation->mass_removal_percent = 20;
	federation->mass_removal_least = 3;
	world->directory = (struct directory){ .n_people = 10, .page = 500 };
	source_new(&world->run, changed);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	source_stop(&world->run);
	free(world);
	return 0;
}

static int standing(struct world *world, const char *local)
{
	return source_standing(&world->run, "42c3e9", local);
}

static void reads_everything_page_by_page(void **state)
{
	struct world *world = *state;
	struct b2b_source_status status;
	struct b2b_principal person;

	world->directory.n_people = PEOPLE_MAX;
	world->directory.page = 97;
	assert_int_equal(source_pass(&world->run), 0);
	b2b_source_get_status(world->run.source, &status);
	assert_int_equal(status.people, PEOPLE_MAX);
	assert_int_equal(status.groups, 1);
	assert_int_equal(status.organisations, 1);
	assert_true(status.last_complete_s > 0);
	assert_true(world->run.changes > 0);
	assert_int_equal(b2b_directory_by_name(world->run.base->state, "42c3e9", "n7", &person), 0);
	assert_string_equal(person.display, "N7");
	assert_string_equal(person.id, "p7");
	assert_int_equal(person.roles, 2);
	assert_int_equal(person.modified_ms % 1000, 250);
	b2b_principal_clear(&person);
	world->run.changes = 0;
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(world->run.changes, 0);
}

/* Events may call people by these; and by nothing that only looks like them. */
static void addresses_and_numbers_are_kept(void **state)
{
	struct world *world = *state;
	struct state_fixture *base = world->run.base;
	uint32_t uid;

	world->directory.extra = "{\"id\":\"p1\",\"userName\":\"n1@acme.example\",\"active\":true,"
	                         "\"emails\":[{\"value\":\"N.One@mail.example\",\"primary\":true},\"n1@home.example\",{\"value\":7},7],"
	                         "\"phoneNumbers\":[{\"value\":\"tel:+1-201-555-0123\"}],"
	                         "\"urn:b2b:scim:schemas:2.0:User\":{\"organizationId\":\"42c3e9\",\"localName\":\"n1\"}}";
	assert_int_equal(source_pass(&world->run), 0);
	uid = fixture_id(base, 0, B2B_ID_USER, "p1");
	assert_true(uid);
	assert_int_equal(fixture_alias(base, B2B_ALIAS_ACCOUNT, "acct:n1@acme.example"), uid);
	assert_int_equal(fixture_alias(base, B2B_ALIAS_MAIL, "n1@acme.example"), uid);
	assert_int_equal(fixture_alias(base, B2B_ALIAS_MAIL, "n.one@mail.example"), uid);
	assert_int_equal(fixture_alias(base, B2B_ALIAS_MAIL, "n1@home.example"), uid);
	assert_int_equal(fixture_alias(base, B2B_ALIAS_PHONE, "+12015550123"), uid);
	assert_int_equal(fixture_alias(base, B2B_ALIAS_ACCOUNT, "n1@home.example"), 0);
	world->directory.extra = "{\"id\":\"p1\",\"userName\":\"n1\",\"active\":true,\"emails\":{},"
	                         "\"urn:b2b:scim:schemas:2.0:User\":{\"organizationId\":\"42c3e9\",\"localName\":\"n1\"}}";
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(fixture_alias(base, B2B_ALIAS_MAIL, "n1@home.example"), 0);
	assert_int_equal(standing(world, "n1"), B2B_OK);
}

/* Whoever needs one that began later compares; and what the first has shown counts. */
static void a_pass_that_is_asked_for_meanwhile_follows(void **state)
{
	struct world *world = *state;

	b2b_source_sync(world->run.source);
	while (!world->directory.requests)
		b2b_loop_turn(world->run.loop, 5);
	b2b_source_sync(world->run.source);
	source_turn_until(&world->run, &world->run.passes, 1);
	assert_int_equal(world->run.error, 0);
	source_turn_until(&world->run, &world->run.passes, 2);
	assert_int_equal(world->run.error, 0);
}

static void a_repeated_first_page_ends(void **state)
{
	struct world *world = *state;

	world->directory.repeat_past_end = true;
	assert_int_equal(source_pass(&world->run), 0);
	world->directory.total_lies = true;
	assert_int_equal(source_pass(&world->run), -EAGAIN);
	assert_non_null(strstr(world->run.why, "totalResults"));
	assert_int_equal(standing(world, "n1"), B2B_OK);
}

static void errors_remove_nobody(void **state)
{
	struct world *world = *state;

	assert_int_equal(source_pass(&world->run), 0);
	world->directory.status = 403;
	assert_int_equal(source_pass(&world->run), -EAGAIN);
	assert_non_null(strstr(world->run.why, "403"));
	world->directory.status = 0;
	fake.no_token = true;
	assert_int_equal(source_pass(&world->run), -EAGAIN);
	assert_int_equal(standing(world, "n1"), B2B_OK);
}

static void an_old_token_is_replaced_once(void **state)
{
	struct world *world = *state;

	world->directory.refuse_first = 1;
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(fake.drops, 1);
	world->directory.refuse_first = 1000;
	assert_int_equal(source_pass(&world->run), -EAGAIN);
	assert_non_null(strstr(world->run.why, "401"));
}

static void who_is_gone_is_removed(void **state)
{
	struct world *world = *state;

	assert_int_equal(source_pass(&world->run), 0);
	world->directory.gone = 2;
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, "n0"), B2B_USER_REMOVED);
	assert_int_equal(standing(world, "n1"), B2B_USER_REMOVED);
	assert_int_equal(standing(world, "n2"), B2B_OK);
}

static void who_is_only_not_listed_stays(void **state)
{
	struct world *world = *state;

	assert_int_equal(source_pass(&world->run), 0);
	world->directory.unlisted = 1;
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, "n0"), B2B_OK);
}

/* However many they are: each is asked for. */
static void of_many_who_are_only_not_listed_all_stay(void **state)
{
	struct world *world = *state;
	struct b2b_source_status status;
	int n;

	world->run.conf.federation.mass_removal_percent = 60;
	world->directory.n_people = 1000;
	assert_int_equal(source_pass(&world->run), 0);
	world->directory.unlisted = 450;
	assert_int_equal(source_pass(&world->run), 0);
	b2b_source_get_status(world->run.source, &status);
	assert_int_equal(status.people, 1000);
	world->directory.gone = 420; /* and 450 are not listed besides */
	world->directory.requests = 0;
	world->run.conf.federation.mass_removal_percent = 90;
	assert_int_equal(source_pass(&world->run), 0);
	b2b_source_get_status(world->run.source, &status);
	assert_int_equal(status.people, 580);
	assert_in_range(world->directory.requests, 870, 880); /* nobody is asked for twice */
	for (n = 0; n < 1000; n += 10) {
		char name[16];

		snprintf(name, sizeof(name), "n%d", n);
		assert_int_equal(standing(world, name), n < 420 ? B2B_USER_REMOVED : B2B_OK);
	}
}

static void many_at_once_wait_for_a_word(void **state)
{
	struct world *world = *state;

	assert_int_equal(source_pass(&world->run), 0);
	world->directory.gone = 3;
	assert_int_equal(source_pass(&world->run), -EBUSY);
	assert_non_null(strstr(world->run.why, "acme would lose 3 of 10"));
	assert_int_equal(standing(world, "n0"), B2B_OK);
	world->directory.gone = 0;
	world->directory.acme_unlisted = true;
	assert_int_equal(source_pass(&world->run), -EBUSY);
	assert_int_equal(standing(world, "n0"), B2B_OK);
}

static int approve(struct world *world)
{
	return b2b_removal_approve(world->run.base->state, "42c3e9", b2b_wall_s(), 1000);
}

/* How many are waited for, 0: nothing waits. */
static size_t waiting(struct world *world)
{
	struct b2b_removal removal;
	size_t n;

	if (b2b_removal_get(world->run.base->state, "42c3e9", &removal) < 0)
		return 0;
	n = removal.n_missing;
	b2b_removal_clear(&removal);
	return n;
}

static void what_was_approved_goes_with_the_next_pass(void **state)
{
	struct world *world = *state;

	assert_int_equal(approve(world), -ENOENT);
	assert_int_equal(source_pass(&world->run), 0);
	world->directory.gone = 5;
	assert_int_equal(source_pass(&world->run), -EBUSY);
	assert_int_equal(waiting(world), 5);
	assert_int_equal(source_pass(&world->run), -EBUSY); /* as long as nobody says so */
	assert_int_equal(approve(world), 0);
	world->directory.status = 500; /* an error is no pass */
	assert_int_equal(source_pass(&world->run), -EAGAIN);
	assert_int_equal(standing(world, "n0"), B2B_OK);
	world->directory.status = 0;
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, "n4"), B2B_USER_REMOVED);
	assert_int_equal(standing(world, "n5"), B2B_OK);
	assert_int_equal(waiting(world), 0);
	world->directory.gone = 9; /* the word was for those five */
	assert_int_equal(source_pass(&world->run), -EBUSY);
	assert_int_equal(standing(world, "n5"), B2B_OK);
}

static void more_than_was_approved_waits_again(void **state)
{
	struct world *world = *state;

	assert_int_equal(source_pass(&world->run), 0);
	world->directory.gone = 4;
	assert_int_equal(source_pass(&world->run), -EBUSY);
	assert_int_equal(approve(world), 0);
	world->directory.gone = 9;
	assert_int_equal(source_pass(&world->run), -EBUSY);
	assert_int_equal(standing(world, "n0"), B2B_OK);
	assert_int_equal(waiting(world), 9);
	assert_int_equal(approve(world), 0);
	world->directory.gone = 5; /* most of them are there again */
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, "n4"), B2B_USER_REMOVED);
	assert_int_equal(standing(world, "n5"), B2B_OK);
}

static void what_a_later_pass_does_not_want_is_forgotten(void **state)
{
	struct world *world = *state;

	assert_int_equal(source_pass(&world->run), 0);
	world->directory.gone = 5;
	assert_int_equal(source_pass(&world->run), -EBUSY);
	world->directory.gone = 0;
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(waiting(world), 0);
	assert_int_equal(approve(world), -ENOENT);
	assert_int_equal(standing(world, "n0"), B2B_OK);
}

static void an_organisation_that_is_no_longer_listed_ends_once_approved(void **state)
{
	struct world *world = *state;
	struct b2b_org_record org;

	assert_int_equal(source_pass(&world->run), 0);
	world->directory.gone = 9;
	assert_int_equal(source_pass(&world->run), -EBUSY);
	assert_int_equal(approve(world), 0);
	world->directory.acme_unlisted = true; /* that was not what was approved */
	assert_int_equal(source_pass(&world->run), -EBUSY);
	assert_int_equal(standing(world, "n0"), B2B_OK);
	assert_int_equal(approve(world), 0);
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(b2b_directory_org(world->run.base->state, "42c3e9", &org), 0);
	assert_int_equal(b2b_org_standing(&org, b2b_wall_s()), B2B_ORG_ENDED);
	b2b_org_record_clear(&org);
}

static void the_threshold_is_roots(void **state)
{
	struct world *world = *state;

	assert_int_equal(source_pass(&world->run), 0);
	world->run.conf.federation.mass_removal_least = 6;
	world->directory.gone = 5;
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, "n4"), B2B_USER_REMOVED);
}

static void a_pass_that_waits_is_complete_for_all_others(void **state)
{
	struct world *world = *state;
	struct b2b_source_status status;

	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(sqlite3_exec(b2b_state_db(world->run.base->state), "UPDATE directory_pass SET complete_s = 5", NULL, NULL, NULL), SQLITE_OK);
	world->directory.gone = 5;
	assert_int_equal(source_pass(&world->run), -EBUSY);
	b2b_source_get_status(world->run.source, &status);
	assert_true(status.last_complete_s > 5);
	assert_int_equal(status.failing_since_s, 0);
}

/* A second host that asks the same directory. */
static void beside(struct world *world, void (*check)(struct world *other))
{
	struct world other = *world;

	fixture_setup((void **)&other.run.base);
	source_new(&other.run, changed);
	check(&other);
	b2b_source_free(other.run.source);
	fixture_teardown((void **)&other.run.base);
}

static void check_numbers(struct world *world)
{
	char owner[16];
	uint32_t place;

	assert_int_equal(source_pass(&world->run), 0);
	for (int i = 0; i < 10; i++) {
		snprintf(owner, sizeof(owner), "p%d", i);
		b2b_ledger_place(&world->run.base->orgs[0], B2B_ID_USER, owner, &place);
		/* an advice that is none keeps nobody out */
		assert_int_equal(fixture_id(world->run.base, 0, B2B_ID_USER, owner), i == 3 || i == 4 ? place : 2013270000u + (uint32_t)i);
	}
	assert_int_equal(fixture_id(world->run.base, 0, B2B_ID_GROUP, "g1"), 2013271000);
}

static void find_the_last_first(struct world *world)
{
	assert_int_equal(source_find(&world->run, 0, "n9"), 0);
	assert_int_equal(source_find(&world->run, 0, "n0"), 0);
	check_numbers(world);
}

static void the_directory_says_the_ids_of_every_host(void **state)
{
	struct world *world = *state;

	world->directory.numbers = true;
	beside(world, find_the_last_first);
	check_numbers(world);
}

static void a_removed_persons_number_is_nobody_elses(void **state)
{
	struct world *world = *state;

	world->directory.numbers = true;
	assert_int_equal(source_pass(&world->run), 0);
	world->directory.gone = 1;
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, "n0"), B2B_USER_REMOVED);
	world->directory.gone = 0;
	world->directory.extra = "{\"id\":\"other\",\"active\":true,\"urn:b2b:scim:schemas:2.0:User\":{\"organizationId\":\"42c3e9\","
	                         "\"localName\":\"other\",\"uidNumber\":2013270000}}";
	source_pass(&world->run);
	assert_int_equal(standing(world, "other"), B2B_OK);
	assert_int_not_equal(fixture_id(world->run.base, 0, B2B_ID_USER, "other"), 2013270000);
	assert_int_equal(fixture_id(world->run.base, 0, B2B_ID_USER, "p0"), 2013270000);
}

/* A disk that is full is no fault of the record at hand: whoever could not be stored comes with the next pass. */
static void a_full_disk_ends_the_pass(void **state)
{
	struct world *world = *state;
	sqlite3 *db = b2b_state_db(world->run.base->state);

	world->directory.n_people = PEOPLE_MAX;
	assert_int_equal(sqlite3_exec(db, "PRAGMA max_page_count = 1", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(source_pass(&world->run), -EAGAIN);
	assert_string_equal(world->run.why, "No space left on device");
	assert_int_equal(standing(world, "n1199"), -ENOENT);
	assert_int_equal(sqlite3_exec(db, "PRAGMA max_page_count = 1000000", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, "n1199"), B2B_OK);
}

static void one_without_an_id_stops_nobody(void **state)
{
	static const char fill[] = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 65529)"
	                           " INSERT INTO ledger (id, org_id, kind, owner) SELECT 2013265920 + i, '42c3e9', 1, 'former' || i FROM n";
	struct world *world = *state;
	struct b2b_source_status status;

	assert_int_equal(sqlite3_exec(b2b_state_db(world->run.base->state), fill, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(source_pass(&world->run), 0);
	b2b_source_get_status(world->run.source, &status);
	assert_int_equal(status.people, 6);
	assert_int_equal(standing(world, "n5"), B2B_OK);
	assert_int_equal(standing(world, "n6"), -ENOENT);
	/* who has an id is followed all the same */
	world->directory.gone = 1;
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, "n0"), B2B_USER_REMOVED);
	assert_int_equal(standing(world, "n6"), -ENOENT);
}

static void a_broken_record_does_not_remove_its_person(void **state)
{
	struct world *world = *state;

	world->directory.n_people = 1;
	assert_int_equal(source_pass(&world->run), 0);
	world->directory.extra = "{\"id\":\"p0\",\"active\":\"yes\"}";
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, "n0"), B2B_OK);
	world->directory.extra = "{\"active\":true}";
	assert_int_equal(source_pass(&world->run), -EAGAIN);
	assert_int_equal(standing(world, "n0"), B2B_OK);
}

static void finds_one(void **state)
{
	struct world *world = *state;

	assert_int_equal(source_find(&world->run, 0, "n4"), 0);
	assert_non_null(strstr(world->directory.last_path, "filter=urn%3Ab2b%3Ascim%3Aschemas%3A2.0%3AUser%3AorganizationId%20eq%20%2242c3e9%22"));
	assert_int_equal(standing(world, "n4"), B2B_OK);
	assert_int_equal(world->run.changes, 1);
	assert_int_equal(source_find(&world->run, 0, "n11"), -ENOENT);
	world->directory.ignore_filter = true;
	assert_int_equal(source_find(&world->run, 0, "n5"), -ENOENT);
	assert_int_equal(standing(world, "n0"), -ENOENT);
	world->directory.status = 500;
	assert_int_equal(source_find(&world->run, 0, "n6"), -EHOSTUNREACH);
	b2b_source_find(world->run.source, 0, "n6", source_found, &world->run); /* freed while it is under way */
}

static void make_plain(struct world *world)
{
	struct b2b_conf_federation *federation = &world->run.conf.federation;

	world->directory.plain = true;
	federation->scim_organisation_attribute = (char *)ENTERPRISE ":organization";
	federation->scim_name_attribute = (char *)"urn:ietf:params:scim:schemas:core:2.0:User:userName";
	federation->scim_group_name_attribute = (char *)"urn:ietf:params:scim:schemas:core:2.0:Group:displayName";
	federation->scim_organisations = false;
}

static void a_plain_directory_does(void **state)
{
	struct world *world = *state;
	struct b2b_source_status status;

	make_plain(world);
	assert_int_equal(source_pass(&world->run), 0);
	b2b_source_get_status(world->run.source, &status);
	assert_int_equal(status.people, 10);
	assert_int_equal(status.organisations, 2);
	assert_int_equal(status.groups, 1);
	assert_int_equal(standing(world, "n7"), B2B_OK);
	world->directory.n_people = 11;
	assert_int_equal(source_find(&world->run, 0, "n10"), 0);
	assert_non_null(strstr(world->directory.last_path, "%3AUser%3Aorganization%20eq%20%2242c3e9%22%20and%20%28userName%20eq%20%22n10%22%20or%20"
	                                                   "userName%20sw%20%22n10%40%22%29"));
	assert_int_equal(standing(world, "n10"), B2B_OK);
	assert_int_equal(source_find(&world->run, 0, "n11"), -ENOENT);
}

static void who_leaves_the_organisation_is_removed(void **state)
{
	struct world *world = *state;

	make_plain(world);
	assert_int_equal(source_pass(&world->run), 0);
	world->directory.without_org = 1;
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, "n0"), B2B_USER_REMOVED);
	assert_int_equal(standing(world, "n1"), B2B_OK);
	world->directory.without_org = 9;
	assert_int_equal(source_pass(&world->run), -EBUSY);
	assert_int_equal(standing(world, "n1"), B2B_OK);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(reads_everything_page_by_page), TEST(addresses_and_numbers_are_kept), TEST(a_pass_that_is_asked_for_meanwhile_follows),
		TEST(a_repeated_first_page_ends),   TEST(errors_remove_nobody),
		TEST(an_old_token_is_replaced_once), TEST(who_is_gone_is_removed),       TEST(who_is_only_not_listed_stays),
		TEST(of_many_who_are_only_not_listed_all_stay),
		TEST(what_was_approved_goes_with_the_next_pass), TEST(more_than_was_approved_waits_again),
		TEST(what_a_later_pass_does_not_want_is_forgotten), TEST(an_organisation_that_is_no_longer_listed_ends_once_approved),
		TEST(the_threshold_is_roots), TEST(a_pass_that_waits_is_complete_for_all_others),
		TEST(many_at_once_wait_for_a_word),  TEST(a_broken_record_does_not_remove_its_person), TEST(a_full_disk_ends_the_pass),
		TEST(one_without_an_id_stops_nobody), TEST(the_directory_says_the_ids_of_every_host),
		TEST(a_removed_persons_number_is_nobody_elses), TEST(finds_one),
		TEST(a_plain_directory_does),        TEST(who_leaves_the_organisation_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
