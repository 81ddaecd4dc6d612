/*
 * build WHAT PEOPLE: makes, out of /bench/passwd and /bench/group, what a subject reads, on one core, and prints how long it
 * took in seconds and how many bytes were written.
 *
 *   prepare   what stands before anybody is published: index, live files, directories
 *   b2b       all organisations, published
 *   one       the same for one organisation, in which one person's display name has changed
 *   flat      the flat reader's file
 *   parse     nothing: what reading the two files takes
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/bench/flat.h"
#include "tests/bench/floor/floor.h"
#include "tests/bench/publish.h"

#define ONE 42u /* the organisation that changes */

static int write_flat(const struct source *source, uint64_t *bytes)
{
	int fd = open(BENCH_DIR "/flat.new", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), r;

	if (fd < 0)
		return -errno;
	r = flat_write(source, fd, bytes);
	if (r == 0 && (fsync(fd) < 0 || rename(BENCH_DIR "/flat.new", BENCH_DIR "/flat") < 0))
		r = -errno;
	close(fd);
	return r;
}

static int make(const char *what, const struct bench_guard *guard, const struct source *source, uint64_t *bytes)
{
	if (strcmp(what, "b2b") == 0)
		return bench_publish(guard, source, 0, BENCH_ORGS - 1, bytes);
	if (strcmp(what, "one") == 0)
		return bench_publish(guard, source, ONE, ONE, bytes);
	if (strcmp(what, "flat") == 0)
		return write_flat(source, bytes);
	return strcmp(what, "parse") == 0 ? 0 : -EINVAL;
}

static void change_one(const struct bench_population *population, struct source *source)
{
	source->users[ONE * population->per_org].gecos = "Somebody Else";
}

static void one_core(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static int measure(const char *what, const struct bench_population *population, const struct bench_guard *guard)
{
	uint64_t began = b2b_now_ns(), bytes = 0;
	struct source source;
	int r;

	r = source_read(BENCH_DIR, &source);
	if (r < 0)
		return r;
	/* One person's change reaches the agent alone: what is measured begins when it has it. */
	if (strcmp(what, "one") == 0) {
		change_one(population, &source);
		began = b2b_now_ns();
	}
	r = make(what, guard, &source, &bytes);
	if (r == 0)
		printf("%.6f %llu\n", (double)(b2b_now_ns() - began) / 1e9, (unsigned long long)bytes);
	source_free(&source);
	return r;
}

static int run(const char *what, const struct bench_population *population)
{
	struct bench_guard guard;
	int r;

	if (strcmp(what, "prepare") == 0)
		return bench_prepare(population);
	if (strcmp(what, "b2b") != 0 && strcmp(what, "one") != 0)
		return measure(what, population, NULL);
	r = bench_guard_start(population, &guard);
	if (r < 0)
		return r;
	r = measure(what, population, &guard);
	bench_guard_stop(&guard);
	return r;
}

int main(int argc, char **argv)
{
	struct bench_population population;
	int r;

	if (argc != 3 || bench_population((uint32_t)strtoul(argv[2], NULL, 10), &population) < 0) {
		fprintf(stderr, "usage: build prepare|b2b|one|flat|parse PEOPLE\n");
		return 2;
	}
	umask(022);
	one_core();
	r = run(argv[1], &population);
	if (r < 0)
		fprintf(stderr, "build: %s: %s\n", argv[1], strerror(-r));
	return r < 0;
}
