/* The last line that a terminal gets: why its session ends. */
#ifndef B2B_TELL_H
#define B2B_TELL_H

#include <stddef.h>
#include <stdint.h>

#define B2B_TELL_SIZE 384

/*
 * MESSAGE as one line for a terminal into BUF, framed so that it is noticed: control characters and bytes that could
 * steer a terminal become '?', AUDIT_ID stands behind it. Returns its length.
 */
size_t b2b_tell_format(char buf[B2B_TELL_SIZE], const char *message, const char *audit_id);

/* Where the terminal that is device TTY has its file, into PATH. Returns 0, or -ENODEV: it is none that anybody types at. */
int b2b_terminal_path(uint32_t tty, char *path, size_t size);
/* When somebody last typed at it, wall-clock second (its file's access time, as w(1) has it). Returns 0 or as b2b_tell. */
int b2b_terminal_typed(uint32_t tty, int64_t *ret_s);

/*
 * Write LINE to the terminal that is device TTY (as field 7 of /proc/PID/stat names it). Never waits: a terminal that
 * takes nothing more gets nothing. Returns 0, -ENODEV (no such terminal, or its file is another device), or a negative errno.
 */
int b2b_tell(uint32_t tty, const char *line, size_t len);

#endif
