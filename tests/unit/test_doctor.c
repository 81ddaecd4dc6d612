/* b2bctl doctor: what it says of hosts that are made of a few files. */
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

#include "b2bctl/ctl.h"
#include "b2bctl/doctor.h"
#include "tests/support/scratch.h"

#define WELL "passwd: files systemd b2b\ngroup:\tfiles systemd b2b # ours\nhosts: files dns\n"
#define KEEPS "# x\n\tenable-cache\t\tpasswd\t\tyes\n\tenable-cache group yes\n"

static char root[SCRATCH_SIZE];
static struct b2b_policy_org acme = { .id = "42c3e9", .alias = "acme", .parent = -1, .range_lo = 2013265920, .range_hi = 2013331455 };
static const struct b2b_policy closed = { .separator = '@', .n_orgs = 1, .orgs = &acme };
static const struct b2b_policy open_to_all = { .separator = '@', .n_orgs = 1, .orgs = &acme, .visibility = B2B_VISIBLE_EVERYONE };

static void put(const char *path, const char *text)
{
	char real[2 * SCRATCH_SIZE];

	snprintf(real, sizeof(real), "%s%s", root, path);
	for (char *c = real + strlen(root) + 1; (c = strchr(c, '/')); c++) {
		*c = '\0';
		mkdir(real, 0755);
		*c = '/';
	}
	scratch_write(real, text, strlen(text), 0644);
}

static int make_host(void **state)
{
	(void)state;
	scratch_make(root);
	put("/etc/nsswitch.conf", WELL);
	put("/proc/net/unix", "Num       RefCount Protocol Flags    Type St Inode Path\n");
	return 0;
}

static int remove_host(void **state)
{
	(void)state;
	scratch_remove(root);
	return 0;
}

static json_t *examine(const struct b2b_policy *policy)
{
	json_t *json = NULL;

	assert_int_equal(b2b_doctor_examine(root, policy, &json), 0);
	return json;
}

/* The first finding of CHECK is VERDICT and says TEXT, wherever in it; it is the host's only fault if it is one. */
static void assert_found(const struct b2b_policy *policy, const char *check, const char *verdict, const char *text)
{
	json_t *json = examine(policy), *finding, *found = NULL;
	size_t i;

	json_array_foreach(json_object_get(json, "checks"), i, finding)
		if (!found && strcmp(b2b_ctl_text(finding, "check"), check) == 0)
			found = finding;
	assert_non_null(found);
	if (strcmp(b2b_ctl_text(found, "verdict"), verdict) != 0 || !strstr(b2b_ctl_text(found, "text"), text))
		fail_msg("%s: expected %s … %s …, found %s: %s", check, verdict, text, b2b_ctl_text(found, "verdict"), b2b_ctl_text(found, "text"));
	assert_int_equal(b2b_ctl_number(json, "problems"), strcmp(verdict, "problem") == 0);
	assert_int_equal(b2b_ctl_number(json, "warnings"), strcmp(verdict, "warning") == 0);
	json_decref(json);
}

static void finds_nothing_on_a_host_that_is_well(void **state)
{
	(void)state;
	assert_found(&closed, "nsswitch", "ok", "then b2b");
	assert_found(&closed, "nscd", "ok", "neither");
	assert_found(&closed, "userdb", "ok", "does not run");
}

