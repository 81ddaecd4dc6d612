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

#include "tests/support/certificate.h"
#include "tests/support/signer.h"

#define START_MS 60000 /* under valgrind or sanitizers on a busy machine */

static void write_public(const char *path, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	if (!bio || PEM_write_bio_PUBKEY(bio, key) != 1)
		errx(1, "cannot write %s", path);
	len = BIO_get_mem_data(bio, &text);
	scratch_write(path, text, (size_t)len, 0644);
	BIO_free(bio);
}

static void write_issued(const char *path, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
	X509 *certificate = certificate_make(key, &(struct certificate_wish){ .subject = "web11" }, issuer, issuer_key);

	certificate_write(path, certificate);
	X509_free(certificate);
}

static void write_certificates(struct service *service, EVP_PKEY *key, char ca[SCRATCH_SIZE])
{
	EVP_PKEY *ca_key = signer_key("ES256");
	X509 *ca_certificate = certificate_make(ca_key, &(struct certificate_wish){ .subject = "hosts' authority" }, NULL, NULL);

	scratch_path(ca, service->folder, "client-ca.pem");
	scratch_path(service->own, service->folder, "own.pem");
	scratch_path(service->issued, service->folder, "issued.pem");
	scratch_path(service->stranger, service->folder, "stranger.pem");
	certificate_write(ca, ca_certificate);
	write_issued(service->own, key, NULL, NULL);
	write_issued(service->stranger, key, NULL, NULL);
	write_issued(service->issued, key, ca_certificate, ca_key);
	X509_free(ca_certificate);
	EVP_PKEY_free(ca_key);
}

struct files {
	char data[SCRATCH_SIZE], pub[SCRATCH_SIZE], control[SCRATCH_SIZE], client_ca[SCRATCH_SIZE], registration[SCRATCH_SIZE];
};

static void write_files(struct service *service, const char *kind, struct files *files)
{
	EVP_PKEY *key = signer_key(kind);

	scratch_path(service->key, service->folder, "client.key");
	scratch_path(service->secret, service->folder, "client.secret");
	scratch_path(files->pub, service->folder, "client.pem");
	scratch_path(files->control, service->folder, "control");
	scratch_path(files->registration, service->folder, "registration");
	scratch_write(files->registration, SERVICE_REGISTRATION_TOKEN "\n", strlen(SERVICE_REGISTRATION_TOKEN "\n"), 0600);
	certificate_write_key(service->key, key);
	write_public(files->pub, key);
	write_certificates(service, key, files->client_ca);
	scratch_write(service->secret, SERVICE_SECRET "\n", strlen(SERVICE_SECRET "\n"), 0640);
	scratch_write(files->control, SERVICE_CONTROL_TOKEN "\n", strlen(SERVICE_CONTROL_TOKEN "\n"), 0600);
	EVP_PKEY_free(key);
}

static void run(const struct service *service, const struct files *files, const char *address, const char *alg, int out)
{
	const char *build = secure_getenv("BUILD");
	char *program, *client, *other, *own, *listen;

	if (asprintf(&program, "%s/b2b-federation", build && *build ? build : "build") < 0 || asprintf(&client, "web7=%s", files->pub) < 0 ||
	    asprintf(&other, "web8=%s", service->secret) < 0 || asprintf(&own, "web10=%s", service->own) < 0 ||
	    asprintf(&listen, "%s:0", address) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		_exit(126);
	execl(program, program, "--data", files->data, "--listen", listen, "--client", client, "--client-secret", other, "--client-ca",
	      files->client_ca, "--client-cert", own, "--client-subject", "web11=CN=web11", "--control-token-file", files->control, "--alg", alg,
	      "--device-interval", "1", "--registration-token-file", files->registration, (char *)NULL);
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
	service_start_at(service, "127.0.0.1", kind, alg);
}

void service_start_at(struct service *service, const char *address, const char *kind, const char *alg)
{
	struct files files;
	int out[2];

	memset(service, 0, sizeof(*service));
	scratch_make(service->folder);
	scratch_path(files.data, service->folder, "data");
	scratch_path(service->ca, files.data, "ca.pem");
	if (mkdir(files.data, 0700) < 0 || pipe(out) < 0)
		err(1, "%s", files.data);
	write_files(service, kind, &files);
	service->pid = fork();
	if (service->pid < 0)
		err(1, "fork");
	if (service->pid == 0)
		run(service, &files, address, alg, out[1]);
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
