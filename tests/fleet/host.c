#include "tests/fleet/host.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static char *path_of(const struct fleet_shared *shared, unsigned number, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/hosts/%u/%s", shared->dir, number, name) < 0)
		err(1, "asprintf");
	return path;
}

static FILE *create(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (!file)
		err(1, "%s", path);
	return file;
}

static void done(FILE *file, const char *path)
{
	if (fclose(file) != 0)
		err(1, "%s", path);
}

static void write_keys(const char *private_path, const char *public_path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *file = create(private_path, 0600);

	if (!key || PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) != 1)
		errx(1, "no key for %s", private_path);
	done(file, private_path);
	file = create(public_path, 0644);
	if (PEM_write_PUBKEY(file, key) != 1)
		errx(1, "%s", public_path);
	done(file, public_path);
	EVP_PKEY_free(key);
}

void host_prepare(const struct fleet_shared *shared, unsigned number)
{
	char *folder = path_of(shared, number, ""), *key = path_of(shared, number, "client.key"), *public_key;

	if (asprintf(&public_key, "%s/clients/host%u.pem", shared->dir, number) < 0 || mkdir(folder, 0755) < 0)
		err(1, "%s", folder);
	write_keys(key, public_key);
	free(folder);
	free(key);
	free(public_key);
}

static void write_conf(const struct fleet_shared *shared, unsigned number, const char *path)
{
	char *key = path_of(shared, number, "client.key");
	FILE *file = create(path, 0644);

	fprintf(file,
	        "[federation]\nissuer = %s\nclient_id = host%u\nclient_key = %s\nca_file = %s/service/ca.pem\n"
	        "[organisation acme]\nid = 42c3e9\nrange = 2013265920-2013266175\nservices = sshd\n"
	        "[organisation globex]\nid = 9d01f2\nrange = 2013331456-2013331711\nservices = sshd\n",
	        shared->url, number, key, shared->dir);
	done(file, path);
	free(key);
}

static struct b2b_policy *read_policy(const char *path)
{
	struct b2b_conf *conf;
	char error[B2B_CONF_ERROR_SIZE];

	if (b2b_conf_read(path, false, &conf, error) < 0)
		errx(1, "%s", error);
	return conf->policy;
}

static void copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat st;

	if (in < 0 || out < 0 || fstat(in, &st) < 0 || sendfile(out, in, NULL, (size_t)st.st_size) != st.st_size)
		err(1, "%s", to);
	close(in);
	close(out);
}

static struct b2b_live **create_lives(const struct b2b_policy *policy, const char *dir)
{
	struct b2b_live **lives = calloc(policy->n_orgs, sizeof(*lives));
	uint32_t i;

	if (!lives)
		err(1, "live words");
	for (i = 0; i < policy->n_orgs; i++) {
		int r = b2b_live_create(dir, policy, (int)i, &lives[i]);

		if (r < 0)
			errx(1, "live words in %s: %s", dir, strerror(-r));
	}
	return lives;
}

void host_equip(struct host *host, struct host_common *common, unsigned number)
{
	char *folder = path_of(common->shared, number, ""), *conf = path_of(common->shared, number, "b2b.conf");
	char *database = path_of(common->shared, number, "agent.db");

	write_conf(common->shared, number, conf);
	if (!common->policy)
		common->policy = read_policy(conf);
	copy_file(common->template_db, database);
	*host = (struct host){ .number = number, .shared = common->shared, .seen = &common->shared->host[number],
		.setup = { .conf_path = conf, .state_dir = folder, .policy = common->policy, .lives = create_lives(common->policy, folder),
			   .guard_fd = common->spare_fd, .keys_uid = (uid_t)-1, .listen_fd = common->spare_fd } };
	free(database); /* the others live as long as the host */
}
