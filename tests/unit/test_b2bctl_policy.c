/* b2bctl policy and org: what is applied, what is refused, and that numbers which were given out stay where they are. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "b2bctl/ctl.h"
#include "common/cache_format.h"
#include "common/index.h"
#include "common/live.h"

#define SERVICE_PART "[federation]\nissuer = https://login.example.com\nclient_id = web7\nclient_key = /k\n"
#define ACME "[organisation acme]\nid = 42c3e9\nrange = 0x78000000-0x7800ffff\n"

/* A folder of its own: configuration and cache in it. */
struct place {
	char dir[32], conf[64], cache[64];
	char *out, *err; /* of the last verb */
};

static int make_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	snprintf(place->dir, sizeof(place->dir), "/tmp/test_b2bctl.XXXXXX");
	if (!mkdtemp(place->dir))
		return -1;
	snprintf(place->conf, sizeof(place->conf), "%s/b2b.conf", place->dir);
	snprintf(place->cache, sizeof(place->cache), "%s/cache", place->dir);
	*state = place;
	return 0;
}

static void forget(struct place *place)
{
	free(place->out);
	free(place->err);
	place->out = place->err = NULL;
}

static void remove_in(const char *dir, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (remove(path) < 0)
		assert_int_equal(errno, ENOENT);
}

static int remove_place(void **state)
{
	static const char *const names[] = { "index", "live/42c3e9", "live/9d01f2", "live" };
	struct place *place = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		remove_in(place->cache, names[i]);
	remove_in(place->dir, "cache");
	remove_in(place->dir, "b2b.conf");
	remove_in(place->dir, "idmap");
	assert_int_equal(rmdir(place->dir), 0); /* nothing else was left behind */
	forget(place);
	free(place);
	return 0;
}

static void write_conf(const struct place *place, const char *rest)
{
	FILE *file = fopen(place->conf, "w");

	assert_non_null(file);
	fprintf(file, SERVICE_PART "%s", rest);
	fclose(file);
	chmod(place->conf, 0640);
}

static int run(struct place *place, int (*verb)(struct b2b_ctl *ctl), const char *alias, const char *id, bool write)
{
	struct b2b_ctl ctl = { .conf_path = place->conf, .cache_dir = place->cache, .operand = alias, .id = id, .write = write };
	size_t out_len, err_len;
	int code;

	forget(place);
	ctl.out = open_memstream(&place->out, &out_len);
	ctl.err = open_memstream(&place->err, &err_len);
	code = verb(&ctl);
	fclose(ctl.out);
	fclose(ctl.err);
	return code;
}

static void apply(struct place *place, const char *rest, int expected)
{
	int code;

	write_conf(place, rest);
	code = run(place, b2b_ctl_policy_apply, NULL, NULL, false);
	if (code != expected)
		fail_msg("exit code %d: %s%s", code, place->out, place->err);
}

static struct b2b_policy *index_of(const struct place *place)
{
	struct b2b_policy *policy = NULL;

	assert_int_equal(b2b_index_read(place->cache, &policy), 0);
	return policy;
}

static void assert_has(const char *text, const char *needle)
{
	if (!strstr(text, needle))
		fail_msg("\nexpected \"%s\" in\n%s", needle, text);
}

static void applies_and_says_what_changed(void **state)
{
	struct place *place = *state;
	struct b2b_policy *policy;
	uint64_t generation;

	apply(place, ACME "services = sshd\nroles = dba\n[role dba]\nlocal_groups = tape\n", B2B_CTL_OK);
	assert_has(place->out, "+ role dba: local_groups tape\n");
	assert_has(place->out, "+ organisation acme (42c3e9): ids 0x78000000-0x7800ffff, parent none, services sshd, roles dba\n");
	assert_string_equal(place->err, "");
	policy = index_of(place);
	generation = policy->generation;
	assert_int_equal(policy->n_orgs, 1);
	assert_int_equal(policy->orgs[0].roles, 1);
	assert_int_equal(policy->roles[0].n_gids, 1);
	b2b_policy_free(policy);

	apply(place, ACME "services = sshd\nroles = dba\n[role dba]\nlocal_groups = tape\n", B2B_CTL_OK);
	assert_string_equal(place->out, "Nothing has changed.\n");

	apply(place, "[host]\nvisibility = strict\n" ACME "services = sshd sudo\nsession = 8h\n[role dba]\n[service sudo]\nmax_age = 15m\n", B2B_CTL_OK);
	assert_has(place->out, "~ host: visibility organisation -> strict\n");
	assert_has(place->out, "~ role dba: local_groups tape -> none\n");
	assert_has(place->out, "~ service sudo: ciba device, assurance 0, max_age 0s, staleness 120s -> ciba device, assurance 0, max_age 900s, staleness 120s\n");
	assert_has(place->out, "~ organisation acme: services sshd -> sshd sudo\n");
	assert_has(place->out, "~ organisation acme: roles dba -> none\n");
	assert_has(place->out, "~ organisation acme: session 0 -> 28800\n");
	policy = index_of(place);
	assert_int_equal(policy->generation, generation + 1);
	b2b_policy_free(policy);
}