static void reads_nsswitch_as_the_c_library_does(void **state)
{
	static const struct {
		const char *passwd, *verdict, *text;
	} cases[] = {
		{ "passwd: files b2b", "ok", "" },
		{ " passwd : compat b2b", "ok", "" },
		{ "passwd:files b2b", "ok", "" },
		{ "passwd: files [SUCCESS=return] b2b", "ok", "" },
		{ "passwd: files [UNAVAIL=return] b2b", "ok", "" },
		{ "passwd: files [!NOTFOUND=return] b2b", "ok", "" },
		{ "passwd: files b2b [NOTFOUND=return] ldap", "ok", "" },
		{ "passwd: files b2b ldap", "ok", "" },
		{ "passwd: files", "problem", "write \"passwd: files b2b\"" },
		{ "passwd: files # b2b", "problem", "does not ask b2b" },
		{ "passwd: files b2bx", "problem", "does not ask b2b" },
		{ "passwd: files [NOTFOUND=return]", "problem", "does not ask b2b" },
		{ "shadow: files b2b", "problem", "does not ask b2b" },
		{ "passwd: files [NOTFOUND=return] b2b", "problem", "behind files" },
		{ "passwd: files [SUCCESS=continue notfound=RETURN] b2b", "problem", "behind files" },
		{ "passwd: files sss[!UNAVAIL=return] b2b", "problem", "behind sss" },
		{ "passwd: files ldap b2b", "warning", "asks ldap before b2b" },
		{ "passwd: b2b files", "warning", "put files first" },
		{ "passwd: files l\xff\033p b2b", "warning", "asks l??p before b2b" },
		{ "passwd: [", "problem", "does not ask b2b" },
		{ "passwd: files [=return] [", "problem", "does not ask b2b" },
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "%s\ngroup: files b2b\n", cases[i].passwd);
		put("/etc/nsswitch.conf", text);
		assert_found(&closed, "nsswitch", cases[i].verdict, cases[i].text);
	}
}

static void finds_groups_that_are_not_asked_for(void **state)
{
	(void)state;
	put("/etc/nsswitch.conf", "passwd: files b2b\ngroup: files\n");
	assert_found(&closed, "nsswitch", "problem", "group does not ask b2b");
	put("/etc/nsswitch.conf", WELL "initgroups: files\n");
	assert_found(&closed, "nsswitch", "problem", "without their groups");
	put("/etc/nsswitch.conf", WELL "initgroups: files b2b\n");
	assert_found(&closed, "nsswitch", "ok", "");
}

static void listens(const char *path)
{
	char text[512];

	snprintf(text, sizeof(text),
	         "Num       RefCount Protocol Flags    Type St Inode Path\n"
	         "0000000000000000: 00000003 00000000 00000000 0001 03 20001 %s-other\n"
	         "0000000000000000: 00000002 00000000 00010000 0001 01 20002 %s\n", path, path);
	put("/proc/net/unix", text);
}

static void finds_nscd_that_keeps_ours(void **state)
{
	(void)state;
	put("/etc/nscd.conf", KEEPS);
	assert_found(&closed, "nscd", "ok", "neither"); /* installed is not running */
	listens("/var/run/nscd/socket");
	assert_found(&closed, "nscd", "problem", "runs and keeps passwd and group");
	assert_found(&open_to_all, "nscd", "warning", "makes it forget");
	put("/etc/nscd.conf", KEEPS "enable-cache passwd no\n");
	assert_found(&closed, "nscd", "problem", "keeps group");
	put("/etc/nscd.conf", KEEPS "enable-cache passwd no\nenable-cache group no\nenable-cache hosts yes\nenable-cache\n");
	assert_found(&closed, "nscd", "ok", "keeps neither");
	put("/etc/nscd.conf", "");
	assert_found(&closed, "nscd", "ok", "keeps neither");
}

static void finds_nscd_that_starts_at_boot(void **state)
{
	(void)state;
	put("/etc/nscd.conf", KEEPS);
	put("/etc/systemd/system/multi-user.target.wants/unscd.service", "");
	assert_found(&closed, "nscd", "warning", "starts at boot and keeps passwd and group");
}

static void takes_an_nscd_without_readable_configuration_for_one_that_keeps(void **state)
{
	(void)state;
	listens("/run/nscd/socket");
	assert_found(&closed, "nscd", "problem", "keeps passwd and group");
}

/* A socket that is only connected, or was left behind, is nobody who answers. */
static void looks_for_who_listens(void **state)
{
	(void)state;
	put("/proc/net/unix", "0000000000000000: 00000003 00000000 00000000 0001 03 20001 /run/systemd/userdb/io.systemd.Multiplexer\n"
	                      "0000000000000000: 00000002 00000000 00010000 0001 01 20002 /x/run/systemd/userdb/io.systemd.Multiplexer\n"
	                      "0000000000000000: 00000002 00000000 00010000 0001 01 20003\nx\n\n");
	assert_found(&closed, "userdb", "ok", "does not run");
}

