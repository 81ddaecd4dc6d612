/* The directory's copy: who holds a name, what closes somebody and what lifts it, who is gone after a pass. */
#include "tests/unit/state_fixture.h"

#include <errno.h>

#include "common/reason.h"

static int put(struct state_fixture *fixture, const struct b2b_principal *person, int64_t pass)
{
	bool changed = false;
	int r = b2b_directory_put_principal(fixture->state, &fixture->policy, person, pass, &changed);

	return r < 0 ? r : changed;
}

static uint32_t uid_of(struct state_fixture *fixture, const char *local)
{
	struct b2b_principal found;
	uint32_t uid;

	if (b2b_directory_by_name(fixture->state, "42c3e9", local, &found) < 0)
		return 0;
	uid = found.uid;
	b2b_principal_clear(&found);
	return uid;
}

static int standing(struct state_fixture *fixture, uint32_t uid, int64_t now)
{
	struct b2b_principal found;
	int r = b2b_directory_by_uid(fixture->state, uid, &found);

	assert_int_equal(r, 0);
	r = b2b_principal_standing(&found, now);
	b2b_principal_clear(&found);
	return r;
}

static void stores_and_finds(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_principal alice = fixture_person("u-alice", "alice"), found;
	uint32_t uid;

	alice.subject = (char *)"sub-alice";
	alice.display = (char *)"Alice Adams";
	alice.shell = (char *)"/bin/zsh";
	alice.kind = B2B_SERVICE_PRINCIPAL;
	alice.roles = 5;
	alice.not_before = 10;
	alice.not_after = 20;
	assert_int_equal(put(fixture, &alice, 1), 1);
	assert_int_equal(put(fixture, &alice, 1), 0);
	assert_int_equal(b2b_directory_by_subject(fixture->state, "sub-alice", &found), 0);
	assert_string_equal(found.id, "u-alice");
	assert_string_equal(found.local, "alice");
	assert_string_equal(found.org_id, "42c3e9");
	assert_string_equal(found.display, "Alice Adams");
	assert_string_equal(found.shell, "/bin/zsh");
	assert_int_equal(found.kind, B2B_SERVICE_PRINCIPAL);
	assert_int_equal(found.roles, 5);
	assert_int_equal(found.not_after, 20);
	assert_int_equal(found.uid, fixture_id(fixture, 0, B2B_ID_USER, "u-alice"));
	uid = found.uid;
	b2b_principal_clear(&found);
	alice.roles = 1;
	assert_int_equal(put(fixture, &alice, 1), 1);
	assert_int_equal(b2b_directory_by_name(fixture->state, "9d01f2", "alice", &found), -ENOENT);
	assert_int_equal(b2b_directory_by_subject(fixture->state, "u-alice", &found), -ENOENT);
	assert_int_equal(standing(fixture, uid, 9), B2B_USER_WINDOW);
	assert_int_equal(standing(fixture, uid, 10), B2B_OK);
	assert_int_equal(standing(fixture, uid, 20), B2B_USER_WINDOW);
	assert_int_equal(b2b_directory_next_change(fixture->state, 5), 10);
	assert_int_equal(b2b_directory_next_change(fixture->state, 10), 20);
	assert_int_equal(b2b_directory_next_change(fixture->state, 20), 0);
}

static void refuses_names_outside_the_rule(void **state)
{
	static const char *const bad[] = { "", "members", "Alice", "al ice", "a@b", "abcdefghijklmnopqrstuvwxyz1" };
	struct state_fixture *fixture = *state;
	struct b2b_principal person;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		person = fixture_person("u-x", bad[i]);
		assert_int_equal(put(fixture, &person, 1), -EINVAL);
	}
	person = fixture_person("u-x", "alice");
	person.org_id = (char *)"unknown";
	assert_int_equal(put(fixture, &person, 1), -ENOENT);
}

