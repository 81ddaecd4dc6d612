/* b2b.conf: defaults, what every kind of mistake is told, and how grants are bounded by the parents'. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/conf.h"

#define SERVICE_PART "[federation]\nissuer = https://login.example.com/realms/p\nclient_id = web7\nclient_key = /etc/b2b/client.key\n"

static struct b2b_conf *parse_all(const char *text, bool resolve_groups)
{
	char error[B2B_CONF_ERROR_SIZE];
	struct b2b_conf *conf = NULL;

	if (b2b_conf_parse(text, strlen(text), "b2b.conf", resolve_groups, &conf, error) != 0)
		fail_msg("%s", error);
	assert_string_equal(error, "");
	return conf;
}

static struct b2b_conf *parse(const char *rest)
{
	char text[8192];

	snprintf(text, sizeof(text), SERVICE_PART "%s", rest);
	return parse_all(text, false);
}

static void refuse_all(const char *text, size_t len, const char *expected)
{
	struct b2b_conf *conf = (struct b2b_conf *)&conf, *before = conf;
	char error[B2B_CONF_ERROR_SIZE];

	assert_int_equal(b2b_conf_parse(text, len, "b2b.conf", false, &conf, error), -EINVAL);
	assert_ptr_equal(conf, before);
	if (strncmp(error, expected, strlen(expected)) != 0)
		fail_msg("\nfound    %s\nexpected %s", error, expected);
}

static void refuse_text(const char *text, const char *expected)
{
	refuse_all(text, strlen(text), expected);
}

/* REST begins at line 5. */
static void refuse(const char *rest, const char *expected)
{
	char text[8192];

	snprintf(text, sizeof(text), SERVICE_PART "%s", rest);
	refuse_text(text, expected);
}

static void has_sensible_defaults(void **state)
{
	struct b2b_conf *conf = parse("");

	(void)state;
	assert_string_equal(conf->federation.issuer, "https://login.example.com/realms/p");
	assert_string_equal(conf->federation.client_id, "web7");
	assert_int_equal(conf->federation.client_auth, B2B_CLIENT_PRIVATE_KEY_JWT);
	assert_string_equal(conf->federation.assertion_audience, "issuer");
	assert_string_equal(conf->federation.scope, "openid organization");
	assert_string_equal(conf->federation.api_scope, "directory ssf");
	assert_string_equal(conf->federation.organisation_claim, "organization");
	assert_string_equal(conf->federation.subject_attribute, "id");
	assert_string_equal(conf->federation.scim_schema, "urn:b2b:scim:schemas:2.0:User");
	assert_null(conf->federation.scim_url);
	assert_null(conf->federation.ca_file);
	assert_int_equal(conf->federation.directory, B2B_DIRECTORY_SCIM);
	assert_int_equal(conf->federation.token_keep_s, 30 * 86400);
	assert_null(conf->federation.roles_claim);
	assert_null(conf->federation.groups_claim);
	assert_int_equal(conf->federation.sync_interval_s, 900);
	assert_int_equal(conf->federation.delta_interval_s, 0);
	assert_int_equal(conf->federation.clock_skew_s, 30);
	assert_int_equal(conf->federation.mass_removal_percent, 20);
	assert_null(conf->federation.name_claim);
	assert_int_equal(conf->federation.algorithms, 31);
	assert_int_equal(conf->federation.access_token_typ, B2B_TYP_AT_JWT);
	assert_int_equal(conf->federation.token_life_s, 3600);
	assert_int_equal(conf->federation.mass_removal_least, 3);
	assert_null(conf->host.audience);
	assert_int_equal(conf->host.poll_hold_s, 25);
	assert_null(conf->host.idmap);
	assert_true(conf->host.hashed_ids);
	assert_true(conf->host.qr);
	assert_int_equal(conf->n_acrs, 0);
	b2b_conf_free(conf);
	b2b_conf_free(NULL);
}

static void what_is_verified_again_and_told_before_the_end_has_defaults(void **state)
{
	struct b2b_conf *conf = parse("");

	(void)state;
	assert_int_equal(conf->federation.reverify, B2B_REVERIFY_NONE); /* signals do */
	assert_int_equal(conf->federation.reverify_interval_s, 300);
	assert_int_equal(conf->host.n_warnings, 2);
	assert_int_equal(conf->host.warnings_s[0], 300);
	assert_int_equal(conf->host.warnings_s[1], 60);
	assert_int_equal(conf->limits[B2B_AAL_NONE].session_s + conf->limits[B2B_AAL1].session_s, 0);
	assert_int_equal(conf->limits[B2B_AAL2].session_s, 86400);
	assert_int_equal(conf->limits[B2B_AAL3].session_s, 43200);
	assert_int_equal(conf->limits[B2B_AAL2].idle_s, 0);
	b2b_conf_free(conf);
	conf = parse("signals = none\n[host]\nsession_warnings = 1m 1h 30s\n[assurance]\naal2_idle = 1h\n");
	assert_int_equal(conf->federation.reverify, B2B_REVERIFY_REFRESH | B2B_REVERIFY_INTROSPECTION | B2B_REVERIFY_LIFE);
	assert_int_equal(conf->host.n_warnings, 3);
	assert_int_equal(conf->host.warnings_s[0], 3600); /* the longest first */
	assert_int_equal(conf->host.warnings_s[1], 60);
	assert_int_equal(conf->host.warnings_s[2], 30);
	assert_int_equal(conf->limits[B2B_AAL2].idle_s, 3600);
	b2b_conf_free(conf);
	conf = parse("[host]\nsession_warnings = none\n");
	assert_int_equal(conf->host.n_warnings, 0);
	b2b_conf_free(conf);
}

