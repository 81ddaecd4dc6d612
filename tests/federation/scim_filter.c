#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/federation/scim.h"
#include "tests/federation/text.h"

#define FILTER_MAX 4096
#define DEPTH_MAX 16

struct parser {
	const struct scim_type *type;
	const char *at;
	FILE *sql;
	json_t *params;
	const char *why;
	int depth;
};

static const struct {
	const char *word, *sql;
} operators[] = {
	{ "eq", "IS" }, { "ne", "IS NOT" }, { "gt", ">" },    { "ge", ">=" },  { "lt", "<" },
	{ "le", "<=" }, { "co", "LIKE" },   { "sw", "LIKE" }, { "ew", "LIKE" },
};

static int fail(struct parser *parser, const char *why)
{
	parser->why = why;
	return -EINVAL;
}

static void skip_space(struct parser *parser)
{
	parser->at += strspn(parser->at, " ");
}

/* The next word (attribute, operator, keyword) into BUF; "" when there is none. */
static int word(struct parser *parser, char *buf, size_t size)
{
	skip_space(parser);
	size_t n = 0;
	while (isalnum((unsigned char)parser->at[n]) || (parser->at[n] && strchr(":._-$", parser->at[n])))
		n++;
	if (n >= size)
		return fail(parser, "a name is too long");
	memcpy(buf, parser->at, n);
	buf[n] = '\0';
	parser->at += n;
	return 0;
}

static bool take_keyword(struct parser *parser, const char *keyword)
{
	size_t n = strlen(keyword);
	skip_space(parser);
	if (strncasecmp(parser->at, keyword, n) != 0 || isalnum((unsigned char)parser->at[n]))
		return false;
	parser->at += n;
	return true;
}

static const struct scim_attribute *find_attribute(const struct scim_type *type, const char *name)
{
	size_t n = strlen(type->schema);
	if (strncasecmp(name, type->schema, n) == 0 && name[n] == ':')
		name += n + 1;
	for (const struct scim_attribute *attribute = type->attributes; attribute->name; attribute++)
		if (strcasecmp(attribute->name, name) == 0)
			return attribute;
	return NULL;
}

/* "%text%" for LIKE, what is special in TEXT escaped by '\'. */
static char *like_pattern(const char *text, bool open_before, bool open_after)
{
	char *pattern = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&pattern, &size);
	if (!out)
		return NULL;
	if (open_before)
		fputc('%', out);
	for (; *text; text++) {
		if (strchr("%_\\", *text))
			fputc('\\', out);
		fputc(*text, out);
	}
	if (open_after)
		fputc('%', out);
	return fclose(out) == 0 ? pattern : NULL;
}

/* VALUE as the column keeps it; stolen. NULL when it does not fit. */
static json_t *column_value(enum scim_kind kind, const char *operator_word, json_t *value)
{
	json_t *made = NULL;
	int64_t ms;
	bool like = strcmp(operator_word, "co") == 0 || strcmp(operator_word, "sw") == 0 || strcmp(operator_word, "ew") == 0;
	if (json_is_null(value)) {
		made = like ? NULL : json_null();
	} else if (kind == SCIM_BOOL) {
		made = json_is_boolean(value) && !like ? json_integer(json_is_true(value)) : NULL;
	} else if (kind == SCIM_TIME) {
		made = json_is_string(value) && !like && fed_iso_to_ms(json_string_value(value), &ms) == 0 ? json_integer(ms) : NULL;
	} else if (json_is_string(value) && like) {
		char *pattern = like_pattern(json_string_value(value), operator_word[0] != 's', operator_word[0] != 'e');
		made = pattern ? json_string(pattern) : NULL;
		free(pattern);
	} else if (json_is_string(value)) {
		made = json_incref(value);
	}
	json_decref(value);
	return made;
}

