/*
 * libnss_b2b.so.2 where programs find it: beside libc and in nsswitch.conf, of a private machine. Programs that everybody
 * has, setuid ones, ones without shared libraries, and ones with other people's libraries in front.
 */
#include <dlfcn.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <security/pam_appl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/fixture.h"
#include "tests/support/machine.h"
#include "tests/support/nss_module.h"
#include "tests/support/scratch.h"

#define CACHE "/var/lib/b2b/cache"
#define ACME FIXTURE_LO(FIXTURE_ACME)
#define GLOBEX FIXTURE_LO(FIXTURE_GLOBEX)
#define TOOLS "/run/tools" /* resolve and interpose.so, reachable for everybody */
#define SETUID TOOLS "/setuid"
#define FALSE_LIBRARIES "/run/false"
#define SAID 4096

static struct fixture fixture;
static bool installed;

static void copy(const char *from, const char *to, mode_t mode)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	struct stat st;

	if (in < 0 || out < 0 || fstat(in, &st) < 0 || sendfile(out, in, NULL, (size_t)st.st_size) != st.st_size || fchmod(out, mode) < 0)
		err(1, "copy %s to %s", from, to);
	close(in);
	close(out);
}

static void copy_built(const char *name, const char *to, mode_t mode)
{
	char from[PATH_MAX];

	machine_built(from, sizeof(from), name);
	if (access(from, F_OK) == 0)
		copy(from, to, mode);
}

/* The folder that libc is loaded from. */
static void libraries(char path[PATH_MAX])
{
	Dl_info info;
	char *slash;

	if (!dladdr((void *)(uintptr_t)&getpid, &info) || !realpath(info.dli_fname, path))
		errx(1, "where is libc?");
	slash = strrchr(path, '/');
	*slash = '\0';
}

/* As `make install` would, over the machine's own folders. False: this machine allows no overlay. */
static bool install(void)
{
	static const char nsswitch[] = "passwd: files b2b\ngroup: files b2b\nshadow: files b2b\n";
	char folder[PATH_MAX], options[2 * PATH_MAX];

	libraries(folder);
	if (mkdir("/run/layer", 0755) < 0 || mkdir("/run/layer/upper", 0755) < 0 || mkdir("/run/layer/work", 0755) < 0)
		err(1, "/run/layer");
	copy_built("libnss_b2b.so.2", "/run/layer/upper/libnss_b2b.so.2", 0644);
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=/run/layer/upper,workdir=/run/layer/work", folder);
	if (mount("overlay", folder, "overlay", 0, options) < 0)
		return false;
	scratch_write("/run/nsswitch.conf", nsswitch, sizeof(nsswitch) - 1, 0644);
	return mount("/run/nsswitch.conf", "/etc/nsswitch.conf", "none", MS_BIND, NULL) == 0;
}

/* A file system that honours the setuid bit, which /run does not. */
static void install_tools(void)
{
	if (mkdir(TOOLS, 0755) < 0 || mount("tmpfs", TOOLS, "tmpfs", 0, "mode=0755") < 0 || mkdir(FALSE_LIBRARIES, 0755) < 0)
		err(1, TOOLS);
	copy_built("tests/tools/resolve", TOOLS "/resolve", 0755);
	copy_built("tests/tools/resolve", SETUID, 04755);
	copy_built("tests/tools/resolve-static", TOOLS "/resolve-static", 0755);
	copy_built("tests/tools/resolve-static", SETUID "-static", 04755);
	copy_built("tests/tools/interpose.so", TOOLS "/interpose.so", 0755);
	scratch_write(FALSE_LIBRARIES "/libnss_b2b.so.2", "no library", 10, 0755);
}

struct run {
	const char *const *argv;
	const char *setting;  /* one more of the environment, or NULL */
	uint32_t uid;
	gid_t groups[2];      /* 0: none */
	void (*before)(void); /* what the process does before it becomes the program, or NULL */
	char said[SAID];
	int status;           /* exit status, or 128 + signal */
};

