/*
 * Commands that another person must approve before sudo runs them: private to the files b2bd/sudo*.c.
 *
 * sudo's approval plug-in (sudo_b2b/) asks about every command of a partner's. Root's rule for the organisation (b2b.conf(5),
 * sudo_approvers) says whether somebody must approve it and who may; they are asked on their own devices (CIBA), and the first who
 * decides has decided. An approval is good for the one command that was shown and that waits for it on the same connection.
 */
#ifndef B2B_SUDO_H
#define B2B_SUDO_H

#include "b2bd/core.h"

#define B2B_SUDO_ASKED_MAX 5 /* people who are asked about one command */
#define B2B_SUDO_MESSAGE_SIZE 1024
#define B2B_SUDO_PERSON_SIZE 256

/* Whose rule holds, and for whom. */
struct b2b_sudo_rule {
	const struct b2b_conf_sudo *conf; /* NULL: nobody need approve */
	int org;                          /* slot of whose rule it is: its people approve */
	uint32_t subject_uid;             /* the partner whom it is about: who runs sudo, or as whom it runs where that is a local user */
};

/* sudo_rule.c: the rule for ASK. Does it ask for an approval of this very command? */
void b2b_sudo_rule(const struct b2b_core *core, const struct b2b_ask_command *ask, struct b2b_sudo_rule *ret_rule);
bool b2b_sudo_demands(const struct b2b_sudo_rule *rule, const struct b2b_ask_command *ask);

/* May the person of GATHERED approve by RULE: among its approvers, of its organisation, and a person? As the directory is now. */
bool b2b_sudo_may_approve(const struct b2b_core *core, const struct b2b_sudo_rule *rule, const struct b2b_gathered *gathered);

/*
 * Some of those who may, in no order that anybody could foresee; at most MAX. Whether they stand, or are who asks, is for the caller
 * to see. Returns how many, or a negative errno.
 */
int b2b_sudo_candidates(const struct b2b_core *core, const struct b2b_sudo_rule *rule, uint32_t *uids, size_t max);

/*
 * Which person PRINCIPAL is, whatever the account: the token's sub, of the owner where it acts for one (one person in several
 * organisations is one sub). Returns 0, -ENOENT the owner is not known, or another negative errno.
 */
int b2b_sudo_person(const struct b2b_core *core, const struct b2b_principal *principal, char ret_person[B2B_SUDO_PERSON_SIZE]);

/* sudo_note.c: the plug-in of the sudo process PID was told to go on with a command of UID's: b2b_sudo_may_open then, once. */
void b2b_sudo_note(struct b2b_core *core, uint32_t uid, pid_t pid);

#endif
