/*
 * An agent that was taken over, against the shipped first process, guard and sandbox: it says to the guard and stores into
 * the live mappings whatever it likes, and tries itself on every file and process around it. Judged from outside: who is no
 * partner lives on, no reader crashes or answers beside root's policy, the guard serves on, the files are the ones they were,
 * and an agent that behaves, started after it, works at once.
 *
 * What it still can do, and no test asks otherwise: act as any partner within root's grants; end any partner's processes;
 * keep a revoked one in, and keep one out (close words, install rosters without somebody); lie about heartbeat and lease;
 * make names unavailable while it runs, by a header that is none. A message costs the guard a line in its log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <cmocka.h>

#include "b2bd/guard/install.h"
#include "b2bd/guard/prepare.h"
#include "b2bd/sandbox_lists.h"
#include "common/index.h"
#include "tests/unit/taken_over_attempts.h"
#include "tests/unit/taken_over_readers.h"

#define AGENT_ID 991
#define LONG_FACTOR (secure_getenv("LONG") ? 20u : 1u)

static pid_t first, reader_pids[READERS];

/* ---- the agent ---- */

static int behave(const struct b2b_agent_setup *setup)
{
	struct b2b_guard_message end = end_message(B2B_SCOPE_USER, ACME, ALICE);
	unsigned char bytes[SNAPSHOT_PLAIN_MAX];
	int r = -ESTALE;

	/* As b2bd/publish.c: the next generation by what the live file says; once more where that is refused. */
	for (int i = 0; i < 2 && r < 0; i++) {
		size_t size = good_snapshot(ACME, b2b_live_generation(setup->lives[ACME]) + 1, bytes);

		r = offer(setup->guard_fd, ACME, bytes, size, ALL_SEALS);
	}
	shared->installed = r;
	shared->ended = tell_guard(setup->guard_fd, &end, NULL, 0);
	atomic_store(&shared->over, PLAN_BEHAVE);
	sleep_for_ever();
	return 0;
}

static void do_plan(uint32_t plan, const struct b2b_agent_setup *setup)
{
	switch (plan) {
	case PLAN_MESSAGES:
		wrong_messages(setup->guard_fd);
		break;
	case PLAN_SESSIONS:
		wrong_sessions(setup->guard_fd);
		break;
	case PLAN_SNAPSHOTS:
		wrong_snapshots(setup->guard_fd, setup->lives);
		break;
	case PLAN_FLIPS:
		flipped_snapshots(setup->guard_fd, setup->lives, shared->count);
		break;
	case PLAN_FIELDS:
		mixed_snapshots(setup->guard_fd, setup->lives, shared->count);
		break;
	case PLAN_FLOOD:
		flood(setup->guard_fd, shared->count);
		break;
	case PLAN_STORES:
		stores(setup->lives, shared->count);
		break;
	case PLAN_FILES:
		try_everything(setup->lives, true);
		break;
	}
}

/* One plan after the other; whoever has done one does not behave any more, but ends, and another is started. */
static int played_agent(const struct b2b_agent_setup *setup)
{
	bool bad = false;

	for (;;) {
		uint32_t plan = atomic_load(&shared->plan);

		if (plan == PLAN_BEHAVE)
			return bad ? 0 : behave(setup);
		if (plan == PLAN_WAIT || plan == atomic_load(&shared->over)) {
			world_pause();
			continue;
		}
		bad = true;
		do_plan(plan, setup);
		atomic_store(&shared->over, plan);
	}
}

/* ---- the world ---- */

static void put_snapshot(int org)
{
	unsigned char bytes[SNAPSHOT_PLAIN_MAX];
	uint64_t generation = 0;
	size_t size;
	int fd;

	b2b_install_recover(WORLD_CACHE, policy, org, lives[org]); /* as b2bd begins, after what the test before has stored there */
	size = good_snapshot(org, b2b_live_generation(lives[org]) + 1, bytes);
	fd = sealed(bytes, size, ALL_SEALS);
	assert_int_equal(b2b_install(WORLD_CACHE, policy, org, fd, &generation), 0);
	b2b_live_set_generation(lives[org], generation);
	close(fd);
}

