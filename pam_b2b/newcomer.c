/* Who logs in for the first time where there is no directory: not in the cache yet, but with an id that the agent keeps. */
#include <security/pam_modutil.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "pam_b2b/call.h"

static enum b2b_reason ask(const char *name, struct b2b_say_reserved *ret_reserved)
{
	uint64_t deadline = b2b_now_ns() + B2B_ASK_LIMIT_S * B2B_NS_PER_S;
	struct b2b_ask_name body;
	union {
		struct b2b_say_name name;
		struct b2b_say_reserved reserved;
	} said;
	uint16_t type;
	int fd, r;

	if (strlen(name) >= sizeof(body.name))
		return B2B_USER_UNKNOWN;
	memset(&body, 0, sizeof(body));
	memcpy(body.name, name, strlen(name));
	fd = b2b_agent_connect(deadline);
	if (fd < 0)
		return B2B_AGENT_DOWN;
	r = b2b_agent_send(fd, B2B_ASK_NAME, &body, deadline);
	if (r == 0)
		r = b2b_agent_receive(fd, 0, &type, &said, sizeof(said), deadline);
	close(fd);
	if (r < 0)
		return B2B_AGENT_DOWN;
	if (type == B2B_SAY_NAME) /* published just now: sshd has it from before */
		return said.name.reason == B2B_OK ? B2B_AUTH_AGAIN : (enum b2b_reason)said.name.reason;
	if (type != B2B_SAY_RESERVED)
		return B2B_PROTOCOL;
	*ret_reserved = said.reserved;
	return B2B_OK;
}

/* The name as it is kept here is root's to say: the cache's, through getpwnam. A local part has no separator in it. */
static enum b2b_reason take_name(const struct passwd *pw, struct b2b_standing *standing)
{
	const char *separator = strpbrk(pw->pw_name, B2B_SEPARATORS);

	if (!separator || strlen(pw->pw_name) >= sizeof(standing->name))
		return B2B_INTERNAL;
	memcpy(standing->name, pw->pw_name, strlen(pw->pw_name));
	memcpy(standing->alias, separator + 1, strlen(separator + 1));
	return B2B_OK;
}

/* sshd keeps the id that it was told when the connection came. */
static bool kept_since(const struct b2b_say_reserved *reserved, uint64_t began_ns)
{
	uint64_t now = b2b_now_ns();

	return began_ns >= reserved->since_ns && began_ns <= now && now - began_ns < reserved->keep_s * B2B_NS_PER_S;
}

enum b2b_reason b2b_call_newcomer(struct b2b_call *call, const char *name, uint64_t began_ns, struct b2b_standing *ret_standing)
{
	struct b2b_say_reserved reserved;
	struct passwd *pw = pam_modutil_getpwnam(call->pamh, name);
	enum b2b_reason reason;

	if (!pw)
		return B2B_USER_UNKNOWN;
	reason = ask(name, &reserved);
	if (reason != B2B_OK)
		return reason;
	memset(ret_standing, 0, sizeof(*ret_standing));
	ret_standing->uid = reserved.uid;
	reason = take_name(pw, ret_standing);
	if (reason != B2B_OK)
		return reason;
	if (strcmp(name, ret_standing->name) != 0)
		return B2B_NAME_INVALID;
	if (pw->pw_uid != reserved.uid)
		return b2b_call_other_uid(call, name, pw->pw_uid, reserved.uid);
	return kept_since(&reserved, began_ns) ? B2B_OK : B2B_AUTH_AGAIN;
}
