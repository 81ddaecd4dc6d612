#include "pam_b2b/call.h"

#include <errno.h>
#include <security/pam_ext.h>
#include <security/pam_modutil.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "common/clean.h"
#include "common/clock.h"
#include "common/log.h"

/* Returns false when the item was cut. */
static bool take_item(pam_handle_t *pamh, int item, char *buf, size_t size)
{
	const void *value = NULL;

	if (pam_get_item(pamh, item, &value) != PAM_SUCCESS || !value)
		value = "";
	return (size_t)snprintf(buf, size, "%s", (const char *)value) < size;
}

static bool is_ours(struct b2b_call *call, int item)
{
	const void *name = NULL;

	/* the whole name, not the copy: what was cut may look like somebody else */
	if (pam_get_item(call->pamh, item, &name) != PAM_SUCCESS || !name)
		return false;
	return call->cache ? b2b_cache_ours(call->cache, name) == 1 : b2b_name_candidate(name);
}

bool b2b_call_begin(struct b2b_call *call, pam_handle_t *pamh, const char *event, int argc, const char **argv)
{
	const char *user = NULL;

	memset(call, 0, sizeof(*call));
	call->pamh = pamh;
	call->event = event;
	b2b_pam_options(argc, argv, &call->options);
	if (pam_get_user(pamh, &user, NULL) != PAM_SUCCESS || !user)
		return false;
	if (b2b_cache_new(NULL, &call->cache) < 0)
		call->cache = NULL;
	call->user_ours = is_ours(call, PAM_USER);
	call->ruser_ours = is_ours(call, PAM_RUSER);
	call->cut = !take_item(pamh, PAM_USER, call->origin.user, sizeof(call->origin.user));
	call->cut |= !take_item(pamh, PAM_SERVICE, call->origin.service, sizeof(call->origin.service));
	take_item(pamh, PAM_TTY, call->origin.tty, sizeof(call->origin.tty));
	take_item(pamh, PAM_RHOST, call->origin.rhost, sizeof(call->origin.rhost));
	take_item(pamh, PAM_RUSER, call->origin.ruser, sizeof(call->origin.ruser));
	return call->user_ours || call->ruser_ours;
}

void b2b_call_end(struct b2b_call *call)
{
	b2b_cache_free(call->cache);
	explicit_bzero(&call->decision, sizeof(call->decision));
}

const char *b2b_call_id(struct b2b_call *call)
{
	if (!*call->decision.audit_id)
		b2b_audit_id(call->decision.audit_id);
	return call->decision.audit_id;
}

enum b2b_reason b2b_call_allowed(struct b2b_call *call)
{
	if (geteuid() != 0)
		return B2B_NOT_ROOT;
	if (call->options.wrong) {
		pam_syslog(call->pamh, LOG_ERR, "option \"%s\" is not known or has a wrong value; partners are refused (id=%s)", call->options.wrong,
		           b2b_call_id(call));
		return B2B_INTERNAL;
	}
	return call->cut || !call->cache ? B2B_INTERNAL : B2B_OK;
}

enum b2b_reason b2b_call_other_uid(struct b2b_call *call, const char *name, uid_t other, uint32_t uid)
{
	pam_syslog(call->pamh, LOG_ERR, "getpwnam gives %s the uid %u instead of %u: another source of names stands in front (id=%s)", name,
	           (unsigned)other, uid, b2b_call_id(call));
	return B2B_INTERNAL;
}

enum b2b_reason b2b_call_person(struct b2b_call *call, const char *name, struct b2b_standing *ret_standing)
{
	int r = b2b_cache_standing(call->cache, name, call->origin.service, ret_standing);
	struct passwd *pw;

	if (r == -ENOENT || r == -ESRCH)
		return B2B_USER_UNKNOWN;
	if (r < 0)
		return B2B_CACHE_DOWN;
	if (strcmp(name, ret_standing->name) != 0)
		return B2B_NAME_INVALID;
	/* sshd dies of a success for somebody whom getpwnam does not know; and a local entry of the name is not the partner */
	pw = pam_modutil_getpwnam(call->pamh, name);
	if (!pw)
		return B2B_USER_UNKNOWN;
	if (pw->pw_uid == ret_standing->uid)
		return B2B_OK;
	return b2b_call_other_uid(call, name, pw->pw_uid, ret_standing->uid);
}

