/* libnss_b2b.so.2 where there is little: no descriptor, no address space, no memory, the smallest stacks, and handlers that interrupt a look-up. */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pthread.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/index.h"
#include "tests/support/fixture.h"
#include "tests/support/machine.h"
#include "tests/support/nss_module.h"
#include "tests/support/scratch.h"

#define CACHE "/var/lib/b2b/cache"

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

/* Does a look-up of alice give STATUS and REASON, by a pointer of its own and by errno's, and leave errno alone where it may? */
static bool answers(enum nss_status status, int reason)
{
	gid_t array[32], *groups = array;
	long start = 0, size = 32;
	char buf[512];
	struct group gr;
	int told = 0;

	errno = ECHILD;
	if (look("alice@acme", "", &told) != status || told != reason || errno != ECHILD)
		return false;
	if (look("alice@acme", "", &errno) != status || errno != reason)
		return false;
	errno = ECHILD;
	return nss.getgrnam_r("dba@acme", &gr, buf, sizeof(buf), &told) == status && told == reason && errno == ECHILD &&
	       nss.initgroups_dyn("alice@acme", 0, &start, &size, &groups, 0, &told) == status && told == reason && errno == ECHILD && start == 0;
}

/* Want of something is not absence, and passes. */
static int limited(int resource, rlim_t least, int expected)
{
	struct rlimit before, tight;
	int reason = 0;

	CHECK(getrlimit(resource, &before) == 0);
	tight = before;
	tight.rlim_cur = least;
	CHECK(setrlimit(resource, &tight) == 0);
	CHECK(answers(NSS_STATUS_TRYAGAIN, expected));
	CHECK(look("root", "", &reason) == NSS_STATUS_NOTFOUND);
	CHECK(setrlimit(resource, &before) == 0 && finds_all());
	CHECK(setrlimit(resource, &tight) == 0 && finds_all());
	return 0;
}

static int no_descriptors_body(void *arg)
{
	(void)arg;
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	return limited(RLIMIT_NOFILE, 3, EMFILE);
}

static int no_space_body(void *arg)
{
	(void)arg;
	free(malloc(100000)); /* the heap has room; the address space has none for mappings */
	return limited(RLIMIT_AS, 1, ENOMEM);
}

/* The whole system has none: open itself says so, here by a filter. */
static int full_table_body(void *arg)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	(void)arg;
	CHECK(filter && seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENFILE), SCMP_SYS(openat), 0) == 0 && seccomp_load(filter) == 0);
	CHECK(answers(NSS_STATUS_TRYAGAIN, ENFILE));
	return 0;
}

static void want_of_descriptors_or_address_space_is_no_absence(void **state)
{
	(void)state;
	if (machine_observed())
		skip();
	assert_int_equal(machine_child(no_descriptors_body, NULL), 0);
	assert_int_equal(machine_child(no_space_body, NULL), 0);
	assert_int_equal(machine_child(full_table_body, NULL), 0);
}

