/*
 * Every entry point of libnss_b2b.so.2 that answers: at every size and alignment of the buffer, with errno and *errnop as
 * glibc wants them, and in enumerations that are shared, forked and set back.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/index.h"
#include "tests/support/fixture.h"
#include "tests/support/machine.h"
#include "tests/support/nss_module.h"
#include "tests/support/scratch.h"

#define CACHE "/var/lib/b2b/cache"
#define ACME FIXTURE_LO(FIXTURE_ACME)
#define BIG 4096
#define GUARD 16
#define PATTERN 0xa5
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct nss_module nss;
static struct fixture fixture;

enum map { OF_PASSWD, OF_GROUP, OF_SHADOW };

/* One question: by name where there is one, else by id, else the next of the enumeration. */
struct question {
	enum map map;
	const char *name;
	uint32_t id;
};

union answer {
	struct passwd pw;
	struct group gr;
	struct spwd sp;
};

static const struct question questions[] = {
	{ OF_PASSWD, "alice@acme", 0 },   { OF_PASSWD, NULL, FIXTURE_LO(FIXTURE_GLOBEX) + 1 },
	{ OF_GROUP, "dba@acme", 0 },      { OF_GROUP, NULL, ACME + 101 },
	{ OF_GROUP, "members@acme", 0 },  { OF_GROUP, NULL, ACME },
	{ OF_GROUP, "partners", 0 },      { OF_GROUP, NULL, B2B_PARTNERS_GID },
	{ OF_GROUP, "alice@acme", 0 },    { OF_GROUP, NULL, ACME + 1 },
	{ OF_SHADOW, "bob@emea.acme", 0 },
};

static const struct question next[] = { { OF_PASSWD, NULL, 0 }, { OF_GROUP, NULL, 0 }, { OF_SHADOW, NULL, 0 } };
static const int entries[] = { 7, 15, 7 };

static enum nss_status ask(const struct question *q, union answer *answer, char *buf, size_t len, int *errnop)
{
	switch (q->map) {
	case OF_PASSWD:
		return q->name ? nss.getpwnam_r(q->name, &answer->pw, buf, len, errnop) :
		       q->id   ? nss.getpwuid_r(q->id, &answer->pw, buf, len, errnop) : nss.getpwent_r(&answer->pw, buf, len, errnop);
	case OF_GROUP:
		return q->name ? nss.getgrnam_r(q->name, &answer->gr, buf, len, errnop) :
		       q->id   ? nss.getgrgid_r(q->id, &answer->gr, buf, len, errnop) : nss.getgrent_r(&answer->gr, buf, len, errnop);
	default:
		return q->name ? nss.getspnam_r(q->name, &answer->sp, buf, len, errnop) : nss.getspent_r(&answer->sp, buf, len, errnop);
	}
}

static void set_back(enum map map)
{
	(map == OF_PASSWD ? nss.setpwent : map == OF_GROUP ? nss.setgrent : nss.setspent)(0);
}

/* All that an answer says, as one text. */
static void describe(enum map map, const union answer *answer, char text[BIG])
{
	size_t len;

	if (map == OF_PASSWD) {
		const struct passwd *pw = &answer->pw;

		snprintf(text, BIG, "%s:%s:%u:%u:%s:%s:%s", pw->pw_name, pw->pw_passwd, pw->pw_uid, pw->pw_gid, pw->pw_gecos, pw->pw_dir, pw->pw_shell);
	} else if (map == OF_SHADOW) {
		const struct spwd *sp = &answer->sp;

		snprintf(text, BIG, "%s:%s:%ld:%ld:%ld:%ld:%ld:%ld:%lx", sp->sp_namp, sp->sp_pwdp, sp->sp_lstchg, sp->sp_min, sp->sp_max, sp->sp_warn,
		         sp->sp_inact, sp->sp_expire, sp->sp_flag);
	} else {
		len = (size_t)snprintf(text, BIG, "%s:%s:%u:", answer->gr.gr_name, answer->gr.gr_passwd, answer->gr.gr_gid);
		for (char **member = answer->gr.gr_mem; *member; member++)
			len += (size_t)snprintf(text + len, BIG - len, "%s,", *member);
	}
}

static bool all(const char *from, const char *to, unsigned char value)
{
	while (from < to)
		if ((unsigned char)*from++ != value)
			return false;
	return true;
}

