/* Security Event Token: RFC 8417 with the profile of SSF 1.0 4.1; events of CAEP, RISC and SSF itself. */
#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/claims.h"
#include "b2bd/federation/event_kinds.h"
#include "b2bd/federation/jws.h"
#include "b2bd/federation/printable.h"
#include "b2bd/federation/subject.h"
#include "b2bd/json.h"

#define REASON_MAX 200 /* one line on a terminal */
#define STATE_MAX 1024

/* A date past this, in seconds, would be the year 5138: some transmitters send milliseconds. */
#define SECONDS_SANE 100000000000.0

void b2b_event_clear(struct b2b_event *event)
{
	free(event->jti);
	free(event->subject);
	free(event->person_id);
	free(event->tenant);
	free(event->org_unit);
	free(event->group);
	free(event->session);
	free(event->state);
	free(event->reason);
	*event = (struct b2b_event){ 0 };
}

/* SSF 1.0 4.1.8: exactly one event in a SET. */
static enum b2b_token_fault only_event(const json_t *claims, enum b2b_event_kind *ret_kind, json_t **ret_event)
{
	json_t *events = json_object_get(claims, "events"), *event;
	void *at;

	if (!json_is_object(events) || json_object_size(events) != 1)
		return B2B_TOKEN_EVENTS;
	at = json_object_iter(events);
	event = json_object_iter_value(at);
	if (!json_is_object(event))
		return B2B_TOKEN_EVENTS;
	*ret_kind = b2b_event_kind_of(json_object_iter_key(at), event);
	*ret_event = event;
	return B2B_TOKEN_OK;
}

static bool is_control(enum b2b_event_kind kind)
{
	return kind == B2B_EVENT_VERIFICATION || kind == B2B_EVENT_STREAM_UPDATED;
}

static bool copy_text(const char *text, char **ret_copy)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return false;
	*ret_copy = copy;
	return true;
}

/* `sub_id` of the SET; CAEP and RISC events of older transmitters carry `subject` within the event instead. */
static enum b2b_token_fault read_subject(const json_t *claims, const json_t *body, const struct b2b_token_expect *expect,
                                         struct b2b_event *event)
{
	const json_t *subject = json_object_get(claims, "sub_id");
	struct b2b_subject found;
	enum b2b_token_fault fault;
	bool named;

	if (!subject)
		subject = json_object_get(body, "subject");
	fault = b2b_subject_read(subject, expect->issuer, expect->critical_subject_members, &found);
	if (fault != B2B_TOKEN_OK)
		return fault;
	named = found.user || found.person_id || found.vague;
	if (event->kind == B2B_EVENT_REREAD) {
		/* the record is the person's, and a session may be all that names one */
		if (named)
			found.session = NULL;
	} else if (event->kind != B2B_EVENT_SESSION_REVOKED && event->kind != B2B_EVENT_REAUTHENTICATE) {
		/* an account is a person's or an organisation's; one session of a tenant is not the tenant */
		if (found.session && !named)
			return B2B_TOKEN_SUBJECT;
		found.session = NULL;
	}
	event->vague = found.vague;
	event->aliases = found.aliases;
	event->device = found.device;
	return copy_text(found.user, &event->subject) && copy_text(found.person_id, &event->person_id) &&
	                       copy_text(found.tenant, &event->tenant) && copy_text(found.org_unit, &event->org_unit) &&
	                       copy_text(found.group, &event->group) && copy_text(found.session, &event->session)
	               ? B2B_TOKEN_OK
	               : B2B_TOKEN_MALFORMED;
}

static int64_t milliseconds(double seconds)
{
	if (seconds > SECONDS_SANE)
		seconds /= 1000;
	if (!(seconds < SECONDS_SANE))
		seconds = SECONDS_SANE;
	return seconds < 0 ? 0 : (int64_t)(seconds * 1000 + 0.5);
}

/* When it happened: event_timestamp (CAEP 2), else toe (RFC 8417 2.2), else when the SET was made. */
static enum b2b_token_fault read_time(const json_t *claims, const json_t *body, int64_t now_s, struct b2b_event *event)
{
	const json_t *iat = json_object_get(claims, "iat"), *when = json_object_get(body, "event_timestamp");

