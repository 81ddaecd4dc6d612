/* base64url without padding, RFC 7515 appendix C and RFC 4648 5, strictly: one text for one sequence of bytes. */
#ifndef B2B_BASE64URL_H
#define B2B_BASE64URL_H

#include <stddef.h>

/*
 * Decode LEN characters. Padding, white space, another alphabet, an impossible length and stray bits in the last
 * character are refused. *ret_bytes has a NUL behind its *ret_len bytes; caller frees.
 * Returns 0, -EBADMSG, or -ENOMEM.
 */
int b2b_base64url_decode(const char *text, size_t len, unsigned char **ret_bytes, size_t *ret_len);

/* Encode LEN bytes as a NUL-terminated string; caller frees. NULL: no memory. */
char *b2b_base64url_encode(const void *bytes, size_t len);

#endif
