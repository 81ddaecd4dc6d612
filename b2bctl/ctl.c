#include "b2bctl/ctl.h"

#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#include "common/index.h"

#define MANY 1000

static const struct verb {
	const char *words[2]; /* "policy" "apply" */
	int (*run)(struct b2b_ctl *ctl);
	int least, most; /* operands */
	enum {
		WITH_JSON = 1,
		WITH_ID = 2,
		WITH_WRITE = 4,
		WITH_GROUP = 8,
		WITH_DIR = 16,
		WITH_WORDS = 32,
		WITH_REASON = 64,
		WITH_ALL = 128,
		WITH_LIST = 256,
		WITH_ENROLL = 512,
		WITH_FORCE = 1024,
	} options;
	const char *usage, *meaning;
} verbs[] = {
	{ { "status" }, b2b_ctl_status, 0, 0, WITH_JSON, "status", "how the agent, the directory and the signals are" },
	{ { "metrics" }, b2b_ctl_metrics, 0, 0, 0, "metrics", "figures for Prometheus" },
	{ { "orgs" }, b2b_ctl_orgs, 0, 0, WITH_JSON, "orgs", "the organisations of this host" },
	{ { "users" }, b2b_ctl_users, 0, 1, WITH_JSON, "users [ORGANISATION]", "their people" },
	{ { "sessions" }, b2b_ctl_sessions, 0, 1, WITH_JSON, "sessions [ORGANISATION]", "who is logged in" },
	{ { "sync" }, b2b_ctl_sync, 0, 0, WITH_JSON, "sync", "begin a full pass over the directory now" },
	{ { "doctor" }, b2b_ctl_doctor, 0, 0, WITH_JSON, "doctor", "what of this host undoes what b2b promises" },
	{ { "revoke", "user" }, b2b_ctl_revoke_user, 1, 1, WITH_JSON | WITH_REASON, "revoke user NAME --reason TEXT", "close a person here and end their sessions" },
	{ { "revoke", "org" }, b2b_ctl_revoke_org, 1, 1, WITH_JSON | WITH_REASON, "revoke org ORGANISATION --reason TEXT",
	  "close an organisation here, with all below it" },
	{ { "revoke", "session" }, b2b_ctl_revoke_session, 1, 1, WITH_JSON | WITH_REASON, "revoke session ID --reason TEXT", "end one session" },
	{ { "reinstate", "user" }, b2b_ctl_reinstate_user, 1, 1, WITH_JSON, "reinstate user NAME", "lift such a closing of a person" },
	{ { "reinstate", "org" }, b2b_ctl_reinstate_org, 1, 1, WITH_JSON, "reinstate org ORGANISATION", "and of an organisation" },
	{ { "close" }, b2b_ctl_close, 0, 0, WITH_JSON | WITH_REASON | WITH_ALL, "close --all --reason TEXT", "close every partner at once" },
	{ { "open" }, b2b_ctl_open, 0, 0, WITH_JSON | WITH_ALL, "open --all", "lift it" },
	{ { "distrust", "key" }, b2b_ctl_distrust_key, 1, 1, WITH_JSON | WITH_REASON, "distrust key KID [--reason TEXT]",
	  "refuse what one of the issuer's keys signed" },
	{ { "trust", "key" }, b2b_ctl_trust_key, 1, 1, WITH_JSON, "trust key KID", "trust it again" },
	{ { "approve" }, b2b_ctl_approve, 0, 1, WITH_JSON | WITH_LIST, "approve ORGANISATION | --list", "a mass removal that waits for a word" },
	{ { "clock", "accept" }, b2b_ctl_clock_accept, 0, 0, WITH_JSON, "clock accept", "the clock is right, and was ahead before" },
	{ { "enroll" }, b2b_ctl_enroll, 0, 1, WITH_ENROLL | WITH_FORCE, "enroll ISSUER", "make this host a client of the federation service" },
	{ { "unenroll" }, b2b_ctl_unenroll, 0, 0, WITH_FORCE, "unenroll", "take this host from the federation service" },
	{ { "policy", "check" }, b2b_ctl_policy_check, 0, 0, 0, "policy check", "read the configuration and say what applying it would change" },
	{ { "policy", "apply" }, b2b_ctl_policy_apply, 0, 0, 0, "policy apply", "compile the configuration into the host's policy" },
	{ { "org", "add" }, b2b_ctl_org_add, 1, 1, WITH_ID | WITH_WRITE, "org add ALIAS --id ID [--write]", "propose a section with a free range of ids" },
	{ { "cache", "dump" }, b2b_ctl_cache_dump, 0, 1, WITH_JSON | WITH_DIR | WITH_WORDS, "cache dump [ORGANISATION]",
	  "what stands in the files that names resolve from" },
	{ { "cache", "verify" }, b2b_ctl_cache_verify, 0, 0, WITH_JSON | WITH_DIR, "cache verify", "whether these files are sound, and what to do" },
	{ { "idmap", "preview" }, b2b_ctl_idmap_preview, 2, MANY, WITH_JSON | WITH_GROUP, "idmap preview ORGANISATION OWNER...",
	  "which id somebody has or would get, and why" },
	{ { "idmap", "pin" }, b2b_ctl_idmap_pin, 2, 3, WITH_WRITE | WITH_GROUP, "idmap pin ORGANISATION OWNER [ID] [--write]", "a line for the file of pinned ids" },
	{ { "idmap", "export" }, b2b_ctl_idmap_export, 0, 1, 0, "idmap export [ORGANISATION]", "this host's ids as such a file" },
	{ { "idmap", "show" }, b2b_ctl_idmap_show, 0, 1, WITH_JSON, "idmap [show] [NAME|ID|ORGANISATION]", "who has which id, for ever" },
	{ { "idmap" }, b2b_ctl_idmap_show, 0, 1, WITH_JSON, NULL, NULL },
};