/* Root, local people, uids on each side of the ranges that are nobody's; erin, and root for her. */
static void start_bystanders(void)
{
	static const uint32_t uids[BYSTANDERS] = { 0, 1000, ACME_LO - 1, ACME_LO + 1024, EMEA_LO - 1, EMEA_LO + 1024, GLOBEX_LO + 1024, ERIN, 0 };

	for (int i = 0; i < BYSTANDERS; i++) {
		shared->uids[i] = uids[i];
		shared->bystanders[i] = spawn(plain, uids[i]);
		assert_int_equal(b2b_start_ticks(shared->bystanders[i], &shared->ticks[i]), 0);
	}
	world_register(shared->bystanders[BYSTANDERS - 1], shared->ticks[BYSTANDERS - 1], ERIN, b2b_wall_s());
}

static void start_first(void)
{
	fflush(NULL);
	first = fork();
	if (first == 0) {
		struct b2b_supervise_setup setup = { .conf_path = "/conf", .cache_dir = WORLD_CACHE, .state_dir = "/run/b2b-state",
			                             .uid = AGENT_ID, .gid = AGENT_ID, .agent = played_agent };

		if (!freopen("/dev/null", "w", stderr)) /* a line for each message that is refused */
			_exit(93);
		setup.lock_fd = b2b_prepare_lock();
		if (setup.lock_fd < 0 || b2b_prepare_dirs(setup.cache_dir, setup.state_dir, AGENT_ID, AGENT_ID) < 0 ||
		    b2b_index_read(WORLD_CACHE, &setup.policy) < 0 || (setup.listen_fd = b2b_prepare_socket()) < 0)
			_exit(92);
		_exit(b2b_supervise(&setup));
	}
}

static pid_t find_guard(void)
{
	struct b2b_processes list = { 0 };
	pid_t found = 0;

	b2b_processes_scan(&list, NULL, NULL);
	for (size_t i = 0; i < list.n && !found; i++)
		if (list.items[i].ppid == first && list.items[i].uids[0] == 0)
			found = list.items[i].pid;
	b2b_processes_free(&list);
	return found;
}

static int start(void **state)
{
	(void)state;
	assert_true(world_inside);
	memset(shared, 0, sizeof(*shared));
	memset(readers, 0, sizeof(*readers));
	for (int org = 0; org < WORLD_ORGS; org++)
		put_snapshot(org);
	start_bystanders();
	start_first();
	WAIT_FOR((shared->guard = find_guard()) > 0);
	for (int i = 0; i < READERS; i++)
		reader_pids[i] = start_reader(i);
	WAIT_FOR(readers_rounds() > 4);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (first > 0) {
		kill(first, SIGTERM);
		waitpid(first, NULL, 0);
		/* Whatever stood there: the version that comes instead may store words, and say nothing of it. */
		for (int org = 0; org < WORLD_ORGS; org++)
			assert_int_equal(lives[org]->file->changes & 1, 1);
	}
	assert_true(world_inside);
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	b2b_session_remove(shared->bystanders[BYSTANDERS - 1], shared->ticks[BYSTANDERS - 1]);
	return 0;
}

/* Have an agent do PLAN, and wait until it has. */
static void let(enum plan plan, uint64_t count)
{
	uint64_t until = b2b_now_ns() + 120 * B2B_NS_PER_S;

	shared->count = count;
	shared->refused = shared->accepted = shared->silent = 0;
	atomic_store(&shared->plan, plan);
	while (atomic_load(&shared->over) != plan && b2b_now_ns() < until)
		world_pause();
	assert_int_equal(atomic_load(&shared->over), plan);
}

