/* What the service says about itself: OpenID Connect Discovery 1.0, RFC 8414, the key set. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/federation/http.h"
#include "tests/federation/text.h"

static char *url(const struct fed *fed, const char *path)
{
	char *text = NULL;
	return asprintf(&text, "%s%s", fed->issuer, path) < 0 ? NULL : text;
}

static int add_url(json_t *document, const char *name, const struct fed *fed, const char *path)
{
	char *text = url(fed, path);
	int error = text && json_object_set_new(document, name, json_string(text)) == 0 ? 0 : -ENOMEM;
	free(text);
	return error;
}

static json_t *auth_methods(void)
{
	return json_pack("[s,s,s]", "private_key_jwt", "client_secret_basic", "client_secret_post");
}

static json_t *algs(void)
{
	return json_pack("[s,s,s]", "ES256", "RS256", "EdDSA");
}

static json_t *constants(const struct fed *fed)
{
	return json_pack("{ss, s[], s[sss], s[s], so, so, so, so, so, so, so, s[sssssss], s[sss], s[sssssssssss]}", "issuer", fed->issuer,
			 "response_types_supported", "grant_types_supported", "urn:ietf:params:oauth:grant-type:device_code", "client_credentials",
			 "refresh_token", "subject_types_supported", "public", "id_token_signing_alg_values_supported", algs(),
			 "token_endpoint_auth_methods_supported", auth_methods(), "token_endpoint_auth_signing_alg_values_supported", algs(),
			 "introspection_endpoint_auth_methods_supported", auth_methods(), "introspection_endpoint_auth_signing_alg_values_supported", algs(),
			 "revocation_endpoint_auth_methods_supported", auth_methods(), "revocation_endpoint_auth_signing_alg_values_supported", algs(),
			 "scopes_supported", "openid", "organization", "profile", "offline_access", "directory", FED_SCOPE_WRITE, "ssf",
			 "acr_values_supported", "aal1", "aal2", "aal3", "claims_supported", "iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr",
			 "jti", "sid", "organization");
}

static int discovery(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	static const char *const endpoints[][2] = {
		{ "token_endpoint", "/token" },
		{ "jwks_uri", "/jwks" },
		{ "device_authorization_endpoint", "/device_authorization" },
		{ "introspection_endpoint", "/introspect" },
		{ "revocation_endpoint", "/revoke" },
	};
	json_t *document = constants(fed);
	(void)request;
	int error = document ? 0 : -ENOMEM;
	for (size_t i = 0; !error && i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
		error = add_url(document, endpoints[i][0], fed, endpoints[i][1]);
	if (!error)
		error = fed_reply_header(reply, "Cache-Control", "public, max-age=300");
	if (error) {
		json_decref(document);
		return error;
	}
	return fed_reply_json(reply, 200, document);
}

static int jwks(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	(void)request;
	int error = fed_reply_header(reply, "Cache-Control", "public, max-age=300");
	if (error)
		return error;
	if (fed->misbehaviour.jwks)
		return fed_reply_text(reply, 200, "application/json", strdup(fed->misbehaviour.jwks));
	return fed_reply_json(reply, 200, fed_keys_jwks(fed->keys));
}

static int start_page(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	(void)fed, (void)request;
	int error = fed_reply_header(reply, "Location", "/desk");
	return error ? error : fed_reply_empty(reply, 302);
}

const struct fed_route fed_discovery_routes[] = {
	{ "GET", "/.well-known/openid-configuration", "discovery", discovery },
	{ "GET", "/.well-known/oauth-authorization-server", "discovery", discovery },
	{ "GET", "/jwks", "jwks", jwks },
	{ "GET", "/", "pages", start_page },
	{ NULL, NULL, NULL, NULL },
};
