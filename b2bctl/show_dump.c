#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bctl/dump.h"

static void show_damage(FILE *out, const json_t *object)
{
	json_t *finding;
	size_t i;

	json_array_foreach(json_object_get(object, "damage"), i, finding)
		b2b_ctl_paragraph(out, "DAMAGED", "%s at byte %lld: %s", b2b_ctl_text(object, "file"), b2b_ctl_number(finding, "at"), b2b_ctl_text(finding, "what"));
}

/* False where there is nothing to show but why. */
static bool show_head(FILE *out, const char *label, const json_t *object)
{
	if (b2b_ctl_true(object, "absent"))
		b2b_ctl_paragraph(out, label, "%s is not there", b2b_ctl_text(object, "file"));
	else if (b2b_ctl_true(object, "secret"))
		b2b_ctl_paragraph(out, label, "%s may not be read by this user", b2b_ctl_text(object, "file"));
	else if (json_object_get(object, "version"))
		b2b_ctl_paragraph(out, label, "version %lld, for readers from %lld on; %lld bytes", b2b_ctl_number(object, "version"),
		                  b2b_ctl_number(object, "min_reader"), b2b_ctl_number(object, "size"));
	show_damage(out, object);
	return json_object_get(object, "generation") != NULL;
}

static void print_table(FILE *out, struct b2b_table *table)
{
	if (!table || b2b_table_print(table, out) < 0)
		fputs("(there is no memory for a table)\n", out);
	b2b_table_free(table);
}

static void numbers_cell(struct b2b_table *table, const json_t *list)
{
	char text[B2B_ROLE_GIDS_MAX * 11 + 2] = "-";
	size_t at = 0, i;
	json_t *item;

	json_array_foreach(list, i, item)
		if (at < sizeof(text))
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%lld", i ? " " : "", (long long)json_integer_value(item));
	b2b_table_cell(table, "%s", text);
}

static void show_roles(FILE *out, const json_t *list)
{
	static const char *const headings[] = { "ROLE", ">NUMBER", "~LOCAL GROUPS", NULL };
	struct b2b_table *table = json_array_size(list) ? b2b_table_new(headings) : NULL;
	json_t *role;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	json_array_foreach(list, i, role) {
		if (!table)
			break;
		b2b_table_cell(table, "%s", b2b_ctl_text(role, "name"));
		b2b_table_cell(table, "%zu", i);
		numbers_cell(table, json_object_get(role, "gids"));
	}
	fputc('\n', out);
	print_table(out, table);
}

static void show_services(FILE *out, const json_t *list)
{
	static const char *const headings[] = { "SERVICE", ">NUMBER", "METHODS", ">ASSURANCE", "KEY", ">MAX AGE", ">STALENESS", NULL };
	struct b2b_table *table = b2b_table_new(headings);
	json_t *service;
	size_t i;

	json_array_foreach(list, i, service) {
		if (!table)
			break;
		b2b_table_cell(table, "%s", b2b_ctl_text(service, "name"));
		b2b_table_cell(table, "%zu", i);
		b2b_ctl_joined_cell(table, json_object_get(service, "methods"));
		b2b_table_cell(table, "%lld", b2b_ctl_number(service, "assurance"));
		b2b_table_cell(table, "%s", b2b_ctl_true(service, "key_suffices") ? "suffices" : "-");
		b2b_table_cell(table, "%lld s", b2b_ctl_number(service, "max_age_s"));
		b2b_table_cell(table, "%lld s", b2b_ctl_number(service, "staleness_s"));
	}
	fputc('\n', out);
	print_table(out, table);
}