static void become(const struct run *run, int out)
{
	const char *env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", run->setting, NULL };
	size_t n = (run->groups[0] != 0) + (run->groups[1] != 0);

	if (dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		_exit(126);
	if (run->uid && (setgroups(n, run->groups) < 0 || setresgid(run->uid, run->uid, run->uid) < 0 || setresuid(run->uid, run->uid, run->uid) < 0))
		_exit(126);
	execve(run->argv[0], (char *const *)(uintptr_t)run->argv, (char *const *)(uintptr_t)env);
	_exit(127);
}

static void run(struct run *run)
{
	size_t len = 0;
	ssize_t got;
	int out[2];
	pid_t child;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		if (run->before)
			run->before();
		become(run, out[1]);
	}
	close(out[1]);
	while ((got = read(out[0], run->said + len, SAID - 1 - len)) > 0)
		len += (size_t)got;
	close(out[0]);
	run->said[len] = '\0';
	assert_int_equal(waitpid(child, &run->status, 0), child);
	run->status = WIFEXITED(run->status) ? WEXITSTATUS(run->status) : 128 + WTERMSIG(run->status);
}

/* Run as root; what it says, and that it ends well. */
static void expect(const char *said, const char *setting, const char *const *argv)
{
	struct run it = { .argv = argv, .setting = setting };

	run(&it);
	assert_string_equal(it.said, said);
	assert_int_equal(it.status, 0);
}

#define ARGV(...) (const char *const[]){ __VA_ARGS__, NULL }

static void skip_where_not_installed(void)
{
	if (installed && !machine_observed())
		return;
	print_message("programs cannot be run with the module here: it is instrumented, or overlays are not allowed\n");
	skip();
}

static void skip_where_nothing_is_static(void)
{
	if (access(TOOLS "/resolve-static", X_OK) == 0)
		return;
	print_message("there is no libc.a to build a static program with\n");
	skip();
}

#define ALICE "alice@acme 2013265921 /bin/bash 8 *\n"
#define ERIN "erin@globex 2013462529 /bin/bash 6 *\n"

static void any_program_resolves(void **state)
{
	(void)state;
	skip_where_not_installed();
	expect(ALICE ERIN "zoe@nowhere -\n", NULL, ARGV(TOOLS "/resolve", "4", "alice@acme", "erin@globex", "zoe@nowhere"));
}

static void a_program_that_binds_at_once_resolves(void **state)
{
	(void)state;
	skip_where_not_installed();
	expect(ALICE, "LD_BIND_NOW=1", ARGV(TOOLS "/resolve", "0", "alice@acme"));
}

static void a_program_without_shared_libraries_resolves(void **state)
{
	(void)state;
	skip_where_not_installed();
	skip_where_nothing_is_static();
	expect(ALICE ERIN "zoe@nowhere -\n", NULL, ARGV(TOOLS "/resolve-static", "4", "alice@acme", "erin@globex", "zoe@nowhere"));
}

static struct nss_module nss;
static _Atomic unsigned looks;

/* As if acme had been published again before each: its snapshot is opened anew. */
static void *look_on(void *arg)
{
	for (;; looks++) {
		b2b_live_set_generation(fixture.lives[FIXTURE_ACME], fixture.generation[FIXTURE_ACME] + looks + 1);
		if (!nss_module_finds_all(&nss))
			abort();
	}
	return arg;
}

static void look_up_in_threads(void)
{
	pthread_t thread;

	nss_module_load(&nss);
	if (!nss_module_finds_all(&nss))
		abort();
	fixture_publish_org(&fixture, FIXTURE_ACME);
	for (int i = 0; i < 4; i++)
		if (pthread_create(&thread, NULL, look_on, NULL) != 0)
			abort();
	while (looks < 20)
		sched_yield();
}

/* Nothing of the module's is left to it, whatever the other threads were at. */
static void a_process_becomes_another_program_in_the_middle_of_look_ups(void **state)
{
	static const char script[] = "ls -l /proc/$$/fd | grep -c b2b; exec " TOOLS "/resolve 2 alice@acme erin@globex zoe@nowhere";

	(void)state;
	skip_where_not_installed();
	for (int i = 0; i < (machine_full_counts() ? 200 : 10); i++) {
		struct run it = { .argv = ARGV("/bin/sh", "-c", script), .before = look_up_in_threads };

		run(&it);
		assert_string_equal(it.said, "0\n" ALICE ERIN "zoe@nowhere -\n");
		assert_int_equal(it.status, 0);
		/* What the process before has announced stands for what it has published. */
		fixture_publish_org(&fixture, FIXTURE_ACME);
	}
}

