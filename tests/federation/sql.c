#include "tests/federation/sql.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_MAX 128 /* statements; those that are put together (SCIM filters) come in few forms */

static int error_from(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	default:
		return -EIO;
	}
}

static int bind_one(sqlite3_stmt *statement, int at, const json_t *value)
{
	if (json_is_null(value))
		return sqlite3_bind_null(statement, at);
	if (json_is_integer(value))
		return sqlite3_bind_int64(statement, at, json_integer_value(value));
	if (json_is_boolean(value))
		return sqlite3_bind_int(statement, at, json_is_true(value));
	if (json_is_real(value))
		return sqlite3_bind_double(statement, at, json_real_value(value));
	if (json_is_string(value))
		return sqlite3_bind_text(statement, at, json_string_value(value), (int)json_string_length(value), SQLITE_TRANSIENT);
	char *text = json_dumps(value, JSON_COMPACT);
	return text ? sqlite3_bind_text(statement, at, text, -1, free) : SQLITE_NOMEM;
}

static json_t *column_value(sqlite3_stmt *statement, int at, bool parsed)
{
	if (sqlite3_column_type(statement, at) == SQLITE_NULL)
		return json_null();
	if (sqlite3_column_type(statement, at) == SQLITE_INTEGER)
		return json_integer(sqlite3_column_int64(statement, at));
	const char *text = (const char *)sqlite3_column_text(statement, at);
	return parsed ? json_loads(text ? text : "null", JSON_DECODE_ANY, NULL) : json_string(text ? text : "");
}

static json_t *row_object(sqlite3_stmt *statement)
{
	json_t *row = json_object();
	for (int i = 0; row && i < sqlite3_column_count(statement); i++) {
		char name[64];
		snprintf(name, sizeof(name), "%s", sqlite3_column_name(statement, i));
		char *suffix = strstr(name, "_json");
		bool parsed = suffix && suffix[5] == '\0';
		if (parsed)
			*suffix = '\0';
		if (json_object_set_new(row, name, column_value(statement, i, parsed)) != 0) {
			json_decref(row);
			row = NULL;
		}
	}
	return row;
}

static int step_all(sqlite3_stmt *statement, json_t *rows)
{
	int code;
	while ((code = sqlite3_step(statement)) == SQLITE_ROW)
		if (rows && json_array_append_new(rows, row_object(statement)) != 0)
			return SQLITE_NOMEM;
	return code;
}

/*
 * Compiling SQL takes longer than running most of it: statements are kept, in SQLite's own list of them, which begins with the
 * newest. None is in use here, since every call runs its own to the end.
 */
static int prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_statement)
{
	sqlite3_stmt *statement = NULL, *oldest = NULL;
	int n = 0;
	while ((statement = sqlite3_next_stmt(db, statement))) {
		if (strcmp(sqlite3_sql(statement), sql) == 0) {
			*ret_statement = statement;
			return SQLITE_OK;
		}
		oldest = statement;
		n++;
	}
	if (n >= KEPT_MAX)
		sqlite3_finalize(oldest);
	return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_statement, NULL);
}

int fed_sql(sqlite3 *db, const char *sql, json_t *params, json_t **ret_rows)
{
	sqlite3_stmt *statement = NULL;
	json_t *rows = ret_rows ? json_array() : NULL;
	int code = SQLITE_OK;
	if (!params || (ret_rows && !rows)) {
		json_decref(rows);
		json_decref(params);
		return -EINVAL;
	}
	code = prepare(db, sql, &statement);
	for (size_t i = 0; code == SQLITE_OK && i < json_array_size(params); i++)
		code = bind_one(statement, (int)i + 1, json_array_get(params, i));
	if (code == SQLITE_OK)
		code = step_all(statement, rows);
	int error = error_from(code);
	if (error == -EIO)
		fprintf(stderr, "b2b-federation: database: %s\n", sqlite3_errmsg(db));
	if (statement) {
		sqlite3_reset(statement);
		sqlite3_clear_bindings(statement);
	}
	json_decref(params);
	if (error)
		json_decref(rows);
	else if (ret_rows)
		*ret_rows = rows;
	return error;
}

int fed_sql_row(sqlite3 *db, const char *sql, json_t *params, json_t **ret_row)
{
	json_t *rows = NULL;
	int error = fed_sql(db, sql, params, &rows);
	if (error)
		return error;
	json_t *row = json_incref(json_array_get(rows, 0));
	json_decref(rows);
	if (!row)
		return -ENOENT;
	*ret_row = row;
	return 0;
}

int fed_sql_number(sqlite3 *db, const char *sql, json_t *params, int64_t *ret_number)
{
	json_t *row = NULL;
	int error = fed_sql_row(db, sql, params, &row);
	if (error)
		return error;
	*ret_number = json_integer_value(json_object_iter_value(json_object_iter(row)));
	json_decref(row);
	return 0;
}

const char *fed_text(const json_t *row, const char *column)
{
	return json_string_value(json_object_get(row, column));
}

int64_t fed_int(const json_t *row, const char *column)
{
	return json_integer_value(json_object_get(row, column));
}
