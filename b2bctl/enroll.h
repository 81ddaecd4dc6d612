/* What enroll, its roll-over and unenroll share: where things lie, and the child that talks to the network for them. */
#ifndef B2B_ENROLL_H
#define B2B_ENROLL_H

#include "b2bctl/ctl.h"
#include "common/lines.h"

struct b2b_enrolment {
	struct b2b_ctl *ctl;
	char *conf;        /* text of the configuration; "" where there is none yet */
	bool conf_exists;
	char *issuer, *client_id, *auth, *ca_file, *proxy; /* by options, else by the configuration; NULL: not said */
	char *key, *certificate, *secret, *record; /* paths */
	char *next_key, *next_certificate; /* what --force made beside them, to be registered and then put in place; NULL: nothing */
	gid_t gid;         /* group b2b, that the agent reads keys by */
	struct b2b_lines recorded; /* the record of the registration; empty: none */
};

/* Where this host stands. Returns an exit code, with what is wrong said; b2b_enrolment_end in any case. */
int b2b_enrolment_begin(struct b2b_ctl *ctl, struct b2b_enrolment *ret);
void b2b_enrolment_end(struct b2b_enrolment *enrolment);

/* Is the configuration what _begin read, before a person and a service were asked? Returns an exit code, with how to go on said. */
int b2b_enrolment_conf_unchanged(const struct b2b_enrolment *enrolment);

/* "PATH.SUFFIX"; NULL without memory. Caller frees. */
char *b2b_enrolment_beside(const char *path, const char *suffix);

/* An order in the making: FILE to b2b_line_put to, its text afterwards. Wiped by _run. */
struct b2b_order {
	FILE *out;
	char *text;
	size_t size;
};
/* Begin with "do WHAT", authorities and proxy. Returns 0 or -ENOMEM. */
int b2b_order_begin(const struct b2b_enrolment *enrolment, const char *what, struct b2b_order *ret);
/*
 * Have b2bd run it, sandboxed (b2bd/errand/errand.h). Returns an exit code; with B2B_CTL_OK there is an answer without an error, and the
 * caller clears it. What went wrong has been said; *ret_answer is then left, unless the service changed the registration's token
 * before: that is to be kept all the same.
 */
int b2b_order_run(const struct b2b_enrolment *enrolment, struct b2b_order *order, struct b2b_lines *ret_answer);

/* Is FILE there? */
bool b2b_enrolment_has(const char *path);
/* Make a key (and, where CERTIFICATE is not NULL, one that signs itself for NAME) and write it, root:b2b 0640. Returns an exit code. */
int b2b_enrolment_make_key(const struct b2b_enrolment *enrolment, const char *path, const char *certificate, const char *name);
/*
 * Keep where the registration can be changed, root's alone. What ANSWER does not say stays. The child that gave it has read what
 * strangers sent: with a client_id, secret, URI or token that is not one plain value nothing is kept. Returns an exit code.
 */
int b2b_enrolment_record(struct b2b_enrolment *enrolment, const char *client_id, const struct b2b_lines *answer);
/* Does the configuration work, with the key KEY_FILE instead of its own where not NULL? Prints a line for each step. Returns an exit code. */
int b2b_enrolment_check(const struct b2b_enrolment *enrolment, const char *key_file);

/*
 * Put NEXT in the place of the file PATH, which, where it is there, becomes PATH.old; in one step, so that PATH is never empty, and over no PATH.old that is
 * there. Says so. Returns an exit code.
 */
int b2b_enrolment_put_in_place(const struct b2b_enrolment *enrolment, const char *next, const char *path);

/* The other ways to call enroll (rollover.c). */
int b2b_enrolment_rollover(struct b2b_enrolment *enrolment);
int b2b_enrolment_retire(struct b2b_enrolment *enrolment);

#endif
