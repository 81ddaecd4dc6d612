/* What a hostile agent may say to the guard, and terminals' text: pure judgements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "b2bd/guard/message.h"
#include "b2bd/guard/prepare.h"
#include "b2bd/guard/proc.h"
#include "b2bd/guard/tell.h"
#include "tests/unit/test_guard_world.h"

static struct b2b_policy *policy;

static struct b2b_guard_message end_of(uint32_t scope, int org, uint32_t uid)
{
	return (struct b2b_guard_message){ .type = B2B_GUARD_END, .serial = 7, .scope = scope, .org = org, .uid = uid, .pid = 4711,
		                           .message = "Your access has ended.", .audit_id = "0123456789abcdef" };
}

static int check_sized(const struct b2b_guard_message *message, size_t size, bool has_fd, struct b2b_guard_message *ret)
{
	char packet[B2B_GUARD_PACKET] = { 0 };

	memcpy(packet, message, sizeof(*message));
	return b2b_guard_message_check(packet, size, has_fd, policy, ret);
}

static int check(const struct b2b_guard_message *message, bool has_fd)
{
	struct b2b_guard_message out;

	return check_sized(message, B2B_GUARD_PACKET, has_fd, &out);
}

static void test_accepts(void **state)
{
	struct b2b_guard_message user = end_of(B2B_SCOPE_USER, ACME, ACME_LO + 1), org = end_of(B2B_SCOPE_ORG, GLOBEX, 0),
	                         session = end_of(B2B_SCOPE_SESSION, EMEA, EMEA_LO + 1023), out;
	struct b2b_guard_message install = { .type = B2B_GUARD_INSTALL, .serial = 9, .org = EMEA };

	(void)state;
	assert_int_equal(check_sized(&user, B2B_GUARD_PACKET, false, &out), 0);
	assert_memory_equal(&out, &user, sizeof(out));
	assert_int_equal(check(&org, false), 0);
	assert_int_equal(check(&session, false), 0);
	assert_int_equal(check(&install, true), 0);
}

static void test_tells_one_session_something(void **state)
{
	struct b2b_guard_message tell = end_of(B2B_SCOPE_SESSION, EMEA, EMEA_LO + 1023);
	static const uint32_t scopes[] = { B2B_SCOPE_USER, B2B_SCOPE_ORG, 0, 100 };

	(void)state;
	tell.type = B2B_GUARD_TELL;
	assert_int_equal(check(&tell, false), 0);
	assert_int_equal(check(&tell, true), -EBADMSG);
	for (size_t i = 0; i < sizeof(scopes) / sizeof(*scopes); i++) {
		tell.scope = scopes[i];
		assert_int_equal(check(&tell, false), -EINVAL);
	}
	tell.scope = B2B_SCOPE_SESSION;
	tell.uid = ACME_LO + 1;
	assert_int_equal(check(&tell, false), -ERANGE);
	tell.uid = EMEA_LO + 1023;
	tell.pid = 1;
	assert_int_equal(check(&tell, false), -EINVAL);
	tell.pid = 4711;
	*tell.message = '\0';
	assert_int_equal(check(&tell, false), -EINVAL);
	memset(tell.message, 'x', sizeof(tell.message));
	assert_int_equal(check(&tell, false), -EBADMSG);
}

static void test_refuses_organisations(void **state)
{
	static const int slots[] = { -1, WORLD_ORGS, INT32_MAX, INT32_MIN };

	(void)state;
	for (size_t i = 0; i < sizeof(slots) / sizeof(*slots); i++) {
		struct b2b_guard_message end = end_of(B2B_SCOPE_ORG, slots[i], 0);
		struct b2b_guard_message install = { .type = B2B_GUARD_INSTALL, .org = slots[i] };

		assert_int_equal(check(&end, false), -EINVAL);
		assert_int_equal(check(&install, true), -EINVAL);
	}
}

static void test_refuses_uids(void **state)
{
	static const uint32_t uids[] = { 0, 1000, ACME_LO - 1, ACME_LO, ACME_LO + 1024, EMEA_LO + 1, GLOBEX_LO + 1, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(uids) / sizeof(*uids); i++) {
		struct b2b_guard_message user = end_of(B2B_SCOPE_USER, ACME, uids[i]), session = end_of(B2B_SCOPE_SESSION, ACME, uids[i]);

		assert_int_equal(check(&user, false), -ERANGE);
		assert_int_equal(check(&session, false), -ERANGE);
	}
}

static void test_refuses_leaders_and_scopes(void **state)
{
	struct b2b_guard_message message = end_of(B2B_SCOPE_SESSION, ACME, ACME_LO + 1);
	static const int pids[] = { 1, 0, -1, INT32_MIN };

	(void)state;
	for (size_t i = 0; i < sizeof(pids) / sizeof(*pids); i++) {
		message.pid = pids[i];
		assert_int_equal(check(&message, false), -EINVAL);
	}
	message = end_of(0, ACME, ACME_LO + 1);
	assert_int_equal(check(&message, false), -EINVAL);
	message.scope = 100; /* the guard's own, for its first look */
	assert_int_equal(check(&message, false), -EINVAL);
}