static void show_orgs(FILE *out, const json_t *list)
{
	static const char *const headings[] = { "ORGANISATION", "~ID", "~PARENT", "FIRST ID", "LAST ID", ">SESSION", "~SERVICES", "~ROLES", NULL };
	struct b2b_table *table = b2b_table_new(headings);
	json_t *org;
	size_t i;

	json_array_foreach(list, i, org) {
		const json_t *range = json_object_get(org, "range");
		const char *parent = b2b_ctl_text(org, "parent");

		if (!table)
			break;
		b2b_table_cell(table, "%s", b2b_ctl_text(org, "alias"));
		b2b_table_cell(table, "%s", b2b_ctl_text(org, "id"));
		b2b_table_cell(table, "%s", *parent ? parent : "-");
		b2b_table_cell(table, "0x%llx", json_integer_value(json_array_get(range, 0)));
		b2b_table_cell(table, "0x%llx", json_integer_value(json_array_get(range, 1)));
		b2b_table_cell(table, "%lld s", b2b_ctl_number(org, "session_s"));
		b2b_ctl_joined_cell(table, json_object_get(org, "services"));
		b2b_ctl_joined_cell(table, json_object_get(org, "roles"));
	}
	fputc('\n', out);
	print_table(out, table);
}

static void show_list(FILE *out, const char *label, const char *before, const json_t *list)
{
	char *text = b2b_ctl_joined(list);

	b2b_ctl_paragraph(out, label, "%s%s", before, text ? text : "?");
	free(text);
}

void b2b_show_index(FILE *out, const json_t *index)
{
	if (!show_head(out, "index", index))
		return;
	b2b_ctl_paragraph(out, "", "generation %lld, %s", b2b_ctl_number(index, "generation"),
	                  b2b_ctl_true(index, "superseded") ? "superseded: a newer one should be in its place" : "in place");
	b2b_ctl_paragraph(out, "names", "separator %s, visible to %s, %s; groups list %s", b2b_ctl_text(index, "separator"),
	                  b2b_ctl_text(index, "visibility"), b2b_ctl_true(index, "enumerate") ? "enumerated" : "not enumerated",
	                  strcmp(b2b_ctl_text(index, "group_members"), "full") == 0 ? "their members" : "nobody");
	b2b_ctl_paragraph(out, "partners", "gid %lld", b2b_ctl_number(index, "partners_gid"));
	b2b_ctl_paragraph(out, "ending", "%lld s after SIGHUP; what was left behind: %s", b2b_ctl_number(index, "ending_grace_s"),
	                  b2b_ctl_text(index, "left_behind"));
	b2b_ctl_paragraph(out, "home", "%s", b2b_ctl_text(index, "home"));
	show_list(out, "shells", "", json_object_get(index, "shells"));
	show_roles(out, json_object_get(index, "roles"));
	show_services(out, json_object_get(index, "services"));
	show_orgs(out, json_object_get(index, "organisations"));
}

static void show_time(FILE *out, const json_t *live, const char *label, const char *key, const char *stored)
{
	const json_t *age = json_object_get(live, key);
	char span[B2B_AGE_SIZE];

	if (json_is_integer(age))
		b2b_ctl_paragraph(out, label, "%s %s ago", stored, b2b_ctl_span(json_integer_value(age) / 1000, span));
	else
		b2b_ctl_paragraph(out, label, "%s", b2b_ctl_true(live, "this_boot") ? "none since the host or b2bd was started, or one that is to come yet" :
		                                                                       "none of this boot of this host");
}

static void show_words(FILE *out, const json_t *live)
{
	static const char *const headings[] = { ">ID", "WORD", ">EPOCH", NULL };
	const json_t *list = json_object_get(live, "list");
	struct b2b_table *table = list ? b2b_table_new(headings) : NULL;
	json_t *word;
	size_t i;

	if (!list)
		return;
	json_array_foreach(list, i, word) {
		if (!table)
			break;
		b2b_table_cell(table, "%lld", b2b_ctl_number(word, "id"));
		b2b_table_cell(table, "%s", b2b_ctl_text(word, "state"));
		b2b_table_cell(table, "%lld", b2b_ctl_number(word, "epoch"));
	}
	print_table(out, table);
}

