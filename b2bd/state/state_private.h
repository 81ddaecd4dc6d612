/* What a b2b_state is made of, for state.c and statement.c. */
#ifndef B2B_STATE_PRIVATE_H
#define B2B_STATE_PRIVATE_H

#include "b2bd/state/ledger_notes.h"
#include "b2bd/state/seen_ids.h"
#include "b2bd/state/state.h"

struct b2b_state {
	sqlite3 *db;
	struct b2b_statement_kept {
		const char *sql;
		sqlite3_stmt *row;
	} *statements;
	size_t n_statements;
	struct b2b_seen_ids seen;
	struct b2b_ledger_notes notes;
	const struct b2b_idmap *pins; /* b2b_ledger_set_rules */
	bool unhashed;
	bool relaxed; /* commits do not wait for the disk */
};

#endif
