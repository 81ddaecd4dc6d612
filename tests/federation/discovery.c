/* What the service says about itself: OpenID Connect Discovery 1.0, RFC 8414, the key set. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/federation/http.h"
#include "tests/federation/text.h"

static int add_url(json_t *document, const char *name, const char *base, const char *path)
{
	char *text = NULL;
	if (asprintf(&text, "%s%s", base, path) < 0)
		return -ENOMEM;
	int error = json_object_set_new(document, name, json_string(text)) == 0 ? 0 : -ENOMEM;
	free(text);
	return error;
}

/* RFC 8705 section 5: those endpoints at which a client proves itself. */
static int add_aliases(json_t *document, const struct fed *fed)
{
	json_t *aliases = json_object();
	if (!fed->mtls_url) {
		json_decref(aliases);
		return 0;
	}
	int error = add_url(aliases, "token_endpoint", fed->mtls_url, "/token");
	if (!error)
		error = add_url(aliases, "device_authorization_endpoint", fed->mtls_url, "/device_authorization");
	if (!error && !fed->misbehaviour.no_ciba)
		error = add_url(aliases, "backchannel_authentication_endpoint", fed->mtls_url, "/bc-authorize");
	if (!error)
		error = add_url(aliases, "introspection_endpoint", fed->mtls_url, "/introspect");
	if (!error)
		error = add_url(aliases, "revocation_endpoint", fed->mtls_url, "/revoke");
	if (error) {
		json_decref(aliases);
		return error;
	}
	return json_object_set_new(document, "mtls_endpoint_aliases", aliases) == 0 ? 0 : -ENOMEM;
}

static json_t *auth_methods(const struct fed *fed)
{
	json_t *methods = json_pack("[s,s,s]", "private_key_jwt", "client_secret_basic", "client_secret_post");
	if (fed->mtls_url && (json_array_append_new(methods, json_string("tls_client_auth")) != 0 ||
			      json_array_append_new(methods, json_string("self_signed_tls_client_auth")) != 0)) {
		json_decref(methods);
		return NULL;
	}
	return methods;
}

static json_t *algs(void)
{
	return json_pack("[s,s,s]", "ES256", "RS256", "EdDSA");
}

static json_t *constants(const struct fed *fed)
{
	return json_pack("{ss, s[], s[ssss], s[s], so, so, so, so, so, so, so, s[sssssss], s[sss], s[sssssssssss], s[s], sb}", "issuer", fed->issuer,
			 "response_types_supported", "grant_types_supported", "urn:ietf:params:oauth:grant-type:device_code", "client_credentials",
			 "urn:openid:params:grant-type:ciba", "refresh_token", "subject_types_supported", "public", "id_token_signing_alg_values_supported", algs(),
			 "token_endpoint_auth_methods_supported", auth_methods(fed), "token_endpoint_auth_signing_alg_values_supported", algs(),
			 "introspection_endpoint_auth_methods_supported", auth_methods(fed), "introspection_endpoint_auth_signing_alg_values_supported", algs(),
			 "revocation_endpoint_auth_methods_supported", auth_methods(fed), "revocation_endpoint_auth_signing_alg_values_supported", algs(),
			 "scopes_supported", "openid", "organization", "profile", "offline_access", "directory", FED_SCOPE_WRITE, "ssf",
			 "acr_values_supported", "aal1", "aal2", "aal3", "claims_supported", "iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr",
			 "jti", "sid", "organization", "backchannel_token_delivery_modes_supported", "poll",
			 "backchannel_user_code_parameter_supported", 0);
}

static int discovery(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	static const char *const endpoints[][2] = {
		{ "token_endpoint", "/token" },
		{ "jwks_uri", "/jwks" },
		{ "device_authorization_endpoint", "/device_authorization" },
		{ "backchannel_authentication_endpoint", "/bc-authorize" },
		{ "introspection_endpoint", "/introspect" },
		{ "revocation_endpoint", "/revoke" },
	};
	json_t *document = constants(fed);
	(void)request;
	int error = document ? 0 : -ENOMEM;
	for (size_t i = 0; !error && i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
		error = add_url(document, endpoints[i][0], fed->issuer, endpoints[i][1]);
	if (!error)
		error = add_aliases(document, fed);
	if (!error && fed->misbehaviour.no_ciba)
		error = json_object_del(document, "backchannel_authentication_endpoint");
	if (!error && fed->registration_token)
		error = add_url(document, "registration_endpoint", fed->issuer, "/register");
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
