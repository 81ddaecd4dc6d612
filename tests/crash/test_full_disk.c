/*
 * A disk that is full, with the real b2bd on it: as much as LEFT is free when somebody changes, somebody comes and
 * somebody is offboarded. Who looks sees the old or the new, the revocation closes all the same, also for the next agent,
 * and all is completed once there is room again. tmpfs; with LONG=1 every size, and ext4 too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "common/clock.h"
#include "tests/crash/orders.h"
#include "tests/crash/small_disk.h"
#include "tests/support/machine.h"

#define DISK "/var/lib/b2b"
#define MEGABYTES 16
#define PEOPLE 5
#define STEP 4096u
#define LEFT_MOST (32 * STEP)
#define CLOSE_NS (20 * B2B_NS_PER_S)

_Static_assert(LEFT_MOST / STEP < PEOPLE * WITNESS_ORGS, "at each size one of those who were there at the start leaves");

static struct orders orders;

static void pause_20_ms(void)
{
	const struct timespec pause = { .tv_nsec = 20 * (long)B2B_NS_PER_MS };

	nanosleep(&pause, NULL);
}

static void expect_closed(uint32_t i, const char *what)
{
	uint64_t until_ns = b2b_now_ns() + CLOSE_NS;
	bool open = true;

	while (witness_look(orders.seen, i, &open) == 0 || open) {
		orders_check(&orders);
		if (b2b_now_ns() > until_ns)
			orders_fail(&orders, what, "somebody who was offboarded is open after 20 s");
		pause_20_ms();
	}
}

/* The next of the people at the start who is still here. */
static uint32_t leaver(void)
{
	return orders.people_ended;
}

static void step(size_t left, bool restart)
{
	uint32_t i = leaver(), n = atomic_load(&orders.seen->n_people);

	small_disk_fill(DISK, left);
	orders_change_person(&orders, n - 1);
	orders_add_person(&orders, i % WITNESS_ORGS);
	orders_end_person(&orders, i);
	orders_nudge(&orders);
	expect_closed(i, "closed-when-full");
	orders_take_acknowledgements(&orders);
	if (restart) {
		daemon_kill(&orders.daemon, DAEMON_FIRST);
		daemon_start(&orders.daemon);
		expect_closed(i, "closed-when-full-after-a-restart");
	}
	small_disk_free(DISK);
	orders_nudge(&orders);
	orders_settle(&orders);
	orders_take_acknowledgements(&orders);
	orders_check(&orders);
	if (!atomic_load(&orders.seen->people[i].closed))
		orders_fail(&orders, "completed", "the revocation is not acknowledged");
}

/* Or the disk was never full where it matters. */
static void expect_trouble(void)
{
	if (!daemon_logged("revocation-not-durable"))
		orders_fail(&orders, "trouble", "every revocation could be stored");
}

static int run(enum small_disk_kind kind)
{
	static const size_t some[] = { 0, 3 * STEP, 12 * STEP };
	bool all = secure_getenv("LONG") != NULL;
	unsigned steps = 0, seed = orders_seed();

	daemon_enter();
	if (mkdir(DISK, 0755) < 0 || !small_disk_mount(DISK, kind, MEGABYTES)) {
		printf("skip full disk, %s: this machine mounts none\n", small_disk_name(kind));
		return 0;
	}
	orders_begin(&orders, seed, PEOPLE);
	for (size_t left = 0; all && left <= LEFT_MOST; left += STEP)
		step(left, ++steps % 4 == 0);
	for (size_t i = 0; !all && i < sizeof(some) / sizeof(some[0]); i++)
		step(some[i], ++steps == 2);
	expect_trouble();
	printf("ok full disk, %s: %u sizes, %u revocations not durable at first, %u installs failed, %llu looks, seed %u\n",
	       small_disk_name(kind), steps, daemon_logged("revocation-not-durable"), daemon_logged("install-failed"),
	       (unsigned long long)atomic_load(&orders.seen->looks), seed);
	orders_end(&orders);
	return 0;
}

static int run_body(void *arg)
{
	return run(*(const enum small_disk_kind *)arg);
}

int main(void)
{
	enum small_disk_kind kind = SMALL_DISK_TMPFS;
	int status = machine_child(run_body, &kind);

	kind = SMALL_DISK_EXT4;
	if (secure_getenv("LONG"))
		status |= machine_child(run_body, &kind);
	return status;
}