static void tokens_can_stand_for_the_directory(void **state)
{
	struct b2b_conf *conf = parse("directory = token\nname_claim = login\ntoken_keep = 12h\nroles_claim = %o/roles\ngroups_claim = user/groups\n");

	(void)state;
	assert_int_equal(conf->federation.directory, B2B_DIRECTORY_TOKEN);
	assert_int_equal(conf->federation.token_keep_s, 43200);
	assert_string_equal(conf->federation.roles_claim, "%o/roles");
	assert_string_equal(conf->federation.groups_claim, "user/groups");
	b2b_conf_free(conf);
	refuse("directory = token\n", "b2b.conf:5: [federation] directory: found token without name_claim; expected");
	refuse("directory = token\nname_claim = login\n[host]\nhashed_ids = no\n", "b2b.conf:8: [host] hashed_ids: found no with directory = token; expected yes");
	refuse("token_keep = 59s\n", "b2b.conf:5: [federation] token_keep: found");
}

static void without_signals_the_directory_is_read_often_enough(void **state)
{
	struct b2b_conf *conf = parse("signals = none\n[service sudo]\nstaleness = 1m\n");

	(void)state;
	assert_int_equal(conf->federation.signals, B2B_SIGNALS_NONE);
	assert_int_equal(conf->federation.sync_interval_s, 20);
	b2b_conf_free(conf);
	conf = parse("signals = ssf\nsync_interval = 1d\n");
	assert_int_equal(conf->federation.signals, B2B_SIGNALS_SSF);
	assert_int_equal(conf->federation.sync_interval_s, 86400);
	b2b_conf_free(conf);
}

static void changes_are_asked_for_between_full_passes(void **state)
{
	struct b2b_conf *conf = parse("sync_interval = 1d\ndelta_interval = 5m\n");

	(void)state;
	assert_int_equal(conf->federation.delta_interval_s, 300);
	b2b_conf_free(conf);
	refuse("delta_interval = 15m\n", "b2b.conf:5: [federation] delta_interval: found 900s; expected less than sync_interval, which is 900s, or none");
	refuse("signals = none\ndelta_interval = 40s\n", "b2b.conf:6: [federation] delta_interval: found 40s; expected less than sync_interval, which is 40s");
	refuse("directory = token\nname_claim = login\ndelta_interval = 1m\n", "b2b.conf:7: [federation] delta_interval: found 60s; expected none, as directory is not scim");
}

static void has_a_sensible_policy(void **state)
{
	static const uint8_t preferred[4] = { B2B_METHOD_CIBA, B2B_METHOD_DEVICE };
	struct b2b_conf *conf = parse("[service su]\nmax_age = 5m\n");
	const struct b2b_policy *policy = conf->policy;

	(void)state;
	assert_int_equal(policy->separator, '@');
	assert_int_equal(policy->visibility, B2B_VISIBLE_ORGANISATION);
	assert_false(policy->enumerate);
	assert_true(policy->group_members);
	assert_int_equal(policy->partners_gid, B2B_PARTNERS_GID);
	assert_string_equal(policy->home, "/home/%o/%u");
	assert_int_equal(policy->n_shells, 2);
	assert_string_equal(policy->shells[0], "/bin/bash");
	assert_int_equal(policy->n_orgs, 0);
	assert_int_equal(policy->services[b2b_policy_service(policy, "sshd")].staleness_s, 300);
	assert_int_equal(policy->services[b2b_policy_service(policy, "sudo")].staleness_s, 120);
	assert_memory_equal(policy->services[b2b_policy_service(policy, "sudo")].methods, preferred, sizeof(preferred));
	assert_int_equal(policy->services[b2b_policy_service(policy, "su")].staleness_s, 300);
	assert_memory_equal(policy->services[b2b_policy_service(policy, "su")].methods, preferred, sizeof(preferred));
	assert_int_equal(b2b_policy_service(policy, "cron"), -1);
	b2b_conf_free(conf);
}

