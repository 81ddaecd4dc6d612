#include "b2bd/state/schema.h"

const char *const b2b_schema_steps[] = {
	b2b_schema_ledger, b2b_schema_directory, b2b_schema_seen, b2b_schema_sessions, b2b_schema_pending,
	b2b_schema_ledger_chosen, b2b_schema_hand, b2b_schema_removal, b2b_schema_stages, b2b_schema_key,
	b2b_schema_seen_token, b2b_schema_event_ahead, b2b_schema_session_void, b2b_schema_pass_owed,
	b2b_schema_status, b2b_schema_owner, b2b_schema_proof, b2b_schema_session_limits,
	b2b_schema_proof_status, b2b_schema_proof_source, b2b_schema_refused, b2b_schema_alias,
};
const size_t b2b_schema_n_steps = sizeof(b2b_schema_steps) / sizeof(b2b_schema_steps[0]);
