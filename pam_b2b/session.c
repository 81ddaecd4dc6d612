/*
 * session: registered first, then decided once more, then compared: what a revocation closes before the record is
 * there is seen here, what it closes after is found by the record.
 *
 * Who is it about? sshd, login, su to a partner: PAM_USER. sudo: account was decided for the one who typed it, then
 * PAM_USER becomes the target. su from a partner to a local account: neither auth nor account was ours, the local
 * password decided; the session is still the partner's.
 *
 * A refusal is PAM_PERM_DENIED, not PAM_SESSION_ERR: sudo takes the latter for harmless and runs the command.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/session_record.h"
#include "pam_b2b/account.h"
#include "pam_b2b/call.h"
#include "pam_b2b/shown.h"

#define OPENED "b2b_opened"
#define CLOSE_LIMIT_NS B2B_NS_PER_S

struct session {
	struct b2b_call call;
	char decided[B2B_NAME_SIZE];    /* for whom the agent decides; "": a local account's password did */
	struct b2b_standing user, ruser; /* of PAM_USER and PAM_RUSER, where they are ours */
	struct b2b_session_record record;
};

static void forget(pam_handle_t *pamh, void *data, int status)
{
	(void)pamh;
	(void)status;
	free(data); /* not the record: a child that ends its copy of the handle must not unregister the session */
}

/* Who decided, who acts. */
static enum b2b_reason find_people(struct session *session)
{
	struct b2b_call *call = &session->call;
	const struct b2b_standing *account = b2b_account_decided(call->pamh);
	enum b2b_reason reason = B2B_OK;

	if (account)
		memcpy(session->decided, account->name, sizeof(session->decided));
	else if (call->user_ours)
		memcpy(session->decided, call->origin.user, sizeof(session->decided));
	if (call->user_ours)
		reason = b2b_call_person(call, call->origin.user, &session->user);
	if (reason == B2B_OK && call->ruser_ours)
		reason = b2b_call_person(call, call->origin.ruser, &session->ruser);
	if (reason == B2B_OK && *session->decided)
		reason = b2b_call_person(call, session->decided, &call->standing);
	else if (reason == B2B_OK)
		call->standing = session->ruser;
	if (reason == B2B_OK && account && b2b_standing_moved(account, &call->standing))
		reason = B2B_REVOKED;
	return reason;
}

static enum b2b_reason judge(const struct session *session)
{
	const struct b2b_call *call = &session->call;
	enum b2b_reason reason = *session->decided ? b2b_standing_verdict(&call->standing) : B2B_OK;

	if (reason == B2B_OK && call->user_ours)
		reason = b2b_standing_words(&session->user);
	if (reason == B2B_OK && call->ruser_ours)
		reason = b2b_standing_words(&session->ruser);
	return reason;
}

static enum b2b_reason put_record(struct session *session)
{
	struct b2b_session_record *record = &session->record;
	const struct b2b_call *call = &session->call;

	record->magic = B2B_SESSION_MAGIC;
	record->uid = call->ruser_ours ? session->ruser.uid : call->standing.uid; /* who acts; the target is found by its uid */
	record->pid = getpid();
	if (b2b_start_ticks(record->pid, &record->start_ticks) < 0)
		return B2B_INTERNAL;
	record->opened_s = b2b_wall_s();
	record->origin = call->origin;
	return b2b_session_put(record) < 0 ? B2B_INTERNAL : B2B_OK;
}

/* Where nothing was proven at the service the agent is told, by whatever name sshd goes, which keys it took: only now does sshd say so. */
static enum b2b_reason ask_agent(struct session *session)
{
	struct b2b_call *call = &session->call;
	const char *shown = b2b_shown(call->pamh);
	struct b2b_ask_open_ssh body;
	struct b2b_ask_open *open = &body.open; /* what others ask is the beginning of it */
	enum b2b_reason reason;

	memset(&body, 0, sizeof(body));
	open->origin = call->origin;
	memcpy(open->origin.user, session->decided, sizeof(open->origin.user));
	open->pid = session->record.pid;
	open->start_ticks = session->record.start_ticks;
	b2b_call_ticket(call, open->ticket);
	if (shown && !*open->ticket) {
		b2b_shown_lines(shown, body.keys, sizeof(body.keys));
		reason = b2b_call_ask(call, B2B_ASK_OPEN_SSH, &body, call->standing.uid);
	} else {
		reason = b2b_call_ask(call, B2B_ASK_OPEN, open, call->standing.uid);
	}
	explicit_bzero(open->ticket, sizeof(open->ticket));
	return reason;
}

