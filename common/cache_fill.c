#include "common/cache_fill.h"

#include <errno.h>

/* Text grows from the beginning of the caller's buffer; once something did not fit, nothing more is written. */
struct out {
	char *at, *end;
	bool full;
};

static void put(struct out *out, const char *text, size_t len)
{
	if (out->full || (size_t)(out->end - out->at) < len) {
		out->full = true;
		return;
	}
	memcpy(out->at, text, len);
	out->at += len;
}

static void put_name(struct out *out, const char *local, size_t n_local, char separator, const char *alias, size_t n_alias)
{
	put(out, local, n_local);
	if (separator)
		put(out, &separator, 1);
	put(out, alias, n_alias);
	put(out, "", 1);
}

/* Root's template: %u the local name, %o the alias, %% a percent sign. */
static void put_home(struct out *out, const char *template, const char *local, size_t n_local, const char *alias, size_t n_alias)
{
	for (const char *at = template; *at; at++) {
		if (at[0] == '%' && at[1] == 'u')
			put(out, local, n_local);
		else if (at[0] == '%' && at[1] == 'o')
			put(out, alias, n_alias);
		else
			put(out, at, 1);
		if (at[0] == '%' && (at[1] == 'u' || at[1] == 'o' || at[1] == '%'))
			at++;
	}
	put(out, "", 1);
}

int b2b_fill_passwd(const struct b2b_view *view, const struct b2b_org *org, const struct b2b_entry *entry, bool open,
                    struct passwd *ret_pw, char *buf, size_t len)
{
	struct out out = { buf, buf + len, false };
	uint32_t uid = org->record.range_lo + entry->record.offset;
	struct passwd pw = { .pw_uid = uid, .pw_gid = uid };
	size_t n_local = entry->record.n_local;
	char shell[B2B_PATH_SIZE] = B2B_NOLOGIN;
	int r;

	if (open) {
		r = b2b_view_shell(view, entry->record.shell, shell);
		if (r < 0)
			return r;
	}
	pw.pw_name = out.at;
	put_name(&out, entry->local, n_local, view->index.separator, org->record.alias, org->n_alias);
	pw.pw_passwd = out.at;
	put(&out, "*", 2);
	pw.pw_gecos = out.at;
	put(&out, entry->gecos, entry->record.n_gecos);
	put(&out, "", 1);
	pw.pw_dir = out.at;
	put_home(&out, view->index.home, entry->local, n_local, org->record.alias, org->n_alias);
	pw.pw_shell = out.at;
	put(&out, shell, strlen(shell) + 1);
	if (out.full)
		return -ERANGE;
	*ret_pw = pw;
	return 0;
}

int b2b_group_begin(struct b2b_group_fill *fill, const char *local, char separator, const char *alias, char *buf, size_t len)
{
	struct out out = { buf, buf + len, false };
	uintptr_t gap;

	fill->name = out.at;
	put_name(&out, local, strlen(local), separator, alias, strlen(alias));
	fill->password = out.at;
	put(&out, "*", 2);
	gap = -(uintptr_t)out.at & (sizeof(char *) - 1);
	if (out.full || (size_t)(out.end - out.at) < gap + sizeof(char *))
		return -ERANGE;
	fill->members = (char **)(void *)(out.at + gap);
	fill->n_members = 0;
	fill->low = out.at + gap + sizeof(char *); /* behind the NULL that ends the list */
	fill->high = out.end;
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
