/* The ends of sessions by the clock and by idleness: what the terminals are told before, and why they end. */
#include "tests/unit/revoke_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "common/conf.h"
#include "common/session_record.h"

static struct b2b_conf conf;

static int set_up(void **state)
{
	struct fixture *f;

	setup(state);
	f = *state;
	memset(&conf, 0, sizeof(conf));
	conf.federation.clock_skew_s = 3600;
	conf.host.warnings_s[0] = 300;
	conf.host.warnings_s[1] = 60;
	conf.host.n_warnings = 2;
	f->core.conf = &conf;
	return 0;
}

/* Of PID, for alice; ENDS_IN_S from now, 0: never. */
static struct b2b_session open_session(struct fixture *f, pid_t pid, int64_t ends_in_s, uint32_t idle_s)
{
	struct b2b_session session = { .pid = pid, .uid = f->uid, .why = B2B_ORG_WINDOW, .idle_s = idle_s, .audit_id = "00000000deadbeef" };

	strncpy(session.origin.user, "alice@acme", sizeof(session.origin.user) - 1);
	session.opened_s = b2b_core_now(&f->core) - 7200;
	session.ends_s = ends_in_s ? b2b_core_now(&f->core) + ends_in_s : 0;
	assert_int_equal(b2b_start_ticks(pid, &session.start_ticks), 0);
	assert_int_equal(b2b_session_store(f->core.state, &session), 0);
	return session;
}

static void look_after(struct fixture *f, int64_t seconds)
{
	f->core.floor_s = b2b_core_now(&f->core) + seconds;
	b2b_sessions_look(&f->core);
}

static void is_told(struct fixture *f, const char *text)
{
	struct b2b_guard_message request = next_request(f);

	assert_int_equal(request.type, B2B_GUARD_TELL);
	assert_int_equal(request.scope, B2B_SCOPE_SESSION);
	assert_int_equal(request.uid, f->uid);
	assert_int_equal(request.org, ACME);
	assert_string_equal(request.audit_id, "00000000deadbeef");
	assert_string_equal(request.message, text);
}

static void hears_nothing(struct fixture *f)
{
	char packet[B2B_GUARD_PACKET];

	for (int i = 0; i < 10; i++)
		b2b_loop_turn(f->core.loop, 5);
	assert_true(recv(f->guard_fd, packet, sizeof(packet), MSG_DONTWAIT) < 0);
}

static void ends_for(struct fixture *f, enum b2b_reason reason)
{
	struct b2b_guard_message request = next_request(f);

	assert_int_equal(request.type, B2B_GUARD_END);
	assert_int_equal(request.scope, B2B_SCOPE_SESSION);
	assert_string_equal(request.message, b2b_reason_text(reason));
}

static void it_is_told_twice_and_then_why_it_ends(void **state)
{
	struct fixture *f = *state;

	f->core.floor_s = b2b_wall_s() + 10; /* it goes on as it is told alone, in whatever part of a second this begins */
	open_session(f, getpid(), 400, 0);
	look_after(f, 0);
	hears_nothing(f);
	look_after(f, 101);
	is_told(f, "This session ends in 5 minutes: your organisation's contract ends then.");
	look_after(f, 5);
	hears_nothing(f);
	look_after(f, 235);
	is_told(f, "This session ends in 59 seconds: your organisation's contract ends then.");
	look_after(f, 30);
	hears_nothing(f);
	look_after(f, 30);
	ends_for(f, B2B_ORG_WINDOW);
	assert_int_equal(pending(f, NULL), 1);
}

static void it_looks_by_itself_when_it_is_time(void **state)
{
	struct fixture *f = *state;

	open_session(f, getpid(), 302, 0);
	look_after(f, 0);
	is_told(f, "This session ends in 5 minutes: your organisation's contract ends then."); /* within two seconds */
}

static void a_restart_tells_it_no_second_time(void **state)
{
	struct fixture *f = *state;

	open_session(f, getpid(), 290, 0);
	look_after(f, 0);
	next_request(f);
	stop_core(f);
	start_core(f);
	f->core.conf = &conf;
	b2b_sessions_start(&f->core);
	hears_nothing(f);
}

static void an_end_that_comes_nearer_is_told_anew(void **state)
{
	struct fixture *f = *state;
	struct b2b_session session = open_session(f, getpid(), 290, 0);

	look_after(f, 0);
	next_request(f);
	session.proof = 5;
	session.warned_s = 300;
	session.warned_end_s = session.ends_s;
	assert_int_equal(b2b_session_store(f->core.state, &session), 0);
	assert_int_equal(b2b_session_bound(f->core.state, 5, b2b_core_now(&f->core) + 200, B2B_SESSION_UNVERIFIED), 0);
	assert_int_equal(b2b_session_bound(f->core.state, 5, b2b_core_now(&f->core) + 4000, B2B_SESSION_TOKEN), 0); /* no later */
	look_after(f, 0);
	is_told(f, "This session ends in 3 minutes: it could not be verified again at the federation service.");
}

