#include "b2bd/signals/poll.h"

#include <errno.h>
#include <string.h>

#include "b2bd/json.h"

int b2b_poll_ack(struct b2b_poll_report *report, const char *jti)
{
	if (!report->acks)
		report->acks = json_object();
	return json_object_set_new(report->acks, jti, json_true()) < 0 ? -ENOMEM : 0;
}

/* RFC 8935 2.4 and RFC 8936 2.6 */
static const char *error_code(enum b2b_token_fault fault)
{
	switch (fault) {
	case B2B_TOKEN_ALG:
	case B2B_TOKEN_KEY_ALG:
	case B2B_TOKEN_UNSIGNED:
	case B2B_TOKEN_KEY_UNKNOWN:
	case B2B_TOKEN_KEY_DISTRUSTED:
		return "invalid_key";
	case B2B_TOKEN_SIGNATURE:
		return "authentication_failed";
	case B2B_TOKEN_ISSUER:
		return "invalid_issuer";
	case B2B_TOKEN_AUDIENCE:
		return "invalid_audience";
	default:
		return "invalid_request";
	}
}

int b2b_poll_refuse(struct b2b_poll_report *report, const char *jti, enum b2b_token_fault fault)
{
	json_t *error = json_pack("{s:s, s:s}", "err", error_code(fault), "description", b2b_token_fault_text(fault));

	if (!report->errs)
		report->errs = json_object();
	return json_object_set_new(report->errs, jti, error) < 0 ? -ENOMEM : 0;
}

bool b2b_poll_has_refusals(const struct b2b_poll_report *report)
{
	return json_object_size(report->errs) > 0;
}

bool b2b_poll_reported(const struct b2b_poll_report *report, const char *jti)
{
	return json_object_get(report->acks, jti) || json_object_get(report->errs, jti);
}

void b2b_poll_report_clear(struct b2b_poll_report *report)
{
	json_decref(report->acks);
	json_decref(report->errs);
	memset(report, 0, sizeof(*report));
}

/* The names of OBJECT's members; a new reference, NULL for want of memory. */
static json_t *names(json_t *object)
{
	json_t *list = json_array(), *value;
	const char *name;

	json_object_foreach(object, name, value) {
		if (json_array_append_new(list, json_string(name)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

char *b2b_poll_body(const struct b2b_poll_report *report, bool immediately)
{
	json_t *object = json_pack("{s:i, s:b}", "maxEvents", B2B_POLL_EVENTS_MAX, "returnImmediately", immediately);
	char *text = NULL;

	if (!object)
		return NULL;
	if ((!json_object_size(report->acks) || json_object_set_new(object, "ack", names(report->acks)) == 0) &&
	    (!json_object_size(report->errs) || json_object_set(object, "setErrs", report->errs) == 0))
		text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return text;
}

static bool all_strings(json_t *sets)
{
	const char *jti;
	json_t *set;

	json_object_foreach(sets, jti, set) {
		if (!json_is_string(set))
			return false;
	}
	return true;
}

int b2b_poll_parse(const char *body, size_t len, struct b2b_poll_answer *ret_answer)
{
	json_t *root = NULL, *sets, *more;
	int r = b2b_json_parse(body, len, &root);

	if (r < 0)
		return r;
	sets = json_object_get(root, "sets");
	more = json_object_get(root, "moreAvailable");
	if ((sets && (!json_is_object(sets) || !all_strings(sets))) || (more && !json_is_boolean(more))) {
		json_decref(root);
		return -EBADMSG;
	}
	*ret_answer = (struct b2b_poll_answer){ .root = root, .sets = sets, .more = json_is_true(more) };
	return 0;
}

void b2b_poll_answer_clear(struct b2b_poll_answer *answer)
{
	json_decref(answer->root);
	memset(answer, 0, sizeof(*answer));
}
