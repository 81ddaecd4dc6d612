#include "b2bd/federation/client_identity.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "b2bd/federation/base64url.h"
#include "b2bd/federation/signature.h"
#include "common/clock.h"
#include "common/trusted_file.h"

#define FILE_MAX_SIZE 16384
#define ASSERTION_LIFE_S 60
#define JTI_BYTES 16

struct b2b_client_identity {
	const struct b2b_conf_federation *conf;
	EVP_PKEY *key;
	enum b2b_alg alg;
	char *kid;
	char *secret;
	size_t secret_len; /* as read, newline included */
};

static void wipe_free(char *secret, size_t len)
{
	if (secret)
		explicit_bzero(secret, len);
	free(secret);
}

void b2b_client_identity_free(struct b2b_client_identity *identity)
{
	if (!identity)
		return;
	EVP_PKEY_free(identity->key); /* OpenSSL clears private numbers */
	free(identity->kid);
	wipe_free(identity->secret, identity->secret_len);
	free(identity);
}

const char *b2b_client_identity_kid(const struct b2b_client_identity *identity)
{
	return identity->kid;
}

static int complain(char *error, int code, const char *path, const char *what)
{
	snprintf(error, B2B_CONF_ERROR_SIZE, "%s: %s", path ? path : "[federation]", what);
	return code;
}

/* A file that only root can have written, and that not everybody can read. */
static int read_secret_file(const char *path, char **ret_text, size_t *ret_len, char *error)
{
	struct stat st;
	char *text;
	size_t len;
	int r;

	if (!path)
		return complain(error, -EINVAL, path, "client_key or client_secret_file is needed, as client_auth says");
	r = b2b_trusted_read(path, FILE_MAX_SIZE, &text, &len);
	if (r == -EPERM)
		return complain(error, r, path, "must be a regular file of root's that nobody else can write");
	if (r < 0)
		return complain(error, r, path, strerror(-r));
	if (stat(path, &st) == 0 && (st.st_mode & S_IRWXO)) {
		wipe_free(text, len);
		return complain(error, -EPERM, path, "everybody can read it; expected mode 0640, root:b2b");
	}
	*ret_text = text;
	*ret_len = len;
	return 0;
}

/* Without this, OpenSSL would ask on the terminal for the passphrase of an encrypted key. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static int parse_key(struct b2b_client_identity *identity, const char *text, size_t len, char *error)
{
	const char *path = identity->conf->client_key;
	BIO *bio = BIO_new_mem_buf(text, (int)len);

	identity->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	ERR_clear_error();
	if (!identity->key)
		return complain(error, -EBADMSG, path, "no private key in PEM without passphrase");
	identity->alg = b2b_alg_of_key(identity->key);
	if (identity->alg == B2B_ALG_NONE)
		return complain(error, -EINVAL, path, "expected a key on P-256 or P-384, Ed25519, or RSA of 2,048 to 8,192 bits");
	identity->kid = identity->conf->client_key_id ? strdup(identity->conf->client_key_id) : b2b_key_thumbprint(identity->key);
	return identity->kid ? 0 : complain(error, -ENOMEM, path, strerror(ENOMEM));
}

static int read_key(struct b2b_client_identity *identity, char *error)
{
	char *text;
	size_t len;
	int r = read_secret_file(identity->conf->client_key, &text, &len, error);

	if (r < 0)
		return r;
	r = parse_key(identity, text, len, error);
	wipe_free(text, len);
	return r;
}

/* One line; the newline that editors leave is not part of it. */
static int read_secret(struct b2b_client_identity *identity, char *error)
{
	const char *path = identity->conf->client_secret_file;
	size_t len;
	int r = read_secret_file(path, &identity->secret, &identity->secret_len, error);

	if (r < 0)
		return r;
	len = identity->secret_len;
	while (len && (identity->secret[len - 1] == '\n' || identity->secret[len - 1] == '\r'))
		identity->secret[--len] = '\0';
	if (len == 0 || strlen(identity->secret) != len || strpbrk(identity->secret, "\r\n"))
		return complain(error, -EBADMSG, path, "expected the secret as its one line");
	return 0;
}