/* The first N bystanders, and the guard that there was. */
static void still_there(int n)
{
	for (int i = 0; i < n; i++)
		if (!world_alive(shared->bystanders[i]))
			fail_msg("the process of uid %u was ended", shared->uids[i]);
	assert_true(world_alive(first) && world_alive(shared->guard));
	assert_int_equal(find_guard(), shared->guard);
}

static void readers_are_well(void)
{
	uint64_t rounds = readers_rounds();
	int status = -1;

	WAIT_FOR(readers_rounds() > rounds + 4);
	atomic_store(&readers->stop, true);
	for (size_t i = 0; i < READERS; i++) {
		assert_int_equal(waitpid(reader_pids[i], &status, 0), reader_pids[i]);
		assert_int_equal(status, 0);
	}
}

/* An agent that behaves: its snapshot is installed, its END is done, names resolve. */
static void all_works_at_once(void)
{
	struct b2b_cache *cache = NULL;
	struct passwd pw;
	char buf[512];
	pid_t alice = spawn(plain, ALICE);

	let(PLAN_BEHAVE, 0);
	assert_int_equal(shared->installed, 0);
	assert_int_equal(shared->ended, 0);
	WAIT_FOR(!world_alive(alice));
	assert_int_equal(b2b_cache_new(WORLD_CACHE, &cache), 0);
	assert_int_equal(b2b_cache_getpwnam(cache, "alice@acme", &pw, buf, sizeof(buf)), 0);
	assert_int_equal(b2b_cache_getpwnam(cache, "erin@globex", &pw, buf, sizeof(buf)), 0);
	b2b_cache_free(cache);
}

/* ---- tests ---- */

static void what_it_says_ends_nobody_but_partners(void **state)
{
	(void)state;
	let(PLAN_MESSAGES, 0);
	assert_int_equal(shared->accepted, 0);
	assert_int_equal(shared->silent, 0);
	assert_true(shared->refused > 100);
	let(PLAN_SESSIONS, 0);
	still_there(BYSTANDERS);
	let(PLAN_FLOOD, 10000 * LONG_FACTOR);
	still_there(BYSTANDERS);
	readers_are_well();
	all_works_at_once();
	still_there(BYSTANDERS);
}

static void what_it_hands_over_names_nobody_else(void **state)
{
	(void)state;
	let(PLAN_SNAPSHOTS, 0);
	assert_int_equal(shared->accepted, 0);
	assert_int_equal(shared->silent, 0);
	let(PLAN_FLIPS, LONG_FACTOR > 1 ? 1 : 83);
	print_message("one byte: %u refused, %u read\n", shared->refused, shared->accepted);
	assert_true(shared->refused > 20 && shared->accepted > WORLD_ORGS);
	assert_int_equal(shared->silent, 0);
	let(PLAN_FIELDS, 100 * LONG_FACTOR * LONG_FACTOR);
	print_message("several fields: %u refused, %u read\n", shared->refused, shared->accepted);
	assert_true(shared->refused > 20 && shared->accepted > WORLD_ORGS);
	assert_int_equal(shared->silent, 0);
	assert_int_equal(shared->unread, 0);
	still_there(BYSTANDERS);
	readers_are_well();
	all_works_at_once();
}

static void what_it_stores_reaches_no_further_than_its_words(void **state)
{
	(void)state;
	let(PLAN_STORES, 2000000ull * LONG_FACTOR);
	still_there(STRANGERS);
	readers_are_well();
	all_works_at_once();
	still_there(STRANGERS);
}

struct stand {
	struct stat live, snapshot, index;
};

static struct stand look(void)
{
	struct stand stand;

	assert_int_equal(stat(LIVE_PATH, &stand.live), 0);
	assert_int_equal(stat(SNAPSHOT_PATH, &stand.snapshot), 0);
	assert_int_equal(stat(INDEX_PATH, &stand.index), 0);
	return stand;
}

