/* What each kind of event does to whom it is about: persons, sessions, groups, organisations and those below them. */
#include "tests/unit/event_world.h"

#include "b2bd/event_sessions.h"
#include "b2bd/state/alias_state.h"

static int64_t t0; /* when all of this happens; no whole second */
#define T0 t0

struct world {
	struct event_world host;
	uint32_t alice, bob, carol; /* carol is of the subsidiary */
	int n_ends;
	struct b2b_guard_message ends[256];
};

static void put_person(struct world *world, const char *id, int org, int64_t modified_ms, uint32_t *ret_uid)
{
	struct b2b_principal person = fixture_person(id, id), found;
	bool changed;

	person.org_id = world->host.base->orgs[org].id;
	person.modified_ms = modified_ms;
	assert_int_equal(b2b_state_begin(world->host.core.state), 0);
	assert_int_equal(b2b_directory_put_principal(world->host.core.state, &world->host.base->policy, &person, 1, &changed), 0);
	assert_int_equal(b2b_state_commit(world->host.core.state), 0);
	assert_int_equal(b2b_directory_by_id(world->host.core.state, id, &found), 0);
	if (ret_uid)
		*ret_uid = found.uid;
	b2b_principal_clear(&found);
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	const char *const members[] = { "alice", "bob" };
	bool changed;

	t0 = b2b_wall_s() * 1000 - 100001;
	world_setup(&world->host);
	world_activate_orgs(&world->host);
	put_person(world, "alice", 0, 1000, &world->alice);
	put_person(world, "bob", 0, 1000, &world->bob);
	put_person(world, "carol", 1, 1000, &world->carol);
	assert_int_equal(b2b_state_begin(world->host.core.state), 0);
	assert_int_equal(b2b_directory_put_group(world->host.core.state, &world->host.base->policy, "g-1", "42c3e9", "dba", 0, members, 2, 1, &changed), 0);
	assert_int_equal(b2b_state_commit(world->host.core.state), 0);
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

static void note_end(void *arg, const struct b2b_guard_message *message)
{
	struct world *world = arg;

	assert_true(world->n_ends < 256);
	world->ends[world->n_ends++] = *message;
}

/* Hand EVENT on as the stream does, and let the guard do what it is asked. */
static int take(struct world *world, struct b2b_event event)
{
	static int serial;
	char jti[16];
	int r;

	snprintf(jti, sizeof(jti), "j%d", serial++);
	event.jti = jti;
	event.time_ms = event.time_ms ? event.time_ms : T0;
	world->n_ends = 0;
	r = b2b_on_event(&world->host.core, &event);
	world_guard(&world->host, note_end, world);
	assert_int_equal(b2b_seen_has(world->host.core.state, jti), r == 0);
	return r;
}

static enum b2b_live_state word(struct world *world, int org, uint32_t uid)
{
	return (enum b2b_live_state)B2B_LIVE_STATE(uid ? b2b_live_load(world->host.lives[org], uid) : b2b_live_load_org(world->host.lives[org]));
}

static int64_t cutoff(struct world *world, uint32_t uid)
{
	struct b2b_principal person;
	int64_t ms;

	assert_int_equal(b2b_directory_by_uid(world->host.core.state, uid, &person), 0);
	ms = person.cutoff_ms;
	b2b_principal_clear(&person);
	return ms;
}

static void log_in(struct world *world, int pid, uint32_t uid, int64_t auth_s, const char *jti, const char *sid)
{
	struct b2b_session session = { .pid = pid, .start_ticks = 7, .uid = uid, .opened_s = auth_s, .auth_time_s = auth_s };

	snprintf(session.jti, sizeof(session.jti), "%s", jti);
	snprintf(session.sid, sizeof(session.sid), "%s", sid);
	assert_int_equal(b2b_session_store(world->host.core.state, &session), 0);
}

#define KIND(what) .kind = B2B_EVENT_##what
#define OF(member, name) .member = (char *)(name)

static void accounts_are_closed_and_opened(void **state)
{
	struct world *world = *state;

	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), OF(subject, "alice"), OF(tenant, "42c3e9") }), 0);
	assert_int_equal(word(world, 0, world->alice), B2B_LIVE_CLOSED);
	assert_int_equal(word(world, 0, world->bob), B2B_LIVE_OPEN);
	assert_int_equal(world->n_ends, 1);
	assert_int_equal(world->ends[0].uid, world->alice);
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_ENABLED), OF(person_id, "alice"), .time_ms = T0 + 1 }), 0);
	assert_int_equal(word(world, 0, world->alice), B2B_LIVE_OPEN);
	assert_int_equal(directory.syncs, 1);
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_PURGED), OF(person_id, "bob") }), 0);
	assert_int_equal(word(world, 0, world->bob), B2B_LIVE_CLOSED);
}

