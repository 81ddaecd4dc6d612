/* One command of a partner's, asked over the agent's own socket: who is asked to approve it, and whose word counts. The service is the test. */
#include "tests/unit/revoke_fixture.h"
#include "tests/unit/status_giver.h"

#include "b2bd/federation/federation_private.h"
#include "b2bd/federation/status_cache_private.h"
#include "b2bd/prompt.h"

#define DEADLINE_NS (30 * B2B_NS_PER_S)

/* What the service was asked for: whose approval, by the name in its login_hint. */
static struct request {
	const struct b2b_approval_handlers *handlers;
	void *arg;
	char whose[B2B_HINT_SIZE];
	bool over;
} requests[8];
static size_t n_requests;

int b2b_ciba_start(struct b2b_federation *federation, const struct b2b_approval_request *request, const struct b2b_approval_handlers *handlers, void *arg,
                   struct b2b_approval **ret_approval)
{
	struct request *made = &requests[n_requests++];

	(void)federation;
	*made = (struct request){ .handlers = handlers, .arg = arg };
	snprintf(made->whose, sizeof(made->whose), "%s", request->login_hint);
	*ret_approval = (struct b2b_approval *)(void *)made;
	return 0;
}

int b2b_device_start(struct b2b_federation *federation, const struct b2b_approval_request *request, const struct b2b_approval_handlers *handlers, void *arg,
                     struct b2b_approval **ret_approval)
{
	(void)federation, (void)request, (void)handlers, (void)arg, (void)ret_approval;
	return -EOPNOTSUPP;
}

void b2b_approval_cancel(struct b2b_approval *approval)
{
	if (approval)
		((struct request *)(void *)approval)->over = true;
}

bool b2b_ciba_offered(const struct b2b_federation *federation)
{
	(void)federation;
	return true;
}

bool b2b_device_offered(const struct b2b_federation *federation)
{
	(void)federation;
	return false;
}

struct world {
	struct fixture *f;
	struct giver giver;
	struct b2b_conf conf;
	struct b2b_conf_sudo rules[N_ORGS];
	struct b2b_federation federation; /* as far as it goes: the keys */
	int fd;                           /* sudo */
};

/* SUBJECT is who it is at the service; OWNER for whom it acts, NULL: nobody. */
static uint32_t put(struct world *w, int org, const char *local, const char *subject, const char *owner, enum b2b_principal_kind kind)
{
	static int64_t modified_ms = 1000;
	char id[64];
	struct b2b_principal person = { .id = id, .subject = (char *)subject, .org_id = w->f->orgs[org].id, .display = (char *)"", .state = B2B_ACTIVE,
		                        .shell = (char *)"", .kind = kind, .owner = (char *)owner, .roles = 1, .modified_ms = modified_ms++ };
	struct b2b_principal stored;
	uint32_t uid;
	bool changed;

	snprintf(id, sizeof(id), "i-%s", local);
	snprintf(person.local, sizeof(person.local), "%s", local);
	assert_int_equal(b2b_state_begin(w->f->core.state), 0);
	assert_int_equal(b2b_directory_put_principal(w->f->core.state, &w->f->policy, &person, 1, &changed), 0);
	assert_int_equal(b2b_state_commit(w->f->core.state), 0);
	assert_int_equal(b2b_directory_by_name(w->f->core.state, w->f->orgs[org].id, local, &stored), 0);
	uid = stored.uid;
	b2b_principal_clear(&stored);
	assert_int_equal(b2b_live_store(w->f->lives[org], uid, B2B_LIVE_OPEN, false), 0);
	return uid;
}

static void make_service(struct world *w)
{
	static char *approvers[] = { (char *)"role:lead", NULL }, *none[] = { NULL };
	struct b2b_policy_service *sudo = &w->f->policy.services[w->f->policy.n_services++];

	strncpy(sudo->name, "sudo", sizeof(sudo->name) - 1);
	sudo->staleness_s = 300;
	strncpy(w->f->policy.roles[w->f->policy.n_roles++].name, "lead", B2B_LABEL_SIZE - 1);
	for (int i = 0; i < N_ORGS; i++) {
		w->f->orgs[i].services = 1;
		w->f->orgs[i].roles = 1;
		b2b_live_verified(w->f->lives[i], b2b_now_ns());
	}
	giver_conf(&w->giver, &w->conf);
	w->conf.federation.login_hint = (char *)"%n";
	w->conf.federation.organisation_claim = (char *)"organisation";
	w->conf.policy = &w->f->policy;
	w->conf.sudo = w->rules;
	w->rules[ACME] = (struct b2b_conf_sudo){ .approvers = approvers, .exempt_commands = none, .exempt_users = none, .wait_s = 60 };
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct b2b_core *core;
	void *base;

	setup(&base);
	w->f = base;
	core = &w->f->core;
	giver_start(&w->giver);
	giver_set(&w->giver, list_claims(b2b_wall_s(), b2b_wall_s() + 300, 60, 1, LST));
	make_service(w);
	core->conf = &w->conf;
	core->auth_rate = core->command_rate = (struct b2b_rate){ .burst = 100, .every_ns = 1 };
	w->federation = (struct b2b_federation){ .jwks = w->giver.jwks, .loop = core->loop };
	core->federation = &w->federation;
	assert_int_equal(b2b_http_new(core->loop, tls_server_ca(w->giver.server), NULL, &core->http), 0);
	assert_int_equal(b2b_tickets_new(&core->tickets), 0);
	assert_int_equal(b2b_status_start(core), 0);
	n_requests = 0;
	w->fd = -1;
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	void *base = w->f;

	if (w->fd >= 0)
		close(w->fd);
	b2b_server_free(w->f->core.server); /* with the commands under way */
	w->f->core.server = NULL;
	b2b_status_cache_free(w->f->core.status);
	b2b_http_free(w->f->core.http);
	b2b_tickets_free(w->f->core.tickets);
	giver_stop(&w->giver);
	teardown(&base);
	free(w);
	return 0;
}

