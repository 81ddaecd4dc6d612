/*
 * Process 1 of a lab or of a throw-away host: starts COMMAND, reaps everything.
 *
 *   init COMMAND ARG…          ends with COMMAND's status; the kernel then kills whatever is left in the namespace
 *   init --stay COMMAND ARG…   goes on after COMMAND succeeded, until SIGTERM; a failure ends it
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static pid_t start(char **argv, const sigset_t *signals)
{
	pid_t pid = fork();

	if (pid == 0) {
		sigprocmask(SIG_UNBLOCK, signals, NULL);
		execvp(argv[0], argv);
		fprintf(stderr, "init: %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	return pid;
}

/* Reap what has ended. Returns COMMAND's exit status when it was among them, else -1. */
static int reap(pid_t command)
{
	int status, result = -1;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == command)
			result = exit_status(status);
	return result;
}

int main(int argc, char **argv)
{
	bool stay = argc > 1 && strcmp(argv[1], "--stay") == 0;
	pid_t command;
	sigset_t signals;
	int status;

	if (argc < 2 + stay) {
		fprintf(stderr, "usage: init [--stay] COMMAND [ARG…]\n");
		return 2;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	command = start(argv + 1 + stay, &signals);
	if (command < 0)
		return 1;
	while (sigwaitinfo(&signals, NULL) != SIGTERM) {
		status = reap(command);
		if (status > 0 || (status == 0 && !stay))
			return status;
	}
	return 128 + SIGTERM;
}
