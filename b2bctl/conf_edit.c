#include "b2bctl/conf_edit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct line {
	const char *at;
	size_t len; /* without the newline */
};

static bool next_line(const char **at, struct line *ret)
{
	if (!**at)
		return false;
	ret->at = *at;
	ret->len = strcspn(*at, "\n");
	*at += ret->len + ((*at)[ret->len] == '\n');
	return true;
}

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t");
}

/* Is it a heading; is it [SECTION]? */
static bool is_heading(const struct line *line, const char *section, bool *ret_this)
{
	const char *at = skip_blanks(line->at);
	size_t len = strlen(section);

	if (at >= line->at + line->len || *at != '[')
		return false;
	at = skip_blanks(at + 1);
	*ret_this = strncmp(at, section, len) == 0 && *skip_blanks(at + len) == ']';
	return true;
}

/* "KEY =", behind any of SKIP: where the value begins; NULL for another line. */
static const char *value_of(const struct line *line, const char *key, const char *skip)
{
	const char *at = line->at + strspn(line->at, skip);
	size_t len = strlen(key);

	if (at + len >= line->at + line->len || strncmp(at, key, len) != 0)
		return NULL;
	at = skip_blanks(at + len);
	return at < line->at + line->len && *at == '=' ? skip_blanks(at + 1) : NULL;
}

/* Without what follows it: blanks and a comment (b2b.conf(5)). */
static size_t value_len(const struct line *line, const char *value)
{
	size_t len = line->at + line->len > value ? (size_t)(line->at + line->len - value) : 0;

	for (size_t i = 1; i < len; i++)
		if (value[i] == ';' && strchr(" \t", value[i - 1]))
			len = i;
	while (len && strchr(" \t\r", value[len - 1]))
		len--;
	return len;
}

char *b2b_conf_edit_get(const char *text, const char *section, const char *key)
{
	bool inside = false;
	struct line line;

	while (next_line(&text, &line)) {
		const char *value;

		if (is_heading(&line, section, &inside) || !inside || !(value = value_of(&line, key, " \t")))
			continue;
		return strndup(value, value_len(&line, value));
	}
	return NULL;
}

/* Where the change goes: the line that is replaced (AT, LEN), or LEN 0 and the place where one is inserted. */
struct place {
	const char *at;
	size_t len; /* with the newline */
	struct line line;
	bool found, section;
};

static struct place find_place(const char *text, const char *section, const char *key)
{
	struct place place = { .at = text };
	bool inside = false, shown = false;
	const char *next = text;
	struct line line;

	while (next_line(&next, &line)) {
		bool heading = is_heading(&line, section, &inside);

		if (!inside)
			continue;
		place.section = true;
		if (!heading && value_of(&line, key, " \t"))
			return (struct place){ .at = line.at, .len = (size_t)(next - line.at), .line = line, .found = true, .section = true };
		if (heading || (!shown && line.len > strspn(line.at, " \t\r") && *skip_blanks(line.at) != '#' && *skip_blanks(line.at) != ';'))
			place.at = next; /* behind the last line that says something */
		if (!heading && *line.at == '#' && value_of(&line, key, "# \t")) {
			place.at = next;
			shown = true;
		}
	}
	return place;
}

/* In the way the line was written, where there was one. */
static void put_line(FILE *out, const struct place *place, const char *key, const char *value)
{
	const char *old = place->found ? value_of(&place->line, key, " \t") : NULL;
	const char *rest = old ? old + value_len(&place->line, old) : NULL; /* a comment */

	if (!value)
		fprintf(out, "#%.*s\n", (int)place->line.len, place->line.at);
	else if (old)
		fprintf(out, "%.*s%s%.*s\n", (int)(old - place->line.at), place->line.at, value, (int)(place->line.at + place->line.len - rest), rest);
	else
		fprintf(out, "%s = %s\n", key, value);
}

static void show(FILE *diff, const struct place *place, const char *section, const char *key, const char *value)
{
	if (place->found)
		fprintf(diff, "-%.*s\n", (int)place->line.len, place->line.at);
	if (!place->section)
		fprintf(diff, "+[%s]\n", section);
	fputc('+', diff);
	put_line(diff, place, key, value);
}

bool b2b_conf_edit_is_value(const char *value)
{
	size_t len = strlen(value);

	for (size_t i = 0; i < len; i++)
		if (value[i] < ' ' || value[i] > '~' || value[i] == ';')
			return false;
	return len && !strchr("#[ ", *value) && value[len - 1] != ' ';
}

int b2b_conf_edit_set(char **text, const char *section, const char *key, const char *value, FILE *diff)
{
	struct place place = find_place(*text, section, key);
	char *now = b2b_conf_edit_get(*text, section, key), *changed = NULL;
	bool same = value ? now && strcmp(now, value) == 0 : !now;
	size_t size;
	FILE *out;

	free(now);
	if (same)
		return 0;
	if (value && !b2b_conf_edit_is_value(value))
		return -EINVAL;
	out = open_memstream(&changed, &size);
	if (!out)
		return -ENOMEM;
	fwrite(*text, 1, (size_t)(place.at - *text), out);
	if (place.at > *text && place.at[-1] != '\n')
		fputc('\n', out);
	if (!place.section)
		fprintf(out, "[%s]\n", section);
	put_line(out, &place, key, value);
	fputs(place.at + place.len, out);
	if (fclose(out) != 0) {
		free(changed);
		return -ENOMEM;
	}
	show(diff, &place, section, key, value);
	free(*text);
	*text = changed;
	return 0;
}
