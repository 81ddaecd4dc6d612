/* libnss_b2b.so.2 in processes that are not as others: jailed, cancelled, sharing memory, loading and unloading it again and again. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/fixture.h"
#include "tests/support/machine.h"
#include "tests/support/nss_module.h"
#include "tests/support/scratch.h"

#define CACHE "/var/lib/b2b/cache"
#define EMPTY "/run/empty"
#define ACME FIXTURE_LO(FIXTURE_ACME)

static struct nss_module nss;
static struct fixture fixture;

static enum nss_status look(const char *name, const char *shell, int *ret_reason)
{
	return nss_module_look(&nss, name, shell, ret_reason);
}

static bool finds_all(void)
{
	return nss_module_finds_all(&nss);
}

static int jailed_before_body(void *arg)
{
	int reason = 0;

	(void)arg;
	CHECK(chroot(EMPTY) == 0);
	CHECK(look("alice@acme", "", &reason) == NSS_STATUS_UNAVAIL && look("root", "", &reason) == NSS_STATUS_NOTFOUND);
	return 0;
}

/* What was mapped before still answers, and still closes; what came after cannot be opened, which is not "no such person". */
static int jailed_after_body(void *arg)
{
	int outside = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), reason;

	(void)arg;
	CHECK(outside >= 0 && finds_all() && chroot(EMPTY) == 0 && finds_all());
	b2b_live_store(fixture.lives[FIXTURE_ACME], ACME + 1, B2B_LIVE_CLOSED, true);
	CHECK(look("alice@acme", "/usr/sbin/nologin", &reason) == NSS_STATUS_SUCCESS);
	b2b_live_store(fixture.lives[FIXTURE_ACME], ACME + 1, B2B_LIVE_OPEN, false);
	CHECK(fchdir(outside) == 0 && chroot(".") == 0);
	fixture_publish_org(&fixture, FIXTURE_ACME);
	CHECK(chroot(EMPTY) == 0 && look("alice@acme", "", &reason) == NSS_STATUS_UNAVAIL && look("bob@emea.acme", "/bin/bash", &reason) == NSS_STATUS_SUCCESS);
	CHECK(fchdir(outside) == 0 && chroot(".") == 0 && finds_all());
	return 0;
}

static void a_jail_without_the_cache_is_unavailable_and_what_is_mapped_answers_on(void **state)
{
	(void)state;
	assert_int_equal(machine_child(jailed_before_body, NULL), 0);
	assert_int_equal(machine_child(jailed_after_body, NULL), 0);
}

/* All numbers that there were are the program's own files, which stay open. */
static int descriptors_body(void *arg)
{
	enum { MANY = 64 };
	struct stat own, st;
	int n = 0;

	(void)arg;
	CHECK(finds_all());
	for (int fd = 3; fd < MANY; fd++)
		close(fd);
	for (int fd = 3; fd < MANY; fd++)
		CHECK(open("/dev/null", O_RDONLY | O_CLOEXEC) == fd);
	CHECK(stat("/dev/null", &own) == 0);
	fixture_publish_org(&fixture, FIXTURE_ACME);
	CHECK(finds_all());
	for (int fd = 3; fd < MANY; fd++)
		n += fstat(fd, &st) == 0 && st.st_ino == own.st_ino && st.st_rdev == own.st_rdev;
	CHECK(n == MANY - 3 && fcntl(MANY, F_GETFD) < 0);
	return 0;
}

static void descriptors_of_the_program_are_left_alone(void **state)
{
	(void)state;
	if (machine_valgrind())
		skip();
	assert_int_equal(machine_child(descriptors_body, NULL), 0);
}

static void *search_cancelled(void *arg)
{
	bool *found = arg;

	pthread_cancel(pthread_self());
	*found = finds_all();
	pthread_testcancel();
	return NULL;
}

static bool mapped(const char *what)
{
	char line[4352];
	FILE *maps = fopen("/proc/self/maps", "re");
	bool found = false;

	while (maps && fgets(line, sizeof(line), maps))
		found |= strstr(line, what) != NULL;
	if (maps)
		fclose(maps);
	return found;
}

/* A look-up is no point to be cancelled at: it would leave a reader behind that holds every replaced snapshot, and glibc's lock. */
static int cancel_body(void *arg)
{
	for (int i = 0; i < 20; i++) {
		bool found = false;
		pthread_t thread;
		void *result;

		CHECK(pthread_create(&thread, NULL, search_cancelled, &found) == 0 && pthread_join(thread, &result) == 0);
		CHECK(found && result == PTHREAD_CANCELED);
		fixture_publish_org(&fixture, FIXTURE_ACME);
	}
	CHECK(finds_all() && finds_all() && !mapped("snapshot (deleted)"));
	(void)arg;
	return 0;
}

