#include "pam_b2b/recent.h"

#include <string.h>

#include "common/proto.h"
#include "pam_b2b/shown.h"

#define KEYS_MAX 4 /* AuthenticationMethods may want several */

static bool ask(struct b2b_call *call, const char *key, size_t len)
{
	struct b2b_ask_recent body;

	if (len >= sizeof(body.key))
		return false;
	memset(&body, 0, sizeof(body));
	body.origin = call->origin;
	memcpy(body.key, key, len);
	if (b2b_call_ask(call, B2B_ASK_RECENT, &body, call->standing.uid) == B2B_OK)
		return true;
	memset(&call->decision, 0, sizeof(call->decision));
	return false;
}

bool b2b_recent(struct b2b_call *call)
{
	const char *shown = strcmp(call->origin.service, "sshd") == 0 ? b2b_shown(call->pamh) : NULL, *key;
	size_t len;

	for (int n = 0; shown && n < KEYS_MAX && (key = b2b_shown_next(&shown, &len)); n++) {
		if (ask(call, key, len))
			return true;
	}
	return false;
}
