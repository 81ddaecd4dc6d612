/*
 * Security event tokens: the input is a payload and is signed. Whatever it says, an event that is accepted is about somebody,
 * not about more than it names, not of the future, and fit for a terminal.
 */
#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/token.h"
#include "b2bd/json.h"
#include "tests/support/signer.h"

#define NOW 1790000020

static EVP_PKEY *key;
static struct b2b_jwks *jwks;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void prepare(void)
{
	key = signer_key("EdDSA");
	jwks = signer_jwks(key, NULL, NULL);
}

static void check_text(const char *text)
{
	for (; text && *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			abort();
	}
}

/* A member that the SET names and the event lost would make it about everybody of the others: then it has to say that it is vague. */
static void check_width(const struct b2b_event *event, const char *payload, size_t len)
{
	bool person = event->subject || event->person_id;
	json_t *claims = NULL, *subject;

	if (event->vague || (event->device && !person && !event->session))
		return;
	if (!person && !event->tenant && !event->org_unit && !event->group && !event->session)
		abort();
	if (b2b_json_parse(payload, len, &claims) < 0)
		abort();
	subject = json_object_get(claims, "sub_id");
	if (json_object_get(subject, "user") && json_object_get(subject, "tenant") && !person)
		abort();
	if (json_object_get(subject, "session") && json_object_get(subject, "tenant") && !person && !event->session)
		abort();
	json_decref(claims);
}

static void check(const struct b2b_event *event, const char *payload, size_t len)
{
	bool control = event->kind == B2B_EVENT_VERIFICATION || event->kind == B2B_EVENT_STREAM_UPDATED;

	if (!event->jti || !*event->jti || event->time_ms < 0 || event->time_ms > (int64_t)(NOW + 1) * 1000)
		abort();
	check_text(event->reason);
	if (event->kind != B2B_EVENT_OTHER && !control)
		check_width(event, payload, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const critical[] = { "weather", NULL };
	struct b2b_token_expect expect = { .issuer = "https://fed.example", .audience = "host-web7", .now = NOW, .skew_s = 60 };
	struct b2b_event event;
	char *text, *jwt;

	if (!key)
		prepare();
	expect.critical_subject_members = size % 2 ? critical : NULL;
	text = strndup((const char *)data, size);
	jwt = signer_compact(key, "EdDSA", "{\"alg\":\"EdDSA\",\"typ\":\"secevent+jwt\"}", text);
	if (b2b_set_verify(jwt, strlen(jwt), jwks, &expect, &event) == B2B_TOKEN_OK) {
		check(&event, text, strlen(text));
		b2b_event_clear(&event);
	}
	free(jwt);
	free(text);
	return 0;
}
