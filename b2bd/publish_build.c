#include "b2bd/publish_build.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "b2bd/state/directory_state.h"
#include "common/log.h"
#include "common/snapshot.h"

#define DESCRIPTORS_MAX 65536

struct filling {
	const struct b2b_policy *policy;
	struct b2b_snapshot_builder *builder;
};

static uint8_t shell_number(const struct b2b_policy *policy, const char *shell)
{
	uint32_t i;

	for (i = 0; i < policy->n_shells; i++) {
		if (!strcmp(policy->shells[i], shell))
			return (uint8_t)i;
	}
	return 0;
}

/* One that the rules of a snapshot refuse is left out; the others are published. */
static int left_out(int r, const char *what, const char *local)
{
	if (r == -ENOMEM)
		return r;
	b2b_log(LOG_WARNING, "publish: %s %s is left out: %s", what, local, strerror(-r));
	return 0;
}

static int add_user(void *arg, const struct b2b_principal *principal)
{
	struct filling *filling = arg;
	struct b2b_snapshot_user user = {
		.local = principal->local,
		.gecos = principal->display,
		.uid = principal->uid,
		.roles = principal->state == B2B_REMOVED ? 0 : principal->roles,
		.shell = shell_number(filling->policy, principal->shell),
	};
	int r = b2b_snapshot_add_user(filling->builder, &user);

	return r < 0 ? left_out(r, "person", principal->local) : 0;
}

static int add_group(void *arg, const char *local, uint32_t gid, const uint32_t *members, size_t n_members)
{
	struct filling *filling = arg;
	struct b2b_snapshot_group group = { .local = local, .gid = gid, .members = members, .n_members = n_members };
	int r = b2b_snapshot_add_group(filling->builder, &group);

	return r < 0 ? left_out(r, "group", local) : 0;
}

static int build(struct b2b_state *state, const struct b2b_policy *policy, int org, uint64_t generation, int memfd)
{
	struct filling filling = { .policy = policy };
	struct b2b_state *reader = NULL;
	int r = b2b_state_open_reader(state, &reader);

	if (r == 0)
		r = b2b_snapshot_new(policy, org, generation, &filling.builder);
	if (r == 0)
		r = b2b_directory_each_named(reader, policy->orgs[org].id, add_user, &filling);
	if (r == 0)
		r = b2b_directory_each_group(reader, policy->orgs[org].id, add_group, &filling);
	if (r == 0)
		r = b2b_snapshot_write(filling.builder, memfd);
	b2b_snapshot_free(filling.builder);
	return r;
}

/*
 * The agent's connections must end when the agent closes them, whatever a child still does: the guard, too, takes
 * the end of its socket for the end of the agent. SQLite's files stay: its book-keeping refers to them by number.
 */
static void close_inherited(int memfd, int report)
{
	struct rlimit limit;
	struct stat st;
	int fd, max = DESCRIPTORS_MAX;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTORS_MAX)
		max = (int)limit.rlim_cur;
	for (fd = 3; fd < max; fd++) {
		if (fd != memfd && fd != report && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
			close(fd);
	}
}

/* No exit handlers, no buffers: they are the parent's. */
__attribute__((noreturn)) static void child(struct b2b_state *state, const struct b2b_policy *policy, int org, uint64_t generation,
                                            int memfd, int report)
{
	ssize_t written;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpriority(PRIO_PROCESS, 0, 10);
	close_inherited(memfd, report);
	r = build(state, policy, org, generation, memfd);
	written = write(report, &r, sizeof(r));
	_exit(written == sizeof(r) ? 0 : 1);
}

int b2b_build_start(struct b2b_state *state, const struct b2b_policy *policy, int org, uint64_t generation, struct b2b_build *ret_build)
{
	int memfd, report[2], r;
	pid_t pid;

	memfd = memfd_create("b2b-snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memfd < 0)
		return -errno;
	if (pipe2(report, O_CLOEXEC) < 0) {
		r = -errno;
		close(memfd);
		return r;
	}
	pid = fork();
	if (pid == 0)
		child(state, policy, org, generation, memfd, report[1]);
	r = pid < 0 ? -errno : 0;
	close(report[1]);
	if (r < 0) {
		close(report[0]);
		close(memfd);
		return r;
	}
	*ret_build = (struct b2b_build){ .pid = pid, .memfd = memfd, .report = report[0] };
	return 0;
}

static void close_both(struct b2b_build *build)
{
	close(build->memfd);
	close(build->report);
	*build = (struct b2b_build){ .memfd = -1, .report = -1 };
}

int b2b_build_take(struct b2b_build *build)
{
	int r = 0;

	if (waitpid(build->pid, NULL, WNOHANG) == 0)
		return -EAGAIN;
	/* the child is gone: what it could say is in the pipe, and nobody maps the memfd any more */
	if (read(build->report, &r, sizeof(r)) != sizeof(r) || r > 0)
		r = -ECHILD;
	if (r == 0 && fcntl(build->memfd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		r = -errno;
	if (r < 0) {
		close_both(build);
		return r;
	}
	close(build->report);
	build->report = -1;
	return 0;
}

void b2b_build_cancel(struct b2b_build *build)
{
	if (build->pid > 0 && build->report >= 0) {
		kill(build->pid, SIGKILL);
		waitpid(build->pid, NULL, 0);
	}
	if (build->memfd >= 0)
		close(build->memfd);
	if (build->report >= 0)
		close(build->report);
	*build = (struct b2b_build){ .memfd = -1, .report = -1 };
}
