/* SSH public keys out of a directory: what is not exactly one key of a kind that holds is no key. */
#ifndef B2B_SSH_KEY_H
#define B2B_SSH_KEY_H

#include <jansson.h>
#include <stddef.h>

#define B2B_SSH_KEY_SIZE 8192 /* of a line: RSA of 16,384 bits is 2.8 kB */
#define B2B_SSH_KEYS_MAX 32   /* of a person; what is more is passed over */

/*
 * TEXT, a line "TYPE BASE64 [COMMENT]" (RFC 4253 6.6, OpenSSH's PROTOCOL), as "TYPE BASE64" into BUF. Nothing may come before the
 * type: options are the host's to give. The key in it must be of the type that is said; RSA of 2,048 to 16,384 bits; DSA and
 * certificates are none. Returns 0, or -EBADMSG with BUF left.
 */
int b2b_ssh_key_read(const char *text, char buf[B2B_SSH_KEY_SIZE]);

/* Those of VALUE, a list of lines or of objects with "value", each ended by a newline; malloc'ed, NULL without memory. *ret_bad: were passed over. */
char *b2b_ssh_keys_read(const json_t *value, unsigned *ret_bad);

#endif
