/* The real sudo_b2b.so, driven as sudo drives it: who is asked about, what the agent and the person get to read, and every refusal. */
#include <dlfcn.h>
#include <link.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/proto.h"
#include "common/reason.h"
#include "sudo_b2b/plugin_api.h"
#include "tests/support/fixture.h"
#include "tests/support/log_tap.h"
#include "tests/support/machine.h"
#include "tests/support/scripted_agent.h"

#define CACHE "/var/lib/b2b/cache"
#define ALICE (FIXTURE_LO(FIXTURE_ACME) + 1)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SHOWN "\nThis command needs another person's approval. Asked: carol@acme\n\n  WDJB-MJHT alice@acme on web7 as root in /srv: /usr/bin/id\n\n"

static struct fixture fixture;
static struct b2b_sudo_approval *plugin;
static char module[4096], screen[8192];
static size_t screen_len;
static const char *error_said;

static int print(int type, const char *format, ...)
{
	va_list args;
	int n;

	(void)type;
	va_start(args, format);
	n = vsnprintf(screen + screen_len, sizeof(screen) - screen_len, format, args);
	va_end(args);
	screen_len += (size_t)n;
	return n;
}

/* One sudo; what is not set is as for alice's "sudo id" in /srv. */
struct run {
	const char *user, *uid, *tty, *setting, *option;
	const char *runas_uid, *info[4]; /* more of command_info */
	const char *command, *argv[8], *envp[8];
};

static char *text(char *buf, const char *name, const char *value)
{
	snprintf(buf, 4096, "%s=%s", name, value);
	return buf;
}

static int check(const struct run *run)
{
	static char user[4096], uid[4096], tty[4096], as[4096], command[4096];
	static char alice[16];
	char *user_info[] = { text(user, "user", run->user ? run->user : "alice@acme"), text(uid, "uid", run->uid ? run->uid : alice),
		              text(tty, "tty", run->tty ? run->tty : "/dev/pts/3"), (char *)"cwd=/srv", NULL };
	char *settings[] = { (char *)(uintptr_t)run->setting, NULL }, *options[] = { (char *)(uintptr_t)run->option, NULL };
	char *info[8] = { text(as, "runas_uid", run->runas_uid ? run->runas_uid : "0"), text(command, "command", run->command ? run->command : "/usr/bin/id") };
	static const char *const plain[] = { "id", NULL };
	char *const *argv = (char *const *)(uintptr_t)(run->argv[0] ? run->argv : plain);
	int r;

	snprintf(alice, sizeof(alice), "%u", ALICE);
	if (!run->uid)
		text(uid, "uid", alice);
	for (size_t i = 0; i < COUNT(run->info); i++)
		info[2 + i] = (char *)(uintptr_t)run->info[i];
	screen_len = 0;
	*screen = '\0';
	error_said = NULL;
	log_tap_forget();
	assert_int_equal(plugin->open((1 << 16) | 21, NULL, print, settings, user_info, 1, user_info, user_info, run->option ? options : NULL, &error_said), 1);
	r = plugin->check(info, argv, (char *const *)(uintptr_t)run->envp, &error_said);
	if (error_said)
		error_said = strdup(error_said); /* good until close */
	plugin->close();
	return r;
}

static void forget_error(void)
{
	free((void *)(uintptr_t)error_said);
	error_said = NULL;
}

/* TEXT and a reference have gone to the person and to sudo, and a line of the log has REASON under the same reference. */
static bool told(const char *text, const char *reason)
{
	const char *said = strstr(screen, text), *id = said ? said + strlen(text) : "", *end;
	char line[128];

	if (strncmp(id, " (reference ", 12) != 0 || strspn(id + 12, "0123456789abcdef") != B2B_AUDIT_ID_SIZE - 1 ||
	    strcmp(id + 12 + B2B_AUDIT_ID_SIZE - 1, ")\n") != 0)
		return false;
	snprintf(line, sizeof(line), " reason=%s id=%.*s tty=/dev/pts/3", reason, B2B_AUDIT_ID_SIZE - 1, id + 12);
	end = error_said ? strstr(error_said, " (reference ") : NULL;
	return end && strncmp(end, id, strlen(end)) == 0 && log_tap_line(line);
}