static void finds_userdbd(void **state)
{
	(void)state;
	put("/etc/systemd/system/sockets.target.wants/systemd-userdbd.socket", "");
	assert_found(&closed, "userdb", "warning", "starts at boot");
	listens("/run/systemd/userdb/io.systemd.Multiplexer");
	assert_found(&closed, "userdb", "problem", "disable --now systemd-userdbd.socket");
	assert_found(&open_to_all, "userdb", "ok", "visibility = everyone");
}

static void finds_subordinate_ids(void **state)
{
	static const struct {
		const char *line, *verdict, *text;
	} cases[] = {
		{ "lena:100000:65536\n# x\nnonsense\nalice@initech:100000:65536\n:1:1\nlena:2013200000:0\n", "ok", "" },
		{ "lena:2013200384:65536", "ok", "" },
		{ "lena:2013331456:65536", "ok", "" },
		{ "lena:100000:65536\nalice@acme:165536:65536\n", "problem", "the partner alice@acme" },
		{ "2013265921:165536:65536", "problem", "the partner 2013265921" },
		{ "lena:2013200384:65537", "problem", "lena ids of acme" },
		{ "lena:2013331455:1", "problem", "lena ids of acme" },
		{ "lena:1:4294967295", "problem", "lena ids of acme" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put("/etc/subgid", cases[i].line);
		assert_found(&closed, "subids", cases[i].verdict, cases[i].text);
	}
	assert_found(NULL, "subids", "warning", "policy apply");
}

#define CONF "[federation]\nissuer = https://x\nclient_id = a\nclient_key = /k\n[organisation acme]\nid = 1\nrange = 0x78000000-0x7800ffff\n"

static void finds_shared_homes_with_ids_by_hash(void **state)
{
	static const struct {
		const char *mounts, *verdict, *text;
	} cases[] = {
		{ "/dev/vda1 / ext4 rw 0 0\n", "ok", "on no file system that other hosts share" },
		{ "files:/ / nfs4 rw 0 0\n", "problem", "(nfs4 on /)" },
		{ "files:/ / nfs4 rw 0 0\n/dev/vdb /home xfs rw 0 0\n", "ok", "" },
		{ "/dev/vda1 / ext4 rw 0 0\nfiles:/home /home nfs rw 0 0\n", "problem", "homes of acme's people are on a file system" },
		{ "files:/home /home nfs rw 0 0\n/dev/vdb /home xfs rw 0 0\n", "ok", "" },
		{ "/etc/auto.home /home autofs rw 0 0\n", "problem", "(autofs on /home)" },
		{ "/dev/vdb /home xfs rw 0 0\nm:/ /home/acme ceph rw 0 0\n", "problem", "(ceph on /home/acme)" },
		{ "m:/ /home/acme ceph rw 0 0\n/dev/vdb /home/acme ext4 rw 0 0\n", "ok", "" },
		{ "/dev/vdb /home xfs rw 0 0\n//f/alice /home/acme/alice cifs rw 0 0\n", "problem", "(cifs on /home/acme/alice)" },
		{ "/dev/vdb /home xfs rw 0 0\n//f/lena /home/lena cifs rw 0 0\nf:/ /home/acme2 nfs rw 0 0\nf:/ /srv nfs rw 0 0\n", "ok", "" },
		{ "f:/ /home/acme/alice/share nfs rw 0 0\n", "ok", "" },
		{ "f:/ /home/acme/alice fuse.sshfs rw 0 0\n", "problem", "fuse.sshfs" },
		{ "x /home fuse.gocryptfs rw 0 0\n", "ok", "" },
		{ "nonsense\n\n f:/\\040 /home\\040x nfs\n", "ok", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put("/proc/self/mounts", cases[i].mounts);
		put("/etc/b2b/b2b.conf", CONF);
		assert_found(&closed, "homes", cases[i].verdict, cases[i].text);
		put("/etc/b2b/b2b.conf", CONF "[host]\nhashed_ids = no\n");
		assert_found(&closed, "homes", "ok", "nobody is given an id by hash");
	}
}

static void says_what_shared_homes_need(void **state)
{
	static const struct {
		const char *conf, *text;
	} cases[] = {
		{ CONF, "pin the ids (b2bctl idmap export on one host, the file as idmap on all) and set hashed_ids = no" },
		{ CONF "[host]\nidmap = /etc/b2b/idmap\n", "neither a pin nor a number from the directory is given one by hash: set hashed_ids = no" },
		{ CONF "[host]\nhome = /home/%u\n", "(nfs on /home)" },
	};
	struct b2b_policy applied = closed;

	(void)state;
	put("/proc/self/mounts", "f:/ /home nfs rw 0 0\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put("/etc/b2b/b2b.conf", cases[i].conf);
		assert_found(&closed, "homes", "problem", cases[i].text);
	}
	put("/etc/b2b/b2b.conf", CONF "[host]\nhome = /srv/%o/%u\n");
	assert_found(&closed, "homes", "ok", "");
	put("/etc/b2b/b2b.conf", "nonsense");
	snprintf(applied.home, sizeof(applied.home), "/home/%%o/%%u");
	assert_found(&applied, "homes", "problem", "pin the ids");
}

static void finds_a_sudo_that_asks_nobody(void **state)
{
	(void)state;
	assert_found(&closed, "sudo", "ok", "no organisation may use sudo");
	put("/etc/b2b/b2b.conf", CONF);
	assert_found(&closed, "sudo", "ok", "");
	put("/etc/b2b/b2b.conf", CONF "sudo_approvers = group:leads\n");
	assert_found(&closed, "sudo", "problem", "commands of acme need an approval (sudo_approvers), and /etc/sudo.conf does not load sudo_b2b");
	put("/etc/sudo.conf", "Plugin sudoers_policy sudoers.so\n#Plugin b2b_approval sudo_b2b.so\n");
	assert_found(&closed, "sudo", "problem", "does not load sudo_b2b");
	put("/etc/sudo.conf", "Plugin sudoers_policy sudoers.so\nPlugin\tb2b_approval  sudo_b2b.so\n");
	assert_found(&closed, "sudo", "problem", "loads /usr/libexec/sudo/sudo_b2b.so, which is not there");
	put("/usr/libexec/sudo/sudo_b2b.so", "");
	assert_found(&closed, "sudo", "ok", "");
	put("/etc/sudo.conf", "Plugin b2b_approval /opt/sudo_b2b.so");
	assert_found(&closed, "sudo", "problem", "loads /opt/sudo_b2b.so, which is not there");
}

static void finds_a_sudo_that_remembers_for_too_long(void **state)
{
	static struct b2b_policy_org org = { .alias = "acme", .parent = -1, .range_lo = 2013265920, .range_hi = 2013331455, .services = 1 };
	struct b2b_policy policy = { .separator = '@', .n_orgs = 1, .orgs = &org, .n_services = 1, .services = { { .name = "sudo" } } };
	char sudoers[512];
	static const struct {
		const char *sudoers, *more;
		uint32_t max_age_s;
		const char *verdict, *text;
	} cases[] = {
		{ "", "", 0, "ok", "" },
		{ "", "", 900, "ok", "" },
		{ "", "", 899, "warning", "for 15 minutes whom it asked, and max_age of service sudo is 899s" },
		{ "Defaults env_reset, timestamp_timeout=5\n", "", 300, "ok", "" },
		{ "Defaults env_reset,timestamp_timeout=5.5 # why\n", "", 300, "warning", "for 5.5 minutes" },
		{ "Defaults timestamp_timeout=-1\n", "", 0, "warning", "for ever whom it asked, and service sudo has no max_age" },
		{ "Defaults timestamp_timeout=-1\n", "", 300, "warning", "for ever" },
		{ "Defaults !timestamp_timeout\n", "", 60, "ok", "" },
		{ "# Defaults timestamp_timeout=0\n", "", 60, "warning", "" },
		{ "Defaults:%partners timestamp_timeout=0\nDefaults timestamp_timeout=20\n", "", 60, "ok", "" },
		{ "Defaults timestamp_timeout=20\n", "Defaults:lena,%partners timestamp_timeout=0\n", 60, "ok", "" },
		{ "Defaults:%partnership timestamp_timeout=0\n", "Defaults@web7 timestamp_timeout=0\n", 60, "warning", "for 15 minutes" },
		{ "Defaults !pam_session\n", "", 0, "problem", "sudoers has !pam_session" },
		{ "Defaults !pam_session\n", "Defaults:ALL pam_session\n", 0, "ok", "" },
		{ "", "Defaults:%partners env_reset, !pam_acct_mgmt\n", 0, "problem", "sudoers has !pam_acct_mgmt" },
		{ "Defaults:lena !pam_acct_mgmt\n", "", 0, "ok", "" },
		{ "Defaults : lena\nDefaultsx !pam_session\n", "", 0, "ok", "" },
		{ "Defaults:lena , %partners !pam_session\n", "", 0, "problem", "sudoers has !pam_session" },
		{ "Defaults:!lena !pam_session\n", "", 0, "problem", "sudoers has !pam_session" },
		{ "Defaults env_reset, ! pam_session\n", "", 0, "problem", "sudoers has !pam_session" },
		{ "Defaults badpass_message=\"no, !pam_session # \", !pam_acct_mgmt\n", "", 0, "problem", "sudoers has !pam_acct_mgmt" },
		{ "Defaults badpass_message=\"no, !pam_session\"\n", "", 0, "ok", "" },
		/* for some commands, or some as whom they run: it counts where it is worse */
		{ "Defaults>root !pam_session\n", "", 0, "problem", "sudoers has !pam_session" },
		{ "Defaults>lena, root !pam_session\n", "Defaults>root pam_session", 0, "problem", "sudoers has !pam_session" },
		{ "Defaults!/usr/bin/id !pam_acct_mgmt\n", "", 0, "problem", "sudoers has !pam_acct_mgmt" },
		{ "Defaults>root timestamp_timeout=60\n", "Defaults:%partners timestamp_timeout=0\n", 900, "warning", "for 60 minutes" },
		{ "Defaults>root timestamp_timeout=-1\n", "", 900, "warning", "for ever" },
		{ "Defaults>root timestamp_timeout=0\n", "", 60, "warning", "for 15 minutes" },
		{ "Defaults@ALL !pam_session\n", "", 0, "problem", "sudoers has !pam_session" },
		{ "Defaults@no-host-of-ours !pam_session\n", "", 0, "ok", "" },
		{ "Defaults timestamp_timeout = 5\n", "", 300, "ok", "" },
		/* another service to PAM */
		{ "Defaults pam_service=other\n", "", 0, "problem", "sudoers has pam_service=other, so that" },
		{ "Defaults>root pam_service = \"other\"\n", "", 0, "problem", "sudoers has pam_service=other" },
		{ "Defaults pam_login_service=login\n", "", 0, "problem", "sudoers has pam_login_service=login" },
		{ "Defaults pam_askpass_service=x\n", "", 0, "problem", "sudoers has pam_askpass_service=x" },
		{ "Defaults pam_service=sudo, pam_login_service=sudo-i\n", "", 0, "ok", "" },
		{ "Defaults pam_service=other\n", "Defaults pam_service=sudo\n", 0, "ok", "" },
		/* lines and files */
		{ "Defaults env_reset, \\\n\t!pam_session\n", "", 0, "problem", "sudoers has !pam_session" },
		{ "Defaults \\\n\\\n !pam_session \\\n", "", 0, "problem", "sudoers has !pam_session" },
		{ "# Defaults env_reset, \\\nDefaults !pam_session\n", "", 0, "problem", "sudoers has !pam_session" },
		{ "# Defaults env_reset, \\\n!pam_session\n", "", 0, "ok", "" },
		{ "@include /etc/other/of-all\n", "", 0, "problem", "sudoers has !pam_session" },
		{ "#include other/of-all # or not\n", "", 0, "problem", "sudoers has !pam_session" },
		{ "", "@include \"../other/of all\"\n", 0, "problem", "sudoers has !pam_acct_mgmt" },
		{ "", "@include ../other/of\\ all\n", 0, "problem", "sudoers has !pam_acct_mgmt" },
		{ "# @include /etc/other/of-all\n", "@include /etc/nowhere\n", 0, "ok", "" },
		{ "@include /etc/sudoers\n", "", 0, "ok", "" }, /* sudo would not have it */
		{ "@includedir /etc/other\n", "Defaults pam_acct_mgmt\n", 0, "problem", "sudoers has !pam_session" },
	};

	(void)state;
	put("/etc/sudoers", "#includedir /etc/sudoers.d\n");
	put("/etc/sudoers.d/b2b", "Defaults !pam_session\n");
	assert_found(&policy, "sudo", "problem", "sudoers has !pam_session");
	put("/etc/sudoers", ""); /* then sudo does not read the folder */
	assert_found(&policy, "sudo", "ok", "");
	put("/etc/sudoers.d/README.md", "Defaults !pam_session\n"); /* sudo reads neither */
	put("/etc/sudoers.d/old~", "Defaults !pam_session\n");
	put("/etc/other/of-all", "Defaults !pam_session\n");
	put("/etc/other/of all", "Defaults !pam_acct_mgmt\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(sudoers, sizeof(sudoers), "%s\n@includedir /etc/sudoers.d\n", cases[i].sudoers);
		put("/etc/sudoers", sudoers);
		put("/etc/sudoers.d/b2b", cases[i].more);
		policy.services[0].max_age_s = cases[i].max_age_s;
		assert_found(&policy, "sudo", cases[i].verdict, cases[i].text);
	}
}

static void says_it_within_a_terminal(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *json;

	(void)state;
	put("/etc/nsswitch.conf", "passwd: files [NOTFOUND=return] b2b\n");
	put("/etc/nscd.conf", KEEPS);
	listens("/var/run/nscd/socket");
	json = examine(&closed);
	b2b_ctl_show_findings(out, json);
	fclose(out);
	assert_int_equal(b2b_ctl_number(json, "problems"), 3);
	assert_ptr_equal(strstr(text, "nsswitch      problem: passwd never comes to b2b"), text);
	assert_non_null(strstr(text, "\nuserdb        ok: "));
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= B2B_CTL_WIDTH);
	json_decref(json);
	free(text);
}

#define SSHD "/etc/ssh/sshd_config"
#define DROP_IN "/etc/ssh/sshd_config.d/50-b2b.conf"
#define STOCK "Include /etc/ssh/sshd_config.d/*.conf\nKbdInteractiveAuthentication no\nUsePAM yes\n"
#define OURS "UsePAM yes\nKbdInteractiveAuthentication yes\nLoginGraceTime 120\n"
#define KEYS "Match User *@*,*+*\n\tAuthorizedKeysCommand /usr/sbin/b2b-keys %u\n\tAuthorizedKeysCommandUser b2b-keys\nMatch all\n"

static void sshd_of_our_drop_in_is_well(void **state)
{
	(void)state;
	assert_found(&closed, "sshd", "ok", "there is no /etc/ssh/sshd_config");
	put(SSHD, STOCK);
	put(DROP_IN, OURS KEYS);
	assert_found(&closed, "sshd", "ok", "sshd asks PAM");
	put(SSHD, STOCK "Match User backup\n\tLoginGraceTime 5\n\tUsePAM no\n"); /* as sshd, which refuses both there */
	assert_found(&closed, "sshd", "ok", "sshd asks PAM");
}

static void sshd_without_it_is_not(void **state)
{
	(void)state;
	put(SSHD, STOCK);
	assert_found(&closed, "sshd", "problem", "KbdInteractiveAuthentication is no");
	put(SSHD, "usepam=no\nUsePAM yes\n"); /* the first counts */
	assert_found(&closed, "sshd", "problem", "UsePAM is not yes");
	put(SSHD, "# nothing\n");
	assert_found(&closed, "sshd", "problem", "UsePAM is not yes");
}

static void a_grace_time_that_is_too_short_for_an_approval_is_told(void **state)
{
	static const struct {
		const char *time, *verdict, *text;
	} times[] = {
		{ "30", "problem", "LoginGraceTime is 30s: sshd hangs up before somebody can approve" },
		{ "59s", "problem", "is 59s" },
		{ "30 # half a minute", "problem", "is 30s" },
		{ "1m", "ok", "" }, /* pam_b2b waits for no longer than that */
		{ "\"120\"", "ok", "" },
		{ "1h", "ok", "" },
		{ "1w", "ok", "" },
		{ "0", "ok", "" },
	};

	(void)state;
	put(SSHD, "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\nLoginGraceTime 5\n"); /* what comes later does not count */
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		char text[256];

		snprintf(text, sizeof(text), "LoginGraceTime %s\n%s", times[i].time, KEYS);
		put(DROP_IN, text);
		assert_found(&closed, "sshd", times[i].verdict, times[i].text);
	}
}

