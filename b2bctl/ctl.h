/* b2bctl(8): root's tool. One file per verb or pair of verbs; each takes a struct b2b_ctl and returns an exit code. */
#ifndef B2B_CTL_H
#define B2B_CTL_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include <jansson.h>

#include "common/conf.h"
#include "common/proto.h"

#define B2B_VERSION "0.1"

enum b2b_ctl_exit {
	B2B_CTL_OK = 0,
	B2B_CTL_FAILED = 1,  /* refused, or went wrong; the reason is on stderr */
	B2B_CTL_USAGE = 2,   /* wrong command line */
	B2B_CTL_NO_AGENT = 3, /* b2bd does not answer */
	B2B_CTL_CONF = 78,   /* the configuration is wrong (EX_CONFIG) */
};

struct b2b_ctl {
	FILE *out, *err;
	const char *conf_path; /* B2B_CONF_PATH unless --conf */
	const char *cache_dir; /* B2B_CACHE_DIR unless --dir */
	char **operands;       /* behind the verb */
	int n_operands;
	const char *operand;   /* the first of them, NULL where there is none */
	const char *id;        /* --id */
	bool json, write;      /* --json, --write */
	bool words;            /* --words */
	bool group;            /* --group */
	const char *reason;    /* --reason */
	bool all, list;        /* --all, --list */
	bool other_conf, other_dir; /* --conf, --dir were given */
	struct {
		const char *auth, *token_file, *client_id, *ca_file, *proxy, *name;
		bool rollover, retire, test, manual, force;
	} enroll;
};

/* The whole tool; argv as of main. Returns an exit code. */
int b2b_ctl_main(int argc, char **argv, FILE *out, FILE *err);

/* The verbs. */
int b2b_ctl_status(struct b2b_ctl *ctl);
int b2b_ctl_orgs(struct b2b_ctl *ctl);
int b2b_ctl_users(struct b2b_ctl *ctl);
int b2b_ctl_sessions(struct b2b_ctl *ctl);
int b2b_ctl_sync(struct b2b_ctl *ctl);
int b2b_ctl_doctor(struct b2b_ctl *ctl);
int b2b_ctl_policy_check(struct b2b_ctl *ctl);
int b2b_ctl_policy_apply(struct b2b_ctl *ctl);
int b2b_ctl_org_add(struct b2b_ctl *ctl);
int b2b_ctl_cache_dump(struct b2b_ctl *ctl);
int b2b_ctl_cache_verify(struct b2b_ctl *ctl);
int b2b_ctl_idmap_show(struct b2b_ctl *ctl);
int b2b_ctl_idmap_preview(struct b2b_ctl *ctl);
int b2b_ctl_idmap_pin(struct b2b_ctl *ctl);
int b2b_ctl_idmap_export(struct b2b_ctl *ctl);
int b2b_ctl_revoke_user(struct b2b_ctl *ctl);
int b2b_ctl_revoke_org(struct b2b_ctl *ctl);
int b2b_ctl_revoke_session(struct b2b_ctl *ctl);
int b2b_ctl_reinstate_user(struct b2b_ctl *ctl);
int b2b_ctl_reinstate_org(struct b2b_ctl *ctl);
int b2b_ctl_close(struct b2b_ctl *ctl);
int b2b_ctl_open(struct b2b_ctl *ctl);
int b2b_ctl_distrust_key(struct b2b_ctl *ctl);
int b2b_ctl_trust_key(struct b2b_ctl *ctl);
int b2b_ctl_approve(struct b2b_ctl *ctl);
int b2b_ctl_metrics(struct b2b_ctl *ctl);
int b2b_ctl_clock_accept(struct b2b_ctl *ctl);
int b2b_ctl_enroll(struct b2b_ctl *ctl);
int b2b_ctl_unenroll(struct b2b_ctl *ctl);