/* One call with LEN bytes at SHIFT behind an aligned address: everything around the buffer must stay as it was. */
static int one_size(const struct question *q, size_t len, size_t shift, const char *expected, enum nss_status *ret_status)
{
	_Alignas(16) char arena[GUARD + 8 + BIG + GUARD], *buf = arena + GUARD + shift, text[BIG];
	union answer answer, before;
	int reason = 0;

	memset(arena, PATTERN, sizeof(arena));
	memset(&before, 0x5a, sizeof(before));
	answer = before;
	errno = ECHILD;
	*ret_status = ask(q, &answer, buf, len, &reason);
	CHECK(errno == ECHILD);
	CHECK(all(arena, buf, PATTERN) && all(buf + len, arena + sizeof(arena), PATTERN));
	if (*ret_status == NSS_STATUS_TRYAGAIN) {
		CHECK(reason == ERANGE && memcmp(&answer, &before, sizeof(answer)) == 0);
		/* as glibc calls it */
		CHECK(ask(q, &answer, buf, len, &errno) == NSS_STATUS_TRYAGAIN && errno == ERANGE);
		return 0;
	}
	CHECK(*ret_status == NSS_STATUS_SUCCESS && reason == 0);
	describe(q->map, &answer, text);
	CHECK(strcmp(text, expected) == 0);
	CHECK(q->map != OF_GROUP || (uintptr_t)answer.gr.gr_mem % _Alignof(char *) == 0);
	return 0;
}

/* From 0 up to the first size that fits, which is put into *RET_LEN. */
static int sizes(const struct question *q, size_t shift, const char *expected, size_t *ret_len)
{
	enum nss_status status = NSS_STATUS_TRYAGAIN;
	size_t len = 0;

	while (status == NSS_STATUS_TRYAGAIN) {
		CHECK(len <= BIG && one_size(q, len, shift, expected, &status) == 0);
		len++;
	}
	*ret_len = len - 1;
	return 0;
}

static int look_up_sizes(const struct question *q)
{
	char buf[BIG], expected[BIG];
	size_t least = 0, len;
	enum nss_status status;
	union answer answer;
	int reason;

	CHECK(ask(q, &answer, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS);
	describe(q->map, &answer, expected);
	for (size_t shift = 0; shift < 8; shift++) {
		CHECK(sizes(q, shift, expected, &len) == 0);
		CHECK(one_size(q, len + 1, shift, expected, &status) == 0 && status == NSS_STATUS_SUCCESS);
		/* alignment costs less than a pointer */
		CHECK(shift == 0 || (len < least + sizeof(char *) && least < len + sizeof(char *)));
		least = shift == 0 ? len : least;
	}
	return 0;
}

static int look_up_sizes_body(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < COUNT(questions); i++)
		CHECK(look_up_sizes(&questions[i]) == 0);
	return 0;
}

static void every_buffer_size_is_tryagain_or_right(void **state)
{
	(void)state;
	assert_int_equal(machine_child(look_up_sizes_body, NULL), 0);
}

/* The whole of a map into LINES, by a buffer that is always large enough. Returns how many there were. */
static int enumerate(const struct question *q, char lines[][BIG], int room)
{
	char buf[BIG];
	union answer answer;
	int reason, n = 0;

	set_back(q->map);
	while (n < room && ask(q, &answer, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS)
		describe(q->map, &answer, lines[n++]);
	return n;
}

static int enumeration_sizes(const struct question *q, int n)
{
	static char lines[16][BIG];
	char buf[BIG];
	union answer answer;
	size_t len;

	CHECK(enumerate(q, lines, 16) == n);
	for (size_t shift = 0; shift < 8; shift++) {
		set_back(q->map);
		for (int i = 0; i < n; i++)
			CHECK(sizes(q, shift, lines[i], &len) == 0);
		errno = ECHILD;
		CHECK(ask(q, &answer, buf, sizeof(buf), &errno) == NSS_STATUS_NOTFOUND && errno == ENOENT);
	}
	return 0;
}

static int enumeration_sizes_body(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < COUNT(next); i++)
		CHECK(enumeration_sizes(&next[i], entries[i]) == 0);
	return 0;
}

static void a_short_buffer_gets_the_same_entry_again(void **state)
{
	(void)state;
	assert_int_equal(machine_child(enumeration_sizes_body, NULL), 0);
}

/* initgroups has no buffer: its array grows from any size, and errno stays. */
static int array_sizes_body(void *arg)
{
	(void)arg;
	for (long room = 0; room < 12; room++) {
		gid_t *groups = malloc((size_t)(room ? room : 1) * sizeof(*groups));
		long start = 0, size = room;
		int reason = 0;

		errno = ECHILD;
		CHECK(nss.initgroups_dyn("alice@acme", ACME + 1, &start, &size, &groups, 0, &reason) == NSS_STATUS_SUCCESS);
		CHECK(start == 7 && size >= 7 && errno == ECHILD && reason == 0 && groups[0] == ACME);
		CHECK(nss.initgroups_dyn("nobody@nowhere", 0, &start, &size, &groups, 0, &errno) == NSS_STATUS_NOTFOUND && errno == ENOENT && start == 7);
		free(groups);
	}
	return 0;
}

