#include <cap-ng.h>
#include <errno.h>
#include <sys/socket.h>

#include "b2bd/sandbox.h"
#include "b2bd/sandbox_lists.h"
#include "common/log.h"

/* Beside what keeps a process alive; send is sendto, recv is recvfrom. Its socket is judged below. */
static const char *const calls[] = { "connect", "sendto", "recvfrom", "fcntl", "tgkill", NULL };

/* Root's uid alone: it is what the daemon asks for. */
static int drop_capabilities(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_apply(CAPNG_SELECT_BOTH) < 0) {
		b2b_log(LOG_ERR, "event=sandbox-failed what=nscd-capabilities");
		return -EPERM;
	}
	return 0;
}

int b2b_sandbox_nscd(void)
{
	scmp_filter_ctx filter = NULL;
	int r = drop_capabilities();

	if (r == 0)
		r = b2b_sandbox_common();
	if (r < 0)
		return r;
	r = b2b_filter_new(calls, &filter);
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffffu, AF_UNIX));
	if (r == 0)
		r = b2b_filter_processes(filter);
	return b2b_filter_load(filter, r);
}
