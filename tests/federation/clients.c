#include "tests/federation/clients.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "tests/federation/http.h"
#include "tests/federation/jws.h"
#include "tests/federation/sql.h"
#include "tests/federation/text.h"
#include "tests/federation/tokens.h"

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define ASSERTION_LIFE_MAX_S 3600
#define SKEW_S 30
#define SECRET_MAX 1024

#define CHAINS 4096

struct fed_clients {
	struct fed_client *chains[CHAINS]; /* by id */
};

/* Where the client of ID is, or would be appended. */
static struct fed_client **place_of(struct fed_clients *clients, const char *id)
{
	uint32_t hash = 2166136261U; /* FNV-1a */
	for (const char *at = id; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 16777619U;
	struct fed_client **place = &clients->chains[hash % CHAINS];
	while (*place && strcmp((*place)->id, id) != 0)
		place = &(*place)->next;
	return place;
}

struct fed_clients *fed_clients_new(void)
{
	return calloc(1, sizeof(struct fed_clients));
}

static void clear_keys(struct fed_client *client)
{
	while (client->n_keys > 0)
		EVP_PKEY_free(client->keys[--client->n_keys]);
}

void fed_client_forget_proofs(struct fed_client *client)
{
	if (client->secret)
		explicit_bzero(client->secret, strlen(client->secret));
	free(client->secret);
	X509_free(client->certificate);
	free(client->subject);
	clear_keys(client);
	client->secret = NULL;
	client->certificate = NULL;
	client->subject = NULL;
}

static void client_free(struct fed_client *client)
{
	fed_client_forget_proofs(client);
	free(client->id);
	free(client->scopes);
	free(client);
}

void fed_clients_remove(struct fed_clients *clients, const char *id)
{
	struct fed_client **place = place_of(clients, id), *found = *place;
	if (!found)
		return;
	*place = found->next;
	client_free(found);
}

void fed_clients_free(struct fed_clients *clients)
{
	if (!clients)
		return;
	for (size_t i = 0; i < CHAINS; i++)
		for (struct fed_client *next, *at = clients->chains[i]; at; at = next) {
			next = at->next;
			client_free(at);
		}
	free(clients);
}

const struct fed_client *fed_clients_find(struct fed_clients *clients, const char *id)
{
	return *place_of(clients, id);
}

struct fed_client *fed_clients_add(struct fed_clients *clients, const char *id)
{
	struct fed_client **place = place_of(clients, id);
	if (*place)
		return *place;
	struct fed_client *client = calloc(1, sizeof(*client));
	if (!client)
		return NULL;
	client->id = strdup(id);
	client->scopes = strdup(FED_CLIENT_SCOPES);
	if (!client->id || !client->scopes) {
		client_free(client);
		return NULL;
	}
	*place = client;
	return client;
}

static int add_from(struct fed_clients *clients, const char *dir, const char *name)
{
	size_t len = strlen(name);
	if (len < sizeof(".pem") || strcmp(name + len - 4, ".pem") != 0)
		return 0;
	char *path = NULL, *id = strndup(name, len - 4);
	struct fed_client *client = id ? fed_clients_add(clients, id) : NULL;
	int error = client && asprintf(&path, "%s/%s", dir, name) >= 0 ? fed_client_read_key(client, path) : -ENOMEM;
	free(path);
	free(id);
	return error;
}

int fed_clients_add_all(struct fed_clients *clients, const char *dir)
{
	DIR *folder = opendir(dir);
	if (!folder)
		return -errno;
	int error = 0;
	for (struct dirent *entry; !error && (entry = readdir(folder));)
		error = add_from(clients, dir, entry->d_name);
	closedir(folder);
	return error;
}

int fed_client_read_key(struct fed_client *client, const char *path)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return -errno;
	EVP_PKEY *pkey = PEM_read_PUBKEY(file, NULL, NULL, NULL);
	if (!pkey) {
		rewind(file);
		X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
		pkey = certificate ? X509_get_pubkey(certificate) : NULL;
		X509_free(certificate);
	}
	fclose(file);
	if (!pkey || !fed_key_alg(pkey)) {
		EVP_PKEY_free(pkey);
		return -EINVAL;
	}
	clear_keys(client);
	client->keys[client->n_keys++] = pkey;
	return 0;
}

