#include <errno.h>

#include "common/cache_fill.h"

/* Is NAME of an organisation of ours, and absent, and might the agent know it? Then look->org is that organisation. */
static int find_absent(struct b2b_look *look, const struct b2b_name *name)
{
	int r = b2b_look_name(look, name);

	if (r == -ESRCH)
		return 0;
	return r < 0 ? r : -ENOENT;
}

/* May a newcomer of ORG have ID: is it of its range, and nobody's yet? The look-up is another one. */
static int judge_id(struct b2b_look look, const struct b2b_org *org, uint32_t id)
{
	int r;

	if (id <= org->record.range_lo || id > org->record.range_hi)
		return -ENOENT;
	r = b2b_look_id(&look, id);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : -ENOENT;
}

static char *put_home(char *to, const struct b2b_home *home, const struct b2b_name *name)
{
	size_t from = 0;

	for (uint32_t i = 0; i < home->n_cuts; from = home->cuts[i++]) {
		to = mempcpy(to, home->text + from, home->cuts[i] - from);
		to = mempcpy(to, name->local, name->n_local);
	}
	return mempcpy(to, home->text + from, home->n_text - from);
}

/* As b2b_fill_passwd does it for who stands in the snapshot, with the default shell and without a display name. */
static int fill(const struct b2b_look *look, const struct b2b_name *name, uint32_t id, struct passwd *ret_pw, char *buf, size_t len)
{
	const struct b2b_org *org = look->org;
	const struct b2b_shell *shell = b2b_view_shell(look->view, 0);
	char *at = buf;

	if (shell->size == 0)
		return -ENODATA;
	if (name->n_local + org->n_suffix + sizeof("") + b2b_home_size(&org->home, name->n_local) + shell->size > len)
		return -ERANGE;
	ret_pw->pw_uid = ret_pw->pw_gid = id;
	ret_pw->pw_name = at;
	at = mempcpy(at, name->local, name->n_local);
	at = mempcpy(at, org->suffix, org->n_suffix);
	ret_pw->pw_passwd = at - sizeof("*");
	ret_pw->pw_gecos = at;
	*at++ = '\0';
	ret_pw->pw_dir = at;
	at = put_home(at, &org->home, name);
	ret_pw->pw_shell = memcpy(at, shell->text, shell->size);
	return 0;
}

int b2b_cache_newcomer(struct b2b_cache *cache, const char *name, uint32_t id, struct passwd *ret_pw, char *buf, size_t len)
{
	struct b2b_name split;
	struct b2b_look look;
	int r = b2b_look_begin_name(&look, cache, name, &split);

	if (r < 0)
		return r;
	r = find_absent(&look, &split);
	if (r == 0)
		r = judge_id(look, look.org, id);
	if (r == 0)
		r = fill(&look, &split, id, ret_pw, buf, len);
	b2b_look_end(&look);
	return r;
}

int b2b_cache_newcomer_groups(struct b2b_cache *cache, const char *name, int (*add)(void *arg, uint32_t gid), void *arg)
{
	struct b2b_name split;
	struct b2b_look look;
	int r = b2b_look_begin_name(&look, cache, name, &split);

	if (r < 0)
		return r;
	r = find_absent(&look, &split);
	if (r == 0)
		r = add(arg, look.org->record.range_lo);
	if (r == 0)
		r = add(arg, look.view->index.partners_gid);
	b2b_look_end(&look);
	return r;
}
