/* The agent: everything that talks. Started by the guard after fork, already unprivileged and sandboxed. */
#ifndef B2B_AGENT_H
#define B2B_AGENT_H

#include <sys/types.h>

#include "b2bd/secret.h"
#include "common/live.h"
#include "common/policy.h"

struct b2b_agent_setup {
	const char *conf_path;
	const char *state_dir;
	struct b2b_policy *policy;
	struct b2b_live **lives;  /* one per slot, mapped read-write */
	int guard_fd;             /* socketpair, SOCK_SEQPACKET */
	uid_t keys_uid;           /* may ask for SSH keys (sshd's AuthorizedKeysCommandUser); -1: root alone */
	unsigned char seal_key[B2B_SEAL_KEY_SIZE]; /* for what the agent keeps of tokens (secret.h) */
	int listen_fd;            /* bound and listening at B2B_SOCKET_PATH */
};

/* Runs until told to stop. Returns the exit status: 0, or EX_CONFIG (78) with the error logged when the configuration is wrong. */
int b2b_agent_main(const struct b2b_agent_setup *setup);

#endif