static void a_name_passes_on_only_from_the_removed(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_principal first = fixture_person("u-1", "alice"), second = fixture_person("u-2", "alice");
	struct b2b_principal found;
	uint32_t uid;

	assert_int_equal(put(fixture, &first, 1), 1);
	uid = uid_of(fixture, "alice");
	assert_int_equal(put(fixture, &second, 1), -EEXIST);
	first.state = B2B_REMOVED;
	assert_int_equal(put(fixture, &first, 1), 1);
	assert_int_equal(uid_of(fixture, "alice"), uid); /* keeps a name for the files */
	assert_int_equal(put(fixture, &second, 1), 1);
	assert_int_not_equal(uid_of(fixture, "alice"), uid);
	assert_int_equal(b2b_directory_by_uid(fixture->state, uid, &found), 0);
	assert_string_equal(found.id, "u-1");
	b2b_principal_clear(&found);
	/* the first one coming back does not take the name away again */
	first.state = B2B_ACTIVE;
	assert_int_equal(put(fixture, &first, 1), -EEXIST);
	assert_int_equal(standing(fixture, uid, 1), B2B_USER_REMOVED);
	snprintf(first.local, sizeof(first.local), "alice2");
	assert_int_equal(put(fixture, &first, 1), 1);
	assert_int_equal(uid_of(fixture, "alice2"), uid);
}

static void use_up_ids(struct state_fixture *fixture, int org)
{
	char owner[16];
	uint32_t id;
	int r = 0;

	for (unsigned i = 0; r == 0; i++) {
		snprintf(owner, sizeof(owner), "p%u", i);
		r = b2b_ledger_id(fixture->state, &fixture->policy.orgs[org], B2B_ID_USER, owner, 0, &id);
	}
	assert_int_equal(r, -EDQUOT);
}

static void who_gets_no_id_takes_no_name(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_principal first = fixture_person("u-1", "alice"), second = fixture_person("u-2", "alice"), found;
	bool changed;

	first.org_id = second.org_id = (char *)"9d01f2";
	assert_int_equal(put(fixture, &first, 1), 1);
	first.state = B2B_REMOVED;
	assert_int_equal(put(fixture, &first, 1), 1);
	use_up_ids(fixture, 1);
	assert_int_equal(put(fixture, &second, 1), -EDQUOT);
	assert_int_equal(b2b_directory_put_group(fixture->state, &fixture->policy, "g-1", "9d01f2", "alice", 0, NULL, 0, 1, &changed), -EDQUOT);
	assert_int_equal(b2b_directory_by_name(fixture->state, "9d01f2", "alice", &found), 0);
	assert_string_equal(found.id, "u-1");
	b2b_principal_clear(&found);
}

static void a_taken_new_name_does_not_hide_a_suspension(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_principal alice = fixture_person("u-1", "alice"), bob = fixture_person("u-2", "bob");

	put(fixture, &alice, 1);
	put(fixture, &bob, 1);
	snprintf(bob.local, sizeof(bob.local), "alice");
	bob.state = B2B_SUSPENDED;
	assert_int_equal(put(fixture, &bob, 1), 1);
	assert_int_equal(standing(fixture, uid_of(fixture, "bob"), 1), B2B_USER_SUSPENDED);
	assert_int_equal(standing(fixture, uid_of(fixture, "alice"), 1), B2B_OK);
}

static void two_with_one_subject_are_refused(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_principal alice = fixture_person("u-1", "alice"), eve = fixture_person("u-2", "eve");

	put(fixture, &alice, 1);
	eve.subject = alice.subject;
	assert_int_equal(put(fixture, &eve, 1), -EEXIST);
	eve.org_id = (char *)"9d01f2";
	assert_int_equal(put(fixture, &eve, 1), -EEXIST);
}

static void events_close_and_lift(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_principal alice = fixture_person("u-1", "alice");
	struct b2b_state *db = fixture->state;
	uint32_t uid;

	alice.modified_ms = 5000;
	put(fixture, &alice, 1);
	uid = uid_of(fixture, "alice");
	assert_int_equal(b2b_directory_disable(db, uid, 7250), 0);
	assert_int_equal(standing(fixture, uid, 1), B2B_USER_SUSPENDED);
	/* a page read before the event says active still */
	assert_int_equal(put(fixture, &alice, 1), 0);
	assert_int_equal(standing(fixture, uid, 1), B2B_USER_SUSPENDED);
	assert_int_equal(b2b_directory_enable(db, uid, 7249), 0);
	assert_int_equal(standing(fixture, uid, 1), B2B_USER_SUSPENDED);
	assert_int_equal(b2b_directory_enable(db, uid, 7250), 0);
	assert_int_equal(standing(fixture, uid, 1), B2B_USER_SUSPENDED);
	assert_int_equal(b2b_directory_enable(db, uid, 7251), 0);
	assert_int_equal(standing(fixture, uid, 1), B2B_OK);
	/* a record modified afterwards lifts it; whole seconds count to their end */
	b2b_directory_disable(db, uid, 8000);
	alice.modified_ms = 8700;
	assert_int_equal(put(fixture, &alice, 1), 0);
	assert_int_equal(standing(fixture, uid, 1), B2B_USER_SUSPENDED);
	alice.modified_ms = 9000;
	assert_int_equal(put(fixture, &alice, 1), 1);
	assert_int_equal(standing(fixture, uid, 1), B2B_OK);
	/* enabled by event, suspended by record: each for itself */
	alice.state = B2B_SUSPENDED;
	put(fixture, &alice, 1);
	b2b_directory_enable(db, uid, 99999);
	assert_int_equal(standing(fixture, uid, 1), B2B_USER_SUSPENDED);
	assert_int_equal(b2b_directory_disable(db, uid + 7, 1), -ENOENT);
}

