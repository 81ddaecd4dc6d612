/*
 * The directory's copy in SQLite: organisations, principals, groups, and the id ledger.
 *
 * Three things can close a principal or an organisation: the directory's record (state, window), an event
 * (account-disabled), and root's word on this host (hand_state.h). Each is kept by itself; it is open only when none closes
 * it. A principal that acts for somebody (a service account for its owner) is closed by what closes the owner, too; nothing is kept of
 * that, so that the owner's opening opens it again, and it does not matter which of the two comes first. An event's closing is lifted by a later account-enabled, or by a directory record modified after the event that says active;
 * root's by root alone.
 */
#ifndef B2B_DIRECTORY_STATE_H
#define B2B_DIRECTORY_STATE_H

#include "b2bd/state/state.h"
#include "common/names.h"

/* What closes a principal by itself. */
struct b2b_closers {
	enum b2b_principal_state state; /* by the directory */
	int64_t not_before, not_after;
	int64_t disabled_ms;
	bool by_hand;
};

struct b2b_principal {
	char *id;            /* directory's immutable id */
	char *subject;       /* sub in tokens */
	char *org_id;
	char local[B2B_NAME_SIZE];
	char *display;
	enum b2b_principal_kind kind;
	enum b2b_principal_state state; /* by the directory */
	int64_t not_before, not_after;  /* seconds; 0: open */
	uint64_t roles;                 /* bits by policy->roles, resolved from names when stored */
	char *shell;                    /* wanted shell; "" for the default */
	int64_t modified_ms;            /* meta.lastModified; 0 unknown */
	char *owner;                    /* directory's id of the person of the same organisation for whom it acts; NULL, "": for nobody */
	uint32_t wanted_uid;            /* the directory's number for a person who is new here; 0: none (ledger.h); not stored */
	/* kept here, not by the directory */
	uint32_t uid;
	int64_t disabled_ms; /* time of the event that disabled it; 0: none, or one that something later lifted */
	int64_t cutoff_ms;   /* authentications not after this are void; 0: none */
	bool by_hand;        /* root closed it on this host */
	int64_t enabled_ms;  /* time of the latest event that enabled it; 0: none */
	bool owner_known;    /* the owner is a person of this organisation, and acts for nobody else … */
	struct b2b_closers owner_now; /* … who stands like this */
	uint32_t owner_uid;  /* 0: not known */
};
void b2b_principal_clear(struct b2b_principal *principal);

struct b2b_org_record {
	char *id;
	enum b2b_org_state state;
	int64_t not_before, not_after;
	int64_t modified_ms;
	int64_t disabled_ms;
	int64_t cutoff_ms;
	bool by_hand; /* root closed it on this host, by itself or with all others */
	int64_t enabled_ms;
};
void b2b_org_record_clear(struct b2b_org_record *org);

/*
 * Bring the database into line with root's policy, once before anything is stored: record each organisation's range,
 * and translate the stored role bits where the policy's list of roles is another one than before.
 * One transaction. Returns 0, 1 the roles have other numbers now, so that snapshots made before mislead; -EEXIST a range changed or overlaps (logged), or a negative errno.
 */
int b2b_directory_adopt_policy(struct b2b_state *state, const struct b2b_policy *policy);

/*
 * Store what the directory says of one principal (uid, disabled_ms and cutoff_ms of the argument are ignored) in the
 * pass number PASS. Gives a uid from the ledger at the first time: the principal's former one, or one that
 * nobody ever had. *ret_changed: something that a snapshot or a decision shows changed.
 * A removed person whom this host never knew is not stored. A person who is in another organisation now is removed
 * from the former one. Call inside a transaction; after -EDQUOT, -EEXIST, -ENOENT and -EINVAL it may go on.
 * Returns 0, -EDQUOT no id can be had, -EEXIST the name or the subject belongs to another living principal, -ENOENT
 * organisation not in the policy, -EINVAL no name for this host (common/names.h, reserved, too long), or a negative errno.
 */
int b2b_directory_put_principal(struct b2b_state *state, const struct b2b_policy *policy, const struct b2b_principal *principal,
                                int64_t pass, bool *ret_changed);
int b2b_directory_put_org(struct b2b_state *state, const struct b2b_org_record *org, int64_t pass, bool *ret_changed);

/*
 * MEMBERS: ids of principals; those not known or of another organisation are passed over. WANTED_GID as for principals.
 * Call inside a transaction. Errors as for principals.
 */
int b2b_directory_put_group(struct b2b_state *state, const struct b2b_policy *policy, const char *id, const char *org_id, const char *local,
                            uint32_t wanted_gid, const char *const *members, size_t n_members, int64_t pass, bool *ret_changed);

