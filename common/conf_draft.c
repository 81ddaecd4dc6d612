#include "common/conf_draft.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *b2b_draft_quote(const char *text, size_t len, char buf[B2B_QUOTE_SIZE])
{
	size_t at = 0, room = B2B_QUOTE_SIZE - sizeof("\"…\"");

	buf[at++] = '"';
	for (size_t i = 0; i < len && at <= room; i++)
		buf[at++] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	snprintf(buf + at, B2B_QUOTE_SIZE - at, "%s\"", len > room ? "…" : "");
	return buf;
}

__attribute__((format(printf, 4, 0))) static int fail(struct b2b_draft *draft, int line, const char *about, const char *format, va_list args)
{
	int at = 0;

	if (draft->error[0] != '\0')
		return -EINVAL;
	if (line > 0)
		at = snprintf(draft->error, B2B_CONF_ERROR_SIZE, "%s:%d: %s", draft->file, line, about);
	else
		at = snprintf(draft->error, B2B_CONF_ERROR_SIZE, "%s: %s", draft->file, about);
	if (at > 0 && at < B2B_CONF_ERROR_SIZE)
		vsnprintf(draft->error + at, (size_t)(B2B_CONF_ERROR_SIZE - at), format, args);
	return -EINVAL;
}

int b2b_draft_fail(struct b2b_draft *draft, int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail(draft, line, "", format, args);
	va_end(args);
	return -EINVAL;
}

int b2b_draft_line(const struct b2b_draft_section *section, const char *key)
{
	size_t at;

	return b2b_conf_key_find(section->section, key, &at) && section->lines[at] ? section->lines[at] : section->line;
}

int b2b_draft_fail_key(struct b2b_draft *draft, const struct b2b_draft_section *section, const char *key, const char *format, ...)
{
	const char *space = section->name[0] ? " " : "";
	char about[128];
	va_list args;

	snprintf(about, sizeof(about), "[%s%s%s] %s: ", b2b_conf_section_name(section->section), space, section->name, key);
	va_start(args, format);
	fail(draft, b2b_draft_line(section, key), about, format, args);
	va_end(args);
	return -EINVAL;
}

