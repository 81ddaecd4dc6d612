#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "b2bctl/ctl.h"

#define GAP 2
#define COLUMNS_MAX 10
#define LEAST 5 /* of a column that is cut */

struct b2b_table {
	const char *const *headings;
	size_t columns, n, allocated; /* n cells */
	char **cells;
	size_t widths[COLUMNS_MAX];
	bool failed; /* out of memory: told when it is printed */
};

static const char *heading(const struct b2b_table *table, size_t column)
{
	return table->headings[column] + (table->headings[column][0] == '>' || table->headings[column][0] == '~');
}

static bool may_be_cut(const struct b2b_table *table, size_t column)
{
	return table->headings[column][0] == '~' && table->widths[column] > LEAST;
}

struct b2b_table *b2b_table_new(const char *const *headings)
{
	struct b2b_table *table = headings[0] ? calloc(1, sizeof(*table)) : NULL;

	if (!table)
		return NULL;
	table->headings = headings;
	while (table->columns < COLUMNS_MAX && headings[table->columns]) {
		table->widths[table->columns] = strlen(heading(table, table->columns));
		table->columns++;
	}
	return table;
}

void b2b_table_free(struct b2b_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->n; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

static int add(struct b2b_table *table, char *cell)
{
	if (table->n == table->allocated) {
		size_t wanted = table->allocated ? 2 * table->allocated : 64;
		char **cells = reallocarray(table->cells, wanted, sizeof(*cells));

		if (!cells)
			return -ENOMEM;
		table->cells = cells;
		table->allocated = wanted;
	}
	table->cells[table->n++] = cell;
	return 0;
}

void b2b_table_cell(struct b2b_table *table, const char *format, ...)
{
	size_t column = table->n % table->columns, len;
	char *cell = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&cell, format, args) < 0)
		cell = NULL;
	va_end(args);
	if (!cell || add(table, cell) < 0) {
		free(cell);
		table->failed = true;
		return;
	}
	for (char *c = cell; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	len = strlen(cell);
	if (len > table->widths[column])
		table->widths[column] = len;
}

/* The widest column, of those that may be cut while there is one of these. */
static size_t widest(const struct b2b_table *table)
{
	size_t found = 0;

	for (size_t i = 1; i < table->columns; i++)
		if (may_be_cut(table, i) > may_be_cut(table, found) ||
		    (may_be_cut(table, i) == may_be_cut(table, found) && table->widths[i] > table->widths[found]))
			found = i;
	return found;
}

/* Takes from the widest, a column at a time, until all fit. */
static void fit(struct b2b_table *table)
{
	size_t total = (table->columns - 1) * GAP;

	for (size_t i = 0; i < table->columns; i++)
		total += table->widths[i];
	for (; total > B2B_CTL_WIDTH; total--)
		table->widths[widest(table)]--;
}

static void print_cell(const struct b2b_table *table, size_t column, const char *cell, FILE *out)
{
	int width = (int)table->widths[column], len = (int)strlen(cell);
	bool last = column + 1 == table->columns;

	if (len > width)
		fprintf(out, "%.*s~", width - 1, cell);
	else if (table->headings[column][0] == '>')
		fprintf(out, "%*s", width, cell);
	else
		fprintf(out, "%-*s", last ? 0 : width, cell);
	fputs(last ? "\n" : "  ", out);
}

int b2b_table_print(struct b2b_table *table, FILE *out)
{
	if (table->failed)
		return -ENOMEM;
	fit(table);
	for (size_t i = 0; i < table->columns; i++)
		print_cell(table, i, heading(table, i), out);
	for (size_t i = 0; i < table->n; i++)
		print_cell(table, i % table->columns, table->cells[i], out);
	return 0;
}
