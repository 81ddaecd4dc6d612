/*
 * The schema as a list of steps, applied in order once and counted in user_version. A step never changes after
 * release: what has to change is a new step at the end. Each room writes its own statements beside its code.
 */
#ifndef B2B_SCHEMA_H
#define B2B_SCHEMA_H

#include <stddef.h>

extern const char b2b_schema_ledger[];    /* ledger.c */
extern const char b2b_schema_directory[]; /* directory_schema.c */
extern const char b2b_schema_seen[];      /* seen.c */
extern const char b2b_schema_sessions[];  /* session_state.c */
extern const char b2b_schema_pending[];   /* pending_state.c */
extern const char b2b_schema_ledger_chosen[]; /* ledger.c */
extern const char b2b_schema_hand[];     /* hand_state.c */
extern const char b2b_schema_removal[];  /* removal_state.c */
extern const char b2b_schema_stages[];   /* pending_state.c */
extern const char b2b_schema_key[];      /* key_state.c */
extern const char b2b_schema_seen_token[]; /* seen_tokens.c */
extern const char b2b_schema_event_ahead[];   /* event_ahead.c */
extern const char b2b_schema_session_void[];  /* session_void.c */
extern const char b2b_schema_pass_owed[];     /* directory_pass.c */
extern const char b2b_schema_status[];        /* status_state.c */
extern const char b2b_schema_owner[];         /* directory_schema.c */
extern const char b2b_schema_proof[];         /* proof_state.c */
extern const char b2b_schema_session_limits[]; /* session_state.c */
extern const char b2b_schema_proof_status[];  /* proof_state.c */
extern const char b2b_schema_proof_source[];  /* proof_state.c */
extern const char b2b_schema_refused[];       /* refused.c */
extern const char b2b_schema_alias[];         /* alias_state.c */

extern const char *const b2b_schema_steps[];
extern const size_t b2b_schema_n_steps;

#endif
