#include "tests/bench/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/packed.h"

/* Numbers of users + 1 by the hash of their names. */
struct names {
	uint32_t *table;
	uint64_t mask;
};

static int read_text(const char *dir, const char *name, char **ret_text)
{
	char path[512], *text = NULL;
	size_t size = 0;
	ssize_t got;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	got = getdelim(&text, &size, '\0', file);
	fclose(file);
	if (got < 0) {
		free(text);
		return -EBADMSG;
	}
	*ret_text = text;
	return 0;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

/* The next field of *TEXT up to END, which becomes its NUL; NULL when the line ends before. */
static char *field(char **text, char end)
{
	char *begin = *text;
	size_t len = strcspn(begin, end == ':' ? ":\n" : "\n");

	if (begin[len] != end)
		return NULL;
	begin[len] = '\0';
	*text = begin + len + 1;
	return begin;
}

static int number(char **text, uint32_t *ret_number)
{
	char *digits = field(text, ':'), *end;

	if (!digits)
		return -EBADMSG;
	*ret_number = (uint32_t)strtoul(digits, &end, 10);
	return *end || end == digits ? -EBADMSG : 0;
}

static uint32_t *place(const struct source *source, const struct names *names, const char *name, size_t len)
{
	uint64_t at = packed_hash(name, len) & names->mask;

	while (names->table[at]) {
		const char *other = source->users[names->table[at] - 1].name;

		if (memcmp(other, name, len) == 0 && other[len] == '\0')
			break;
		at = (at + 1) & names->mask;
	}
	return &names->table[at];
}

static int read_user(char **text, struct source_user *user)
{
	user->name = field(text, ':');
	if (!user->name || !field(text, ':') || number(text, &user->uid) < 0 || number(text, &user->gid) < 0)
		return -EBADMSG;
	user->gecos = field(text, ':');
	user->home = user->gecos ? field(text, ':') : NULL;
	user->shell = user->home ? field(text, '\n') : NULL;
	return user->shell ? 0 : -EBADMSG;
}

static int read_users(struct source *source, struct names *names)
{
	char *text = source->passwd_text;
	size_t lines = count_lines(text);

	names->mask = 1024;
	while (names->mask < 2 * lines)
		names->mask *= 2;
	names->table = calloc(names->mask--, sizeof(*names->table));
	source->users = calloc(lines, sizeof(*source->users));
	if (!names->table || !source->users)
		return -ENOMEM;
	while (*text) {
		struct source_user *user = &source->users[source->n_users];
		int r = read_user(&text, user);

		if (r < 0)
			return r;
		*place(source, names, user->name, strlen(user->name)) = ++source->n_users;
	}
	return 0;
}

/* Members follow each other in the text; names of nobody are passed over. */
static void read_members(struct source *source, const struct names *names, struct source_group *group, char *text)
{
	while (*text) {
		size_t len = strcspn(text, ",");
		uint32_t found = *place(source, names, text, len);

		if (found) {
			source->members[group->members + group->n_members++] = found - 1;
			source->users[found - 1].n_groups++;
		}
		text += len + (text[len] == ',');
	}
}

static int read_groups(struct source *source, const struct names *names)
{
	char *text = source->group_text;
	size_t room = count_lines(text);
	uint32_t n = 0;

	source->groups = calloc(room, sizeof(*source->groups));
	for (const char *at = text; *at; at++)
		room += *at == ',';
	source->members = calloc(room, sizeof(*source->members));
	if (!source->groups || !source->members)
		return -ENOMEM;
	while (*text) {
		struct source_group *group = &source->groups[source->n_groups];
		char *members;

		group->name = field(&text, ':');
		if (!group->name || !field(&text, ':') || number(&text, &group->gid) < 0)
			return -EBADMSG;
		members = field(&text, '\n');
		if (!members)
			return -EBADMSG;
		group->members = n;
		read_members(source, names, group, members);
		n += group->n_members;
		source->n_groups++;
	}
	return 0;
}

/* Turn the lists around: each user's groups in the order of the group file. */
static int invert(struct source *source)
{
	uint32_t total = 0;

	for (uint32_t i = 0; i < source->n_users; i++) {
		source->users[i].groups = total;
		total += source->users[i].n_groups;
		source->users[i].n_groups = 0;
	}
	source->memberships = calloc(total + 1, sizeof(*source->memberships));
	if (!source->memberships)
		return -ENOMEM;
	for (uint32_t g = 0; g < source->n_groups; g++)
		for (uint32_t m = 0; m < source->groups[g].n_members; m++) {
			struct source_user *user = &source->users[source->members[source->groups[g].members + m]];

			source->memberships[user->groups + user->n_groups++] = source->groups[g].gid;
		}
	return 0;
}

int source_read(const char *dir, struct source *ret_source)
{
	struct source source = { .users = NULL };
	struct names names = { .table = NULL };
	int r;

	r = read_text(dir, "passwd", &source.passwd_text);
	if (r == 0)
		r = read_text(dir, "group", &source.group_text);
	if (r == 0)
		r = read_users(&source, &names);
	if (r == 0)
		r = read_groups(&source, &names);
	if (r == 0)
		r = invert(&source);
	free(names.table);
	if (r < 0)
		source_free(&source);
	else
		*ret_source = source;
	return r;
}

void source_free(struct source *source)
{
	free(source->users);
	free(source->groups);
	free(source->members);
	free(source->memberships);
	free(source->passwd_text);
	free(source->group_text);
}
