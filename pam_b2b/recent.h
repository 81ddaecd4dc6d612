/* A log-in at the federation service that is recent enough, for whoever has shown an SSH key in this connection. */
#ifndef B2B_PAM_RECENT_H
#define B2B_PAM_RECENT_H

#include "pam_b2b/call.h"

/*
 * Under sshd, after a public key (AuthenticationMethods publickey,keyboard-interactive): does the agent say that nothing more is needed? True
 * with its decision in CALL; false: go on asking, whatever the cause.
 */
bool b2b_recent(struct b2b_call *call);

#endif
