/* Principals as rows, shared by the files that store and find them. */
#ifndef B2B_DIRECTORY_ROWS_H
#define B2B_DIRECTORY_ROWS_H

#include "b2bd/state/directory_state.h"
#include "b2bd/state/statement.h"

#define B2B_PRINCIPAL_COLUMNS                                                                                          \
	"uid, id, subject, org_id, local, display, kind, state, not_before, not_after, roles, shell, modified_ms,"         \
	" disabled_ms, cutoff_ms, holds_name, EXISTS (SELECT 1 FROM hand WHERE hand.kind = 1 AND what = principal.id),"         \
	" enabled_ms, " B2B_OWNER_COLUMNS
#define B2B_PRINCIPAL_HOLDS_NAME 15 /* number of that column */
#define B2B_PRINCIPAL_OWNER 18      /* of the first of the owner's */

/* The owner of FROM principal: one who has none. Whoever has no owner is asked for none. */
#define B2B_OWNERS_(column)                                                                                            \
	"iif(principal.owner = '', NULL, (SELECT o." column " FROM principal o WHERE o.id = principal.owner AND o.org_id = principal.org_id" \
	" AND o.owner = ''))"
#define B2B_OWNER_COLUMNS                                                                                              \
	"principal.owner, " B2B_OWNERS_("state") ", " B2B_OWNERS_("not_before") ", " B2B_OWNERS_("not_after") ", "           \
	B2B_OWNERS_("disabled_ms") ", iif(principal.owner = '', 0, EXISTS (SELECT 1 FROM hand WHERE hand.kind = 1 AND what = principal.owner)), " \
	B2B_OWNERS_("uid")

/* Those columns from FIRST on into PRINCIPAL; the owner's id stays the row's. */
void b2b_owner_view(sqlite3_stmt *row, int first, struct b2b_principal *principal);

/* The row's values; strings stay the row's, valid until it is stepped. Not to be cleared. */
void b2b_principal_view(sqlite3_stmt *row, struct b2b_principal *ret_principal);

/* Step ROW once, copy it, reset: 0 (caller clears), -ENOENT, or a negative errno. *ret_holds_name may be NULL. */
int b2b_principal_take(sqlite3_stmt *row, struct b2b_principal *ret_principal, bool *ret_holds_name);

/* By the directory's id within one organisation, removed ones too. */
int b2b_principal_by_id(struct b2b_state *state, const char *id, const char *org_id, struct b2b_principal *ret_principal,
                        bool *ret_holds_name);

/*
 * Does a directory record of MODIFIED_MS that says active lift the closing by an event of DISABLED_MS? Events often carry
 * whole seconds: such a one counts as at the end of its second. Where an opening of ENABLED_MS contradicts it within that
 * second, a record of the same second is enough.
 */
bool b2b_record_lifts(int64_t disabled_ms, int64_t enabled_ms, int64_t modified_ms);

/*
 * What events said of PRINCIPAL's subject or id before UID was that person here, applied to it (event_ahead.c). In the
 * transaction that stores the person. Returns 0 or a negative errno.
 */
int b2b_event_ahead_apply(struct b2b_state *state, const struct b2b_principal *principal, uint32_t uid);

/* May LOCAL be a person's or a group's of ORG? 0, or -EINVAL (rule of common/names.h, reserved, or too long with the alias). */
int b2b_directory_check_local(const struct b2b_policy *policy, int org, const char *local);

/* Would b2b_principal_claim_name succeed? Its results; nothing is changed. */
int b2b_principal_name_claimable(struct b2b_state *state, const char *org_id, const char *local, uint32_t uid);

/*
 * Make the name LOCAL of ORG_ID free for its new owner (UID; 0: not known yet): a removed person loses it.
 * Returns 0, -EEXIST while a living person holds it, or a negative errno.
 */
int b2b_principal_claim_name(struct b2b_state *state, const char *org_id, const char *local, uint32_t uid);
/* 0 while nobody but UID holds the name, else -EEXIST; changes nothing. */
int b2b_principal_name_free(struct b2b_state *state, const char *org_id, const char *local, uint32_t uid);

#endif