/* RFC 8936 promises no order: a closing that comes late is told from one that is new by the openings that are remembered. */
static void the_order_of_events_does_not_matter(void **state)
{
	static const struct {
		int64_t closing, opening;
		int standing;
	} rows[] = {
		{ 7250, 7251, B2B_OK },
		{ 7250, 7250, B2B_USER_SUSPENDED },
		{ 7250, 7249, B2B_USER_SUSPENDED },
		{ 7000, 7500, B2B_USER_SUSPENDED }, /* whole seconds: it may have been at 7.999 */
		{ 7000, 8000, B2B_OK },
	};
	struct state_fixture *fixture = *state;
	struct b2b_state *db = fixture->state;
	char id[] = "u-0", local[] = "a";
	size_t i;

	for (i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
		struct b2b_principal person;
		uint32_t uid;

		id[2]++;
		local[0]++;
		person = fixture_person(id, local);
		person.modified_ms = 5000;
		put(fixture, &person, 1);
		uid = uid_of(fixture, local);
		if (i % 2)
			b2b_directory_disable(db, uid, rows[i / 2].closing);
		b2b_directory_enable(db, uid, rows[i / 2].opening);
		if (i % 2 == 0)
			b2b_directory_disable(db, uid, rows[i / 2].closing);
		if (standing(fixture, uid, 1) != rows[i / 2].standing)
			fail_msg("row %zu", i);
	}
}

/* Suspended and reinstated within one second, in events of whole seconds: the record knows which came last. */
static void the_record_settles_events_that_contradict_each_other(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_principal alice = fixture_person("u-1", "alice");
	uint32_t uid;

	alice.modified_ms = 5000;
	put(fixture, &alice, 1);
	uid = uid_of(fixture, "alice");
	b2b_directory_disable(fixture->state, uid, 7000);
	b2b_directory_enable(fixture->state, uid, 7000);
	put(fixture, &alice, 2);
	assert_int_equal(standing(fixture, uid, 1), B2B_USER_SUSPENDED);
	alice.modified_ms = 7400;
	put(fixture, &alice, 2);
	assert_int_equal(standing(fixture, uid, 1), B2B_OK);
}

static void note_ahead(struct b2b_state *db, const char *name, const char *org_id, int64_t disabled_ms, int64_t enabled_ms, int64_t cutoff_ms)
{
	struct b2b_event_ahead ahead = { .name = name, .org_id = org_id, .disabled_ms = disabled_ms, .enabled_ms = enabled_ms,
		                         .cutoff_ms = cutoff_ms };

	assert_int_equal(b2b_event_ahead_note(db, &ahead, 100), 0);
}

