/*
 * A user or a group as the floors keep it: all strings ready, one copy away from the caller's buffer. The same bytes
 * stand in the flat file, in the hash table and in the cdb file.
 */
#ifndef B2B_BENCH_PACKED_H
#define B2B_BENCH_PACKED_H

#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tests/bench/source.h"

/* name, "*", gecos, home, shell, each with its NUL; then, at a multiple of 4, the gids of the groups,
 * `partners` at the end: nobody is listed in it, so that it stands in no group file. */
struct packed_user {
	uint32_t uid, gid;
	uint16_t size; /* of the strings */
	uint16_t password, gecos, home, shell; /* where they begin */
	uint16_t n_groups;
	uint16_t pad;
	char text[];
};

/* name, "*", members, each with its NUL; then a byte for each member: the length of its name with the NUL. */
struct packed_group {
	uint32_t gid;
	uint32_t size;
	uint32_t n_members;
	uint16_t password, members; /* where they begin */
	char text[];
};

static inline const uint32_t *packed_groups(const struct packed_user *user)
{
	return (const uint32_t *)(const void *)(user->text + ((user->size + 3u) & ~3u));
}

/* Bytes that they take, a multiple of 8, and their making at TO. */
size_t packed_user_size(const struct source *source, uint32_t user);
size_t packed_group_size(const struct source *source, uint32_t group);
void packed_user_make(const struct source *source, uint32_t user, void *to);
void packed_group_make(const struct source *source, uint32_t group, void *to);

/* Copy out. Return 0 or -ERANGE. */
int packed_user_fill(const struct packed_user *user, struct passwd *ret_pw, char *buf, size_t len);
int packed_group_fill(const struct packed_group *group, struct group *ret_gr, char *buf, size_t len);

static inline uint64_t packed_hash_id(uint32_t id)
{
	return (id ^ 0x9e3779b9u) * 0xd6e8feb86659fd93u >> 20;
}

static inline uint64_t packed_hash(const char *text, size_t len)
{
	uint64_t hash = len * 0x9e3779b97f4a7c15u, word;

	for (; len >= sizeof(word); text += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, text, sizeof(word));
		hash = (hash ^ word) * 0xd6e8feb86659fd93u;
		hash ^= hash >> 32;
	}
	word = 0;
	for (size_t i = 0; i < len; i++)
		word = word << 8 | (unsigned char)text[i];
	hash = (hash ^ word) * 0xd6e8feb86659fd93u;
	return hash ^ hash >> 29;
}

#endif