/* With a script that must be played to its end. */
static int check_with(const struct run *run, const struct scripted_step *steps, size_t n)
{
	pid_t agent = scripted_agent_start(steps, n);
	int r = check(run);

	assert_int_equal(scripted_agent_end(agent), 0);
	return r;
}

static int start(void **state)
{
	(void)state;
	fixture_start(&fixture, CACHE);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	forget_error();
	fixture_stop(&fixture);
	return 0;
}

static const struct run locals[] = {
	{ .user = "root", .uid = "0" },
	{ .user = "lena", .uid = "1000" },
	{ .user = "lena@nowhere", .uid = "1001", .runas_uid = "1000", .info = { "runas_user=lena" } },
	{ .user = "lena", .uid = "1000", .option = "an-option" },
};

/* Nobody accepts at this socket: a connection would stay where it can be seen. */
static void local_users_pass_without_a_socket(void **state)
{
	static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = B2B_SOCKET_PATH };
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct pollfd poll_fd = { .fd = listener, .events = POLLIN };

	(void)state;
	assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof(address)) | listen(listener, 8), 0);
	for (size_t i = 0; i < COUNT(locals); i++) {
		assert_int_equal(check(&locals[i]), 1);
		assert_string_equal(screen, "");
	}
	assert_int_equal(poll(&poll_fd, 1, 0), 0);
	assert_int_equal(unlink(CACHE "/index"), 0);
	assert_int_equal(check(&locals[0]) & check(&locals[1]), 1);
	assert_int_equal(poll(&poll_fd, 1, 0), 0);
	close(listener);
	unlink(B2B_SOCKET_PATH);
}

