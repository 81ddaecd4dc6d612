#include <errno.h>

#include "common/cache_look.h"

static int judge(struct b2b_look *look, const struct b2b_name *name, uint32_t id)
{
	int r = b2b_look_name(look, name);

	if (r != -ESRCH)
		return r < 0 ? r : -ENOENT;
	if (id <= look->org->record.range_lo || id > look->org->record.range_hi)
		return -ENOENT;
	r = b2b_look_id(look, id);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : -ENOENT;
}

int b2b_cache_newcomer(struct b2b_cache *cache, const char *name, uint32_t id)
{
	struct b2b_name split;
	struct b2b_look look;
	int r = b2b_look_begin_name(&look, cache, name, &split);

	if (r < 0)
		return r;
	r = judge(&look, &split, id);
	b2b_look_end(&look);
	return r;
}