static void a_look_up_is_not_cancelled(void **state)
{
	(void)state;
	assert_int_equal(machine_child(cancel_body, NULL), 0);
}

/* The child of vfork shares everything: what it maps stays for the parent. */
static int vfork_body(void *arg)
{
	int status;
	pid_t child;

	(void)arg;
	child = vfork();
	if (child == 0)
		_exit(finds_all() ? 0 : 1);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(finds_all());
	fixture_publish_org(&fixture, FIXTURE_ACME);
	child = vfork();
	if (child == 0)
		_exit(finds_all() ? 0 : 1);
	CHECK(waitpid(child, &status, 0) == child && status == 0 && finds_all() && !mapped("snapshot (deleted)"));
	return 0;
}

static void a_child_of_vfork_may_look_up(void **state)
{
	(void)state;
	if (machine_observed())
		skip();
	assert_int_equal(machine_child(vfork_body, NULL), 0);
}

/* Nothing of the process but memory and mappings changes. */
static int untouched_body(void *arg)
{
	char before[PATH_MAX], after[PATH_MAX];
	sigset_t mask, now;
	const char *locale;
	mode_t old;

	(void)arg;
	umask(0137);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	CHECK(setlocale(LC_ALL, "C.UTF-8") && chdir("/run") == 0 && getcwd(before, sizeof(before)) && sigprocmask(SIG_SETMASK, &mask, NULL) == 0);
	locale = setlocale(LC_ALL, NULL);
	CHECK(finds_all() && look("absent@acme", "", &(int){ 0 }) == NSS_STATUS_NOTFOUND);
	old = umask(022);
	CHECK(old == 0137 && getcwd(after, sizeof(after)) && strcmp(before, after) == 0 && strcmp(setlocale(LC_ALL, NULL), locale) == 0);
	CHECK(sigprocmask(SIG_SETMASK, NULL, &now) == 0);
	for (int sig = 1; sig < 32; sig++)
		CHECK(sigismember(&now, sig) == (sig == SIGUSR2));
	return 0;
}

static void locale_umask_folder_and_signals_stay_as_they_were(void **state)
{
	(void)state;
	assert_int_equal(machine_child(untouched_body, NULL), 0);
}

static bool loaded_once(const char *path)
{
	enum nss_status (*getpwnam_r)(const char *, struct passwd *, char *, size_t, int *);
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL), *symbol;
	struct passwd pw;
	char buf[512];
	int reason;
	bool found;

	symbol = handle ? dlsym(handle, "_nss_b2b_getpwnam_r") : NULL;
	if (!symbol)
		return false;
	memcpy(&getpwnam_r, &symbol, sizeof(symbol));
	found = getpwnam_r("bob@emea.acme", &pw, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS;
	return dlclose(handle) == 0 && found;
}

static int lines_of_maps(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	int c, n = 0;

	while (maps && (c = getc(maps)) != EOF)
		n += c == '\n';
	if (maps)
		fclose(maps);
	return n;
}

static int reload_body(void *arg)
{
	char path[PATH_MAX];
	size_t used;
	int maps;

	(void)arg;
	machine_built(path, sizeof(path), "libnss_b2b.so.2");
	dlclose(nss.handle);
	CHECK(!dlopen(path, RTLD_NOLOAD | RTLD_NOW) && loaded_once(path) && !dlopen(path, RTLD_NOLOAD | RTLD_NOW));
	for (int i = 0; i < 100; i++) /* until malloc has kept back what it keeps of such sizes */
		CHECK(loaded_once(path));
	used = mallinfo2().uordblks;
	maps = lines_of_maps();
	for (int i = 0; i < 1000; i++)
		CHECK(loaded_once(path));
	CHECK(mallinfo2().uordblks < used + 4096 && lines_of_maps() < maps + 8);
	exit(0); /* with whatever handlers it left */
}

static void it_is_loaded_and_unloaded_a_thousand_times(void **state)
{
	(void)state;
	if (machine_observed())
		skip();
	assert_int_equal(machine_child(reload_body, NULL), 0);
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
		WITH_CACHE(a_jail_without_the_cache_is_unavailable_and_what_is_mapped_answers_on),
		WITH_CACHE(descriptors_of_the_program_are_left_alone),
		WITH_CACHE(a_look_up_is_not_cancelled),
		WITH_CACHE(a_child_of_vfork_may_look_up),
		WITH_CACHE(locale_umask_folder_and_signals_stay_as_they_were),
		WITH_CACHE(it_is_loaded_and_unloaded_a_thousand_times),
	};

	machine_private();
	if (mkdir(EMPTY, 0755) < 0)
		return 1;
	nss_module_load(&nss);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
