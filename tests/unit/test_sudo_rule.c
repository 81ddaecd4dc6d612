/* Who may approve what partners run by sudo, and what nobody need: the rule held against the directory's copy. */
#include "tests/unit/state_fixture.h"

#include "b2bd/sudo.h"
#include "common/conf.h"

#define CONF                                                                                                                      \
	"[federation]\nissuer = https://x\nclient_id = a\nclient_key = /k\n[role operator]\n[role dba]\n[role auditor]\n"              \
	"[organisation acme]\nid = 42c3e9\nrange = 0x78000000-0x7800ffff\nroles = operator dba auditor\n"                               \
	"sudo_approvers = group:leads role:auditor\nsudo_exempt_commands = /usr/bin/id\nsudo_exempt_users = postgres toor\n"            \
	"[organisation globex]\nid = 9d01f2\nrange = 0x78010000-0x7801003f\n"

struct world {
	struct state_fixture *fixture;
	struct b2b_conf *conf;
	struct b2b_core *core;
	struct b2b_sudo_rule rule;
};

static void put(struct world *world, const char *id, const char *local, uint64_t roles, enum b2b_principal_kind kind)
{
	struct b2b_principal person = fixture_person(id, local);
	bool changed;

	person.roles = roles;
	person.kind = kind;
	assert_int_equal(b2b_directory_put_principal(world->fixture->state, &world->fixture->policy, &person, 1, &changed), 0);
}

static void put_leads(struct world *world, const char *const *members, size_t n)
{
	bool changed;

	assert_int_equal(b2b_directory_put_group(world->fixture->state, &world->fixture->policy, "g-leads", "42c3e9", "leads", 0, members, n, 1, &changed), 0);
}

/* alice and carol are in the group; automation too; dave is an auditor; bob is nothing. */
static int set_up(void **state)
{
	static const char *const members[] = { "u-alice", "u-carol", "u-deploy" };
	const struct b2b_ask_command ask = { .uid = ACME_LO + 1 };
	struct world *world = calloc(1, sizeof(*world));
	char error[B2B_CONF_ERROR_SIZE];

	fixture_setup((void **)&world->fixture);
	assert_int_equal(b2b_conf_parse(CONF, strlen(CONF), "b2b.conf", false, &world->conf, error), 0);
	world->core = calloc(1, sizeof(*world->core));
	world->core->state = world->fixture->state;
	world->core->policy = &world->fixture->policy;
	world->core->conf = world->conf;
	put(world, "u-alice", "alice", 0, B2B_PERSON);
	put(world, "u-carol", "carol", 1, B2B_PERSON);
	put(world, "u-deploy", "deploy", 4, B2B_SERVICE_PRINCIPAL);
	put(world, "u-dave", "dave", 4, B2B_PERSON);
	put(world, "u-bob", "bob", 3, B2B_PERSON);
	put_leads(world, members, 3);
	b2b_sudo_rule(world->core, &ask, &world->rule);
	assert_non_null(world->rule.conf);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	fixture_teardown((void **)&world->fixture);
	b2b_conf_free(world->conf);
	free(world->core);
	free(world);
	return 0;
}

/* As the agent gathers it, without what else is in it. */
static bool may_approve(struct world *world, const char *local)
{
	struct b2b_gathered gathered = { .facts = { .org = 0 } };
	bool may;

	assert_int_equal(b2b_directory_by_name(world->fixture->state, "42c3e9", local, &gathered.principal), 0);
	gathered.facts.principal = &gathered.principal;
	may = b2b_sudo_may_approve(world->core, &world->rule, &gathered);
	gathered.facts.org = 1;
	assert_false(b2b_sudo_may_approve(world->core, &world->rule, &gathered)); /* of another organisation */
	b2b_principal_clear(&gathered.principal);
	return may;
}

static void members_of_the_group_and_holders_of_the_role_may(void **state)
{
	struct world *world = *state;
	const struct b2b_gathered nobody = { .facts = { .org = 0 } };

	assert_true(may_approve(world, "alice"));
	assert_true(may_approve(world, "carol"));
	assert_true(may_approve(world, "dave"));
	assert_false(may_approve(world, "bob"));
	assert_false(may_approve(world, "deploy")); /* automation approves nothing */
	assert_false(b2b_sudo_may_approve(world->core, &world->rule, &nobody));
	put_leads(world, NULL, 0);
	assert_false(may_approve(world, "alice"));
	world->fixture->orgs[0].roles = 3; /* root takes the role from the organisation */
	assert_false(may_approve(world, "dave"));
}

