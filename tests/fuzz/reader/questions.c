#include "tests/fuzz/reader/questions.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/live.h"
#include "tests/fuzz/reader/facts.h"
#include "tests/fuzz/reader/rules.h"
#include "tests/support/fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ROOMY ((size_t)1 << 20) /* more than any answer from files of this size takes */
#define LISTED_MAX 32           /* entries of an enumeration that are looked at: all, but for the crowd */

/* ---- one question ---- */

/* A buffer of LEN bytes with its end where the heap block ends. */
static char *buffer_of(size_t len)
{
	static char *block;

	if (!block)
		block = malloc(ROOMY);
	if (!block)
		err(1, "buffer");
	return block + ROOMY - len;
}

static void begin(struct asking *asking)
{
	/* Each word of each file a few times over: what is more is a loop. */
	disk_watch(4096 + 8 * disk_total(), UINT64_MAX, NULL);
	asking->question++;
	asking->before(asking->question);
}

static void end(struct asking *asking, int r)
{
	disk_watch(UINT64_MAX, UINT64_MAX, NULL);
	asking->answered += r == 0;
}

/* What one question is about, so that it can be put again with another buffer. */
struct key {
	const char *name; /* NULL: by id, or the next one */
	uint32_t id;
	uint64_t *cursor;
	bool newcomer; /* NAME is nobody's yet, and shall have ID */
};

static int put_pw(struct asking *asking, const struct key *key, struct passwd *ret_pw, size_t len)
{
	char *buf = buffer_of(len);
	int r;

	memset(ret_pw, RULES_UNTOUCHED, sizeof(*ret_pw));
	begin(asking);
	if (key->cursor)
		r = b2b_cache_nextpw(asking->cache, key->cursor, ret_pw, buf, len);
	else if (key->newcomer)
		r = b2b_cache_newcomer(asking->cache, key->name, key->id, ret_pw, buf, len);
	else if (key->name)
		r = b2b_cache_getpwnam(asking->cache, key->name, ret_pw, buf, len);
	else
		r = b2b_cache_getpwuid(asking->cache, key->id, ret_pw, buf, len);
	end(asking, r);
	rules_code(r, key->name != NULL && !key->newcomer);
	if (r < 0)
		rules_untouched(ret_pw, sizeof(*ret_pw));
	else
		rules_passwd(ret_pw, buf, len, key->name, key->cursor ? 0 : key->id);
	return r;
}

static int put_gr(struct asking *asking, const struct key *key, struct group *ret_gr, size_t len)
{
	char *buf = buffer_of(len);
	int r;

	memset(ret_gr, RULES_UNTOUCHED, sizeof(*ret_gr));
	begin(asking);
	if (key->cursor)
		r = b2b_cache_nextgr(asking->cache, key->cursor, ret_gr, buf, len);
	else if (key->name)
		r = b2b_cache_getgrnam(asking->cache, key->name, ret_gr, buf, len);
	else
		r = b2b_cache_getgrgid(asking->cache, key->id, ret_gr, buf, len);
	end(asking, r);
	rules_code(r, key->name != NULL);
	if (r < 0)
		rules_untouched(ret_gr, sizeof(*ret_gr));
	else
		rules_group(ret_gr, buf, len, key->name, key->cursor ? 0 : key->id);
	return r;
}

/* Too small a buffer moves nothing, and the next one with room for everything gets the answer. */
static int again(const struct key *key, uint64_t before, int r)
{
	if (key->cursor && r < 0 && *key->cursor != before)
		errx(1, "a cursor moved without an answer");
	if (key->cursor && r == 0 && *key->cursor <= before)
		errx(1, "a cursor stands still");
	return r == -ERANGE;
}

static int ask_pw(struct asking *asking, const struct key *key, struct passwd *ret_pw)
{
	uint64_t before = key->cursor ? *key->cursor : 0;
	int r = put_pw(asking, key, ret_pw, asking->room);

	if (again(key, before, r)) {
		r = put_pw(asking, key, ret_pw, ROOMY);
		if (again(key, before, r))
			errx(1, "a buffer of %zu bytes is too small", ROOMY);
	}
	return r;
}

static int ask_gr(struct asking *asking, const struct key *key, struct group *ret_gr)
{
	uint64_t before = key->cursor ? *key->cursor : 0;
	int r = put_gr(asking, key, ret_gr, asking->room);

	if (again(key, before, r)) {
		r = put_gr(asking, key, ret_gr, ROOMY);
		if (again(key, before, r))
			errx(1, "a buffer of %zu bytes is too small", ROOMY);
	}
	return r;
}

