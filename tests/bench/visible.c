/*
 * visible PEOPLE TIMES: how long after a state word was stored another process's look-up says so. The other process looks the
 * same person up without a pause; prints TIMES durations in nanoseconds, the look-up that sees it included.
 */
#include <nss.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/index.h"
#include "common/live.h"
#include "tests/bench/people.h"

#define PERSON 7u
#define GIVE_UP_NS (5 * B2B_NS_PER_S)

/* What both see: the writer's turn is odd. */
struct shared {
	_Atomic uint32_t turn;
	_Atomic uint64_t seen_ns;
};

static bool open_now(const char *name)
{
	char buf[1024];
	struct passwd pw, *user = NULL;

	getpwnam_r(name, &pw, buf, sizeof(buf), &user);
	return user && strcmp(user->pw_shell, "/bin/bash") == 0;
}

__attribute__((noreturn)) static void look_on(struct shared *shared, const char *name)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	__nss_configure_lookup("passwd", "b2b");
	for (;;) {
		while (!open_now(name))
			sched_yield();
		shared->turn++;
		while (open_now(name))
			;
		shared->seen_ns = b2b_now_ns();
		shared->turn++;
	}
}

/* Until the turn is odd (the reader looks) or even (it has seen), as REST says. */
static bool wait_turn(struct shared *shared, uint32_t rest)
{
	uint64_t deadline = b2b_now_ns() + GIVE_UP_NS;

	while (shared->turn % 2 != rest)
		if (b2b_now_ns() > deadline)
			return false;
	return true;
}

static int run(struct b2b_live *live, struct shared *shared, uint32_t uid, long times)
{
	for (long i = 0; i < times; i++) {
		uint64_t stored;

		b2b_live_store(live, uid, B2B_LIVE_OPEN, false);
		if (!wait_turn(shared, 1))
			return 1;
		stored = b2b_now_ns();
		b2b_live_store(live, uid, B2B_LIVE_CLOSED, true);
		if (!wait_turn(shared, 0))
			return 1;
		printf("%llu\n", (unsigned long long)(shared->seen_ns - stored));
	}
	b2b_live_store(live, uid, B2B_LIVE_OPEN, false);
	return 0;
}

int main(int argc, char **argv)
{
	struct bench_population population;
	struct b2b_policy *policy = NULL;
	struct b2b_live *live = NULL;
	struct shared *shared;
	char name[B2B_NAME_SIZE];
	pid_t pid;
	int r;

	if (argc != 3 || bench_population((uint32_t)strtoul(argv[1], NULL, 10), &population) < 0) {
		fprintf(stderr, "usage: visible PEOPLE TIMES\n");
		return 2;
	}
	bench_person_name(&population, PERSON, name);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	r = b2b_index_read(B2B_CACHE_DIR, &policy);
	if (r == 0)
		r = b2b_live_create(B2B_CACHE_DIR, policy, b2b_policy_org_by_uid(policy, bench_person_uid(&population, PERSON)), &live);
	if (r < 0 || shared == MAP_FAILED) {
		fprintf(stderr, "visible: the cache cannot be opened: %s\n", strerror(-r));
		return 1;
	}
	pid = fork();
	if (pid == 0)
		look_on(shared, name);
	r = pid > 0 ? run(live, shared, bench_person_uid(&population, PERSON), strtol(argv[2], NULL, 10)) : 1;
	if (r != 0)
		fprintf(stderr, "visible: the other process saw nothing\n");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	b2b_live_unmap(live);
	b2b_policy_free(policy);
	return r;
}