/* A library in front looks a name up inside the calls that our look-up makes. */
static void a_library_that_looks_up_inside_a_look_up_is_answered(void **state)
{
	(void)state;
	skip_where_not_installed();
	expect("interposed well\n" ALICE, "LD_PRELOAD=" TOOLS "/interpose.so", ARGV(TOOLS "/resolve", "0", "alice@acme"));
	/* and inside the question that a name of ours, absent, is worth */
	expect("interposed well\nnew@acme -\n", "LD_PRELOAD=" TOOLS "/interpose.so", ARGV(TOOLS "/resolve", "0", "new@acme"));
}

/* PROGRAM, setuid to root, run by STARTER with every setting that could lead it astray. */
static void expect_setuid(const char *program, struct run *starter, const char *said)
{
	static const char *const settings[] = { NULL, "LD_LIBRARY_PATH=" FALSE_LIBRARIES, "LD_PRELOAD=" TOOLS "/interpose.so", "LD_BIND_NOW=1" };

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		starter->argv = ARGV(program, "0", "alice@acme", "erin@globex");
		starter->setting = settings[i];
		run(starter);
		assert_string_equal(starter->said, said);
		assert_int_equal(starter->status, 0);
	}
}

/* It shows a partner no more than they see, though it could open all, and heeds none of the starter's settings. */
static void a_setuid_program_shows_what_its_starter_sees_and_heeds_no_setting(void **state)
{
	struct run alice = { .uid = ACME + 1, .groups = { B2B_PARTNERS_GID, ACME } }, local = { .uid = 1000 };

	(void)state;
	skip_where_not_installed();
	expect_setuid(SETUID, &alice, ALICE "erin@globex -\n");
	expect_setuid(SETUID, &local, ALICE ERIN);
	/* without the bit, the false library is believed */
	alice.argv = ARGV(TOOLS "/resolve", "0", "alice@acme", "erin@globex");
	alice.setting = "LD_LIBRARY_PATH=" FALSE_LIBRARIES;
	run(&alice);
	assert_string_equal(alice.said, "alice@acme -\nerin@globex -\n");
}

static void a_setuid_program_without_shared_libraries_does_the_same(void **state)
{
	struct run alice = { .uid = ACME + 1, .groups = { B2B_PARTNERS_GID, ACME } }, local = { .uid = 1000 };

	(void)state;
	skip_where_not_installed();
	skip_where_nothing_is_static();
	expect_setuid(SETUID "-static", &local, ALICE ERIN);
	expect_setuid(SETUID "-static", &alice, ALICE "erin@globex -\n");
}

/* What comes with every system. */
static void everyday_programs_resolve(void **state)
{
	(void)state;
	skip_where_not_installed();
	scratch_write("/run/file", "", 0, 0644);
	assert_int_equal(chown("/run/file", ACME + 1, ACME + 100), 0);
	expect("alice@acme:dba@acme\n", NULL, ARGV("/usr/bin/stat", "-c", "%U:%G", "/run/file"));
	expect("/run/file\n", NULL, ARGV("/usr/bin/find", "/run/file", "-user", "alice@acme", "-group", "dba@acme"));
	expect("alice@acme:*:2013265921:2013265921:Alice Example:/home/acme/alice:/bin/bash\n", NULL, ARGV("/usr/bin/getent", "passwd", "alice@acme"));
	expect("dba@acme:*:2013266020:alice@acme,carol@acme\n", NULL, ARGV("/usr/bin/getent", "group", "2013266020"));
	expect("alice@acme:*:::::::\n", NULL, ARGV("/usr/bin/getent", "shadow", "alice@acme"));
	expect("alice@acme            2013265920 2013265904 2013266020 2013266021 5000 5001 5002\n", NULL,
	       ARGV("/usr/bin/getent", "initgroups", "alice@acme"));
	unlink("/run/file");
}

