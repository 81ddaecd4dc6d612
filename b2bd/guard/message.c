#include "b2bd/guard/message.h"

#include <errno.h>
#include <string.h>

static bool terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static int check_person(const struct b2b_guard_message *message, const struct b2b_policy *policy)
{
	const struct b2b_policy_org *org = &policy->orgs[message->org];

	/* range_lo is a group's id: nobody's uid. */
	return message->uid > org->range_lo && message->uid <= org->range_hi ? 0 : -ERANGE;
}

static int check_end(const struct b2b_guard_message *message, const struct b2b_policy *policy)
{
	if (!terminated(message->audit_id, sizeof(message->audit_id)) || !terminated(message->message, sizeof(message->message)))
		return -EBADMSG;
	switch (message->scope) {
	case B2B_SCOPE_ORG:
		return 0;
	case B2B_SCOPE_USER:
		return check_person(message, policy);
	case B2B_SCOPE_SESSION:
		return message->pid <= 1 ? -EINVAL : check_person(message, policy);
	default:
		return -EINVAL;
	}
}

/* About one session, and with something to say. */
static int check_tell(const struct b2b_guard_message *message, const struct b2b_policy *policy)
{
	int r = check_end(message, policy);

	return r < 0 ? r : message->scope == B2B_SCOPE_SESSION && *message->message ? 0 : -EINVAL;
}

int b2b_guard_message_check(const void *packet, size_t size, bool has_fd, const struct b2b_policy *policy,
                            struct b2b_guard_message *ret_message)
{
	struct b2b_guard_message message;
	int r;

	if (size != B2B_GUARD_PACKET)
		return -EBADMSG;
	memcpy(&message, packet, sizeof(message));
	if ((message.type == B2B_GUARD_INSTALL) != has_fd)
		r = -EBADMSG;
	else if (message.type != B2B_GUARD_INSTALL && message.type != B2B_GUARD_END && message.type != B2B_GUARD_TELL)
		r = -EBADMSG;
	else if (message.org < 0 || (uint32_t)message.org >= policy->n_orgs)
		r = -EINVAL;
	else
		r = message.type == B2B_GUARD_END    ? check_end(&message, policy)
		    : message.type == B2B_GUARD_TELL ? check_tell(&message, policy)
		                                     : 0;
	if (r < 0) {
		memset(ret_message, 0, sizeof(*ret_message));
		ret_message->type = message.type;
		ret_message->serial = message.serial;
		return r;
	}
	*ret_message = message;
	return 0;
}
