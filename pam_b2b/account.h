/* What `account` leaves for `session` of the same PAM handle. */
#ifndef B2B_PAM_ACCOUNT_H
#define B2B_PAM_ACCOUNT_H

#include <security/pam_modules.h>

#include "common/cache.h"

/* The standing of the person for whom account was decided; NULL where it was not, or in another process. */
const struct b2b_standing *b2b_account_decided(pam_handle_t *pamh);

#endif