static void events_hold_for_people_who_come_later(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_principal alice = fixture_person("u-1", "alice"), bob = fixture_person("u-2", "bob"), eve = fixture_person("u-3", "eve"),
	                     found;
	struct b2b_state *db = fixture->state;

	alice.modified_ms = bob.modified_ms = eve.modified_ms = 5000;
	note_ahead(db, "u-1", "42c3e9", 7250, 0, 7250);
	note_ahead(db, "u-2", "", 7250, 0, 7250);
	note_ahead(db, "u-2", "42c3e9", 0, 8000, 9000);
	note_ahead(db, "u-3", "9d01f2", 7250, 0, 7250);
	put(fixture, &alice, 1);
	put(fixture, &bob, 1);
	put(fixture, &eve, 1);
	assert_int_equal(standing(fixture, uid_of(fixture, "alice"), 1), B2B_USER_SUSPENDED);
	assert_int_equal(standing(fixture, uid_of(fixture, "bob"), 1), B2B_OK);
	b2b_directory_by_uid(db, uid_of(fixture, "bob"), &found);
	assert_int_equal(found.cutoff_ms, 9000);
	assert_int_equal(found.enabled_ms, 8000);
	b2b_principal_clear(&found);
	assert_int_equal(standing(fixture, uid_of(fixture, "eve"), 1), B2B_OK); /* of another organisation's membership */
	/* the subject that it was about is given to somebody here */
	note_ahead(db, "s-9", "42c3e9", 7250, 0, 7250);
	eve.subject = (char *)"s-9";
	put(fixture, &eve, 2);
	assert_int_equal(standing(fixture, uid_of(fixture, "eve"), 1), B2B_USER_SUSPENDED);
}

/* Events name the person and no organisation, and find who is there: the row of the former organisation hears of them at the return. */
static void events_hold_for_people_who_come_back(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_principal alice = fixture_person("u-1", "alice"), bob = fixture_person("u-2", "bob"), found;
	char *home = alice.org_id;
	uint32_t uid, bobs;

	alice.modified_ms = bob.modified_ms = 5000;
	assert_int_equal(put(fixture, &alice, 1), 1);
	assert_int_equal(put(fixture, &bob, 1), 1);
	uid = uid_of(fixture, "alice");
	bobs = uid_of(fixture, "bob");
	alice.org_id = (char *)"9d01f2";
	assert_int_equal(put(fixture, &alice, 1), 1);
	bob.state = B2B_REMOVED;
	assert_int_equal(put(fixture, &bob, 1), 1);
	note_ahead(fixture->state, "u-1", "", 0, 0, 7250);
	note_ahead(fixture->state, "u-2", "", 7250, 0, 7250);
	alice.org_id = home;
	bob.state = B2B_ACTIVE;
	assert_int_equal(put(fixture, &alice, 2), 1);
	assert_int_equal(put(fixture, &bob, 2), 1);
	assert_int_equal(uid_of(fixture, "alice"), uid);
	assert_int_equal(standing(fixture, uid, 1), B2B_OK);
	assert_int_equal(b2b_directory_by_uid(fixture->state, uid, &found), 0);
	assert_int_equal(found.cutoff_ms, 7250);
	b2b_principal_clear(&found);
	assert_int_equal(standing(fixture, bobs, 1), B2B_USER_SUSPENDED);
}

static void a_record_from_after_the_event_makes_it_past(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_principal alice = fixture_person("u-1", "alice"), bob = fixture_person("u-2", "bob");

	alice.modified_ms = 7251;
	bob.modified_ms = 9000;
	note_ahead(fixture->state, "u-1", "", 7250, 0, 7250);
	note_ahead(fixture->state, "u-2", "", 7250, 0, 7250);
	put(fixture, &alice, 1);
	assert_int_equal(standing(fixture, uid_of(fixture, "alice"), 1), B2B_OK);
	assert_int_equal(b2b_event_ahead_prune(fixture->state, 100, 10), 0);
	assert_int_equal(b2b_event_ahead_prune(fixture->state, 101, 10), 0);
	bob.modified_ms = 5000;
	put(fixture, &bob, 1); /* forgotten by now */
	assert_int_equal(standing(fixture, uid_of(fixture, "bob"), 1), B2B_OK);
}

static void cut_offs_only_move_forward(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_principal alice = fixture_person("u-1", "alice"), found;
	uint32_t uid;

	put(fixture, &alice, 1);
	uid = uid_of(fixture, "alice");
	b2b_directory_cut_off(fixture->state, uid, 500);
	b2b_directory_disable(fixture->state, uid, 400);
	b2b_directory_enable(fixture->state, uid, 450);
	b2b_directory_by_uid(fixture->state, uid, &found);
	assert_int_equal(found.cutoff_ms, 500);
	assert_int_equal(found.disabled_ms, 0);
	b2b_principal_clear(&found);
	alice.display = (char *)"changed";
	alice.modified_ms += 1;
	put(fixture, &alice, 1);
	b2b_directory_by_uid(fixture->state, uid, &found);
	assert_int_equal(found.cutoff_ms, 500);
	b2b_principal_clear(&found);
}

