#include "b2bd/signals/ssf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/event_kinds.h"
#include "b2bd/federation/printable.h"
#include "b2bd/json.h"

#define VERIFICATION_MAX_S 86400
#define STATUS_MAX 20
#define REASON_MAX 120

/* What a host cannot do without. */
static const enum b2b_event_kind needed[] = { B2B_EVENT_SESSION_REVOKED, B2B_EVENT_ACCOUNT_DISABLED };

static int copy_text(const json_t *object, const char *name, char **ret_text)
{
	const char *text = b2b_json_text(object, name);

	*ret_text = text ? strdup(text) : NULL;
	return text && !*ret_text ? -ENOMEM : 0;
}

static bool array_has(const json_t *array, const char *text)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(array, i, entry) {
		if (json_is_string(entry) && !strcmp(json_string_value(entry), text))
			return true;
	}
	return false;
}

/* More of them, or what is no name, cannot be honoured: better no stream than events that mean something else. */
static int take_critical(const json_t *root, struct b2b_ssf_config *config)
{
	const json_t *members = json_object_get(root, "critical_subject_members"), *member;
	size_t i;

	if (members && (!json_is_array(members) || json_array_size(members) > B2B_SSF_CRITICAL_MAX))
		return -EBADMSG;
	json_array_foreach(members, i, member) {
		if (!json_is_string(member))
			return -EBADMSG;
		config->critical_subject_members[i] = strdup(json_string_value(member));
		if (!config->critical_subject_members[i])
			return -ENOMEM;
	}
	return 0;
}

static int config_from(const json_t *root, const char *issuer, struct b2b_ssf_config *config)
{
	const char *named = b2b_json_text(root, "issuer");
	const char *unasked = b2b_json_text(root, "default_subjects");
	const json_t *methods = json_object_get(root, "delivery_methods_supported");
	int r;

	if (!named || !b2b_json_text(root, "configuration_endpoint"))
		return -EBADMSG;
	if (strcmp(named, issuer))
		return -EPERM;
	if (methods && !array_has(methods, B2B_SSF_POLL))
		return -EPROTONOSUPPORT;
	r = copy_text(root, "configuration_endpoint", &config->configuration_endpoint);
	if (r == 0)
		r = copy_text(root, "status_endpoint", &config->status_endpoint);
	if (r == 0)
		r = copy_text(root, "verification_endpoint", &config->verification_endpoint);
	if (r == 0)
		r = copy_text(root, "add_subject_endpoint", &config->add_subject_endpoint);
	config->tells_nothing_unasked = unasked && !strcmp(unasked, "NONE");
	if (r == 0)
		r = take_critical(root, config);
	return r;
}

int b2b_ssf_config_parse(const char *body, size_t len, const char *issuer, struct b2b_ssf_config *ret_config)
{
	struct b2b_ssf_config config = { 0 };
	json_t *root = NULL;
	int r = b2b_json_parse(body, len, &root);

	if (r == 0)
		r = config_from(root, issuer, &config);
	json_decref(root);
	if (r < 0) {
		b2b_ssf_config_clear(&config);
		return r;
	}
	*ret_config = config;
	return 0;
}

void b2b_ssf_config_clear(struct b2b_ssf_config *config)
{
	free(config->configuration_endpoint);
	free(config->status_endpoint);
	free(config->verification_endpoint);
	free(config->add_subject_endpoint);
	for (size_t i = 0; i < B2B_SSF_CRITICAL_MAX; i++)
		free(config->critical_subject_members[i]);
	memset(config, 0, sizeof(*config));
}

char *b2b_ssf_well_known(const char *issuer, int n)
{
	const char *host = strstr(issuer, "://"), *path;
	size_t len = strlen(issuer);
	char *url = NULL;

	while (len && issuer[len - 1] == '/')
		len--;
	path = host ? strchr(host + 3, '/') : NULL;
	if (!path || path > issuer + len)
		path = issuer + len;
	if (n == 0 ? asprintf(&url, "%.*s/.well-known/ssf-configuration%.*s", (int)(path - issuer), issuer, (int)(issuer + len - path), path) < 0
	           : asprintf(&url, "%.*s/.well-known/ssf-configuration", (int)len, issuer) < 0)
		return NULL;
	return url;
}

