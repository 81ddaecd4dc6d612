/* b2bctl is root: it speaks no TLS and reads no JSON of the network. b2bd's sandboxed child does (b2bd/errand/errand.h). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "b2bctl/enroll.h"
#include "common/clean.h"
#include "common/clock.h"

#define ANSWER_NS (120 * B2B_NS_PER_S)

int b2b_order_begin(const struct b2b_enrolment *enrolment, const char *what, struct b2b_order *ret)
{
	*ret = (struct b2b_order){ 0 };
	ret->out = open_memstream(&ret->text, &ret->size);
	if (!ret->out)
		return -ENOMEM;
	b2b_line_put(ret->out, "do", what);
	b2b_line_put(ret->out, "ca_file", enrolment->ca_file);
	b2b_line_put(ret->out, "proxy", enrolment->proxy);
	return 0;
}

/* Beside this program: both come from the same package, and from the same build. */
static int find_b2bd(char *path, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (len <= 0)
		return -errno;
	path[len] = '\0';
	slash = strrchr(path, '/');
	if (!slash || (size_t)(slash - path) + sizeof("/b2bd") > size)
		return -ENAMETOOLONG;
	memcpy(slash, "/b2bd", sizeof("/b2bd"));
	return access(path, X_OK) < 0 ? -errno : 0;
}

enum { ORDER, ANSWER, COMPLAINT, PIPES };

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/*
 * In the child. Nothing of root's environment goes along, and no terminal: what a service took over could read what root types
 * and write what the terminal obeys.
 */
static void become(char *path, int pipes[PIPES][2])
{
	char *const argv[] = { path, (char *)"--errand", NULL }, *const environment[] = { NULL };

	if (dup2(pipes[ORDER][0], STDIN_FILENO) == STDIN_FILENO && dup2(pipes[ANSWER][1], STDOUT_FILENO) == STDOUT_FILENO &&
	    dup2(pipes[COMPLAINT][1], STDERR_FILENO) == STDERR_FILENO)
		execve(path, argv, environment);
	_exit(127);
}

/* PIPES hold b2bctl's ends afterwards, and -1. */
static int start(char *path, int pipes[PIPES][2], pid_t *ret_pid)
{
	pid_t pid;
	int r;

	for (int i = 0; i < PIPES; i++)
		if (pipe2(pipes[i], O_CLOEXEC) < 0)
			return -errno;
	pid = fork();
	if (pid == 0)
		become(path, pipes);
	r = pid < 0 ? -errno : 0;
	shut(&pipes[ORDER][0]);
	shut(&pipes[ANSWER][1]);
	shut(&pipes[COMPLAINT][1]);
	if (r == 0)
		*ret_pid = pid;
	return r;
}

/* What the child, which has ended, wrote to standard error. */
static void show_complaint(const struct b2b_enrolment *enrolment, int fd)
{
	char text[2048];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return;
	text[n] = '\0';
	b2b_clean_text(text, true);
	fprintf(enrolment->ctl->err, "%s%s", text, *text && text[strlen(text) - 1] == '\n' ? "" : "\n");
}

static int write_order(int fd, const struct b2b_order *order)
{
	size_t done = 0;

	while (done < order->size) {
		ssize_t n = write(fd, order->text + done, order->size - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

/* The order fits a pipe; the child reads all of it first, and then answers. */
static int converse(const struct b2b_enrolment *enrolment, char *path, const struct b2b_order *order, struct b2b_lines *ret_answer)
{
	int pipes[PIPES][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } }, status = 0, r;
	pid_t pid = 0;

	r = start(path, pipes, &pid);
	if (r == 0)
		r = write_order(pipes[ORDER][1], order);
	shut(&pipes[ORDER][1]);
	if (r == 0)
		r = b2b_lines_read(pipes[ANSWER][0], b2b_now_ns() + ANSWER_NS, ret_answer);
	if (pid > 0) {
		if (r < 0)
			kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		show_complaint(enrolment, pipes[COMPLAINT][0]);
		if (r == 0 && status != 0) {
			b2b_lines_clear(ret_answer);
			r = -ECHILD;
		}
	}
	for (int i = 0; i < PIPES; i++) {
		shut(&pipes[i][0]);
		shut(&pipes[i][1]);
	}
	return r;
}

int b2b_order_run(const struct b2b_enrolment *enrolment, struct b2b_order *order, struct b2b_lines *ret_answer)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	struct b2b_lines answer = { 0 };
	char path[4096];
	const char *error;
	int r = fclose(order->out) == 0 ? find_b2bd(path, sizeof(path)) : -ENOMEM;

	sigaction(SIGPIPE, &ignore, &before);
	if (r == 0)
		r = converse(enrolment, path, order, &answer);
	sigaction(SIGPIPE, &before, NULL);
	if (order->text)
		explicit_bzero(order->text, order->size);
	free(order->text);
	if (r < 0)
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "b2bd, which talks to the network for b2bctl, cannot be run: %s",
		                    r == -ECHILD ? "it ended with an error" : strerror(-r));
	error = b2b_lines_get(&answer, "error");
	if (error) {
		b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "%s", error);
		if (b2b_lines_get(&answer, "undone"))
			fprintf(enrolment->ctl->err, "b2bctl: %s\n", strcmp(b2b_lines_get(&answer, "undone"), "yes") == 0 ?
			        "the registration was deleted again" : "the registration could not be deleted again: remove it at the service");
		if (b2b_lines_get(&answer, "registration_access_token"))
			*ret_answer = answer;
		else
			b2b_lines_clear(&answer);
		return B2B_CTL_FAILED;
	}
	*ret_answer = answer;
	return B2B_CTL_OK;
}
