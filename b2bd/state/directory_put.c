/* Storing what the directory says of a person. */
#include <errno.h>
#include <string.h>

#include "b2bd/state/directory_rows.h"
#include "b2bd/state/ledger.h"
#include "b2bd/state/state_private.h"
#include "common/log.h"

static const char *text_or_empty(const char *text)
{
	return text ? text : "";
}

static bool same(const struct b2b_principal *a, const struct b2b_principal *b)
{
	return !strcmp(a->subject, text_or_empty(b->subject)) && !strcmp(a->local, b->local) &&
	       !strcmp(a->display, text_or_empty(b->display)) && a->kind == b->kind && a->state == b->state &&
	       a->not_before == b->not_before && a->not_after == b->not_after && a->roles == b->roles &&
	       !strcmp(a->shell, text_or_empty(b->shell)) && !strcmp(a->owner, text_or_empty(b->owner));
}

/* Two active people with one subject: neither a log-in nor an event could tell them apart. */
static int check_subject(struct b2b_state *state, const struct b2b_principal *principal)
{
	static const char select[] = "SELECT count(*) FROM principal WHERE subject = ? AND id <> ? AND state = 1";
	sqlite3_stmt *row = NULL;
	int64_t others;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_text(row, 1, principal->subject);
	b2b_row_text(row, 2, principal->id);
	r = b2b_statement_number(row, &others);
	return r < 0 ? r : others ? -EEXIST : 0;
}

/*
 * Removed people keep a free name, but take none from anybody. It is only looked at here: who then gets no id has not taken it
 * from the one who had it.
 */
static int decide_name(struct b2b_state *state, const struct b2b_principal *principal, uint32_t uid, bool *ret_holds)
{
	uint32_t gid;
	int r = b2b_group_by_name(state, principal->org_id, principal->local, &gid);

	if (r == 0)
		r = -EEXIST;
	else if (r == -ENOENT)
		r = principal->state == B2B_REMOVED ? b2b_principal_name_free(state, principal->org_id, principal->local, uid)
		                                    : b2b_principal_name_claimable(state, principal->org_id, principal->local, uid);
	if (r == -EEXIST && principal->state == B2B_REMOVED) {
		*ret_holds = false;
		return 0;
	}
	if (r == 0)
		*ret_holds = true;
	return r;
}

static int write_row(struct b2b_state *state, const struct b2b_principal *principal, uint32_t uid, bool holds_name, int64_t disabled_ms)
{
	static const char upsert[] =
		"INSERT INTO principal (uid, id, subject, org_id, local, display, kind, state, not_before, not_after, roles, shell,"
		" modified_ms, disabled_ms, holds_name, owner) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
		" ON CONFLICT (uid) DO UPDATE SET subject = excluded.subject, local = excluded.local, display = excluded.display,"
		" kind = excluded.kind, state = excluded.state, not_before = excluded.not_before, not_after = excluded.not_after,"
		" roles = excluded.roles, shell = excluded.shell, modified_ms = excluded.modified_ms,"
		" disabled_ms = excluded.disabled_ms, holds_name = excluded.holds_name, owner = excluded.owner";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, upsert, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, uid);
	b2b_row_text(row, 2, principal->id);
	b2b_row_text(row, 3, principal->subject);
	b2b_row_text(row, 4, principal->org_id);
	b2b_row_text(row, 5, principal->local);
	b2b_row_text(row, 6, text_or_empty(principal->display));
	b2b_row_int(row, 7, principal->kind);
	b2b_row_int(row, 8, principal->state);
	b2b_row_int(row, 9, principal->not_before);
	b2b_row_int(row, 10, principal->not_after);
	b2b_row_int(row, 11, (int64_t)principal->roles);
	b2b_row_text(row, 12, text_or_empty(principal->shell));
	b2b_row_int(row, 13, principal->modified_ms);
	b2b_row_int(row, 14, disabled_ms);
	b2b_row_int(row, 15, holds_name);
	b2b_row_text(row, 16, text_or_empty(principal->owner));
	return b2b_statement_run(row);
}

/* Who is now in this organisation has left every other. */
static int leave_others(struct b2b_state *state, const struct b2b_principal *principal)
{
	static const char update[] = "UPDATE principal SET state = 3 WHERE id = ? AND org_id <> ? AND state <> 3";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, update, &row);

	if (r < 0 || principal->state == B2B_REMOVED)
		return r;
	b2b_row_text(row, 1, principal->id);
	b2b_row_text(row, 2, principal->org_id);
	return b2b_statement_run(row);
}

static int store(struct b2b_state *state, const struct b2b_policy_org *org, const struct b2b_principal *principal, uint32_t uid,
                 int64_t disabled_ms, uint32_t *ret_uid)
{
	bool holds_name;
	int r = decide_name(state, principal, uid, &holds_name);

	if (r == 0 && !uid)
		r = b2b_ledger_id(state, org, B2B_ID_USER, principal->id, principal->wanted_uid, &uid);
	if (r == 0 && holds_name)
		r = b2b_principal_claim_name(state, principal->org_id, principal->local, uid);
	if (r == 0)
		r = write_row(state, principal, uid, holds_name, disabled_ms);
	if (r == 0)
		r = leave_others(state, principal);
	if (r == 0)
		*ret_uid = uid;
	return r;
}

/* An answer that was under way while a newer one was stored in the same pass. */
static bool overtaken(struct b2b_state *state, const struct b2b_principal *old, const struct b2b_principal *principal, int64_t pass)
{
	return principal->modified_ms && principal->modified_ms < old->modified_ms &&
	       b2b_seen_ids_has(&state->seen, pass, old->uid);
}

