/* Snapshots through the guard: what it installs, and what it refuses whatever the agent says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/mman.h>

#include "b2bd/guard/install.h"
#include "common/cache_format.h"
#include "common/snapshot.h"
#include "tests/unit/test_guard_harness.h"

#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)
#define SNAPSHOT(id) WORLD_CACHE "/org/" id "/snapshot"

static int snapshot_of(int org, uint64_t generation, int seals)
{
	const struct b2b_snapshot_user user = { .local = "alice", .gecos = "Alice", .uid = policy->orgs[org].range_lo + 1 };
	struct b2b_snapshot_builder *builder = NULL;
	int fd = memfd_create("snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(b2b_snapshot_new(policy, org, generation, &builder), 0);
	assert_int_equal(b2b_snapshot_add_user(builder, &user), 0);
	assert_int_equal(b2b_snapshot_write(builder, fd), 0);
	b2b_snapshot_free(builder);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* Closes FD. */
static struct b2b_guard_message install(int org, int fd)
{
	struct b2b_guard_message message = { .type = B2B_GUARD_INSTALL, .org = org }, answer;

	send_message(&message, fd);
	close(fd);
	answer = take_answer(10000);
	assert_int_equal(answer.serial, serial);
	return answer;
}

static ino_t inode(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_ino : 0;
}

static void test_installs(void **state)
{
	uint64_t next = b2b_live_generation(lives[ACME]) + 1;
	struct b2b_guard_message answer = install(ACME, snapshot_of(ACME, next, ALL_SEALS));
	struct stat st;

	(void)state;
	assert_int_equal(answer.result, 0);
	assert_int_equal(answer.generation, next);
	assert_int_equal(b2b_live_generation(lives[ACME]), next);
	assert_int_equal(stat(SNAPSHOT("42c3e9"), &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(access(WORLD_CACHE "/org/42c3e9/.snapshot.new", F_OK), -1);
}

static void test_refuses(void **state)
{
	static const int partial[] = { 0, F_SEAL_WRITE, F_SEAL_WRITE | F_SEAL_SHRINK, F_SEAL_SHRINK | F_SEAL_GROW };
	uint64_t next = b2b_live_generation(lives[ACME]) + 1;
	int fd = memfd_create("rubbish", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ino_t before;

	(void)state;
	assert_int_equal(install(ACME, snapshot_of(ACME, next, ALL_SEALS)).result, 0);
	before = inode(SNAPSHOT("42c3e9"));
	next++;
	for (size_t i = 0; i < sizeof(partial) / sizeof(*partial); i++)
		assert_int_equal(install(ACME, snapshot_of(ACME, next, partial[i])).result, -EPERM);
	assert_int_equal(install(ACME, snapshot_of(ACME, next - 1, ALL_SEALS)).result, -ESTALE);
	assert_int_equal(install(ACME, snapshot_of(GLOBEX, next, ALL_SEALS)).result, -EBADMSG);
	assert_int_equal(write(fd, "rubbish", 7), 7);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, ALL_SEALS), 0);
	assert_int_equal(install(ACME, fd).result, -EBADMSG);
	fd = memfd_create("empty", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, ALL_SEALS), 0);
	assert_int_equal(install(ACME, fd).result, -EBADMSG);
	fd = memfd_create("huge", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(fd, (off_t)B2B_SNAPSHOT_MAX + 1), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, ALL_SEALS), 0);
	assert_int_equal(install(ACME, fd).result, -EFBIG);
	assert_int_equal(install(ACME, open("/dev/null", O_RDONLY | O_CLOEXEC)).result, -EPERM);
	assert_int_equal(install(ACME, open("/proc/self/exe", O_RDONLY | O_CLOEXEC)).result, -EPERM);
	assert_int_equal(install(WORLD_ORGS, snapshot_of(ACME, next, ALL_SEALS)).result, -EINVAL);
	assert_int_equal(inode(SNAPSHOT("42c3e9")), before);
	assert_int_equal(b2b_live_generation(lives[ACME]), next - 1);
	assert_int_equal(install(ACME, snapshot_of(ACME, next, ALL_SEALS)).result, 0);
}

