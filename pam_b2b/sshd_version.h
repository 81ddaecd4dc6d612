/* Which OpenSSH is calling? Told from the running program itself, because PAM does not say. */
#ifndef B2B_PAM_SSHD_VERSION_H
#define B2B_PAM_SSHD_VERSION_H

#include <stddef.h>

/*
 * The version as 100 * major + minor, e.g. 902 or 1003, by the string that OpenSSH puts into its banner
 * ("OpenSSH_9.2p1 Debian-2"), found in the program that this process runs. Reads /proc/self/exe, at most 32 MB.
 * 0 where there is none, or where several disagree.
 */
int b2b_sshd_version(void);

/* The same for the open file FD, for tests. */
int b2b_sshd_version_of(int fd);

#endif
