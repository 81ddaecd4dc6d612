/* The command line. */
#ifndef FED_OPTIONS_H
#define FED_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/federation/clients.h"

#define FED_NAMES_MAX 32

struct fed_options {
	char address[48]; /* without brackets */
	uint16_t port;
	const char *issuer;  /* NULL: by address and port */
	const char *data;
	const char *seed;
	const char *certificate, *key;
	const char *client_ca; /* NULL: clients have no certificates */
	const char *names[FED_NAMES_MAX];
	size_t n_names;
	const char *control_token_file;
	const char *registration_token_file;
	const char *secrets; /* NULL: not kept */
	const char *alg;     /* NULL: as before */
	const char *status_lists; /* NULL: none */
	int64_t status_ttl_s;
	bool long_messages, scim_cursors;
	int64_t device_lifetime_s, device_interval_s, id_token_s, access_token_s, refresh_token_s;
	struct fed_clients *clients;
};

/*
 * Read ARGV; what points into it stays there. 0; 1 when all is said (--help, printed) and the program ends well;
 * -EINVAL when something is wrong, which was said on stderr.
 */
int fed_options_read(int argc, char **argv, struct fed_options *ret_options);

#endif
