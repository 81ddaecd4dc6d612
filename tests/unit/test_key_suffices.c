/* Which SSH keys open a session where root says that one suffices, asked over the agent's own socket as PAM asks. */
#include "tests/unit/revoke_fixture.h"

#include "b2bd/state/key_state.h"
#include "common/conf.h"

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE"
#define CERTIFICATE "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29t"

static struct b2b_conf conf;

static void put_keys(struct fixture *f, const char *id, const char *keys)
{
	assert_int_equal(b2b_state_begin(f->core.state), 0);
	assert_int_equal(b2b_key_put(f->core.state, id, keys), 0);
	assert_int_equal(b2b_state_commit(f->core.state), 0);
}

static void put_service(struct fixture *f, const char *name)
{
	struct b2b_policy_service *service = &f->policy.services[f->policy.n_services++];

	strncpy(service->name, name, sizeof(service->name) - 1);
	service->staleness_s = 300;
	service->key_suffices = true;
}

static int set_up(void **state)
{
	struct fixture *f;

	setup(state);
	f = *state;
	memset(&conf, 0, sizeof(conf));
	f->core.conf = &conf;
	assert_int_equal(b2b_tickets_new(&f->core.tickets), 0);
	put_service(f, "sshd");
	put_service(f, "cron");
	f->orgs[ACME].services = f->orgs[EMEA].services = 3;
	for (int i = 0; i < N_ORGS; i++)
		b2b_live_verified(f->lives[i], b2b_now_ns());
	put_keys(f, "p1", "ssh-rsa BBBB\n" KEY "\n");
	return 0;
}

static int tear_down(void **state)
{
	b2b_tickets_free(((struct fixture *)*state)->core.tickets);
	return teardown(state);
}

static struct b2b_ask_open question(const char *user, const char *service, const char *ticket)
{
	struct b2b_ask_open open = { .pid = getpid() };

	snprintf(open.origin.user, sizeof(open.origin.user), "%s", user);
	snprintf(open.origin.service, sizeof(open.origin.service), "%s", service);
	snprintf(open.origin.tty, sizeof(open.origin.tty), "ssh");
	snprintf(open.ticket, sizeof(open.ticket), "%s", ticket);
	return open;
}

/* KEYS: that sshd was shown; NULL: the packet of who knows of no keys. */
static int open_reason(struct fixture *f, const char *user, const char *service, const char *ticket, const char *keys)
{
	struct b2b_ask_open_ssh ssh = { .open = question(user, service, ticket) };
	struct b2b_say_decision decision;

	snprintf(ssh.keys, sizeof(ssh.keys), "%s", keys ? keys : "");
	decision = keys ? ask_decision(f, B2B_ASK_OPEN_SSH, &ssh) : ask_decision(f, B2B_ASK_OPEN, &ssh.open);
	if (decision.reason == B2B_OK && strcmp(user, "alice@acme") == 0)
		assert_int_equal(decision.uid, f->uid);
	return decision.reason;
}

static void opens(struct fixture *f, const char *keys, int reason)
{
	int said = open_reason(f, "alice@acme", "sshd", "", keys);

	if (said != reason)
		fail_msg("%s: %s, expected %s", keys ? keys : "no keys", b2b_reason_code(said), b2b_reason_code(reason));
}

static void a_key_of_the_directory_is_enough(void **state)
{
	struct fixture *f = *state;

	opens(f, KEY "\n", B2B_OK);
	opens(f, "ssh-rsa CCCC\n" KEY "\n", B2B_OK); /* sshd wanted two */
	opens(f, "ssh-rsa BBBB", B2B_OK);
}

