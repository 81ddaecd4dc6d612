/* A service account and the person for whom it acts: whatever closes the one closes the other, and nothing else is touched. */
#include "tests/unit/event_world.h"

#include "b2bd/directory/scim_parse.h"
#include "b2bd/state/hand_state.h"
#include "b2bd/state/seen.h"

#define T0 1790000000500

struct world {
	struct event_world host;
	int n_ends;
	struct b2b_guard_message ends[16];
};

static void put(struct world *world, const char *id, int org, const char *owner, enum b2b_principal_state state, int64_t not_after)
{
	static int64_t modified_ms = 1000;
	struct b2b_principal person = fixture_person(id, id);
	bool changed;

	person.org_id = world->host.base->orgs[org].id;
	person.owner = (char *)owner;
	person.kind = owner ? B2B_SERVICE_PRINCIPAL : B2B_PERSON;
	person.state = state;
	person.not_after = not_after;
	person.modified_ms = modified_ms++;
	assert_int_equal(b2b_state_begin(world->host.core.state), 0);
	assert_int_equal(b2b_directory_put_principal(world->host.core.state, &world->host.base->policy, &person, 1, &changed), 0);
	assert_int_equal(b2b_state_commit(world->host.core.state), 0);
}

static void note_end(void *arg, const struct b2b_guard_message *message)
{
	struct world *world = arg;

	assert_true(world->n_ends < 16);
	world->ends[world->n_ends++] = *message;
}

static void reconcile(struct world *world)
{
	world->n_ends = 0;
	b2b_reconcile(&world->host.core, -1);
	world_guard(&world->host, note_end, world);
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	world_setup(&world->host);
	world_activate_orgs(&world->host);
	put(world, "deploy", 0, "alice", B2B_ACTIVE, 0); /* before its owner */
	put(world, "alice", 0, NULL, B2B_ACTIVE, 0);
	put(world, "backup", 0, "bob", B2B_ACTIVE, 0);
	put(world, "bob", 0, NULL, B2B_ACTIVE, 0);
	b2b_publish_settled(world->host.core.publish);
	b2b_reconcile(&world->host.core, -1);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	world_teardown(&world->host);
	free(world);
	return 0;
}

static struct b2b_principal find(struct world *world, const char *id)
{
	struct b2b_principal found;

	assert_int_equal(b2b_directory_by_id(world->host.core.state, id, &found), 0);
	return found;
}

static bool is_open(struct world *world, const char *id)
{
	struct b2b_principal found = find(world, id);
	bool open = B2B_LIVE_STATE(b2b_live_load(world->host.lives[0], found.uid)) == B2B_LIVE_OPEN;

	b2b_principal_clear(&found);
	return open;
}

static int standing(struct world *world, const char *id)
{
	struct b2b_principal found = find(world, id);
	int standing = b2b_principal_standing(&found, b2b_wall_s());

	b2b_principal_clear(&found);
	return standing;
}

/* Closed and ended, by that reason; bob and what acts for him are not touched. */
static void closed(struct world *world, int ends)
{
	struct b2b_principal deploy = find(world, "deploy");
	int of_deploy = 0;

	assert_int_equal(standing(world, "deploy"), B2B_OWNER_CLOSED);
	assert_false(is_open(world, "deploy"));
	assert_int_equal(world->n_ends, ends);
	for (int i = 0; i < world->n_ends; i++) {
		if (world->ends[i].uid != deploy.uid)
			continue;
		of_deploy++;
		assert_string_equal(world->ends[i].message, b2b_reason_text(B2B_OWNER_CLOSED));
	}
	assert_int_equal(of_deploy, 1);
	assert_true(is_open(world, "bob") && is_open(world, "backup"));
	b2b_principal_clear(&deploy);
}

static void opened(struct world *world)
{
	assert_int_equal(standing(world, "deploy"), B2B_OK);
	assert_true(is_open(world, "alice") && is_open(world, "deploy"));
}