static void reads_everything_that_can_be_said(void **state)
{
	struct b2b_conf *conf = parse_all("\xef\xbb\xbf; a comment\r\n[ federation ] ; another\r\n"
	                                  "issuer: https://[::1]:8443/x ; with an inline comment\r\n"
	                                  "client_id = a=b;c\nclient_auth = client_secret_post\nclient_secret_file = /etc/b2b/secret\n"
	                                  "mass_removal = 100%\nclock_skew = none\nsync_interval = 1d\n"
	                                  "name_claim = user/login\nalgorithms = ES256\n\tPS256\naccess_token_typ = any\ntoken_life = 90m\n"
	                                  "  # indented comment\n"
	                                  "[host]\n separator = +\nstaleness = 30s\nvisibility = strict\nenumerate = yes\ngroup_members = none\n"
	                                  "partners_gid = 1879048192\nidmap = /etc/b2b/idmap\nhashed_ids = no\nhome = /srv/%o/%u\nqr = no\nending_grace = 2m\nleft_behind = end\naudience = web7.example.com\n"
	                                  "shells = /bin/sh\n  /bin/bash ; the second\n\t/usr/bin/zsh /bin/dash\n"
	                                  "[assurance]\naal2 = urn:mace:incommon:iap:silver https://refeds.org/profile/mfa\n level=2\naal1 = 0\n"
	                                  "[service cron]\nmethods = token device\nassurance = aal2\nmax_age = 15m\nstaleness = 9s",
	                                  false);
	const struct b2b_policy_service *cron = &conf->policy->services[b2b_policy_service(conf->policy, "cron")];

	(void)state;
	assert_string_equal(conf->federation.issuer, "https://[::1]:8443/x");
	assert_string_equal(conf->federation.client_id, "a=b;c");
	assert_int_equal(conf->federation.client_auth, B2B_CLIENT_SECRET_POST);
	assert_int_equal(conf->federation.clock_skew_s, 0);
	assert_string_equal(conf->federation.name_claim, "user/login");
	assert_int_equal(conf->federation.algorithms, 2 | 4);
	assert_int_equal(conf->federation.access_token_typ, B2B_TYP_ANY);
	assert_int_equal(conf->federation.token_life_s, 5400);
	assert_int_equal(conf->federation.sync_interval_s, 86400);
	assert_string_equal(conf->host.idmap, "/etc/b2b/idmap");
	assert_false(conf->host.hashed_ids);
	assert_int_equal(conf->policy->separator, '+');
	assert_int_equal(conf->policy->partners_gid, 0x70000000);
	assert_int_equal(conf->policy->visibility, B2B_VISIBLE_STRICT);
	assert_false(conf->policy->group_members);
	assert_int_equal(conf->policy->ending_grace_s, 120);
	assert_true(conf->policy->end_left_behind);
	assert_int_equal(conf->policy->n_shells, 4);
	assert_string_equal(conf->policy->shells[2], "/usr/bin/zsh");
	assert_int_equal(conf->n_acrs, 4);
	assert_string_equal(conf->acrs[3].acr, "level=2");
	assert_int_equal(conf->acrs[3].level, B2B_AAL2);
	assert_int_equal(conf->acrs[0].level, B2B_AAL1);
	assert_int_equal(cron->methods[0], B2B_METHOD_TOKEN);
	assert_int_equal(cron->methods[1], B2B_METHOD_DEVICE);
	assert_int_equal(cron->methods[2], 0);
	assert_int_equal(cron->assurance, B2B_AAL2);
	assert_int_equal(cron->max_age_s, 900);
	assert_int_equal(conf->host.poll_hold_s, 3);
	assert_int_equal(conf->policy->services[b2b_policy_service(conf->policy, "sudo")].staleness_s, 30);
	b2b_conf_free(conf);
}

#define ROLES "[role a]\n[role b]\n[role c]\n"

