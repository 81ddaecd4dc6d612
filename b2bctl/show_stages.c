#include <string.h>

#include "b2bctl/ctl.h"

static const char *words_for(const char *stage)
{
	static const char *const words[][2] = { { "delivery", "event to receipt" }, { "closed", "receipt to closed" }, { "durable", "receipt to disk" },
		                                { "gone", "receipt to gone" }, { "total", "event to gone" } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i][0], stage) == 0)
			return words[i][1];
	}
	return stage;
}

static void figures_cells(struct b2b_table *table, const json_t *figures)
{
	static const char *const keys[] = { "p50_us", "p99_us", "max_us" };

	b2b_table_cell(table, "%lld", b2b_ctl_number(figures, "n"));
	for (size_t i = 0; i < 3; i++)
		b2b_table_cell(table, "%.1f", (double)b2b_ctl_number(figures, keys[i]) / 1000);
}

void b2b_ctl_show_stages(FILE *out, const json_t *stages)
{
	static const char *const headings[] = { "MILLISECONDS", ">LAST", ">P50", ">P99", ">MAX", ">SINCE START", ">P50", ">P99", ">MAX", NULL };
	struct b2b_table *table = json_array_size(stages) ? b2b_table_new(headings) : NULL;
	const json_t *one;
	size_t i;

	if (!table)
		return;
	json_array_foreach(stages, i, one) {
		b2b_table_cell(table, "%s", words_for(b2b_ctl_text(one, "stage")));
		figures_cells(table, json_object_get(one, "last"));
		figures_cells(table, json_object_get(one, "since_start"));
	}
	fputc('\n', out);
	b2b_table_print(table, out);
	b2b_table_free(table);
}