static void run(struct world *w, uint32_t uid)
{
	struct {
		struct b2b_packet_head head;
		struct b2b_ask_command body;
	} packet = { .head = { .version = B2B_PROTO_VERSION, .type = B2B_ASK_COMMAND, .length = sizeof(packet.body) },
		     .body = { .origin = { .service = "sudo", .tty = "pts/1" }, .uid = uid, .runas = "root", .directory = "/", .text = "/usr/bin/id" } };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	b2b_audit_name(&w->f->core, uid, packet.body.origin.user, sizeof(packet.body.origin.user));
	n_requests = 0;
	if (w->fd >= 0)
		close(w->fd);
	w->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	strncpy(address.sun_path, w->f->path, sizeof(address.sun_path) - 1);
	assert_int_equal(connect(w->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(w->fd, &packet, sizeof(packet.head) + sizeof(packet.body), 0), sizeof(packet.head) + sizeof(packet.body));
}

/* The next packet is of TYPE; a decision's reason is returned. */
static int said(struct world *w, uint16_t type)
{
	union {
		struct b2b_packet_head head;
		unsigned char bytes[B2B_PACKET_MAX];
	} packet;
	uint64_t deadline = b2b_now_ns() + DEADLINE_NS;
	struct b2b_say_decision decision = { .reason = B2B_OK };
	ssize_t n = -1;

	while (n < 0 && b2b_now_ns() < deadline) {
		b2b_loop_turn(w->f->core.loop, 5);
		n = recv(w->fd, &packet, sizeof(packet), MSG_DONTWAIT);
	}
	assert_true(n > 0);
	if (packet.head.type == B2B_SAY_DECISION)
		memcpy(&decision, packet.bytes + sizeof(packet.head), sizeof(decision));
	if (packet.head.type != type)
		fail_msg("packet %d (%s), expected %d", packet.head.type, b2b_reason_code(decision.reason), type);
	return decision.reason;
}

static void decided(struct world *w, int reason)
{
	int32_t is = said(w, B2B_SAY_DECISION);

	if (is != reason)
		fail_msg("%s, expected %s", b2b_reason_code(is), b2b_reason_code(reason));
}

static struct request *asked(const char *whose)
{
	for (size_t i = 0; i < n_requests; i++)
		if (strcmp(requests[i].whose, whose) == 0)
			return &requests[i];
	return NULL;
}

/* WHOSE approves by a token of SUBJECT with that place in the list; -1: it names none. */
static void approve(struct world *w, const char *whose, const char *subject, int64_t place)
{
	struct request *request = asked(whose);
	struct b2b_id_token token = { .subject = (char *)subject, .issued_at = b2b_wall_s(), .auth_time = b2b_wall_s(),
		                      .status = { .uri = place < 0 ? NULL : w->giver.uri, .index = (uint64_t)place },
		                      .claims = json_pack("{s:s}", "organisation", ORG) };

	assert_non_null(request);
	request->handlers->result(request->arg, B2B_OK, &token, "");
	json_decref(token.claims);
}

static void turn_while_fetching(struct world *w, bool fetching)
{
	struct b2b_status_entry *entry = w->f->core.status->entries;
	uint64_t deadline = b2b_now_ns() + DEADLINE_NS;

	assert_non_null(entry);
	while ((entry->call != NULL) == fetching && b2b_now_ns() < deadline)
		b2b_loop_turn(w->f->core.loop, 5);
	assert_int_equal(entry->call != NULL, !fetching);
}

/* Alice owns two accounts that act for her; carol is another person. */
static void who_stands_behind_an_account_does_not_approve_for_it(void **state)
{
	struct world *w = *state;
	uint32_t alice = put(w, ACME, "alice2", "s-alice", NULL, B2B_PERSON), deploy = put(w, ACME, "deploy", "s-deploy", "i-alice2", B2B_SERVICE_PRINCIPAL);

	put(w, ACME, "backup", "s-backup", "i-alice2", B2B_PERSON); /* as a directory may say */
	run(w, deploy);
	decided(w, B2B_SUDO_NOBODY);
	run(w, alice);
	decided(w, B2B_SUDO_NOBODY);
	put(w, ACME, "carol", "s-carol", NULL, B2B_PERSON);
	run(w, deploy);
	said(w, B2B_SAY_WAIT);
	assert_int_equal(n_requests, 1);
	approve(w, "carol@acme", "s-carol", -1);
	decided(w, B2B_OK);
}

static void who_became_the_owner_meanwhile_does_not_approve(void **state)
{
	struct world *w = *state;
	uint32_t deploy;

	put(w, ACME, "alice2", "s-alice", NULL, B2B_PERSON);
	put(w, ACME, "carol", "s-carol", NULL, B2B_PERSON);
	deploy = put(w, ACME, "deploy", "s-deploy", "i-alice2", B2B_SERVICE_PRINCIPAL);
	run(w, deploy);
	said(w, B2B_SAY_WAIT);
	put(w, ACME, "deploy", "s-deploy", "i-carol", B2B_SERVICE_PRINCIPAL);
	approve(w, "carol@acme", "s-carol", -1);
	decided(w, B2B_SUDO_WRONG_APPROVER);
}

static void alice_asks_carol(struct world *w)
{
	uint32_t alice = put(w, ACME, "alice2", "s-alice", NULL, B2B_PERSON);

	put(w, ACME, "carol", "s-carol", NULL, B2B_PERSON);
	run(w, alice);
	said(w, B2B_SAY_WAIT);
}

/* LST has 1 at 0, 3, 4, 5, … and 0 at 1, 2. */
static void an_approval_waits_for_its_status_list(void **state)
{
	struct world *w = *state;

	alice_asks_carol(w);
	approve(w, "carol@acme", "s-carol", 1);
	decided(w, B2B_OK);
	assert_int_equal(w->giver.requests, 1);
	assert_true(requests[0].over);
}

static void an_approval_that_its_list_withdraws_is_none(void **state)
{
	struct world *w = *state;

	alice_asks_carol(w);
	approve(w, "carol@acme", "s-carol", 3);
	decided(w, B2B_SUDO_WRONG_APPROVER);
}

static void without_its_list_an_approval_is_unknown_and_that_is_said(void **state)
{
	struct world *w = *state;

	w->giver.status = 404;
	alice_asks_carol(w);
	approve(w, "carol@acme", "s-carol", 1);
	decided(w, B2B_AUTH_UNKNOWN);
}

static void alice_asks_carol_and_dave(struct world *w)
{
	put(w, ACME, "dave", "s-dave", NULL, B2B_PERSON);
	alice_asks_carol(w);
	assert_int_equal(n_requests, 2);
	approve(w, "carol@acme", "s-carol", 1);
}

static void no_word_of_another_does_not_end_the_wait_for_the_list(void **state)
{
	struct world *w = *state;
	struct request *dave;

	alice_asks_carol_and_dave(w);
	dave = asked("dave@acme");
	dave->handlers->result(dave->arg, B2B_AUTH_EXPIRED, NULL, "");
	decided(w, B2B_OK);
}

static void a_word_of_another_need_not_wait_for_the_list(void **state)
{
	struct world *w = *state;

	alice_asks_carol_and_dave(w);
	turn_while_fetching(w, false);
	approve(w, "dave@acme", "s-dave", -1);
	assert_true(requests[0].over && requests[1].over);
	turn_while_fetching(w, true); /* nobody is called for it */
	decided(w, B2B_OK);
}

static void two_approvals_that_wait_for_one_list_decide_once(void **state)
{
	struct world *w = *state;

	alice_asks_carol_and_dave(w);
	approve(w, "dave@acme", "s-dave", 2);
	turn_while_fetching(w, false);
	turn_while_fetching(w, true);
	decided(w, B2B_OK);
	assert_int_equal(w->giver.requests, 1);
}

static void giving_up_waits_for_no_list(void **state)
{
	struct world *w = *state;

	alice_asks_carol(w);
	approve(w, "carol@acme", "s-carol", 1);
	turn_while_fetching(w, false);
	close(w->fd);
	w->fd = -1;
	turn_while_fetching(w, true);
	assert_true(requests[0].over);
}

static void what_does_not_lie_with_the_approver_is_said_as_it_is(void **state)
{
	struct world *w = *state;

	alice_asks_carol(w);
	w->f->policy.services[0].staleness_s = 0;
	b2b_live_verified(w->f->lives[ACME], b2b_now_ns() - 5 * B2B_NS_PER_S);
	approve(w, "carol@acme", "s-carol", -1);
	decided(w, B2B_STALE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_stands_behind_an_account_does_not_approve_for_it),
		TEST(who_became_the_owner_meanwhile_does_not_approve),
		TEST(an_approval_waits_for_its_status_list),
		TEST(an_approval_that_its_list_withdraws_is_none),
		TEST(without_its_list_an_approval_is_unknown_and_that_is_said),
		TEST(no_word_of_another_does_not_end_the_wait_for_the_list),
		TEST(a_word_of_another_need_not_wait_for_the_list),
		TEST(two_approvals_that_wait_for_one_list_decide_once),
		TEST(giving_up_waits_for_no_list),
		TEST(what_does_not_lie_with_the_approver_is_said_as_it_is),
	};

	return cmocka_run_group_tests_name("sudo_approval", tests, NULL, NULL);
}