/* A clock that runs ahead: the opening is dated at its receipt, and may be older than a closing that came before it. */
static void an_opening_from_the_future_asks_the_directory(void **state)
{
	struct world *world = *state;

	take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), OF(subject, "alice") });
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_ENABLED), OF(subject, "alice"), .time_ms = b2b_wall_ms(), .future = true }), 0);
	assert_int_equal(word(world, 0, world->alice), B2B_LIVE_CLOSED);
	assert_int_equal(directory.finds, 1);
}

/* Its true time is not known: a record that was modified by the clock that runs ahead must not make it look past. */
static void a_closing_from_the_future_is_never_past(void **state)
{
	struct world *world = *state;
	int64_t now_ms = b2b_wall_ms();
	struct b2b_org_record org = { .id = world->host.base->orgs[1].id, .state = B2B_ORG_IS_ACTIVE, .modified_ms = now_ms + 3600000 };
	bool changed;

	put_person(world, "alice", 0, now_ms + 3600000, NULL);
	assert_int_equal(b2b_directory_put_org(world->host.core.state, &org, 1, &changed), 0);
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), OF(subject, "alice"), .time_ms = now_ms, .future = true }), 0);
	assert_int_equal(word(world, 0, world->alice), B2B_LIVE_CLOSED);
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), OF(tenant, "9d01f2"), .time_ms = now_ms, .future = true }), 0);
	assert_int_equal(word(world, 1, 0), B2B_LIVE_CLOSED);
	assert_int_equal(directory.syncs, 0);
}

static void organisations_are_ended_with_all_below(void **state)
{
	struct world *world = *state;

	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), OF(tenant, "42c3e9") }), 0);
	assert_int_equal(world->n_ends, 1);
	assert_int_equal(world->ends[0].scope, B2B_SCOPE_ORG);
	assert_int_equal(world->ends[0].org, 0);
	assert_int_equal(word(world, 0, 0), B2B_LIVE_OPEN);
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), OF(tenant, "42c3e9"), OF(org_unit, "9d01f2") }), 0);
	assert_int_equal(word(world, 0, 0), B2B_LIVE_OPEN);
	assert_int_equal(word(world, 1, 0), B2B_LIVE_CLOSED);
	/* a unit of somebody else's, or one that is no organisation here */
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), OF(tenant, "9d01f2"), OF(org_unit, "42c3e9") }), 0);
	assert_int_equal(word(world, 0, 0), B2B_LIVE_OPEN);
	assert_true(world->host.core.must_pass);
	world->host.core.must_pass = false;
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), OF(tenant, "elsewhere"), OF(org_unit, "9d01f2") }), 0);
	assert_false(world->host.core.must_pass);
}

