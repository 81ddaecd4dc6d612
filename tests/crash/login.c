#include "tests/crash/login.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "b2bd/guard/proc.h"
#include "common/clock.h"
#include "common/session_record.h"

#define BEGIN_NS (30 * B2B_NS_PER_S)

_Noreturn static void stay(bool stubborn)
{
	if (stubborn) {
		signal(SIGHUP, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
	}
	for (;;)
		pause();
}

static void be_person(uint32_t uid, bool stubborn)
{
	if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		_exit(98);
	stay(stubborn);
}

/* As pam_loginuid does. */
static bool put_login_uid(uint32_t uid)
{
	int fd = open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && dprintf(fd, "%u", uid) > 0;

	if (fd >= 0)
		close(fd);
	return done;
}

static void start_process(uint32_t uid, int number, bool stubborn)
{
	if (fork() != 0)
		return;
	if (number == 0) /* the relay */
		be_person(uid, stubborn);
	if (setsid() < 0)
		_exit(96);
	if (number == 1) /* a shell got through sudo, which has a terminal of its own */
		stay(true);
	if (fork() != 0) /* the others left the session */
		_exit(0);
	be_person(uid, true);
}

_Noreturn static void lead(uint32_t uid, bool stubborn)
{
	struct b2b_session_record record = { .magic = B2B_SESSION_MAGIC, .uid = uid, .pid = getpid(), .opened_s = b2b_wall_s() };

	setsid();
	snprintf(record.origin.service, sizeof(record.origin.service), "sshd");
	if (!put_login_uid(uid) || b2b_start_ticks(getpid(), &record.start_ticks) < 0 || b2b_session_put(&record) < 0)
		_exit(97);
	for (int i = 0; i < LOGIN_PROCESSES; i++)
		start_process(uid, i, stubborn);
	stay(stubborn);
}

static unsigned count(uint32_t uid, pid_t leader)
{
	struct b2b_processes list = { 0 };
	unsigned n = 0;

	b2b_processes_scan(&list, NULL, NULL);
	for (size_t i = 0; i < list.n; i++) {
		struct b2b_process *process = &list.items[i];

		n += process->uids[0] == uid || process->pid == leader || b2b_process_loginuid(process) == uid;
	}
	b2b_processes_free(&list);
	return n;
}

/* Those that go away at once to leave the session behind are counted while they last: it has begun when two looks find as many. */
static bool has_begun(const struct login *login, unsigned *before)
{
	unsigned now = count(login->uid, login->leader), last = *before;

	*before = now;
	return now == LOGIN_PROCESSES + 1 && last == now;
}

bool login_begin(struct login *login, uint32_t uid, bool stubborn)
{
	const struct timespec pause = { .tv_nsec = 2 * (long)B2B_NS_PER_MS };
	uint64_t until_ns = b2b_now_ns() + BEGIN_NS;
	unsigned before = 0;

	*login = (struct login){ .uid = uid, .leader = fork() };
	if (login->leader == 0)
		lead(uid, stubborn);
	while (login->leader > 0 && !has_begun(login, &before) && b2b_now_ns() < until_ns)
		nanosleep(&pause, NULL);
	return before == LOGIN_PROCESSES + 1;
}

unsigned login_left(struct login *login)
{
	if (login->leader > 0 && waitpid(login->leader, NULL, WNOHANG) == login->leader)
		login->leader = 0;
	return count(login->uid, login->leader);
}
