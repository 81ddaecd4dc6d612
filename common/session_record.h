/*
 * The session registry: one root-owned file per open partner session in
 * B2B_SESSION_DIR (0750 root:b2b), written by pam_b2b's session part as root,
 * removed when the session closes.
 *
 * Why files and not messages: the guard ends a registered session's processes,
 * so whoever can register can have processes killed. The directory is
 * writable by root alone, so the guard need not trust the (network-facing)
 * agent about it, and registration works while the agent is being restarted.
 *
 * File name "<pid>-<start_ticks>", content one struct b2b_session_record,
 * written to ".tmp.…" and renamed: whole or not there.
 */
#ifndef B2B_SESSION_RECORD_H
#define B2B_SESSION_RECORD_H

#include <stdint.h>
#include <sys/types.h>

#include "common/proto.h"

#define B2B_SESSION_DIR B2B_RUN_DIR "/sessions"
#define B2B_SESSION_MAGIC 0x31736532u

struct b2b_session_record {
	uint32_t magic;
	uint32_t uid;
	int32_t pid;          /* the leader: the process that called pam_open_session (sshd's monitor, sudo, login) */
	uint32_t pad;
	uint64_t start_ticks; /* of the leader; pid and start_ticks together name a process for one boot */
	int64_t opened_s;     /* wall clock */
	struct b2b_origin origin;
	char audit_id[B2B_AUDIT_ID_SIZE];
	char pad2[7];
};

/* Field 22 of /proc/PID/stat. Returns 0, -ESRCH where there is no such process, or a negative errno. */
int b2b_start_ticks(pid_t pid, uint64_t *ret_ticks);

/* Write, remove (0 also where it is not there) one record. Root only. Return 0 or a negative errno. */
int b2b_session_put(const struct b2b_session_record *record);
int b2b_session_remove(pid_t pid, uint64_t start_ticks);

/*
 * Call EACH for every valid record; EACH returns 0 to go on. Files that are not root's, not whole, or whose name
 * does not match their content are passed over. Records whose leader is gone are reported too: their processes may live.
 * Returns 0, EACH's value, or a negative errno.
 */
int b2b_session_each(int (*each)(void *arg, const struct b2b_session_record *record), void *arg);

#endif
