/*
 * b2bctl doctor: what of the host around us undoes what b2b promises. One table of checks (doctor.c), one file a subject;
 * each looks and changes nothing, asks nobody, starts nothing, and says one sentence a finding, with what to do about it.
 */
#ifndef B2B_DOCTOR_H
#define B2B_DOCTOR_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "common/conf.h"
#include "common/policy.h"

enum b2b_verdict { B2B_VERDICT_OK, B2B_VERDICT_WARNING, B2B_VERDICT_PROBLEM };

struct b2b_doctor {
	const char *root;                /* in front of every path that is looked at; "" is the host itself */
	const struct b2b_policy *policy; /* as applied; NULL: none yet */
	const char *check;               /* under way */
	json_t *findings;                /* array of {"check", "verdict", "text"} */
	unsigned problems, warnings;
};

/*
 * Run every check below ROOT. Returns 0 or -ENOMEM; *ret_json is {"checks", "problems", "warnings"}, the caller's.
 */
int b2b_doctor_examine(const char *root, const struct b2b_policy *policy, json_t **ret_json);

/* ---- for the checks ---- */

typedef void b2b_doctor_check(struct b2b_doctor *doctor);

b2b_doctor_check b2b_doctor_nsswitch, b2b_doctor_nscd, b2b_doctor_userdb, b2b_doctor_subids, b2b_doctor_homes, b2b_doctor_sudo,
	b2b_doctor_sshd;

void b2b_doctor_say(struct b2b_doctor *doctor, enum b2b_verdict verdict, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A file of the host to read; NULL: it cannot be. The caller closes it. */
FILE *b2b_doctor_open(const struct b2b_doctor *doctor, const char *path);
/* The host's configuration without its pinned ids; NULL: there is none, or it is wrong, which policy check says. b2b_conf_free() it. */
struct b2b_conf *b2b_doctor_conf(const struct b2b_doctor *doctor);
/* Does anything match PATTERN (glob(7), absolute)? */
bool b2b_doctor_any(const struct b2b_doctor *doctor, const char *pattern);
/* Does a process listen on the UNIX socket PATH? Found without connecting, which could start one. */
bool b2b_doctor_listens(const struct b2b_doctor *doctor, const char *path);
/* Is everybody on this host to see every partner? Then nothing can leak. */
bool b2b_doctor_all_visible(const struct b2b_doctor *doctor);

#endif
