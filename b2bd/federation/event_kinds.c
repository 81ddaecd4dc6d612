#include "b2bd/federation/event_kinds.h"

#include <string.h>
#include <strings.h>

#include "b2bd/json.h"

#define CAEP "https://schemas.openid.net/secevent/caep/event-type/"
#define RISC "https://schemas.openid.net/secevent/risc/event-type/"
#define SSF "https://schemas.openid.net/secevent/ssf/event-type/"
#define SSE "https://schemas.openid.net/secevent/sse/event-type/" /* SSF's name before 1.0 */
#define SCIM "urn:ietf:params:scim:event:"

/*
 * What is good news, or says nothing, is passed over; a value that is not known here counts as bad news. SCIM's changes of
 * a record (RFC 9967) do not carry all of it, and one that does may have been overtaken: the directory is asked.
 */
const struct b2b_event_meaning b2b_event_meanings[] = {
	{ RISC "account-disabled", NULL, NULL, B2B_EVENT_ACCOUNT_DISABLED },
	{ SCIM "prov:deactivate", NULL, NULL, B2B_EVENT_ACCOUNT_DISABLED },
	{ RISC "account-purged", NULL, NULL, B2B_EVENT_ACCOUNT_PURGED },
	{ SCIM "prov:delete", NULL, NULL, B2B_EVENT_ACCOUNT_PURGED },
	{ RISC "account-enabled", NULL, NULL, B2B_EVENT_ACCOUNT_ENABLED },
	{ SCIM "prov:activate", NULL, NULL, B2B_EVENT_ACCOUNT_ENABLED },
	{ CAEP "session-revoked", NULL, NULL, B2B_EVENT_SESSION_REVOKED },
	{ RISC "sessions-revoked", NULL, NULL, B2B_EVENT_SESSION_REVOKED },
	{ RISC "credential-compromise", NULL, NULL, B2B_EVENT_SESSION_REVOKED },
	{ CAEP "credential-change", "change_type", "create", B2B_EVENT_OTHER },
	{ CAEP "credential-change", NULL, NULL, B2B_EVENT_REAUTHENTICATE },
	{ CAEP "assurance-level-change", "change_direction", "increase", B2B_EVENT_OTHER },
	{ CAEP "assurance-level-change", NULL, NULL, B2B_EVENT_REAUTHENTICATE },
	{ CAEP "device-compliance-change", "current_status", "compliant", B2B_EVENT_OTHER },
	{ CAEP "device-compliance-change", NULL, NULL, B2B_EVENT_REAUTHENTICATE },
	{ CAEP "risk-level-change", "current_level", "LOW", B2B_EVENT_OTHER },
	{ CAEP "risk-level-change", "current_level", "MEDIUM", B2B_EVENT_OTHER },
	{ CAEP "risk-level-change", NULL, NULL, B2B_EVENT_REAUTHENTICATE },
	{ RISC "account-credential-change-required", NULL, NULL, B2B_EVENT_REAUTHENTICATE },
	{ RISC "recovery-activated", NULL, NULL, B2B_EVENT_REAUTHENTICATE },
	{ CAEP "token-claims-change", NULL, NULL, B2B_EVENT_REREAD },
	{ RISC "identifier-changed", NULL, NULL, B2B_EVENT_REREAD },
	{ RISC "identifier-recycled", NULL, NULL, B2B_EVENT_REREAD },
	{ RISC "opt-out-effective", NULL, NULL, B2B_EVENT_REREAD },
	{ SCIM "prov:create:full", NULL, NULL, B2B_EVENT_REREAD },
	{ SCIM "prov:create:notice", NULL, NULL, B2B_EVENT_REREAD },
	{ SCIM "prov:patch:full", NULL, NULL, B2B_EVENT_REREAD },
	{ SCIM "prov:patch:notice", NULL, NULL, B2B_EVENT_REREAD },
	{ SCIM "prov:put:full", NULL, NULL, B2B_EVENT_REREAD },
	{ SCIM "prov:put:notice", NULL, NULL, B2B_EVENT_REREAD },
	{ SCIM "feed:add", NULL, NULL, B2B_EVENT_REREAD },
	{ SCIM "feed:remove", NULL, NULL, B2B_EVENT_REREAD },
	{ CAEP "session-established", NULL, NULL, B2B_EVENT_OTHER },
	{ CAEP "session-presented", NULL, NULL, B2B_EVENT_OTHER },
	{ RISC "opt-in", NULL, NULL, B2B_EVENT_OTHER },
	{ RISC "opt-out-initiated", NULL, NULL, B2B_EVENT_OTHER },
	{ RISC "opt-out-cancelled", NULL, NULL, B2B_EVENT_OTHER },
	{ RISC "recovery-information-changed", NULL, NULL, B2B_EVENT_OTHER },
	{ SCIM "misc:asyncresp", NULL, NULL, B2B_EVENT_OTHER },
	{ SSF "verification", NULL, NULL, B2B_EVENT_VERIFICATION },
	{ SSE "verification", NULL, NULL, B2B_EVENT_VERIFICATION },
	{ SSF "stream-updated", NULL, NULL, B2B_EVENT_STREAM_UPDATED },
	{ SSE "stream-updated", NULL, NULL, B2B_EVENT_STREAM_UPDATED },
};
const size_t b2b_event_n_meanings = sizeof(b2b_event_meanings) / sizeof(*b2b_event_meanings);

static bool fits(const struct b2b_event_meaning *meaning, const char *uri, const json_t *body)
{
	const char *value;

	if (strcmp(meaning->uri, uri) != 0)
		return false;
	if (!meaning->member)
		return true;
	value = b2b_json_text(body, meaning->member);
	return value && strcasecmp(value, meaning->value) == 0;
}

enum b2b_event_kind b2b_event_kind_of(const char *uri, const json_t *body)
{
	size_t i;

	for (i = 0; i < b2b_event_n_meanings; i++) {
		if (fits(&b2b_event_meanings[i], uri, body))
			return b2b_event_meanings[i].kind;
	}
	return B2B_EVENT_OTHER;
}

const char *b2b_event_effect(enum b2b_event_kind kind)
{
	switch (kind) {
	case B2B_EVENT_ACCOUNT_DISABLED:
	case B2B_EVENT_ACCOUNT_PURGED:
		return "close";
	case B2B_EVENT_ACCOUNT_ENABLED:
		return "open";
	case B2B_EVENT_SESSION_REVOKED:
		return "end sessions";
	case B2B_EVENT_REAUTHENTICATE:
		return "authenticate again";
	case B2B_EVENT_REREAD:
		return "read again";
	case B2B_EVENT_VERIFICATION:
	case B2B_EVENT_STREAM_UPDATED:
		return "stream";
	case B2B_EVENT_OTHER:
		break;
	}
	return "nothing";
}
