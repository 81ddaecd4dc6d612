/* What the other end of a log-in can show and answer, as far as PAM lets it be known. */
#ifndef B2B_PAM_ABILITIES_H
#define B2B_PAM_ABILITIES_H

#include "pam_b2b/call.h"

/*
 * For b2b_ask_auth.can. sshd knows neither the client's locale nor its width, and only the option qr vouches for UTF-8; other programs
 * have a terminal, whose width is asked for, and their owner's locale. TERM cannot be asked: for su and sudo it is the caller's word.
 */
uint32_t b2b_abilities(const struct b2b_call *call, bool sshd);

#endif
