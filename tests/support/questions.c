#include "tests/support/questions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/fixture.h"

/* Reports the line of the question that was answered wrong. */
#define ASK(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			wrong = 1; \
		} \
	} while (0)

static const struct person {
	const char *name, *gecos, *shell, *groups;
	uint32_t uid;
} people[] = {
	{ "alice@acme", "Alice Example", "/bin/bash", "2013265920 2013266020 2013266021 2013265904 5000 5001 5002 ", FIXTURE_LO(FIXTURE_ACME) + 1 },
	{ "carol@acme", "Carol", "/bin/bash", "2013265920 2013266020 2013265904 ", FIXTURE_LO(FIXTURE_ACME) + 2 },
	{ "dave@acme", "", "/usr/sbin/nologin", "", FIXTURE_LO(FIXTURE_ACME) + 3 },
	{ "heidi@apac.acme", "Heidi", "/bin/bash", "2013331456 2013265904 ", FIXTURE_LO(FIXTURE_APAC) + 1 },
	{ "bob@emea.acme", "Bob \xc3\x84rmel", "/bin/bash", "2013396992 2013265904 ", FIXTURE_LO(FIXTURE_EMEA) + 1 },
	{ "erin@globex", "Erin", "/bin/bash", "2013462528 2013462628 2013265904 5000 5001 ", FIXTURE_LO(FIXTURE_GLOBEX) + 1 },
	{ "grace@globex", "Grace", "/bin/bash", "2013462528 2013265904 ", FIXTURE_LO(FIXTURE_GLOBEX) + 2 },
};