static void a_wrong_configuration_changes_nothing(void **state)
{
	struct place *place = *state;
	struct b2b_policy *policy;

	apply(place, ACME "services = sshd\n", B2B_CTL_OK);
	apply(place, ACME "services = sshd sudo\ncolour = red\n", B2B_CTL_CONF);
	assert_has(place->err, "b2b.conf:9: [organisation acme]: found key \"colour\"; expected one of id, range,");
	apply(place, ACME "services = sshd sudo\nroles = none-such\n", B2B_CTL_CONF);
	policy = index_of(place);
	assert_int_equal(policy->orgs[0].services, 1ull << b2b_policy_service(policy, "sshd"));
	b2b_policy_free(policy);
	chmod(place->conf, 0666);
	assert_int_equal(run(place, b2b_ctl_policy_apply, NULL, NULL, false), B2B_CTL_CONF);
	assert_has(place->err, "writable by root alone");
}

static void checking_writes_nothing(void **state)
{
	struct place *place = *state;

	write_conf(place, ACME "services = sshd\n");
	assert_int_equal(run(place, b2b_ctl_policy_check, NULL, NULL, false), B2B_CTL_OK);
	assert_has(place->out, "+ organisation acme");
	assert_has(place->out, "policy apply would change the above");
	assert_int_equal(access(place->cache, F_OK), -1);
	apply(place, ACME "services = sshd\n", B2B_CTL_OK);
	assert_int_equal(run(place, b2b_ctl_policy_check, NULL, NULL, false), B2B_CTL_OK);
	assert_string_equal(place->out, "The configuration is right, and in force.\n");
}

static void ids_stay_where_they_are(void **state)
{
	struct place *place = *state;
	struct b2b_policy *policy;
	struct b2b_live *live;

	apply(place, ACME "services = sshd\n", B2B_CTL_OK);
	apply(place, "[organisation acme]\nid = 42c3e9\nrange = 0x78000000-0x7801ffff\nservices = sshd\n", B2B_CTL_FAILED);
	assert_has(place->err, "organisation acme has 0x78000000-0x7800ffff and cannot change to 0x78000000-0x7801ffff");
	apply(place, "[organisation new]\nid = 42c3e9\nrange = 0x78000000-0x7800ffff\nservices = sshd\n", B2B_CTL_OK);
	assert_has(place->out, "~ organisation new: alias acme -> new\n");

	/* What b2bd makes at its start. */
	policy = index_of(place);
	assert_int_equal(b2b_live_create(place->cache, policy, 0, &live), 0);
	b2b_live_unmap(live);
	b2b_policy_free(policy);

	/* Its section goes, and with it what the index knew; its ids stay its own. */
	apply(place, "", B2B_CTL_OK);
	assert_has(place->out, "- organisation new (42c3e9)");
	apply(place, "[organisation globex]\nid = 9d01f2\nrange = 0x7800ff00-0x7801ffff\nservices = sshd\n", B2B_CTL_FAILED);
	assert_has(place->err, "ids of it were given to organisation 42c3e9");
	apply(place, "[organisation acme]\nid = 42c3e9\nrange = 0x78010000-0x7801ffff\nservices = sshd\n", B2B_CTL_FAILED);
	apply(place, "[organisation globex]\nid = 9d01f2\nrange = 0x78010000-0x7801ffff\nservices = sshd\n", B2B_CTL_OK);
	assert_int_equal(run(place, b2b_ctl_org_add, "acme", "42c3e9", false), B2B_CTL_OK);
	assert_has(place->out, "range    = 0x78000000-0x7800ffff\n");
	assert_int_equal(run(place, b2b_ctl_org_add, "initech", "c0ffee", false), B2B_CTL_OK);
	assert_has(place->out, "range    = 0x78020000-0x7802ffff\n");
}