static void take(struct world *world, enum b2b_event_kind kind, int64_t time_ms)
{
	static int serial;
	char jti[16];
	struct b2b_event event = { .kind = kind, .jti = jti, .subject = (char *)"alice", .tenant = world->host.base->orgs[0].id, .time_ms = time_ms };

	snprintf(jti, sizeof(jti), "j%d", serial++);
	world->n_ends = 0;
	assert_int_equal(b2b_on_event(&world->host.core, &event), 0);
	world_guard(&world->host, note_end, world);
}

static void the_directory_closes_both_and_opens_both(void **state)
{
	struct world *world = *state;

	opened(world);
	put(world, "alice", 0, NULL, B2B_SUSPENDED, 0);
	reconcile(world);
	closed(world, 2);
	put(world, "alice", 0, NULL, B2B_ACTIVE, 0);
	reconcile(world);
	opened(world);
	put(world, "alice", 0, NULL, B2B_ACTIVE, b2b_wall_s() - 5); /* her contract is over */
	reconcile(world);
	closed(world, 2);
	put(world, "alice", 0, NULL, B2B_ACTIVE, b2b_wall_s() + 500);
	reconcile(world);
	opened(world);
	put(world, "alice", 0, NULL, B2B_REMOVED, 0);
	reconcile(world);
	closed(world, 2);
}

static void an_event_closes_both_in_one_go(void **state)
{
	struct world *world = *state;

	take(world, B2B_EVENT_ACCOUNT_DISABLED, T0);
	closed(world, 2);
	take(world, B2B_EVENT_ACCOUNT_ENABLED, T0 + 1);
	opened(world);
	take(world, B2B_EVENT_ACCOUNT_PURGED, T0 + 2);
	closed(world, 2);
}

static void an_event_that_comes_late_closes_nobody(void **state)
{
	struct world *world = *state;
	struct b2b_principal deploy;

	take(world, B2B_EVENT_ACCOUNT_ENABLED, T0 + 5000);
	take(world, B2B_EVENT_ACCOUNT_DISABLED, T0);
	opened(world);
	assert_int_equal(world->n_ends, 2); /* what was authenticated before it */
	deploy = find(world, "deploy");
	assert_int_equal(deploy.cutoff_ms, T0);
	b2b_principal_clear(&deploy);
}

static void an_event_that_comes_first_holds(void **state)
{
	struct world *world = *state;
	struct b2b_event event = { .kind = B2B_EVENT_ACCOUNT_DISABLED, .jti = (char *)"early", .subject = (char *)"dora",
		                   .tenant = world->host.base->orgs[0].id, .time_ms = T0 };

	assert_int_equal(b2b_on_event(&world->host.core, &event), 0); /* nobody knows her yet */
	put(world, "mirror", 0, "dora", B2B_ACTIVE, 0);
	reconcile(world);
	assert_false(is_open(world, "mirror"));
	put(world, "dora", 0, NULL, B2B_ACTIVE, 0); /* a record from before */
	reconcile(world);
	assert_false(is_open(world, "dora") || is_open(world, "mirror"));
	assert_int_equal(standing(world, "mirror"), B2B_OWNER_CLOSED);
}

static void root_closes_both(void **state)
{
	struct world *world = *state;
	struct b2b_hand hand = { .kind = B2B_HAND_USER, .since_ms = T0 };
	struct b2b_principal alice = find(world, "alice");
	struct b2b_revocation revocation = { .scope = B2B_SCOPE_USER, .uid = alice.uid, .close = true, .hand = &hand, .reason = B2B_USER_CLOSED };

	snprintf(hand.what, sizeof(hand.what), "alice");
	world->n_ends = 0;
	assert_int_equal(b2b_revoke_owner(&world->host.core, &revocation, "alice"), 0);
	world_guard(&world->host, note_end, world);
	closed(world, 2);
	assert_int_equal(standing(world, "alice"), B2B_USER_CLOSED);
	assert_int_equal(b2b_hand_drop(world->host.core.state, B2B_HAND_USER, "alice"), 0);
	reconcile(world);
	opened(world);
	b2b_principal_clear(&alice);
}

