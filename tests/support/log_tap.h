/* What modules say to syslog, at the end where a daemon would listen. Only within machine_private. */
#ifndef B2B_TEST_LOG_TAP_H
#define B2B_TEST_LOG_TAP_H

#include <stdbool.h>

/* Listen at /dev/log, in a /dev of this private machine's own. Once for a process; exits the test on failure. */
void log_tap_open(void);

/* Forget what was said so far. Few lines fit before it: call it, or log_tap_line, after each thing that logs. */
void log_tap_forget(void);

/* The first line since then that holds TEXT; NULL: there is none. Good until the next call. */
const char *log_tap_line(const char *text);

#endif
