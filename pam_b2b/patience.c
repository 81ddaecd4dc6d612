#include "pam_b2b/patience.h"

#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/session_record.h"
#include "common/sshd_config.h"
#include "pam_b2b/sshd_version.h"

#define FAREWELL_S 10 /* of LoginGraceTime, to say why before sshd hangs up; a third of it where that is less */
#define GRACE_SLACK_S 5 /* since OpenSSH 9.8 connections may live a few seconds past it */

static bool is_sshd(const struct b2b_call *call)
{
	return strcmp(call->origin.service, "sshd") == 0;
}

static uint64_t started_ns(pid_t pid)
{
	uint64_t ticks;
	long hertz = sysconf(_SC_CLK_TCK);

	return hertz > 0 && b2b_start_ticks(pid, &ticks) == 0 ? ticks * (B2B_NS_PER_S / (uint64_t)hertz) : 0;
}

/* GRACE_S: what sshd leaves in all, 0: for ever. */
static unsigned patience_s(const struct b2b_call *call, unsigned grace_s)
{
	unsigned timeout = call->options.timeout_s ? call->options.timeout_s : is_sshd(call) ? B2B_PAM_TIMEOUT_SSHD_S : B2B_PAM_TIMEOUT_S;
	unsigned farewell = (grace_s + 2) / 3 < FAREWELL_S ? (grace_s + 2) / 3 : FAREWELL_S;

	return grace_s && grace_s - farewell < timeout ? grace_s - farewell : timeout;
}

/*
 * Under sshd that is this process' parent; or for the method "password" this one itself, whose parent, the listener, is older than any log-in
 * may be (OLDEST_NS).
 */
static uint64_t connection_began_ns(const struct b2b_call *call, pid_t parent, uint64_t now, uint64_t oldest_ns)
{
	uint64_t began = is_sshd(call) ? started_ns(parent) : 0;

	return !began || began > now || now - began > oldest_ns ? started_ns(getpid()) : began;
}

void b2b_patience(const struct b2b_call *call, pid_t parent, struct b2b_patience *ret_patience)
{
	bool openssh = is_sshd(call) && b2b_sshd_version();
	unsigned grace_s = openssh ? b2b_sshd_login_grace_s() : 0, patience = patience_s(call, grace_s);
	uint64_t now = b2b_now_ns(), oldest_ns = patience * B2B_NS_PER_S;

	if (openssh) /* no connection is too old where sshd waits for ever */
		oldest_ns = grace_s ? (grace_s + GRACE_SLACK_S) * B2B_NS_PER_S : UINT64_MAX;
	ret_patience->began_ns = connection_began_ns(call, parent, now, oldest_ns);
	ret_patience->deadline_ns = now + patience * B2B_NS_PER_S;
	if (grace_s && ret_patience->began_ns && ret_patience->began_ns <= now)
		ret_patience->deadline_ns -= now - ret_patience->began_ns;
}
