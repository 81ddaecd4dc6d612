/*
 * A program that resolves names as everybody's does, through nsswitch.conf:  resolve THREADS NAME…
 *
 * One line a name, "NAME UID SHELL GROUPS SHADOW" or "NAME -". With THREADS above 0 as many look them up over and over at
 * the same time, and an answer that differs makes it fail. Also built without shared libraries.
 */
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <shadow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE 512
#define MOST 16
#define ROUNDS 500

static char first[MOST][LINE];
static char **names;
static int n_names;

static void resolve(const char *name, char line[LINE])
{
	char buf[2048], shadow_buf[2048];
	struct passwd pw, *found = NULL;
	struct spwd sp, *shadow = NULL;
	gid_t groups[64];
	int n = 64;

	if (getpwnam_r(name, &pw, buf, sizeof(buf), &found) != 0 || !found) {
		snprintf(line, LINE, "%s -", name);
		return;
	}
	getspnam_r(name, &sp, shadow_buf, sizeof(shadow_buf), &shadow);
	snprintf(line, LINE, "%s %u %s %d %s", pw.pw_name, pw.pw_uid, pw.pw_shell, getgrouplist(name, pw.pw_gid, groups, &n), shadow ? shadow->sp_pwdp : "-");
}

static void *again(void *arg)
{
	char line[LINE];

	(void)arg;
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < n_names; i++) {
			resolve(names[i], line);
			if (strcmp(line, first[i]) != 0)
				return first;
		}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[MOST];
	int n_threads = argc > 1 ? (int)strtol(argv[1], NULL, 10) : -1, failed = 0;

	if (n_threads < 0 || n_threads > MOST || argc - 2 > MOST) {
		fprintf(stderr, "usage: resolve THREADS NAME...\n");
		return 2;
	}
	names = argv + 2;
	n_names = argc - 2;
	for (int i = 0; i < n_names; i++) {
		resolve(names[i], first[i]);
		puts(first[i]);
	}
	for (int i = 0; i < n_threads; i++)
		if (pthread_create(&threads[i], NULL, again, NULL) != 0)
			return 1;
	for (int i = 0; i < n_threads; i++) {
		void *wrong = NULL;

		pthread_join(threads[i], &wrong);
		failed |= wrong != NULL;
	}
	return failed;
}