static bool holds(const uint32_t *uids, int n, const char *local, struct world *world)
{
	struct b2b_principal found;
	bool in = false;

	assert_int_equal(b2b_directory_by_name(world->fixture->state, "42c3e9", local, &found), 0);
	for (int i = 0; i < n; i++)
		in = in || uids[i] == found.uid;
	b2b_principal_clear(&found);
	return in;
}

static void candidates_are_active_people_each_once(void **state)
{
	struct world *world = *state;
	struct b2b_principal carol = fixture_person("u-carol", "carol");
	uint32_t uids[8];
	bool changed;
	int n = b2b_sudo_candidates(world->core, &world->rule, uids, 8);

	assert_int_equal(n, 3);
	assert_true(holds(uids, n, "alice", world) && holds(uids, n, "carol", world) && holds(uids, n, "dave", world));
	put(world, "u-alice", "alice", 4, B2B_PERSON); /* by the role as well */
	assert_int_equal(b2b_sudo_candidates(world->core, &world->rule, uids, 8), 3);
	assert_int_equal(b2b_sudo_candidates(world->core, &world->rule, uids, 2), 2);
	carol.state = B2B_SUSPENDED;
	assert_int_equal(b2b_directory_put_principal(world->fixture->state, &world->fixture->policy, &carol, 1, &changed), 0);
	n = b2b_sudo_candidates(world->core, &world->rule, uids, 8);
	assert_int_equal(n, 2);
	assert_false(holds(uids, n, "carol", world));
}

static void not_always_the_same_are_asked_first(void **state)
{
	struct world *world = *state;
	uint32_t uid = 0, first = 0;
	bool differ = false;

	assert_int_equal(b2b_sudo_candidates(world->core, &world->rule, &first, 1), 1);
	for (int i = 0; i < 200 && !differ; i++) {
		assert_int_equal(b2b_sudo_candidates(world->core, &world->rule, &uid, 1), 1);
		differ = uid != first;
	}
	assert_true(differ);
}

static void what_is_exempt_needs_nobody(void **state)
{
	struct world *world = *state;
	static const struct {
		struct b2b_ask_command ask;
		bool demands;
	} cases[] = {
		{ { .path = "/usr/bin/id", .as_user = "root" }, false },
		{ { .path = "/usr/bin/ids", .as_user = "root" }, true },
		{ { .path = "", .as_user = "root" }, true },
		{ { .path = "/bin/sh", .as_uid = 26, .as_user = "postgres" }, false },
		{ { .path = "/bin/sh", .as_uid = 26, .as_user = "" }, true },
		{ { .path = "/bin/sh", .as_uid = 0, .as_user = "toor" }, true }, /* root by another name */
		{ { .path = "/bin/sh", .as_uid = 27, .as_user = "mysql" }, true },
	};
	const struct b2b_sudo_rule none = { .conf = NULL };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(b2b_sudo_demands(&world->rule, &cases[i].ask), cases[i].demands);
		assert_false(b2b_sudo_demands(&none, &cases[i].ask));
	}
}

static void the_partner_decides_whose_rule_holds(void **state)
{
	struct world *world = *state;
	const struct b2b_ask_command partner = { .uid = GLOBEX_LO + 1, .as_uid = ACME_LO + 1 }, local = { .uid = 1000, .as_uid = ACME_LO + 1 },
	                             locals = { .uid = 1000, .as_uid = 0 };
	struct b2b_sudo_rule rule;

	b2b_sudo_rule(world->core, &partner, &rule);
	assert_null(rule.conf); /* globex has none */
	assert_int_equal(rule.subject_uid, GLOBEX_LO + 1);
	b2b_sudo_rule(world->core, &local, &rule);
	assert_non_null(rule.conf);
	assert_int_equal(rule.subject_uid, ACME_LO + 1);
	b2b_sudo_rule(world->core, &locals, &rule);
	assert_null(rule.conf);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(members_of_the_group_and_holders_of_the_role_may),
		CASE(candidates_are_active_people_each_once),
		CASE(not_always_the_same_are_asked_first),
		CASE(what_is_exempt_needs_nobody),
		CASE(the_partner_decides_whose_rule_holds),
	};

	return cmocka_run_group_tests_name("sudo_rule", tests, NULL, NULL);
}
