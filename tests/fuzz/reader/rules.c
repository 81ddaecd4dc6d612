#include "tests/fuzz/reader/rules.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cache_format.h"
#include "common/live.h"
#include "tests/fuzz/reader/facts.h"

/* The sanitizers stop at abort and show the way here. */
static void broken(const char *rule, const char *text)
{
	warnx("%s: %s", rule, text);
	abort();
}

void rules_code(int r, bool by_name)
{
	if (r != 0 && r != -ENOENT && r != -ERANGE && r != -ENODATA && r != -ENOMEM && r != -EMFILE && !(r == -ESRCH && by_name)) {
		warnx("code %d", r);
		abort();
	}
}

void rules_untouched(const void *output, size_t size)
{
	const unsigned char *bytes = output;

	for (size_t i = 0; i < size; i++)
		if (bytes[i] != RULES_UNTOUCHED)
			broken("an output was touched on failure", "");
}

static void inside(const char *text, const char *buf, size_t len)
{
	if (text < buf || text >= buf + len || !memchr(text, 0, (size_t)(buf + len - text)))
		broken("text outside the caller's buffer", "");
}

/* The organisation of NAME, which has to be one by the rules. */
static const char *alias_in(const char *name)
{
	const char *separator = strpbrk(name, B2B_SEPARATORS);
	char local[B2B_NAME_SIZE] = "";

	if (!separator || !facts_separator(*separator) || strlen(name) >= B2B_NAME_SIZE)
		broken("no name of a partner", name);
	memcpy(local, name, (size_t)(separator - name));
	if (!b2b_local_valid(local) || !b2b_alias_valid(separator + 1))
		broken("not valid", name);
	return separator + 1;
}

void rules_passwd(const struct passwd *pw, const char *buf, size_t len, const char *name, uint32_t id)
{
	inside(pw->pw_name, buf, len);
	inside(pw->pw_passwd, buf, len);
	inside(pw->pw_gecos, buf, len);
	inside(pw->pw_dir, buf, len);
	inside(pw->pw_shell, buf, len);
	if (!facts_id(alias_in(pw->pw_name), pw->pw_uid))
		broken("an id outside the organisation's range", pw->pw_name);
	if (pw->pw_gid != pw->pw_uid || strcmp(pw->pw_passwd, "*") != 0 || pw->pw_shell[0] != '/')
		broken("no entry of a partner", pw->pw_name);
	if (name && strcasecmp(name, pw->pw_name) != 0)
		broken("another name than was asked for", pw->pw_name);
	if (id && pw->pw_uid != id)
		broken("another id than was asked for", pw->pw_name);
}

static void check_members(const struct group *gr, const char *buf, size_t len, const char *alias)
{
	const char *list = (const char *)gr->gr_mem;

	for (size_t i = 0;; i++) {
		if (list < buf || list + (i + 1) * sizeof(char *) > buf + len || (uintptr_t)list % sizeof(char *) != 0)
			broken("members outside the caller's buffer", gr->gr_name);
		if (!gr->gr_mem[i])
			break;
		inside(gr->gr_mem[i], buf, len);
		if (!facts_rosters())
			continue;
		if (!alias || strcmp(alias_in(gr->gr_mem[i]), alias) != 0)
			broken("a member of another organisation", gr->gr_mem[i]);
		if (!facts_members())
			broken("a member where none are listed", gr->gr_mem[i]);
	}
}

void rules_group(const struct group *gr, const char *buf, size_t len, const char *name, uint32_t id)
{
	bool partners;

	inside(gr->gr_name, buf, len);
	inside(gr->gr_passwd, buf, len);
	partners = strcmp(gr->gr_name, B2B_GROUP_PARTNERS) == 0;
	if (partners ? !facts_partners(gr->gr_gid) : !facts_id(alias_in(gr->gr_name), gr->gr_gid))
		broken("an id outside the organisation's range", gr->gr_name);
	check_members(gr, buf, len, partners ? NULL : alias_in(gr->gr_name));
	if (name && strcasecmp(name, gr->gr_name) != 0)
		broken("another name than was asked for", gr->gr_name);
	if (id && gr->gr_gid != id)
		broken("another id than was asked for", gr->gr_name);
}

void rules_standing(const struct b2b_standing *standing, const char *name)
{
	if (!memchr(standing->name, 0, sizeof(standing->name)) || !memchr(standing->alias, 0, sizeof(standing->alias)) ||
	    !memchr(standing->org_id, 0, sizeof(standing->org_id)))
		broken("text without an end", name);
	if (strcasecmp(standing->name, name) != 0 || strcmp(alias_in(standing->name), standing->alias) != 0)
		broken("another name than was asked for", standing->name);
	if (!facts_id(standing->alias, standing->uid))
		broken("an id outside the organisation's range", standing->name);
	if (standing->user_open != (B2B_LIVE_STATE(standing->word) == B2B_LIVE_OPEN))
		broken("open and closed at once", standing->name);
}

/* The organisation of NAME as it was asked for. */
static const char *alias_asked(const char *name)
{
	static char folded[B2B_NAME_SIZE];

	memset(folded, 0, sizeof(folded));
	for (size_t i = 0; name[i] && i < sizeof(folded) - 1; i++)
		folded[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
	return alias_in(folded);
}

void rules_gid_of_newcomer(const char *name, uint32_t gid)
{
	if (!facts_first(alias_asked(name), gid) && !facts_partners(gid))
		broken("a newcomer in a group of somebody's", name);
}

void rules_gid_of(const char *name, uint32_t gid)
{
	const char *alias = alias_asked(name);

	if (gid == 0 || (!facts_id(alias, gid) && !facts_partners(gid) && !facts_local_gid(alias, gid))) {
		warnx("gid %u for %s", gid, name);
		abort();
	}
}

static uint32_t word_at(int file, size_t at)
{
	uint32_t word = 0;
	size_t size;
	const unsigned char *bytes = disk_bytes(file, &size);

	if (at + sizeof(word) <= size)
		memcpy(&word, bytes + at, sizeof(word));
	return word;
}

void rules_open(uint32_t uid, const char *const ids[DISK_ORGS])
{
	struct b2b_format_live header;
	int org = facts_live_of(uid, ids);
	size_t size;

	if (org < 0 || disk_bytes(DISK_LIVE(org), &size) == NULL || size < sizeof(header))
		return;
	memcpy(&header, disk_bytes(DISK_LIVE(org), &size), sizeof(header));
	if (B2B_LIVE_STATE(header.org_word) != B2B_LIVE_OPEN ||
	    B2B_LIVE_STATE(word_at(DISK_LIVE(org), B2B_LIVE_WORDS_AT + (size_t)(uid - header.range_lo) * sizeof(uint32_t))) != B2B_LIVE_OPEN)
		broken("a closed user has a shell", "");
}

bool rules_nologin_is_a_shell(void)
{
	size_t size;
	const unsigned char *bytes = disk_bytes(DISK_INDEX, &size);

	return bytes && memmem(bytes, size, "/usr/sbin/nologin", sizeof("/usr/sbin/nologin")) != NULL;
}