static void a_group_is_its_members(void **state)
{
	struct world *world = *state;

	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), OF(group, "g-1"), OF(tenant, "42c3e9") }), 0);
	assert_int_equal(world->n_ends, 2);
	assert_int_equal(cutoff(world, world->alice), T0);
	assert_int_equal(cutoff(world, world->bob), T0);
	assert_int_equal(cutoff(world, world->carol), 0);
	/* not a group's to say, and a group that is not known: the directory is asked before the lease is renewed */
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), OF(group, "g-1") }), 0);
	assert_int_equal(word(world, 0, world->alice), B2B_LIVE_OPEN);
	assert_true(world->host.core.must_pass);
	world->host.core.must_pass = false;
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), OF(group, "g-2") }), 0);
	assert_true(world->host.core.must_pass);
	assert_int_equal(world->n_ends, 0);
}

static void who_logged_in_later_stays(void **state)
{
	struct world *world = *state;

	log_in(world, 11, world->alice, T0 / 1000 - 5, "", "");
	log_in(world, 12, world->alice, T0 / 1000 + 5, "", "");
	log_in(world, 13, world->bob, T0 / 1000 - 5, "", "");
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), OF(subject, "alice") }), 0);
	assert_int_equal(world->n_ends, 1);
	assert_int_equal(world->ends[0].scope, B2B_SCOPE_SESSION);
	assert_int_equal(world->ends[0].pid, 11);
	assert_int_equal(cutoff(world, world->alice), T0);
	/* nobody later: all that runs under the id ends, known as a session or not */
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), OF(subject, "bob") }), 0);
	assert_int_equal(world->n_ends, 1);
	assert_int_equal(world->ends[0].scope, B2B_SCOPE_USER);
}

static void a_closing_that_comes_late_voids_what_was_before(void **state)
{
	struct world *world = *state;

	log_in(world, 11, world->alice, T0 / 1000 - 5, "", "");
	log_in(world, 12, world->alice, T0 / 1000 + 50, "", "");
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_ENABLED), OF(subject, "alice"), .time_ms = T0 + 20000 }), 0);
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), OF(subject, "alice") }), 0);
	assert_int_equal(word(world, 0, world->alice), B2B_LIVE_OPEN);
	assert_int_equal(world->n_ends, 1);
	assert_int_equal(world->ends[0].pid, 11);
	assert_int_equal(cutoff(world, world->alice), T0);
	assert_int_equal(directory.syncs, 2); /* of the opening, and whether the closing is past in truth */
}

static void one_session_is_ended_by_its_name(void **state)
{
	struct world *world = *state;
	int i;

	log_in(world, 11, world->alice, 1000, "t-1", "s-1");
	log_in(world, 12, world->alice, 1000, "t-2", "s-2");
	log_in(world, 13, world->bob, 1000, "t-3", "s-1"); /* the same name, at another's */
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), OF(session, "s-1"), OF(subject, "alice") }), 0);
	assert_int_equal(world->n_ends, 1);
	assert_int_equal(world->ends[0].pid, 11);
	log_in(world, 13, world->bob, 1000, "t-3", "s-1"); /* the agent forgets sessions without processes after every end */
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), OF(session, "s-1"), OF(tenant, "9d01f2") }), 0);
	assert_int_equal(world->n_ends, 0);
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), OF(session, "t-3") }), 0);
	assert_int_equal(world->n_ends, 1);
	assert_int_equal(world->ends[0].pid, 13);
	for (i = 0; i < 150; i++) /* one log-in at the service, many sessions here */
		log_in(world, 100 + i, world->alice, 1000, "t-9", "s-9");
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), OF(session, "s-9") }), 0);
	assert_int_equal(world->n_ends, 150);
}

static void a_session_below_the_named_organisation_is_ended(void **state)
{
	struct world *world = *state;

	log_in(world, 11, world->carol, 1000, "t-1", "s-1");
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), OF(session, "s-1"), OF(tenant, "42c3e9") }), 0);
	assert_int_equal(world->n_ends, 1);
	assert_int_equal(world->ends[0].pid, 11);
	log_in(world, 12, world->alice, 1000, "t-2", "s-2");
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), OF(session, "s-2"), OF(tenant, "9d01f2") }), 0);
	assert_int_equal(world->n_ends, 0);
}