/* ---- groups of a person ---- */

struct groups {
	const char *name;
	void (*judge)(const char *name, uint32_t gid);
	unsigned n, most;
};

static int add(void *arg, uint32_t gid)
{
	struct groups *groups = arg;

	groups->judge(groups->name, gid);
	return ++groups->n > groups->most ? -EXFULL : 0;
}

static unsigned ask_groups(struct asking *asking, const char *name, unsigned most)
{
	struct groups groups = { .name = name, .judge = rules_gid_of, .most = most };
	int r;

	begin(asking);
	r = b2b_cache_initgroups(asking->cache, name, add, &groups);
	end(asking, r);
	if (r != -EXFULL || groups.n <= most)
		rules_code(r, true);
	return groups.n;
}

/* ---- rounds ---- */

static void ask_standing(struct asking *asking, const char *name, const char *service)
{
	struct b2b_standing standing;
	int r;

	memset(&standing, RULES_UNTOUCHED, sizeof(standing));
	begin(asking);
	r = b2b_cache_standing(asking->cache, name, service, &standing);
	end(asking, r);
	if (r == -ERANGE)
		errx(1, "a standing needs no buffer");
	rules_code(r, true);
	if (r < 0)
		rules_untouched(&standing, sizeof(standing));
	else
		rules_standing(&standing, name);
}

static void ask_ours(struct asking *asking, const char *name)
{
	int r;

	begin(asking);
	r = b2b_cache_ours(asking->cache, name);
	end(asking, 1);
	if (r != 0 && r != 1)
		errx(1, "ours or not: %d", r);
}

static void ask_person(struct asking *asking, const char *name)
{
	struct passwd pw;
	int r = ask_pw(asking, &(struct key){ .name = name }, &pw);
	bool closed = r == 0 && strcmp(pw.pw_shell, "/usr/sbin/nologin") == 0;

	if (r == 0 && !closed && asking->still)
		rules_open(pw.pw_uid, asking->base->ids);
	if (ask_groups(asking, name, UINT32_MAX) > 0 && closed && asking->still && !rules_nologin_is_a_shell())
		errx(1, "a closed user has groups");
}

/* NAME with the separator that the cache had when it was good. */
static const char *joined(const struct asking *asking, const char *name)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s", name);
	for (char *at = text; *at; at++)
		if (*at == '@')
			*at = asking->base->separator;
	return text;
}

static void ask_people(struct asking *asking)
{
	static const char *const people[] = {
		"alice@acme", "Dave@ACME", "bob@emea.acme", "heidi@apac.acme", "erin@globex", "absent@acme", "person99@acme",
		"a_person.with-a-long.name1@acme", "dba@acme",
	};

	for (size_t i = 0; i < COUNT(people); i++)
		ask_person(asking, joined(asking, people[i]));
	ask_groups(asking, joined(asking, "alice@acme"), asking->room % 8);
}

static void ask_names(struct asking *asking)
{
	static const char *const groups[] = { "dba@acme", "members@acme", "Partners", "bob@emea.acme", "none@acme", "a_group.with-as-long.a-nam@acme" };
	static const char *const others[] = { "root", "", "@acme", "alice@", "alice@nowhere", "alice@acme.a-name-longer-than-any" };
	struct passwd pw;
	struct group gr;

	for (size_t i = 0; i < COUNT(groups); i++)
		ask_gr(asking, &(struct key){ .name = joined(asking, groups[i]) }, &gr);
	for (size_t i = 0; i < COUNT(others); i++)
		ask_pw(asking, &(struct key){ .name = joined(asking, others[i]) }, &pw);
	ask_standing(asking, joined(asking, "alice@acme"), "sudo");
	ask_standing(asking, joined(asking, "bob@emea.acme"), "sshd");
	ask_standing(asking, joined(asking, "erin@globex"), "none");
	ask_ours(asking, joined(asking, "alice@acme"));
	ask_ours(asking, joined(asking, "alice@nowhere"));
}

