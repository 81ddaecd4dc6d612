/* First-time names: libnss_b2b.so.2 asks the agent's socket, once, with one deadline, and only where that can help. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/proto.h"
#include "common/reason.h"
#include "tests/support/fixture.h"
#include "tests/support/machine.h"
#include "tests/support/nss_module.h"
#include "tests/support/scratch.h"

#define CACHE "/var/lib/b2b/cache"
#define NEW_OFFSET 40

static struct nss_module nss;
static struct fixture fixture;

/* An agent that answers one way, in a thread of the test. */
enum manner { ANSWERS, RESERVES, RESERVES_LOCAL, RESERVES_FOREIGN, RESERVES_TAKEN, ANSWERS_LATE, KNOWS_NOBODY, SAYS_NOTHING, HANGS_UP, TALKS_RUBBISH };

struct agent {
	enum manner manner;
	int listener;
	pthread_t thread, asker;
	_Atomic int asked;
};

static void publish_new(void)
{
	struct b2b_snapshot_user user = { .local = "new", .uid = FIXTURE_LO(FIXTURE_ACME) + NEW_OFFSET };
	struct b2b_snapshot_builder *builder = fixture_builder(&fixture, FIXTURE_ACME, true);

	assert_int_equal(b2b_snapshot_add_user(builder, &user), 0);
	b2b_live_store(fixture.lives[FIXTURE_ACME], user.uid, B2B_LIVE_OPEN, false);
	fixture_publish(&fixture, FIXTURE_ACME, builder);
	b2b_snapshot_free(builder);
}

static void say(int fd, int32_t reason)
{
	struct {
		struct b2b_packet_head head;
		struct b2b_say_name body;
	} packet = { { B2B_PROTO_VERSION, B2B_SAY_NAME, sizeof(packet.body) }, { reason } };

	assert_int_equal(send(fd, &packet, sizeof(packet), MSG_NOSIGNAL), sizeof(packet));
}

/* An id that is kept for somebody who has proven nothing yet. */
static void reserve(int fd, uint32_t uid)
{
	struct {
		struct b2b_packet_head head;
		struct b2b_say_reserved body;
	} packet = { { B2B_PROTO_VERSION, B2B_SAY_RESERVED, sizeof(packet.body) },
		     { .uid = uid } };

	assert_int_equal(send(fd, &packet, sizeof(packet), MSG_NOSIGNAL), sizeof(packet));
}

static void serve(struct agent *agent, int fd)
{
	uint64_t packet[B2B_PACKET_MAX / 8 + 1];
	ssize_t got = recv(fd, packet, sizeof(packet), 0);

	if (got <= 0)
		return;
	assert_int_equal(b2b_packet_check(packet, (size_t)got), 0);
	agent->asked++;
	switch (agent->manner) {
	case ANSWERS:
		publish_new();
		say(fd, B2B_OK);
		break;
	case RESERVES:
		reserve(fd, FIXTURE_LO(FIXTURE_ACME) + NEW_OFFSET);
		break;
	case RESERVES_LOCAL:
		reserve(fd, 1000);
		break;
	case RESERVES_FOREIGN:
		reserve(fd, FIXTURE_LO(FIXTURE_GLOBEX) + NEW_OFFSET);
		break;
	case RESERVES_TAKEN:
		reserve(fd, FIXTURE_LO(FIXTURE_ACME) + 1);
		break;
	case ANSWERS_LATE:
		pthread_kill(agent->asker, SIGUSR1);
		poll(NULL, 0, 150);
		say(fd, B2B_USER_UNKNOWN);
		break;
	case KNOWS_NOBODY:
		say(fd, B2B_USER_UNKNOWN);
		break;
	case SAYS_NOTHING:
		recv(fd, packet, sizeof(packet), 0); /* until the other side gives up */
		break;
	case TALKS_RUBBISH:
		send(fd, "rubbish", 7, MSG_NOSIGNAL);
		break;
	case HANGS_UP:
		break;
	}
}

