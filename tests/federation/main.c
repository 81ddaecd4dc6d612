/* b2b-federation: put the rooms together, serve until told to stop. --help says how to run it by hand. */
#include <errno.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/federation/options.h"
#include "tests/federation/registration.h"
#include "tests/federation/server.h"
#include "tests/federation/store.h"
#include "tests/federation/tls.h"

static int complain(const char *what, int error)
{
	fprintf(stderr, "b2b-federation: %s: %s\n", what, strerror(-error));
	return error;
}

/* Requests for a stop arrive here from now on. */
static int stop_signals(int *ret_fd)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int read_token(const char *path, char *buf, size_t size)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return -errno;
	char *got = fgets(buf, (int)size, file);
	fclose(file);
	if (got)
		buf[strcspn(buf, "\r\n")] = '\0';
	return got && *buf ? 0 : -EINVAL;
}

/* *RET_TOKEN stays NULL without a file. */
static int take_token(const char *path, char *buf, size_t size, const char **ret_token)
{
	int error = path ? read_token(path, buf, size) : 0;
	if (error)
		return complain(path, error);
	if (path)
		*ret_token = buf;
	return 0;
}

static int open_database(struct fed *fed, const struct fed_options *options)
{
	char *path = NULL;
	if (asprintf(&path, "%s/state.db", options->data) < 0)
		return -ENOMEM;
	int error = fed_store_open(path, &fed->db);
	free(path);
	if (!error)
		error = fed_seed(fed, options->seed);
	if (!error)
		error = fed_keys_open(fed->db, &fed->keys);
	if (!error)
		error = fed_registrations_read(fed);
	if (!error && options->alg)
		error = fed_keys_choose(fed->keys, options->alg);
	return error;
}

/* The stop signals are blocked by now: whoever reads the line may send one at once. */
static int listen_and_tell(struct fed *fed, const struct fed_options *options, const struct fed_tls *tls, char **ret_url, char **ret_mtls_url)
{
	struct fed_server_options server = { .address = options->address, .port = options->port, .certificate = tls->certificate, .key = tls->key,
					     .client_ca = tls->client_ca };
	int error = fed_server_start(fed, &server, &fed->server);
	if (error)
		return error;
	if (asprintf(ret_url, strchr(options->address, ':') ? "https://[%s]:%u" : "https://%s:%u", options->address, fed_server_port(fed->server)) < 0) {
		*ret_url = NULL;
		return -ENOMEM;
	}
	fed->issuer = options->issuer ? options->issuer : *ret_url;
	if (tls->client_ca && asprintf(ret_mtls_url, "https://localhost:%u", fed_server_port(fed->server)) < 0) {
		*ret_mtls_url = NULL;
		return -ENOMEM;
	}
	fed->mtls_url = *ret_mtls_url;
	printf("listening on %s\n", *ret_url);
	return fflush(stdout) == 0 ? 0 : -errno;
}

static int serve(struct fed *fed, const struct fed_options *options)
{
	struct fed_tls tls = { 0 };
	char *url = NULL, *mtls_url = NULL;
	int stop_fd = -1;
	int error = stop_signals(&stop_fd);
	if (!error)
		error = open_database(fed, options);
	if (error) {
		complain(options->data, error);
		goto out;
	}
	error = options->certificate ? fed_tls_read(options->certificate, options->key, &tls) :
				       fed_tls_make(options->data, options->names, options->n_names, &tls);
	if (!error && options->client_ca)
		error = fed_tls_read_client_ca(&tls, options->client_ca);
	if (error) {
		complain("certificate", error);
		goto out;
	}
	error = listen_and_tell(fed, options, &tls, &url, &mtls_url);
	if (error)
		complain("listen", error);
	else
		error = fed_server_run(fed->server, stop_fd);
out:
	fed_server_free(fed->server);
	fed_keys_free(fed->keys);
	fed_misbehave_clear(&fed->misbehaviour);
	if (fed_store_close(fed->db) != 0)
		complain("database", -EBUSY);
	fed_tls_clear(&tls);
	if (stop_fd >= 0)
		close(stop_fd);
	free(url);
	free(mtls_url);
	return error;
}

int main(int argc, char **argv)
{
	struct fed_options options;
	struct fed fed = { 0 };
	char control_token[256] = "", registration_token[256] = "";
	int error = fed_options_read(argc, argv, &options);
	if (error)
		return error > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	umask(077);
	error = take_token(options.control_token_file, control_token, sizeof(control_token), &fed.control_token);
	if (!error)
		error = take_token(options.registration_token_file, registration_token, sizeof(registration_token), &fed.registration_token);
	if (!error && options.secrets && !(fed.secrets = fopen(options.secrets, "ae")))
		error = complain(options.secrets, -errno);
	fed.clients = options.clients;
	fed.device_lifetime_s = options.device_lifetime_s;
	fed.long_messages = options.long_messages;
	fed.scim_cursors = options.scim_cursors;
	fed.device_interval_s = options.device_interval_s;
	fed.id_token_s = options.id_token_s;
	fed.access_token_s = options.access_token_s;
	fed.refresh_token_s = options.refresh_token_s;
	fed.status_lists = options.status_lists;
	fed.status_ttl_s = options.status_ttl_s;
	if (!error && RAND_bytes(fed.csrf_key, sizeof(fed.csrf_key)) != 1)
		error = complain("random numbers", -EIO);
	if (!error)
		error = serve(&fed, &options);
	fed_clients_free(options.clients);
	if (fed.secrets)
		fclose(fed.secrets);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
