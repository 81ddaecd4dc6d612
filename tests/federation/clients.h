/*
 * Clients: the hosts. Given on the command line, or registered (registration.c); each proves itself by private_key_jwt
 * (RFC 7523, aud by 7523bis), by a secret (RFC 6749 section 2.3.1), or by a certificate (RFC 8705 section 2).
 */
#ifndef FED_CLIENTS_H
#define FED_CLIENTS_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

#define FED_CLIENT_SCOPES "openid organization profile offline_access directory ssf"
#define FED_SCOPE_WRITE "directory.write"
#define FED_CLIENT_KEYS_MAX 8

struct fed;
struct fed_request;

struct fed_client {
	char *id;
	EVP_PKEY *keys[FED_CLIENT_KEYS_MAX]; /* public keys for private_key_jwt; several while they are rolled over */
	size_t n_keys;
	X509 *certificate; /* for self_signed_tls_client_auth; NULL: none */
	char *subject;     /* distinguished name for tls_client_auth (RFC 4514); NULL: none */
	char *secret;     /* NULL: none */
	char *scopes;     /* what it may have */
	struct fed_client *next;
};

struct fed_clients; /* opaque */

struct fed_clients *fed_clients_new(void); /* NULL without memory */
void fed_clients_free(struct fed_clients *clients); /* NULL is legal */

/* Find ID, or add it with default scopes. NULL without memory. */
struct fed_client *fed_clients_add(struct fed_clients *clients, const char *id);
void fed_clients_remove(struct fed_clients *clients, const char *id); /* where it is there */
const struct fed_client *fed_clients_find(struct fed_clients *clients, const char *id); /* NULL: there is none */
/* Every ID.pem in DIR: a client ID with that public key or certificate. 0, -EINVAL for a file that is none, or a negative errno. */
int fed_clients_add_all(struct fed_clients *clients, const char *dir);
/* It proves itself by nothing any more. */
void fed_client_forget_proofs(struct fed_client *client);

/* From files: a PEM public key or certificate; a secret (first line). 0, -EINVAL or a negative errno. */
int fed_client_read_key(struct fed_client *client, const char *path);
int fed_client_read_certificate(struct fed_client *client, const char *path);
int fed_client_set_subject(struct fed_client *client, const char *subject);
int fed_client_read_secret(struct fed_client *client, const char *path);
int fed_client_set_scopes(struct fed_client *client, const char *scopes);

/*
 * By the certificate of the TLS handshake: that of client ID, who asked where certificates are taken (fed->mtls_url). 0, -EACCES
 * with *ret_why as below, or a negative errno. (client_tls.c)
 */
int fed_client_by_certificate(struct fed *fed, const struct fed_request *request, const char *id, const struct fed_client **ret_client,
			      const char **ret_why);

/*
 * Who sends REQUEST? Exactly one method must be used and be right; an assertion counts once.
 * 0 with the client, -EACCES when it is not proven (*ret_why says, static), or a negative errno.
 */
int fed_client_authenticate(struct fed *fed, const struct fed_request *request, const struct fed_client **ret_client, const char **ret_why);

#endif
