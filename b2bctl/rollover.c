/*
 * A new key without a gap: registered beside the old one, tried, and only then put in its place. The agent takes up a file that
 * was replaced with its next request, so there is no moment at which it has a key that the service does not know.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "b2bctl/conf_edit.h"
#include "b2bctl/enroll.h"

static bool recorded(const struct b2b_enrolment *enrolment)
{
	return b2b_lines_get(&enrolment->recorded, "registration_access_token");
}

/* At the service, these are this host's keys, and no other. */
static int register_keys(struct b2b_enrolment *enrolment, const char *first, const char *second)
{
	struct b2b_lines answer = { 0 };
	struct b2b_order order;
	int code, kept;

	if (b2b_order_begin(enrolment, "keys", &order) < 0)
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "out of memory");
	b2b_line_put(order.out, "uri", b2b_lines_get(&enrolment->recorded, "registration_client_uri"));
	b2b_line_put(order.out, "token", b2b_lines_get(&enrolment->recorded, "registration_access_token"));
	b2b_line_put(order.out, "key_file", first);
	b2b_line_put(order.out, "key_file", second);
	code = b2b_order_run(enrolment, &order, &answer);
	kept = answer.n ? b2b_enrolment_record(enrolment, b2b_lines_get(&enrolment->recorded, "client_id"), &answer) : B2B_CTL_OK;
	b2b_lines_clear(&answer);
	return code == B2B_CTL_OK ? kept : code;
}

static int print_key(const struct b2b_enrolment *enrolment, const char *path)
{
	struct b2b_lines answer;
	struct b2b_order order;
	int code;

	if (b2b_order_begin(enrolment, "describe", &order) < 0)
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "out of memory");
	b2b_line_put(order.out, "auth", enrolment->auth);
	b2b_line_put(order.out, "name", enrolment->client_id);
	b2b_line_put(order.out, "scope", "openid");
	b2b_line_put(order.out, "key_file", path);
	code = b2b_order_run(enrolment, &order, &answer);
	if (code != B2B_CTL_OK)
		return code;
	fprintf(enrolment->ctl->out, "Add the key of \"jwks\" (kid %s) to client %s at %s, beside the one that is there:\n\n%s\n\nThen once more: b2bctl enroll --rollover\n",
	        b2b_lines_get(&answer, "kid"), enrolment->client_id, enrolment->issuer, b2b_lines_get(&answer, "metadata"));
	b2b_lines_clear(&answer);
	return B2B_CTL_OK;
}

int b2b_enrolment_put_in_place(const struct b2b_enrolment *enrolment, const char *next, const char *path)
{
	bool former = b2b_enrolment_has(path);
	char *old = b2b_enrolment_beside(path, "old");
	int code = B2B_CTL_OK;

	if (!old)
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "out of memory");
	if (renameat2(AT_FDCWD, next, AT_FDCWD, path, former ? RENAME_EXCHANGE : RENAME_NOREPLACE) < 0)
		code = b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "%s: %s", path, strerror(errno));
	else if (former && renameat2(AT_FDCWD, next, AT_FDCWD, old, RENAME_NOREPLACE) < 0)
		code = b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "%s is the new one, and the former is left as %s: %s: %s", path, next, old, strerror(errno));
	else
		b2b_ctl_paragraph(enrolment->ctl->out, "in place", "%s is the new one; the former: %s", path, former ? old : "none");
	free(old);
	return code;
}

static int roll(struct b2b_enrolment *enrolment, const char *next)
{
	bool made = !b2b_enrolment_has(next);
	int code = made ? b2b_enrolment_make_key(enrolment, next, NULL, NULL) : B2B_CTL_OK;

	if (code == B2B_CTL_OK && recorded(enrolment))
		code = register_keys(enrolment, enrolment->key, next);
	else if (code == B2B_CTL_OK && made)
		return print_key(enrolment, next);
	if (code == B2B_CTL_OK && b2b_enrolment_check(enrolment, next) != B2B_CTL_OK)
		code = b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "the new key does not work: the old one stays in use, the new one is %s", next);
	if (code == B2B_CTL_OK)
		code = b2b_enrolment_put_in_place(enrolment, next, enrolment->key);
	if (code == B2B_CTL_OK)
		fputs("The agent uses it from its next request on. Later: b2bctl enroll --retire takes the former one from the service\n", enrolment->ctl->err);
	return code;
}

int b2b_enrolment_rollover(struct b2b_enrolment *enrolment)
{
	char *next = b2b_enrolment_beside(enrolment->key, "next"), *old = b2b_enrolment_beside(enrolment->key, "old");
	char *kid = b2b_conf_edit_get(enrolment->conf, "federation", "client_key_id");
	int code;

	if (!next || !old)
		code = b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "out of memory");
	else if (strcmp(enrolment->auth, "private_key_jwt") != 0)
		code = b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "client_auth is %s: there is no key to roll over. The agent takes up files that are replaced", enrolment->auth);
	else if (!enrolment->client_id || !enrolment->issuer || !b2b_enrolment_has(enrolment->key))
		code = b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "this host has no key at a service yet: b2bctl enroll ISSUER");
	else if (kid)
		code = b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "client_key_id names the present key: register that by its thumbprint and take the line out, then roll over");
	else if (b2b_enrolment_has(old))
		code = b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "%s is there, the key before this one: b2bctl enroll --retire first", old);
	else
		code = roll(enrolment, next);
	free(next);
	free(old);
	free(kid);
	return code;
}

int b2b_enrolment_retire(struct b2b_enrolment *enrolment)
{
	char *old = b2b_enrolment_beside(enrolment->key, "old");
	int code;

	if (!old)
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "out of memory");
	if (!b2b_enrolment_has(old)) {
		code = b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "%s is not there: no former key is left to retire", old);
	} else {
		code = b2b_enrolment_check(enrolment, NULL); /* not before the present one works */
		if (code == B2B_CTL_OK && recorded(enrolment))
			code = register_keys(enrolment, enrolment->key, NULL);
		else if (code == B2B_CTL_OK)
			fprintf(enrolment->ctl->out, "Remove the former key from client %s at %s\n", enrolment->client_id, enrolment->issuer);
		if (code == B2B_CTL_OK && unlink(old) < 0)
			code = b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "%s: %s", old, strerror(errno));
	}
	free(old);
	return code;
}