static void one_that_is_shorter_than_a_warning_is_not_told_when_it_opens(void **state)
{
	struct fixture *f = *state;
	struct b2b_session session = open_session(f, getpid(), 120, 0);

	session.opened_s = b2b_core_now(&f->core);
	assert_int_equal(b2b_session_store(f->core.state, &session), 0);
	look_after(f, 0);
	hears_nothing(f);
	look_after(f, 65);
	assert_int_equal(next_request(f).type, B2B_GUARD_TELL);
}

static void where_root_wants_no_warnings_it_ends_without(void **state)
{
	struct fixture *f = *state;

	conf.host.n_warnings = 0;
	open_session(f, getpid(), 50, 0);
	look_after(f, 40);
	hears_nothing(f);
	look_after(f, 10);
	ends_for(f, B2B_ORG_WINDOW);
}

/* A leader whose child has a terminal; PATH of it. */
static pid_t at_a_terminal(char path[64], int *ret_master)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), told[2];
	char byte;
	pid_t leader;

	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0 && ptsname_r(master, path, 64) == 0);
	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	leader = fork();
	if (leader == 0) {
		close(master); /* or it would not hang up */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (fork() == 0) {
			int slave;

			prctl(PR_SET_PDEATHSIG, SIGKILL);
			setsid();
			slave = open(path, O_RDWR);
			if (slave < 0 || ioctl(slave, TIOCSCTTY, 0) < 0 || write(told[1], "r", 1) != 1)
				_exit(1);
			pause();
		}
		close(told[1]);
		wait(NULL);
		_exit(0);
	}
	close(told[1]);
	assert_int_equal(read(told[0], &byte, 1), 1);
	close(told[0]);
	*ret_master = master;
	return leader;
}

static void hang_up(pid_t leader, int master)
{
	close(master);
	assert_int_equal(waitpid(leader, NULL, 0), leader);
}

static void typed_ago(const char *path, int64_t seconds)
{
	struct timespec times[2] = { { .tv_sec = b2b_wall_s() - seconds }, { .tv_nsec = UTIME_OMIT } };

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void who_types_is_not_idle_and_who_does_not_is_warned_and_ended(void **state)
{
	struct fixture *f = *state;
	char path[64];
	int master;
	pid_t leader = at_a_terminal(path, &master);

	open_session(f, leader, 0, 900);
	typed_ago(path, 100);
	look_after(f, 0);
	hears_nothing(f);
	typed_ago(path, 700);
	look_after(f, 0);
	is_told(f, "This session ends in 3 minutes: nobody has typed for long; press a key to go on.");
	look_after(f, 0);
	hears_nothing(f);
	typed_ago(path, 1); /* they did */
	look_after(f, 0);
	hears_nothing(f);
	typed_ago(path, 650); /* and went away again */
	look_after(f, 0);
	is_told(f, "This session ends in 4 minutes: nobody has typed for long; press a key to go on.");
	typed_ago(path, 901);
	look_after(f, 0);
	ends_for(f, B2B_SESSION_IDLE);
	hang_up(leader, master);
}

/* They pressed a key, as they were told, and the session ends all the same, by another limit. */
static void an_end_beside_that_of_idleness_is_told_for_itself(void **state)
{
	struct fixture *f = *state;
	char path[64];
	int master;
	pid_t leader = at_a_terminal(path, &master);

	open_session(f, leader, 205, 900);
	typed_ago(path, 700);
	look_after(f, 0);
	is_told(f, "This session ends in 3 minutes: nobody has typed for long; press a key to go on.");
	typed_ago(path, 1);
	look_after(f, 0);
	is_told(f, "This session ends in 3 minutes: your organisation's contract ends then.");
	look_after(f, 0);
	hears_nothing(f);
	hang_up(leader, master);
}

static void a_clock_that_was_turned_back_makes_nobody_idle(void **state)
{
	struct fixture *f = *state;
	char path[64];
	int master;
	pid_t leader = at_a_terminal(path, &master);

	open_session(f, leader, 0, 900);
	typed_ago(path, 5);
	look_after(f, 7200);
	hears_nothing(f);
	hang_up(leader, master);
}

static void without_a_terminal_there_is_no_idleness(void **state)
{
	struct fixture *f = *state;
	pid_t leader = fork();

	if (leader == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setsid();
		pause();
	}
	open_session(f, leader, 0, 1);
	look_after(f, 0);
	hears_nothing(f);
	kill(leader, SIGKILL);
	assert_int_equal(waitpid(leader, NULL, 0), leader);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_told_twice_and_then_why_it_ends),
		TEST(it_looks_by_itself_when_it_is_time),
		TEST(a_restart_tells_it_no_second_time),
		TEST(an_end_that_comes_nearer_is_told_anew),
		TEST(one_that_is_shorter_than_a_warning_is_not_told_when_it_opens),
		TEST(where_root_wants_no_warnings_it_ends_without),
		TEST(who_types_is_not_idle_and_who_does_not_is_warned_and_ended),
		TEST(an_end_beside_that_of_idleness_is_told_for_itself),
		TEST(a_clock_that_was_turned_back_makes_nobody_idle),
		TEST(without_a_terminal_there_is_no_idleness),
	};

	return cmocka_run_group_tests_name("session_limits", tests, NULL, NULL);
}