static void bounds_grants_by_all_ancestors(void **state)
{
	struct b2b_conf *conf = parse(ROLES
	                              "[organisation x.emea.acme]\nid=3\nrange=0x78020000-0x7802ffff\nservices = sshd su\nroles = a b c\nsession = 1d\n"
	                              "[organisation emea.acme]\nid=2\nrange=2013331456-2013396991\nservices = sshd su\nroles = b c\n"
	                              "[organisation acme]\nid=1\nrange=0x78000000-0x7800ffff\nservices = sshd sudo\nroles = a b\nsession = 8h\n"
	                              "[organisation lone.acme]\nid=4\nrange=0x78030000-0x7803003f\nparent = none\nroles = c\n"
	                              "[organisation globex]\nid=5\nparent = lone.acme\nrange=0x78040000-0x7804003f\nroles = c a\n");
	const struct b2b_policy *policy = conf->policy;
	const struct b2b_policy_org *x = &policy->orgs[b2b_policy_org_by_alias(policy, "x.emea.acme")];
	const struct b2b_policy_org *lone = &policy->orgs[b2b_policy_org_by_alias(policy, "lone.acme")];
	const struct b2b_policy_org *globex = &policy->orgs[b2b_policy_org_by_alias(policy, "globex")];

	(void)state;
	assert_int_equal(policy->n_orgs, 5);
	assert_string_equal(policy->orgs[x->parent].alias, "emea.acme");
	assert_string_equal(policy->orgs[policy->orgs[x->parent].parent].alias, "acme");
	assert_int_equal(x->services, 1ull << b2b_policy_service(policy, "sshd"));
	assert_int_equal(x->roles, 1ull << b2b_policy_role(policy, "b"));
	assert_int_equal(x->session_s, 8 * 3600);
	assert_int_equal(lone->parent, -1);
	assert_int_equal(lone->services, 0);
	assert_int_equal(globex->roles, 1ull << b2b_policy_role(policy, "c"));
	assert_int_equal(b2b_policy_org_by_id(policy, "2"), x->parent);
	b2b_conf_free(conf);
}

static void refuses_wrong_lines(void **state)
{
	static const char nul[] = SERVICE_PART "[host]\nqr = no\0\n";
	char *line = calloc(1, 400);

	(void)state;
	refuse_text("issuer = https://x\n", "b2b.conf:1: found key \"issuer\" before any section; expected a section");
	refuse("[host]\nqr\n", "b2b.conf:6: found \"qr\"; expected key = value");
	refuse("[host]\nqr\n[hosts]\n", "b2b.conf:6: found \"qr\"");
	refuse("[host\n", "b2b.conf:5: found \"[host\"; expected a section in brackets");
	refuse("[host] qr = no\n", "b2b.conf:5: found \"[host] qr = no\"; expected a section in brackets");
	refuse("[host]\nqr = no\n [assurance]\n", "b2b.conf:7: found an indented section; expected it at the line's beginning");
	refuse("[hosts]\n", "b2b.conf:5: found section \"hosts\"; expected federation, host,");
	refuse("[host x]\n", "b2b.conf:5: found section \"host x\"; expected");
	refuse("[federation]\n", "b2b.conf:5: found section \"federation\" again; expected it once, and line 1 has it");
	refuse("[role a]\n[role a]\n", "b2b.conf:6: found section \"role a\" again; expected it once, and line 5 has it");
	refuse("[host]\ncolour = red\n", "b2b.conf:6: [host]: found key \"colour\"; expected one of audience, staleness,");
	refuse("[role a]\ngroups = x\n", "b2b.conf:6: [role a]: found key \"groups\"; expected one of local_groups");
	refuse("[host]\nqr = no\nqr = no\n", "b2b.conf:7: [host] qr: found again; expected it once, and line 6 has it");
	refuse("[host]\nqr = no\n enumerate = no\n", "b2b.conf:7: found an indented line; expected a key at the line's beginning, as qr takes one value");
	refuse("[host]\nshells = /bin/sh\n qr = no\n", "b2b.conf:7: [host] shells: found \"qr = no\"; expected absolute paths");
	refuse_all(nul, sizeof(nul) - 1, "b2b.conf:6: found a NUL byte; expected text");
	snprintf(line, 400, "%0300d", 1);
	refuse(line, "b2b.conf:5: found a line of 300 bytes; expected at most 197");
	free(line);
}

