#include "tests/fleet/worker.h"

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "tests/fleet/host.h"

static void wait_for_go(const struct fleet_shared *shared)
{
	static const struct timespec shortly = { .tv_nsec = 10 * B2B_NS_PER_MS };

	while (!shared->go)
		nanosleep(&shortly, NULL);
}

/* As an agent makes it; closed, it is one file without a journal. */
static char *make_database(const struct fleet_shared *shared, unsigned index)
{
	struct b2b_state *state;
	char *folder, *path;
	int r;

	if (asprintf(&folder, "%s/worker%u", shared->dir, index) < 0 || asprintf(&path, "%s/agent.db", folder) < 0 || mkdir(folder, 0755) < 0)
		err(1, "the worker's folder");
	r = b2b_state_open(folder, &state);
	if (r < 0)
		errx(1, "%s: %s", path, strerror(-r));
	b2b_state_close(state);
	free(folder);
	return path;
}

static void work(struct fleet_shared *shared, unsigned index)
{
	unsigned first = shared->hosts * index / shared->workers, n = shared->hosts * (index + 1) / shared->workers - first, i;
	struct host *hosts = calloc(n, sizeof(*hosts));
	struct host_common common = { .shared = shared, .spare_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };

	if (!hosts)
		err(1, "hosts");
	sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0); /* memory that a host can spare, and ten thousand in one place cannot */
	b2b_log_open("agent", LOG_ERR);
	for (i = 0; i < n; i++, shared->prepared++)
		host_prepare(shared, first + i);
	wait_for_go(shared);
	common.template_db = make_database(shared, index);
	for (i = 0; i < n; i++)
		host_equip(&hosts[i], &common, first + i);
	hosts_run(hosts, n, (shared->per_second + shared->workers - 1) / shared->workers);
}

pid_t worker_start(struct fleet_shared *shared, unsigned index)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
			err(1, "prctl");
		work(shared, index);
	}
	return pid;
}