/* The event may be faster than the session that it ends. */
static void a_session_that_is_being_opened_is_void(void **state)
{
	struct world *world = *state;
	struct b2b_state *db = world->host.core.state;
	struct b2b_authentication above = { .jti = "t-2" }, below = { .sid = "t-4" };

	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), OF(session, "t-1"), OF(subject, "alice") }), 0);
	assert_int_equal(b2b_session_void_has(db, "t-1", "alice", "42c3e9"), 1);
	assert_int_equal(b2b_session_void_has(db, "t-1", "bob", "42c3e9"), 0);
	assert_int_equal(take(world, (struct b2b_event){ KIND(REAUTHENTICATE), OF(session, "t-2"), OF(tenant, "42c3e9") }), 0);
	assert_int_equal(b2b_session_void_has(db, "t-2", "bob", "42c3e9"), 1);
	assert_true(b2b_log_in_withdrawn(&world->host.core, &above, "bob", 0));
	assert_true(b2b_log_in_withdrawn(&world->host.core, &above, "carol", 1));
	assert_int_equal(take(world, (struct b2b_event){ KIND(REAUTHENTICATE), OF(session, "t-4"), OF(tenant, "9d01f2") }), 0);
	assert_true(b2b_log_in_withdrawn(&world->host.core, &below, "carol", 1));
	assert_false(b2b_log_in_withdrawn(&world->host.core, &below, "bob", 0));
	assert_int_equal(b2b_session_void_has(db, "", "bob", "42c3e9"), 0);
	/* by an id that is not known here yet */
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), OF(session, "t-3"), OF(person_id, "erin") }), 0);
	assert_int_equal(b2b_session_void_has(db, "t-3", "erin", "42c3e9"), 1);
	assert_int_equal(b2b_session_void_prune(db, INT64_MAX, 10), 0);
	assert_int_equal(b2b_session_void_has(db, "t-2", "bob", "42c3e9"), 0);
}

static void authentications_are_void_and_sessions_go_on(void **state)
{
	struct world *world = *state;

	log_in(world, 11, world->alice, 1000, "t-1", "s-1");
	assert_int_equal(take(world, (struct b2b_event){ KIND(REAUTHENTICATE), OF(subject, "alice") }), 0);
	assert_int_equal(world->n_ends, 0);
	assert_int_equal(cutoff(world, world->alice), T0);
	assert_int_equal(word(world, 0, world->alice), B2B_LIVE_OPEN);
}

static void what_changed_is_read_again(void **state)
{
	struct world *world = *state;

	assert_int_equal(take(world, (struct b2b_event){ KIND(REREAD), OF(person_id, "bob") }), 0);
	assert_int_equal(directory.finds, 1);
	assert_string_equal(directory.found, "bob");
	assert_int_equal(directory.syncs, 0);
	directory.answer = -ENOENT; /* renamed, perhaps */
	assert_int_equal(take(world, (struct b2b_event){ KIND(REREAD), OF(person_id, "bob") }), 0);
	assert_int_equal(directory.syncs, 1);
	assert_int_equal(take(world, (struct b2b_event){ KIND(REREAD), OF(person_id, "new") }), 0);
	assert_int_equal(directory.syncs, 2);
	assert_int_equal(world->host.core.rereads, 0);
	assert_false(world->host.core.must_pass);
}