/* What could not be stored holds for both until it is. */
static void a_full_disk_closes_both(void **state)
{
	struct world *world = *state;
	struct b2b_event event = { .kind = B2B_EVENT_ACCOUNT_DISABLED, .jti = (char *)"full", .subject = (char *)"alice",
		                   .tenant = world->host.base->orgs[0].id, .time_ms = T0 };
	sqlite3 *db = b2b_state_db(world->host.core.state);

	sqlite3_exec(db, "PRAGMA query_only = ON", NULL, NULL, NULL);
	assert_true(b2b_on_event(&world->host.core, &event) < 0);
	sqlite3_exec(db, "PRAGMA query_only = OFF", NULL, NULL, NULL);
	world_guard(&world->host, note_end, world);
	reconcile(world); /* by the database both stand open */
	assert_false(is_open(world, "alice") || is_open(world, "deploy"));
	assert_true(is_open(world, "backup"));
	assert_int_equal(b2b_on_event(&world->host.core, &event), 0);
	take(world, B2B_EVENT_ACCOUNT_ENABLED, T0 + 1);
	opened(world);
}

static int64_t cutoff(struct world *world, const char *id)
{
	struct b2b_principal found = find(world, id);
	int64_t ms = found.cutoff_ms;

	b2b_principal_clear(&found);
	return ms;
}

/* Whoever took a person's sessions over may have started what acts for the person. */
static void an_end_of_the_owner_s_sessions_ends_what_acts_for_the_owner(void **state)
{
	struct world *world = *state;
	struct b2b_event event = { .kind = B2B_EVENT_SESSION_REVOKED, .jti = (char *)"ends-service", .subject = (char *)"deploy", .time_ms = T0 };

	world->n_ends = 0;
	assert_int_equal(b2b_on_event(&world->host.core, &event), 0); /* and not the other way round */
	world_guard(&world->host, note_end, world);
	assert_int_equal(world->n_ends, 1);
	take(world, B2B_EVENT_REAUTHENTICATE, T0 + 1); /* the service account's own authentication is not the owner's */
	assert_int_equal(world->n_ends, 0);
	assert_int_equal(cutoff(world, "deploy"), T0);
	take(world, B2B_EVENT_SESSION_REVOKED, T0 + 2);
	assert_int_equal(world->n_ends, 2);
	assert_int_equal(cutoff(world, "alice"), T0 + 2);
	assert_int_equal(cutoff(world, "deploy"), T0 + 2);
	assert_int_equal(cutoff(world, "backup"), 0);
	opened(world);
}

/* Of nobody can it be stored: all the same nobody waits for another's end. */
static void a_full_disk_ends_the_sessions_of_both(void **state)
{
	struct world *world = *state;
	struct b2b_event event = { .kind = B2B_EVENT_SESSION_REVOKED, .jti = (char *)"full", .subject = (char *)"alice",
		                   .tenant = world->host.base->orgs[0].id, .time_ms = T0 };
	sqlite3 *db = b2b_state_db(world->host.core.state);

	world->n_ends = 0;
	sqlite3_exec(db, "PRAGMA query_only = ON", NULL, NULL, NULL);
	assert_true(b2b_on_event(&world->host.core, &event) < 0);
	sqlite3_exec(db, "PRAGMA query_only = OFF", NULL, NULL, NULL);
	world_guard(&world->host, note_end, world);
	assert_int_equal(world->n_ends, 2);
	assert_int_equal(b2b_seen_has(world->host.core.state, "full"), 0);
}

/* Whose closing is in the directory only, and was not put in force yet, is ended by whatever closes the word. */
static void opening_somebody_ends_whom_the_directory_closed(void **state)
{
	struct world *world = *state;

	put(world, "backup", 0, NULL, B2B_SUSPENDED, 0);
	take(world, B2B_EVENT_ACCOUNT_ENABLED, T0 + 1);
	assert_false(is_open(world, "backup"));
	assert_int_equal(world->n_ends, 1);
}

static void what_is_closed_itself_stays_closed(void **state)
{
	struct world *world = *state;

	put(world, "deploy", 0, "alice", B2B_SUSPENDED, 0);
	put(world, "alice", 0, NULL, B2B_SUSPENDED, 0);
	reconcile(world);
	put(world, "alice", 0, NULL, B2B_ACTIVE, 0);
	reconcile(world);
	assert_true(is_open(world, "alice"));
	assert_false(is_open(world, "deploy"));
	assert_int_equal(standing(world, "deploy"), B2B_USER_SUSPENDED);
}

