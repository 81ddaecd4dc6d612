/* The service's TLS identity: given in files, or made by itself with a CA of its own. */
#ifndef FED_TLS_H
#define FED_TLS_H

#include <stddef.h>

struct fed_tls {
	char *certificate, *key; /* PEM */
	char *client_ca;         /* PEM; NULL: none */
};

/* Read PEM files. 0 or a negative errno. */
int fed_tls_read(const char *certificate_path, const char *key_path, struct fed_tls *ret_tls);

/* Read who vouches for clients' certificates. 0 or a negative errno. */
int fed_tls_read_client_ca(struct fed_tls *tls, const char *path);

/*
 * Make a certificate for localhost, 127.0.0.1 and NAMES (DNS names and IPv4 addresses), signed by the CA kept in DIR
 * (ca.pem, ca.key; made at the first time). 0 or a negative errno.
 */
int fed_tls_make(const char *dir, const char *const *names, size_t n_names, struct fed_tls *ret_tls);
void fed_tls_clear(struct fed_tls *tls);

#endif
