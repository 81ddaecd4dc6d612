#include "tests/bench/ops.h"

const struct bench_op bench_ops[] = {
	{ "name-hot", "user by name, 2,000 hot people", BENCH_CONFIGURED, BENCH_USER_NAME, BENCH_HOT },
	{ "uid-hot", "user by uid, 2,000 hot people", BENCH_CONFIGURED, BENCH_USER_UID, BENCH_HOT },
	{ "name-random", "user by name, random over all", BENCH_CONFIGURED, BENCH_USER_NAME, BENCH_EVERYONE },
	{ "uid-random", "user by uid, random over all", BENCH_CONFIGURED, BENCH_USER_UID, BENCH_EVERYONE },
	{ "absent-ours", "absent name of ours", BENCH_CONFIGURED, BENCH_USER_NAME, BENCH_ABSENT_OURS },
	{ "absent-other", "absent name that is not ours", BENCH_CONFIGURED, BENCH_USER_NAME, BENCH_ABSENT_OTHER },
	{ "group-name", "group by name, up to 25 members", BENCH_CONFIGURED, BENCH_GROUP_NAME, BENCH_ORDINARY },
	{ "group-gid", "group by gid, up to 25 members", BENCH_CONFIGURED, BENCH_GROUP_GID, BENCH_ORDINARY },
	{ "group-name-125", "group by name, 125 members", BENCH_CONFIGURED, BENCH_GROUP_NAME, BENCH_BIG },
	{ "group-gid-125", "group by gid, 125 members", BENCH_CONFIGURED, BENCH_GROUP_GID, BENCH_BIG },
	{ "group-name-1250", "group by name, 1,250 members", BENCH_CONFIGURED, BENCH_GROUP_NAME, BENCH_BIGGEST },
	{ "group-gid-1250", "group by gid, 1,250 members", BENCH_CONFIGURED, BENCH_GROUP_GID, BENCH_BIGGEST },
	{ "initgroups-hot", "initgroups, 2,000 hot people", BENCH_CONFIGURED, BENCH_INITGROUPS, BENCH_HOT },
	{ "initgroups-random", "initgroups, random over all", BENCH_CONFIGURED, BENCH_INITGROUPS, BENCH_EVERYONE },
	{ "enumerate", "whole enumeration of users, per entry", BENCH_CONFIGURED, BENCH_ENUMERATE, BENCH_EVERYONE },
	{ "conf-name", "user by name through nsswitch.conf, 100 people", BENCH_NSSWITCH, BENCH_USER_NAME, BENCH_FEW },
	{ "thread-name", "user by name, hot, one thread", BENCH_THREAD, BENCH_USER_NAME, BENCH_HOT },
	{ "threads-name", "user by name, hot, two threads", BENCH_TWO_THREADS, BENCH_USER_NAME, BENCH_HOT },
	{ "thread-initgroups", "initgroups, hot, one thread", BENCH_THREAD, BENCH_INITGROUPS, BENCH_HOT },
	{ "threads-initgroups", "initgroups, hot, two threads", BENCH_TWO_THREADS, BENCH_INITGROUPS, BENCH_HOT },
};
const int bench_n_ops = sizeof(bench_ops) / sizeof(bench_ops[0]);