static void where_closings_are_not_signalled_ended_sessions_raise_suspicion(void **state)
{
	struct world *world = *state;

	log_in(world, 11, world->alice, 1000, "t-1", "s-1");
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), OF(subject, "alice") }), 0);
	assert_int_equal(directory.finds, 0);
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), OF(subject, "alice"), .no_closings = true }), 0);
	assert_int_equal(world->n_ends, 1);
	assert_int_equal(directory.finds, 1);
	assert_string_equal(directory.found, "alice");
	assert_int_equal(directory.syncs, 0);
	directory.answer = -EAGAIN;
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), OF(subject, "alice"), .no_closings = true }), 0);
	assert_int_equal(directory.syncs, 1);
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), OF(tenant, "42c3e9"), .no_closings = true }), 0);
	assert_int_equal(directory.finds, 2);
	assert_int_equal(directory.syncs, 2);
	assert_int_equal(world->host.core.rereads, 0);
	assert_false(world->host.core.must_pass);
}

/* As where a token's claims changed: its jti is all that names the person. */
static void whose_session_it_is_is_read_again(void **state)
{
	struct world *world = *state;

	log_in(world, 11, world->alice, 1000, "t-1", "s-1");
	log_in(world, 12, world->alice, 1000, "t-1", "s-1");
	assert_int_equal(take(world, (struct b2b_event){ KIND(REREAD), OF(session, "t-1") }), 0);
	assert_int_equal(directory.finds, 1);
	assert_string_equal(directory.found, "alice");
	assert_int_equal(world->n_ends, 0);
	assert_int_equal(cutoff(world, world->alice), 0);
	assert_false(b2b_session_void_has(world->host.core.state, "t-1", "alice", "42c3e9"));
	/* of another organisation, or of nobody here */
	assert_int_equal(take(world, (struct b2b_event){ KIND(REREAD), OF(session, "t-1"), OF(tenant, "9d01f2") }), 0);
	assert_int_equal(take(world, (struct b2b_event){ KIND(REREAD), OF(session, "t-1"), OF(tenant, "elsewhere") }), 0);
	assert_int_equal(take(world, (struct b2b_event){ KIND(REREAD), OF(session, "t-2") }), 0);
	assert_int_equal(directory.finds, 1);
	assert_int_equal(directory.syncs, 0);
	assert_false(world->host.core.must_pass);
}

/* A device of the tenant's is not the tenant, and no person. */
static void a_device_is_nobody(void **state)
{
	struct world *world = *state;

	assert_int_equal(take(world, (struct b2b_event){ KIND(REAUTHENTICATE), OF(tenant, "42c3e9"), .device = true }), 0);
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), OF(tenant, "42c3e9"), .device = true }), 0);
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), .device = true }), 0);
	assert_int_equal(world->n_ends, 0);
	assert_int_equal(cutoff(world, world->alice), 0);
	assert_int_equal(word(world, 0, 0), B2B_LIVE_OPEN);
	assert_int_equal(directory.syncs, 0);
	assert_false(world->host.core.must_pass);
}

static void nobody_is_guessed(void **state)
{
	struct world *world = *state;

	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), .vague = true }), 0);
	assert_int_equal(world->n_ends, 0);
	assert_int_equal(directory.syncs, 1);
	assert_true(world->host.core.must_pass);
	world->host.core.must_pass = false;
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), .vague = true, OF(tenant, "elsewhere") }), 0);
	assert_int_equal(take(world, (struct b2b_event){ KIND(OTHER), .vague = true }), 0);
	assert_false(world->host.core.must_pass);
	/* a URI that is somebody's `sub` after all */
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), OF(subject, "alice"), .vague = true }), 0);
	assert_int_equal(word(world, 0, world->alice), B2B_LIVE_CLOSED);
}

static struct b2b_aliases mail(const char *text)
{
	struct b2b_aliases aliases = { .n = 0 };

	b2b_alias_add(&aliases, B2B_ALIAS_MAIL, text);
	return aliases;
}

static void goes_by(struct world *world, const char *id, const char *text)
{
	struct b2b_aliases aliases = mail(text);

	assert_int_equal(b2b_alias_put(world->host.core.state, id, &aliases), 0);
}

#define BY(name) .vague = true, .aliases = mail(name)

