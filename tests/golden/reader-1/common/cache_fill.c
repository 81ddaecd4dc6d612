#include "common/cache_fill.h"

#include <errno.h>

/*
 * Text that is known to fit. ROOMY: what is readable at FROM and free at TO reaches CHUNK - 1 bytes further, so that whole
 * chunks can be copied; what they write behind the text is overwritten by what follows, or is free. Most texts are shorter
 * than what a call to memcpy costs.
 */
#define CHUNK B2B_CACHE_CHUNK
static inline char *put(char *to, const char *from, size_t n, bool roomy)
{
	if (roomy)
		for (size_t i = 0; i < n; i += CHUNK)
			memcpy(to + i, from + i, CHUNK);
	else
		memcpy(to, from, n);
	return to + n;
}

static inline char *put_home(char *to, const struct b2b_home *home, const char *local, size_t n_local, bool roomy)
{
	size_t from = 0;

	for (uint32_t i = 0; i < home->n_cuts; from = home->cuts[i++]) {
		to = put(to, home->text + from, home->cuts[i] - from, roomy);
		to = put(to, local, n_local, roomy);
	}
	return put(to, home->text + from, home->n_text - from, roomy);
}

static const struct b2b_shell nologin = { sizeof(B2B_NOLOGIN), B2B_NOLOGIN };

int b2b_fill_passwd(const struct b2b_look *look, struct passwd *ret_pw, char *buf, size_t len)
{
	const struct b2b_entry *entry = &look->entry;
	const struct b2b_org *org = look->org;
	const struct b2b_shell *shell = b2b_look_open(look) ? b2b_view_shell(look->view, entry->record.shell) : &nologin;
	size_t n_local = entry->record.n_local, n_gecos = entry->record.n_gecos, need;
	uint32_t uid = org->record.range_lo + entry->record.offset;
	char *at = buf;
	bool roomy;

	if (shell->size == 0)
		return -ENODATA;
	need = n_local + org->n_suffix + n_gecos + 1 + b2b_home_size(&org->home, n_local) + shell->size;
	if (need > len)
		return -ERANGE;
	roomy = len - need >= CHUNK;
	ret_pw->pw_name = at;
	at = put(at, entry->local, n_local, roomy);
	at = put(at, org->suffix, org->n_suffix, roomy);
	ret_pw->pw_passwd = at - sizeof("*");
	ret_pw->pw_gecos = at;
	at = put(at, entry->gecos, n_gecos, roomy && b2b_snap_reaches(look->snap, entry->gecos, n_gecos + CHUNK));
	*at++ = '\0';
	ret_pw->pw_dir = at;
	at = put_home(at, &org->home, entry->local, n_local, roomy);
	ret_pw->pw_shell = at;
	put(at, shell->text, shell->size, roomy);
	ret_pw->pw_uid = uid;
	ret_pw->pw_gid = uid;
	return 0;
}

int b2b_group_begin(struct b2b_group_fill *fill, const char *local, char separator, const char *alias, char *buf, size_t len)
{
	size_t n_local = strlen(local), n_alias = strlen(alias), n_name = n_local + (separator ? 1 : 0) + n_alias + 1;
	uintptr_t gap = -((uintptr_t)buf + n_name + sizeof("*")) & (sizeof(char *) - 1);
	size_t need = n_name + sizeof("*") + gap + sizeof(char *);
	char *at = buf;

	if (need > len)
		return -ERANGE;
	fill->name = at;
	at = mempcpy(at, local, n_local);
	if (separator)
		*at++ = separator;
	at = mempcpy(at, alias, n_alias + 1);
	fill->password = at;
	at = mempcpy(at, "*", sizeof("*"));
	fill->members = (char **)(void *)(at + gap);
	fill->n_members = 0;
	fill->low = buf + need; /* behind the NULL that ends the list */
	fill->high = buf + len;
	return 0;
}

int b2b_group_add(struct b2b_group_fill *fill, const char *local, size_t n_local, char separator, const char *alias, size_t n_alias)
{
	size_t need = n_local + 1 + n_alias + 1;
	char *to;

	if ((size_t)(fill->high - fill->low) < need + sizeof(char *))
		return -ERANGE;
	to = fill->high - need;
	memcpy(to, local, n_local);
	to[n_local] = separator;
	memcpy(to + n_local + 1, alias, n_alias);
	to[need - 1] = '\0';
	fill->members[fill->n_members++] = to;
	fill->high = to;
	fill->low += sizeof(char *);
	return 0;
}

void b2b_group_end(struct b2b_group_fill *fill, uint32_t gid, struct group *ret_gr)
{
	fill->members[fill->n_members] = NULL;
	ret_gr->gr_name = fill->name;
	ret_gr->gr_passwd = fill->password;
	ret_gr->gr_gid = gid;
	ret_gr->gr_mem = fill->members;
}
