#include "tests/support/jose.h"

#include <err.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/scratch.h"

extern char **environ;

/* What `jose ARGV…` wrote to standard output; NULL where it failed. Caller frees. */
static char *run(char *const *argv)
{
	posix_spawn_file_actions_t actions;
	char *text = NULL;
	size_t len = 0;
	int pipe_fd[2], status = 0, c;
	pid_t pid;
	FILE *from, *to = open_memstream(&text, &len);

	if (!to || pipe(pipe_fd) < 0 || !(from = fdopen(pipe_fd[0], "r")))
		err(1, "pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipe_fd[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, pipe_fd[0]);
	posix_spawn_file_actions_addclose(&actions, pipe_fd[1]);
	status = posix_spawnp(&pid, "jose", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fd[1]);
	if (status == 0) {
		while ((c = fgetc(from)) != EOF)
			fputc(c, to);
		if (waitpid(pid, &status, 0) != pid)
			err(1, "waitpid");
	}
	fclose(from);
	fclose(to);
	if (status == 0)
		return text;
	free(text);
	return NULL;
}

#define RUN(...) run((char *[]){ (char *)"jose", __VA_ARGS__, NULL })
#define ARG(text) (char *)(uintptr_t)(text)

static char *must(char *text, const char *what)
{
	if (!text)
		errx(1, "jose: %s failed", what);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

bool jose_is_here(void)
{
	char *text = RUN(ARG("alg"));

	free(text);
	return text != NULL;
}

static json_t *parsed(char *text)
{
	json_t *object = json_loads(text, 0, NULL);

	if (!object)
		errx(1, "jose: not JSON: %s", text);
	free(text);
	return object;
}

json_t *jose_key(const char *alg, const char *kid)
{
	char template[256];

	snprintf(template, sizeof(template), "{\"alg\":\"%s\",\"kid\":\"%s\"}", alg, kid);
	return parsed(must(RUN(ARG("jwk"), ARG("gen"), ARG("-i"), template, ARG("-o-")), "jwk gen"));
}

/* KEY as a file of a new FOLDER. */
static void key_file(const json_t *key, char folder[SCRATCH_SIZE], char path[SCRATCH_SIZE])
{
	char *text = json_dumps(key, 0);

	scratch_make(folder);
	scratch_path(path, folder, "key");
	scratch_write(path, text, strlen(text), 0600);
	free(text);
}

json_t *jose_public(const json_t *key)
{
	char folder[SCRATCH_SIZE], path[SCRATCH_SIZE], *text;

	key_file(key, folder, path);
	text = must(RUN(ARG("jwk"), ARG("pub"), ARG("-i"), path, ARG("-o-")), "jwk pub");
	scratch_remove(folder);
	return parsed(text);
}

/* OPERATION of FAMILY on files that hold KEY and PAYLOAD; TEMPLATE: of the signature or the message. */
static char *with_files(const char *family, const char *operation, const json_t *key, const char *option, const char *template,
                        const char *payload, size_t len)
{
	char folder[SCRATCH_SIZE], payload_path[SCRATCH_SIZE], key_path[SCRATCH_SIZE], *text;

	key_file(key, folder, key_path);
	scratch_path(payload_path, folder, "payload");
	scratch_write(payload_path, payload, len, 0600);
	text = RUN(ARG(family), ARG(operation), ARG("-I"), payload_path, ARG("-k"), key_path, ARG(option), ARG(template), ARG("-c"), ARG("-o-"));
	scratch_remove(folder);
	return must(text, operation);
}

char *jose_sign(const json_t *key, const char *header, const char *payload, size_t len)
{
	char *template = NULL, *text;

	if (asprintf(&template, "{\"protected\":%s}", header) < 0)
		err(1, "asprintf");
	text = with_files("jws", "sig", key, "-s", template, payload, len);
	free(template);
	return text;
}

char *jose_encrypt(const json_t *key, const char *payload, size_t len)
{
	return with_files("jwe", "enc", key, "-i", "{}", payload, len);
}