static void a_dead_agent_denies(void **state)
{
	static const struct run cases[] = {
		{ .user = NULL },
		{ .user = "somebody" }, /* by number a partner */
		{ .uid = "1000" },      /* by name */
		{ .user = "root", .uid = "0", .runas_uid = "2013265921", .info = { "runas_user=alice@acme" } },
		{ .user = "lena", .uid = "1000", .runas_uid = "2013265921" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(cases); i++) {
		if (i == COUNT(cases))
			assert_int_equal(unlink(CACHE "/index"), 0); /* then without a cache */
		assert_int_equal(check(&cases[i % COUNT(cases)]), 0);
		assert_true(told("sudo: The partner access agent does not answer; tell the host's administrator.", "agent-down"));
		forget_error();
	}
}

static void a_misbehaving_agent_denies_within_two_seconds(void **state)
{
	static const enum scripted_how hows[] = { SCRIPTED_GARBAGE, SCRIPTED_SHORT, SCRIPTED_HANG_UP, SCRIPTED_NOTHING };
	static const struct run run = { .user = NULL };

	(void)state;
	for (size_t i = 0; i < COUNT(hows); i++) {
		struct scripted_step step = { .want = B2B_ASK_COMMAND, .how = hows[i], .type = B2B_SAY_DECISION, .uid = ALICE };
		uint64_t began = b2b_now_ns();

		assert_int_equal(check_with(&run, &step, 1), 0);
		assert_true(b2b_now_ns() - began < 5 * B2B_NS_PER_S);
		assert_true(told(".", hows[i] <= SCRIPTED_SHORT ? "protocol" : "agent-down"));
		forget_error();
	}
}

static void what_needs_nobody_is_silent(void **state)
{
	static const struct scripted_step step = { .want = B2B_ASK_COMMAND, .type = B2B_SAY_DECISION, .uid = ALICE };
	static const struct run run = { .user = NULL };

	(void)state;
	assert_int_equal(check_with(&run, &step, 1), 1);
	assert_string_equal(screen, "");
	assert_null(error_said);
}

static const struct scripted_step asked[] = {
	{ .want = B2B_ASK_COMMAND, .type = B2B_SAY_WAIT },
	{ .type = B2B_SAY_PROMPT, .text = SHOWN },
};

static int check_asked(const struct run *run, struct scripted_step last)
{
	struct scripted_step steps[COUNT(asked) + 1];

	memcpy(steps, asked, sizeof(asked));
	steps[COUNT(asked)] = last;
	return check_with(run, steps, COUNT(steps));
}

static void an_approval_lets_the_command_run(void **state)
{
	static const struct run run = { .user = NULL };

	(void)state;
	assert_int_equal(check_asked(&run, (struct scripted_step){ .type = B2B_SAY_DECISION, .uid = ALICE, .text = "Allowed." }), 1);
	assert_string_equal(screen, SHOWN "Waiting for the approval; Ctrl-C gives up ...\nApproved. (reference " SCRIPTED_ID ")\n");
	assert_null(error_said);
}

static void every_other_decision_denies_and_says_so(void **state)
{
	static const struct run run = { .user = NULL };
#define REASON(symbol, number, code, text) B2B_##symbol,
	static const int reasons[] = { B2B_REASONS(REASON) 9999 };
#undef REASON

	(void)state;
	for (size_t i = 1; i < COUNT(reasons); i++) { /* behind B2B_OK */
		assert_int_equal(check_asked(&run, (struct scripted_step){ .type = B2B_SAY_DECISION, .reason = reasons[i], .text = "Told\x1b[2J why." }), 0);
		assert_true(told("sudo: Told[2J why.", b2b_reason_code(reasons[i])));
		assert_non_null(strstr(screen, "(reference " SCRIPTED_ID ")"));
		assert_null(strstr(screen, "Approved"));
		forget_error();
	}
	/* somebody else's, or none at all */
	assert_int_equal(check_asked(&run, (struct scripted_step){ .type = B2B_SAY_DECISION, .uid = ALICE + 1 }), 0);
	forget_error();
	assert_int_equal(check_asked(&run, (struct scripted_step){ .how = SCRIPTED_HANG_UP }), 0);
	forget_error();
	assert_int_equal(check_asked(&run, (struct scripted_step){ .type = B2B_SAY_QUESTION, .text = "Password:" }), 0);
	assert_true(told("sudo: The request was malformed.", "protocol"));
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
	static const struct scripted_step steps[] = {
		{ .want = B2B_ASK_COMMAND, .type = B2B_SAY_WAIT },
		{ .type = B2B_SAY_PROMPT, .text = "a\x1b]0;x\x07" "b\xc2\x9b" "c\n" },
		{ .type = B2B_SAY_DECISION, .uid = ALICE },
	};
	static const struct run run = { .user = NULL };

	(void)state;
	assert_int_equal(check_with(&run, steps, COUNT(steps)), 1);
	assert_ptr_equal(strstr(screen, "a]0;xbc\nWaiting"), screen);
}

/* What the agent is told of a command: the words as a shell takes them, and never the same for two. */
static void the_command_is_described_whole(void **state)
{
	static const struct {
		struct run run;
		const char *text;
	} cases[] = {
		{ { .command = "/usr/bin/systemctl", .argv = { "systemctl", "restart", "x@1.service" } }, "/usr/bin/systemctl restart x@1.service" },
		{ { .command = "/bin/rm", .argv = { "rm", "a b" } }, "/bin/rm 'a b'" },
		{ { .command = "/bin/rm", .argv = { "rm", "a", "b" } }, "/bin/rm a b" },
		{ { .command = "/bin/rm", .argv = { "rm", "", "'", "\"", "\\" } }, "/bin/rm '' $'\\'' $'\\x22' $'\\\\'" },
		{ { .command = "/bin/echo", .argv = { "echo", "$(id)", "a\nb", "\xc3\xa9", "\x1b[0m", "(called x)" } },
		  "/bin/echo '$(id)' $'a\\x0ab' $'\\xc3\\xa9' $'\\x1b[0m' '(called x)'" },
		{ { .command = "/bin/bash", .argv = { "-bash" } }, "/bin/bash (called -bash)" },
		{ { .command = "/bin/x=y", .argv = { "x=y" } }, "'/bin/x=y'" },
		{ { .command = "/bin/id", .info = { "apparmor_profile=a b" } }, "/bin/id (apparmor_profile 'a b')" },
		/* what sudo sets by itself says nothing; what could change the command does */
		{ { .command = "/bin/id", .envp = { "SUDO_USER=alice@acme", "PATH=/usr/sbin:/bin", "TERM=xterm", "HOME=/root", "LANG=C.UTF-8", "LC_ALL=C" } }, "/bin/id" },
		{ { .command = "/bin/id", .envp = { "LD_PRELOAD=/tmp/x.so", "TERM=xterm" } }, "LD_PRELOAD=/tmp/x.so /bin/id" },
		{ { .command = "/bin/id", .envp = { "PATH=/tmp:/bin" } }, "PATH=/tmp:/bin /bin/id" },
		{ { .command = "/bin/id", .envp = { "PATH=" } }, "PATH='' /bin/id" },
		{ { .command = "/bin/id", .envp = { "HOME=/home/acme/alice", "LANG=/tmp/x" } }, "HOME=/home/acme/alice LANG=/tmp/x /bin/id" },
		{ { .command = "/bin/id", .envp = { "TZ=:/tmp/x", "TZ=Europe/Berlin" } }, "TZ=:/tmp/x /bin/id" },
		{ { .command = "/bin/id", .envp = { "BASH_FUNC_id%%=() { x; }" } }, "BASH_FUNC_id%%='() { x; }' /bin/id" },
		{ { .info = { "sudoedit=true" }, .command = "/usr/bin/vi", .argv = { "vi", "-n", "--", "/etc/a b", "/etc/c" }, .envp = { "LD_PRELOAD=x" } },
		  "sudoedit '/etc/a b' /etc/c" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct scripted_step step = { .want = B2B_ASK_COMMAND, .type = B2B_SAY_DECISION, .uid = ALICE, .answer = cases[i].text };

		if (check_with(&cases[i].run, &step, 1) != 1)
			fail_msg("case %zu is not \"%s\"", i, cases[i].text);
	}
}

static void what_cannot_be_shown_whole_is_not_asked(void **state)
{
	static char huge[B2B_COMMAND_TEXT_SIZE + 1], name[B2B_NAME_SIZE + 1], deep[B2B_COMMAND_SIZE + 8] = "cwd=/", group[B2B_RUNAS_SIZE + 16] = "runas_group=";
	const struct run cases[] = {
		{ .argv = { "id", huge } },
		{ .envp = { huge } },
		{ .user = name },
		{ .info = { deep } },
		{ .info = { group } },
	};

	(void)state;
	memset(huge, 'x', sizeof(huge) - 1);
	memset(name, 'x', sizeof(name) - 1);
	memset(deep + 5, 'x', sizeof(deep) - 6);
	memset(group + 12, 'x', sizeof(group) - 13);
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(check(&cases[i]), 0);
		assert_true(told("; put it into a script.", "sudo-too-long"));
		forget_error();
	}
}

static void what_sudo_leaves_out_denies(void **state)
{
	static const struct run cases[] = {
		{ .runas_uid = "root" },
		{ .runas_uid = "4294967296" },
		{ .info = { "runas_euid=1" } }, /* another than runas_uid */
		{ .command = "id" },
		{ .info = { "sudoedit=true" }, .argv = { "vi", "/etc/x" } },
		{ .info = { "sudoedit=true" }, .argv = { "vi", "--" } },
		{ .option = "an-option" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(check(&cases[i]), 0);
		assert_true(told("sudo: Something went wrong on this host; tell the host's administrator.", "internal"));
		forget_error();
	}
}

static int signals_seen;

static void note_signal(int signal)
{
	(void)signal;
	signals_seen++;
}

static void interrupt(void *arg)
{
	(void)arg;
	kill(getppid(), SIGINT);
}

/* sudo traps the signal and ends by itself once the plug-in has returned: it must still get it. */
static void a_signal_ends_the_wait_and_is_left_to_sudo(void **state)
{
	struct sigaction handler = { .sa_handler = note_signal, .sa_flags = SA_RESTART }, before;
	static const struct run run = { .user = NULL };
	uint64_t began = b2b_now_ns();

	(void)state;
	signals_seen = 0;
	assert_int_equal(sigaction(SIGINT, &handler, &before), 0);
	assert_int_equal(check_asked(&run, (struct scripted_step){ .how = SCRIPTED_NOTHING, .before = interrupt }), 0);
	sigaction(SIGINT, &before, NULL);
	assert_int_equal(signals_seen, 1);
	assert_true(b2b_now_ns() - began < 10 * B2B_NS_PER_S);
	assert_string_equal(error_said, "given up before anybody approved it");
}

static int without_root(void *arg)
{
	static const struct run run = { .user = NULL };

	(void)arg;
	CHECK(setresuid(ALICE, ALICE, ALICE) == 0);
	CHECK(check(&run) == 0);
	CHECK(told("sudo: Only root may ask for this.", "not-root"));
	return 0;
}

static void without_root_partners_are_denied(void **state)
{
	(void)state;
	assert_int_equal(machine_child(without_root, NULL), 0);
}

static void another_major_version_of_the_interface_is_refused(void **state)
{
	const char *why = NULL;

	(void)state;
	assert_int_equal(plugin->open(2 << 16, NULL, print, NULL, NULL, 0, NULL, NULL, NULL, &why), -1);
	assert_non_null(why);
}

static void it_exports_one_symbol_and_needs_libc_alone(void **state)
{
	void *handle = dlopen(module, RTLD_NOW | RTLD_LOCAL);
	struct link_map *map = NULL;
	const char *strings = NULL;

	(void)state;
	assert_non_null(handle);
	assert_ptr_equal(dlsym(handle, "b2b_approval"), plugin);
	assert_null(dlsym(handle, "b2b_agent_connect"));
	assert_null(dlsym(handle, "b2b_sudo_ask"));
	assert_int_equal(plugin->type, 4);
	assert_int_equal(dlinfo(handle, RTLD_DI_LINKMAP, &map), 0);
	for (const ElfW(Dyn) *dyn = map->l_ld; dyn->d_tag != DT_NULL; dyn++)
		if (dyn->d_tag == DT_STRTAB)
			strings = (const char *)dyn->d_un.d_ptr;
	for (const ElfW(Dyn) *dyn = map->l_ld; dyn->d_tag != DT_NULL; dyn++) {
		const char *name = strings + dyn->d_un.d_val;

		if (dyn->d_tag == DT_NEEDED)
			assert_true(strcmp(name, "libc.so.6") == 0 || strstr(name, "san.so"));
	}
	dlclose(handle);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(local_users_pass_without_a_socket),
		CASE(a_dead_agent_denies),
		CASE(a_misbehaving_agent_denies_within_two_seconds),
		CASE(what_needs_nobody_is_silent),
		CASE(an_approval_lets_the_command_run),
		CASE(every_other_decision_denies_and_says_so),
		CASE(control_characters_do_not_reach_the_terminal),
		CASE(the_command_is_described_whole),
		CASE(what_cannot_be_shown_whole_is_not_asked),
		CASE(what_sudo_leaves_out_denies),
		CASE(a_signal_ends_the_wait_and_is_left_to_sudo),
		CASE(without_root_partners_are_denied),
		CASE(another_major_version_of_the_interface_is_refused),
		CASE(it_exports_one_symbol_and_needs_libc_alone),
	};
	void *handle;

	machine_private();
	log_tap_open();
	machine_built(module, sizeof(module), "sudo_b2b.so");
	machine_reachable(module, sizeof(module));
	handle = dlopen(module, RTLD_NOW | RTLD_LOCAL);
	plugin = handle ? dlsym(handle, "b2b_approval") : NULL;
	if (!plugin) {
		printf("FAIL load: %s\n", dlerror());
		return 1;
	}
	return cmocka_run_group_tests_name("sudo", tests, NULL, NULL);
}