static void initgroups_grows_an_array_of_any_size(void **state)
{
	(void)state;
	assert_int_equal(machine_child(array_sizes_body, NULL), 0);
}

/* What is absent and what is unavailable: status, errno through a pointer of its own and through errno itself. */
static int failing(enum nss_status expected)
{
	static const struct question ours[] = { { OF_PASSWD, "zoe@acme", 0 }, { OF_PASSWD, NULL, ACME + 77 }, { OF_GROUP, "zoe@acme", 0 },
		{ OF_GROUP, NULL, ACME + 77 }, { OF_SHADOW, "zoe@acme", 0 }, { OF_PASSWD, NULL, 0 }, { OF_GROUP, NULL, 0 }, { OF_SHADOW, NULL, 0 } };
	union answer answer, before;
	char buf[BIG];

	memset(&before, 0x5a, sizeof(before));
	for (size_t i = 0; i < COUNT(ours); i++) {
		int reason = 0;

		answer = before;
		errno = ECHILD;
		CHECK(ask(&ours[i], &answer, buf, sizeof(buf), &reason) == expected && reason == ENOENT && errno == ECHILD);
		CHECK(ask(&ours[i], &answer, buf, sizeof(buf), &errno) == expected && errno == ENOENT);
		CHECK(memcmp(&answer, &before, sizeof(answer)) == 0);
	}
	return 0;
}

static int absent_body(void *arg)
{
	(void)arg;
	fixture.policy->enumerate = false;
	CHECK(b2b_index_write(CACHE, fixture.policy) == 0);
	return failing(NSS_STATUS_NOTFOUND);
}

static int unavailable_body(void *arg)
{
	(void)arg;
	CHECK(rename(CACHE "/index", CACHE "/gone") == 0);
	return failing(NSS_STATUS_UNAVAIL);
}

static void what_is_absent_and_what_is_unavailable_say_so(void **state)
{
	(void)state;
	assert_int_equal(machine_child(absent_body, NULL), 0);
	assert_int_equal(machine_child(unavailable_body, NULL), 0);
}

