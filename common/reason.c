#include "common/reason.h"

#include <stddef.h>

struct reason {
	const char *code;
	const char *text;
};

static const struct reason reasons[] = {
#define ROW(symbol, number, code, text) [number] = { code, text },
	B2B_REASONS(ROW)
#undef ROW
};

static const struct reason *find(int reason)
{
	if (reason < 0 || (size_t)reason >= sizeof(reasons) / sizeof(reasons[0]) || !reasons[reason].code)
		return &reasons[B2B_INTERNAL];
	return &reasons[reason];
}

const char *b2b_reason_code(int reason)
{
	return find(reason)->code;
}

const char *b2b_reason_text(int reason)
{
	return find(reason)->text;
}
