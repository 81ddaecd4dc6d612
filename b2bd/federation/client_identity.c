#include "b2bd/federation/client_identity.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "b2bd/federation/base64url.h"
#include "b2bd/federation/client_proof.h"
#include "common/clock.h"
#include "common/log.h"
#include "b2bd/secret.h"

#define ASSERTION_LIFE_S 60
#define JTI_BYTES 16

struct b2b_client_identity {
	const struct b2b_conf_federation *conf;
	struct b2b_client_proof proof;
	char *former; /* certificate's x5t#S256: tokens that were given with it live on */
	char complaint[B2B_CONF_ERROR_SIZE]; /* about files that came later, as logged; "" for none */
};

void b2b_client_identity_free(struct b2b_client_identity *identity)
{
	if (!identity)
		return;
	b2b_client_proof_clear(&identity->proof);
	free(identity->former);
	free(identity);
}

const char *b2b_client_identity_kid(const struct b2b_client_identity *identity)
{
	return identity->proof.kid;
}

void b2b_client_identity_certificates(const struct b2b_client_identity *identity, const char *ret[2])
{
	ret[0] = identity->proof.x5t;
	ret[1] = identity->former;
}

int b2b_client_identity_new(const struct b2b_conf_federation *conf, struct b2b_client_identity **ret_identity, char *error)
{
	struct b2b_client_identity *identity = calloc(1, sizeof(*identity));
	int r;

	if (!identity) {
		snprintf(error, B2B_CONF_ERROR_SIZE, "[federation]: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	identity->conf = conf;
	r = b2b_client_proof_load(conf, &identity->proof, error);
	if (r < 0)
		b2b_client_identity_free(identity);
	else
		*ret_identity = identity;
	return r;
}

/* A key that is rolled over needs no reload. Files that cannot be used change nothing: what was read before stays in use. */
static void renew(struct b2b_client_identity *identity)
{
	char error[B2B_CONF_ERROR_SIZE] = "";
	struct b2b_client_proof proof;

	if (!b2b_client_proof_outdated(identity->conf, &identity->proof))
		return;
	if (b2b_client_proof_load(identity->conf, &proof, error) < 0) {
		if (strcmp(error, identity->complaint) != 0)
			b2b_log(LOG_ERR, "event=client-key-unusable error=\"%s\"; the former one stays in use", error);
		memcpy(identity->complaint, error, sizeof(error));
		return;
	}
	if (identity->proof.x5t && strcmp(identity->proof.x5t, proof.x5t) != 0) {
		free(identity->former);
		identity->former = identity->proof.x5t;
		identity->proof.x5t = NULL;
	}
	b2b_client_proof_clear(&identity->proof);
	identity->proof = proof;
	identity->complaint[0] = '\0';
	b2b_log(LOG_INFO, "event=client-key-renewed kid=%s", proof.kid ? proof.kid : "-");
}

int b2b_client_identity_present(struct b2b_client_identity *identity, struct b2b_http *http)
{
	const struct b2b_client_proof *proof = &identity->proof;

	renew(identity);
	if (!b2b_client_auth_tls(identity->conf->client_auth))
		return 0;
	return b2b_http_set_certificate(http, proof->certificate.text, proof->key_text.text);
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

/* RFC 7523 3; the audience is the issuer alone, and `typ` its own, as the revision of that RFC asks; else what root says of an older service. */
static const char *audience_of(const struct b2b_conf_federation *conf, const char *url, const char *token_endpoint)
{
	const char *audience = conf->assertion_audience ? conf->assertion_audience : "";

	return strcmp(audience, "token_endpoint") == 0 ? token_endpoint : strcmp(audience, "endpoint") == 0 ? url : conf->issuer;
}

static char *make_assertion(const struct b2b_client_identity *identity, const char *audience)
{
	const struct b2b_conf_federation *conf = identity->conf;
	char *header = encode_object(json_pack("{s:s,s:s,s:s}", "alg", b2b_alg_name(identity->proof.alg), "typ", "client-authentication+jwt", "kid",
	                                       identity->proof.kid));
	char *payload = encode_object(assertion_claims(conf, audience));
	char *input = NULL, *encoded = NULL, *assertion = NULL;
	unsigned char *signature = NULL;
	size_t len;

	if (!header || !payload || asprintf(&input, "%s.%s", header, payload) < 0) {
		input = NULL;
		goto out;
	}
	if (b2b_signature_make(identity->proof.alg, identity->proof.key, input, strlen(input), &signature, &len) < 0)
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

static int add_assertion(const struct b2b_client_identity *identity, const char *audience, struct b2b_form *form)
{
	char *assertion = make_assertion(identity, audience);

	if (!assertion)
		return -EIO;
	b2b_form_add(form, "client_id", identity->conf->client_id);
	b2b_form_add(form, "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
	b2b_form_add(form, "client_assertion", assertion);
	explicit_bzero(assertion, strlen(assertion));
	free(assertion);
	return 0;
}

int b2b_client_post(struct b2b_client_identity *identity, struct b2b_http *http, const char *url, const char *token_endpoint,
                    struct b2b_form *form, void (*done)(void *arg, const struct b2b_http_response *response), void *arg,
                    struct b2b_http_call **ret_call)
{
	struct b2b_http_request request = { .method = "POST", .url = url, .content_type = "application/x-www-form-urlencoded" };
	const struct b2b_conf_federation *conf = identity->conf;
	char *user = NULL, *password = NULL;
	int r = b2b_client_identity_present(identity, http);

	if (r < 0)
		return r;
	if (conf->client_auth == B2B_CLIENT_PRIVATE_KEY_JWT) {
		r = add_assertion(identity, audience_of(conf, url, token_endpoint), form);
	} else if (conf->client_auth == B2B_CLIENT_SECRET_BASIC) {
		request.basic_user = user = b2b_form_encode(conf->client_id);
		request.basic_password = password = b2b_form_encode(identity->proof.secret.text);
		r = user && password ? 0 : -ENOMEM;
	} else {
		/* RFC 8705 2: with a certificate, client_id says whose it is */
		b2b_form_add(form, "client_id", conf->client_id);
		b2b_form_add(form, "client_secret", identity->proof.secret.text);
	}
	if (r == 0 && form->failed)
		r = -ENOMEM;
	request.body = form->text;
	request.body_len = form->len;
	if (r == 0)
		r = b2b_http_start(http, &request, done, arg, ret_call);
	free(user);
	b2b_secret_free(password);
	return r;
}