static void an_overtaken_answer_is_dropped(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_principal alice = fixture_person("u-1", "alice");

	alice.modified_ms = 2000;
	alice.state = B2B_SUSPENDED;
	put(fixture, &alice, 3);
	alice.modified_ms = 1000;
	alice.state = B2B_ACTIVE;
	assert_int_equal(put(fixture, &alice, 3), 0);
	assert_int_equal(standing(fixture, uid_of(fixture, "alice"), 1), B2B_USER_SUSPENDED);
	/* a later pass that says so means it: the service was restored from a copy */
	assert_int_equal(put(fixture, &alice, 4), 1);
	assert_int_equal(standing(fixture, uid_of(fixture, "alice"), 1), B2B_OK);
}

static void organisations(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_org_record acme = { .id = (char *)"42c3e9", .state = B2B_ORG_IS_ACTIVE, .not_before = 5, .modified_ms = 1000 }, found;
	bool changed;

	assert_int_equal(b2b_directory_org(fixture->state, "42c3e9", &found), -ENOENT);
	assert_int_equal(b2b_directory_put_org(fixture->state, &acme, 1, &changed), 0);
	assert_true(changed);
	assert_int_equal(b2b_directory_put_org(fixture->state, &acme, 1, &changed), 0);
	assert_false(changed);
	assert_int_equal(b2b_directory_disable_org(fixture->state, "42c3e9", 2500), 0);
	assert_int_equal(b2b_directory_put_org(fixture->state, &acme, 1, &changed), 0);
	assert_int_equal(b2b_directory_org(fixture->state, "42c3e9", &found), 0);
	assert_int_equal(b2b_org_standing(&found, 9), B2B_ORG_SUSPENDED);
	assert_int_equal(found.cutoff_ms, 2500);
	b2b_org_record_clear(&found);
	assert_int_equal(b2b_directory_enable_org(fixture->state, "42c3e9", 2600), 0);
	b2b_directory_org(fixture->state, "42c3e9", &found);
	assert_int_equal(b2b_org_standing(&found, 9), B2B_OK);
	assert_int_equal(b2b_org_standing(&found, 4), B2B_ORG_WINDOW);
	b2b_org_record_clear(&found);
	acme.state = B2B_ORG_HAS_ENDED;
	b2b_directory_put_org(fixture->state, &acme, 1, &changed);
	assert_true(changed);
	b2b_directory_org(fixture->state, "42c3e9", &found);
	assert_int_equal(b2b_org_standing(&found, 9), B2B_ORG_ENDED);
	b2b_org_record_clear(&found);
	/* an event about one that was never read does not make it active */
	assert_int_equal(b2b_directory_enable_org(fixture->state, "9d01f2", 1), 0);
	b2b_directory_org(fixture->state, "9d01f2", &found);
	assert_int_equal(b2b_org_standing(&found, 9), B2B_ORG_SUSPENDED);
	b2b_org_record_clear(&found);
}

struct seen_group {
	int n;
	uint32_t gid;
	size_t n_members;
	uint32_t first;
};

static int note_group(void *arg, const char *local, uint32_t gid, const uint32_t *members, size_t n_members)
{
	struct seen_group *seen = arg;

	assert_string_equal(local, "dba");
	seen->n++;
	seen->gid = gid;
	seen->n_members = n_members;
	seen->first = n_members ? members[0] : 0;
	return 0;
}

