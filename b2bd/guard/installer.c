#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "b2bd/guard/install.h"

struct job {
	struct job *next;
	const struct b2b_policy *policy;
	uint32_t serial;
	int org, fd;
};

/* What the child says through its pipe. */
struct outcome {
	int32_t result;
	uint64_t generation;
};

struct b2b_installer {
	const char *dir;
	struct b2b_live *const *lives;
	void (*done)(void *arg, uint32_t serial, int result, uint64_t generation);
	void *arg;
	struct job *first; /* under way when pipe_fd >= 0, then those that wait */
	struct job **last;
	uint32_t waiting;
	bool forgotten;    /* nobody wants to hear of the one under way */
	int pipe_fd;
	pid_t child;
};

int b2b_installer_new(const char *dir, struct b2b_live *const *lives,
                      void (*done)(void *arg, uint32_t serial, int result, uint64_t generation), void *arg,
                      struct b2b_installer **ret_installer)
{
	struct b2b_installer *installer = calloc(1, sizeof(*installer));

	if (!installer)
		return -ENOMEM;
	installer->dir = dir;
	installer->lives = lives;
	installer->done = done;
	installer->arg = arg;
	installer->last = &installer->first;
	installer->pipe_fd = -1;
	*ret_installer = installer;
	return 0;
}

static void job_free(struct job *job)
{
	close(job->fd);
	free(job);
}

static struct job *take(struct b2b_installer *installer)
{
	struct job *job = installer->first;

	installer->first = job->next;
	if (!installer->first)
		installer->last = &installer->first;
	installer->waiting--;
	return job;
}

/* It ends with the guard: later it would rename what it holds over what the next guard has installed since. */
_Noreturn static void work(const struct b2b_installer *installer, const struct job *job, int out, pid_t guard)
{
	struct outcome outcome = { 0 };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != guard)
		_exit(1);
	outcome.result = b2b_install(installer->dir, job->policy, job->org, job->fd, &outcome.generation);
	_exit(write(out, &outcome, sizeof(outcome)) == (ssize_t)sizeof(outcome) ? 0 : 1);
}

/* Begin the first that waits. Returns 0 or a negative errno. */
static int begin(struct b2b_installer *installer)
{
	pid_t child, guard = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child == 0)
		work(installer, installer->first, ends[1], guard);
	close(ends[1]);
	if (child < 0) {
		int r = -errno;

		close(ends[0]);
		return r;
	}
	installer->pipe_fd = ends[0];
	installer->child = child;
	installer->forgotten = false;
	return 0;
}

static void begin_next(struct b2b_installer *installer)
{
	while (installer->first && installer->pipe_fd < 0) {
		struct job *job;
		int r = begin(installer);

		if (r == 0)
			return;
		job = take(installer);
		installer->done(installer->arg, job->serial, r, b2b_live_generation(installer->lives[job->org]));
		job_free(job);
	}
}

int b2b_installer_add(struct b2b_installer *installer, const struct b2b_policy *policy, uint32_t serial, int org, int fd)
{
	struct job *job;

	if (installer->waiting > policy->n_orgs) {
		close(fd);
		return -EBUSY;
	}
	job = calloc(1, sizeof(*job));
	if (!job) {
		close(fd);
		return -ENOMEM;
	}
	job->policy = policy;
	job->serial = serial;
	job->org = org;
	job->fd = fd;
	*installer->last = job;
	installer->last = &job->next;
	installer->waiting++;
	begin_next(installer);
	return 0;
}

int b2b_installer_fd(const struct b2b_installer *installer)
{
	return installer->pipe_fd;
}

void b2b_installer_ready(struct b2b_installer *installer)
{
	struct outcome outcome = { .result = -EBADMSG };
	struct job *job;
	ssize_t got;

	do
		got = read(installer->pipe_fd, &outcome, sizeof(outcome));
	while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof(outcome))
		outcome.result = -EBADMSG; /* the child crashed over it */
	close(installer->pipe_fd);
	installer->pipe_fd = -1;
	/* It has said its word, or is dead: this does not wait. */
	while (waitpid(installer->child, NULL, 0) < 0 && errno == EINTR)
		;
	job = take(installer);
	/* Refused for its number: the one in the live file is not what is in place, and who counts from it would be refused for ever. */
	if (outcome.result == 0 || outcome.result == -ESTALE || outcome.result == -ERANGE)
		b2b_live_set_generation(installer->lives[job->org], outcome.generation);
	if (!installer->forgotten)
		installer->done(installer->arg, job->serial, outcome.result, b2b_live_generation(installer->lives[job->org]));
	job_free(job);
	begin_next(installer);
}

void b2b_installer_forget(struct b2b_installer *installer)
{
	struct job *under_way = installer->pipe_fd >= 0 ? take(installer) : NULL;

	while (installer->first)
		job_free(take(installer));
	if (!under_way)
		return;
	under_way->next = NULL;
	installer->first = under_way;
	installer->last = &under_way->next;
	installer->waiting = 1;
	installer->forgotten = true;
}

void b2b_installer_free(struct b2b_installer *installer)
{
	if (!installer)
		return;
	b2b_installer_forget(installer);
	if (installer->pipe_fd >= 0)
		b2b_installer_ready(installer);
	free(installer);
}
