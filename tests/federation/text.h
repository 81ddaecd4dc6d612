/* Small things that every room of the federation service needs: encodings, random names, digests, times. */
#ifndef FED_TEXT_H
#define FED_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FED_SHA256_HEX 65 /* bytes of buffer for a SHA-256 in hex, NUL included */
#define FED_ISO_SIZE 32   /* bytes of buffer for fed_iso_from_ms */

/* base64url without padding (RFC 7515 section 2). Returns a new string, NULL without memory. Caller frees. */
char *fed_base64url(const void *data, size_t len);
/* Decode TEXT of LEN characters; no padding, no foreign character. 0, -EBADMSG or -ENOMEM. Caller frees *ret_data. */
int fed_base64url_decode(const char *text, size_t len, unsigned char **ret_data, size_t *ret_len);
/* Ordinary base64 with padding, as in HTTP basic. 0, -EBADMSG or -ENOMEM; *ret_text is NUL-terminated. Caller frees. */
int fed_base64_decode(const char *text, char **ret_text);

/* BYTES random bytes (at most 64) as base64url: a new string, NULL when there is no randomness or no memory. */
char *fed_random_text(size_t bytes);
/* A random UUID (RFC 4122 version 4) as a new string; NULL as above. */
char *fed_random_uuid(void);

/* SHA-256 of TEXT in lower-case hex into BUF of FED_SHA256_HEX bytes. 0 or -EIO. */
int fed_sha256_hex(const char *text, char *buf);

/* Are both the same? Takes time by the length of A only. */
bool fed_same_secret(const char *a, const char *b);

/* "2026-11-23T21:40:00.123Z" into BUF of FED_ISO_SIZE bytes; returns BUF. */
const char *fed_iso_from_ms(int64_t ms, char *buf);
/* Read an RFC 3339 time with Z or an offset. 0 or -EINVAL. */
int fed_iso_to_ms(const char *text, int64_t *ret_ms);

/* A decimal number from LOW to HIGH and nothing else. 0 or -EINVAL. */
int fed_number(const char *text, int64_t low, int64_t high, int64_t *ret_number);

/* Is the space-separated list SCOPE a list that holds WORD? NULL holds nothing. */
bool fed_scope_has(const char *scope, const char *word);
/* Is every word of SCOPE in ALLOWED? */
bool fed_scope_within(const char *scope, const char *allowed);

#endif