static void test_refuses_malformed(void **state)
{
	struct b2b_guard_message message = end_of(B2B_SCOPE_USER, ACME, ACME_LO + 1), out;

	(void)state;
	assert_int_equal(check(&message, true), -EBADMSG); /* a descriptor too many */
	message.type = B2B_GUARD_INSTALL;
	assert_int_equal(check(&message, false), -EBADMSG); /* one missing */
	message.type = B2B_GUARD_DONE;
	assert_int_equal(check(&message, false), -EBADMSG);
	message.type = B2B_GUARD_RELOAD;
	assert_int_equal(check(&message, false), -EBADMSG);
	message = end_of(B2B_SCOPE_USER, ACME, ACME_LO + 1);
	memset(message.message, 'x', sizeof(message.message));
	assert_int_equal(check_sized(&message, B2B_GUARD_PACKET, false, &out), -EBADMSG);
	assert_int_equal(out.serial, 7); /* so that the answer finds its question */
	assert_int_equal(out.uid, 0);
	message = end_of(B2B_SCOPE_USER, ACME, ACME_LO + 1);
	memset(message.audit_id, 'x', sizeof(message.audit_id));
	assert_int_equal(check(&message, false), -EBADMSG);
	message = end_of(B2B_SCOPE_USER, ACME, ACME_LO + 1);
	assert_int_equal(check_sized(&message, B2B_GUARD_PACKET - 1, false, &out), -EBADMSG);
	assert_int_equal(check_sized(&message, 0, false, &out), -EBADMSG);
}