static void another_s_command_for_keys_that_goes_unasked_is_told(void **state)
{
	(void)state;
	put(DROP_IN, OURS KEYS);
	put(SSHD, STOCK "AuthorizedKeysCommand /usr/bin/sss_ssh_authorizedkeys\n");
	assert_found(&closed, "sshd", "warning", "/usr/bin/sss_ssh_authorizedkeys is not asked for names with @ or +, as b2b-keys is for all of them (Match User *@*,*+*): "
	             "people of that directory who are named so get no keys; name this host's partners there, as Match User *@acme");
	put(DROP_IN, OURS "Match User *@acme\nAuthorizedKeysCommand /usr/sbin/b2b-keys %u\n");
	assert_found(&closed, "sshd", "ok", "");
	put(SSHD, STOCK "AuthorizedKeysCommand none\n");
	put(DROP_IN, OURS KEYS);
	assert_found(&closed, "sshd", "ok", "");
	put(DROP_IN, OURS);
	put(SSHD, STOCK "AuthorizedKeysCommand /opt/keys\n");
	assert_found(&closed, "sshd", "warning", "/opt/keys for partners too, and b2b-keys for nobody");
	put(DROP_IN, OURS KEYS);
	put("/etc/ssh/sshd_config.d/10-other.conf", "Match Group staff\nAuthorizedKeysCommand /opt/keys\n");
	put(SSHD, STOCK);
	assert_found(&closed, "sshd", "warning", "/opt/keys stands in a block before that of b2b-keys (Match Group staff)");
}

