/*
 * One line per thing that happened, for daemons and tools (modules use pam_syslog with the same fields).
 * To stderr with a systemd priority prefix "<6>" when JOURNAL_STREAM is set, plainly otherwise.
 * Audit lines: event= org= user= reason= id=, values quoted where they hold a space, control characters stripped.
 */
#ifndef B2B_LOG_H
#define B2B_LOG_H

#include <stddef.h>
#include <syslog.h>

void b2b_log_open(const char *program, int max_priority);
void b2b_log(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Format an audit line into BUF: "event=EVENT org=ORG user=USER reason=CODE id=ID" and EXTRA ("" or "key=value …",
 * appended as it is). NULL or "" fields are left out. Never overruns; always terminated.
 */
void b2b_audit_format(char *buf, size_t size, const char *event, const char *org, const char *user, const char *reason, const char *id,
                      const char *extra);

/* Append KEY=VALUE in that form to the text in BUF: what others say must not pass for fields of ours. NULL or "" is left out. */
void b2b_audit_field(char *buf, size_t size, const char *key, const char *value);

#endif