static void show_live(FILE *out, const json_t *live)
{
	const json_t *org = json_object_get(live, "org_word"), *words = json_object_get(live, "words");

	if (!show_head(out, "live", live))
		return;
	b2b_ctl_paragraph(out, "", "announces generation %lld; the organisation is %s, epoch %lld", b2b_ctl_number(live, "generation"),
	                  b2b_ctl_text(org, "state"), b2b_ctl_number(org, "epoch"));
	show_time(out, live, "heartbeat", "heartbeat_age_ms", "b2bd's last was");
	show_time(out, live, "lease", "lease_age_ms", "renewed");
	b2b_ctl_paragraph(out, "words", "%lld open, %lld closed, %lld empty, %lld unknown", b2b_ctl_number(words, "open"), b2b_ctl_number(words, "closed"),
	                  b2b_ctl_number(words, "empty"), b2b_ctl_number(words, "unknown"));
	show_words(out, live);
}

static void show_people(FILE *out, const json_t *list)
{
	static const char *const headings[] = { "NAME", ">UID", "WORD", ">EPOCH", "~SHELL", "~ROLES", "~GROUPS", "~DISPLAY NAME", NULL };
	struct b2b_table *table = json_array_size(list) ? b2b_table_new(headings) : NULL;
	json_t *person;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	json_array_foreach(list, i, person) {
		const json_t *word = json_object_get(person, "word");

		if (!table)
			break;
		b2b_table_cell(table, "%s", b2b_ctl_text(person, "name"));
		b2b_table_cell(table, "%lld", b2b_ctl_number(person, "uid"));
		b2b_table_cell(table, "%s", json_is_object(word) ? b2b_ctl_text(word, "state") : "?");
		b2b_table_cell(table, "%lld", b2b_ctl_number(word, "epoch"));
		b2b_table_cell(table, "%s", b2b_ctl_text(person, "shell"));
		b2b_ctl_joined_cell(table, json_object_get(person, "roles"));
		b2b_ctl_joined_cell(table, json_object_get(person, "groups"));
		b2b_table_cell(table, "%s", b2b_ctl_text(person, "gecos"));
	}
	print_table(out, table);
}

static void show_groups(FILE *out, const json_t *list)
{
	json_t *group;
	size_t i;

	json_array_foreach(list, i, group) {
		char before[B2B_NAME_SIZE + 32];

		snprintf(before, sizeof(before), "%s, gid %lld: ", b2b_ctl_text(group, "name"), b2b_ctl_number(group, "gid"));
		show_list(out, i ? "" : "groups", before, json_object_get(group, "members"));
	}
}

static void show_snapshot(FILE *out, const json_t *snapshot)
{
	if (!show_head(out, "snapshot", snapshot))
		return;
	b2b_ctl_paragraph(out, "", "generation %lld, %lld people, %lld groups; %lld places for names, %lld ids, %lld bytes of records, %lld rosters of %lld bytes",
	                  b2b_ctl_number(snapshot, "generation"), b2b_ctl_number(snapshot, "n_users"), b2b_ctl_number(snapshot, "n_groups"),
	                  b2b_ctl_number(snapshot, "hash_size"), b2b_ctl_number(snapshot, "n_ids"), b2b_ctl_number(snapshot, "records_size"),
	                  b2b_ctl_number(snapshot, "n_rosters"), b2b_ctl_number(snapshot, "roster_data_size"));
	show_groups(out, json_object_get(snapshot, "groups"));
	show_people(out, json_object_get(snapshot, "people"));
}

int b2b_show_org(FILE *out, const json_t *org)
{
	const char *alias = b2b_ctl_text(org, "alias");
	const json_t *range = json_object_get(org, "range");

	if (!org)
		return -ENOMEM;
	fputc('\n', out);
	b2b_ctl_paragraph(out, "ORGANISATION", "%s, id %s, ids 0x%llx to 0x%llx", *alias ? alias : "(the index does not tell)", b2b_ctl_text(org, "id"),
	                  json_integer_value(json_array_get(range, 0)), json_integer_value(json_array_get(range, 1)));
	show_live(out, json_object_get(org, "live"));
	show_snapshot(out, json_object_get(org, "snapshot"));
	return 0;
}