static void roles_keep_their_numbers(void **state)
{
	struct place *place = *state;
	struct b2b_policy *policy;
	int web;

	apply(place, ACME "services = sshd\nroles = operator dba\n[role operator]\nlocal_groups = tape\n[role dba]\n", B2B_CTL_OK);
	apply(place, ACME "services = sshd\nroles = web dba\n[role web]\n[role dba]\n", B2B_CTL_OK);
	policy = index_of(place);
	assert_int_equal(b2b_policy_role(policy, "operator"), 0);
	assert_int_equal(policy->roles[0].n_gids, 0);
	assert_int_equal(b2b_policy_role(policy, "dba"), 1);
	web = b2b_policy_role(policy, "web");
	assert_int_equal(web, 2);
	assert_int_equal(policy->orgs[0].roles, 1ull << 1 | 1ull << 2);
	b2b_policy_free(policy);
}

static void warns_of_what_equals_root(void **state)
{
	struct place *place = *state;

	write_conf(place, ACME "services = sshd\nroles = a\n[organisation globex]\nid = 9d01f2\nrange = 0x78010000-0x7801ffff\n"
	                       "[role a]\nlocal_groups = disk tape\n[role b]\nlocal_groups = shadow\n[service sshd]\nmethods = token\n"
	                       "[service sudo]\nkey_suffices = yes\n");
	assert_int_equal(run(place, b2b_ctl_policy_check, NULL, NULL, false), B2B_CTL_OK);
	assert_has(place->err, "warning: role a gives acme's people group disk, which can become root");
	assert_has(place->err, "warning: service sshd has no method device");
	assert_has(place->err, "warning: service sudo needs no log-in");
	assert_has(place->err, "warning: organisation globex may use no service");
	assert_null(strstr(place->err, "tape"));
	assert_null(strstr(place->err, "shadow")); /* granted to nobody */
}

static void warns_of_keys_that_nobody_can_have(void **state)
{
	struct place *place = *state;

	write_conf(place, "directory = token\nname_claim = login\n" ACME "services = sshd\n[service sshd]\nkey_suffices = yes\n");
	assert_int_equal(run(place, b2b_ctl_policy_check, NULL, NULL, false), B2B_CTL_OK);
	assert_has(place->err, "warning: service sshd lets nobody in by a key alone (key_suffices)");
	write_conf(place, ACME "services = sshd\n[service sshd]\nkey_suffices = yes\n");
	assert_int_equal(run(place, b2b_ctl_policy_check, NULL, NULL, false), B2B_CTL_OK);
	assert_null(strstr(place->err, "key_suffices"));
}