/* The number in the live file is the agent's to store; what counts is the one in place. */
static void test_counts_from_what_is_in_place(void **state)
{
	uint64_t next = b2b_live_generation(lives[ACME]) + 1;
	struct b2b_guard_message answer;

	(void)state;
	assert_int_equal(install(ACME, snapshot_of(ACME, next, ALL_SEALS)).result, 0);
	b2b_live_set_generation(lives[ACME], UINT64_MAX);
	answer = install(ACME, snapshot_of(ACME, b2b_live_generation(lives[ACME]) + 1, ALL_SEALS));
	assert_int_equal(answer.result, -ESTALE);
	assert_int_equal(answer.generation, next);
	assert_int_equal(b2b_live_generation(lives[ACME]), next);
	b2b_live_set_generation(lives[ACME], 0);
	assert_int_equal(install(ACME, snapshot_of(ACME, 1, ALL_SEALS)).result, -ESTALE);
	/* A last generation, after which nothing could be installed. */
	assert_int_equal(install(ACME, snapshot_of(ACME, UINT64_MAX, ALL_SEALS)).result, -ERANGE);
	assert_int_equal(install(ACME, snapshot_of(ACME, next + 1, ALL_SEALS)).result, 0);
	b2b_live_set_generation(lives[ACME], UINT64_MAX);
	b2b_install_recover(WORLD_CACHE, policy, ACME, lives[ACME]);
	assert_int_equal(b2b_live_generation(lives[ACME]), next + 1);
}

/* A full disk: the old one stays, nothing is left behind, and it works again when there is room. */
static void test_full_disk(void **state)
{
	uint64_t next = b2b_live_generation(lives[GLOBEX]) + 1;
	struct b2b_guard_message answer;

	(void)state;
	assert_int_equal(install(GLOBEX, snapshot_of(GLOBEX, next, ALL_SEALS)).result, 0);
	assert_int_equal(mount("tmpfs", WORLD_CACHE "/org/9d01f2", "tmpfs", 0, "size=4k,nr_inodes=1,mode=755"), 0);
	answer = install(GLOBEX, snapshot_of(GLOBEX, next + 1, ALL_SEALS));
	umount(WORLD_CACHE "/org/9d01f2");
	assert_int_equal(answer.result, -ENOSPC);
	assert_int_equal(answer.generation, next);
	assert_int_equal(b2b_live_generation(lives[GLOBEX]), next);
	assert_int_equal(install(GLOBEX, snapshot_of(GLOBEX, next + 1, ALL_SEALS)).result, 0);
}

/* The same where several are installed at once: it is the one's trouble. */
static void test_full_disk_among_others(void **state)
{
	struct b2b_install_item items[WORLD_ORGS];
	uint64_t next[WORLD_ORGS];

	(void)state;
	for (int org = 0; org < WORLD_ORGS; org++) {
		struct b2b_guard_message answer = install(org, snapshot_of(org, b2b_live_generation(lives[org]) + 1, ALL_SEALS));

		assert_true(answer.result == 0 || answer.result == -ESTALE);
		next[org] = answer.generation + 1;
		items[org] = (struct b2b_install_item){ .org = org, .fd = snapshot_of(org, next[org], ALL_SEALS) };
	}
	assert_int_equal(mount("tmpfs", WORLD_CACHE "/org/7be10a", "tmpfs", 0, "size=4k,nr_inodes=1,mode=755"), 0);
	b2b_install_all(WORLD_CACHE, policy, items, WORLD_ORGS);
	umount(WORLD_CACHE "/org/7be10a");
	for (int org = 0; org < WORLD_ORGS; org++) {
		assert_int_equal(items[org].result, org == EMEA ? -ENOSPC : 0);
		/* on the disk that was mounted there is none */
		assert_int_equal(items[org].generation, org == EMEA ? 0 : next[org]);
	}
	b2b_install_all(WORLD_CACHE, policy, items, WORLD_ORGS);
	for (int org = 0; org < WORLD_ORGS; org++) {
		assert_int_equal(items[org].result, org == EMEA ? 0 : -ESTALE);
		assert_int_equal(items[org].generation, next[org]);
		b2b_live_set_generation(lives[org], next[org]);
		close(items[org].fd);
	}
	assert_int_equal(access(WORLD_CACHE "/org/42c3e9/.snapshot.new", F_OK), -1);
}

/* A crash after the rename: the next start announces what is there. */
static void test_recovers(void **state)
{
	uint64_t next = b2b_live_generation(lives[EMEA]) + 5, installed = 0;
	int fd = snapshot_of(EMEA, next, ALL_SEALS);

	(void)state;
	assert_int_equal(b2b_install(WORLD_CACHE, policy, EMEA, fd, &installed), 0);
	close(fd);
	assert_int_equal(installed, next);
	assert_true(b2b_live_generation(lives[EMEA]) < next);
	b2b_install_recover(WORLD_CACHE, policy, EMEA, lives[EMEA]);
	assert_int_equal(b2b_live_generation(lives[EMEA]), next);
	assert_false(b2b_live_unpublished(lives[EMEA]));
}

