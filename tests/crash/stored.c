#include "tests/crash/stored.h"

#include "tests/unit/state_fixture.h"

#include "b2bd/signals/stream.h"
#include "b2bd/state/seen.h"
#include "b2bd/state/session_state.h"
#include "common/clock.h"
#include "common/reason.h"

#define ALICE "u-1"
#define BOB "u-2"
#define JTI "event-1"

static const struct state_fixture *policy(void)
{
	static struct state_fixture fixture;

	if (!fixture.policy.n_orgs)
		fixture_policy(&fixture);
	return &fixture;
}

static int put_person(struct b2b_state *state, const char *id, const char *local)
{
	struct b2b_principal person = fixture_person(id, local);
	bool changed;

	return b2b_directory_put_principal(state, &policy()->policy, &person, 1, &changed);
}

/* The ledger's word, or 0. */
static uint32_t id_of(struct b2b_state *state, const char *owner)
{
	uint32_t id = 0;

	return b2b_ledger_find(state, "42c3e9", B2B_ID_USER, owner, &id) == 0 ? id : 0;
}

int stored_change(struct b2b_state *state)
{
	struct b2b_pending_end end = { .org_id = "42c3e9", .uid = id_of(state, ALICE), .audit_id = "0123456789abcdef" };
	int r = b2b_state_begin(state);

	if (r < 0)
		return r;
	r = put_person(state, BOB, "bob");
	if (r == 0)
		r = b2b_directory_disable(state, end.uid, 2000000);
	if (r == 0)
		r = b2b_pending_add(state, &end, &end.id);
	if (r == 0)
		r = b2b_stream_seen(state, JTI, b2b_wall_s());
	if (r == 0)
		return b2b_state_commit(state);
	b2b_state_rollback(state);
	return r;
}

static int count_one(void *arg, const struct b2b_pending_end *end)
{
	(void)end;
	++*(int *)arg;
	return 0;
}

int stored_parts(struct b2b_state *state)
{
	struct b2b_principal person;
	int pending = 0, found = 0;

	if (b2b_directory_by_name(state, "42c3e9", "bob", &person) == 0) {
		assert_int_equal(person.uid, id_of(state, BOB));
		b2b_principal_clear(&person);
		found++;
	}
	assert_int_equal(b2b_directory_by_name(state, "42c3e9", "alice", &person), 0);
	assert_int_equal(person.uid, id_of(state, ALICE));
	found += b2b_principal_standing(&person, b2b_wall_s()) != B2B_OK;
	b2b_principal_clear(&person);
	assert_int_equal(b2b_pending_list(state, count_one, &pending), 0);
	return found + (pending == 1) + (b2b_seen_has(state, JTI) > 0);
}

int stored_begin(struct b2b_state *state)
{
	int r = b2b_directory_adopt_policy(state, &policy()->policy);

	return r == 0 ? put_person(state, ALICE, "alice") : r;
}