/* A mail address is not a person's for good: it ends what one log-in makes good, and closes nobody. */
static void a_name_that_is_one_person_s_ends_that_person(void **state)
{
	struct world *world = *state;

	goes_by(world, "alice", "a@acme.example");
	goes_by(world, "bob", "b@acme.example");
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), BY("A@acme.example") }), 0);
	assert_int_equal(world->n_ends, 1);
	assert_int_equal(world->ends[0].uid, world->alice);
	assert_int_equal(cutoff(world, world->alice), T0);
	assert_int_equal(word(world, 0, world->alice), B2B_LIVE_OPEN);
	assert_int_equal(take(world, (struct b2b_event){ KIND(REAUTHENTICATE), BY("b@acme.example"), OF(tenant, "42c3e9") }), 0);
	assert_int_equal(world->n_ends, 0);
	assert_int_equal(cutoff(world, world->bob), T0);
	assert_int_equal(take(world, (struct b2b_event){ KIND(REREAD), BY("b@acme.example") }), 0);
	assert_string_equal(directory.found, "bob");
	assert_int_equal(directory.syncs, 0);
	assert_false(world->host.core.must_pass);
	assert_int_equal(world->host.core.unplaced.count, 0);
	/* whether an account is closed only the record says; what runs does not wait for it */
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), BY("b@acme.example") }), 0);
	assert_int_equal(world->n_ends, 1);
	assert_int_equal(world->ends[0].uid, world->bob);
	assert_int_equal(word(world, 0, world->bob), B2B_LIVE_OPEN);
	assert_int_equal(directory.syncs, 1);
	assert_true(world->host.core.must_pass);
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_ENABLED), BY("b@acme.example") }), 0);
	assert_int_equal(directory.syncs, 2);
}

/* Whoever may set addresses in one organisation must reach nobody in another. */
static void a_name_that_is_nobody_s_or_several_s_ends_nobody(void **state)
{
	struct world *world = *state;
	struct b2b_unplaced *unplaced = &world->host.core.unplaced;

	goes_by(world, "alice", "a@acme.example");
	goes_by(world, "carol", "a@acme.example"); /* of the subsidiary */
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), BY("a@acme.example") }), 0);
	assert_int_equal(world->n_ends, 0);
	assert_true(world->host.core.must_pass);
	assert_int_equal(unplaced->count, 1);
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), BY("nobody@acme.example"), OF(tenant, "42c3e9") }), 0);
	assert_int_equal(unplaced->count, 2);
	assert_true(unplaced->last_s);
	assert_true(*unplaced->jti == 'j');
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), OF(group, "g-2") }), 0);
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), OF(tenant, "42c3e9"), .device = true }), 0);
	assert_int_equal(unplaced->count, 4);
	/* of somebody else's organisation, and one that a closing could not be told for: a pass tells */
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), BY("a@acme.example"), OF(tenant, "elsewhere") }), 0);
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), BY("nobody@acme.example") }), 0);
	assert_int_equal(unplaced->count, 4);
	/* the tenant tells them apart */
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), BY("a@acme.example"), OF(tenant, "9d01f2") }), 0);
	assert_int_equal(world->n_ends, 1);
	assert_int_equal(world->ends[0].uid, world->carol);
}

/* The event comes again where the name could not be looked up. */
static void a_name_that_cannot_be_looked_up_withholds_the_acknowledgement(void **state)
{
	struct world *world = *state;
	sqlite3 *db = b2b_state_db(world->host.core.state);

	goes_by(world, "alice", "a@acme.example");
	sqlite3_exec(db, "PRAGMA legacy_alter_table = ON; ALTER TABLE alias RENAME TO hidden", NULL, NULL, NULL);
	assert_true(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), BY("a@acme.example") }) < 0);
	sqlite3_exec(db, "ALTER TABLE hidden RENAME TO alias", NULL, NULL, NULL);
	assert_int_equal(take(world, (struct b2b_event){ KIND(SESSION_REVOKED), BY("a@acme.example") }), 0);
	assert_int_equal(world->n_ends, 1);
}

