/* One line per decision, and the answer that carries its id to the person. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/core.h"
#include "common/log.h"

void b2b_audit(struct b2b_core *core, const char *event, int org, const char *user, enum b2b_reason reason, const char *id,
               const char *extra)
{
	char line[1800]; /* with the text of a command */
	const char *alias = org >= 0 ? core->policy->orgs[org].alias : NULL;

	b2b_audit_format(line, sizeof(line), event, alias, user, b2b_reason_code(reason), id, extra);
	b2b_log(reason == B2B_OK ? LOG_INFO : LOG_NOTICE, "%s", line);
}

uint32_t b2b_audit_login_uid(pid_t pid)
{
	char path[48], text[16] = "";
	unsigned long uid = UINT32_MAX;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/loginuid", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return UINT32_MAX;
	if (fgets(text, sizeof(text), file) && *text >= '0' && *text <= '9')
		uid = strtoul(text, NULL, 10);
	fclose(file);
	return (uint32_t)uid;
}

void b2b_audit_by(uint32_t by, char *buf, size_t size)
{
	if (by == UINT32_MAX)
		snprintf(buf, size, "by=unset");
	else
		snprintf(buf, size, "by=%u", by);
}

void b2b_audit_name(struct b2b_core *core, uint32_t uid, char *buf, size_t size)
{
	int org = b2b_policy_org_by_uid(core->policy, uid);
	struct b2b_principal person;

	if (org < 0 || b2b_directory_by_uid(core->state, uid, &person) < 0) {
		snprintf(buf, size, "%u", uid);
		return;
	}
	if (b2b_name_join(person.local, core->policy->separator, core->policy->orgs[org].alias, buf, size) < 0)
		snprintf(buf, size, "%u", uid);
	b2b_principal_clear(&person);
}

void b2b_answer(struct b2b_core *core, struct b2b_client *client, const char *event, const struct b2b_origin *origin, int org,
                enum b2b_reason reason, uint32_t uid, const char *ticket)
{
	struct b2b_say_decision decision = { .reason = reason, .uid = reason == B2B_OK ? uid : 0 };
	char extra[256];

	b2b_audit_id(decision.audit_id);
	snprintf(decision.message, sizeof(decision.message), "%s", b2b_reason_text(reason));
	if (ticket)
		snprintf(decision.ticket, sizeof(decision.ticket), "%s", ticket);
	snprintf(extra, sizeof(extra), "service=%s tty=%s from=%s", origin->service, origin->tty, origin->rhost);
	b2b_audit(core, event, org, origin->user, reason, decision.audit_id, extra);
	b2b_client_say(client, B2B_SAY_DECISION, &decision);
	explicit_bzero(decision.ticket, sizeof(decision.ticket));
}