/* Find one. Return 0 (caller clears), -ENOENT, or a negative errno. */
int b2b_directory_by_name(struct b2b_state *state, const char *org_id, const char *local, struct b2b_principal *ret);
int b2b_directory_by_subject(struct b2b_state *state, const char *subject, struct b2b_principal *ret);
/* By the directory's id, wherever the person is now. */
int b2b_directory_by_id(struct b2b_state *state, const char *id, struct b2b_principal *ret);
int b2b_directory_by_uid(struct b2b_state *state, uint32_t uid, struct b2b_principal *ret);
int b2b_directory_org(struct b2b_state *state, const char *org_id, struct b2b_org_record *ret);
/* The group of that name. Returns 0, -ENOENT, or a negative errno. */
int b2b_group_by_name(struct b2b_state *state, const char *org_id, const char *local, uint32_t *ret_gid);

/* Whoever in ORG_ID acts for the person OWNER (the directory's id), by uid. EACH returns 0 to go on. */
int b2b_directory_each_owned(struct b2b_state *state, const char *org_id, const char *owner,
                             int (*each)(void *arg, const struct b2b_principal *principal), void *arg);

/* Every principal that has a uid and lies in ORG_ID (NULL: all), by uid. EACH returns 0 to go on. */
int b2b_directory_each(struct b2b_state *state, const char *org_id,
                       int (*each)(void *arg, const struct b2b_principal *principal), void *arg);

/* The same without those removed whose name another has now: what a snapshot shows. */
int b2b_directory_each_named(struct b2b_state *state, const char *org_id,
                             int (*each)(void *arg, const struct b2b_principal *principal), void *arg);

/*
 * Every person's id that was ever given in ORG_ID, in ascending order from FROM on and MOST of them at most, with what decides how it
 * stands: state, window, disabled_ms, by_hand and the owner's are filled in, nothing else. PRINCIPAL is NULL for an id that nobody has
 * any more.
 */
int b2b_directory_each_standing(struct b2b_state *state, const char *org_id, uint32_t from, uint32_t most,
                                int (*each)(void *arg, uint32_t uid, const struct b2b_principal *principal), void *arg);

/*
 * The uids of the members of the group with the directory's id GROUP_ID, in ORG_ID (NULL: any); caller frees *ret_uids.
 * Returns 0, -ENOENT where there is no such group, or a negative errno.
 */
int b2b_group_members(struct b2b_state *state, const char *group_id, const char *org_id, uint32_t **ret_uids, size_t *ret_n);

/* The directory's id of every group of ORG_ID, until EACH returns other than 0. Returns that, 0, or a negative errno. */
int b2b_directory_each_group_id(struct b2b_state *state, const char *org_id, int (*each)(void *arg, const char *id), void *arg);

/* Every group of ORG_ID with the uids of its members (those removed left out), by gid. */
int b2b_directory_each_group(struct b2b_state *state, const char *org_id,
                             int (*each)(void *arg, const char *local, uint32_t gid, const uint32_t *members, size_t n_members),
                             void *arg);

/* The number of a new full pass. One transaction. */
int b2b_directory_begin_pass(struct b2b_state *state, int64_t *ret_pass);
int64_t b2b_directory_last_pass(struct b2b_state *state, int64_t *ret_complete_s); /* 0: never one; *ret_complete_s 0: none completed */

/*
 * Organisations in which PRINCIPAL_ID is a removed person: who moved has changed them too.
 */
int b2b_directory_each_former(struct b2b_state *state, const char *principal_id, int (*each)(void *arg, const char *org_id), void *arg);

/* How many of ORG_ID live, and how many of those PASS did not meet. */
int b2b_directory_count_unseen(struct b2b_state *state, const char *org_id, int64_t pass, uint64_t *ret_living, uint64_t *ret_unseen);

/* Each of those PASS did not meet, by the directory's id; EACH returns 0 to go on. */
int b2b_directory_each_unseen(struct b2b_state *state, const char *org_id, int64_t pass,
                              int (*each)(void *arg, uint32_t uid, const char *id), void *arg);

/* The rows of the person PRINCIPAL_ID that are not removed, and that PASS did not meet; EACH returns 0 to go on. */
int b2b_directory_each_unmet(struct b2b_state *state, const char *principal_id, int64_t pass, int (*each)(void *arg, uint32_t uid), void *arg);

/* PASS met this person, though with a record that could not be stored: it is not gone. Unknown ids are passed over. */
int b2b_directory_met(struct b2b_state *state, const char *principal_id, int64_t pass);

/*
 * PASS met this person, and the directory's record is the one that was stored last. Unknown ids are passed over. Returns 0, 1 where the
 * record has to be stored again, as it may lift what an event closed or get its name by now; or a negative errno.
 */
int b2b_directory_met_same(struct b2b_state *state, const char *principal_id, int64_t pass);