/* Every key of the section, at its default. */
static int set_defaults(struct b2b_draft_section *section)
{
	for (size_t i = 0; i < b2b_conf_n_keys; i++) {
		const struct b2b_conf_key *key = &b2b_conf_keys[i];
		int r;

		if (key->section != section->section || !key->by_default)
			continue;
		r = key->kind->parse(key, key->by_default, (char *)&section->u + key->field);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_section(struct b2b_draft *draft, enum b2b_conf_section section, const char *name, int line, struct b2b_draft_section **ret_section)
{
	struct b2b_draft_section *added;

	if (draft->n_sections == draft->allocated) {
		size_t wanted = draft->allocated ? 2 * draft->allocated : 16;
		struct b2b_draft_section *sections = reallocarray(draft->sections, wanted, sizeof(*sections));

		if (!sections)
			return -ENOMEM;
		draft->sections = sections;
		draft->allocated = wanted;
	}
	added = &draft->sections[draft->n_sections++];
	memset(added, 0, sizeof(*added));
	added->section = section;
	added->line = line;
	snprintf(added->name, sizeof(added->name), "%s", name);
	*ret_section = added;
	return set_defaults(added);
}

int b2b_draft_init(struct b2b_draft *draft, const char *file, char *error)
{
	struct b2b_draft_section *added;
	int r = 0;

	memset(draft, 0, sizeof(*draft));
	draft->file = file;
	draft->error = error;
	error[0] = '\0';
	for (int section = B2B_CONF_FEDERATION; r == 0 && section <= B2B_CONF_ASSURANCE; section++)
		r = add_section(draft, (enum b2b_conf_section)section, "", 0, &added);
	return r;
}

static void clear_section(struct b2b_draft_section *section)
{
	for (size_t i = 0; i < b2b_conf_n_keys; i++)
		if (b2b_conf_keys[i].section == section->section && b2b_conf_keys[i].kind->clear)
			b2b_conf_keys[i].kind->clear((char *)&section->u + b2b_conf_keys[i].field);
}

void b2b_draft_free(struct b2b_draft *draft)
{
	for (size_t i = 0; i < draft->n_sections; i++)
		clear_section(&draft->sections[i]);
	free(draft->sections);
	memset(draft, 0, sizeof(*draft));
}

struct b2b_draft_section *b2b_draft_only(const struct b2b_draft *draft, enum b2b_conf_section section)
{
	return &draft->sections[section];
}

struct b2b_draft_section *b2b_draft_find(const struct b2b_draft *draft, enum b2b_conf_section section, const char *name)
{
	for (size_t i = B2B_CONF_ORGANISATION; i < draft->n_sections; i++)
		if (draft->sections[i].section == section && strcmp(draft->sections[i].name, name) == 0)
			return &draft->sections[i];
	return NULL;
}

static int section_by_word(const char *title, size_t len)
{
	for (int section = 0; section < B2B_CONF_SECTIONS; section++) {
		const char *word = b2b_conf_section_name((enum b2b_conf_section)section);

		if (strlen(word) == len && memcmp(word, title, len) == 0)
			return section;
	}
	return -1;
}

static bool service_valid(const char *name)
{
	for (const char *c = name; *c; c++)
		if (*c >= 'A' && *c <= 'Z') /* libpam folds the service's name */
			return false;
	return b2b_conf_label_valid(name);
}

static int judge_name(struct b2b_draft *draft, enum b2b_conf_section section, const char *name, int line)
{
	const char *word = b2b_conf_section_name(section);
	char quoted[B2B_QUOTE_SIZE];

	b2b_draft_quote(name, strlen(name), quoted);
	if (strcmp(name, "none") == 0)
		return b2b_draft_fail(draft, line, "[%s]: found none; expected another name, as none says that there is none", word);
	if (section == B2B_CONF_ORGANISATION && !b2b_alias_valid(name))
		return b2b_draft_fail(draft, line, "[%s]: found %s; expected an alias after it: labels of a-z, 0-9 and '-' joined by dots, at most 23 bytes",
		                      word, quoted);
	if (section == B2B_CONF_ROLE && !b2b_conf_label_valid(name))
		return b2b_draft_fail(draft, line, "[%s]: found %s; expected one name after it, at most 31 bytes", word, quoted);
	if (section == B2B_CONF_SERVICE && !service_valid(name))
		return b2b_draft_fail(draft, line, "[%s]: found %s; expected one PAM service in lower case after it, at most 31 bytes", word, quoted);
	return 0;
}

int b2b_draft_begin(struct b2b_draft *draft, const char *title, int line, struct b2b_draft_section **ret_section)
{
	size_t len = strcspn(title, " \t");
	const char *name = title + len + strspn(title + len, " \t");
	int section = section_by_word(title, len);
	struct b2b_draft_section *before;
	char quoted[B2B_QUOTE_SIZE];
	bool single = section >= 0 && section <= B2B_CONF_ASSURANCE;

	b2b_draft_quote(title, strlen(title), quoted);
	if (section < 0 || (single && name[0]))
		return b2b_draft_fail(draft, line, "found section %s; expected federation, host, assurance, organisation ALIAS, role NAME or service NAME", quoted);
	if (!single && judge_name(draft, (enum b2b_conf_section)section, name, line) < 0)
		return -EINVAL;
	before = single ? b2b_draft_only(draft, (enum b2b_conf_section)section) : b2b_draft_find(draft, (enum b2b_conf_section)section, name);
	if (!before)
		return add_section(draft, (enum b2b_conf_section)section, name, line, ret_section);
	if (before->line)
		return b2b_draft_fail(draft, line, "found section %s again; expected it once, and line %d has it", quoted, before->line);
	before->line = line;
	*ret_section = before;
	return 0;
}

static int fail_unknown(struct b2b_draft *draft, const struct b2b_draft_section *section, const char *name, int line)
{
	char known[B2B_CONF_ERROR_SIZE] = "", quoted[B2B_QUOTE_SIZE];

	for (size_t i = 0, at = 0; i < b2b_conf_n_keys && at < sizeof(known); i++)
		if (b2b_conf_keys[i].section == section->section)
			at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s", at ? ", " : "", b2b_conf_keys[i].name);
	return b2b_draft_fail(draft, line, "[%s%s%s]: found key %s; expected one of %s", b2b_conf_section_name(section->section),
	                      section->name[0] ? " " : "", section->name, b2b_draft_quote(name, strlen(name), quoted), known);
}

int b2b_draft_set(struct b2b_draft *draft, struct b2b_draft_section *section, const char *name, const char *value, int line, bool go_on)
{
	char expected[B2B_CONF_ERROR_SIZE], quoted[B2B_QUOTE_SIZE];
	const struct b2b_conf_key *key;
	void *field;
	size_t at;
	int r;

	key = b2b_conf_key_find(section->section, name, &at);
	if (!key)
		return fail_unknown(draft, section, name, line);
	if (go_on && !key->kind->list)
		return b2b_draft_fail(draft, line, "found an indented line; expected a key at the line's beginning, as %s takes one value", name);
	if (!go_on && section->lines[at])
		return b2b_draft_fail(draft, line, "[%s%s%s] %s: found again; expected it once, and line %d has it", b2b_conf_section_name(section->section),
		                      section->name[0] ? " " : "", section->name, name, section->lines[at]);
	section->lines[at] = line;
	field = (char *)&section->u + key->field;
	if (!go_on && key->kind->clear)
		key->kind->clear(field);
	r = key->kind->parse(key, value, field);
	if (r == -EINVAL) {
		b2b_conf_key_expected(key, expected, sizeof(expected));
		return b2b_draft_fail_key(draft, section, name, "found %s; expected %s", b2b_draft_quote(value, strlen(value), quoted), expected);
	}
	return r;
}