static void refuses_wrong_values(void **state)
{
	(void)state;
	refuse("[host]\nqr = \n", "b2b.conf:6: [host] qr: found \"\"; expected yes or no");
	refuse("[host]\nqr = NO\n", "b2b.conf:6: [host] qr: found \"NO\"; expected yes or no");
	refuse("[host]\nstaleness = 5\n", "b2b.conf:6: [host] staleness: found \"5\"; expected a time such as 30s, 5m, 8h or 1d, from 3s to 1d");
	refuse("[host]\nstaleness = 2s\n", "b2b.conf:6: [host] staleness: found \"2s\"");
	refuse("[host]\nstaleness = -5m\n", "b2b.conf:6: [host] staleness: found \"-5m\"");
	refuse("[host]\nstaleness = none\n", "b2b.conf:6: [host] staleness: found \"none\"");
	refuse("[host]\nstaleness = 4294967297s\n", "b2b.conf:6: [host] staleness: found");
	refuse("[host]\nstaleness = 5m # fast\n", "b2b.conf:6: [host] staleness: found \"5m # fast\"");
	refuse("[host]\nvisibility = all\n", "b2b.conf:6: [host] visibility: found \"all\"; expected one of organisation, strict, everyone");
	refuse("[host]\npartners_gid = 100\n", "b2b.conf:6: [host] partners_gid: found \"100\"; expected a number from 0x70000000 to 0x7fffffff");
	refuse("[host]\nhome = /home/%o\n", "b2b.conf:6: [host] home: found \"/home/%o\"; expected an absolute path with %u");
	refuse("[host]\nhome = /home/%u%\n", "b2b.conf:6: [host] home: found");
	refuse("[host]\nhome = /home/%u:x\n", "b2b.conf:6: [host] home: found");
	refuse("[host]\napproval_requests = 0\n", "b2b.conf:6: [host] approval_requests: found \"0\"; expected a number from 1 to 20");
	refuse("[host]\nshells = bash\n", "b2b.conf:6: [host] shells: found \"bash\"; expected absolute paths, each once and at most 63 bytes, at most 16");
	refuse("[host]\nstaleness_keep = 4m\n", "b2b.conf:6: [host] staleness_keep: found 240s; expected at least 300s, the largest staleness, or none");
	refuse("[host]\npoll_hold = 1m\n", "b2b.conf:6: [host] poll_hold: found 60s; expected at most 40s, a third of the smallest staleness");
	refuse("[service sudo]\nstaleness = 30s\n[host]\npoll_hold = 11s\n", "b2b.conf:8: [host] poll_hold: found 11s; expected at most 10s");
	refuse_text("[federation]\nissuer = https://x\nclient_id = w\nclient_key = /k\ndirectory = keycloak\n",
	            "b2b.conf:1: [federation] keycloak_url: found nothing; expected an https URL, as the issuer is no realm's");
	refuse("signals = set\n", "b2b.conf:5: [federation] signals: found \"set\"; expected one of ssf, none");
	refuse("reverify = none life\n", "b2b.conf:5: [federation] reverify: found none and more; expected none alone, or a way");
	refuse("reverify = sometimes\n", "b2b.conf:5: [federation] reverify: found \"sometimes\"; expected different words out of none, refresh, introspection, life");
	refuse("[host]\nsession_warnings = 5m 5m\n",
	       "b2b.conf:6: [host] session_warnings: found \"5m 5m\"; expected different times such as 30s or 5m, from 1s to 1d, or none, at most 4");
	refuse("[host]\nsession_warnings = 2d\n",
	       "b2b.conf:6: [host] session_warnings: found \"2d\"; expected different times such as 30s or 5m, from 1s to 1d, or none, at most 4");
	refuse("signals = none\nsync_interval = 41s\n",
	       "b2b.conf:6: [federation] sync_interval: found 41s; expected at most 40s, a third of the smallest staleness");
	refuse("[assurance]\naal1 = a\naal3 = b a\n", "b2b.conf:7: [assurance] aal3: found \"a\", which a lower level has too");
	refuse("[role a]\nlocal_groups = dba@acme\n", "b2b.conf:6: [role a] local_groups: found \"dba@acme\"; expected names of local groups");
	refuse("[role a]\nlocal_groups = partners\n", "b2b.conf:6: [role a] local_groups: found \"partners\"");
	refuse("[role none]\n", "b2b.conf:5: [role]: found none; expected another name");
	refuse("[service sshd]\nmethods = none\n", "b2b.conf:6: [service sshd] methods: found \"none\"");
	refuse("[role a b]\n", "b2b.conf:5: [role]: found \"a b\"; expected one name");
	refuse("[service SSHD]\n", "b2b.conf:5: [service]: found \"SSHD\"; expected one PAM service in lower case");
	refuse("[service sshd]\nmethods = password\n", "b2b.conf:6: [service sshd] methods: found \"password\"; expected different words out of device, ciba, token");
	refuse("[service sshd]\nassurance = aal2\n[assurance]\naal1 = x\n", "b2b.conf:6: [service sshd] assurance: found aal2; expected section [assurance]");
	refuse("[service sshd]\nassurance = aal1\nkey_suffices = yes\n[assurance]\naal1 = x\n", "b2b.conf:7: [service sshd] key_suffices: found yes; expected no");
}