static void a_partner_s_name_where_sshd_sees_a_host_is_told(void **state)
{
	(void)state;
	put(DROP_IN, OURS KEYS);
	put(SSHD, STOCK "DenyUsers root alice@acme\n");
	assert_found(&closed, "sshd", "problem", "DenyUsers alice@acme denies nobody: sshd takes acme for a host; write alice?acme");
	put(SSHD, STOCK "AllowUsers alice@acme\n");
	assert_found(&closed, "sshd", "problem", "AllowUsers alice@acme lets nobody in");
	put(SSHD, STOCK "DenyUsers root alice@10.0.0.1 alice?acme\n");
	assert_found(&closed, "sshd", "ok", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_nothing_on_a_host_that_is_well, make_host, remove_host),
		cmocka_unit_test_setup_teardown(sshd_of_our_drop_in_is_well, make_host, remove_host),
		cmocka_unit_test_setup_teardown(sshd_without_it_is_not, make_host, remove_host),
		cmocka_unit_test_setup_teardown(a_grace_time_that_is_too_short_for_an_approval_is_told, make_host, remove_host),
		cmocka_unit_test_setup_teardown(another_s_command_for_keys_that_goes_unasked_is_told, make_host, remove_host),
		cmocka_unit_test_setup_teardown(a_partner_s_name_where_sshd_sees_a_host_is_told, make_host, remove_host),
		cmocka_unit_test_setup_teardown(reads_nsswitch_as_the_c_library_does, make_host, remove_host),
		cmocka_unit_test_setup_teardown(finds_groups_that_are_not_asked_for, make_host, remove_host),
		cmocka_unit_test_setup_teardown(finds_nscd_that_keeps_ours, make_host, remove_host),
		cmocka_unit_test_setup_teardown(finds_nscd_that_starts_at_boot, make_host, remove_host),
		cmocka_unit_test_setup_teardown(takes_an_nscd_without_readable_configuration_for_one_that_keeps, make_host, remove_host),
		cmocka_unit_test_setup_teardown(looks_for_who_listens, make_host, remove_host),
		cmocka_unit_test_setup_teardown(finds_userdbd, make_host, remove_host),
		cmocka_unit_test_setup_teardown(finds_subordinate_ids, make_host, remove_host),
		cmocka_unit_test_setup_teardown(finds_shared_homes_with_ids_by_hash, make_host, remove_host),
		cmocka_unit_test_setup_teardown(says_what_shared_homes_need, make_host, remove_host),
		cmocka_unit_test_setup_teardown(finds_a_sudo_that_asks_nobody, make_host, remove_host),
		cmocka_unit_test_setup_teardown(finds_a_sudo_that_remembers_for_too_long, make_host, remove_host),
		cmocka_unit_test_setup_teardown(says_it_within_a_terminal, make_host, remove_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