static void groups_share_names_and_numbers(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_principal alice = fixture_person("u-1", "alice"), bob = fixture_person("u-2", "bob"), dba = fixture_person("u-3", "dba");
	const char *const members[] = { "u-2", "u-1", "nobody", "u-1" };
	struct seen_group seen = { 0 };
	bool changed;

	put(fixture, &alice, 1);
	put(fixture, &bob, 1);
	assert_int_equal(b2b_directory_put_group(fixture->state, &fixture->policy, "g-1", "42c3e9", "dba", 0, members, 4, 1, &changed), 0);
	assert_true(changed);
	assert_int_equal(b2b_directory_put_group(fixture->state, &fixture->policy, "g-1", "42c3e9", "dba", 0, members, 3, 1, &changed), 0);
	assert_false(changed);
	assert_int_equal(put(fixture, &dba, 1), -EEXIST);
	assert_int_equal(b2b_directory_put_group(fixture->state, &fixture->policy, "g-2", "42c3e9", "alice", 0, NULL, 0, 1, &changed), -EEXIST);
	assert_int_equal(b2b_directory_put_group(fixture->state, &fixture->policy, "g-2", "42c3e9", "members", 0, NULL, 0, 1, &changed), -EINVAL);
	assert_int_equal(b2b_directory_each_group(fixture->state, "42c3e9", note_group, &seen), 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.gid, fixture_id(fixture, 0, B2B_ID_GROUP, "g-1"));
	assert_true(seen.gid > ACME_LO && seen.gid != uid_of(fixture, "alice") && seen.gid != uid_of(fixture, "bob"));
	assert_int_equal(seen.n_members, 2);
	assert_int_equal(b2b_directory_put_group(fixture->state, &fixture->policy, "g-1", "42c3e9", "dba", 0, members, 1, 1, &changed), 0);
	assert_true(changed);
	b2b_directory_each_group(fixture->state, "42c3e9", note_group, &seen);
	assert_int_equal(seen.n_members, 1);
	assert_int_equal(seen.first, uid_of(fixture, "bob"));
}

static void who_is_not_met_is_removed(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_principal alice = fixture_person("u-1", "alice"), bob = fixture_person("u-2", "bob");
	uint64_t living, unseen;
	uint32_t removed, uid, uids[2];
	int64_t pass;
	bool changed;

	assert_int_equal(b2b_directory_begin_pass(fixture->state, &pass), 0);
	put(fixture, &alice, pass);
	put(fixture, &bob, pass);
	b2b_directory_put_group(fixture->state, &fixture->policy, "g-1", "42c3e9", "dba", 0, NULL, 0, pass, &changed);
	assert_int_equal(b2b_directory_begin_pass(fixture->state, &pass), 0);
	put(fixture, &alice, pass);
	assert_int_equal(b2b_directory_count_unseen(fixture->state, "42c3e9", pass, &living, &unseen), 0);
	assert_int_equal(living, 2);
	assert_int_equal(unseen, 1);
	uid = uid_of(fixture, "bob");
	uids[0] = uid_of(fixture, "alice");
	assert_int_equal(b2b_directory_remove(fixture->state, pass, uids, 1, &removed), 0);
	assert_int_equal(removed, 0);
	assert_int_equal(standing(fixture, uid, 1), B2B_OK); /* nobody but those named */
	uids[1] = uid;
	assert_int_equal(b2b_directory_remove(fixture->state, pass, uids, 2, &removed), 0);
	assert_int_equal(removed, 1);
	assert_int_equal(standing(fixture, uid, 1), B2B_USER_REMOVED);
	assert_int_equal(standing(fixture, uid_of(fixture, "alice"), 1), B2B_OK);
	assert_int_equal(b2b_directory_sweep_groups(fixture->state, "42c3e9", pass, 500, &removed), 0);
	assert_int_equal(removed, 1); /* the group */
	assert_int_equal(b2b_directory_sweep_groups(fixture->state, "42c3e9", pass, 500, &removed), 0);
	assert_int_equal(removed, 0);
	/* bob comes back, with the id he had */
	put(fixture, &bob, pass);
	assert_int_equal(uid_of(fixture, "bob"), uid);
	assert_int_equal(standing(fixture, uid, 1), B2B_OK);
}

static int note_former(void *arg, const char *org_id)
{
	snprintf(arg, B2B_ID_SIZE, "%s", org_id);
	return 0;
}

static void who_moves_leaves_the_former_organisation(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_principal alice = fixture_person("u-1", "alice"), found;
	char former[B2B_ID_SIZE] = "";
	uint32_t uid;

	put(fixture, &alice, 1);
	uid = uid_of(fixture, "alice");
	alice.org_id = (char *)"9d01f2";
	assert_int_equal(put(fixture, &alice, 1), 1);
	assert_int_equal(standing(fixture, uid, 1), B2B_USER_REMOVED);
	assert_int_equal(b2b_directory_by_subject(fixture->state, "u-1", &found), 0);
	assert_int_equal(found.uid, fixture_id(fixture, 1, B2B_ID_USER, "u-1"));
	b2b_principal_clear(&found);
	assert_int_equal(b2b_directory_each_former(fixture->state, "u-1", note_former, former), 0);
	assert_string_equal(former, "42c3e9");
}