int fed_client_read_certificate(struct fed_client *client, const char *path)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return -errno;
	X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	if (!certificate)
		return -EINVAL;
	X509_free(client->certificate);
	client->certificate = certificate;
	return 0;
}

static int set_text(char **text, const char *value)
{
	char *copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

int fed_client_set_scopes(struct fed_client *client, const char *scopes)
{
	return set_text(&client->scopes, scopes);
}

int fed_client_set_subject(struct fed_client *client, const char *subject)
{
	return set_text(&client->subject, subject);
}

int fed_client_read_secret(struct fed_client *client, const char *path)
{
	char line[SECRET_MAX];
	FILE *file = fopen(path, "re");
	if (!file)
		return -errno;
	char *got = fgets(line, sizeof(line), file);
	fclose(file);
	if (!got)
		return -EINVAL;
	line[strcspn(line, "\r\n")] = '\0';
	char *copy = *line ? strdup(line) : NULL;
	explicit_bzero(line, sizeof(line));
	if (!copy)
		return -EINVAL;
	free(client->secret);
	client->secret = copy;
	return 0;
}

/* --- private_key_jwt --- */

/* aud: the issuer, or the endpoint that is called; alone or in a list. */
static bool audience_fits(const struct fed *fed, const char *path, const json_t *aud)
{
	size_t len = strlen(fed->issuer);
	const char *text = json_string_value(aud);
	if (text)
		return strncmp(text, fed->issuer, len) == 0 &&
		       (text[len] == '\0' || strcmp(text + len, path) == 0 || strcmp(text + len, "/token") == 0);
	const json_t *one;
	size_t i;
	json_array_foreach (aud, i, one)
		if (json_is_string(one) && audience_fits(fed, path, one))
			return true;
	return false;
}

/* Note that the assertion was used; -EACCES when it was before. */
static int assertion_once(struct fed *fed, const char *client, const char *jti, int64_t expires, int64_t now)
{
	int error = fed_sql(fed->db, "DELETE FROM assertions WHERE expires < ?1", json_pack("[I]", (json_int_t)(now - SKEW_S)), NULL);
	if (!error)
		error = fed_sql(fed->db, "INSERT INTO assertions(client, jti, expires) VALUES(?1, ?2, ?3)",
				json_pack("[s,s,I]", client, jti, (json_int_t)expires), NULL);
	return error == -EEXIST ? -EACCES : error;
}

static const char *claims_fault(const struct fed *fed, const char *path, const char *id, const json_t *claims, int64_t now)
{
	const char *issuer = fed_text(claims, "iss"), *subject = fed_text(claims, "sub");
	const json_t *exp = json_object_get(claims, "exp"), *nbf = json_object_get(claims, "nbf");
	if (!issuer || !subject || strcmp(issuer, id) != 0 || strcmp(subject, id) != 0)
		return "iss and sub of the assertion are not the client";
	if (!audience_fits(fed, path, json_object_get(claims, "aud")))
		return "aud of the assertion is not this service";
	if (!json_is_number(exp) || json_number_value(exp) + SKEW_S <= (double)now)
		return "the assertion has expired";
	if (json_number_value(exp) > (double)(now + ASSERTION_LIFE_MAX_S))
		return "the assertion lives too long";
	if (nbf && (!json_is_number(nbf) || json_number_value(nbf) > (double)(now + SKEW_S)))
		return "the assertion is not valid yet";
	const char *jti = fed_text(claims, "jti");
	if (!jti || !*jti || strlen(jti) > 256)
		return "the assertion has no jti";
	return NULL;
}

static int by_assertion(struct fed *fed, const struct fed_request *request, const char *assertion, const struct fed_client **ret_client,
			const char **ret_why)
{
	json_t *claims = NULL, *peeked = NULL;
	const char *type = fed_form(request, "client_assertion_type"), *named = fed_form(request, "client_id"), *id;
	const struct fed_client *client = NULL;
	int64_t now = b2b_wall_s();
	int error = -EACCES;
	*ret_why = "client_assertion_type is not jwt-bearer";
	if (!type || strcmp(type, ASSERTION_TYPE) != 0)
		goto out;
	fed_secret(fed, assertion);
	*ret_why = "the assertion cannot be read";
	if (fed_jws_peek(assertion, &peeked) != 0)
		goto out;
	id = fed_text(peeked, "sub");
	client = id && (!named || strcmp(named, id) == 0) ? fed_clients_find(fed->clients, id) : NULL;
	*ret_why = "no such client, or it has no key";
	if (!client || client->n_keys == 0)
		goto out;
	*ret_why = "the assertion is not signed by the client's key";
	for (size_t i = 0; !claims && i < client->n_keys; i++)
		fed_jws_verify(assertion, client->keys[i], &claims);
	if (!claims)
		goto out;
	*ret_why = claims_fault(fed, request->path, client->id, claims, now);
	if (*ret_why)
		goto out;
	*ret_why = "the assertion was used before";
	error = assertion_once(fed, client->id, fed_text(claims, "jti"), (int64_t)json_number_value(json_object_get(claims, "exp")), now);
	if (!error)
		*ret_client = client;
out:
	json_decref(peeked);
	json_decref(claims);
	return error;
}

/* --- secrets --- */

static int by_secret(struct fed *fed, const char *id, const char *secret, const struct fed_client **ret_client, const char **ret_why)
{
	const struct fed_client *client = id ? fed_clients_find(fed->clients, id) : NULL;
	*ret_why = "no such client, or not its secret";
	if (!client || !client->secret || !fed_same_secret(client->secret, secret))
		return -EACCES;
	*ret_client = client;
	return 0;
}

/* HTTP basic; both halves are form-encoded first (RFC 6749 section 2.3.1). */
static int by_basic(struct fed *fed, const char *encoded, const struct fed_client **ret_client, const char **ret_why)
{
	char *text = NULL, *form = NULL;
	json_t *pair = json_object();
	int error = -EACCES;
	*ret_why = "the Authorization header cannot be read";
	if (!pair || fed_base64_decode(encoded, &text) != 0)
		goto out;
	char *colon = strchr(text, ':');
	if (!colon || strpbrk(text, "&="))
		goto out;
	*colon = '\0';
	if (asprintf(&form, "id=%s&secret=%s", text, colon + 1) < 0) {
		form = NULL;
		error = -ENOMEM;
		goto out;
	}
	if (fed_form_parse(form, pair) == 0 && fed_text(pair, "secret"))
		error = by_secret(fed, fed_text(pair, "id"), fed_text(pair, "secret"), ret_client, ret_why);
out:
	json_decref(pair);
	free(text);
	free(form);
	return error;
}

int fed_client_authenticate(struct fed *fed, const struct fed_request *request, const struct fed_client **ret_client, const char **ret_why)
{
	const char *header = fed_header(request, "Authorization");
	const char *assertion = fed_form(request, "client_assertion"), *secret = fed_form(request, "client_secret");
	const char *basic = header && strncasecmp(header, "Basic ", 6) == 0 ? header + 6 : NULL;
	int methods = (basic != NULL) + (assertion != NULL) + (secret != NULL);
	*ret_why = "more than one way of client authentication";
	if (methods > 1)
		return -EACCES;
	*ret_why = "no client authentication";
	if (methods == 0)
		return fed_form(request, "client_id") ? fed_client_by_certificate(fed, request, fed_form(request, "client_id"), ret_client, ret_why) : -EACCES;
	if (assertion)
		return by_assertion(fed, request, assertion, ret_client, ret_why);
	if (basic)
		return by_basic(fed, basic, ret_client, ret_why);
	return by_secret(fed, fed_form(request, "client_id"), secret, ret_client, ret_why);
}
