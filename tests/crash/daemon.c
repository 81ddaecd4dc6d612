#include "tests/crash/daemon.h"

#include <curl/curl.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "b2bd/guard/proc.h"
#include "common/clock.h"
#include "tests/support/machine.h"
#include "tests/unit/test_guard_world.h"

#define END_NS (5 * B2B_NS_PER_S)
#define CONF "/run/b2b.conf"
#define KEY "/run/client.key"
#define CA "/run/ca.pem"
#define B2B_UID 990
#define LOG_SHOWN 6000

static const char *const part_names[DAEMON_PARTS] = { "b2bd", "the agent", "the guard", "an install", "a build" };

const char *daemon_part_name(enum daemon_part part)
{
	return part_names[part];
}

/* The machine's own file with LINE behind it, in its place. */
static void extend(const char *path, const char *copy, const char *line)
{
	char text[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 256);

	if (got < 0)
		err(1, "%s", path);
	close(fd);
	got += snprintf(text + got, sizeof(text) - (size_t)got, "%s", line);
	scratch_write(copy, text, (size_t)got, 0644);
	if (mount(copy, path, NULL, MS_BIND, NULL) < 0)
		err(1, "mount over %s", path);
}

void daemon_enter(void)
{
	if (machine_valgrind()) {
		puts("skip daemon: what is tried here is b2bd, and valgrind does not follow into it");
		exit(0);
	}
	world_enter();
	if (mount("tmpfs", "/var/lib", "tmpfs", 0, "mode=755") < 0 || setenv("TMPDIR", "/run", 1) < 0)
		err(1, "/var/lib");
	extend("/etc/passwd", "/run/passwd", "b2b:x:990:990::/:/usr/sbin/nologin\n");
	extend("/etc/group", "/run/group", "b2b:x:990:\nengineers:x:2000:\n");
}

static void write_conf(const struct daemon *daemon, const char *organisations)
{
	char *text = NULL;
	int len = asprintf(&text,
	                   "[federation]\nissuer = %s\nclient_id = web7\nclient_key = " KEY "\nca_file = " CA "\nsync_interval = 1s\n"
	                   "[host]\nstaleness = 60s\nenumerate = yes\nhome = /home/%%u\n%s",
	                   daemon->service.url, organisations);

	if (len < 0)
		err(1, "asprintf");
	scratch_write(CONF, text, (size_t)len, 0644);
	free(text);
}

/* To where the agent may read it, and nobody else. */
static void give(const char *from, const char *to)
{
	char text[16384];
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (got < 0)
		err(1, "%s", from);
	close(fd);
	scratch_write(to, text, (size_t)got, 0640);
	if (chown(to, 0, B2B_UID) < 0)
		err(1, "%s", to);
}

static pid_t run(const char *program, char *const argv[])
{
	char path[PATH_MAX];
	pid_t pid;
	int fd;

	machine_built(path, sizeof(path), program);
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid > 0)
		return pid;
	fd = open(DAEMON_LOG, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		_exit(126);
	execv(path, argv);
	_exit(127);
}

static void apply_policy(void)
{
	char *const argv[] = { (char *)"b2bctl", (char *)"--conf", (char *)CONF, (char *)"policy", (char *)"apply", NULL };
	int status;

	if (waitpid(run("b2bctl", argv), &status, 0) < 0 || status != 0) {
		daemon_show_log();
		errx(1, "b2bctl policy apply: status %x", status);
	}
}

void daemon_prepare(struct daemon *daemon, const char *organisations)
{
	memset(daemon, 0, sizeof(*daemon));
	service_start(&daemon->service, "ES256", "ES256");
	daemon->curl = curl_easy_init();
	if (!daemon->curl)
		errx(1, "curl");
	give(daemon->service.key, KEY);
	give(daemon->service.ca, CA);
	write_conf(daemon, organisations);
	if ((mkdir("/var/lib/b2b", 0755) < 0 && errno != EEXIST) || mkdir("/var/lib/b2b/cache", 0755) < 0)
		err(1, "/var/lib/b2b/cache");
	apply_policy();
}

void daemon_start(struct daemon *daemon)
{
	char *const argv[] = { (char *)"b2bd", (char *)"--conf", (char *)CONF, (char *)"--shared-network", NULL };

	/* Instrumented, it cannot look for leaks as it ends: its sandbox lets nobody attach to it. */
	if (setenv("LSAN_OPTIONS", "detect_leaks=0", 1) < 0)
		err(1, "LSAN_OPTIONS");
	daemon->first = run("b2bd", argv);
}

void daemon_stop(struct daemon *daemon)
{
	kill(daemon->first, SIGTERM);
	waitpid(daemon->first, NULL, 0);
	daemon->first = 0;
}

/* An agent that aborted is made anew, and all may go well from there: what it said is what tells. */
static void nothing_was_found(void)
{
	if (daemon_logged("Sanitizer:") == 0 && daemon_logged("runtime error:") == 0)
		return;
	daemon_show_log();
	errx(1, "b2bd did what it was instrumented against");
}

void daemon_end(struct daemon *daemon)
{
	if (daemon->first)
		daemon_kill(daemon, DAEMON_FIRST);
	curl_easy_cleanup(daemon->curl);
	service_stop(&daemon->service);
	nothing_was_found();
}

/* The uid that PID runs under, or -1. */
static long uid_of(pid_t pid)
{
	char path[64], line[256];
	long uid = -1;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	status = fopen(path, "re");
	while (status && uid < 0 && fgets(line, sizeof(line), status)) {
		if (strncmp(line, "Uid:", 4) == 0)
			uid = strtol(line + 4, NULL, 10);
	}
	if (status)
		fclose(status);
	return uid;
}