static void roles_keep_their_meaning(void **state)
{
	struct state_fixture *fixture = *state;
	struct b2b_principal alice = fixture_person("u-1", "alice"), found;
	struct b2b_policy policy = fixture->policy;

	alice.roles = 1 | 4; /* operator, auditor */
	put(fixture, &alice, 1);
	policy.n_roles = 2;
	snprintf(policy.roles[0].name, sizeof(policy.roles[0].name), "auditor");
	snprintf(policy.roles[1].name, sizeof(policy.roles[1].name), "dba");
	assert_int_equal(b2b_directory_adopt_policy(fixture->state, &policy), 1); /* to be published anew */
	b2b_directory_by_name(fixture->state, "42c3e9", "alice", &found);
	assert_int_equal(found.roles, 1);
	assert_int_equal(b2b_directory_adopt_policy(fixture->state, &policy), 0);
	policy.n_roles = 3; /* one more, and nothing that was published means anything else */
	snprintf(policy.roles[2].name, sizeof(policy.roles[2].name), "operator");
	assert_int_equal(b2b_directory_adopt_policy(fixture->state, &policy), 0);
	b2b_principal_clear(&found);
}

static int add_size(void *arg, const char *local, uint32_t gid, const uint32_t *members, size_t n_members)
{
	char *sizes = arg;
	size_t len = strlen(sizes);

	(void)gid;
	(void)members;
	snprintf(sizes + len, 256 - len, "%s:%zu ", local, n_members);
	return 0;
}

static bool member_of(struct state_fixture *fixture, uint32_t uid, const char *const *names, size_t n, const char *groups)
{
	char all[256] = "";
	bool changed = false;

	assert_int_equal(b2b_state_begin(fixture->state), 0);
	assert_int_equal(b2b_directory_put_memberships(fixture->state, &fixture->policy, "42c3e9", uid, names, n, &changed), 0);
	assert_int_equal(b2b_state_commit(fixture->state), 0);
	assert_int_equal(b2b_directory_each_group(fixture->state, "42c3e9", add_size, all), 0);
	assert_string_equal(all, groups);
	return changed;
}

/* Where a token says them, not a directory. */
static void one_person_s_groups_are_made_and_left(void **state)
{
	static const char *const names[] = { "dba", "members", "alice", "Ops", "ops", "dba" }, *const fewer[] = { "ops" };
	struct state_fixture *fixture = *state;
	struct b2b_principal alice = fixture_person("u-1", "alice"), bob = fixture_person("u-2", "bob");
	uint32_t uid, other;

	put(fixture, &alice, 1);
	put(fixture, &bob, 1);
	uid = uid_of(fixture, "alice");
	other = uid_of(fixture, "bob");
	assert_false(member_of(fixture, uid, NULL, 0, ""));
	assert_true(member_of(fixture, uid, names, sizeof(names) / sizeof(*names), "dba:1 ops:1 ")); /* by gid */
	assert_false(member_of(fixture, uid, names, sizeof(names) / sizeof(*names), "dba:1 ops:1 "));
	assert_true(member_of(fixture, other, fewer, 1, "dba:1 ops:2 "));
	assert_true(member_of(fixture, uid, fewer, 1, "dba:0 ops:2 "));
	assert_true(member_of(fixture, uid, NULL, 0, "dba:0 ops:1 "));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(stores_and_finds),
		TEST(refuses_names_outside_the_rule),
		TEST(a_name_passes_on_only_from_the_removed),
		TEST(who_gets_no_id_takes_no_name),
		TEST(a_taken_new_name_does_not_hide_a_suspension),
		TEST(two_with_one_subject_are_refused),
		TEST(events_close_and_lift),
		TEST(the_order_of_events_does_not_matter),
		TEST(the_record_settles_events_that_contradict_each_other),
		TEST(events_hold_for_people_who_come_later),
		TEST(events_hold_for_people_who_come_back),
		TEST(a_record_from_after_the_event_makes_it_past),
		TEST(cut_offs_only_move_forward),
		TEST(an_overtaken_answer_is_dropped),
		TEST(organisations),
		TEST(groups_share_names_and_numbers),
		TEST(one_person_s_groups_are_made_and_left),
		TEST(who_is_not_met_is_removed),
		TEST(who_moves_leaves_the_former_organisation),
		TEST(roles_keep_their_meaning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