enum {
	OPTION_CONF = 256, OPTION_DIR, OPTION_ID, OPTION_JSON, OPTION_WORDS, OPTION_WRITE, OPTION_GROUP, OPTION_REASON, OPTION_ALL, OPTION_LIST, OPTION_HELP,
	OPTION_VERSION, OPTION_AUTH, OPTION_TOKEN_FILE, OPTION_CLIENT_ID, OPTION_CA_FILE, OPTION_PROXY, OPTION_NAME, OPTION_ROLLOVER, OPTION_RETIRE,
	OPTION_TEST, OPTION_MANUAL, OPTION_FORCE,
};

static const struct option options[] = {
	{ "conf", required_argument, NULL, OPTION_CONF }, { "id", required_argument, NULL, OPTION_ID }, { "json", no_argument, NULL, OPTION_JSON },
	{ "write", no_argument, NULL, OPTION_WRITE },     { "help", no_argument, NULL, OPTION_HELP },   { "version", no_argument, NULL, OPTION_VERSION },
	{ "dir", required_argument, NULL, OPTION_DIR },   { "words", no_argument, NULL, OPTION_WORDS }, { "group", no_argument, NULL, OPTION_GROUP },
	{ "reason", required_argument, NULL, OPTION_REASON }, { "all", no_argument, NULL, OPTION_ALL }, { "list", no_argument, NULL, OPTION_LIST },
	{ "auth", required_argument, NULL, OPTION_AUTH }, { "token-file", required_argument, NULL, OPTION_TOKEN_FILE },
	{ "client-id", required_argument, NULL, OPTION_CLIENT_ID }, { "ca-file", required_argument, NULL, OPTION_CA_FILE },
	{ "proxy", required_argument, NULL, OPTION_PROXY }, { "name", required_argument, NULL, OPTION_NAME },
	{ "rollover", no_argument, NULL, OPTION_ROLLOVER }, { "retire", no_argument, NULL, OPTION_RETIRE },
	{ "test", no_argument, NULL, OPTION_TEST },       { "manual", no_argument, NULL, OPTION_MANUAL },
	{ "force", no_argument, NULL, OPTION_FORCE },
	{ NULL, 0, NULL, 0 },
};

