#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bctl/ctl.h"
#include "common/clock.h"

static const char *or_dash(const char *text)
{
	return *text ? text : "-";
}

static void org_row(struct b2b_table *table, const json_t *org, int64_t now_s)
{
	const json_t *range = json_object_get(org, "range");
	bool open = b2b_ctl_true(org, "open");
	const char *state = b2b_ctl_text(org, "state");

	(void)now_s;
	b2b_table_cell(table, "%s", b2b_ctl_text(org, "alias"));
	/* active itself, but closed by its parent or its window */
	b2b_table_cell(table, "%s", !open && strcmp(state, "active") == 0 ? "closed" : state);
	b2b_table_cell(table, "%lld", b2b_ctl_number(org, "people"));
	b2b_table_cell(table, "%lld", b2b_ctl_number(org, "sessions"));
	b2b_table_cell(table, "0x%llx", json_integer_value(json_array_get(range, 0)));
	b2b_ctl_joined_cell(table, json_object_get(org, "services"));
	b2b_ctl_joined_cell(table, json_object_get(org, "roles"));
}

static void user_row(struct b2b_table *table, const json_t *user, int64_t now_s)
{
	(void)now_s;
	b2b_table_cell(table, "%s", b2b_ctl_text(user, "name"));
	b2b_table_cell(table, "%lld", b2b_ctl_number(user, "uid"));
	b2b_table_cell(table, "%s", b2b_ctl_text(user, "state"));
	b2b_table_cell(table, "%s", b2b_ctl_true(user, "open") ? "open" : or_dash(b2b_ctl_text(user, "reason")));
	b2b_table_cell(table, "%lld", b2b_ctl_number(user, "sessions"));
	b2b_ctl_joined_cell(table, json_object_get(user, "roles"));
}

static void session_row(struct b2b_table *table, const json_t *session, int64_t now_s)
{
	long long ends = b2b_ctl_number(session, "ends_s");
	char span[B2B_AGE_SIZE];

	b2b_table_cell(table, "%s", b2b_ctl_text(session, "user"));
	b2b_table_cell(table, "%s", b2b_ctl_text(session, "service"));
	b2b_table_cell(table, "%lld", b2b_ctl_number(session, "pid"));
	b2b_table_cell(table, "%s", or_dash(b2b_ctl_text(session, "tty")));
	b2b_table_cell(table, "%s", or_dash(b2b_ctl_text(session, "from")));
	b2b_table_cell(table, "%s", b2b_ctl_span(now_s - b2b_ctl_number(session, "opened_s"), span));
	b2b_table_cell(table, "%s", ends == 0 ? "-" : b2b_ctl_span(ends - now_s, span));
	b2b_table_cell(table, "%s", b2b_ctl_true(session, "authenticated") ? or_dash(b2b_ctl_text(session, "acr")) : "key");
}

/* JSON's list KEY as a table; NOTHING is said where it is empty. */
static int show_list(FILE *out, const json_t *json, const char *key, const char *const *headings,
                     void (*row)(struct b2b_table *table, const json_t *item, int64_t now_s), int64_t now_s, const char *nothing)
{
	const json_t *list = json_object_get(json, key);
	struct b2b_table *table;
	json_t *item;
	size_t i;
	int r;

	if (!json_is_array(list))
		return B2B_CTL_FAILED;
	if (json_array_size(list) == 0)
		return fprintf(out, "%s\n", nothing) < 0 ? B2B_CTL_FAILED : B2B_CTL_OK;
	table = b2b_table_new(headings);
	if (!table)
		return B2B_CTL_FAILED;
	json_array_foreach(list, i, item)
		row(table, item, now_s);
	r = b2b_table_print(table, out);
	b2b_table_free(table);
	return r < 0 ? B2B_CTL_FAILED : B2B_CTL_OK;
}

int b2b_ctl_show_orgs(FILE *out, const json_t *json)
{
	static const char *const headings[] = { "ORGANISATION", "STATE", ">PEOPLE", ">SESSIONS", "FIRST ID", "~SERVICES", "~ROLES", NULL };

	return show_list(out, json, "organisations", headings, org_row, 0, "No organisation is configured; b2bctl org add proposes a section.");
}

int b2b_ctl_show_users(FILE *out, const json_t *json, int64_t now_s)
{
	static const char *const headings[] = { "NAME", ">UID", "STATE", "ACCESS", ">SESSIONS", "~ROLES", NULL };

	return show_list(out, json, "users", headings, user_row, now_s, "No people are known; b2bctl status says when the directory was last read.");
}

int b2b_ctl_show_sessions(FILE *out, const json_t *json, int64_t now_s)
{
	static const char *const headings[] = { "USER", "SERVICE", ">PID", "TTY", "~FROM", "OPEN FOR", "ENDS IN", "~ACR", NULL };

	return show_list(out, json, "sessions", headings, session_row, now_s, "No partner is logged in.");
}

static void id_row(struct b2b_table *table, const json_t *entry, int64_t now_s)
{
	const char *name = b2b_ctl_text(entry, "name"), *alias = b2b_ctl_text(entry, "organisation");

	(void)now_s;
	b2b_table_cell(table, "%lld", b2b_ctl_number(entry, "id"));
	b2b_table_cell(table, "%s", b2b_ctl_text(entry, "kind"));
	/* nobody has a name any more, but the organisation is known */
	if (*name)
		b2b_table_cell(table, "%s", name);
	else
		b2b_table_cell(table, "@%s", *alias ? alias : b2b_ctl_text(entry, "organisation_id"));
	b2b_table_cell(table, "%s", b2b_ctl_text(entry, "state"));
	b2b_table_cell(table, "%s", b2b_ctl_text(entry, "chosen"));
	b2b_table_cell(table, "%s", b2b_ctl_text(entry, "owner"));
}

int b2b_ctl_show_ids(FILE *out, const json_t *json, int64_t now_s)
{
	static const char *const headings[] = { ">ID", "KIND", "NAME", "STATE", "CHOSEN", "~OWNER", NULL };

	return show_list(out, json, "ids", headings, id_row, now_s, "No id was given yet.");
}

static int users_now(FILE *out, const json_t *json)
{
	return b2b_ctl_show_users(out, json, b2b_wall_s());
}

static int sessions_now(FILE *out, const json_t *json)
{
	return b2b_ctl_show_sessions(out, json, b2b_wall_s());
}

int b2b_ctl_give(struct b2b_ctl *ctl, json_t *json, int (*show)(FILE *out, const json_t *json))
{
	int r = ctl->json ? b2b_ctl_print_json(ctl, json) : show(ctl->out, json);

	json_decref(json);
	if (r != B2B_CTL_OK && !ctl->json)
		return b2b_ctl_fail(ctl, r, "b2bd gave an answer that cannot be read; is it of another version?");
	return r;
}

int b2b_ctl_ask_and_show(struct b2b_ctl *ctl, const char *verb, int (*show)(FILE *out, const json_t *json))
{
	json_t *json = NULL;
	int r = b2b_ctl_ask(ctl, verb, ctl->operand, &json);

	return r == B2B_CTL_OK ? b2b_ctl_give(ctl, json, show) : r;
}

int b2b_ctl_orgs(struct b2b_ctl *ctl)
{
	return b2b_ctl_ask_and_show(ctl, "orgs", b2b_ctl_show_orgs);
}

int b2b_ctl_users(struct b2b_ctl *ctl)
{
	return b2b_ctl_ask_and_show(ctl, "users", users_now);
}

int b2b_ctl_sessions(struct b2b_ctl *ctl)
{
	return b2b_ctl_ask_and_show(ctl, "sessions", sessions_now);
}
