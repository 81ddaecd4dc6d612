#include "b2bd/guard/supervise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "b2bd/guard/guard.h"
#include "b2bd/guard/prepare.h"
#include "b2bd/sandbox.h"
#include "common/clock.h"
#include "common/index.h"
#include "common/log.h"

#define AGAIN_FIRST_NS (100 * B2B_NS_PER_MS)
#define AGAIN_LAST_NS (10 * B2B_NS_PER_S)
#define LIVED_NS (30 * B2B_NS_PER_S) /* whoever lived that long is started again at once */
#define STOP_NS (3 * B2B_NS_PER_S)

struct part {
	const char *name;
	pid_t pid;               /* 0: not running */
	uint64_t started_ns, again_ns, pause_ns;
	int status;              /* exit status of the last one; 128 + signal */
};

struct supervisor {
	const struct b2b_supervise_setup *setup;
	struct b2b_policy *policy;
	struct b2b_live **lives;
	struct part guard, agent;
	int order_fd, signal_fd;
	pid_t self;
	int stop;                /* exit status, -1: go on */
};

/* In the child, before anything else: signals as a new program has them, and no life after the first process. */
static void be_child(struct supervisor *supervisor)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	close(supervisor->signal_fd);
	setpgid(0, 0); /* Ctrl-C is for the first process */
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

static bool die_with(pid_t first)
{
	/* Cleared when the credentials change, so after the sandbox; the first process may be gone already. */
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == first;
}

_Noreturn static void run_guard(struct supervisor *supervisor, int order_fd)
{
	struct b2b_guard_setup setup = { .cache_dir = supervisor->setup->cache_dir,
		                         .policy = supervisor->policy,
		                         .lives = supervisor->lives,
		                         .own = supervisor->self,
		                         .order_fd = order_fd };
	int r;

	be_child(supervisor);
	close(supervisor->setup->listen_fd);
	r = b2b_nscd_start(B2B_NSCD_PATH, &setup.nscd);
	if (r < 0) {
		b2b_log(LOG_ERR, "event=start-failed process=nscd error=\"%s\"", strerror(-r));
		_exit(EX_OSERR);
	}
	if (!die_with(supervisor->self) || b2b_sandbox_guard(supervisor->setup->shared_network) < 0)
		_exit(EX_CONFIG);
	r = b2b_guard_run(&setup);
	b2b_nscd_free(setup.nscd);
	if (r < 0)
		b2b_log(LOG_ERR, "event=guard-failed error=\"%s\"", strerror(-r));
	_exit(r < 0 ? EX_OSERR : 0);
}

_Noreturn static void run_agent(struct supervisor *supervisor, int guard_fd)
{
	struct b2b_agent_setup setup = { .conf_path = supervisor->setup->conf_path,
		                               .state_dir = supervisor->setup->state_dir,
		                               .policy = supervisor->policy,
		                               .lives = supervisor->lives,
		                               .guard_fd = guard_fd,
		                               .keys_uid = supervisor->setup->keys_uid,
		                               .listen_fd = supervisor->setup->listen_fd };

	memcpy(setup.seal_key, supervisor->setup->seal_key, sizeof(setup.seal_key));
	be_child(supervisor);
	close(supervisor->order_fd);
	close(supervisor->setup->lock_fd); /* or it could unlock it for all */
	if (b2b_sandbox_agent(supervisor->setup->uid, supervisor->setup->gid) < 0)
		_exit(EX_CONFIG);
	if (!die_with(supervisor->self))
		_exit(EX_OSERR);
	_exit(supervisor->setup->agent(&setup));
}

static void failed(struct part *part, uint64_t now_ns)
{
	if (part->started_ns && now_ns - part->started_ns > LIVED_NS)
		part->pause_ns = 0;
	part->pause_ns = part->pause_ns ? 2 * part->pause_ns : AGAIN_FIRST_NS;
	if (part->pause_ns > AGAIN_LAST_NS)
		part->pause_ns = AGAIN_LAST_NS;
	part->again_ns = now_ns + part->pause_ns;
}

/* Fork PART with ENDS[1]; the caller keeps ENDS[0]. Returns 0 or a negative errno. */
static int start(struct supervisor *supervisor, struct part *part, void (*run)(struct supervisor *, int), int ends[2])
{
	pid_t pid;
	int r;

	part->again_ns = 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		run(supervisor, ends[1]);
	}
	r = pid < 0 ? -errno : 0;
	close(ends[1]);
	if (r < 0) {
		close(ends[0]);
		return r;
	}
	part->pid = pid;
	part->started_ns = b2b_now_ns();
	return 0;
}

static void start_guard(struct supervisor *supervisor)
{
	int ends[2], r = start(supervisor, &supervisor->guard, run_guard, ends);

	if (r < 0) {
		b2b_log(LOG_ERR, "event=start-failed process=guard error=\"%s\"", strerror(-r));
		failed(&supervisor->guard, b2b_now_ns());
		return;
	}
	supervisor->order_fd = ends[0];
}