/* `aud` is one string or several, RFC 7519 4.1.3. */
static bool is_for(const json_t *aud, const char *audience)
{
	return json_is_string(aud) ? !strcmp(json_string_value(aud), audience) : array_has(aud, audience);
}

/* Is there an event among LIST that always means KIND? */
static bool has_kind(const json_t *list, enum b2b_event_kind kind)
{
	const struct b2b_event_meaning *meaning = b2b_event_meanings, *end = meaning + b2b_event_n_meanings;

	for (; meaning < end; meaning++) {
		if (meaning->kind == kind && !meaning->member && array_has(list, meaning->uri))
			return true;
	}
	return false;
}

/* Where the transmitter does not say what it delivers, what was asked for is believed; the first events will tell. */
static bool delivers(const json_t *root)
{
	const json_t *delivered = json_object_get(root, "events_delivered");
	size_t i;

	for (i = 0; json_is_array(delivered) && i < sizeof(needed) / sizeof(*needed); i++) {
		if (!has_kind(delivered, needed[i]))
			return false;
	}
	return true;
}

/* Control events come unasked (SSF 1.0 8.1.4, 8.1.5). */
static bool is_asked_for(const struct b2b_event_meaning *meaning)
{
	return !meaning->member && meaning->kind != B2B_EVENT_OTHER && meaning->kind != B2B_EVENT_VERIFICATION &&
	       meaning->kind != B2B_EVENT_STREAM_UPDATED;
}

/*
 * More than asked for does no harm. What the transmitter does not support can be asked for as often as one likes; where it
 * does not say what was asked for, it is believed.
 */
static bool is_as_asked(const json_t *root)
{
	const json_t *requested = json_object_get(root, "events_requested"), *supported = json_object_get(root, "events_supported");
	size_t i;

	for (i = 0; json_is_array(requested) && i < b2b_event_n_meanings; i++) {
		const char *uri = b2b_event_meanings[i].uri;

		if (is_asked_for(&b2b_event_meanings[i]) && !array_has(requested, uri) && (!supported || array_has(supported, uri)))
			return false;
	}
	return true;
}

static int stream_from(const json_t *root, const char *issuer, const char *audience, struct b2b_ssf_stream *stream)
{
	const json_t *delivery = json_object_get(root, "delivery");
	const char *named = b2b_json_text(root, "iss"), *method = b2b_json_text(delivery, "method");
	json_int_t interval;
	bool polled;
	int r;

	if (!b2b_json_text(root, "stream_id") || !named || !json_object_get(root, "aud") || !method)
		return -EBADMSG;
	if (strcmp(named, issuer) || !is_for(json_object_get(root, "aud"), audience))
		return -EPERM;
	polled = strcmp(method, B2B_SSF_POLL) == 0;
	if (polled && !b2b_json_text(delivery, "endpoint_url"))
		return -EBADMSG;
	stream->delivers = delivers(root);
	stream->as_asked = polled && is_as_asked(root);
	interval = json_integer_value(json_object_get(root, "min_verification_interval"));
	stream->min_verification_s = interval > 0 && interval < VERIFICATION_MAX_S ? (uint32_t)interval : 0;
	r = copy_text(root, "stream_id", &stream->id);
	return r < 0 || !polled ? r : copy_text(delivery, "endpoint_url", &stream->poll_url);
}

static int first_of_list(const json_t *list, const char *issuer, const char *audience, struct b2b_ssf_stream *stream)
{
	struct b2b_ssf_stream found = { 0 };
	const json_t *entry;
	size_t i;
	int r = -ENOENT, one;

	json_array_foreach(list, i, entry) {
		one = stream_from(entry, issuer, audience, &found);
		if (one == 0 && (r < 0 || found.poll_url)) {
			b2b_ssf_stream_clear(stream);
			*stream = found;
			found = (struct b2b_ssf_stream){ 0 };
		}
		b2b_ssf_stream_clear(&found);
		r = r == 0 ? 0 : one;
		if (one == -ENOMEM || stream->poll_url)
			break;
	}
	return r;
}