/* Note that UID of ORG_ID is a member of the group with the directory's id GROUP_ID; an unknown group is passed over. */
int b2b_directory_join(struct b2b_state *state, const char *group_id, const char *org_id, uint32_t uid, bool *ret_changed);

/*
 * UID of ORG_ID is a member of exactly the groups with these NAMES, which are their ids too; those that are not there yet are made, and
 * what is no name for a group, is a person's, or gets no id is passed over. Call inside a transaction. Returns 0 or a negative errno.
 */
int b2b_directory_put_memberships(struct b2b_state *state, const struct b2b_policy *policy, const char *org_id, uint32_t uid,
                                  const char *const *names, size_t n_names, bool *ret_changed);

/*
 * PASS was complete: those N of UIDS whom it has not met become removed, and nobody else; one transaction. *ret_removed: how many.
 * Returns 0 or a negative errno.
 */
int b2b_directory_remove(struct b2b_state *state, int64_t pass, const uint32_t *uids, size_t n, uint32_t *ret_removed);

/*
 * PASS was complete: the groups of ORG_ID that it did not meet go. At most LIMIT rows; one transaction. *ret_removed: how many;
 * 0 when there is nothing left to do.
 */
int b2b_directory_sweep_groups(struct b2b_state *state, const char *org_id, int64_t pass, uint32_t limit, uint32_t *ret_removed);
int b2b_directory_end_pass(struct b2b_state *state, int64_t now_s); /* note that it was complete */

/*
 * Revocations may have been missed that a complete pass would show: OWE notes it, in the caller's transaction where there is
 * one, until PAID. Both return 0 or a negative errno; OWES 1, 0 or a negative errno.
 */
int b2b_directory_owe_pass(struct b2b_state *state);
int b2b_directory_paid_pass(struct b2b_state *state);
int b2b_directory_owes_pass(struct b2b_state *state);

struct b2b_directory_counts {
	uint64_t people, groups, organisations; /* people: not removed */
};
int b2b_directory_count(struct b2b_state *state, struct b2b_directory_counts *ret_counts);

/* The next wall-clock second after NOW at which somebody's or an organisation's window opens or closes; 0: none known. */
int64_t b2b_directory_next_change(struct b2b_state *state, int64_t now);

/*
 * What events say; each in the transaction of the caller, times in ms. They may come in any order, late and twice: the
 * outcome is the same. A closing counts unless an opening is later; in doubt (a time in whole seconds lies anywhere in
 * its second) it counts. A closing moves the cut-off as well.
 */
int b2b_directory_disable(struct b2b_state *state, uint32_t uid, int64_t time_ms);
int b2b_directory_enable(struct b2b_state *state, uint32_t uid, int64_t time_ms);
int b2b_directory_cut_off(struct b2b_state *state, uint32_t uid, int64_t time_ms);
int b2b_directory_disable_org(struct b2b_state *state, const char *org_id, int64_t time_ms);
int b2b_directory_enable_org(struct b2b_state *state, const char *org_id, int64_t time_ms);
int b2b_directory_cut_off_org(struct b2b_state *state, const char *org_id, int64_t time_ms);

/* Is a closing of TIME_MS past already: by an opening of ENABLED_MS, or by a record that says ACTIVE as of MODIFIED_MS? */
bool b2b_closing_outdated(int64_t time_ms, int64_t enabled_ms, bool active, int64_t modified_ms);

/*
 * Keep what an event said of somebody who is not known here, or not yet in that organisation: it holds for whoever is stored
 * with that name later. In the caller's transaction. Returns 0 or a negative errno.
 */
struct b2b_event_ahead {
	const char *name;   /* `sub`, or */
	bool by_id;         /* the directory's id */
	const char *org_id; /* "": the event names none */
	int64_t disabled_ms, enabled_ms, cutoff_ms; /* 0: nothing of that kind */
};
int b2b_event_ahead_note(struct b2b_state *state, const struct b2b_event_ahead *ahead, int64_t now_s);
/* Forget at most LIMIT of those noted before BEFORE_S; a transaction of its own. Returns 0 or a negative errno. */
int b2b_event_ahead_prune(struct b2b_state *state, int64_t before_s, uint32_t limit);

/* Is it open by directory, events and root's word, at wall-clock second NOW? B2B_OK or the reason (B2B_USER_SUSPENDED, B2B_ORG_ENDED, …). */
int b2b_principal_standing(const struct b2b_principal *principal, int64_t now);
int b2b_org_standing(const struct b2b_org_record *org, int64_t now);

/* The next wall-clock second after NOW at which a window of a person or organisation opens or closes; 0: none. */
int64_t b2b_directory_next_change(struct b2b_state *state, int64_t now);

#endif