static void order(struct supervisor *supervisor, uint32_t what, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec part = { .iov_base = &what, .iov_len = sizeof(what) };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *c;

		header.msg_control = control.bytes;
		header.msg_controllen = sizeof(control.bytes);
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	if (supervisor->order_fd >= 0 && sendmsg(supervisor->order_fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		b2b_log(LOG_ERR, "event=guard-deaf error=\"%s\"", strerror(errno));
}

static void start_agent(struct supervisor *supervisor)
{
	int ends[2], r = start(supervisor, &supervisor->agent, run_agent, ends);

	if (r < 0) {
		b2b_log(LOG_ERR, "event=start-failed process=agent error=\"%s\"", strerror(-r));
		failed(&supervisor->agent, b2b_now_ns());
		return;
	}
	order(supervisor, B2B_ORDER_AGENT, ends[0]);
	close(ends[0]); /* the guard's now */
}

/* An agent that ended may have been anybody's: the next one, and every reader, finds files that say what they are. */
static void mend_lives(const struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->policy->n_orgs; i++)
		if (b2b_live_mend(supervisor->lives[i], &supervisor->policy->orgs[i]) > 0)
			b2b_log(LOG_ERR, "event=live-mended org=%s; the agent that ended had stored what it should not", supervisor->policy->orgs[i].alias);
}

static void note_end(struct supervisor *supervisor, struct part *part, int status)
{
	part->pid = 0;
	if (part == &supervisor->agent)
		mend_lives(supervisor);
	part->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	if (supervisor->stop >= 0)
		return;
	b2b_log(LOG_ERR, "event=%s-ended status=%d", part->name, part->status);
	if (part->status == EX_CONFIG)
		supervisor->stop = EX_CONFIG;
	else
		failed(part, b2b_now_ns());
}

static void reap(struct supervisor *supervisor)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == supervisor->agent.pid)
			note_end(supervisor, &supervisor->agent, status);
		else if (pid == supervisor->guard.pid)
			note_end(supervisor, &supervisor->guard, status);
	}
}

/* Wait for PART's end; kill it when time is up. Other signals stay queued for the main loop. */
static void await(struct supervisor *supervisor, struct part *part)
{
	uint64_t until_ns = b2b_now_ns() + STOP_NS;
	const struct timespec step = { .tv_nsec = 2 * (long)B2B_NS_PER_MS };

	reap(supervisor);
	while (part->pid && b2b_now_ns() < until_ns) {
		nanosleep(&step, NULL);
		reap(supervisor);
	}
	if (!part->pid)
		return;
	b2b_log(LOG_WARNING, "event=killed process=%s", part->name);
	kill(part->pid, SIGKILL);
	while (part->pid) { /* it cannot refuse; only the kernel can hold it */
		nanosleep(&step, NULL);
		reap(supervisor);
		if (b2b_now_ns() > until_ns + STOP_NS)
			return;
	}
}

static void stop_agent(struct supervisor *supervisor)
{
	if (!supervisor->agent.pid)
		return;
	kill(supervisor->agent.pid, SIGTERM);
	await(supervisor, &supervisor->agent);
	supervisor->agent.again_ns = 0;
}

static void stop_guard(struct supervisor *supervisor)
{
	if (supervisor->order_fd >= 0)
		close(supervisor->order_fd); /* which tells it */
	supervisor->order_fd = -1;
	if (supervisor->guard.pid)
		await(supervisor, &supervisor->guard);
	supervisor->guard.again_ns = 0;
}

/* End them on purpose: not a failure of theirs, so no pause and no complaint. */
static void stop_both(struct supervisor *supervisor)
{
	int stop = supervisor->stop;

	supervisor->stop = stop < 0 ? 0 : stop;
	stop_agent(supervisor);
	stop_guard(supervisor);
	supervisor->stop = stop;
}

static void start_both(struct supervisor *supervisor)
{
	start_guard(supervisor);
	if (supervisor->guard.pid)
		start_agent(supervisor);
}

static bool same_grants(const struct b2b_policy *a, const struct b2b_policy *b)
{
	if (a->separator != b->separator || a->enumerate != b->enumerate || a->group_members != b->group_members ||
	    a->ending_grace_s != b->ending_grace_s || a->end_left_behind != b->end_left_behind || a->n_shells != b->n_shells || a->n_roles != b->n_roles || a->n_services != b->n_services ||
	    strcmp(a->home, b->home) != 0 || memcmp(a->shells, b->shells, sizeof(a->shells)) != 0 ||
	    memcmp(a->roles, b->roles, sizeof(a->roles)) != 0 || memcmp(a->services, b->services, sizeof(a->services)) != 0)
		return false;
	for (uint32_t i = 0; i < a->n_orgs; i++) {
		if (a->orgs[i].roles != b->orgs[i].roles || a->orgs[i].services != b->orgs[i].services ||
		    a->orgs[i].session_s != b->orgs[i].session_s)
			return false;
	}
	return true;
}