static void people_who_come_later_are_closed_already(void **state)
{
	struct world *world = *state;
	struct b2b_principal moved;
	uint32_t uid;

	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), OF(subject, "erin"), OF(tenant, "42c3e9") }), 0);
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), OF(person_id, "frank") }), 0);
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), OF(subject, "grace"), OF(tenant, "elsewhere") }), 0);
	/* known, but not there yet */
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), OF(subject, "alice"), OF(tenant, "9d01f2") }), 0);
	assert_int_equal(word(world, 0, world->alice), B2B_LIVE_OPEN);
	put_person(world, "erin", 0, 1000, &uid);
	b2b_reconcile(&world->host.core, -1);
	assert_int_equal(word(world, 0, uid), B2B_LIVE_CLOSED);
	put_person(world, "frank", 0, 1000, &uid);
	put_person(world, "grace", 0, 1000, &world->bob);
	put_person(world, "alice", 1, 1000, NULL);
	b2b_reconcile(&world->host.core, -1);
	assert_int_equal(word(world, 0, uid), B2B_LIVE_CLOSED);
	assert_int_equal(word(world, 0, world->bob), B2B_LIVE_OPEN);
	assert_int_equal(b2b_directory_by_name(world->host.core.state, "9d01f2", "alice", &moved), 0);
	assert_true(moved.disabled_ms);
	b2b_principal_clear(&moved);
}

/* A pass that was under way when it turned out to be owed has perhaps read too early. */
static void only_a_pass_that_began_later_makes_up_for_what_was_missed(void **state)
{
	struct world *world = *state;
	struct b2b_core *core = &world->host.core;
	uint64_t before = b2b_now_ns();

	b2b_owe_pass(core, NULL);
	b2b_pass_complete(core, before);
	assert_true(core->must_pass);
	b2b_pass_complete(core, b2b_now_ns());
	assert_false(core->must_pass);
}

static void restart(struct world *world)
{
	world_stop(&world->host);
	world_start(&world->host);
	b2b_owed_pass_start(&world->host.core);
}

/* The event is acknowledged, and does not come again to tell the next agent. */
static void a_pass_that_is_owed_survives_the_agent(void **state)
{
	struct world *world = *state;

	assert_int_equal(b2b_directory_end_pass(world->host.core.state, b2b_wall_s()), 0);
	b2b_pass_complete(&world->host.core, b2b_now_ns());
	restart(world);
	assert_false(world->host.core.must_pass);
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), .vague = true }), 0);
	restart(world);
	assert_true(world->host.core.must_pass);
	b2b_pass_complete(&world->host.core, b2b_now_ns());
	restart(world);
	assert_false(world->host.core.must_pass);
	assert_int_equal(take(world, (struct b2b_event){ KIND(STREAM_UPDATED) }), 0);
	restart(world);
	assert_true(world->host.core.must_pass);
}

static void a_pass_that_cannot_be_noted_as_owed_withholds_the_acknowledgement(void **state)
{
	struct world *world = *state;
	sqlite3 *db = b2b_state_db(world->host.core.state);

	assert_int_equal(b2b_directory_end_pass(world->host.core.state, b2b_wall_s()), 0);
	b2b_pass_complete(&world->host.core, b2b_now_ns());
	sqlite3_exec(db, "ALTER TABLE pass_owed RENAME TO hidden", NULL, NULL, NULL);
	assert_true(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), .vague = true }) < 0);
	assert_true(world->host.core.must_pass);
	/* and what cannot be read is owed */
	restart(world);
	assert_true(world->host.core.must_pass);
}

