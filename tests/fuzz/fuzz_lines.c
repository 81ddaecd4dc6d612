/* The lines that root reads from the child on the network: whatever the bytes, what was taken is text that can be written and read again. */
#include <stdlib.h>
#include <string.h>

#include "common/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct b2b_lines lines, again;
	char *text = NULL;
	size_t len;
	FILE *out;

	if (b2b_lines_parse((const char *)data, size, &lines) < 0)
		return 0;
	out = open_memstream(&text, &len);
	for (size_t i = 0; i < lines.n; i++)
		b2b_line_put(out, lines.line[i].name, lines.line[i].value);
	fclose(out);
	if (b2b_lines_parse(text, len, &again) < 0 || again.n != lines.n)
		abort();
	for (size_t i = 0; i < lines.n; i++)
		if (strcmp(again.line[i].name, lines.line[i].name) != 0 || strcmp(again.line[i].value, lines.line[i].value) != 0)
			abort();
	b2b_lines_clear(&again);
	b2b_lines_clear(&lines);
	free(text);
	return 0;
}