int b2b_client_identity_new(const struct b2b_conf_federation *conf, struct b2b_client_identity **ret_identity, char *error)
{
	struct b2b_client_identity *identity = calloc(1, sizeof(*identity));
	int r;

	if (!identity)
		return complain(error, -ENOMEM, NULL, strerror(ENOMEM));
	identity->conf = conf;
	r = conf->client_auth == B2B_CLIENT_PRIVATE_KEY_JWT ? read_key(identity, error) : read_secret(identity, error);
	if (r < 0)
		b2b_client_identity_free(identity);
	else
		*ret_identity = identity;
	return r;
}

static json_t *assertion_claims(const struct b2b_conf_federation *conf, const char *audience)
{
	unsigned char random[JTI_BYTES];
	json_int_t now = b2b_wall_s();
	char *jti;
	json_t *claims;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return NULL;
	jti = b2b_base64url_encode(random, sizeof(random));
	claims = jti ? json_pack("{s:s,s:s,s:s,s:s,s:I,s:I}", "iss", conf->client_id, "sub", conf->client_id, "aud", audience, "jti", jti, "iat",
	                         now, "exp", now + ASSERTION_LIFE_S)
	             : NULL;
	free(jti);
	return claims;
}

/* base64url of an object's text; takes the object. */
static char *encode_object(json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	char *encoded = text ? b2b_base64url_encode(text, strlen(text)) : NULL;

	free(text);
	json_decref(object);
	return encoded;
}

/* RFC 7523 3; the audience is the issuer alone, and `typ` its own, as the revision of that RFC asks. */
static char *make_assertion(const struct b2b_client_identity *identity, const char *token_endpoint)
{
	const struct b2b_conf_federation *conf = identity->conf;
	bool to_endpoint = conf->assertion_audience && strcmp(conf->assertion_audience, "token_endpoint") == 0;
	char *header = encode_object(json_pack("{s:s,s:s,s:s}", "alg", b2b_alg_name(identity->alg), "typ", "client-authentication+jwt", "kid",
	                                       identity->kid));
	char *payload = encode_object(assertion_claims(conf, to_endpoint ? token_endpoint : conf->issuer));
	char *input = NULL, *encoded = NULL, *assertion = NULL;
	unsigned char *signature = NULL;
	size_t len;

	if (!header || !payload || asprintf(&input, "%s.%s", header, payload) < 0) {
		input = NULL;
		goto out;
	}
	if (b2b_signature_make(identity->alg, identity->key, input, strlen(input), &signature, &len) < 0)
		goto out;
	encoded = b2b_base64url_encode(signature, len);
	if (encoded && asprintf(&assertion, "%s.%s", input, encoded) < 0)
		assertion = NULL;
out:
	free(header);
	free(payload);
	free(input);
	free(signature);
	free(encoded);
	return assertion;
}

static int add_assertion(const struct b2b_client_identity *identity, const char *token_endpoint, struct b2b_form *form)
{
	char *assertion = make_assertion(identity, token_endpoint);

	if (!assertion)
		return -EIO;
	b2b_form_add(form, "client_id", identity->conf->client_id);
	b2b_form_add(form, "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
	b2b_form_add(form, "client_assertion", assertion);
	wipe_free(assertion, strlen(assertion));
	return 0;
}

int b2b_client_post(const struct b2b_client_identity *identity, struct b2b_http *http, const char *url, const char *token_endpoint,
                    struct b2b_form *form, void (*done)(void *arg, const struct b2b_http_response *response), void *arg,
                    struct b2b_http_call **ret_call)
{
	struct b2b_http_request request = { .method = "POST", .url = url, .content_type = "application/x-www-form-urlencoded" };
	const struct b2b_conf_federation *conf = identity->conf;
	char *user = NULL, *password = NULL;
	int r = 0;

	if (conf->client_auth == B2B_CLIENT_PRIVATE_KEY_JWT) {
		r = add_assertion(identity, token_endpoint, form);
	} else if (conf->client_auth == B2B_CLIENT_SECRET_POST) {
		b2b_form_add(form, "client_id", conf->client_id);
		b2b_form_add(form, "client_secret", identity->secret);
	} else {
		request.basic_user = user = b2b_form_encode(conf->client_id);
		request.basic_password = password = b2b_form_encode(identity->secret);
		r = user && password ? 0 : -ENOMEM;
	}
	if (r == 0 && form->failed)
		r = -ENOMEM;
	request.body = form->text;
	request.body_len = form->len;
	if (r == 0)
		r = b2b_http_start(http, &request, done, arg, ret_call);
	free(user);
	wipe_free(password, password ? strlen(password) : 0);
	return r;
}
