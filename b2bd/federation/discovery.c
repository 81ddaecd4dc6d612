#include "b2bd/federation/discovery.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/json.h"

#define URL_MAX 2048

void b2b_discovery_clear(struct b2b_discovery *discovery)
{
	free(discovery->token_endpoint);
	free(discovery->jwks_uri);
	free(discovery->device_authorization_endpoint);
	free(discovery->introspection_endpoint);
	free(discovery->registration_endpoint);
	free(discovery->backchannel_authentication_endpoint);
	*discovery = (struct b2b_discovery){ 0 };
}

static bool has_part(CURLU *parsed, CURLUPart part)
{
	char *value = NULL;
	bool found = curl_url_get(parsed, part, &value, 0) == CURLUE_OK;

	curl_free(value);
	return found;
}

static bool endpoint_sane(const char *url)
{
	CURLU *parsed = curl_url();
	bool sane = parsed && strncmp(url, "https://", 8) == 0 && strlen(url) <= URL_MAX &&
	            curl_url_set(parsed, CURLUPART_URL, url, CURLU_DISALLOW_USER) == CURLUE_OK && has_part(parsed, CURLUPART_HOST) &&
	            !has_part(parsed, CURLUPART_FRAGMENT);

	curl_url_cleanup(parsed);
	return sane;
}

static int take_endpoint(const json_t *document, const char *name, bool required, char **ret_url, const char **ret_what)
{
	const char *url = b2b_json_text(document, name);
	char *copy;

	if (!url && !required)
		return 0;
	if (!url || !endpoint_sane(url)) {
		*ret_what = name;
		return url ? -EINVAL : -ENOENT;
	}
	copy = strdup(url);
	if (!copy)
		return -ENOMEM;
	*ret_url = copy;
	return 0;
}

/* Is the array NAME there, with TEXT in it? */
static bool lists(const json_t *document, const char *name, const char *text)
{
	const json_t *one;
	size_t i;

	json_array_foreach (json_object_get(document, name), i, one) {
		if (json_is_string(one) && strcmp(json_string_value(one), text) == 0)
			return true;
	}
	return false;
}

static int read_document(const json_t *document, const char *issuer, struct b2b_discovery *found, const char **ret_what)
{
	const char *said = b2b_json_text(document, "issuer");
	int r;

	if (!said || strcmp(said, issuer) != 0) {
		*ret_what = "issuer";
		return -EPERM;
	}
	if ((r = take_endpoint(document, "token_endpoint", true, &found->token_endpoint, ret_what)) < 0 ||
	    (r = take_endpoint(document, "jwks_uri", true, &found->jwks_uri, ret_what)) < 0)
		return r;
	if ((r = take_endpoint(document, "device_authorization_endpoint", false, &found->device_authorization_endpoint, ret_what)) < 0 ||
	    (r = take_endpoint(document, "introspection_endpoint", false, &found->introspection_endpoint, ret_what)) < 0)
		return r;
	found->ciba_poll = lists(document, "backchannel_token_delivery_modes_supported", "poll");
	if ((r = take_endpoint(document, "backchannel_authentication_endpoint", false, &found->backchannel_authentication_endpoint, ret_what)) < 0)
		return r;
	/* Only b2bctl enroll uses it: one that is no https URL is as good as none, and no reason to log nobody in. */
	r = take_endpoint(document, "registration_endpoint", false, &found->registration_endpoint, ret_what);
	return r == -EINVAL ? 0 : r;
}

/* Over what they are aliases of, so that whoever reads an endpoint gets the right one. */
static void take_aliases(json_t *document)
{
	json_t *aliases = json_object_get(document, "mtls_endpoint_aliases"), *url;
	static const char end[] = "_endpoint";
	const char *name;

	json_object_foreach (aliases, name, url) {
		size_t len = strlen(name);

		if (len > sizeof(end) - 1 && strcmp(name + len - (sizeof(end) - 1), end) == 0 && json_is_string(url))
			json_object_set(document, name, url);
	}
}

int b2b_discovery_parse(const char *text, size_t len, const char *issuer, bool mtls, struct b2b_discovery *ret, const char **ret_what)
{
	struct b2b_discovery found = { 0 };
	json_t *document;
	int r = b2b_json_parse(text, len, &document);

	*ret_what = "document";
	if (r < 0)
		return r;
	if (mtls)
		take_aliases(document);
	r = read_document(document, issuer, &found, ret_what);
	json_decref(document);
	if (r < 0)
		b2b_discovery_clear(&found);
	else
		*ret = found;
	return r;
}

const char *b2b_discovery_fault(int r, const char *what, char *buf, size_t size)
{
	switch (r) {
	case -EPERM:
		snprintf(buf, size, "the metadata is of another issuer than the configured one");
		break;
	case -ENOENT:
		snprintf(buf, size, "the metadata has no %s", what);
		break;
	case -EINVAL:
		snprintf(buf, size, "%s in the metadata is not an https URL", what);
		break;
	default:
		snprintf(buf, size, "not a metadata document");
	}
	return buf;
}

/* OIDC Discovery 4 appends to the issuer; RFC 8414 3.1 inserts between host and path. A slash at the end goes in both. */
char *b2b_discovery_url(const char *issuer, int oauth)
{
	size_t len = strlen(issuer), host;
	char *url = NULL;

	while (len && issuer[len - 1] == '/')
		len--;
	host = strncmp(issuer, "https://", 8) == 0 ? 8 + strcspn(issuer + 8, "/") : len;
	if (host > len)
		host = len;
	if (oauth) {
		if (asprintf(&url, "%.*s/.well-known/oauth-authorization-server%.*s", (int)host, issuer, (int)(len - host), issuer + host) < 0)
			return NULL;
	} else if (asprintf(&url, "%.*s/.well-known/openid-configuration", (int)len, issuer) < 0) {
		return NULL;
	}
	return url;
}