	if (!json_is_number(iat))
		return B2B_TOKEN_CLAIM;
	if (!json_is_number(when))
		when = json_object_get(claims, "toe");
	event->time_ms = milliseconds(json_number_value(json_is_number(when) ? when : iat));
	/* a transmitter whose clock runs ahead must not void log-ins that come after */
	event->future = event->time_ms >= (now_s + 1) * 1000;
	if (event->future)
		event->time_ms = now_s * 1000;
	return B2B_TOKEN_OK;
}

static bool is_english(const char *tag)
{
	return strncasecmp(tag, "en", 2) == 0 && (tag[2] == '\0' || tag[2] == '-');
}

/* CAEP 2: an object keyed by language; a plain string with older transmitters. */
static const char *in_english(json_t *reason)
{
	const char *tag;
	json_t *text;

	if (json_is_string(reason))
		return json_string_value(reason);
	json_object_foreach (reason, tag, text) {
		if (is_english(tag) && json_is_string(text))
			return json_string_value(text);
	}
	return NULL;
}

static enum b2b_token_fault read_reason(const json_t *body, struct b2b_event *event)
{
	const char *reason = in_english(json_object_get(body, "reason_user"));

	if (!reason)
		reason = in_english(json_object_get(body, "reason_admin"));
	if (!reason)
		return B2B_TOKEN_OK;
	event->reason = b2b_printable(reason, REASON_MAX);
	return event->reason ? B2B_TOKEN_OK : B2B_TOKEN_MALFORMED;
}

static enum b2b_token_fault read_control(const json_t *body, struct b2b_event *event)
{
	const char *state = b2b_json_text(body, event->kind == B2B_EVENT_VERIFICATION ? "state" : "status");
	const char *reason = b2b_json_text(body, "reason");

	if (state && strlen(state) > STATE_MAX)
		return B2B_TOKEN_CLAIM;
	/* of a stream's status, SSF 1.0 8.1.5: for the administrator, who finds it in the log */
	if (reason && !event->reason && !(event->reason = b2b_printable(reason, REASON_MAX)))
		return B2B_TOKEN_MALFORMED;
	return copy_text(state, &event->state) ? B2B_TOKEN_OK : B2B_TOKEN_MALFORMED;
}

static enum b2b_token_fault read_event(const json_t *claims, const struct b2b_token_expect *expect, struct b2b_event *event)
{
	enum b2b_token_fault fault;
	bool others;
	json_t *body;

	if ((fault = b2b_claims_issuer(claims, expect->issuer)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_audience(claims, expect->audience, &others)) != B2B_TOKEN_OK ||
	    (fault = b2b_claims_copy(claims, "jti", true, &event->jti)) != B2B_TOKEN_OK ||
	    (fault = only_event(claims, &event->kind, &body)) != B2B_TOKEN_OK ||
	    (fault = read_time(claims, body, expect->now, event)) != B2B_TOKEN_OK || (fault = read_reason(body, event)) != B2B_TOKEN_OK)
		return fault;
	if (is_control(event->kind))
		return read_control(body, event);
	/* an event that nothing follows from may be about what we do not understand */
	return event->kind == B2B_EVENT_OTHER ? B2B_TOKEN_OK : read_subject(claims, body, expect, event);
}

enum b2b_token_fault b2b_set_verify(const char *jwt, size_t len, const struct b2b_jwks *jwks,
                                    const struct b2b_token_expect *expect, struct b2b_event *ret_event)
{
	static const struct b2b_jws_typ typ = { .name = "secevent+jwt" };
	struct b2b_event event = { 0 };
	json_t *claims = NULL;
	enum b2b_token_fault fault = b2b_jws_verify(jwt, len, jwks, &typ, &claims);

	if (fault == B2B_TOKEN_OK)
		fault = read_event(claims, expect, &event);
	if (fault == B2B_TOKEN_OK)
		*ret_event = event;
	else
		b2b_event_clear(&event);
	json_decref(claims);
	return fault;
}
