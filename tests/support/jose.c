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

/* What ARGV wrote to standard output, *RET_LEN bytes and a NUL; NULL where it failed. Caller frees. */
static char *run(char *const *argv, size_t *ret_len)
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
	status = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
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
	if (status != 0) {
		free(text);
		return NULL;
	}
	if (ret_len)
		*ret_len = len;
	return text;
}

#define ARG(text) (char *)(uintptr_t)(text)
#define RUN(...) run((char *[]){ ARG("jose"), __VA_ARGS__, NULL }, NULL)
#define OPENSSL(ret_len, ...) run((char *[]){ ARG("openssl"), __VA_ARGS__, NULL }, ret_len)

static char *must(char *text, const char *what)
{
	if (!text)
		errx(1, "%s failed", what);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

bool jose_is_here(void)
{
	char *text = RUN(ARG("alg"));

	free(text);
	return text != NULL;
}

bool jose_has_eddsa(void)
{
	char *text = OPENSSL(NULL, ARG("version"));

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

/* LEN bytes as base64url, by jose. Caller frees. */
static char *encoded(const char *folder, const void *bytes, size_t len)
{
	char path[SCRATCH_SIZE];

	scratch_path(path, folder, "bytes");
	scratch_write(path, bytes, len, 0600);
	return must(RUN(ARG("b64"), ARG("enc"), ARG("-I"), path, ARG("-o-")), "jose b64 enc");
}

/* PKCS #8 and SubjectPublicKeyInfo of RFC 8410 7 and 4: either ends in the 32 bytes of the key. */
static void set_last_32(json_t *key, const char *name, const char *folder, const char *der, size_t len)
{
	char *text;

	if (!der || len < 32)
		errx(1, "openssl gave no key");
	text = encoded(folder, der + len - 32, 32);
	json_object_set_new(key, name, json_string(text));
	free(text);
}

static json_t *eddsa_key(const char *kid)
{
	json_t *key = json_pack("{s:s,s:s,s:s,s:s}", "kty", "OKP", "crv", "Ed25519", "alg", "EdDSA", "kid", kid);
	char folder[SCRATCH_SIZE], path[SCRATCH_SIZE], *private, *public;
	size_t private_len = 0, public_len = 0;

	scratch_make(folder);
	scratch_path(path, folder, "key.der");
	private = OPENSSL(&private_len, ARG("genpkey"), ARG("-algorithm"), ARG("ED25519"), ARG("-outform"), ARG("DER"));
	set_last_32(key, "d", folder, private, private_len);
	scratch_write(path, private, private_len, 0600);
	public = OPENSSL(&public_len, ARG("pkey"), ARG("-inform"), ARG("DER"), ARG("-in"), path, ARG("-pubout"), ARG("-outform"), ARG("DER"));
	set_last_32(key, "x", folder, public, public_len);
	scratch_remove(folder);
	free(private);
	free(public);
	return key;
}

/* KEY as PKCS #8 in a file of FOLDER. */
static void eddsa_file(const json_t *key, const char *folder, char path[SCRATCH_SIZE])
{
	static const unsigned char head[] = { 0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20 };
	unsigned char der[sizeof(head) + 32];
	const char *text = json_string_value(json_object_get(key, "d"));
	char from[SCRATCH_SIZE], *d;

	scratch_path(from, folder, "d");
	scratch_write(from, text, strlen(text), 0600);
	d = RUN(ARG("b64"), ARG("dec"), ARG("-i"), from, ARG("-O-"));
	if (!d)
		errx(1, "jose b64 dec failed");
	memcpy(der, head, sizeof(head));
	memcpy(der + sizeof(head), d, 32);
	free(d);
	scratch_path(path, folder, "key.der");
	scratch_write(path, der, sizeof(der), 0600);
}

static char *eddsa_sign(const json_t *key, const char *header, const char *payload, size_t len)
{
	char folder[SCRATCH_SIZE], path[SCRATCH_SIZE], input[SCRATCH_SIZE], *first, *second, *body, *signature, *third, *jwt;
	size_t signature_len = 0;

	scratch_make(folder);
	eddsa_file(key, folder, path);
	first = encoded(folder, header, strlen(header));
	second = encoded(folder, payload, len);
	if (asprintf(&body, "%s.%s", first, second) < 0)
		err(1, "asprintf");
	scratch_path(input, folder, "input");
	scratch_write(input, body, strlen(body), 0600);
	signature = OPENSSL(&signature_len, ARG("pkeyutl"), ARG("-sign"), ARG("-rawin"), ARG("-inkey"), path, ARG("-keyform"), ARG("DER"), ARG("-in"), input);
	if (!signature || signature_len != 64)
		errx(1, "openssl pkeyutl failed");
	third = encoded(folder, signature, signature_len);
	if (asprintf(&jwt, "%s.%s", body, third) < 0)
		err(1, "asprintf");
	scratch_remove(folder);
	free(first);
	free(second);
	free(body);
	free(signature);
	free(third);
	return jwt;
}

static bool is_eddsa(const json_t *key)
{
	const char *kty = json_string_value(json_object_get(key, "kty"));

	return kty && strcmp(kty, "OKP") == 0;
}

json_t *jose_key(const char *alg, const char *kid)
{
	char template[256];

	if (strcmp(alg, "EdDSA") == 0)
		return eddsa_key(kid);
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
	json_t *public;

	if (is_eddsa(key)) {
		public = json_copy((json_t *)(uintptr_t)key);
		json_object_del(public, "d");
		return public;
	}
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

	if (is_eddsa(key))
		return eddsa_sign(key, header, payload, len);
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
