/* setcred has nothing to set; chauthtok says where the password is. */
#include <security/pam_ext.h>

#include "pam_b2b/call.h"

__attribute__((visibility("default"))) int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct b2b_call call;
	int code;

	(void)flags;
	b2b_call_begin(&call, pamh, "pam-setcred", argc, argv);
	code = call.user_ours ? PAM_SUCCESS : PAM_IGNORE;
	b2b_call_end(&call);
	return code;
}

__attribute__((visibility("default"))) int pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct b2b_call call;
	int code = PAM_IGNORE;

	b2b_call_begin(&call, pamh, "pam-chauthtok", argc, argv);
	if (call.user_ours) {
		if (flags & PAM_PRELIM_CHECK)
			pam_error(pamh, "This host holds no password of %s; change it where you approve your log-ins.", call.origin.user);
		code = PAM_PERM_DENIED;
	}
	b2b_call_end(&call);
	return code;
}
