/* What the ways to have a log-in approved elsewhere differ in; private to approval.c, device.c and ciba.c. */
#ifndef B2B_APPROVAL_H
#define B2B_APPROVAL_H

#include "b2bd/federation/federation_private.h"
#include "b2bd/federation/form.h"

struct b2b_approval_kind {
	const char *grant;   /* grant_type of the polls */
	const char *code;    /* the member of the first answer, and parameter of the polls, that names the log-in; never shown, never logged */
	const char *claim;   /* of the ID token: where it is present, it must hold that code; NULL: none */
	const char *bad_answer; /* says that the first answer cannot be used */
	const char *const *passed; /* errors of the first request that leave another way open; NULL-terminated */
	/* What is shown to the person, out of the first answer (valid as long as BODY). False: it lacks something or cannot be shown. */
	bool (*read)(const json_t *body, struct b2b_approval_prompt *prompt);
};

/* POST FORM (cleared) to the endpoint URL; LIFETIME_S as in the request. Returns 0 or a negative errno. */
int b2b_approval_start(struct b2b_federation *federation, const struct b2b_approval_kind *kind, const char *url, struct b2b_form *form,
                       uint32_t lifetime_s, const struct b2b_approval_handlers *handlers, void *arg, struct b2b_approval **ret_approval);

#endif
