/* What sudoers(5) says that concerns partners: private to b2bctl doctor's check of sudo. */
#ifndef B2B_DOCTOR_SUDOERS_H
#define B2B_DOCTOR_SUDOERS_H

#include "b2bctl/doctor.h"

struct b2b_sudoers {
	double timeout;         /* minutes; negative: for ever */
	bool no_account, no_session;
	char other_service[96]; /* a setting that gives PAM another service than sudo's, as "pam_service=other"; "": none */
};

/*
 * /etc/sudoers and what it includes, below DOCTOR's root. What holds for some commands, or for some as whom they run, counts where it is
 * worse than what holds for all. A file that cannot be read says nothing.
 */
void b2b_doctor_read_sudoers(const struct b2b_doctor *doctor, struct b2b_sudoers *ret_sudoers);

#endif