static void test_line(void **state)
{
	char line[B2B_TELL_SIZE], longest[B2B_MESSAGE_SIZE];
	size_t len = b2b_tell_format(line, "Ended\x1b[2J\r\n by \xc2\x9b" "31m \x9b" "5m M\xc3\xbcller", "0123456789abcdef");

	(void)state;
	assert_int_equal(len, strlen(line));
	assert_string_equal(line, "\a\r\n*** Ended?[2J?? by ?31m ?5m M\xc3\xbcller (0123456789abcdef) ***\r\n");
	memset(longest, 0x1b, sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	len = b2b_tell_format(line, longest, "0123456789abcdef");
	assert_true(len < sizeof(line));
	assert_string_equal(line + len - 6, " ***\r\n");
	assert_string_equal(line + b2b_tell_format(line, "x", "") - 7, "x ***\r\n");
}

static void test_stat(void **state)
{
	/* A name made to look like more fields. */
	static const char stat[] = "77 (a) R 1 1 (b) S 1 76 75 34817 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456789 1 2";
	static const char zombie[] = "77 (x) Z 1 76 75 0 -1 0 1 2 3 4 5 6 7 8 20 0 3 0 5 1 2";
	struct b2b_process process = { 0 };
	uint32_t uids[4];

	(void)state;
	assert_int_equal(b2b_process_parse_stat(stat, &process), 0);
	assert_int_equal(process.pid, 77);
	assert_int_equal(process.state, 'S');
	assert_int_equal(process.ppid, 1);
	assert_int_equal(process.sid, 75);
	assert_int_equal(process.tty, 34817);
	assert_int_equal(process.start_ticks, 123456789);
	/* The main thread is gone, two others run: it lives. */
	assert_int_equal(b2b_process_parse_stat(zombie, &process), 0);
	assert_int_equal(process.state, 'S');
	assert_int_equal(b2b_process_parse_stat("77 (x) S 1 2", &process), -EBADMSG);
	assert_int_equal(b2b_process_parse_stat("", &process), -EBADMSG);
	assert_int_equal(b2b_process_parse_uids("Name:\tUid:\nUid:\t1\t2\t3\t4\nGid:\t5\n", uids), 0);
	assert_int_equal(uids[3], 4);
	assert_int_equal(b2b_process_parse_uids("Name:\tx\nUid:\t1\t2\n", uids), -EBADMSG);
}

static void test_slice(void **state)
{
	char session[B2B_LOGIND_SIZE] = "";

	(void)state;
	assert_int_equal(b2b_process_parse_slice("0::/user.slice/user-2013265921.slice/session-3.scope\n"), ACME_LO + 1);
	assert_int_equal(b2b_process_parse_slice("0::/system.slice/ssh.service\n"), B2B_NO_AUDIT);
	assert_int_equal(b2b_process_parse_slice("0::/user.slice/user-99999999999.slice/x\n"), B2B_NO_AUDIT);
	assert_int_equal(b2b_process_parse_slice("0::/user.slice/user-12x.slice/x\n"), B2B_NO_AUDIT);
	assert_int_equal(b2b_process_parse_slice("0::/user.slice/user-2013265921.slice/user@2013265921.service/init.scope\n"), ACME_LO + 1);
	assert_int_equal(b2b_process_parse_slice("0::/user.slice/user-2013265921.slice/user-runtime-dir@2013265921.service\n"), B2B_NO_AUDIT);
	assert_int_equal(b2b_process_parse_logind("0::/user.slice/user-2013265921.slice/session-3.scope\n", ACME_LO + 1, session), 0);
	assert_string_equal(session, "session-3.scope");
	assert_int_equal(b2b_process_parse_logind("1:name=systemd:/user.slice/user-2013265921.slice/session-c1.scope/x\n0::/\n", ACME_LO + 1, session), 0);
	assert_string_equal(session, "session-c1.scope");
	assert_int_equal(b2b_process_parse_logind("0::/user.slice/user-2013265921.slice/session-3.scope\n", ACME_LO + 2, session), -ENOENT);
	assert_int_equal(b2b_process_parse_logind("0::/user.slice/user-2013265921.slice/user@2013265921.service/x.scope\n", ACME_LO + 1, session), -ENOENT);
	assert_int_equal(b2b_process_parse_logind("0::/user.slice/user-2013265921.slice/session-3\n", ACME_LO + 1, session), -ENOENT);
}

static void test_home_path(void **state)
{
	char path[64];

	(void)state;
	assert_int_equal(b2b_prepare_home_path("/home/%o/%u", "emea.acme", path, sizeof(path)), 0);
	assert_string_equal(path, "/home/emea.acme");
	assert_int_equal(b2b_prepare_home_path("/srv/%o/people/x-%u/home", "acme", path, sizeof(path)), 0);
	assert_string_equal(path, "/srv/acme/people");
	/* A directory that all share is not one organisation's to own. */
	assert_int_equal(b2b_prepare_home_path("/home/%u", "acme", path, sizeof(path)), -ENOENT);
	assert_int_equal(b2b_prepare_home_path("/home/%o-%u", "acme", path, sizeof(path)), -ENOENT);
	assert_int_equal(b2b_prepare_home_path("/home/%o/%u", "acme", path, 8), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepts),
		cmocka_unit_test(test_tells_one_session_something),
		cmocka_unit_test(test_refuses_organisations),
		cmocka_unit_test(test_refuses_uids),
		cmocka_unit_test(test_refuses_leaders_and_scopes),
		cmocka_unit_test(test_refuses_malformed),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_stat),
		cmocka_unit_test(test_slice),
		cmocka_unit_test(test_home_path),
	};
	int r;

	policy = world_policy();
	r = cmocka_run_group_tests(tests, NULL, NULL);
	free(policy->orgs);
	free(policy);
	return r;
}
