/* The SSH keys that sshd was shown in this connection, as it tells its PAM modules (SSH_AUTH_INFO_0). */
#ifndef B2B_PAM_SHOWN_H
#define B2B_PAM_SHOWN_H

#include <security/pam_modules.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * What sshd has told by now: in auth the methods that came before it, in account not yet the last one, in session all. NULL where this is not sshd.
 * PAMH's, until its environment changes.
 */
const char *b2b_shown(pam_handle_t *pamh);

/* The next key in *AT, "TYPE BASE64" (of a certificate its own type), *ret_len bytes, and *AT behind it. NULL: there is none. */
const char *b2b_shown_next(const char **at, size_t *ret_len);

/* All keys in SHOWN, a line each, into BUF of SIZE; of what does not fit, nothing. */
void b2b_shown_lines(const char *shown, char *buf, size_t size);

#endif
