/*
 * The four look-ups over hash tables, for a floor that has defined before
 *
 *   static inline const void *next(enum flat_table table, uint64_t hash, uint64_t *place);
 *
 * the next record at or behind *PLACE (HASH at first, moves on) that was entered into TABLE with HASH, or NULL.
 */
#ifndef B2B_BENCH_FLOOR_TABLES_H
#define B2B_BENCH_FLOOR_TABLES_H

const struct packed_user *floor_user_by_name(const char *name)
{
	size_t len = strlen(name);
	uint64_t hash = packed_hash(name, len), place = hash;
	const struct packed_user *user;

	while ((user = next(FLAT_USER_NAME, hash, &place)))
		if (memcmp(user->text, name, len + 1) == 0)
			break;
	return user;
}

const struct packed_user *floor_user_by_uid(uint32_t uid)
{
	uint64_t hash = packed_hash_id(uid), place = hash;
	const struct packed_user *user;

	while ((user = next(FLAT_USER_UID, hash, &place)))
		if (user->uid == uid)
			break;
	return user;
}

const struct packed_group *floor_group_by_name(const char *name)
{
	size_t len = strlen(name);
	uint64_t hash = packed_hash(name, len), place = hash;
	const struct packed_group *group;

	while ((group = next(FLAT_GROUP_NAME, hash, &place)))
		if (memcmp(group->text, name, len + 1) == 0)
			break;
	return group;
}

const struct packed_group *floor_group_by_gid(uint32_t gid)
{
	uint64_t hash = packed_hash_id(gid), place = hash;
	const struct packed_group *group;

	while ((group = next(FLAT_GROUP_GID, hash, &place)))
		if (group->gid == gid)
			break;
	return group;
}

#endif