static void ask_ids(struct asking *asking)
{
	static const uint32_t fixed[] = { 0, B2B_GID_FIRST, B2B_PARTNERS_GID, B2B_RANGE_FIRST, B2B_RANGE_FIRST + 1, B2B_RANGE_FIRST + 2,
		B2B_RANGE_FIRST + 100, B2B_RANGE_FIRST + BASE_CROWD + 1, B2B_RANGE_LAST, UINT32_MAX };
	struct passwd pw;
	struct group gr;
	uint32_t lo, hi;

	for (size_t i = 0; i < COUNT(fixed); i++) {
		ask_pw(asking, &(struct key){ .id = fixed[i] }, &pw);
		ask_gr(asking, &(struct key){ .id = fixed[i] }, &gr);
	}
	for (unsigned i = 1; i < DISK_ORGS + 1 && facts_range(i, &lo, &hi); i++) {
		ask_pw(asking, &(struct key){ .id = lo + 1 }, &pw);
		ask_gr(asking, &(struct key){ .id = lo }, &gr);
		ask_gr(asking, &(struct key){ .id = lo + 1 }, &gr);
		ask_pw(asking, &(struct key){ .id = hi }, &pw);
		ask_pw(asking, &(struct key){ .id = hi + 1 }, &pw);
	}
}

static void ask_all(struct asking *asking)
{
	uint64_t cursor = 0;
	struct passwd pw;
	struct group gr;

	for (int i = 0; i < LISTED_MAX && ask_pw(asking, &(struct key){ .cursor = &cursor }, &pw) == 0; i++)
		if (asking->still && strcmp(pw.pw_shell, "/usr/sbin/nologin") != 0)
			rules_open(pw.pw_uid, asking->base->ids);
	cursor = 0;
	for (int i = 0; i < LISTED_MAX && ask_gr(asking, &(struct key){ .cursor = &cursor }, &gr) == 0; i++)
		;
}

/* Who gets an entry with KEY's id is nobody, and so is that id. */
static void ask_newcomer(struct asking *asking, const struct key *key)
{
	struct passwd pw, other;
	struct group gr;

	if (ask_pw(asking, key, &pw) < 0)
		return;
	if (!facts_newcomer(strpbrk(pw.pw_name, B2B_SEPARATORS) + 1, key->id))
		errx(1, "a newcomer with the first id of a range, or one of another's");
	if (pw.pw_gecos[0])
		errx(1, "a newcomer with a display name");
	if (!asking->still)
		return;
	if (ask_pw(asking, &(struct key){ .name = key->name }, &other) != -ESRCH || ask_pw(asking, &(struct key){ .id = key->id }, &other) != -ENOENT ||
	    ask_gr(asking, &(struct key){ .id = key->id }, &gr) != -ENOENT)
		errx(1, "a newcomer with somebody's name or id");
}

static void ask_newcomer_groups(struct asking *asking, const char *name)
{
	struct groups groups = { .name = name, .judge = rules_gid_of_newcomer, .most = UINT32_MAX };
	int r;

	begin(asking);
	r = b2b_cache_newcomer_groups(asking->cache, name, add, &groups);
	end(asking, r);
	rules_code(r, false);
	if (groups.n != (r == 0 ? 2 : 0))
		errx(1, "a newcomer in %u groups", groups.n);
}

static void ask_newcomers(struct asking *asking)
{
	static const char *const people[] = { "newcomer@acme", "A.New-Comer@ACME", "n@emea.acme", "n@globex", "alice@acme", "members@acme", "n@nowhere" };
	static const uint32_t ids[] = { FIXTURE_LO(FIXTURE_ACME), FIXTURE_LO(FIXTURE_ACME) + 1, FIXTURE_LO(FIXTURE_ACME) + 150,
		FIXTURE_LO(FIXTURE_ACME) + FIXTURE_RANGE - 1, FIXTURE_LO(FIXTURE_EMEA) + 150, FIXTURE_LO(FIXTURE_GLOBEX) + 150, 0 };

	for (size_t i = 0; i < COUNT(people); i++) {
		for (size_t k = 0; k < COUNT(ids); k++)
			ask_newcomer(asking, &(struct key){ .name = joined(asking, people[i]), .id = ids[k], .newcomer = true });
		ask_newcomer_groups(asking, joined(asking, people[i]));
	}
}

void questions_ask(struct asking *asking, unsigned rounds)
{
	if (rounds & QUESTIONS_PEOPLE)
		ask_people(asking);
	if (rounds & QUESTIONS_NAMES)
		ask_names(asking);
	if (rounds & QUESTIONS_IDS)
		ask_ids(asking);
	if (rounds & QUESTIONS_LISTS)
		ask_all(asking);
	if (rounds & QUESTIONS_NEWCOMERS)
		ask_newcomers(asking);
}
