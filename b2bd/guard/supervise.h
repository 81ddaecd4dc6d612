/*
 * b2bd's first process: it starts guard and agent, starts them again, hears systemd's signals, and does nothing else.
 *
 * Why it is a third one and not the guard: an agent is started from root, with every capability that its way down needs
 * (CAP_SETUID, CAP_SETGID, CAP_SETPCAP, and CAP_SYS_ADMIN for a new guard), and a filter of system calls is inherited, so whoever starts agents can
 * himself be filtered no more than they. The guard reads what the agent says, so it must not be that process. This one
 * reads from nobody: exit statuses, signals, and root's index on SIGHUP. Mappings of the live files pass to both by fork.
 *
 *   agent ends    started again after 100 ms, then twice that, up to 10 s; guard, ENDs and tombstones go on.
 *                 Status 78 (its configuration is wrong, and stays so): everything ends with 78.
 *   guard ends    the agent is ended too, both are started again; pending ENDs come back from the agent's database
 *   SIGTERM/INT   agent asked, killed after 3 s; guard told to stop, killed after 3 s; status 0
 *   SIGHUP        index read again. As before: the agent reads b2b.conf again. Other grants: a new agent, and the guard reads
 *                 the index too. Other organisations: new mappings, so both anew. Not readable: the old goes on.
 *   SIGKILL       both die with it (PR_SET_PDEATHSIG)
 */
#ifndef B2B_SUPERVISE_H
#define B2B_SUPERVISE_H

#include <stdbool.h>
#include <sys/types.h>

#include "b2bd/agent.h"
#include "common/policy.h"

struct b2b_supervise_setup {
	const char *conf_path, *cache_dir, *state_dir;
	uid_t uid;          /* the agent's */
	uid_t keys_uid;     /* as in struct b2b_agent_setup */
	gid_t gid;
	unsigned char seal_key[B2B_SEAL_KEY_SIZE]; /* likewise */
	bool shared_network;
	struct b2b_policy *policy; /* taken over */
	int lock_fd, listen_fd;
	int (*agent)(const struct b2b_agent_setup *setup); /* b2b_agent_main */
};

/* Until told to stop. Returns the exit status. */
int b2b_supervise(const struct b2b_supervise_setup *setup);

#endif
