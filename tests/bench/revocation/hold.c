/*
 * Opens sessions as sshd does and lets them live: through the host's own PAM stack, with the same processes.
 *
 *   hold AT_ONCE <NAMES
 *
 * For each name on standard input: a leader, root's, which asks PAM's account and session parts and closes the session when it
 * is over; below it, the person's: a relay, a shell, and a command that left the shell's session. Prints "NAME UID" for each
 * session that is open, "NAME refused: WHY" for the others, and ends once all have been answered; the sessions go on.
 * Status 1 where anybody was refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME_SIZE 64
#define AT_ONCE_MAX 16
#define SERVICE "hold" /* as sshd's; but it was shown no keys */

static int no_conversation(int n, const struct pam_message **messages, struct pam_response **ret_responses, void *arg)
{
	(void)messages;
	(void)arg;
	*ret_responses = calloc((size_t)n, sizeof(**ret_responses));
	return *ret_responses ? PAM_SUCCESS : PAM_BUF_ERR;
}

/* The answer to who asked, who hears at its end that there is no more. */
static void say(int fd, const char *answer)
{
	if (write(fd, answer, strlen(answer)) < 0)
		_exit(1);
	close(fd);
}

#define ANSWER 3 /* a descriptor that every shell can name */

/* Answers with the person's uid once all of the session's processes are there. */
static _Noreturn void run_shell(const struct passwd *person, int answer)
{
	char uid[16];

	setsid();
	snprintf(uid, sizeof(uid), "%u", person->pw_uid);
	if (chdir("/") == 0 && dup3(answer, ANSWER, 0) == ANSWER)
		execl("/bin/sh", "sh", "-c", "setsid sleep 86400 3>&- & printf %s \"$0\" >&3; exec 3>&-; wait", uid, (char *)NULL);
	_exit(127);
}

/* What sshd leaves between the network and the shell: the person's, over when the shell is. */
static _Noreturn void relay(const struct passwd *person, int answer)
{
	pid_t shell;

	if (initgroups(person->pw_name, person->pw_gid) < 0 || setresgid(person->pw_gid, person->pw_gid, person->pw_gid) < 0 ||
	    setresuid(person->pw_uid, person->pw_uid, person->pw_uid) < 0)
		_exit(1);
	shell = fork();
	if (shell == 0)
		run_shell(person, answer);
	close(answer);
	while (shell > 0 && waitpid(shell, NULL, 0) < 0 && errno == EINTR)
		;
	_exit(shell > 0 ? 0 : 1);
}

static int open_session(pam_handle_t *pamh)
{
	int r = pam_set_item(pamh, PAM_RHOST, "192.0.2.7");

	if (r == PAM_SUCCESS)
		r = pam_set_item(pamh, PAM_TTY, "ssh");
	if (r == PAM_SUCCESS)
		r = pam_acct_mgmt(pamh, PAM_SILENT);
	if (r == PAM_SUCCESS)
		r = pam_setcred(pamh, PAM_ESTABLISH_CRED | PAM_SILENT);
	if (r == PAM_SUCCESS)
		r = pam_open_session(pamh, PAM_SILENT);
	return r;
}

static _Noreturn void lead(const char *name, int answer)
{
	static const struct pam_conv conversation = { .conv = no_conversation };
	const struct passwd *person;
	pam_handle_t *pamh = NULL;
	char text[128];
	pid_t child;
	int r;

	setsid();
	person = getpwnam(name);
	r = pam_start(SERVICE, name, &conversation, &pamh);
	if (r == PAM_SUCCESS)
		r = person ? open_session(pamh) : PAM_USER_UNKNOWN;
	if (r != PAM_SUCCESS) {
		snprintf(text, sizeof(text), "refused: %s", pam_strerror(pamh, r));
		say(answer, text);
		_exit(1);
	}
	child = fork();
	if (child == 0)
		relay(person, answer);
	close(answer);
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	pam_close_session(pamh, PAM_SILENT);
	pam_setcred(pamh, PAM_DELETE_CRED | PAM_SILENT);
	pam_end(pamh, PAM_SUCCESS);
	_exit(0);
}

/* Nothing of the caller's but the pipe: what holds a session must not hold who asked for it. */
static void leave_caller(void)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
}

/* A session that is being asked for. */
struct asked {
	char name[NAME_SIZE];
	int answer; /* -1: none */
};

/* The next name's. */
static void start(struct asked *asked)
{
	int answer[2];
	pid_t leader;

	asked->answer = -1;
	if (!fgets(asked->name, sizeof(asked->name), stdin))
		return;
	asked->name[strcspn(asked->name, "\n")] = '\0';
	leader = pipe2(answer, O_CLOEXEC) < 0 ? -1 : fork();
	if (leader < 0) {
		perror("hold");
		exit(1);
	}
	if (leader == 0) {
		leave_caller();
		lead(asked->name, answer[1]);
	}
	close(answer[1]);
	asked->answer = answer[0];
}

/* A leader that says nothing was ended before it could. */
static bool finish(const struct asked *asked)
{
	char text[128] = "";
	ssize_t got = read(asked->answer, text, sizeof(text) - 1);

	close(asked->answer);
	printf("%s %s\n", asked->name, got > 0 ? text : "refused: ended");
	return got > 0 && strncmp(text, "refused", strlen("refused")) != 0;
}

int main(int argc, char **argv)
{
	long at_once = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	struct asked asked[AT_ONCE_MAX];
	int status = 0;

	if (at_once < 1 || at_once > AT_ONCE_MAX) {
		fprintf(stderr, "usage: hold AT_ONCE <NAMES\n");
		return 2;
	}
	for (long i = 0; i < at_once; i++)
		start(&asked[i]);
	for (long i = 0; asked[i].answer >= 0; i = (i + 1) % at_once) {
		if (!finish(&asked[i]))
			status = 1;
		start(&asked[i]);
	}
	return status;
}
