#include "tests/support/service.h"

#include <err.h>
#include <openssl/pem.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/signer.h"

#define START_MS 60000 /* under valgrind or sanitizers on a busy machine */

static void write_pem(const char *path, EVP_PKEY *key, int private)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	if (!bio || (private ? PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) : PEM_write_bio_PUBKEY(bio, key)) != 1)
		errx(1, "cannot write %s", path);
	len = BIO_get_mem_data(bio, &text);
	scratch_write(path, text, (size_t)len, private ? 0640 : 0644);
	BIO_free(bio);
}

static void write_files(struct service *service, const char *kind, char pub[SCRATCH_SIZE], char control[SCRATCH_SIZE])
{
	EVP_PKEY *key = signer_key(kind);

	scratch_path(service->key, service->folder, "client.key");
	scratch_path(service->secret, service->folder, "client.secret");
	scratch_path(pub, service->folder, "client.pem");
	scratch_path(control, service->folder, "control");
	write_pem(service->key, key, 1);
	write_pem(pub, key, 0);
	scratch_write(service->secret, SERVICE_SECRET "\n", strlen(SERVICE_SECRET "\n"), 0640);
	scratch_write(control, SERVICE_CONTROL_TOKEN "\n", strlen(SERVICE_CONTROL_TOKEN "\n"), 0600);
	EVP_PKEY_free(key);
}

static void run(const char *data, const char *pub, const char *secret, const char *control, const char *alg, int out)
{
	const char *build = secure_getenv("BUILD");
	char *program, *client, *other;

	if (asprintf(&program, "%s/b2b-federation", build && *build ? build : "build") < 0 || asprintf(&client, "web7=%s", pub) < 0 ||
	    asprintf(&other, "web8=%s", secret) < 0 || dup2(out, STDOUT_FILENO) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		_exit(126);
	execl(program, program, "--data", data, "--listen", "127.0.0.1:0", "--client", client, "--client-secret", other, "--control-token-file",
	      control, "--alg", alg, "--device-interval", "1", (char *)NULL);
	warn("%s", program);
	_exit(127);
}

/* "listening on URL". */
static void read_url(struct service *service, int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	char line[256] = "";
	size_t len = 0;
	char *url;

	while (!strchr(line, '\n') && len < sizeof(line) - 1) {
		ssize_t got = poll(&poll_fd, 1, START_MS) == 1 ? read(fd, line + len, sizeof(line) - 1 - len) : -1;

		if (got <= 0)
			errx(1, "the federation service did not start: %s", line);
		len += (size_t)got;
		line[len] = '\0';
	}
	url = strstr(line, "https://");
	if (!url)
		errx(1, "the federation service said: %s", line);
	snprintf(service->url, sizeof(service->url), "%.*s", (int)strcspn(url, " \r\n"), url);
}

void service_start(struct service *service, const char *kind, const char *alg)
{
	char data[SCRATCH_SIZE], pub[SCRATCH_SIZE], control[SCRATCH_SIZE];
	int out[2];

	memset(service, 0, sizeof(*service));
	scratch_make(service->folder);
	scratch_path(data, service->folder, "data");
	scratch_path(service->ca, data, "ca.pem");
	if (mkdir(data, 0700) < 0 || pipe(out) < 0)
		err(1, "%s", data);
	write_files(service, kind, pub, control);
	service->pid = fork();
	if (service->pid < 0)
		err(1, "fork");
	if (service->pid == 0)
		run(data, pub, service->secret, control, alg, out[1]);
	close(out[1]);
	read_url(service, out[0]);
	close(out[0]);
}

void service_stop(struct service *service)
{
	if (service->pid > 0) {
		kill(service->pid, SIGTERM);
		waitpid(service->pid, NULL, 0);
	}
	scratch_remove(service->folder);
	service->pid = 0;
}