/* A list that cannot be read on is not at its end: it stays where it was, and goes on from there. */
static int list_body(void *arg)
{
	struct rlimit before, tight;
	struct passwd pw;
	char buf[512];
	int reason = 0, n = 0;

	(void)arg;
	CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
	tight = before;
	tight.rlim_cur = 3;
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	nss.setpwent(0);
	for (int i = 0; i < 3; i++, n++) /* acme's */
		CHECK(nss.getpwent_r(&pw, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS);
	CHECK(strcmp(pw.pw_name, "dave@acme") == 0 && setrlimit(RLIMIT_NOFILE, &tight) == 0);
	errno = ECHILD;
	CHECK(nss.getpwent_r(&pw, buf, sizeof(buf), &reason) == NSS_STATUS_TRYAGAIN && reason == EMFILE && errno == ECHILD);
	CHECK(nss.getpwent_r(&pw, buf, sizeof(buf), &errno) == NSS_STATUS_TRYAGAIN && errno == EMFILE);
	CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
	errno = ECHILD;
	while (nss.getpwent_r(&pw, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS)
		CHECK(++n > 4 || strcmp(pw.pw_name, "heidi@apac.acme") == 0);
	CHECK(n == 7 && reason == ENOENT && errno == ECHILD);
	return 0;
}

static void want_of_descriptors_does_not_end_a_list(void **state)
{
	(void)state;
	if (machine_observed())
		skip();
	fixture.policy->enumerate = true;
	assert_int_equal(b2b_index_write(CACHE, fixture.policy), 0);
	assert_int_equal(machine_child(list_body, NULL), 0);
}

/* erin, of another organisation. */
static int refused_body(void *arg)
{
	const gid_t groups[] = { B2B_PARTNERS_GID, FIXTURE_LO(FIXTURE_GLOBEX) };
	uid_t erin = FIXTURE_LO(FIXTURE_GLOBEX) + 1;
	int reason;

	(void)arg;
	CHECK(setgroups(2, groups) == 0 && setresgid(erin, erin, erin) == 0 && setresuid(erin, erin, erin) == 0);
	CHECK(answers(NSS_STATUS_NOTFOUND, ENOENT));
	CHECK(look("erin@globex", "/bin/bash", &reason) == NSS_STATUS_SUCCESS);
	return 0;
}

static void a_roster_that_may_not_be_read_is_absence_and_errno_stays(void **state)
{
	(void)state;
	assert_int_equal(machine_child(refused_body, NULL), 0);
}

/* The module's allocations go through these, which the program has before libc. Sanitizers have their own. */
static int fail_after = -1; /* allocations from now; -1: never */

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static bool fails(void)
{
	return fail_after >= 0 && fail_after-- == 0;
}

extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void *__libc_realloc(void *at, size_t size);

__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

__attribute__((visibility("default"))) int posix_memalign(void **ret_at, size_t alignment, size_t size)
{
	void *at = fails() ? NULL : __libc_memalign(alignment, size);

	if (!at)
		return ENOMEM;
	*ret_at = at;
	return 0;
}

__attribute__((visibility("default"))) void *reallocarray(void *at, size_t n, size_t size)
{
	return fails() ? NULL : __libc_realloc(at, n * size);
}
#endif

static int no_memory_body(void *arg)
{
	int reason = 0, at = *(int *)arg;

	fail_after = at;
	CHECK(look("alice@acme", "", &reason) == NSS_STATUS_TRYAGAIN && reason == ENOMEM && fail_after == -1);
	return !finds_all();
}

static int no_array_body(void *arg)
{
	gid_t *groups = NULL;
	long start = 0, size = 0;
	int reason = 0;

	(void)arg;
	CHECK(finds_all());
	fail_after = 0;
	CHECK(nss.initgroups_dyn("alice@acme", 0, &start, &size, &groups, 0, &reason) == NSS_STATUS_TRYAGAIN && reason == ENOMEM && start == 0 && size == 0);
	CHECK(nss.initgroups_dyn("alice@acme", 0, &start, &size, &groups, 0, &reason) == NSS_STATUS_SUCCESS && start == 7);
	free(groups);
	return 0;
}

static void full_memory_is_tryagain_and_passes(void **state)
{
	(void)state;
	if (machine_observed())
		skip();
	/* the handle, the index's view, the organisation, its snapshot */
	for (int at = 0; at < 4; at++)
		assert_int_equal(machine_child(no_memory_body, &at), 0);
	assert_int_equal(machine_child(no_array_body, NULL), 0);
}

/* How deep FUNCTION goes on a painted stack. */
static size_t depth(void *(*function)(void *))
{
	enum { SIZE = 512 << 10, PAINT = 0x77 };
	unsigned char *stack = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_t attributes;
	pthread_t thread;
	void *result = NULL;
	size_t untouched = 0;

	if (stack == MAP_FAILED)
		return SIZE_MAX;
	memset(stack, PAINT, SIZE);
	pthread_attr_init(&attributes);
	pthread_attr_setstack(&attributes, stack, SIZE);
	if (pthread_create(&thread, &attributes, function, NULL) != 0 || pthread_join(thread, &result) != 0 || result)
		return SIZE_MAX;
	while (untouched < SIZE && stack[untouched] == PAINT)
		untouched++;
	munmap(stack, SIZE);
	return SIZE - untouched;
}

static void *nothing(void *arg)
{
	return arg;
}

/* NULL is well. */
static void *search(void *arg)
{
	(void)arg;
	return finds_all() ? NULL : (void *)&nss;
}

#define FIRST_DEPTH_MAX 8192u /* of a first look-up below three organisations, libc's formatting of paths included */
#define NEXT_DEPTH_MAX 3072u  /* of which the test's own buffers take 600 bytes */

/* Every organisation below the one before it, so that the deepest maps all of them, one inside the other. */
static bool nest(void)
{
	static const int chain[] = { FIXTURE_GLOBEX, FIXTURE_ACME, FIXTURE_APAC, FIXTURE_EMEA };

	for (size_t i = 0; i < sizeof(chain) / sizeof(chain[0]); i++)
		fixture.policy->orgs[chain[i]].parent = i > 0 ? chain[i - 1] : -1;
	return b2b_index_write(CACHE, fixture.policy) == 0;
}

static int depth_body(void *arg)
{
	size_t base = depth(nothing), first, later;

	(void)arg;
	CHECK(nest());
	first = depth(search) - base;
	later = depth(search) - base;
	fprintf(stderr, "bytes of stack: %zu for a first look-up, %zu for a later one\n", first, later);
	CHECK(first < FIRST_DEPTH_MAX && later < NEXT_DEPTH_MAX);
	return 0;
}

static int smallest_body(void *arg)
{
	pthread_attr_t attributes;
	pthread_t thread;
	void *result = NULL;

	(void)arg;
	CHECK(nest());
	CHECK(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN) == 0);
	CHECK(pthread_create(&thread, &attributes, search, NULL) == 0 && pthread_join(thread, &result) == 0 && !result);
	return 0;
}

static void the_smallest_stack_is_large_enough(void **state)
{
	(void)state;
	if (machine_observed())
		skip();
	assert_int_equal(machine_child(depth_body, NULL), 0);
	assert_int_equal(machine_child(smallest_body, NULL), 0);
}

static volatile sig_atomic_t handled, handled_well;
static bool (*before_handler)(void); /* what happens to the files while a look-up is interrupted; NULL: nothing */

static void handler(int sig)
{
	int before = errno;

	(void)sig;
	handled++;
	handled_well += (!before_handler || before_handler()) && finds_all();
	errno = before;
}

static bool handle(int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	return sigaction(SIGUSR1, &action, NULL) == 0;
}

static int interrupted_body(void)
{
	CHECK(handle(0) && finds_all());
	CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 && raise(SIGSTOP) == 0);
	CHECK(finds_all());
	CHECK(raise(SIGSTOP) == 0);
	CHECK(handled == 1 && handled_well == 1 && finds_all());
	return 0;
}