static void proposes_and_appends_a_free_range(void **state)
{
	struct place *place = *state;
	struct stat st;

	apply(place, ACME "services = sshd\n", B2B_CTL_OK);
	assert_int_equal(run(place, b2b_ctl_org_add, "globex", "9d01f2", false), B2B_CTL_OK);
	assert_string_equal(place->out, "[organisation globex]\nid       = 9d01f2\nrange    = 0x78010000-0x7801ffff\nservices = sshd\n");
	assert_int_equal(run(place, b2b_ctl_policy_check, NULL, NULL, false), B2B_CTL_OK);
	assert_string_equal(place->out, "The configuration is right, and in force.\n");
	assert_int_equal(run(place, b2b_ctl_org_add, "globex", "9d01f2", true), B2B_CTL_OK);
	assert_int_equal(stat(place->conf, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(run(place, b2b_ctl_policy_apply, NULL, NULL, false), B2B_CTL_OK);
	assert_has(place->out, "+ organisation globex (9d01f2): ids 0x78010000-0x7801ffff");
	assert_int_equal(run(place, b2b_ctl_org_add, "globex", "x", true), B2B_CTL_FAILED);
	assert_int_equal(run(place, b2b_ctl_org_add, "initech", "9d01f2", true), B2B_CTL_FAILED);
	assert_int_equal(run(place, b2b_ctl_org_add, "initech", "../x", true), B2B_CTL_USAGE);
	assert_int_equal(run(place, b2b_ctl_org_add, "Initech", "x", true), B2B_CTL_USAGE);
	assert_int_equal(run(place, b2b_ctl_org_add, "initech", NULL, true), B2B_CTL_USAGE);
}

/* A newer b2b was here, and is gone. */
static void makes_anew_what_a_newer_version_made(void **state)
{
	struct place *place = *state;
	char path[80];
	FILE *file;

	apply(place, ACME, B2B_CTL_OK);
	snprintf(path, sizeof(path), "%s/index", place->cache);
	file = fopen(path, "r+e");
	assert_non_null(file);
	assert_int_equal(fseek(file, offsetof(struct b2b_format_head, version), SEEK_SET), 0);
	assert_int_equal(fwrite((uint16_t[]){ B2B_FORMAT_VERSION + 1, B2B_FORMAT_VERSION + 1 }, 4, 1, file), 1);
	fclose(file);
	apply(place, ACME, B2B_CTL_OK);
	assert_has(place->err, "index was made by a newer b2b, which this one cannot read, and is made anew; restart b2bd");
	b2b_policy_free(index_of(place));
}

/* A table that only readers look at: the policy reads as it did, and is all the same not in force. */
static void makes_anew_what_only_readers_see_damaged(void **state)
{
	struct place *place = *state;
	struct b2b_format_index index;
	struct b2b_policy *policy;
	char path[80];
	FILE *file;

	apply(place, ACME, B2B_CTL_OK);
	snprintf(path, sizeof(path), "%s/index", place->cache);
	file = fopen(path, "r+e");
	assert_non_null(file);
	assert_int_equal(fread(&index, sizeof(index), 1, file), 1);
	assert_int_equal(fseek(file, (long)index.ranges_at, SEEK_SET), 0);
	assert_int_equal(fwrite("\0\0\0\0", 4, 1, file), 1);
	fclose(file);
	policy = index_of(place);
	assert_int_equal(b2b_index_intact(place->cache, policy), 0);
	b2b_policy_free(policy);
	apply(place, ACME, B2B_CTL_OK);
	assert_has(place->out, "Applied.");
	policy = index_of(place);
	assert_int_equal(b2b_index_intact(place->cache, policy), 1);
	b2b_policy_free(policy);
	apply(place, ACME, B2B_CTL_OK);
	assert_string_equal(place->out, "Nothing has changed.\n");
}

/* TEXT as the file of pinned ids that the configuration names. */
static void write_pins(const struct place *place, const char *text)
{
	char path[64], conf[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/idmap", place->dir);
	snprintf(conf, sizeof(conf), "[host]\nidmap = %s\n" ACME "services = sshd\n", path);
	write_conf(place, conf);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	chmod(path, 0640);
}

static void checks_pinned_ids(void **state)
{
	struct place *place = *state;
	char expected[128];

	write_pins(place, "42c3e9 user 0x78000001 u-1\n");
	assert_int_equal(run(place, b2b_ctl_policy_check, NULL, NULL, false), B2B_CTL_OK);
	assert_string_equal(place->err, "");
	assert_int_equal(run(place, b2b_ctl_policy_apply, NULL, NULL, false), B2B_CTL_OK);
	write_pins(place, "9d01f2 user 1 u-1\n42c3e9 user 0x78000001 u-1\n");
	assert_int_equal(run(place, b2b_ctl_policy_check, NULL, NULL, false), B2B_CTL_OK);
	snprintf(expected, sizeof(expected), "warning: %s/idmap:1: this organisation has no section here, so the line does not", place->dir);
	assert_has(place->err, expected);
	write_pins(place, "42c3e9 user 0x78000001 u-1\n42c3e9 user 0x78010001 u-2\n");
	assert_int_equal(run(place, b2b_ctl_policy_apply, NULL, NULL, false), B2B_CTL_CONF);
	snprintf(expected, sizeof(expected), "b2bctl: %s/idmap:2: found id 2013331457 (0x78010001); expected one of 0x78000001-0x7800ffff,", place->dir);
	assert_has(place->err, expected);
	remove_in(place->dir, "idmap");
	assert_int_equal(run(place, b2b_ctl_policy_check, NULL, NULL, false), B2B_CTL_CONF);
	assert_has(place->err, "idmap: No such file or directory");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(makes_anew_what_only_readers_see_damaged),
		TEST(makes_anew_what_a_newer_version_made),
		TEST(applies_and_says_what_changed),
		TEST(a_wrong_configuration_changes_nothing),
		TEST(checking_writes_nothing),
		TEST(ids_stay_where_they_are),
		TEST(roles_keep_their_numbers),
		TEST(warns_of_what_equals_root),
		TEST(warns_of_keys_that_nobody_can_have),
		TEST(proposes_and_appends_a_free_range),
		TEST(checks_pinned_ids),
	};

	if (geteuid() != 0) { /* the configuration and the policy are root's */
		puts("skip b2bctl_policy: not root");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
