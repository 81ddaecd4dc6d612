/* Files that decide about access are opened here, and only when nobody but root (or OWNER) could have written them. */
#ifndef B2B_TRUSTED_FILE_H
#define B2B_TRUSTED_FILE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Open PATH (absolute, no symbolic link at the end) for reading: a regular file, owned by root, not writable by
 * group or others, at most MAX bytes. Open first, fstat then, trust after.
 * Returns a CLOEXEC descriptor, or -EPERM (not to be trusted), -EFBIG, or open's error.
 * *ret_size, where not NULL, gets the size in bytes.
 */
int b2b_trusted_open(const char *path, size_t max, size_t *ret_size);

/* The whole file as a NUL-terminated string of *ret_len bytes (the NUL not counted). Caller frees. Errors as above, -ENOMEM. */
int b2b_trusted_read(const char *path, size_t max, char **ret_text, size_t *ret_len);

#endif