static void poke(const char *path, off_t at, char byte)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* What cannot be announced is to be published anew: nobody else would, until the directory changes. */
static void test_notes_what_cannot_be_announced(void **state)
{
	uint64_t next = b2b_live_generation(lives[EMEA]) + 1, installed = 0;
	int fd = snapshot_of(EMEA, next, ALL_SEALS);

	(void)state;
	b2b_live_set_generation(lives[EMEA], 0);
	unlink(SNAPSHOT("7be10a"));
	b2b_install_recover(WORLD_CACHE, policy, EMEA, lives[EMEA]); /* none was ever published */
	assert_false(b2b_live_unpublished(lives[EMEA]));
	b2b_live_set_generation(lives[EMEA], next - 1);
	b2b_install_recover(WORLD_CACHE, policy, EMEA, lives[EMEA]); /* it was lost */
	assert_true(b2b_live_unpublished(lives[EMEA]));
	assert_int_equal(b2b_install(WORLD_CACHE, policy, EMEA, fd, &installed), 0);
	b2b_live_set_generation(lives[EMEA], next);
	assert_false(b2b_live_unpublished(lives[EMEA]));
	poke(SNAPSHOT("7be10a"), 12, B2B_FORMAT_VERSION + 1);
	b2b_install_recover(WORLD_CACHE, policy, EMEA, lives[EMEA]); /* of another version */
	assert_true(b2b_live_unpublished(lives[EMEA]));
	assert_int_equal(b2b_live_generation(lives[EMEA]), next);
	poke(SNAPSHOT("7be10a"), 12, B2B_FORMAT_VERSION);
	b2b_live_set_generation(lives[EMEA], next + 1);
	b2b_install_recover(WORLD_CACHE, policy, EMEA, lives[EMEA]); /* older than was announced */
	assert_true(b2b_live_unpublished(lives[EMEA]));
	close(fd);
}

static pid_t child_of_guard(void)
{
	char path[64];
	int child = 0;
	FILE *list;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)guard_pid, (int)guard_pid);
	list = fopen(path, "re");
	assert_non_null(list);
	if (fscanf(list, "%d", &child) != 1)
		child = 0;
	fclose(list);
	return child;
}

/* Stop an install on its way, however fast it is. */
static pid_t stop_an_install(void)
{
	for (;;) {
		struct b2b_guard_message message = { .type = B2B_GUARD_INSTALL, .org = ACME };
		int fd = snapshot_of(ACME, b2b_live_generation(lives[ACME]) + 1, ALL_SEALS);
		uint64_t until_ns = b2b_now_ns() + 20 * B2B_NS_PER_MS;
		pid_t child = 0;

		send_message(&message, fd);
		close(fd);
		while (!child && b2b_now_ns() < until_ns)
			child = child_of_guard();
		if (child && kill(child, SIGSTOP) == 0) {
			while (!world_stopped(child) && world_alive(child))
				world_pause();
			if (world_alive(child))
				return child;
		}
		take_answer(10000);
	}
}

/* Or it would put its snapshot in the place of what the next guard has installed since. */
static void test_dies_with_the_guard(void **state)
{
	pid_t child = stop_an_install();
	ino_t before = inode(SNAPSHOT("42c3e9"));

	kill(guard_pid, SIGKILL);
	assert_int_equal(waitpid(guard_pid, NULL, 0), guard_pid);
	kill(child, SIGCONT);
	WAIT_FOR(!world_alive(child));
	assert_int_equal(inode(SNAPSHOT("42c3e9")), before);
	close(order_fd);
	close(agent_fd);
	start_guard(state);
}

/* An END that comes while snapshots wait is not held up by them, and all of them are answered. */
static void test_beside_ends(void **state)
{
	enum { N = 3 };
	struct b2b_guard_message end = end_message(B2B_SCOPE_USER, ACME, ALICE);
	int answers = 0, ended = 0;
	pid_t alice;

	(void)state;
	if (!world_has_pidfds())
		skip();
	alice = spawn(plain, ALICE);
	for (int i = 0; i < N; i++) {
		struct b2b_guard_message message = { .type = B2B_GUARD_INSTALL, .org = ACME };
		int fd = snapshot_of(ACME, b2b_live_generation(lives[ACME]) + 10 + (uint64_t)i, ALL_SEALS);

		send_message(&message, fd);
		close(fd);
	}
	send_message(&end, -1);
	for (int i = 0; i < N + 1; i++) {
		struct b2b_guard_message answer = take_answer(10000);

		assert_int_equal(answer.result, 0);
		answers += answer.generation > 0;
		ended += answer.ended > 0;
	}
	assert_int_equal(answers, N);
	assert_int_equal(ended, 1);
	assert_false(world_alive(alice));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_installs, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_refuses, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_counts_from_what_is_in_place, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_full_disk, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_full_disk_among_others, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_recovers, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_dies_with_the_guard, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_notes_what_cannot_be_announced, start_guard, stop_guard),
		cmocka_unit_test_setup_teardown(test_beside_ends, start_guard, stop_guard),
	};
	int r;

	make_world();
	r = cmocka_run_group_tests(tests, NULL, NULL);
	drop_world();
	return r;
}
