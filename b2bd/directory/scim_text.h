/* Text that comes from or goes to a directory. */
#ifndef B2B_SCIM_TEXT_H
#define B2B_SCIM_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* RFC 3339 date and time ("2026-11-23T21:32:00.123Z", offsets too) in milliseconds since the epoch. 0 or -EBADMSG. */
int b2b_scim_time(const char *text, int64_t *ret_ms);

/* MS as such text in UTC, its fraction of a second cut off; years up to 9999. */
#define B2B_SCIM_TIME_SIZE 24
void b2b_scim_time_text(int64_t ms, char buf[B2B_SCIM_TIME_SIZE]);

/*
 * A display name as the passwd map can carry it (common/snapshot.h): no control characters, no ':' or ',', whole UTF-8
 * sequences only, cut to SIZE on their border.
 */
void b2b_scim_display(const char *text, char *buf, size_t size);

/*
 * A local name: TEXT in lower case, of a name such as alice@acme.example what stands before the '@'. Returns 0, or -EINVAL where
 * it does not fit SIZE.
 */
int b2b_scim_fold(const char *text, char *buf, size_t size);

/* 'ATTRIBUTE OPERATOR "VALUE"' with VALUE escaped as a JSON string (RFC 7644 3.4.2.2), malloc'ed; NULL for want of memory. */
char *b2b_scim_compare(const char *attribute, const char *operator, const char *value);

/* TEXT percent-encoded for a query or path segment, malloc'ed; NULL for want of memory. */
char *b2b_scim_percent(const char *text);

#endif