int b2b_ctl_fail(struct b2b_ctl *ctl, int code, const char *format, ...)
{
	va_list args;

	fputs("b2bctl: ", ctl->err);
	va_start(args, format);
	vfprintf(ctl->err, format, args);
	va_end(args);
	fputc('\n', ctl->err);
	return code;
}

/* A usage that does not fit its column has a line of its own. */
static void help_verb(FILE *out, const struct verb *verb)
{
	if (strlen(verb->usage) > 31)
		fprintf(out, "  %s\n%34s%s\n", verb->usage, "", verb->meaning);
	else
		fprintf(out, "  %-32s%s\n", verb->usage, verb->meaning);
}

static int help(FILE *out)
{
	fputs("usage: b2bctl VERB [OPTION]...\n\n", out);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (verbs[i].usage)
			help_verb(out, &verbs[i]);
	fputs("\n  --json       all but policy, org, idmap pin and export: print JSON\n"
	      "  --conf FILE  policy, org, cache verify, idmap pin: not " B2B_CONF_PATH "\n"
	      "  --dir DIR    cache: instead of " B2B_CACHE_DIR ", also a copy\n"
	      "  --words      cache dump: every state word, not only their numbers\n"
	      "  --group      idmap preview, pin: OWNER is a group\n"
	      "  --reason TEXT  what the people concerned are told\n"
	      "  --write      org add, idmap pin: append to the file\n"
	      "  --token-file, --auth, --client-id, --name, --ca-file, --proxy, --manual,\n"
	      "  --rollover, --retire, --test, --force   enroll: see b2bctl(8)\n"
	      "  --help, --version\n\n"
	      "exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 b2bd does not\n"
	      "answer, 78 wrong configuration. See b2bctl(8).\n",
	      out);
	return B2B_CTL_OK;
}

static int usage(struct b2b_ctl *ctl, const char *what, const char *found)
{
	return b2b_ctl_fail(ctl, B2B_CTL_USAGE, "%s%s%s; b2bctl --help lists what there is", what, found ? " " : "", found ? found : "");
}

/* Finds the verb that WORDS begin with. */
static const struct verb *find_verb(char **words, int n, int *ret_used)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		int used = verbs[i].words[1] ? 2 : 1;

		if (n < used || strcmp(words[0], verbs[i].words[0]) != 0 || (used == 2 && strcmp(words[1], verbs[i].words[1]) != 0))
			continue;
		*ret_used = used;
		return &verbs[i];
	}
	return NULL;
}

static bool enroll_option(const struct b2b_ctl *ctl)
{
	return ctl->enroll.auth || ctl->enroll.token_file || ctl->enroll.client_id || ctl->enroll.ca_file || ctl->enroll.proxy || ctl->enroll.name ||
	       ctl->enroll.rollover || ctl->enroll.retire || ctl->enroll.test || ctl->enroll.manual;
}

/* Options that enroll alone takes; false for another one. */
static bool take_enroll_option(struct b2b_ctl *ctl, int option)
{
	switch (option) {
	case OPTION_AUTH: ctl->enroll.auth = optarg; return true;
	case OPTION_TOKEN_FILE: ctl->enroll.token_file = optarg; return true;
	case OPTION_CLIENT_ID: ctl->enroll.client_id = optarg; return true;
	case OPTION_CA_FILE: ctl->enroll.ca_file = optarg; return true;
	case OPTION_PROXY: ctl->enroll.proxy = optarg; return true;
	case OPTION_NAME: ctl->enroll.name = optarg; return true;
	case OPTION_ROLLOVER: ctl->enroll.rollover = true; return true;
	case OPTION_RETIRE: ctl->enroll.retire = true; return true;
	case OPTION_TEST: ctl->enroll.test = true; return true;
	case OPTION_MANUAL: ctl->enroll.manual = true; return true;
	case OPTION_FORCE: ctl->enroll.force = true; return true;
	default: return false;
	}
}

