/*
 * SQLite with JSON at both ends: parameters are a JSON array, rows are JSON objects keyed by column.
 * Integers, strings and null map as they are; arrays and objects are stored as text. A column "x_json" is parsed
 * and comes back as "x".
 */
#ifndef FED_SQL_H
#define FED_SQL_H

#include <jansson.h>
#include <sqlite3.h>

/*
 * Run SQL. PARAMS (stolen; json_pack("[s,I]", …)) binds ?1, ?2 …; NULL, as json_pack gives for text that is not
 * UTF-8, is -EINVAL. RET_ROWS NULL: rows are not wanted. 0; -EEXIST a constraint; -EINVAL, -ENOMEM, -ENOSPC, -EIO.
 */
int fed_sql(sqlite3 *db, const char *sql, json_t *params, json_t **ret_rows);
/* The first row alone; -ENOENT when there is none. */
int fed_sql_row(sqlite3 *db, const char *sql, json_t *params, json_t **ret_row);
/* The first column of the first row as a number; -ENOENT when there is none. */
int fed_sql_number(sqlite3 *db, const char *sql, json_t *params, int64_t *ret_number);

/* Members of a row, by column; NULL and 0 where null. The string lives as long as the row. */
const char *fed_text(const json_t *row, const char *column);
int64_t fed_int(const json_t *row, const char *column);

#endif