static void same_file(const struct stat *before, const struct stat *after)
{
	assert_int_equal(before->st_ino, after->st_ino);
	assert_int_equal(before->st_size, after->st_size);
	assert_int_equal(before->st_mode, after->st_mode);
	assert_int_equal(before->st_uid, after->st_uid);
	assert_int_equal(before->st_nlink, after->st_nlink);
	assert_int_equal(before->st_blocks, after->st_blocks);
}

/* At least LEAST things were tried, and each was refused. */
static void all_refused(uint32_t least)
{
	assert_true(shared->n_attempts >= least);
	for (uint32_t i = 0; i < shared->n_attempts; i++) {
		const struct attempt *attempt = &shared->attempts[i];

		if (attempt->error != EPERM && attempt->error != EACCES && attempt->error != EBADF && attempt->error != EINVAL)
			fail_msg("%s: %s", attempt->name, attempt->error ? strerror(attempt->error) : "it was done");
	}
}

static void same_files(const struct stand *before)
{
	struct stand after = look();

	same_file(&before->live, &after.live);
	same_file(&before->snapshot, &after.snapshot);
	same_file(&before->index, &after.index);
}

static void what_is_not_its_own_it_cannot_touch(void **state)
{
	struct stand before = look();

	(void)state;
	let(PLAN_FILES, 0);
	all_refused(N_FILES * N_FILE_ATTEMPTS + N_ATTEMPTS);
	same_files(&before);
	still_there(BYSTANDERS);
	readers_are_well();
	all_works_at_once();
}

/* As somebody who found a way around the filter: the agent's uid, which may be looked into, and nothing else. */
_Noreturn static void play_unfiltered(void)
{
	if (b2b_sandbox_become(AGENT_ID, AGENT_ID) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
		_exit(1);
	try_everything(lives, false);
	_exit(0);
}

static void ownership_alone_keeps_the_files_from_it(void **state)
{
	struct stand before = look();
	int status = -1;
	pid_t child;

	(void)state;
	fflush(NULL);
	child = fork();
	if (child == 0)
		play_unfiltered();
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	all_refused(N_FILES * (N_FILE_ATTEMPTS - 1));
	same_files(&before);
	still_there(BYSTANDERS);
	readers_are_well();
}

/* The role whose local group nobody but acme and below may have; lists, so that readers see everything. */
static void make_policy(void)
{
	policy->enumerate = true;
	policy->n_roles = 1;
	snprintf(policy->roles[0].name, sizeof(policy->roles[0].name), "dba");
	policy->roles[0].n_gids = 1;
	policy->roles[0].gids[0] = LOCAL_GID;
	policy->orgs[ACME].roles = policy->orgs[EMEA].roles = 1;
}

/* The cache where the module looks for it. */
static bool make_places(void)
{
	return mount("tmpfs", "/home", "tmpfs", 0, "mode=755") == 0 && mount("tmpfs", "/var/lib", "tmpfs", 0, "mode=755") == 0 &&
	       mkdir("/var/lib/b2b", 0755) == 0 && mkdir(B2B_CACHE_DIR, 0755) == 0 && mount(WORLD_CACHE, B2B_CACHE_DIR, NULL, MS_BIND, NULL) == 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_it_says_ends_nobody_but_partners, start, stop),
		cmocka_unit_test_setup_teardown(what_it_hands_over_names_nobody_else, start, stop),
		cmocka_unit_test_setup_teardown(what_it_stores_reaches_no_further_than_its_words, start, stop),
		cmocka_unit_test_setup_teardown(what_is_not_its_own_it_cannot_touch, start, stop),
		cmocka_unit_test_setup_teardown(ownership_alone_keeps_the_files_from_it, start, stop),
	};
	int r;

	world_needs_pidfds();
	make_world();
	make_policy();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	readers = mmap(NULL, sizeof(*readers), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || readers == MAP_FAILED || !make_places() || b2b_index_write(WORLD_CACHE, policy) < 0) {
		puts("FAIL world: no index");
		return 1;
	}
	r = cmocka_run_group_tests(tests, NULL, NULL);
	drop_world();
	return r;
}