/* Again, now that the record is there. */
static enum b2b_reason look_again(struct session *session)
{
	struct session now;
	enum b2b_reason reason;

	memcpy(&now, session, sizeof(now));
	reason = find_people(&now);
	if (reason == B2B_OK)
		reason = judge(&now);
	if (reason == B2B_OK && (b2b_standing_moved(&session->call.standing, &now.call.standing) ||
	                         b2b_standing_moved(&session->user, &now.user) || b2b_standing_moved(&session->ruser, &now.ruser)))
		reason = B2B_REVOKED;
	explicit_bzero(&now, sizeof(now));
	return reason;
}

/*
 * Best effort: the agent also notices by itself that the process is gone. Its answer would say nothing, and who waited for it would
 * wait for its disk, a session that is being ended too.
 */
static void tell_closed(const struct b2b_session_record *record)
{
	struct b2b_ask_close body;
	uint64_t deadline = b2b_now_ns() + CLOSE_LIMIT_NS;
	int fd = b2b_agent_connect(deadline);

	if (fd < 0)
		return;
	memset(&body, 0, sizeof(body)); /* its padding is sent as well: nothing of root's stack */
	body.pid = record->pid;
	body.start_ticks = record->start_ticks;
	b2b_agent_send(fd, B2B_ASK_CLOSE, &body, deadline);
	close(fd);
}

static enum b2b_reason remember(struct session *session)
{
	struct b2b_session_record *copy = malloc(sizeof(*copy));

	if (!copy)
		return B2B_INTERNAL;
	*copy = session->record;
	if (pam_set_data(session->call.pamh, OPENED, copy, forget) == PAM_SUCCESS)
		return B2B_OK;
	free(copy);
	return B2B_INTERNAL;
}

static enum b2b_reason open_session(struct session *session)
{
	enum b2b_reason reason = b2b_call_allowed(&session->call);
	bool told = false;

	if (reason == B2B_OK)
		reason = find_people(session);
	if (reason == B2B_OK)
		reason = judge(session);
	if (reason == B2B_OK)
		reason = put_record(session);
	if (reason != B2B_OK)
		return reason;
	if (*session->decided) {
		reason = ask_agent(session);
		told = reason == B2B_OK;
	}
	if (reason == B2B_OK)
		reason = look_again(session);
	if (reason == B2B_OK)
		reason = remember(session);
	if (reason == B2B_OK)
		return reason;
	b2b_session_remove(session->record.pid, session->record.start_ticks);
	if (told)
		tell_closed(&session->record);
	return reason;
}

__attribute__((visibility("default"))) int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct session session = { .call.event = NULL };
	int code = PAM_IGNORE;

	(void)flags;
	if (b2b_call_begin(&session.call, pamh, "pam-open", argc, argv)) {
		enum b2b_reason reason = open_session(&session);

		b2b_call_tell(&session.call, reason);
		code = reason == B2B_OK ? PAM_SUCCESS : PAM_PERM_DENIED;
	}
	if (pam_getenv(pamh, B2B_TICKET_VARIABLE))
		pam_putenv(pamh, B2B_TICKET_VARIABLE); /* without '=': gone, before the environment becomes the session's */
	b2b_call_end(&session.call);
	return code;
}

/* The record that open left in this handle, or, in another process' handle, the one of this process. */
static int find_record(pam_handle_t *pamh, struct b2b_session_record *record)
{
	const void *data = NULL;

	if (pam_get_data(pamh, OPENED, &data) == PAM_SUCCESS && data) {
		*record = *(const struct b2b_session_record *)data;
		return 0;
	}
	memset(record, 0, sizeof(*record));
	record->pid = getpid();
	return b2b_start_ticks(record->pid, &record->start_ticks);
}

__attribute__((visibility("default"))) int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct b2b_session_record record;
	struct b2b_call call;
	int code = PAM_IGNORE;

	(void)flags;
	if (b2b_call_begin(&call, pamh, "pam-close", argc, argv) && b2b_call_allowed(&call) != B2B_NOT_ROOT) {
		code = PAM_SUCCESS; /* what is over is over: whatever fails here is cleaned up by the guard */
		if (find_record(pamh, &record) == 0 && b2b_session_remove(record.pid, record.start_ticks) == 0)
			tell_closed(&record);
		b2b_call_tell(&call, B2B_OK);
	}
	b2b_call_end(&call);
	return code;
}