/* Nobody has a password, and none ages. chage edits /etc/shadow itself and leaves to it whom it does not hold. */
static void passwd_and_chage_behave(void **state)
{
	static const char locked[] = "alice@acme L ";
	struct run status = { .argv = ARGV("/usr/bin/passwd", "-S", "alice@acme") }, age = { .argv = ARGV("/usr/bin/chage", "-l", "alice@acme") };

	(void)state;
	skip_where_not_installed();
	run(&status);
	assert_int_equal(status.status, 0);
	assert_memory_equal(status.said, locked, sizeof(locked) - 1);
	assert_non_null(strstr(status.said, " -1 -1 -1 -1\n"));
	run(&age);
	assert_int_equal(age.status, 1);
	assert_non_null(strstr(age.said, "'alice@acme' does not exist in /etc/passwd"));
}

/* Answers every prompt with the text that appdata_ptr is. */
static int converse(int n, const struct pam_message **messages, struct pam_response **ret, void *arg)
{
	(void)messages;
	*ret = calloc((size_t)n, sizeof(**ret));
	for (int i = 0; *ret && i < n; i++)
		(*ret)[i].resp = strdup(arg);
	return *ret ? PAM_SUCCESS : PAM_BUF_ERR;
}

struct account {
	const char *name, *password;
	uint32_t uid; /* who asks */
	int expected;
};

/* pam_unix's own opinion: whoever is known is not expired, and nobody has a password that could be right. */
static int account_body(void *arg)
{
	struct account *account = arg;
	struct pam_conv conversation = { .conv = converse, .appdata_ptr = (void *)(uintptr_t)account->password };
	pam_handle_t *pamh = NULL;

	CHECK(account->uid == 0 || setresuid(account->uid, account->uid, account->uid) == 0);
	CHECK(pam_start_confdir("unix", account->name, &conversation, "/run/pam", &pamh) == PAM_SUCCESS);
	CHECK(pam_acct_mgmt(pamh, PAM_SILENT) == account->expected);
	CHECK(pam_authenticate(pamh, PAM_SILENT) != PAM_SUCCESS);
	pam_end(pamh, PAM_SUCCESS);
	return 0;
}

static void pam_unix_neither_locks_out_nor_lets_in(void **state)
{
	static const char service[] = "auth required pam_unix.so nullok nodelay\naccount required pam_unix.so\n";
	struct account accounts[] = {
		{ "alice@acme", "*", 0, PAM_SUCCESS }, { "alice@acme", "", 0, PAM_SUCCESS }, { "alice@acme", "*", 1000, PAM_SUCCESS },
		{ "alice@acme", "x", ACME + 1, PAM_SUCCESS }, { "zoe@nowhere", "*", 0, PAM_USER_UNKNOWN },
	};

	(void)state;
	skip_where_not_installed();
	mkdir("/run/pam", 0755);
	scratch_write("/run/pam/unix", service, sizeof(service) - 1, 0644);
	for (size_t i = 0; i < sizeof(accounts) / sizeof(accounts[0]); i++)
		assert_int_equal(machine_child(account_body, &accounts[i]), 0);
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
	fixture_stop(&fixture);
	return 0;
}

#define WITH_CACHE(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_CACHE(any_program_resolves),
		WITH_CACHE(a_program_that_binds_at_once_resolves),
		WITH_CACHE(a_program_without_shared_libraries_resolves),
		WITH_CACHE(a_process_becomes_another_program_in_the_middle_of_look_ups),
		WITH_CACHE(a_library_that_looks_up_inside_a_look_up_is_answered),
		WITH_CACHE(a_setuid_program_shows_what_its_starter_sees_and_heeds_no_setting),
		WITH_CACHE(a_setuid_program_without_shared_libraries_does_the_same),
		WITH_CACHE(everyday_programs_resolve),
		WITH_CACHE(passwd_and_chage_behave),
		WITH_CACHE(pam_unix_neither_locks_out_nor_lets_in),
	};

	machine_private();
	installed = install();
	install_tools();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
