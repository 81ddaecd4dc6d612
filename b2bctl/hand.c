/* What root closes and opens by hand, and the issuer's keys that this host does not trust. */
#include <stdlib.h>
#include <string.h>

#include "b2bctl/ctl.h"

/* Ask VERB about NAME, with the reason where there is one. */
static int order(struct b2b_ctl *ctl, const char *verb, const char *name, int (*show)(FILE *out, const json_t *json))
{
	const char *reason = ctl->reason ? ctl->reason : "";
	char *argument = NULL;
	json_t *json = NULL;
	int r;

	if (strchr(name, '\n'))
		return b2b_ctl_fail(ctl, B2B_CTL_USAGE, "a name has no line break");
	if (strlen(name) + strlen(reason) + 2 > B2B_CTL_ARGUMENT_SIZE)
		return b2b_ctl_fail(ctl, B2B_CTL_USAGE, "name and reason are too long: together at most %d bytes", B2B_CTL_ARGUMENT_SIZE - 2);
	if (asprintf(&argument, "%s\n%s", name, reason) < 0)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "out of memory");
	r = b2b_ctl_ask(ctl, verb, argument, &json);
	free(argument);
	return r == B2B_CTL_OK ? b2b_ctl_give(ctl, json, show) : r;
}

/* People read it at their terminals: there is no closing without one. */
static int close_for(struct b2b_ctl *ctl, const char *verb, const char *name, const char *usage, int (*show)(FILE *out, const json_t *json))
{
	if (!ctl->reason || !*ctl->reason)
		return b2b_ctl_fail(ctl, B2B_CTL_USAGE, "a reason is missing, which the people concerned are told: b2bctl %s --reason TEXT", usage);
	return order(ctl, verb, name, show);
}

static int show_closed(FILE *out, const json_t *json)
{
	long long sessions = b2b_ctl_number(json, "sessions");

	if (strcmp(b2b_ctl_text(json, "done"), "closed") != 0)
		return B2B_CTL_FAILED;
	fprintf(out, "Closed: %s. %lld session%s being ended (audit id %s).\n"
	             "The federation service does not undo this; b2bctl reinstate, or open --all, does.\n",
	        b2b_ctl_text(json, "name"), sessions, sessions == 1 ? " is" : "s are", b2b_ctl_text(json, "audit_id"));
	return B2B_CTL_OK;
}

static int show_ended(FILE *out, const json_t *json)
{
	long long sessions = b2b_ctl_number(json, "sessions");

	if (strcmp(b2b_ctl_text(json, "done"), "ended") != 0)
		return B2B_CTL_FAILED;
	fprintf(out, "%lld session%s being ended (audit id %s); a new one may be opened.\n", sessions, sessions == 1 ? " is" : "s are",
	        b2b_ctl_text(json, "audit_id"));
	return B2B_CTL_OK;
}

static int show_opened(FILE *out, const json_t *json)
{
	const char *name = b2b_ctl_text(json, "name");

	if (strcmp(b2b_ctl_text(json, "done"), "opened") != 0)
		return B2B_CTL_FAILED;
	if (b2b_ctl_true(json, "open"))
		fprintf(out, "Opened: %s, as far as the federation service and other closings allow.\n", name);
	else if (!b2b_ctl_true(json, "heard"))
		fprintf(out, "No longer closed by hand: %s. It opens when the federation service has been heard from.\n", name);
	else
		fprintf(out, "No longer closed by hand: %s. Still not open: %s (%s)\n", name, b2b_ctl_text(json, "reason"), b2b_ctl_text(json, "reason_text"));
	return B2B_CTL_OK;
}

int b2b_ctl_revoke_user(struct b2b_ctl *ctl)
{
	return close_for(ctl, "revoke-user", ctl->operand, "revoke user NAME", show_closed);
}

int b2b_ctl_revoke_org(struct b2b_ctl *ctl)
{
	return close_for(ctl, "revoke-org", ctl->operand, "revoke org ORGANISATION", show_closed);
}

int b2b_ctl_revoke_session(struct b2b_ctl *ctl)
{
	return close_for(ctl, "revoke-session", ctl->operand, "revoke session ID", show_ended);
}

int b2b_ctl_reinstate_user(struct b2b_ctl *ctl)
{
	return order(ctl, "reinstate-user", ctl->operand, show_opened);
}

int b2b_ctl_reinstate_org(struct b2b_ctl *ctl)
{
	return order(ctl, "reinstate-org", ctl->operand, show_opened);
}

/* --all is spelt out: it is every partner on this host. */
int b2b_ctl_close(struct b2b_ctl *ctl)
{
	if (!ctl->all)
		return b2b_ctl_fail(ctl, B2B_CTL_USAGE, "close closes every partner at once and wants --all for it; for one there is b2bctl revoke");
	return close_for(ctl, "close-all", "", "close --all", show_closed);
}

int b2b_ctl_open(struct b2b_ctl *ctl)
{
	if (!ctl->all)
		return b2b_ctl_fail(ctl, B2B_CTL_USAGE, "open lifts close --all and wants --all for it; for one there is b2bctl reinstate");
	return order(ctl, "open-all", "", show_opened);
}

static int show_key(FILE *out, const json_t *json)
{
	const char *name = b2b_ctl_text(json, "name");

	if (strcmp(b2b_ctl_text(json, "done"), "key-trusted") == 0) {
		fprintf(out, "The key %s is trusted again, where the service publishes it.\n", name);
		return B2B_CTL_OK;
	}
	if (strcmp(b2b_ctl_text(json, "done"), "key-distrusted") != 0)
		return B2B_CTL_FAILED;
	fprintf(out, "Tokens and signals signed with the key %s are refused from now on (audit id %s).\n", name, b2b_ctl_text(json, "audit_id"));
	fprintf(out, "%s", b2b_ctl_true(json, "known") ? "Log-ins that were approved before have to be approved again for sudo; open sessions stay.\n"
	                                               : "The service publishes no key of this name now; one that comes will be refused.\n");
	return B2B_CTL_OK;
}

int b2b_ctl_distrust_key(struct b2b_ctl *ctl)
{
	return order(ctl, "distrust-key", ctl->operand, show_key);
}

int b2b_ctl_trust_key(struct b2b_ctl *ctl)
{
	return order(ctl, "trust-key", ctl->operand, show_key);
}
