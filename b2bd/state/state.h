/*
 * Durable state: one SQLite database (/var/lib/b2b/state/agent.db, owned by b2b, WAL, synchronous=FULL): the
 * directory's copy, the id ledger, cut-offs, pending ends, seen events, sessions. Written by the agent alone.
 */
#ifndef B2B_STATE_H
#define B2B_STATE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/policy.h"

#define B2B_STATE_DIR "/var/lib/b2b/state"

struct b2b_state; /* opaque */

/* Open or create DIR/agent.db and bring its schema up to date. Returns 0, -EBADMSG damaged or from a newer version, or a negative errno. */
int b2b_state_open(const char *dir, struct b2b_state **ret_state);
void b2b_state_close(struct b2b_state *state); /* NULL is legal */
sqlite3 *b2b_state_db(struct b2b_state *state); /* for the state/ rooms only */

/*
 * A second connection to the same database that sees it as it is now and never writes, for a child that builds a
 * snapshot. Fork only while b2b_state_idle: the child shares SQLite's lock book-keeping as it was at the fork.
 * Returns 0 or a negative errno. Close it with b2b_state_close.
 */
int b2b_state_open_reader(struct b2b_state *state, struct b2b_state **ret_reader);
bool b2b_state_idle(struct b2b_state *state); /* no transaction and no half-read statement */

/* Transactions; they do not nest. Commit returns 0 only when the data is on disk (but see relaxed); on error it has been rolled back. */
int b2b_state_begin(struct b2b_state *state);
/*
 * The same of what concerns processes of this boot alone: its commit does not wait for the disk, behind which the next event would
 * wait. It outlives the process; a power cut may undo it, and what was committed after it without waiting, but nothing else.
 */
int b2b_state_begin_relaxed(struct b2b_state *state);
int b2b_state_commit(struct b2b_state *state);
void b2b_state_rollback(struct b2b_state *state);

enum b2b_principal_kind { B2B_PERSON = 0, B2B_SERVICE_PRINCIPAL = 1 };
enum b2b_principal_state { B2B_INVITED = 0, B2B_ACTIVE = 1, B2B_SUSPENDED = 2, B2B_REMOVED = 3 };
enum b2b_org_state { B2B_ORG_IS_ACTIVE = 1, B2B_ORG_IS_SUSPENDED = 2, B2B_ORG_HAS_ENDED = 3 };

#endif
