#include "tests/crash/faults.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "tests/crash/tracer.h"

#define ERRORS_MAX 4
#define SHORT (-1) /* in place of an errno: a write of half the bytes */

struct fault_kind {
	long call;
	const char *name;
	int errors[ERRORS_MAX]; /* 0 ends */
};

/* What each call can give on a disk that is full, failing, or interrupted. */
static const struct fault_kind kinds[] = {
	{ SYS_openat, "openat", { ENOSPC, EIO, EMFILE, EINTR } },
	{ SYS_open, "open", { ENOSPC, EIO, EMFILE, EINTR } },
	{ SYS_read, "read", { EIO, EINTR } },
	{ SYS_pread64, "pread64", { EIO, EINTR } },
	{ SYS_write, "write", { ENOSPC, EIO, EINTR, SHORT } },
	{ SYS_pwrite64, "pwrite64", { ENOSPC, EIO, EINTR, SHORT } },
	{ SYS_newfstatat, "newfstatat", { EIO } },
	{ SYS_fstat, "fstat", { EIO } },
	{ SYS_mmap, "mmap", { ENOMEM } },
	{ SYS_ftruncate, "ftruncate", { ENOSPC, EIO, EINTR } },
	{ SYS_fallocate, "fallocate", { ENOSPC, EIO, EINTR, EOPNOTSUPP } },
	{ SYS_fsync, "fsync", { EIO, ENOSPC, EINTR } },
	{ SYS_fdatasync, "fdatasync", { EIO, ENOSPC, EINTR } },
	{ SYS_syncfs, "syncfs", { EIO, ENOSPC } },
	{ SYS_sync_file_range, "sync_file_range", { EIO, ENOSPC } },
	{ SYS_linkat, "linkat", { ENOSPC, EIO } },
	{ SYS_renameat, "renameat", { ENOSPC, EIO } },
	{ SYS_unlinkat, "unlinkat", { EIO } },
	{ SYS_unlink, "unlink", { EIO } },
	{ SYS_mkdirat, "mkdirat", { ENOSPC, EIO } },
	{ SYS_fchmod, "fchmod", { ENOSPC, EIO } },
	{ SYS_fchown, "fchown", { EIO } },
	{ SYS_fsetxattr, "fsetxattr", { ENOSPC, EIO } },
	{ SYS_close, "close", { EIO } },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct aim {
	unsigned number;         /* of the call */
	enum tracer_verdict verdict;
	int error;
	unsigned count;          /* calls seen */
	long *seen;              /* where not NULL: which calls, by number */
	unsigned room;
};

static char where[128];

const char *faults_where(void)
{
	return where;
}

static const struct fault_kind *kind_of(long call)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (kinds[i].call == call)
			return &kinds[i];
	}
	return NULL;
}

/* Memory of malloc's is no call of the writer's; and when the heap grows differs from run to run. */
static bool of_the_writer(const struct tracer_call *call)
{
	return call->call != SYS_brk && (call->call != SYS_mmap || !(call->args[3] & 0x20 /* MAP_ANONYMOUS */));
}

static enum tracer_verdict enter(void *arg, const struct tracer_call *call, int *error)
{
	struct aim *aim = arg;
	unsigned number = aim->count;

	if (!of_the_writer(call))
		return TRACER_PASS;
	aim->count++;
	if (aim->seen && number < aim->room)
		aim->seen[number] = call->call;
	if (number != aim->number)
		return TRACER_PASS;
	*error = aim->error;
	return aim->verdict;
}

static void run_once(const struct faults_scenario *scenario, struct aim *aim)
{
	const struct tracer_hooks hooks = { .enter = enter, .arg = aim };
	int result;

	scenario->prepare(scenario->arg);
	result = tracer_run(&hooks, scenario->act, scenario->arg);
	if (result == TRACER_CRASHED)
		fail_msg("%s: the writer crashed", where);
	scenario->check(scenario->arg, result);
}

static void kill_at(const struct faults_scenario *scenario, unsigned number, const char *name)
{
	struct aim aim = { .number = number, .verdict = TRACER_KILL };

	snprintf(where, sizeof(where), "call %u (%s) killed", number, name);
	run_once(scenario, &aim);
}

static void fail_at(const struct faults_scenario *scenario, unsigned number, const struct fault_kind *kind, int error)
{
	struct aim aim = { .number = number, .verdict = error == SHORT ? TRACER_SHORTEN : TRACER_FAIL, .error = error };

	snprintf(where, sizeof(where), "call %u (%s) %s", number, kind->name, error == SHORT ? "cut short" : strerror(error));
	run_once(scenario, &aim);
}

struct faults_counts faults_run(const struct faults_scenario *scenario)
{
	struct faults_counts counts = { 0 };
	long seen[2048];
	struct aim clean = { .number = UINT32_MAX, .seen = seen, .room = sizeof(seen) / sizeof(seen[0]) };

	snprintf(where, sizeof(where), "no fault");
	run_once(scenario, &clean);
	assert_in_range(clean.count, 1, clean.room);
	counts.calls = clean.count;
	for (unsigned number = 0; number < counts.calls; number += scenario->step ? scenario->step : 1) {
		const struct fault_kind *kind = kind_of(seen[number]);

		kill_at(scenario, number, kind ? kind->name : "another");
		counts.kills++;
		for (int i = 0; kind && i < ERRORS_MAX && kind->errors[i]; i++, counts.errors++)
			fail_at(scenario, number, kind, kind->errors[i]);
	}
	return counts;
}