static const struct team {
	const char *name, *members;
	uint32_t gid;
} teams[] = {
	{ "dba@acme", "alice@acme carol@acme ", FIXTURE_LO(FIXTURE_ACME) + 100 },
	{ "web@acme", "alice@acme ", FIXTURE_LO(FIXTURE_ACME) + 101 },
	{ "ops@globex", "erin@globex ", FIXTURE_LO(FIXTURE_GLOBEX) + 100 },
	{ "members@acme", "alice@acme carol@acme ", FIXTURE_LO(FIXTURE_ACME) },
	{ "members@emea.acme", "bob@emea.acme ", FIXTURE_LO(FIXTURE_EMEA) },
	{ "alice@acme", "", FIXTURE_LO(FIXTURE_ACME) + 1 },
	{ "partners", "", B2B_PARTNERS_GID },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct gids {
	char text[256];
	size_t len;
};

static int add_gid(void *arg, uint32_t gid)
{
	struct gids *gids = arg;

	gids->len += (size_t)snprintf(gids->text + gids->len, sizeof(gids->text) - gids->len, "%u ", gid);
	return 0;
}

/* Whatever order they come in. */
static bool same_gids(const struct gids *gids, const char *expected)
{
	char one[16];

	for (const char *at = expected; *at; at = strchr(at, ' ') + 1) {
		snprintf(one, sizeof(one), "%.*s", (int)(strchr(at, ' ') - at + 1), at);
		if (!strstr(gids->text, one))
			return false;
	}
	return gids->len == strlen(expected);
}

static int ask_person(struct b2b_cache *cache, const struct person *person)
{
	struct gids gids = { .len = 0 };
	struct passwd pw;
	char buf[512];
	int wrong = 0;

	ASK(b2b_cache_getpwnam(cache, person->name, &pw, buf, sizeof(buf)) == 0 && pw.pw_uid == person->uid && pw.pw_gid == person->uid &&
	    strcmp(pw.pw_gecos, person->gecos) == 0 && strcmp(pw.pw_shell, person->shell) == 0);
	ASK(b2b_cache_getpwuid(cache, person->uid, &pw, buf, sizeof(buf)) == 0 && strcmp(pw.pw_name, person->name) == 0 &&
	    strncmp(pw.pw_dir, "/home/", 6) == 0);
	ASK(b2b_cache_initgroups(cache, person->name, add_gid, &gids) == 0 && same_gids(&gids, person->groups));
	return wrong;
}

static int ask_team(struct b2b_cache *cache, const struct team *team)
{
	char buf[512], members[256] = "";
	struct group gr;
	int wrong = 0;
	size_t at = 0;

	ASK(b2b_cache_getgrnam(cache, team->name, &gr, buf, sizeof(buf)) == 0 && gr.gr_gid == team->gid);
	for (char **member = wrong ? NULL : gr.gr_mem; member && *member; member++)
		at += (size_t)snprintf(members + at, sizeof(members) - at, "%s ", *member);
	ASK(strcmp(members, team->members) == 0);
	ASK(b2b_cache_getgrgid(cache, team->gid, &gr, buf, sizeof(buf)) == 0 && strcmp(gr.gr_name, team->name) == 0);
	return wrong;
}

static int ask_absent(struct b2b_cache *cache, bool alive)
{
	struct passwd pw;
	char buf[512];
	int wrong = 0;

	ASK(b2b_cache_getpwnam(cache, "nobody@acme", &pw, buf, sizeof(buf)) == (alive ? -ESRCH : -ENOENT));
	ASK(b2b_cache_getpwnam(cache, "alice@nowhere", &pw, buf, sizeof(buf)) == -ENOENT);
	ASK(b2b_cache_getpwnam(cache, "root", &pw, buf, sizeof(buf)) == -ENOENT);
	ASK(b2b_cache_getpwuid(cache, FIXTURE_LO(FIXTURE_ACME) + 50, &pw, buf, sizeof(buf)) == -ENOENT);
	ASK(b2b_cache_ours(cache, "nobody@acme") == 1 && b2b_cache_ours(cache, "root") == 0);
	return wrong;
}

static int ask_standing(struct b2b_cache *cache, bool alive)
{
	struct b2b_standing standing;
	int wrong = 0;

	ASK(b2b_cache_standing(cache, "alice@acme", "sudo", &standing) == 0 && standing.user_open && standing.org_open && standing.service_granted &&
	    standing.agent_alive == alive && standing.lease_valid == alive && strcmp(standing.org_id, "42c3e9") == 0);
	ASK(b2b_cache_standing(cache, "dave@acme", "sshd", &standing) == 0 && !standing.user_open && standing.org_open && standing.word >> 4 == 1);
	ASK(b2b_cache_standing(cache, "erin@globex", "sudo", &standing) == 0 && standing.user_open && !standing.service_granted);
	return wrong;
}

int questions_right(struct b2b_cache *cache, bool alive)
{
	int wrong = 0;

	for (size_t i = 0; i < COUNT(people); i++)
		wrong |= ask_person(cache, &people[i]);
	for (size_t i = 0; i < COUNT(teams); i++)
		wrong |= ask_team(cache, &teams[i]);
	return wrong | ask_absent(cache, alive) | ask_standing(cache, alive);
}

int questions_refused(struct b2b_cache *cache, bool all)
{
	struct b2b_standing standing;
	struct gids gids = { .len = 0 };
	struct passwd pw;
	char buf[512];
	int wrong = 0;

	ASK(b2b_cache_getpwnam(cache, "alice@acme", &pw, buf, sizeof(buf)) == -ENODATA);
	ASK(b2b_cache_getpwuid(cache, FIXTURE_LO(FIXTURE_ACME) + 1, &pw, buf, sizeof(buf)) == -ENODATA);
	ASK(b2b_cache_initgroups(cache, "alice@acme", add_gid, &gids) == -ENODATA && gids.len == 0);
	ASK(b2b_cache_standing(cache, "alice@acme", "sshd", &standing) == -ENODATA);
	ASK(b2b_cache_getpwnam(cache, "erin@globex", &pw, buf, sizeof(buf)) == (all ? -ENODATA : 0));
	ASK(b2b_cache_ours(cache, "alice@acme") == 1 && b2b_cache_ours(cache, "root") == 0);
	ASK(b2b_cache_getpwnam(cache, "root", &pw, buf, sizeof(buf)) == -ENOENT);
	return wrong;
}
