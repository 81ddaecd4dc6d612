/* The module that answers at once: there is nobody. What a look-up costs before any module has done anything. */
#include "tests/bench/floor/floor.h"

const struct packed_user *floor_user_by_name(const char *name)
{
	(void)name;
	return NULL;
}

const struct packed_user *floor_user_by_uid(uint32_t uid)
{
	(void)uid;
	return NULL;
}

const struct packed_group *floor_group_by_name(const char *name)
{
	(void)name;
	return NULL;
}

const struct packed_group *floor_group_by_gid(uint32_t gid)
{
	(void)gid;
	return NULL;
}

const struct packed_user *floor_user_next(uint64_t *cursor)
{
	(void)cursor;
	return NULL;
}