int b2b_ssf_stream_parse(const char *body, size_t len, const char *issuer, const char *audience, struct b2b_ssf_stream *ret_stream)
{
	struct b2b_ssf_stream stream = { 0 };
	json_t *root = NULL, *wrapped = NULL;
	char *object = NULL;
	int r;

	/* the bounded parser takes objects: a list is put into one */
	if (len && memchr(body, '[', len < 16 ? len : 16) && !memchr(body, '{', (size_t)((const char *)memchr(body, '[', len) - body))) {
		if (asprintf(&object, "{\"list\":%.*s}", (int)len, body) < 0)
			return -ENOMEM;
		r = b2b_json_parse(object, strlen(object), &wrapped);
		if (r == 0)
			r = first_of_list(json_object_get(wrapped, "list"), issuer, audience, &stream);
	} else {
		r = b2b_json_parse(body, len, &root);
		if (r == 0)
			r = stream_from(root, issuer, audience, &stream);
	}
	free(object);
	json_decref(wrapped);
	json_decref(root);
	if (r < 0) {
		b2b_ssf_stream_clear(&stream);
		return r;
	}
	*ret_stream = stream;
	return 0;
}

void b2b_ssf_stream_clear(struct b2b_ssf_stream *stream)
{
	free(stream->id);
	free(stream->poll_url);
	memset(stream, 0, sizeof(*stream));
}

static int describe_status(const char *status, const char *reason, char text[B2B_SSF_STATUS_SIZE])
{
	char *what = b2b_printable(status, STATUS_MAX), *why = b2b_printable(reason ? reason : "no reason is given", REASON_MAX);
	int r = what && why ? 0 : -ENOMEM;

	if (r == 0)
		snprintf(text, B2B_SSF_STATUS_SIZE, "%s (%s)", what, why);
	free(what);
	free(why);
	return r;
}

int b2b_ssf_status_enabled(const char *body, size_t len, char text[B2B_SSF_STATUS_SIZE])
{
	json_t *root = NULL;
	const char *status;
	int r = b2b_json_parse(body, len, &root);

	if (r < 0)
		return r;
	status = b2b_json_text(root, "status");
	if (!status)
		r = -EBADMSG;
	else if (!strcmp(status, "enabled"))
		r = 1;
	else
		r = describe_status(status, b2b_json_text(root, "reason"), text);
	json_decref(root);
	return r;
}

static char *dump(json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	return text;
}

static json_t *wanted_events(void)
{
	json_t *requested = json_array();
	size_t i;

	for (i = 0; i < b2b_event_n_meanings; i++) {
		if (is_asked_for(&b2b_event_meanings[i]))
			json_array_append_new(requested, json_string(b2b_event_meanings[i].uri));
	}
	return requested;
}

char *b2b_ssf_create_body(void)
{
	return dump(json_pack("{s:{s:s}, s:o}", "delivery", "method", B2B_SSF_POLL, "events_requested", wanted_events()));
}

char *b2b_ssf_update_body(const char *stream_id)
{
	return dump(json_pack("{s:s, s:{s:s}, s:o}", "stream_id", stream_id, "delivery", "method", B2B_SSF_POLL, "events_requested",
	                      wanted_events()));
}

char *b2b_ssf_subject_body(const char *stream_id, const char *org_id)
{
	return dump(json_pack("{s:s, s:{s:s, s:{s:s, s:s}}, s:b}", "stream_id", stream_id, "subject", "format", "complex", "tenant", "format",
	                      "opaque", "id", org_id, "verified", 1));
}

char *b2b_ssf_status_body(const char *stream_id)
{
	return dump(json_pack("{s:s, s:s}", "stream_id", stream_id, "status", "enabled"));
}

char *b2b_ssf_verify_body(const char *stream_id, const char *state)
{
	return dump(json_pack("{s:s, s:s}", "stream_id", stream_id, "state", state));
}