static void refuses_a_wrong_federation(void **state)
{
	static const char *const issuers[] = { "http://x", "https://", "https://x?a", "https://x/#a", "https://u:p@x", "x", "https://x y", "https://:1" };
	char text[512], expected[256];

	(void)state;
	for (size_t i = 0; i < sizeof(issuers) / sizeof(issuers[0]); i++) {
		snprintf(text, sizeof(text), "[federation]\nissuer = %s\n", issuers[i]);
		snprintf(expected, sizeof(expected), "b2b.conf:2: [federation] issuer: found \"%s\"; expected an https URL without", issuers[i]);
		refuse_text(text, expected);
	}
	refuse_text("", "b2b.conf: [federation] issuer: found nothing; expected an https URL");
	refuse_text("[federation]\nissuer=https://x\n", "b2b.conf:1: [federation] client_id: found nothing; expected text");
	refuse_text("[federation]\nissuer=https://x\nclient_id=a\n", "b2b.conf:1: [federation] client_key: found nothing; expected an absolute path");
	refuse_text("[federation]\nissuer=https://x\nclient_id=a\nclient_auth=client_secret_post\n",
	           "b2b.conf:1: [federation] client_secret_file: found nothing; expected an absolute path");
	refuse_text("[federation]\nissuer=https://x\nclient_id=a\nclient_auth=tls_client_auth\n",
	           "b2b.conf:1: [federation] client_certificate: found nothing; expected an absolute path");
	refuse_text("[federation]\nissuer=https://x\nclient_id=a\nclient_auth=self_signed_tls_client_auth\nclient_certificate=/c\n",
	           "b2b.conf:1: [federation] client_key: found nothing; expected an absolute path");
	refuse_text("[organisation a]\nkey_options = restrict command=sh\n", "b2b.conf:2: [organisation a] key_options: found \"restrict command=sh\"; expected restrict");
	refuse_text("[organisation a]\nkey_options = from=1.2.3.4\",command=\"sh\n", "b2b.conf:2: [organisation a] key_options: found");
	refuse_text("[federation]\nmass_removal = 0%\n", "b2b.conf:2: [federation] mass_removal: found \"0%\"; expected a share from 1% to 100%");
	refuse_text("[federation]\nlogin_hint = partner\n", "b2b.conf:2: [federation] login_hint: found \"partner\"; expected text with %n, %u or %s");
	refuse_text("[federation]\nlogin_hint = %o\n", "b2b.conf:2: [federation] login_hint: found \"%o\"");
	refuse_text("[federation]\nlogin_hint = %n%\n", "b2b.conf:2: [federation] login_hint: found \"%n%\"");
	refuse_text("[federation]\nlogin_hint = %n%d\n", "b2b.conf:2: [federation] login_hint: found \"%n%d\"");
	refuse_text("[federation]\nalgorithms = ES256 HS256\n", "b2b.conf:2: [federation] algorithms: found \"ES256 HS256\"; expected different words out of RS256, PS");
	refuse_text("[federation]\nalgorithms = ES256 ES256\n", "b2b.conf:2: [federation] algorithms: found");
	refuse_text("[federation]\nalgorithms = ES256\n ES256\n", "b2b.conf:3: [federation] algorithms: found");
	refuse_text("[federation]\nalgorithms =\n", "b2b.conf:2: [federation] algorithms: found");
	refuse("access_token_typ = any\n", "b2b.conf:5: [federation] access_token_typ: found any without an audience of its own; expected");
	refuse("access_token_typ = any\n[host]\naudience = web7\n", "b2b.conf:5: [federation] access_token_typ: found any");
	refuse_text("[federation]\nproxy = socks5://x\n", "b2b.conf:2: [federation] proxy: found \"socks5://x\"; expected an http or https URL");
	refuse_text("[federation]\nclient_id = a\033[2Jb\n", "b2b.conf:2: [federation] client_id: found \"a?[2Jb\"; expected text");
}

#define ACME "[organisation acme]\nid=1\nrange=0x78000000-0x7800ffff\n"