static void *agent_main(void *arg)
{
	struct agent *agent = arg;
	int fd;

	while ((fd = accept4(agent->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		serve(agent, fd);
		close(fd);
	}
	return NULL;
}

static void agent_start(struct agent *agent, enum manner manner)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = B2B_SOCKET_PATH };

	memset(agent, 0, sizeof(*agent));
	agent->manner = manner;
	agent->asker = pthread_self();
	unlink(B2B_SOCKET_PATH);
	agent->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_true(agent->listener >= 0);
	assert_int_equal(bind(agent->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(chmod(B2B_SOCKET_PATH, 0666), 0);
	assert_int_equal(listen(agent->listener, 8), 0);
	assert_int_equal(pthread_create(&agent->thread, NULL, agent_main, agent), 0);
}

static void agent_stop(struct agent *agent)
{
	shutdown(agent->listener, SHUT_RDWR);
	pthread_join(agent->thread, NULL);
	close(agent->listener);
	unlink(B2B_SOCKET_PATH);
}

static enum nss_status look(const char *name, struct passwd *pw, uint64_t *ret_took_ns)
{
	static char buf[1024];
	uint64_t begin = b2b_now_ns();
	enum nss_status status;
	int reason;

	errno = EXFULL;
	status = nss.getpwnam_r(name, pw, buf, sizeof(buf), &reason);
	assert_int_equal(errno, EXFULL);
	*ret_took_ns = b2b_now_ns() - begin;
	return status;
}

static void a_first_time_name_is_fetched(void **state)
{
	struct agent agent;
	struct passwd pw;
	uint64_t took;

	(void)state;
	agent_start(&agent, ANSWERS);
	assert_int_equal(look("new@acme", &pw, &took), NSS_STATUS_SUCCESS);
	assert_string_equal(pw.pw_name, "new@acme");
	assert_int_equal(pw.pw_uid, FIXTURE_LO(FIXTURE_ACME) + NEW_OFFSET);
	assert_int_equal(look("new@acme", &pw, &took), NSS_STATUS_SUCCESS);
	agent_stop(&agent);
	assert_int_equal(agent.asked, 1);
}

/* Name, home, shell and groups are root's, and never the agent's to say: sshd asks for the local groups of pw_name next. */
static void a_reservation_is_answered_as_the_snapshot_will(void **state)
{
	static char buf[256];
	struct agent agent;
	struct passwd pw;
	size_t least = 0;
	int reason;

	(void)state;
	agent_start(&agent, RESERVES);
	while (nss.getpwnam_r("new@acme", &pw, buf, least, &reason) == NSS_STATUS_TRYAGAIN) {
		assert_int_equal(reason, ERANGE);
		least++;
	}
	assert_int_equal(least, sizeof("new@acme") + sizeof("/home/acme/new") + sizeof("/bin/bash") + sizeof("*") + sizeof(""));
	assert_string_equal(pw.pw_name, "new@acme");
	assert_int_equal(pw.pw_uid, FIXTURE_LO(FIXTURE_ACME) + NEW_OFFSET);
	assert_int_equal(pw.pw_gid, pw.pw_uid);
	assert_string_equal(pw.pw_dir, "/home/acme/new");
	assert_string_equal(pw.pw_shell, "/bin/bash");
	assert_string_equal(pw.pw_passwd, "*");
	assert_string_equal(pw.pw_gecos, "");
	agent_stop(&agent);
}

static void a_reserved_name_is_told_as_it_is_kept(void **state)
{
	struct agent agent;
	struct passwd pw;
	uint64_t took;

	(void)state;
	agent_start(&agent, RESERVES);
	assert_int_equal(look("NEW@Acme", &pw, &took), NSS_STATUS_SUCCESS);
	assert_string_equal(pw.pw_name, "new@acme");
	assert_string_equal(pw.pw_dir, "/home/acme/new");
	agent_stop(&agent);
}

static void a_reservation_has_the_groups_of_all_partners(void **state)
{
	struct agent agent;
	gid_t *list = NULL;
	long size = 0, n = 0;
	int reason;

	(void)state;
	agent_start(&agent, RESERVES);
	assert_int_equal(nss.initgroups_dyn("new@acme", 1, &n, &size, &list, -1, &reason), NSS_STATUS_SUCCESS);
	assert_int_equal(n, 2);
	assert_int_equal(list[0], FIXTURE_LO(FIXTURE_ACME));
	assert_int_equal(list[1], B2B_PARTNERS_GID);
	free(list);
	agent_stop(&agent);
}

static void each_is_notfound(const enum manner *manners, size_t n)
{
	struct agent agent;
	struct passwd pw;
	uint64_t took;

	for (size_t i = 0; i < n; i++) {
		agent_start(&agent, manners[i]);
		assert_int_equal(look("new@acme", &pw, &took), NSS_STATUS_NOTFOUND);
		agent_stop(&agent);
		assert_int_equal(agent.asked, 1);
	}
}

/* An agent that was taken over gives no name a local account's id, another organisation's, or another person's. */
static void a_reservation_of_another_s_id_is_notfound(void **state)
{
	static const enum manner manners[] = { RESERVES_LOCAL, RESERVES_FOREIGN, RESERVES_TAKEN };

	(void)state;
	each_is_notfound(manners, sizeof(manners) / sizeof(manners[0]));
}

static void an_answer_that_is_no_yes_is_notfound(void **state)
{
	static const enum manner manners[] = { KNOWS_NOBODY, HANGS_UP, TALKS_RUBBISH };
	struct passwd pw;
	uint64_t took;

	(void)state;
	each_is_notfound(manners, sizeof(manners) / sizeof(manners[0]));
	assert_int_equal(look("new@acme", &pw, &took), NSS_STATUS_NOTFOUND); /* no socket at all */
}

/* 2 s are the contract; what a loaded machine adds to a wake-up is not. */
static void a_silent_agent_costs_two_seconds(void **state)
{
	struct agent agent;
	struct passwd pw;
	uint64_t took;

	(void)state;
	agent_start(&agent, SAYS_NOTHING);
	assert_int_equal(look("new@acme", &pw, &took), NSS_STATUS_NOTFOUND);
	assert_in_range(took / B2B_NS_PER_MS, 1900, 2500);
	agent_stop(&agent);
}

static void nobody_is_asked_where_it_cannot_help(void **state)
{
	static const char *const names[] = { "root", "new@nowhere", "members@acme", "alice@acme", "dba@acme", "new+acme" };
	struct agent agent;
	struct passwd pw;
	struct group gr;
	char buf[1024];
	uint64_t took;
	int reason;

	(void)state;
	agent_start(&agent, SAYS_NOTHING);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		look(names[i], &pw, &took);
	nss.getpwuid_r(FIXTURE_LO(FIXTURE_ACME) + NEW_OFFSET, &pw, buf, sizeof(buf), &reason);
	nss.getgrnam_r("new@acme", &gr, buf, sizeof(buf), &reason);
	b2b_live_store_org(fixture.lives[FIXTURE_ACME], B2B_LIVE_CLOSED, true);
	assert_int_equal(look("new@acme", &pw, &took), NSS_STATUS_NOTFOUND);
	b2b_live_store_org(fixture.lives[FIXTURE_ACME], B2B_LIVE_OPEN, false);
	b2b_live_beat(fixture.lives[FIXTURE_ACME], b2b_now_ns() - 6 * B2B_NS_PER_S);
	assert_int_equal(look("new@acme", &pw, &took), NSS_STATUS_NOTFOUND);
	agent_stop(&agent);
	assert_int_equal(agent.asked, 0);
}

static _Atomic int interrupted;

static void on_signal(int signal)
{
	(void)signal;
	interrupted++;
}

/* A signal that comes while the agent thinks neither cuts the question short nor gets lost. */
static void signals_wait_for_the_answer(void **state)
{
	struct agent agent;
	struct passwd pw;
	sigset_t after;
	uint64_t took;

	(void)state;
	interrupted = 0;
	signal(SIGUSR1, on_signal);
	agent_start(&agent, ANSWERS_LATE);
	assert_int_equal(look("other@acme", &pw, &took), NSS_STATUS_NOTFOUND);
	assert_int_equal(interrupted, 1);
	assert_in_range(took / B2B_NS_PER_MS, 100, 1900);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int i = 1; i < SIGRTMIN; i++)
		assert_int_equal(sigismember(&after, i), 0);
	agent_stop(&agent);
	signal(SIGUSR1, SIG_DFL);
}

static int foreign_body(void *arg)
{
	gid_t groups[] = { B2B_PARTNERS_GID, FIXTURE_LO(FIXTURE_GLOBEX) };
	uid_t uid = FIXTURE_LO(FIXTURE_GLOBEX) + 1;
	struct passwd pw;
	uint64_t took;

	(void)arg;
	if (setgroups(2, groups) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		return 1;
	return look("new@acme", &pw, &took) != NSS_STATUS_NOTFOUND;
}

static void a_foreign_partner_causes_no_question(void **state)
{
	struct agent agent;

	(void)state;
	agent_start(&agent, KNOWS_NOBODY);
	assert_int_equal(machine_child(foreign_body, NULL), 0);
	agent_stop(&agent);
	assert_int_equal(agent.asked, 0);
}

static int beat(void **state)
{
	(void)state;
	fixture_beat(&fixture);
	return 0;
}

int main(void)
{
	/* One cache for all: this process keeps what it has mapped. The last test adds a person to it. */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_foreign_partner_causes_no_question, beat),
		cmocka_unit_test_setup(a_reservation_is_answered_as_the_snapshot_will, beat),
		cmocka_unit_test_setup(a_reserved_name_is_told_as_it_is_kept, beat),
		cmocka_unit_test_setup(a_reservation_has_the_groups_of_all_partners, beat),
		cmocka_unit_test_setup(a_reservation_of_another_s_id_is_notfound, beat),
		cmocka_unit_test_setup(an_answer_that_is_no_yes_is_notfound, beat),
		cmocka_unit_test_setup(a_silent_agent_costs_two_seconds, beat),
		cmocka_unit_test_setup(nobody_is_asked_where_it_cannot_help, beat),
		cmocka_unit_test_setup(signals_wait_for_the_answer, beat),
		cmocka_unit_test_setup(a_first_time_name_is_fetched, beat),
	};
	int failed;

	machine_private();
	nss_module_load(&nss);
	fixture_start(&fixture, CACHE);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fixture_stop(&fixture);
	return failed;
}