/* Whether a look-up that is interrupted after STEPS instructions, and the handler's own, are right. *RET_OVER: it had fewer. */
static bool interrupt_after(long steps, bool *ret_over)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(interrupted_body());
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status) || ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_EXITKILL) < 0)
		return false;
	while (steps-- > 0 && !*ret_over) {
		if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
			return false;
		*ret_over = WSTOPSIG(status) == SIGSTOP;
	}
	if (ptrace(PTRACE_CONT, child, NULL, SIGUSR1) < 0 || waitpid(child, &status, 0) != child)
		return false;
	if (!*ret_over && (!WIFSTOPPED(status) || ptrace(PTRACE_CONT, child, NULL, NULL) < 0 || waitpid(child, &status, 0) != child))
		return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void interrupt_everywhere(void)
{
	long every = machine_full_counts() ? 5 : 97;
	bool over = false;
	int n = 0;

	/* Children publish, and their counts end with them: each needs a generation of its own. */
	for (long steps = 0; !over; steps += every, n++, fixture.generation[FIXTURE_ACME]++)
		assert_true(interrupt_after(steps, &over));
	assert_true(n > 20);
	print_message("interrupted at %d places\n", n - 1);
}

static void a_handler_that_interrupts_a_look_up_may_look_up_itself(void **state)
{
	(void)state;
	if (machine_observed())
		skip();
	interrupt_everywhere();
}

static bool publish(void)
{
	fixture_publish_org(&fixture, FIXTURE_ACME);
	return true;
}

static bool publish_and_apply(void)
{
	return publish() && b2b_index_write(CACHE, fixture.policy) == 0;
}

/* What the interrupted look-up reads stays mapped until it is over, whatever the handler's own look-up found replaced. */
static void a_handler_may_look_up_where_the_files_were_replaced(void **state)
{
	(void)state;
	if (machine_observed())
		skip();
	before_handler = publish;
	interrupt_everywhere();
	before_handler = publish_and_apply;
	interrupt_everywhere();
	before_handler = NULL;
}

static int small_stack_body(void *arg)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (size_t)sysconf(_SC_MINSIGSTKSZ) + 2 * page;
	char *map;
	stack_t stack = { .ss_size = size };

	(void)arg;
	size = (size + page - 1) / page * page;
	map = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(map != MAP_FAILED && mprotect(map, page, PROT_NONE) == 0);
	stack.ss_sp = map + page;
	CHECK(sigaltstack(&stack, NULL) == 0 && handle(SA_ONSTACK) && finds_all());
	for (int i = 0; i < 100; i++)
		CHECK(raise(SIGUSR1) == 0);
	CHECK(handled == 100 && handled_well == 100);
	return 0;
}

static void a_handler_on_a_stack_of_its_own_may_look_up(void **state)
{
	(void)state;
	if (machine_observed())
		skip();
	assert_int_equal(machine_child(small_stack_body, NULL), 0);
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
		WITH_CACHE(want_of_descriptors_or_address_space_is_no_absence),
		WITH_CACHE(want_of_descriptors_does_not_end_a_list),
		WITH_CACHE(a_roster_that_may_not_be_read_is_absence_and_errno_stays),
		WITH_CACHE(full_memory_is_tryagain_and_passes),
		WITH_CACHE(the_smallest_stack_is_large_enough),
		WITH_CACHE(a_handler_that_interrupts_a_look_up_may_look_up_itself),
		WITH_CACHE(a_handler_may_look_up_where_the_files_were_replaced),
		WITH_CACHE(a_handler_on_a_stack_of_its_own_may_look_up),
	};

	machine_private();
	nss_module_load(&nss);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
