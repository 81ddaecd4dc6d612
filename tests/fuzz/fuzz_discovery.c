/* Metadata documents, and what OAuth endpoints answer: the same bytes as both. */
#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/discovery.h"
#include "b2bd/federation/oauth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_endpoint(const char *url)
{
	if (strncmp(url, "https://", 8) != 0 || strpbrk(url, " \r\n#"))
		abort();
}

static void as_metadata(const char *text, size_t size)
{
	struct b2b_discovery found;
	const char *what;

	if (b2b_discovery_parse(text, size, "https://a.example", false, &found, &what) < 0) {
		if (!what)
			abort();
		return;
	}
	check_endpoint(found.token_endpoint);
	check_endpoint(found.jwks_uri);
	if (found.device_authorization_endpoint)
		check_endpoint(found.device_authorization_endpoint);
	b2b_discovery_clear(&found);
}

static void as_answer(const char *text, size_t size, long status)
{
	const struct b2b_http_response response = { .error_text = "", .content_type = "", .status = status, .body = text, .body_len = size };
	struct b2b_oauth oauth;
	const char *c;

	b2b_oauth_read(&response, &oauth);
	if ((oauth.kind == B2B_OAUTH_OK) != (status == 200 && oauth.body))
		abort();
	for (c = oauth.text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			abort();
	}
	b2b_oauth_clear(&oauth);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	as_metadata(text, size);
	as_answer(text, size, 200);
	as_answer(text, size, 400);
	as_answer(text, size, 503);
	free(text);
	return 0;
}
