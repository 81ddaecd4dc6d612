#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "b2bd/guard/install.h"

#define TOGETHER 4 /* from so many on, two syncs of the file system are fewer than theirs */

struct job {
	struct job *next;
	const struct b2b_policy *policy;
	uint32_t serial;
	int org, fd;
	bool alone; /* a child of several died over one of them: it may be this one */
};

/* What the child says through its pipe, of each of its jobs; all at once, in one write. */
struct outcome {
	int32_t result;
	uint64_t generation;
};

struct b2b_installer {
	const char *dir;
	struct b2b_live *const *lives;
	void (*done)(void *arg, uint32_t serial, int result, uint64_t generation);
	void *arg;
	struct job *first; /* `under_way` of them are when pipe_fd >= 0, then those that wait */
	struct job **last;
	uint32_t waiting;  /* both kinds */
	uint32_t under_way;
	bool forgotten;    /* nobody wants to hear of those under way */
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

static bool may_join(const struct b2b_installer *installer, const struct job *job, uint32_t n)
{
	if (job->alone || job->policy != installer->first->policy)
		return false;
	for (const struct job *other = installer->first; n > 0; other = other->next, n--)
		if (other->org == job->org)
			return false;
	return true;
}

/* How many of those that wait, from the first on, the next child takes. */
static uint32_t choose(const struct b2b_installer *installer)
{
	uint32_t n = 1;

	if (installer->first->alone)
		return 1;
	for (const struct job *job = installer->first->next; job && n < B2B_INSTALL_MOST && may_join(installer, job, n); job = job->next)
		n++;
	return n < TOGETHER ? 1 : n;
}

static void install(const struct b2b_installer *installer, struct b2b_install_item *items, uint32_t n)
{
	const struct job *job = installer->first;

	for (uint32_t i = 0; i < n; i++, job = job->next)
		items[i] = (struct b2b_install_item){ .org = job->org, .fd = job->fd };
	job = installer->first;
	if (n == 1)
		items[0].result = b2b_install(installer->dir, job->policy, job->org, job->fd, &items[0].generation);
	else
		b2b_install_all(installer->dir, job->policy, items, n);
}

/* It ends with the guard: later it would rename what it holds over what the next guard has installed since. */
_Noreturn static void work(const struct b2b_installer *installer, uint32_t n, int out, pid_t guard)
{
	struct b2b_install_item items[B2B_INSTALL_MOST];
	struct outcome outcomes[B2B_INSTALL_MOST] = { { 0 } };
	size_t size = n * sizeof(outcomes[0]);

	_Static_assert(sizeof(outcomes) <= PIPE_BUF, "written at once");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != guard)
		_exit(1);
	install(installer, items, n);
	for (uint32_t i = 0; i < n; i++) {
		outcomes[i].result = items[i].result;
		outcomes[i].generation = items[i].generation;
	}
	_exit(write(out, outcomes, size) == (ssize_t)size ? 0 : 1);
}

/* Begin the first that wait. Returns 0 or a negative errno. */
static int begin(struct b2b_installer *installer)
{
	pid_t child, guard = getpid();
	uint32_t n = choose(installer);
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child == 0)
		work(installer, n, ends[1], guard);
	close(ends[1]);
	if (child < 0) {
		int r = -errno;

		close(ends[0]);
		return r;
	}
	installer->pipe_fd = ends[0];
	installer->child = child;
	installer->under_way = n;
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

/* JOB, taken from the list, has ended so. */
static void finish(struct b2b_installer *installer, struct job *job, const struct outcome *outcome)
{
	/* Refused for its number: the one in the live file is not what is in place, and who counts from it would be refused for ever. */
	if (outcome->result == 0 || outcome->result == -ESTALE || outcome->result == -ERANGE)
		b2b_live_set_generation(installer->lives[job->org], outcome->generation);
	if (!installer->forgotten)
		installer->done(installer->arg, job->serial, outcome->result, b2b_live_generation(installer->lives[job->org]));
	job_free(job);
}

/* The child crashed over one of N: each by itself tells which. Of an agent that is gone they are dropped; behind them wait another's. */
static void separate(struct b2b_installer *installer, uint32_t n)
{
	if (installer->forgotten) {
		while (n-- > 0)
			job_free(take(installer));
		return;
	}
	for (struct job *job = installer->first; n > 0; job = job->next, n--)
		job->alone = true;
}

/* What the child said of its N jobs. False: not all; OUTCOMES are as they were then. */
static bool hear(const struct b2b_installer *installer, struct outcome *outcomes, uint32_t n)
{
	struct outcome heard[B2B_INSTALL_MOST];
	ssize_t got;

	do
		got = read(installer->pipe_fd, heard, n * sizeof(heard[0]));
	while (got < 0 && errno == EINTR);
	if (got != (ssize_t)(n * sizeof(heard[0])))
		return false;
	memcpy(outcomes, heard, n * sizeof(heard[0]));
	return true;
}

void b2b_installer_ready(struct b2b_installer *installer)
{
	struct outcome outcomes[B2B_INSTALL_MOST] = { { .result = -EBADMSG } }; /* of one alone whose child crashed over it */
	struct job *jobs[B2B_INSTALL_MOST];
	uint32_t n = installer->under_way;
	bool heard = hear(installer, outcomes, n);

	close(installer->pipe_fd);
	installer->pipe_fd = -1;
	installer->under_way = 0;
	/* It has said its word, or is dead: this does not wait. */
	while (waitpid(installer->child, NULL, 0) < 0 && errno == EINTR)
		;
	if (!heard && n > 1) {
		separate(installer, n);
		n = 0;
	}
	/* Off the list first: who hears of one may forget the others. */
	for (uint32_t i = 0; i < n; i++)
		jobs[i] = take(installer);
	for (uint32_t i = 0; i < n; i++)
		finish(installer, jobs[i], &outcomes[i]);
	begin_next(installer);
}

void b2b_installer_forget(struct b2b_installer *installer)
{
	struct job **end = &installer->first;
	uint32_t kept = installer->under_way;

	for (uint32_t i = 0; i < kept; i++)
		end = &(*end)->next;
	while (*end) {
		struct job *job = *end;

		*end = job->next;
		job_free(job);
	}
	installer->last = end;
	installer->waiting = kept;
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