static void any_other_is_not(void **state)
{
	static const char *const keys[] = { "", "\n", "ssh-rsa CCCC\n", KEY "A\n", "ssh-ed25519\n", KEY " comment\n", "command=\"id\" " KEY "\n", CERTIFICATE "\n" };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		opens(f, keys[i], B2B_AUTH_KEY);
	put_keys(f, "p2", "ssh-rsa DDDD\n");
	opens(f, "ssh-rsa DDDD\n", B2B_AUTH_KEY);
	assert_int_equal(open_reason(f, "bob@emea.acme", "sshd", "", KEY "\n"), B2B_AUTH_KEY); /* somebody else's */
	assert_int_equal(open_reason(f, "bob@emea.acme", "sshd", "", "ssh-rsa DDDD\n"), B2B_OK);
	assert_int_equal(open_reason(f, "nobody@acme", "sshd", "", KEY "\n"), B2B_USER_UNKNOWN);
}

static void one_that_the_directory_gives_no_more_is_not(void **state)
{
	struct fixture *f = *state;

	put_keys(f, "p1", "ssh-rsa BBBB\n");
	opens(f, KEY "\n", B2B_AUTH_KEY);
	put_keys(f, "p1", "");
	opens(f, "ssh-rsa BBBB\n", B2B_AUTH_KEY);
}

/* A module of before, or an sshd that says nothing. */
static void sshd_that_does_not_say_which_is_refused(void **state)
{
	opens(*state, NULL, B2B_AUTH_KEY);
}

/* account comes before sshd says which key it took. */
static void account_leaves_it_to_the_session(void **state)
{
	struct b2b_ask_account account = { .origin = { .user = "alice@acme", .service = "sshd", .tty = "ssh" } };
	struct fixture *f = *state;

	assert_int_equal(ask_decision(f, B2B_ASK_ACCOUNT, &account).reason, B2B_OK);
	f->policy.services[0].key_suffices = false;
	assert_int_equal(ask_decision(f, B2B_ASK_ACCOUNT, &account).reason, B2B_AUTH_NONE);
}

static void where_root_does_not_say_so_none_is(void **state)
{
	struct fixture *f = *state;

	f->policy.services[0].key_suffices = false;
	opens(f, KEY "\n", B2B_AUTH_NONE);
}

static void a_key_does_not_get_round_a_revocation(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(b2b_live_store(f->lives[ACME], f->uid, B2B_LIVE_CLOSED, false), 0);
	opens(f, KEY "\n", B2B_REVOKED);
}

static void a_log_in_at_the_service_needs_no_key(void **state)
{
	const struct b2b_authentication authentication = { .uid = ((struct fixture *)*state)->uid, .auth_time_s = b2b_wall_s() };
	char ticket[B2B_TICKET_SIZE];
	struct fixture *f = *state;

	assert_int_equal(b2b_ticket_add(f->core.tickets, &authentication, "sshd", "ssh", b2b_now_ns(), ticket), 0);
	assert_int_equal(open_reason(f, "alice@acme", "sshd", ticket, NULL), B2B_OK);
	assert_int_equal(open_reason(f, "alice@acme", "sshd", ticket, "ssh-rsa CCCC\n"), B2B_OK);
}

/* cron has no keys; an sshd by another name has. */
static void a_service_without_keys_needs_none(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(open_reason(f, "alice@acme", "cron", "", NULL), B2B_OK);
	assert_int_equal(open_reason(f, "alice@acme", "cron", "", "ssh-rsa CCCC\n"), B2B_AUTH_KEY);
	assert_int_equal(open_reason(f, "alice@acme", "cron", "", KEY "\n"), B2B_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_key_of_the_directory_is_enough),
		TEST(any_other_is_not),
		TEST(one_that_the_directory_gives_no_more_is_not),
		TEST(sshd_that_does_not_say_which_is_refused),
		TEST(account_leaves_it_to_the_session),
		TEST(where_root_does_not_say_so_none_is),
		TEST(a_key_does_not_get_round_a_revocation),
		TEST(a_log_in_at_the_service_needs_no_key),
		TEST(a_service_without_keys_needs_none),
	};

	return cmocka_run_group_tests_name("key_suffices", tests, NULL, NULL);
}