/* Say on stderr what went wrong: "b2bctl: …". Returns CODE. */
int b2b_ctl_fail(struct b2b_ctl *ctl, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- asking the agent (ask.c) ---- */

/*
 * Ask the agent VERB and take its whole answer. Returns an exit code; with B2B_CTL_OK alone *ret_json is set, and
 * released by the caller. What went wrong has been said, on stdout as JSON where --json wants it.
 */
int b2b_ctl_ask(struct b2b_ctl *ctl, const char *verb, const char *argument, json_t **ret_json);

#define B2B_CTL_ARGUMENT_SIZE B2B_MESSAGE_SIZE /* an argument is shorter */

/* Print an answer, as JSON where --json wants it, with SHOW otherwise, and release it. Returns an exit code. */
int b2b_ctl_give(struct b2b_ctl *ctl, json_t *json, int (*show)(FILE *out, const json_t *json));

/* Both. Returns an exit code. */
int b2b_ctl_ask_and_show(struct b2b_ctl *ctl, const char *verb, int (*show)(FILE *out, const json_t *json));

/* JSON on one line and a newline. Returns an exit code. */
int b2b_ctl_print_json(struct b2b_ctl *ctl, const json_t *json);

/* ---- changing root's files (append.c) ---- */

/*
 * Append TEXT to the trusted file PATH: complete or not at all, owner and mode as they were, and only what CHECK (of the
 * whole new text; 0, or a negative errno with a sentence in error[B2B_CONF_ERROR_SIZE]) finds right. Returns an exit code.
 */
int b2b_ctl_append(struct b2b_ctl *ctl, const char *path, const char *text,
                   int (*check)(struct b2b_ctl *ctl, const char *whole, size_t len, void *arg, char *error), void *arg);

/* TEXT as the file PATH, complete or not at all, with that mode and owner. Returns 0 or a negative errno. */
int b2b_ctl_put_file(const char *path, const char *text, size_t len, mode_t mode, uid_t uid, gid_t gid);
/* The same over a file that is there, with the mode and owner that it has. */
int b2b_ctl_replace_file(const char *path, const char *text, size_t len);
/*
 * Lock the folder of the file PATH against other calls of b2bctl, from the reading of a file until it has been replaced. Waits 10 s at
 * most. Returns a file descriptor, the caller's to close, which unlocks; or a negative errno (-EWOULDBLOCK: somebody else has it).
 */
int b2b_ctl_lock_folder(const char *path);

/* ---- the host around us (doctor.c) ---- */

/* Run doctor's checks on this host. Returns 0 or -ENOMEM; *ret_json is as of b2b_doctor_examine, the caller's. */
int b2b_ctl_examine(const struct b2b_ctl *ctl, json_t **ret_json);
/* Print the findings of such an answer, a paragraph each. */
void b2b_ctl_show_findings(FILE *out, const json_t *json);

/* ---- printing answers (show_*.c); a wrong answer is B2B_CTL_FAILED ---- */

int b2b_ctl_show_status(FILE *out, const json_t *json, int64_t now_s);
void b2b_ctl_show_by_hand(FILE *out, const json_t *list, int64_t now_s); /* what status says of closings by hand */
void b2b_ctl_show_status_lists(FILE *out, const json_t *lists, int64_t now_s); /* what status says of them; nothing where there are none */
void b2b_ctl_show_approvals(FILE *out, const json_t *list, int64_t now_s); /* mass removals that wait */
void b2b_ctl_show_clock(FILE *out, const json_t *clock); /* nothing where it is trusted */
void b2b_ctl_show_stages(FILE *out, const json_t *stages); /* how long revocations took */
int b2b_ctl_show_metrics(FILE *out, const json_t *json);
int b2b_ctl_show_orgs(FILE *out, const json_t *json);
int b2b_ctl_show_users(FILE *out, const json_t *json, int64_t now_s);
int b2b_ctl_show_sessions(FILE *out, const json_t *json, int64_t now_s);
int b2b_ctl_show_ids(FILE *out, const json_t *json, int64_t now_s);

/* ---- words and tables (text.c, table.c) ---- */

#define B2B_CTL_WIDTH 80
#define B2B_AGE_SIZE 32

/* "just now", "3 minutes ago", "never" for 0; of seconds since the epoch. Returns BUF. */
const char *b2b_ctl_ago(int64_t then_s, int64_t now_s, char buf[B2B_AGE_SIZE]);
/* "3 minutes", rounded down to one unit. Returns BUF. */
const char *b2b_ctl_span(int64_t seconds, char buf[B2B_AGE_SIZE]);

/* Strings of a JSON list, joined by blanks; "-" where there is none. Caller frees; NULL without memory. */
char *b2b_ctl_joined(const json_t *list);

/* A field of OBJECT; "", 0 and false where it is missing or of another type. */
const char *b2b_ctl_text(const json_t *object, const char *key);
long long b2b_ctl_number(const json_t *object, const char *key);
bool b2b_ctl_true(const json_t *object, const char *key);

/* LABEL, then TEXT broken between words at B2B_CTL_WIDTH, control characters stripped. */
void b2b_ctl_paragraph(FILE *out, const char *label, const char *format, ...) __attribute__((format(printf, 3, 4)));

struct b2b_table; /* rows of text under headings; opaque */

/*
 * HEADINGS: NULL-terminated, static. '>' before one aligns to the right, '~' says that its cells are cut first where
 * the width does not do. Returns NULL without memory.
 */
struct b2b_table *b2b_table_new(const char *const *headings);
void b2b_table_free(struct b2b_table *table); /* NULL is legal */
/* The next cell, row by row; copied, what is not printable ASCII shown as '?'. */
void b2b_table_cell(struct b2b_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void b2b_ctl_joined_cell(struct b2b_table *table, const json_t *list);
/* All of it within B2B_CTL_WIDTH columns: wide cells are cut and end in '~'. Returns 0 or -ENOMEM. */
int b2b_table_print(struct b2b_table *table, FILE *out);

/* ---- policy (policy_*.c) ---- */

/* Warn of what CONF's policy allows, or does not, and its owner may not want. Returns how many warnings were printed. */
unsigned b2b_policy_warn(const struct b2b_conf *conf, FILE *out);

/* Are they the same, but for the generation? */
bool b2b_policy_same(const struct b2b_policy *before, const struct b2b_policy *after);

/* Print what differs, a line each. BEFORE may be NULL. Returns how many. */
unsigned b2b_policy_diff(const struct b2b_policy *before, const struct b2b_policy *after, FILE *out);

/*
 * Give roles of POLICY the numbers they have in BEFORE: snapshots carry numbers, and outlive a change of policy. The
 * number of a role that is no more stays taken, by a role that nobody is granted and that gives nothing.
 * Returns 0, or -ENOSPC when there are more roles, with those that were, than numbers.
 */
int b2b_policy_keep_role_numbers(struct b2b_policy *policy, const struct b2b_policy *before);

/* ---- ranges that were given out (ranges.c) ---- */

struct b2b_range {
	char id[B2B_ID_SIZE]; /* of the organisation */
	uint32_t lo, hi;
};

/*
 * Ranges of all organisations that the host has or had: those of POLICY (NULL: none) and of the live files below DIR.
 * Returns 0 or a negative errno. Caller frees *ret_ranges.
 */
int b2b_ranges_known(const char *dir, const struct b2b_policy *policy, struct b2b_range **ret_ranges, size_t *ret_n);

#endif