/* While neither of the two that store words runs. */
static void wake_lives(const struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->policy->n_orgs; i++)
		b2b_live_wake(supervisor->lives[i]);
}

static void other_organisations(struct supervisor *supervisor, struct b2b_policy *policy)
{
	struct b2b_live **lives = NULL;

	if (b2b_prepare_orgs(supervisor->setup->cache_dir, policy, &lives) < 0) {
		b2b_log(LOG_ERR, "event=reload-failed; the former organisations stay in force");
		b2b_policy_free(policy);
		return;
	}
	stop_both(supervisor);
	b2b_prepare_release(supervisor->lives, supervisor->policy->n_orgs);
	b2b_policy_free(supervisor->policy);
	supervisor->policy = policy;
	supervisor->lives = lives;
	wake_lives(supervisor);
	start_both(supervisor);
}

static void other_grants(struct supervisor *supervisor, struct b2b_policy *policy)
{
	int stop = supervisor->stop;

	b2b_policy_free(supervisor->policy);
	supervisor->policy = policy;
	supervisor->stop = 0;
	stop_agent(supervisor);
	supervisor->stop = stop;
	order(supervisor, B2B_ORDER_POLICY, -1);
	start_agent(supervisor);
}

static void reload(struct supervisor *supervisor)
{
	struct b2b_policy *policy = NULL;
	int r = b2b_index_read(supervisor->setup->cache_dir, &policy);

	if (r < 0) {
		b2b_log(LOG_ERR, "event=reload-failed what=index error=\"%s\"; the former policy stays in force", strerror(-r));
	} else if (!b2b_guard_same_slots(supervisor->policy, policy)) {
		other_organisations(supervisor, policy);
	} else if (!same_grants(supervisor->policy, policy)) {
		other_grants(supervisor, policy);
	} else {
		b2b_policy_free(policy);
		order(supervisor, B2B_ORDER_RELOAD, -1);
	}
}

static void take_signals(struct supervisor *supervisor)
{
	struct signalfd_siginfo info;

	while (read(supervisor->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			supervisor->stop = 0;
		else if (info.ssi_signo == SIGHUP && supervisor->stop < 0)
			reload(supervisor);
	}
	reap(supervisor);
}

static void restart(struct supervisor *supervisor)
{
	uint64_t now_ns = b2b_now_ns();

	if (!supervisor->guard.pid && supervisor->guard.again_ns) {
		/* The agent's socket to it is dead: it has to begin anew as well. */
		if (supervisor->agent.pid || supervisor->order_fd >= 0)
			stop_both(supervisor);
		if (!supervisor->guard.again_ns)
			supervisor->guard.again_ns = now_ns + supervisor->guard.pause_ns;
		if (supervisor->guard.again_ns <= now_ns)
			start_both(supervisor);
	} else if (!supervisor->agent.pid && supervisor->guard.pid && supervisor->agent.again_ns && supervisor->agent.again_ns <= now_ns) {
		start_agent(supervisor);
	}
}

static int next_ms(const struct supervisor *supervisor)
{
	uint64_t due_ns = !supervisor->guard.pid ? supervisor->guard.again_ns : !supervisor->agent.pid ? supervisor->agent.again_ns : 0;

	return due_ns ? b2b_ms_left(due_ns) : -1;
}

static int take_over_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void loop(struct supervisor *supervisor)
{
	start_both(supervisor);
	while (supervisor->stop < 0) {
		struct pollfd fd = { .fd = supervisor->signal_fd, .events = POLLIN };

		if (poll(&fd, 1, next_ms(supervisor)) > 0)
			take_signals(supervisor);
		if (supervisor->stop < 0)
			restart(supervisor);
	}
	stop_both(supervisor);
}

/* Whoever is started next may be of another version. */
static void rest_lives(const struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->policy->n_orgs; i++)
		b2b_live_rest(supervisor->lives[i]);
}

int b2b_supervise(const struct b2b_supervise_setup *setup)
{
	struct supervisor supervisor = { .setup = setup, .policy = setup->policy, .guard.name = "guard", .agent.name = "agent",
		                         .order_fd = -1, .self = getpid(), .stop = -1 };

	if (b2b_prepare_orgs(setup->cache_dir, supervisor.policy, &supervisor.lives) < 0)
		return EX_CONFIG;
	wake_lives(&supervisor);
	supervisor.signal_fd = take_over_signals();
	if (supervisor.signal_fd < 0 || b2b_sandbox_first() < 0)
		supervisor.stop = EX_OSERR;
	else
		loop(&supervisor);
	if (supervisor.signal_fd >= 0)
		close(supervisor.signal_fd);
	rest_lives(&supervisor);
	b2b_prepare_release(supervisor.lives, supervisor.policy->n_orgs);
	b2b_policy_free(supervisor.policy);
	return supervisor.stop;
}