static void refuses_wrong_organisations(void **state)
{
	char chain[4096];
	size_t at = 0;

	(void)state;
	refuse("[organisation Acme]\n", "b2b.conf:5: [organisation]: found \"Acme\"; expected an alias after it");
	refuse("[organisation]\n", "b2b.conf:5: [organisation]: found \"\"; expected an alias after it");
	refuse("[organisation abcdefghijklmnopqrstuvwx]\n", "b2b.conf:5: [organisation]: found");
	refuse("[organisation acme]\nrange=0x78000000-0x7800ffff\n", "b2b.conf:5: [organisation acme] id: found nothing");
	refuse("[organisation acme]\nid=1\n", "b2b.conf:5: [organisation acme] range: found nothing; expected FIRST-LAST");
	refuse("[organisation acme]\nid=../x\n", "b2b.conf:6: [organisation acme] id: found \"../x\"");
	refuse("[organisation acme]\nrange=1000-2000\n", "b2b.conf:6: [organisation acme] range: found \"1000-2000\"; expected FIRST-LAST within");
	refuse("[organisation acme]\nrange=0x78000000-0x7800003e\n", "b2b.conf:6: [organisation acme] range");
	refuse("[organisation acme]\nrange=0x78000000-0x78400000\n", "b2b.conf:6: [organisation acme] range");
	refuse("[organisation acme]\nrange=0x7fffff00-0x80000000\n", "b2b.conf:6: [organisation acme] range");
	refuse("[organisation acme]\nrange=0x7800ffff-0x78000000\n", "b2b.conf:6: [organisation acme] range");
	refuse(ACME "[organisation globex]\nid=2\nrange=0x7800ffff-0x7801ffff\n",
	       "b2b.conf:10: [organisation globex] range: found 0x7800ffff-0x7801ffff, which overlaps 0x78000000-0x7800ffff of acme in line 7;");
	refuse(ACME "[organisation globex]\nid=1\nrange=0x78000000-0x7800ffff\n", "b2b.conf:10: [organisation globex] range: found 0x78000000-0x7800ffff, which");
	refuse(ACME "[organisation globex]\nid=1\nrange=0x78010000-0x7801ffff\n", "b2b.conf:9: [organisation globex] id: found the id of acme in line 6;");
	refuse("[host]\npartners_gid = 0x78000010\n" ACME, "b2b.conf:9: [organisation acme] range: found 0x78000000-0x7800ffff, which holds partners_gid");
	refuse(ACME "services = sshd ftpd\n", "b2b.conf:8: [organisation acme] services: found \"ftpd\"; expected sshd, sudo,");
	refuse(ACME "roles = dba\n", "b2b.conf:8: [organisation acme] roles: found \"dba\"; expected a role with a section [role NAME]");
	refuse(ACME "services = sshd sshd\n", "b2b.conf:8: [organisation acme] services: found \"sshd sshd\"; expected different names");
	refuse(ACME "parent = globex\n", "b2b.conf:8: [organisation acme] parent: found \"globex\"; expected an organisation with a section");
	refuse(ACME "parent = acme\n", "b2b.conf:8: [organisation acme] parent: found a circle");
	for (unsigned i = 0; i < 9; i++)
		at += (size_t)snprintf(chain + at, sizeof(chain) - at, "[organisation %c]\nid=%u\nrange=0x780%u0000-0x780%uffff\n%s%c\n", (int)('a' + i), i, i, i,
		                       i ? "parent = " : "; ", (int)('a' + i - 1));
	refuse(chain, "b2b.conf:40: [organisation i] parent: found a circle or more than 8 levels");
}

static void finds_the_rule_for_sudo(void **state)
{
	struct b2b_conf *conf = parse("[role dba]\n"
	                              "[organisation acme]\nid=1\nrange=0x78000000-0x7800ffff\nroles = dba\n"
	                              "sudo_approvers = group:leads role:dba\nsudo_exempt_commands = /bin/id /bin/true\nsudo_exempt_users = postgres\n"
	                              "[organisation emea.acme]\nid=2\nrange=0x78010000-0x7801ffff\n"
	                              "[organisation apac.acme]\nid=3\nrange=0x78020000-0x7802ffff\nsudo_approvers = group:chiefs\nsudo_wait = 30s\n"
	                              "[organisation globex]\nid=4\nrange=0x78030000-0x7803ffff\n");
	const struct b2b_policy *policy = conf->policy;
	int acme = b2b_policy_org_by_alias(policy, "acme"), apac = b2b_policy_org_by_alias(policy, "apac.acme"), org = -1;
	const struct b2b_conf_sudo *rule = b2b_conf_sudo_of(conf, policy, acme, &org);

	(void)state;
	assert_int_equal(org, acme);
	assert_int_equal(rule->wait_s, 120);
	assert_string_equal(rule->approvers[0], "group:leads");
	assert_string_equal(rule->approvers[1], "role:dba");
	assert_null(rule->approvers[2]);
	assert_string_equal(rule->exempt_commands[1], "/bin/true");
	assert_string_equal(rule->exempt_users[0], "postgres");
	assert_ptr_equal(b2b_conf_sudo_of(conf, policy, b2b_policy_org_by_alias(policy, "emea.acme"), &org), rule);
	assert_int_equal(org, acme); /* whose people approve */
	rule = b2b_conf_sudo_of(conf, policy, apac, &org);
	assert_int_equal(org, apac);
	assert_int_equal(rule->wait_s, 30);
	assert_null(rule->exempt_commands[0]); /* its own rule is all of it */
	assert_null(b2b_conf_sudo_of(conf, policy, b2b_policy_org_by_alias(policy, "globex"), &org));
	assert_null(b2b_conf_sudo_of(conf, policy, -1, &org));
	b2b_conf_free(conf);
}

