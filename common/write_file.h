/* Files that appear complete or not at all. */
#ifndef B2B_WRITE_FILE_H
#define B2B_WRITE_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* All SIZE bytes at OFFSET, whatever short writes and signals. Returns 0 or a negative errno. */
int b2b_pwrite_all(int fd, const void *data, size_t size, off_t offset);

/*
 * Write DATA as a new file NAME below DIRFD (one that was left over is removed first) with MODE whatever the umask,
 * and fsync it; the caller renames it. Returns 0, or a negative errno with nothing left behind.
 */
int b2b_write_new(int dirfd, const char *name, const void *data, size_t size, mode_t mode);

/* The same without the fsync, which is the caller's before the rename. *ret_fd: the file, open for that, to be closed. */
int b2b_write_unsynced(int dirfd, const char *name, const void *data, size_t size, mode_t mode, int *ret_fd);

#endif
