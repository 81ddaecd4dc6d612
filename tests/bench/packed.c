#include "tests/bench/packed.h"

#include <errno.h>

#include "common/policy.h"

static size_t put(char *to, size_t at, const char *text)
{
	size_t size = strlen(text) + 1;

	if (to)
		memcpy(to + at, text, size);
	return at + size;
}

/* The strings of USER at TO (NULL: only measured); where they begin into PACKED. Returns their size. */
static size_t put_user(const struct source_user *user, struct packed_user *packed, char *to)
{
	size_t at = put(to, 0, user->name);

	packed->password = (uint16_t)at;
	at = put(to, at, "*");
	packed->gecos = (uint16_t)at;
	at = put(to, at, user->gecos);
	packed->home = (uint16_t)at;
	at = put(to, at, user->home);
	packed->shell = (uint16_t)at;
	return put(to, at, user->shell);
}

size_t packed_user_size(const struct source *source, uint32_t user)
{
	struct packed_user packed;
	size_t text = put_user(&source->users[user], &packed, NULL);

	return (sizeof(packed) + ((text + 3) & ~3ul) + (source->users[user].n_groups + 1) * sizeof(uint32_t) + 7) & ~7ul;
}

void packed_user_make(const struct source *source, uint32_t user, void *to)
{
	const struct source_user *from = &source->users[user];
	struct packed_user *packed = to;
	uint32_t *gids;

	packed->uid = from->uid;
	packed->gid = from->gid;
	packed->pad = 0;
	packed->size = (uint16_t)put_user(from, packed, packed->text);
	packed->n_groups = (uint16_t)(from->n_groups + 1);
	gids = (uint32_t *)(uintptr_t)packed_groups(packed);
	memcpy(gids, source->memberships + from->groups, from->n_groups * sizeof(uint32_t));
	gids[from->n_groups] = B2B_PARTNERS_GID;
}

static const char *member(const struct source *source, const struct source_group *group, uint32_t i)
{
	return source->users[source->members[group->members + i]].name;
}

size_t packed_group_size(const struct source *source, uint32_t group)
{
	const struct source_group *from = &source->groups[group];
	size_t size = sizeof(struct packed_group) + strlen(from->name) + 1 + 2;

	for (uint32_t i = 0; i < from->n_members; i++)
		size += strlen(member(source, from, i)) + 2;
	return (size + 7) & ~7ul;
}

void packed_group_make(const struct source *source, uint32_t group, void *to)
{
	const struct source_group *from = &source->groups[group];
	struct packed_group *packed = to;
	size_t at = put(packed->text, 0, from->name);

	packed->gid = from->gid;
	packed->n_members = from->n_members;
	packed->password = (uint16_t)at;
	at = put(packed->text, at, "*");
	packed->members = (uint16_t)at;
	for (uint32_t i = 0; i < from->n_members; i++)
		at = put(packed->text, at, member(source, from, i));
	packed->size = (uint32_t)at;
	for (uint32_t i = 0; i < from->n_members; i++)
		packed->text[at + i] = (char)(strlen(member(source, from, i)) + 1);
}

int packed_user_fill(const struct packed_user *user, struct passwd *ret_pw, char *buf, size_t len)
{
	if (len < user->size)
		return -ERANGE;
	memcpy(buf, user->text, user->size);
	*ret_pw = (struct passwd){ .pw_name = buf, .pw_passwd = buf + user->password, .pw_uid = user->uid, .pw_gid = user->gid,
				   .pw_gecos = buf + user->gecos, .pw_dir = buf + user->home, .pw_shell = buf + user->shell };
	return 0;
}

int packed_group_fill(const struct packed_group *group, struct group *ret_gr, char *buf, size_t len)
{
	size_t gap = -(uintptr_t)buf & (sizeof(char *) - 1), pointers = (group->n_members + 1) * sizeof(char *);
	const unsigned char *lengths = (const unsigned char *)group->text + group->size;
	char **members = (char **)(void *)(buf + gap), *text = buf + gap + pointers, *at;

	if (len < gap + pointers + group->size)
		return -ERANGE;
	memcpy(text, group->text, group->size);
	at = text + group->members;
	for (uint32_t i = 0; i < group->n_members; i++) {
		members[i] = at;
		at += lengths[i];
	}
	members[group->n_members] = NULL;
	*ret_gr = (struct group){ .gr_name = text, .gr_passwd = text + group->password, .gr_gid = group->gid, .gr_mem = members };
	return 0;
}