static void a_tenant_is_above_the_units_in_which_its_people_are(void **state)
{
	struct world *world = *state;

	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), OF(subject, "carol"), OF(tenant, "42c3e9") }), 0);
	assert_int_equal(word(world, 1, world->carol), B2B_LIVE_CLOSED);
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_ENABLED), OF(subject, "carol"), OF(tenant, "42c3e9"), .time_ms = T0 + 5000 }), 0);
	assert_int_equal(word(world, 1, world->carol), B2B_LIVE_CLOSED);
	assert_int_equal(directory.syncs, 1);
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), OF(subject, "alice"), OF(tenant, "9d01f2") }), 0);
	assert_int_equal(word(world, 0, world->alice), B2B_LIVE_OPEN);
}

/* What cannot be looked up is not "nobody": the event must come again. */
static void a_database_that_fails_withholds_the_acknowledgement(void **state)
{
	struct world *world = *state;
	sqlite3 *db = b2b_state_db(world->host.core.state);

	sqlite3_exec(db, "PRAGMA legacy_alter_table = ON; ALTER TABLE principal RENAME TO hidden", NULL, NULL, NULL);
	assert_true(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), OF(subject, "alice") }) < 0);
	sqlite3_exec(db, "ALTER TABLE hidden RENAME TO principal", NULL, NULL, NULL);
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), OF(subject, "alice") }), 0);
	assert_int_equal(word(world, 0, world->alice), B2B_LIVE_CLOSED);
}

static void one_that_could_not_be_stored_and_is_past_is_let_go(void **state)
{
	struct world *world = *state;
	sqlite3 *db = b2b_state_db(world->host.core.state);

	sqlite3_exec(db, "PRAGMA query_only = ON", NULL, NULL, NULL);
	assert_true(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), OF(subject, "alice") }) < 0);
	assert_int_equal(word(world, 0, world->alice), B2B_LIVE_CLOSED);
	sqlite3_exec(db, "PRAGMA query_only = OFF", NULL, NULL, NULL);
	b2b_reconcile(&world->host.core, -1);
	assert_int_equal(word(world, 0, world->alice), B2B_LIVE_CLOSED);
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_ENABLED), OF(subject, "alice"), .time_ms = T0 + 20000 }), 0);
	assert_int_equal(take(world, (struct b2b_event){ KIND(ACCOUNT_DISABLED), OF(subject, "alice") }), 0);
	assert_int_equal(word(world, 0, world->alice), B2B_LIVE_OPEN);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(accounts_are_closed_and_opened),
		TEST(an_opening_from_the_future_asks_the_directory),
		TEST(a_closing_from_the_future_is_never_past),
		TEST(organisations_are_ended_with_all_below),
		TEST(a_group_is_its_members),
		TEST(who_logged_in_later_stays),
		TEST(a_closing_that_comes_late_voids_what_was_before),
		TEST(one_session_is_ended_by_its_name),
		TEST(a_session_below_the_named_organisation_is_ended),
		TEST(a_session_that_is_being_opened_is_void),
		TEST(authentications_are_void_and_sessions_go_on),
		TEST(what_changed_is_read_again),
		TEST(where_closings_are_not_signalled_ended_sessions_raise_suspicion),
		TEST(whose_session_it_is_is_read_again),
		TEST(a_device_is_nobody),
		TEST(nobody_is_guessed),
		TEST(a_name_that_is_one_person_s_ends_that_person),
		TEST(a_name_that_is_nobody_s_or_several_s_ends_nobody),
		TEST(a_name_that_cannot_be_looked_up_withholds_the_acknowledgement),
		TEST(people_who_come_later_are_closed_already),
		TEST(one_that_could_not_be_stored_and_is_past_is_let_go),
		TEST(only_a_pass_that_began_later_makes_up_for_what_was_missed),
		TEST(a_pass_that_is_owed_survives_the_agent),
		TEST(a_pass_that_cannot_be_noted_as_owed_withholds_the_acknowledgement),
		TEST(a_tenant_is_above_the_units_in_which_its_people_are),
		TEST(a_database_that_fails_withholds_the_acknowledgement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