static void an_owner_who_leaves_the_organisation_takes_it_along(void **state)
{
	struct world *world = *state;

	put(world, "alice", 1, NULL, B2B_ACTIVE, 0);
	reconcile(world);
	closed(world, 2);
}

static void nobody_answers_for_whose_owner_is_no_person(void **state)
{
	struct world *world = *state;

	put(world, "chained", 0, "deploy", B2B_ACTIVE, 0);
	put(world, "itself", 0, "itself", B2B_ACTIVE, 0);
	put(world, "orphan", 0, "nobody-here", B2B_ACTIVE, 0);
	reconcile(world);
	assert_int_equal(standing(world, "chained"), B2B_OWNER_CLOSED);
	assert_int_equal(standing(world, "itself"), B2B_OWNER_CLOSED);
	assert_int_equal(standing(world, "orphan"), B2B_OWNER_CLOSED);
	assert_false(is_open(world, "chained") || is_open(world, "itself") || is_open(world, "orphan"));
	put(world, "orphan", 0, "alice", B2B_ACTIVE, 0); /* and gets one */
	reconcile(world);
	assert_true(is_open(world, "orphan"));
}

static void the_directory_says_who_the_owner_is(void **state)
{
	static const struct {
		const char *more, *owner;
		int r, kind;
	} records[] = {
		{ "", "", 0, B2B_PERSON },
		{ ",\"owner\":null", "", 0, B2B_PERSON },
		{ ",\"owner\":\"u-1\"", "u-1", 0, B2B_SERVICE_PRINCIPAL },
		{ ",\"owner\":{\"value\":\"u-1\",\"displayName\":\"Alice\"}", "u-1", 0, B2B_SERVICE_PRINCIPAL },
		{ ",\"owner\":\"u-1\",\"kind\":\"person\"", "u-1", 0, B2B_PERSON },
		{ ",\"owner\":7", "", -EBADMSG, 0 },
		{ ",\"owner\":[\"u-1\"]", "", -EBADMSG, 0 },
		{ ",\"owner\":\"u 1\\u0007\"", "", -EBADMSG, 0 },
	};
	struct world *world = *state;
	const struct b2b_conf_federation conf = { .scim_schema = (char *)"urn:x:User", .subject_attribute = (char *)"id",
		                                  .scim_organisation_attribute = (char *)"organizationId",
		                                  .scim_name_attribute = (char *)"localName", .scim_owner_attribute = (char *)"owner" };

	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		json_t *record = json_pack("{s:s,s:b}", "id", "s-1", "active", 1), *extension;
		struct b2b_principal person;
		const json_t *groups;
		char text[256];

		snprintf(text, sizeof(text), "{\"organizationId\":\"42c3e9\",\"localName\":\"deploy\"%s}", records[i].more);
		extension = json_loads(text, 0, NULL);
		assert_non_null(extension);
		json_object_set_new(record, "urn:x:User", extension);
		assert_int_equal(b2b_scim_person(record, &conf, &world->host.base->policy, &person, &groups), records[i].r);
		if (records[i].r == 0) {
			assert_string_equal(person.owner, records[i].owner);
			assert_int_equal(person.kind, records[i].kind);
			b2b_principal_clear(&person);
		}
		json_decref(record);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_directory_closes_both_and_opens_both),
		TEST(an_event_closes_both_in_one_go),
		TEST(an_event_that_comes_late_closes_nobody),
		TEST(an_event_that_comes_first_holds),
		TEST(root_closes_both),
		TEST(a_full_disk_closes_both),
		TEST(what_is_closed_itself_stays_closed),
		TEST(an_end_of_the_owner_s_sessions_ends_what_acts_for_the_owner),
		TEST(a_full_disk_ends_the_sessions_of_both),
		TEST(opening_somebody_ends_whom_the_directory_closed),
		TEST(an_owner_who_leaves_the_organisation_takes_it_along),
		TEST(nobody_answers_for_whose_owner_is_no_person),
		TEST(the_directory_says_who_the_owner_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
