/* Somebody logged in, as sshd leaves it: a registered leader of root's, and processes of the person's that a hang-up does not end. */
#ifndef B2B_CRASH_LOGIN_H
#define B2B_CRASH_LOGIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LOGIN_PROCESSES 7 /* of the person's, one of them a root shell; the leader comes on top */

struct login {
	uint32_t uid;
	pid_t leader; /* a child of the caller's */
};

/*
 * STUBBORN: the relay and the leader stay when they are asked to go, which holds the end of the session up for as long as it may be.
 * Returns whether all of it runs.
 */
bool login_begin(struct login *login, uint32_t uid, bool stubborn);

/* How many of its processes are left, the leader among them; that one is waited for. */
unsigned login_left(struct login *login);

#endif
