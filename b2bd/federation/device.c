/* The device grant, RFC 8628: the person enters a code on a page. */
#include <errno.h>
#include <string.h>

#include "b2bd/federation/approval.h"
#include "b2bd/json.h"

#define USER_CODE_MAX 64
#define URI_MAX 1024

/* Printable ASCII without blanks: it goes to a terminal, and into a QR code. */
static bool presentable(const char *text, size_t max)
{
	size_t i;

	for (i = 0; text && text[i]; i++) {
		if (text[i] <= ' ' || text[i] >= 0x7f)
			return false;
	}
	return text && i > 0 && i <= max;
}

static bool presentable_uri(const char *uri)
{
	return presentable(uri, URI_MAX) && strncmp(uri, "https://", 8) == 0;
}

/* RFC 8628 3.2. */
static bool read_answer(const json_t *body, struct b2b_approval_prompt *prompt)
{
	prompt->user_code = b2b_json_text(body, "user_code");
	prompt->verification_uri = b2b_json_text(body, "verification_uri");
	prompt->verification_uri_complete = b2b_json_text(body, "verification_uri_complete");
	if (!presentable_uri(prompt->verification_uri_complete))
		prompt->verification_uri_complete = NULL;
	return presentable(prompt->user_code, USER_CODE_MAX) && presentable_uri(prompt->verification_uri);
}

static const char *const passed[] = { "unauthorized_client", "unsupported_grant_type", NULL };
static const struct b2b_approval_kind kind = {
	.grant = B2B_GRANT_DEVICE,
	.code = "device_code",
	.bad_answer = "the answer to the device authorization request lacks something or cannot be shown",
	.passed = passed,
	.read = read_answer,
};

bool b2b_device_offered(const struct b2b_federation *federation)
{
	return b2b_federation_ready(federation) && federation->discovery.device_authorization_endpoint;
}

int b2b_device_start(struct b2b_federation *federation, const struct b2b_approval_request *request,
                     const struct b2b_approval_handlers *handlers, void *arg, struct b2b_approval **ret_approval)
{
	struct b2b_form form = { 0 };

	if (!b2b_federation_ready(federation))
		return -EHOSTUNREACH;
	if (!b2b_device_offered(federation))
		return -EOPNOTSUPP;
	b2b_form_add(&form, "scope", federation->conf->scope);
	b2b_form_add(&form, "login_hint", request->login_hint);
	return b2b_approval_start(federation, &kind, federation->discovery.device_authorization_endpoint, &form, request->lifetime_s,
	                          handlers, arg, ret_approval);
}