/* A JSON value ends where its quote or its word ends. */
static json_t *literal(struct parser *parser)
{
	size_t n = 0;
	skip_space(parser);
	if (*parser->at == '"') {
		for (n = 1; parser->at[n] && parser->at[n] != '"'; n++)
			if (parser->at[n] == '\\' && parser->at[n + 1])
				n++;
		n += parser->at[n] == '"';
	} else {
		n = strcspn(parser->at, " )");
	}
	json_t *value = json_loadb(parser->at, n, JSON_DECODE_ANY, NULL);
	parser->at += n;
	return value;
}

static int comparison(struct parser *parser, const struct scim_attribute *attribute)
{
	char name[16];
	if (word(parser, name, sizeof(name)) != 0)
		return -EINVAL;
	if (strcasecmp(name, "pr") == 0) {
		fprintf(parser->sql, "%s IS NOT NULL%s", attribute->before, attribute->after);
		return 0;
	}
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		if (strcasecmp(name, operators[i].word) != 0)
			continue;
		json_t *value = literal(parser);
		value = value ? column_value(attribute->kind, operators[i].word, value) : NULL;
		if (!value || json_array_append_new(parser->params, value) != 0)
			return fail(parser, "a value is missing or not of the attribute's type");
		fprintf(parser->sql, "%s %s ?%zu%s%s", attribute->before, operators[i].sql, json_array_size(parser->params),
			strcmp(operators[i].sql, "LIKE") == 0 ? " ESCAPE '\\'" : "", attribute->after);
		return 0;
	}
	return fail(parser, "an operator is missing or not one of eq ne co sw ew gt ge lt le pr");
}

static int disjunction(struct parser *parser);

static int parenthesis(struct parser *parser)
{
	if (*parser->at != '(')
		return fail(parser, "a parenthesis is missing");
	if (++parser->depth > DEPTH_MAX)
		return fail(parser, "nested too deeply");
	parser->at++;
	fputc('(', parser->sql);
	int error = disjunction(parser);
	if (error)
		return error;
	skip_space(parser);
	if (*parser->at != ')')
		return fail(parser, "a parenthesis is not closed");
	parser->at++;
	parser->depth--;
	fputc(')', parser->sql);
	return 0;
}

static int term(struct parser *parser)
{
	char name[128];
	skip_space(parser);
	if (*parser->at == '(')
		return parenthesis(parser);
	if (strncasecmp(parser->at, "not", 3) == 0 && (parser->at[3] == ' ' || parser->at[3] == '(')) {
		parser->at += 3;
		skip_space(parser);
		fputs("NOT ", parser->sql);
		return parenthesis(parser);
	}
	if (word(parser, name, sizeof(name)) != 0)
		return -EINVAL;
	const struct scim_attribute *attribute = find_attribute(parser->type, name);
	return attribute ? comparison(parser, attribute) : fail(parser, "an attribute is missing, or cannot be filtered by");
}

static int conjunction(struct parser *parser)
{
	int error = term(parser);
	while (!error && take_keyword(parser, "and")) {
		fputs(" AND ", parser->sql);
		error = term(parser);
	}
	return error;
}

static int disjunction(struct parser *parser)
{
	int error = conjunction(parser);
	while (!error && take_keyword(parser, "or")) {
		fputs(" OR ", parser->sql);
		error = conjunction(parser);
	}
	return error;
}

int fed_scim_filter(const struct scim_type *type, const char *filter, json_t *params, char **ret_sql, const char **ret_why)
{
	struct parser parser = { .type = type, .at = filter, .params = params };
	char *sql = NULL;
	size_t size = 0;
	if (strlen(filter) > FILTER_MAX) {
		*ret_why = "the filter is too long";
		return -EINVAL;
	}
	parser.sql = open_memstream(&sql, &size);
	if (!parser.sql)
		return -ENOMEM;
	int error = disjunction(&parser);
	skip_space(&parser);
	if (!error && *parser.at)
		error = fail(&parser, "something follows the end of the filter");
	if (fclose(parser.sql) != 0)
		error = -ENOMEM;
	if (error) {
		free(sql);
		*ret_why = parser.why;
		return error;
	}
	*ret_sql = sql;
	return 0;
}