enum b2b_reason b2b_standing_words(const struct b2b_standing *standing)
{
	if (!standing->agent_alive)
		return B2B_AGENT_DOWN; /* nobody would close the words */
	return standing->user_open && standing->org_open ? B2B_OK : B2B_REVOKED;
}

enum b2b_reason b2b_standing_verdict(const struct b2b_standing *standing)
{
	enum b2b_reason reason = b2b_standing_words(standing);

	if (reason != B2B_OK)
		return reason;
	if (!standing->service_granted)
		return B2B_SERVICE_DENIED;
	return standing->lease_valid ? B2B_OK : B2B_STALE;
}

bool b2b_standing_moved(const struct b2b_standing *before, const struct b2b_standing *after)
{
	return before->uid != after->uid || before->word != after->word || before->org_words != after->org_words;
}

static enum b2b_reason ask(struct b2b_call *call, uint16_t type, const void *body)
{
	uint64_t deadline = b2b_now_ns() + B2B_ASK_LIMIT_S * B2B_NS_PER_S;
	int fd = b2b_agent_connect(deadline), r;

	if (fd < 0)
		return B2B_AGENT_DOWN;
	r = b2b_agent_send(fd, type, body, deadline);
	if (r == 0)
		r = b2b_agent_receive(fd, B2B_SAY_DECISION, NULL, &call->decision, sizeof(call->decision), deadline);
	close(fd);
	if (r < 0)
		memset(&call->decision, 0, sizeof(call->decision));
	if (r == -EBADMSG)
		return B2B_PROTOCOL;
	return r < 0 ? B2B_AGENT_DOWN : (enum b2b_reason)call->decision.reason;
}

enum b2b_reason b2b_call_ask(struct b2b_call *call, uint16_t type, const void *body, uint32_t uid)
{
	enum b2b_reason reason = ask(call, type, body);

	return reason == B2B_OK && call->decision.uid != uid ? B2B_PROTOCOL : reason;
}

void b2b_call_ticket(struct b2b_call *call, char ticket[B2B_TICKET_SIZE])
{
	const char *value = pam_getenv(call->pamh, B2B_TICKET_VARIABLE);

	memset(ticket, 0, B2B_TICKET_SIZE);
	if (value && strlen(value) < B2B_TICKET_SIZE)
		memcpy(ticket, value, strlen(value));
}

static void tell_person(struct b2b_call *call, enum b2b_reason reason)
{
	struct b2b_say_decision *decision = &call->decision;
	bool agents = decision->reason == (int32_t)reason && *decision->message;
	const char *text = agents ? decision->message : b2b_reason_text(reason);

	b2b_clean_text(decision->message, false);
	b2b_clean_text(decision->audit_id, false);
	if (reason == B2B_NAME_INVALID && *call->standing.name)
		pam_error(call->pamh, "Your name on this host is %s; log in by exactly that name. (reference %s)", call->standing.name, b2b_call_id(call));
	else
		pam_error(call->pamh, "%s (reference %s)", text, b2b_call_id(call));
}

void b2b_call_tell(struct b2b_call *call, enum b2b_reason reason)
{
	char line[512], extra[B2B_LABEL_SIZE + B2B_NAME_SIZE + 32];

	if (reason != B2B_OK)
		tell_person(call, reason);
	snprintf(extra, sizeof(extra), "service=%s%s%s", call->origin.service, call->ruser_ours ? " by=" : "",
	         call->ruser_ours ? call->origin.ruser : "");
	b2b_audit_format(line, sizeof(line), call->event, call->standing.alias, call->origin.user, b2b_reason_code(reason),
	                 call->decision.audit_id, extra);
	pam_syslog(call->pamh, reason == B2B_OK ? LOG_INFO : LOG_NOTICE, "%s", line);
}
