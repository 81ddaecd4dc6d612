#include "b2bd/guard/strike.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define RANGE_LEAST 1000u /* no range begins among the system's users, whatever a damaged policy says */

/* With CAP_KILL the signal would reach everybody on the host: all are dropped, and looked at afterwards. */
static bool drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } }, now[_LINUX_CAPABILITY_U32S_3] = { { ~0u, ~0u, ~0u } };

	if (syscall(SYS_capset, &header, none) < 0)
		return false;
	header.version = _LINUX_CAPABILITY_VERSION_3;
	if (syscall(SYS_capget, &header, now) < 0)
		return false;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		if (now[i].effective || now[i].permitted)
			return false;
	}
	return true;
}

/*
 * The kernel lets a signal through where the sender's real or effective uid is the receiver's real or saved one. So real
 * and saved uid become NOBODY, the organisation's first id, which is a group's and never a uid: nobody else is reached by it,
 * and the person cannot signal this process before it does. Root's real uid would have reached all of root's processes.
 */
_Noreturn static void strike(uint32_t nobody, uint32_t uid)
{
	uid_t real = 0, effective = 0, saved = 0;

	if (setresuid(nobody, uid, nobody) < 0 || !drop_capabilities())
		_exit(EPERM);
	if (getresuid(&real, &effective, &saved) < 0 || real != nobody || effective != uid || saved != nobody)
		_exit(EPERM);
	_exit(kill(-1, SIGKILL) < 0 ? errno : 0);
}

int b2b_strike(const struct b2b_policy *policy, uint32_t uid)
{
	int status = 0, org = b2b_policy_org_by_uid(policy, uid);
	uint32_t nobody = org < 0 ? 0 : policy->orgs[org].range_lo;
	pid_t child;

	if (nobody < RANGE_LEAST || uid <= nobody)
		return -EPERM;
	child = fork();
	if (child < 0)
		return -errno;
	if (child == 0)
		strike(nobody, uid);
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}