static void refuses_a_wrong_rule_for_sudo(void **state)
{
	(void)state;
	refuse(ACME "sudo_approvers = leads\n", "b2b.conf:8: [organisation acme] sudo_approvers: found \"leads\"; expected group:NAME");
	refuse(ACME "sudo_approvers = group:\n", "b2b.conf:8: [organisation acme] sudo_approvers: found");
	refuse(ACME "sudo_approvers = group:leads@acme\n", "b2b.conf:8: [organisation acme] sudo_approvers: found");
	refuse(ACME "sudo_approvers = none\n", "b2b.conf:8: [organisation acme] sudo_approvers: found");
	refuse(ACME "sudo_approvers = role:dba\n", "b2b.conf:8: [organisation acme] sudo_approvers: found \"role:dba\"; expected a role that is among the organisation's roles");
	refuse(ACME "sudo_approvers = role:dba\n[role dba]\n", "b2b.conf:8: [organisation acme] sudo_approvers: found \"role:dba\"; expected a role that is among");
	refuse(ACME "sudo_exempt_commands = /bin/id\n", "b2b.conf:8: [organisation acme] sudo_exempt_commands: found commands without approvers");
	refuse(ACME "sudo_approvers = group:leads\nsudo_exempt_commands = id\n", "b2b.conf:9: [organisation acme] sudo_exempt_commands: found \"id\"; expected absolute");
	refuse(ACME "sudo_exempt_users = postgres\n", "b2b.conf:8: [organisation acme] sudo_exempt_users: found users without approvers");
	refuse(ACME "sudo_approvers = group:leads\nsudo_exempt_users = root\n", "b2b.conf:9: [organisation acme] sudo_exempt_users: found root; expected");
	refuse(ACME "sudo_wait = 5s\n", "b2b.conf:8: [organisation acme] sudo_wait: found \"5s\"; expected a time such as 30s, 5m, 8h or 1d, from 10s to 30m");
}

static void looks_local_groups_up(void **state)
{
	char error[B2B_CONF_ERROR_SIZE], text[1024];
	struct b2b_conf *conf;

	(void)state;
	conf = parse_all(SERVICE_PART "[role a]\nlocal_groups = daemon\n  bin\n", true);
	assert_int_equal(conf->policy->roles[0].n_gids, 2);
	assert_int_equal(conf->policy->roles[0].gids[0], 1);
	b2b_conf_free(conf);
	conf = parse_all(SERVICE_PART "[assurance]\naal1 = none\n[role a]\nlocal_groups = none\n", true);
	assert_int_equal(conf->policy->roles[0].n_gids, 0);
	assert_int_equal(conf->n_acrs, 0);
	b2b_conf_free(conf);
	conf = parse("[role a]\nlocal_groups = no-such-group\n");
	assert_int_equal(conf->policy->roles[0].n_gids, 0);
	b2b_conf_free(conf);
	snprintf(text, sizeof(text), SERVICE_PART "[role a]\nlocal_groups = no-such-group\n");
	assert_int_equal(b2b_conf_parse(text, strlen(text), "b2b.conf", true, &conf, error), -EINVAL);
	assert_string_equal(error, "b2b.conf:6: [role a] local_groups: found \"no-such-group\", which does not exist; expected a group of this host");
	snprintf(text, sizeof(text), SERVICE_PART "[role a]\nlocal_groups = root\n");
	assert_int_equal(b2b_conf_parse(text, strlen(text), "b2b.conf", true, &conf, error), -EINVAL);
	assert_non_null(strstr(error, "the group of root"));
}

static void reads_trusted_files_only(void **state)
{
	char dir[] = "/tmp/test_conf.XXXXXX", path[64], error[B2B_CONF_ERROR_SIZE];
	struct b2b_conf *conf = NULL;
	FILE *file;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/b2b.conf", dir);
	assert_int_equal(b2b_conf_read(path, false, &conf, error), -ENOENT);
	assert_non_null(strstr(error, "No such file"));
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(SERVICE_PART, file);
	fclose(file);
	chmod(path, 0660);
	assert_int_equal(b2b_conf_read(path, false, &conf, error), -EPERM);
	assert_non_null(strstr(error, "writable by root alone"));
	chmod(path, 0640);
	assert_int_equal(b2b_conf_read(path, false, &conf, error), 0);
	b2b_conf_free(conf);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_sensible_defaults),
		cmocka_unit_test(what_is_verified_again_and_told_before_the_end_has_defaults),
		cmocka_unit_test(tokens_can_stand_for_the_directory),
		cmocka_unit_test(without_signals_the_directory_is_read_often_enough),
		cmocka_unit_test(changes_are_asked_for_between_full_passes),
		cmocka_unit_test(has_a_sensible_policy),
		cmocka_unit_test(reads_everything_that_can_be_said),
		cmocka_unit_test(bounds_grants_by_all_ancestors),
		cmocka_unit_test(refuses_wrong_lines),
		cmocka_unit_test(refuses_wrong_values),
		cmocka_unit_test(refuses_a_wrong_federation),
		cmocka_unit_test(refuses_wrong_organisations),
		cmocka_unit_test(finds_the_rule_for_sudo),
		cmocka_unit_test(refuses_a_wrong_rule_for_sudo),
		cmocka_unit_test(looks_local_groups_up),
		cmocka_unit_test(reads_trusted_files_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
