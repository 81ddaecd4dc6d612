/* What libnss_b2b.so.2 costs its host: no system call once mapped, few at first, nothing exported but NSS, nothing needed but libc. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/index.h"
#include "tests/support/fixture.h"
#include "tests/support/machine.h"
#include "tests/support/nss_module.h"
#include "tests/support/scratch.h"

#define CACHE "/var/lib/b2b/cache"
#define FIRST_CALLS_MAX 13 /* open, fstat, mmap, close for index, live words and snapshot, and one to spare */

static struct nss_module nss;
static struct fixture fixture;

static bool look_everywhere(const char *shell)
{
	static char buf[4096];
	static gid_t list[32];
	gid_t *groups = list;
	long int start = 0, size = 32;
	struct passwd pw;
	struct group gr;
	int reason;

	return nss.getpwnam_r("alice@acme", &pw, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS && strcmp(pw.pw_shell, shell) == 0 &&
	       nss.getpwuid_r(FIXTURE_LO(FIXTURE_EMEA) + 1, &pw, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS &&
	       nss.getpwnam_r("root", &pw, buf, sizeof(buf), &reason) == NSS_STATUS_NOTFOUND &&
	       nss.getpwnam_r("alice@nowhere", &pw, buf, sizeof(buf), &reason) == NSS_STATUS_NOTFOUND &&
	       nss.getgrnam_r("dba@acme", &gr, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS &&
	       nss.getgrgid_r(FIXTURE_LO(FIXTURE_ACME), &gr, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS &&
	       nss.getgrgid_r(0, &gr, buf, sizeof(buf), &reason) == NSS_STATUS_NOTFOUND &&
	       nss.initgroups_dyn("alice@acme", 1, &start, &size, &groups, 0, &reason) == NSS_STATUS_SUCCESS;
}

/* Somebody who is in no roster of ours; nothing can come of asking for a group or a shadow entry, so nobody is asked. */
static bool miss_everywhere(void)
{
	static char buf[4096];
	gid_t array[1], *groups = array;
	long int start = 0, size = 1;
	struct passwd pw;
	struct group gr;
	struct spwd sp;
	int reason;

	return nss.getpwuid_r(FIXTURE_LO(FIXTURE_ACME) + 50, &pw, buf, sizeof(buf), &reason) == NSS_STATUS_NOTFOUND &&
	       nss.getgrgid_r(FIXTURE_LO(FIXTURE_ACME) + 50, &gr, buf, sizeof(buf), &reason) == NSS_STATUS_NOTFOUND &&
	       nss.getgrnam_r("absent@acme", &gr, buf, sizeof(buf), &reason) == NSS_STATUS_NOTFOUND &&
	       nss.getspnam_r("absent@acme", &sp, buf, sizeof(buf), &reason) == NSS_STATUS_NOTFOUND &&
	       nss.getpwnam_r("dba@acme", &pw, buf, sizeof(buf), &reason) == NSS_STATUS_NOTFOUND &&
	       nss.initgroups_dyn("dba@acme", 1, &start, &size, &groups, 0, &reason) == NSS_STATUS_NOTFOUND;
}

/* The same where a person may be asked for, and no agent is alive that could be. */
static bool miss_without_an_agent(void)
{
	gid_t array[1], *groups = array;
	long int start = 0, size = 1;
	struct passwd pw;
	char buf[64];
	int reason;

	return nss.getpwnam_r("absent@acme", &pw, buf, sizeof(buf), &reason) == NSS_STATUS_NOTFOUND &&
	       nss.initgroups_dyn("absent@acme", 1, &start, &size, &groups, 0, &reason) == NSS_STATUS_NOTFOUND;
}

static bool list_everybody(void)
{
	static char buf[4096];
	struct passwd pw;
	struct group gr;
	struct spwd sp;
	int reason, n = 0;

	nss.setpwent(0);
	while (nss.getpwent_r(&pw, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS)
		n++;
	nss.setgrent(0);
	while (nss.getgrent_r(&gr, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS)
		n++;
	nss.setspent(0);
	while (nss.getspent_r(&sp, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS)
		n++;
	return nss.getspnam_r("alice@acme", &sp, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS && n == 7 + (7 + 3 + 4 + 1) + 7;
}

static void close_acme(void)
{
	b2b_live_store_org(fixture.lives[FIXTURE_ACME], B2B_LIVE_CLOSED, true);
}

/* Heartbeats of the agent are over: nobody is asked. */
static void end_beats(void)
{
	for (int org = 0; org < FIXTURE_ORGS; org++)
		b2b_live_beat(fixture.lives[org], 0);
}

static int silent_body(void *arg)
{
	(void)arg;
	if (!look_everywhere("/bin/bash") || !list_everybody() || machine_forbid_calls() < 0)
		return 1;
	for (int i = 0; i < 1000; i++)
		if (!look_everywhere("/bin/bash") || !miss_everywhere() || !list_everybody())
			_exit(2);
	end_beats();
	for (int i = 0; i < 1000; i++)
		if (!miss_everywhere() || !miss_without_an_agent())
			_exit(3);
	close_acme();
	_exit(look_everywhere("/usr/sbin/nologin") ? 0 : 4);
}

static void a_mapped_process_makes_no_system_call(void **state)
{
	(void)state;
	if (machine_observed())
		skip();
	fixture.policy->enumerate = true;
	assert_int_equal(b2b_index_write(CACHE, fixture.policy), 0);
	assert_int_equal(machine_child(silent_body, NULL), 0);
}

static int never_ours_body(void *arg)
{
	char buf[64];
	struct passwd pw;
	struct group gr;
	int reason;

	(void)arg;
	/* The handle is made at first use; no file is touched for these, mapped or not. */
	if (nss.getpwnam_r("root", &pw, buf, sizeof(buf), &reason) != NSS_STATUS_NOTFOUND || machine_forbid_calls() < 0)
		return 1;
	_exit(nss.getpwnam_r("nobody", &pw, buf, sizeof(buf), &reason) == NSS_STATUS_NOTFOUND &&
	      nss.getpwnam_r("a@b@c", &pw, buf, sizeof(buf), &reason) == NSS_STATUS_NOTFOUND &&
	      nss.getpwnam_r("machine$@acme", &pw, buf, sizeof(buf), &reason) == NSS_STATUS_NOTFOUND &&
	      nss.getpwuid_r(1000, &pw, buf, sizeof(buf), &reason) == NSS_STATUS_NOTFOUND &&
	      nss.getgrnam_r("wheel", &gr, buf, sizeof(buf), &reason) == NSS_STATUS_NOTFOUND &&
	      nss.getgrgid_r(100, &gr, buf, sizeof(buf), &reason) == NSS_STATUS_NOTFOUND ? 0 : 2);
}

static void what_cannot_be_ours_touches_no_file(void **state)
{
	(void)state;
	if (machine_observed())
		skip();
	assert_int_equal(machine_child(never_ours_body, NULL), 0);
}

/* Marks the look-up for the tracer: a call that nobody else makes. */
static void mark(void)
{
	syscall(SYS_getpgid, -12345);
}

static int first_body(void *arg)
{
	struct passwd pw;
	char buf[1024];
	int reason;

	(void)arg;
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || raise(SIGSTOP) < 0)
		return 1;
	mark();
	reason = nss.getpwnam_r("alice@acme", &pw, buf, sizeof(buf), &reason) != NSS_STATUS_SUCCESS;
	mark();
	return reason;
}

/* System calls of CHILD, stopped, between its two marks; -1 when it fails. */
static int count_calls(pid_t child)
{
	int status, marks = 0, calls = 0;
	bool entering = true;

	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) < 0)
		return -1;
	for (;;) {
		struct __ptrace_syscall_info info;

		if (ptrace(PTRACE_SYSCALL, child, NULL, NULL) < 0 || waitpid(child, &status, 0) != child)
			return -1;
		if (WIFEXITED(status) || WIFSIGNALED(status))
			return WIFEXITED(status) && WEXITSTATUS(status) == 0 && marks == 2 ? calls : -1;
		if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) <= 0)
			return -1;
		entering = info.op == PTRACE_SYSCALL_INFO_ENTRY;
		if (entering && info.entry.nr == SYS_getpgid && (int)info.entry.args[0] == -12345)
			marks++;
		else if (entering && marks == 1)
			calls++;
	}
}

static void the_first_look_up_makes_few(void **state)
{
	pid_t child;
	int calls;

	(void)state;
	if (machine_observed())
		skip();
	child = fork();
	if (child == 0)
		_exit(first_body(NULL));
	calls = count_calls(child);
	print_message("system calls of a first look-up: %d\n", calls);
	assert_in_range(calls, 1, FIRST_CALLS_MAX);
}

struct library {
	const unsigned char *base;
	size_t size;
};

static struct library library(void)
{
	struct library library;
	char path[PATH_MAX];
	struct stat st;
	int fd;

	machine_built(path, sizeof(path), "libnss_b2b.so.2");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	library.size = (size_t)st.st_size;
	library.base = mmap(NULL, library.size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(library.base, MAP_FAILED);
	close(fd);
	return library;
}

static const Elf64_Shdr *section(const struct library *library, uint32_t type)
{
	const Elf64_Ehdr *elf = (const Elf64_Ehdr *)library->base;
	const Elf64_Shdr *sections = (const Elf64_Shdr *)(library->base + elf->e_shoff);

	for (size_t i = 0; i < elf->e_shnum; i++)
		if (sections[i].sh_type == type)
			return &sections[i];
	fail_msg("no section of type %u", type);
	return NULL;
}

static const char *strings_of(const struct library *library, const Elf64_Shdr *of)
{
	const Elf64_Ehdr *elf = (const Elf64_Ehdr *)library->base;
	const Elf64_Shdr *sections = (const Elf64_Shdr *)(library->base + elf->e_shoff);

	return (const char *)library->base + sections[of->sh_link].sh_offset;
}

static void it_exports_nothing_but_nss(void **state)
{
	static const char prefix[] = "_nss_b2b_";
	struct library lib = library();
	const Elf64_Shdr *of = section(&lib, SHT_DYNSYM);
	const Elf64_Sym *symbols = (const Elf64_Sym *)(lib.base + of->sh_offset);
	size_t exported = 0;

	(void)state;
	for (size_t i = 1; i < of->sh_size / sizeof(*symbols); i++) {
		const char *name = strings_of(&lib, of) + symbols[i].st_name;

		if (symbols[i].st_shndx == SHN_UNDEF)
			continue;
		if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
			fail_msg("exports %s", name);
		exported++;
	}
	assert_int_equal(exported, 15);
	munmap((void *)(uintptr_t)lib.base, lib.size);
}

static void it_needs_nothing_but_libc(void **state)
{
	struct library lib = library();
	const Elf64_Shdr *of = section(&lib, SHT_DYNAMIC);
	const Elf64_Dyn *entries = (const Elf64_Dyn *)(lib.base + of->sh_offset);

	(void)state;
	for (size_t i = 0; !machine_observed() && entries[i].d_tag != DT_NULL; i++) {
		const char *name = strings_of(&lib, of) + entries[i].d_un.d_val;

		if (entries[i].d_tag == DT_NEEDED && strcmp(name, "libc.so.6") != 0)
			fail_msg("needs %s", name);
	}
	munmap((void *)(uintptr_t)lib.base, lib.size);
}

/* thread_local in a module can make dlopen fail in a process that has many of them. */
static void it_has_no_thread_local_storage(void **state)
{
	struct library lib = library();
	const Elf64_Ehdr *elf = (const Elf64_Ehdr *)lib.base;
	const Elf64_Phdr *segments = (const Elf64_Phdr *)(lib.base + elf->e_phoff);

	(void)state;
	for (size_t i = 0; i < elf->e_phnum; i++)
		assert_int_not_equal(segments[i].p_type, PT_TLS);
	munmap((void *)(uintptr_t)lib.base, lib.size);
}

static int descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static int descriptors_body(void *arg)
{
	int before = descriptors();

	(void)arg;
	if (!look_everywhere("/bin/bash") || descriptors() != before)
		return 1;
	/* Nothing behind our back matters: there is nothing to close. */
	for (int fd = 3; fd < 256; fd++)
		close(fd);
	fixture_publish_org(&fixture, FIXTURE_ACME);
	return !look_everywhere("/bin/bash") || descriptors() > 3;
}

static void it_keeps_no_descriptor(void **state)
{
	(void)state;
	if (machine_valgrind()) /* which keeps descriptors of its own */
		skip();
	assert_int_equal(machine_child(descriptors_body, NULL), 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_mapped_process_makes_no_system_call, start, stop),
		cmocka_unit_test_setup_teardown(what_cannot_be_ours_touches_no_file, start, stop),
		cmocka_unit_test_setup_teardown(the_first_look_up_makes_few, start, stop),
		cmocka_unit_test_setup_teardown(it_keeps_no_descriptor, start, stop),
		cmocka_unit_test(it_exports_nothing_but_nss),
		cmocka_unit_test(it_needs_nothing_but_libc),
		cmocka_unit_test(it_has_no_thread_local_storage),
	};

	machine_private();
	nss_module_load(&nss);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
