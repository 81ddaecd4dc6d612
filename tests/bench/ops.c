#include "tests/bench/ops.h"

const struct bench_op bench_ops[] = {
	{ "name-hot", "user by name, 2,000 hot people", BENCH_CONFIGURED, BENCH_USER_NAME, BENCH_HOT, false },
	{ "uid-hot", "user by uid, 2,000 hot people", BENCH_CONFIGURED, BENCH_USER_UID, BENCH_HOT, false },
	{ "name-random", "user by name, random over all", BENCH_CONFIGURED, BENCH_USER_NAME, BENCH_EVERYONE, false },
	{ "uid-random", "user by uid, random over all", BENCH_CONFIGURED, BENCH_USER_UID, BENCH_EVERYONE, false },
	{ "absent-ours", "absent name of ours", BENCH_CONFIGURED, BENCH_USER_NAME, BENCH_ABSENT_OURS, false },
	{ "absent-other", "absent name that is not ours", BENCH_CONFIGURED, BENCH_USER_NAME, BENCH_ABSENT_OTHER, false },
	{ "group-name", "group by name, up to 25 members", BENCH_CONFIGURED, BENCH_GROUP_NAME, BENCH_ORDINARY, false },
	{ "group-gid", "group by gid, up to 25 members", BENCH_CONFIGURED, BENCH_GROUP_GID, BENCH_ORDINARY, false },
	{ "group-name-125", "group by name, 125 members", BENCH_CONFIGURED, BENCH_GROUP_NAME, BENCH_BIG, false },
	{ "group-gid-125", "group by gid, 125 members", BENCH_CONFIGURED, BENCH_GROUP_GID, BENCH_BIG, false },
	{ "group-name-1250", "group by name, 1,250 members", BENCH_CONFIGURED, BENCH_GROUP_NAME, BENCH_BIGGEST, false },
	{ "group-gid-1250", "group by gid, 1,250 members", BENCH_CONFIGURED, BENCH_GROUP_GID, BENCH_BIGGEST, false },
	{ "initgroups-hot", "initgroups, 2,000 hot people", BENCH_CONFIGURED, BENCH_INITGROUPS, BENCH_HOT, false },
	{ "initgroups-random", "initgroups, random over all", BENCH_CONFIGURED, BENCH_INITGROUPS, BENCH_EVERYONE, false },
	{ "enumerate", "whole enumeration of users, per entry", BENCH_CONFIGURED, BENCH_ENUMERATE, BENCH_EVERYONE, false },
	{ "first", "a fresh process that looks one person up, from start to end", BENCH_CONFIGURED, BENCH_FRESH, BENCH_FEW, false },
	{ "clock", "the clock that times single calls, read twice", BENCH_CONFIGURED, BENCH_CLOCK, BENCH_FEW, false },
	{ "system-calls", "system calls", BENCH_CONFIGURED, BENCH_SYSTEM_CALLS, BENCH_FEW, true },
	{ "memory", "memory of a process that has looked everybody up", BENCH_CONFIGURED, BENCH_MEMORY, BENCH_FEW, true },
	{ "conf-name", "user by name through nsswitch.conf, 100 people", BENCH_NSSWITCH, BENCH_USER_NAME, BENCH_FEW, false },
	{ "thread-name", "user by name, hot, one thread", BENCH_THREAD, BENCH_USER_NAME, BENCH_HOT, false },
	{ "threads-name", "user by name, hot, two threads", BENCH_TWO_THREADS, BENCH_USER_NAME, BENCH_HOT, false },
	{ "thread-initgroups", "initgroups, hot, one thread", BENCH_THREAD, BENCH_INITGROUPS, BENCH_HOT, false },
	{ "threads-initgroups", "initgroups, hot, two threads", BENCH_TWO_THREADS, BENCH_INITGROUPS, BENCH_HOT, false },
};
const int bench_n_ops = sizeof(bench_ops) / sizeof(bench_ops[0]);