/* The first child of PID that runs as UID (-1: whoever it runs as) after SKIP of them, or 0. */
static pid_t child_of(pid_t pid, long uid, unsigned skip)
{
	char path[64];
	pid_t found = 0;
	int child;
	FILE *list;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	list = pid ? fopen(path, "re") : NULL;
	while (list && !found && fscanf(list, "%d", &child) == 1) {
		if ((uid < 0 || uid_of(child) == uid) && skip-- == 0)
			found = child;
	}
	if (list)
		fclose(list);
	return found;
}

pid_t daemon_find(const struct daemon *daemon, enum daemon_part part)
{
	switch (part) {
	case DAEMON_AGENT:
		return child_of(daemon->first, B2B_UID, 0);
	case DAEMON_GUARD:
		return child_of(daemon->first, 0, 0);
	case DAEMON_INSTALL:
		return child_of(daemon_find(daemon, DAEMON_GUARD), -1, 1); /* its first tells nscd, and stays */
	case DAEMON_BUILD:
		return child_of(daemon_find(daemon, DAEMON_AGENT), -1, 0);
	default:
		return daemon->first;
	}
}

static bool runs(const char *name, const pid_t pids[2])
{
	struct b2b_processes list = { 0 };
	bool found = false;

	b2b_processes_scan(&list, NULL, NULL);
	for (size_t i = 0; i < list.n && !found; i++) {
		const struct b2b_process *process = &list.items[i];

		found = process->state != 'Z' && (process->pid == pids[0] || process->pid == pids[1] || strcmp(process->name, name) == 0);
	}
	b2b_processes_free(&list);
	return found;
}

bool daemon_kill(struct daemon *daemon, enum daemon_part part)
{
	const pid_t pid = daemon_find(daemon, part), others[] = { daemon_find(daemon, DAEMON_GUARD), daemon_find(daemon, DAEMON_AGENT) };
	uint64_t until_ns = b2b_now_ns() + END_NS;

	if (pid == 0 || kill(pid, SIGKILL) < 0)
		return false;
	if (part == DAEMON_FIRST) {
		waitpid(pid, NULL, 0);
		/* The kernel ends the others after the first; until then they hold what another b2bd wants for itself. */
		while (runs("b2bd", others) && b2b_now_ns() < until_ns)
			usleep(1000);
		daemon->first = 0;
	}
	return true;
}

struct answer {
	char *text;
	size_t len;
};

static size_t take(char *bytes, size_t size, size_t n, void *arg)
{
	struct answer *answer = arg;
	char *bigger = realloc(answer->text, answer->len + size * n + 1);

	if (!bigger)
		return 0;
	answer->text = bigger;
	memcpy(bigger + answer->len, bytes, size * n);
	answer->len += size * n;
	return size * n;
}

static json_t *call(struct daemon *daemon, const char *what, const char *body)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	struct answer answer = { 0 };
	char url[256];
	long status = 0;
	json_t *json;

	headers = curl_slist_append(headers, "Authorization: Bearer " SERVICE_CONTROL_TOKEN);
	snprintf(url, sizeof(url), "%s/control/%s", daemon->service.url, what);
	curl_easy_reset(daemon->curl);
	curl_easy_setopt(daemon->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(daemon->curl, CURLOPT_TIMEOUT, 60L);
	curl_easy_setopt(daemon->curl, CURLOPT_URL, url);
	curl_easy_setopt(daemon->curl, CURLOPT_CAINFO, daemon->service.ca);
	curl_easy_setopt(daemon->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(daemon->curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(daemon->curl, CURLOPT_WRITEDATA, &answer);
	if (body)
		curl_easy_setopt(daemon->curl, CURLOPT_POSTFIELDS, body);
	if (curl_easy_perform(daemon->curl) != CURLE_OK)
		errx(1, "the service does not answer %s", what);
	curl_easy_getinfo(daemon->curl, CURLINFO_RESPONSE_CODE, &status);
	json = answer.text ? json_loadb(answer.text, answer.len, 0, NULL) : NULL;
	if (status != 200 || !json)
		errx(1, "the service answers %s %s with %ld: %.*s", what, body ? body : "", status, (int)answer.len, answer.text ? answer.text : "");
	free(answer.text);
	curl_slist_free_all(headers);
	return json;
}

json_t *daemon_control(struct daemon *daemon, const char *verb, json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);
	json_t *answer = call(daemon, verb, text);

	json_decref(body);
	free(text);
	return answer;
}

json_t *daemon_events(struct daemon *daemon)
{
	json_t *answer = call(daemon, "events", NULL), *events = json_incref(json_object_get(answer, "events"));

	json_decref(answer);
	return events;
}

unsigned daemon_logged(const char *text)
{
	FILE *log = fopen(DAEMON_LOG, "re");
	unsigned found = 0;
	char line[4096];

	while (log && fgets(line, sizeof(line), log))
		found += strstr(line, text) != NULL;
	if (log)
		fclose(log);
	return found;
}

bool daemon_log_line(const char *text, const char *unless, char *line, size_t size)
{
	FILE *log = fopen(DAEMON_LOG, "re");
	bool found = false;

	while (log && !found && fgets(line, (int)size, log))
		found = strstr(line, text) && !strstr(line, unless);
	if (log)
		fclose(log);
	return found;
}

void daemon_show_log(void)
{
	char text[LOG_SHOWN];
	int fd = open(DAEMON_LOG, O_RDONLY | O_CLOEXEC);
	off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	ssize_t got;

	if (fd < 0)
		return;
	got = pread(fd, text, sizeof(text), end > LOG_SHOWN ? end - LOG_SHOWN : 0);
	if (got > 0 && write(STDERR_FILENO, text, (size_t)got) < 0)
		warn("standard error");
	close(fd);
}