/* An option that VERB does not take; NULL: none. */
static const char *wrong_option(const struct b2b_ctl *ctl, const struct verb *verb)
{
	if (ctl->json && !(verb->options & WITH_JSON))
		return "--json does not go with";
	if (ctl->id && !(verb->options & WITH_ID))
		return "--id does not go with";
	if (ctl->write && !(verb->options & WITH_WRITE))
		return "--write does not go with";
	if (ctl->group && !(verb->options & WITH_GROUP))
		return "--group does not go with";
	if (ctl->other_dir && !(verb->options & WITH_DIR))
		return "--dir does not go with";
	if (ctl->words && !(verb->options & WITH_WORDS))
		return "--words does not go with";
	if (ctl->reason && !(verb->options & WITH_REASON))
		return "--reason does not go with";
	if (ctl->all && !(verb->options & WITH_ALL))
		return "--all does not go with";
	if (ctl->list && !(verb->options & WITH_LIST))
		return "--list does not go with";
	if (ctl->enroll.force && !(verb->options & WITH_FORCE))
		return "--force does not go with";
	if (enroll_option(ctl) && !(verb->options & WITH_ENROLL))
		return "the options of enroll do not go with";
	return NULL;
}

static int run_verb(struct b2b_ctl *ctl, char **words, int n)
{
	const struct verb *verb;
	const char *wrong;
	int used = 0;

	if (n == 0)
		return usage(ctl, "a verb is missing", NULL);
	verb = find_verb(words, n, &used);
	if (!verb)
		return usage(ctl, "there is no verb", words[0]);
	if (n - used < verb->least)
		return b2b_ctl_fail(ctl, B2B_CTL_USAGE, "usage: b2bctl %s", verb->usage);
	if (n - used > verb->most)
		return usage(ctl, "one word too many:", words[n - 1]);
	wrong = wrong_option(ctl, verb);
	if (wrong)
		return usage(ctl, wrong, verb->usage ? verb->usage : verb->words[0]);
	ctl->operands = words + used;
	ctl->n_operands = n - used;
	ctl->operand = n > used ? words[used] : NULL;
	return verb->run(ctl);
}

int b2b_ctl_main(int argc, char **argv, FILE *out, FILE *err)
{
	struct b2b_ctl ctl = { .out = out, .err = err, .conf_path = B2B_CONF_PATH, .cache_dir = B2B_CACHE_DIR };
	int option;

	opterr = 0;
	optind = 0; /* glibc: begin anew, also when called again */
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case OPTION_CONF:
			ctl.conf_path = optarg;
			ctl.other_conf = true;
			break;
		case OPTION_DIR:
			ctl.cache_dir = optarg;
			ctl.other_dir = true;
			break;
		case OPTION_WORDS:
			ctl.words = true;
			break;
		case OPTION_ID:
			ctl.id = optarg;
			break;
		case OPTION_JSON:
			ctl.json = true;
			break;
		case OPTION_WRITE:
			ctl.write = true;
			break;
		case OPTION_GROUP:
			ctl.group = true;
			break;
		case OPTION_REASON:
			ctl.reason = optarg;
			break;
		case OPTION_ALL:
			ctl.all = true;
			break;
		case OPTION_LIST:
			ctl.list = true;
			break;
		case OPTION_HELP:
			return help(out);
		case OPTION_VERSION:
			return fputs("b2bctl " B2B_VERSION "\n", out) < 0 ? B2B_CTL_FAILED : B2B_CTL_OK;
		default:
			if (take_enroll_option(&ctl, option))
				break;
			return usage(&ctl, "this option is wrong, or lacks its value:", argv[optind - 1]);
		}
	}
	return run_verb(&ctl, argv + optind, argc - optind);
}