/* The new name is not to be had: everything but the name counts, above all that somebody is suspended now. */
static int keep_name(struct b2b_state *state, const struct b2b_principal *old, bool held_name, const struct b2b_principal *principal,
                     bool *ret_changed)
{
	struct b2b_principal kept = *principal;
	int r;

	b2b_log(LOG_WARNING, "directory: %s of organisation %s keeps that name: \"%s\" is somebody else's or none for this host", old->local, old->org_id,
	        principal->local);
	memcpy(kept.local, old->local, sizeof(kept.local));
	if (kept.state == B2B_ACTIVE && !held_name)
		return -EEXIST;
	r = write_row(state, &kept, old->uid, held_name, old->disabled_ms);
	if (r == 0)
		*ret_changed = !same(old, &kept);
	return r;
}

static int put_known(struct b2b_state *state, const struct b2b_policy_org *org, const struct b2b_principal *old, bool held_name,
                     const struct b2b_principal *principal, int64_t pass, bool *ret_changed)
{
	bool lifts = old->disabled_ms && principal->state == B2B_ACTIVE &&
	             b2b_record_lifts(old->disabled_ms, old->enabled_ms, principal->modified_ms);
	uint32_t uid;
	int r;

	if (overtaken(state, old, principal, pass))
		return 0;
	if (!lifts && same(old, principal) && (held_name || principal->state == B2B_REMOVED)) {
		*ret_changed = false;
		if (old->modified_ms == principal->modified_ms)
			return 0;
		return write_row(state, principal, old->uid, held_name, old->disabled_ms);
	}
	r = store(state, org, principal, old->uid, lifts ? 0 : old->disabled_ms, &uid);
	if (r == -EEXIST)
		return keep_name(state, old, held_name, principal, ret_changed);
	if (r == 0)
		*ret_changed = true;
	return r;
}

/*
 * Events may have spoken of this subject before it was this person's, or while the person was elsewhere: they do not look for
 * removed rows. OLD: all zero for somebody new.
 */
static int apply_ahead(struct b2b_state *state, const struct b2b_principal *old, const struct b2b_principal *principal, uint32_t uid)
{
	if (old->subject && old->state != B2B_REMOVED && !strcmp(old->subject, principal->subject))
		return 0;
	return b2b_event_ahead_apply(state, principal, uid);
}

/* Who is closed by hand and comes to another organisation: the order moved only the cut-offs of the rows that there were. */
static int cut_off_by_hand(struct b2b_state *state, uint32_t uid)
{
	static const char update[] = "UPDATE principal SET cutoff_ms = max(cutoff_ms, since_ms) FROM hand"
	                             " WHERE uid = ? AND hand.kind = 1 AND hand.what = principal.id";
	sqlite3_stmt *row = NULL;
	int r = b2b_statement(state, update, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, uid);
	return b2b_statement_run(row);
}

static int put(struct b2b_state *state, const struct b2b_policy_org *org, const struct b2b_principal *principal, int64_t pass,
               bool *ret_changed)
{
	struct b2b_principal old = { 0 };
	bool changed = false, held_name = false;
	uint32_t uid = 0;
	int r = b2b_principal_by_id(state, principal->id, org->id, &old, &held_name);

	if (r == 0) {
		uid = old.uid;
		r = put_known(state, org, &old, held_name, principal, pass, &changed);
	} else if (r == -ENOENT && principal->state == B2B_REMOVED) {
		return 0; /* was never here: owns no files, needs no id */
	} else if (r == -ENOENT) {
		r = store(state, org, principal, 0, 0, &uid);
		if (r == 0)
			r = cut_off_by_hand(state, uid);
		changed = r == 0;
	}
	if (r == 0)
		r = apply_ahead(state, &old, principal, uid);
	b2b_principal_clear(&old);
	/* somebody whose new record cannot be stored is there all the same */
	if (uid && (r == 0 || r == -EEXIST) && b2b_seen_ids_mark(&state->seen, pass, uid) < 0)
		r = -ENOMEM;
	if (r == 0)
		*ret_changed = changed;
	return r;
}

/* No name for this host, but perhaps somebody who had one: then the rest of the record counts. */
static int put_nameless(struct b2b_state *state, const struct b2b_principal *principal, int64_t pass, bool *ret_changed)
{
	struct b2b_principal old;
	bool held_name;
	int r = b2b_principal_by_id(state, principal->id, principal->org_id, &old, &held_name);

	if (r < 0)
		return r == -ENOENT ? -EINVAL : r;
	r = keep_name(state, &old, held_name, principal, ret_changed);
	if (r == 0)
		r = apply_ahead(state, &old, principal, old.uid);
	if (r == 0)
		r = b2b_seen_ids_mark(&state->seen, pass, old.uid);
	b2b_principal_clear(&old);
	return r;
}

int b2b_directory_put_principal(struct b2b_state *state, const struct b2b_policy *policy, const struct b2b_principal *principal,
                                int64_t pass, bool *ret_changed)
{
	int org = b2b_policy_org_by_id(policy, principal->org_id);
	bool changed = false;
	int r;

	if (org < 0)
		return -ENOENT;
	if (!principal->id || !*principal->id || !principal->subject || !*principal->subject)
		return -EINVAL;
	if (principal->state == B2B_ACTIVE && (r = check_subject(state, principal)) < 0)
		return r;
	r = b2b_directory_check_local(policy, org, principal->local);
	if (r == -EINVAL)
		r = put_nameless(state, principal, pass, &changed);
	else if (r == 0)
		r = put(state, &policy->orgs[org], principal, pass, &changed);
	if (r == 0)
		*ret_changed = changed;
	return r;
}