/* Interleaved, set back in the middle, ended by another: each map has a place of its own. */
static int together_body(void *arg)
{
	char buf[BIG], first[BIG], text[BIG];
	union answer answer;
	int reason, n[3] = { 0, 0, 0 };
	bool more = true;

	(void)arg;
	while (more) {
		more = false;
		for (size_t map = 0; map < 3; map++)
			if (ask(&next[map], &answer, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS) {
				n[map]++;
				more = true;
			}
	}
	CHECK(n[OF_PASSWD] == entries[OF_PASSWD] && n[OF_GROUP] == entries[OF_GROUP] && n[OF_SHADOW] == entries[OF_SHADOW]);
	nss.endpwent();
	CHECK(ask(&next[OF_PASSWD], &answer, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS);
	describe(OF_PASSWD, &answer, first);
	CHECK(ask(&next[OF_GROUP], &answer, buf, sizeof(buf), &reason) == NSS_STATUS_NOTFOUND);
	CHECK(ask(&next[OF_PASSWD], &answer, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS);
	nss.setpwent(1);
	CHECK(ask(&next[OF_PASSWD], &answer, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS);
	describe(OF_PASSWD, &answer, text);
	CHECK(strcmp(text, first) == 0);
	nss.endspent();
	CHECK(ask(&next[OF_SHADOW], &answer, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS);
	return 0;
}

static void maps_are_enumerated_side_by_side(void **state)
{
	(void)state;
	assert_int_equal(machine_child(together_body, NULL), 0);
}

/* Threads share one enumeration: each entry goes to exactly one of them. */
static _Atomic int taken[FIXTURE_ORGS][8];

static void *take(void *arg)
{
	char buf[BIG];
	union answer answer;
	int reason;

	while (nss.getpwent_r(&answer.pw, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS)
		taken[(answer.pw.pw_uid - B2B_RANGE_FIRST) >> 16][answer.pw.pw_uid & 7]++;
	return arg;
}

static int shared_body(void *arg)
{
	pthread_t threads[4];
	int n = 0;

	(void)arg;
	for (int round = 0; round < 200; round++) {
		set_back(OF_PASSWD);
		for (size_t i = 0; i < COUNT(threads); i++)
			CHECK(pthread_create(&threads[i], NULL, take, NULL) == 0);
		for (size_t i = 0; i < COUNT(threads); i++)
			CHECK(pthread_join(threads[i], NULL) == 0);
	}
	for (int org = 0; org < FIXTURE_ORGS; org++)
		for (int i = 0; i < 8; i++) {
			CHECK(taken[org][i] == 0 || taken[org][i] == 200);
			n += taken[org][i] != 0;
		}
	CHECK(n == entries[OF_PASSWD]);
	return 0;
}

static void threads_that_share_an_enumeration_share_its_entries(void **state)
{
	(void)state;
	assert_int_equal(machine_child(shared_body, NULL), 0);
}

static void *set_back_again_and_again(void *arg)
{
	while (*(_Atomic bool *)arg) {
		nss.setpwent(0);
		nss.endpwent();
	}
	return NULL;
}

/* What others set back may come again or be over, and is whole. */
static int set_back_body(void *arg)
{
	static char lines[16][BIG];
	_Atomic bool going = true;
	int reason, found = 0;
	pthread_t thread;

	(void)arg;
	CHECK(enumerate(&next[OF_PASSWD], lines, 16) == entries[OF_PASSWD]);
	CHECK(pthread_create(&thread, NULL, set_back_again_and_again, &going) == 0);
	for (int i = 0; i < 20000 || found < 100; i++) { /* the other thread may begin late */
		char buf[BIG], text[BIG];
		union answer answer;
		enum nss_status status = ask(&next[OF_PASSWD], &answer, buf, sizeof(buf), &reason);
		int line = 0;

		CHECK(status == NSS_STATUS_SUCCESS || (status == NSS_STATUS_NOTFOUND && reason == ENOENT));
		if (status != NSS_STATUS_SUCCESS)
			continue;
		describe(OF_PASSWD, &answer, text);
		while (line < entries[OF_PASSWD] && strcmp(text, lines[line]) != 0)
			line++;
		CHECK(line < entries[OF_PASSWD]);
		found++;
	}
	going = false;
	CHECK(pthread_join(thread, NULL) == 0 && found > 0);
	return 0;
}

static void an_enumeration_that_others_set_back_stays_whole(void **state)
{
	(void)state;
	assert_int_equal(machine_child(set_back_body, NULL), 0);
}

/* The child goes on where the parent stood; neither moves the other. */
static int forked_body(void *arg)
{
	static char lines[16][BIG];
	char buf[BIG], text[BIG];
	union answer answer;
	int reason, status;
	pid_t child;

	(void)arg;
	CHECK(enumerate(&next[OF_PASSWD], lines, 16) == entries[OF_PASSWD]);
	set_back(OF_PASSWD);
	for (int i = 0; i < 3; i++)
		CHECK(ask(&next[OF_PASSWD], &answer, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS);
	child = fork();
	for (int i = 3; i < entries[OF_PASSWD]; i++) {
		CHECK(ask(&next[OF_PASSWD], &answer, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS);
		describe(OF_PASSWD, &answer, text);
		CHECK(strcmp(text, lines[i]) == 0);
	}
	if (child == 0)
		return 0;
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	return 0;
}

static void a_fork_takes_the_place_of_an_enumeration_along(void **state)
{
	(void)state;
	assert_int_equal(machine_child(forked_body, NULL), 0);
}

static int start(void **state)
{
	(void)state;
	fixture_start(&fixture, CACHE);
	fixture.policy->enumerate = true;
	assert_int_equal(b2b_index_write(CACHE, fixture.policy), 0);
	/* No agent: absent names are no question. */
	for (int org = 0; org < FIXTURE_ORGS; org++)
		b2b_live_beat(fixture.lives[org], 0);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fixture_stop(&fixture);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_buffer_size_is_tryagain_or_right, start, stop),
		cmocka_unit_test_setup_teardown(a_short_buffer_gets_the_same_entry_again, start, stop),
		cmocka_unit_test_setup_teardown(initgroups_grows_an_array_of_any_size, start, stop),
		cmocka_unit_test_setup_teardown(what_is_absent_and_what_is_unavailable_say_so, start, stop),
		cmocka_unit_test_setup_teardown(maps_are_enumerated_side_by_side, start, stop),
		cmocka_unit_test_setup_teardown(threads_that_share_an_enumeration_share_its_entries, start, stop),
		cmocka_unit_test_setup_teardown(an_enumeration_that_others_set_back_stays_whole, start, stop),
		cmocka_unit_test_setup_teardown(a_fork_takes_the_place_of_an_enumeration_along, start, stop),
	};

	machine_private();
	nss_module_load(&nss);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
