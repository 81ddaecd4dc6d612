#include "b2bctl/ctl.h"

#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#include "common/index.h"

static const struct verb {
	const char *words[2]; /* "policy" "apply" */
	int (*run)(struct b2b_ctl *ctl);
	enum { NO_OPERAND, MAY_OPERAND, OPERAND } operand;
	const char *usage, *meaning;
	enum { JSON = 1, ADDING = 2, OTHER_DIR = 4, WORDS = 8 } takes; /* options that not every verb does */
} verbs[] = {
	{ { "status" }, b2b_ctl_status, NO_OPERAND, "status", "how the agent, the directory and the signals are", JSON },
	{ { "orgs" }, b2b_ctl_orgs, NO_OPERAND, "orgs", "the organisations of this host", JSON },
	{ { "users" }, b2b_ctl_users, MAY_OPERAND, "users [ORGANISATION]", "their people", JSON },
	{ { "sessions" }, b2b_ctl_sessions, MAY_OPERAND, "sessions [ORGANISATION]", "who is logged in", JSON },
	{ { "sync" }, b2b_ctl_sync, NO_OPERAND, "sync", "begin a full pass over the directory now", JSON },
	{ { "policy", "check" }, b2b_ctl_policy_check, NO_OPERAND, "policy check", "read the configuration and say what applying it would change", 0 },
	{ { "policy", "apply" }, b2b_ctl_policy_apply, NO_OPERAND, "policy apply", "compile the configuration into the host's policy", 0 },
	{ { "org", "add" }, b2b_ctl_org_add, OPERAND, "org add ALIAS --id ID [--write]", "propose a section with a free range of ids", ADDING },
	{ { "cache", "dump" }, b2b_ctl_cache_dump, MAY_OPERAND, "cache dump [ORGANISATION]", "what stands in the files that names resolve from", JSON | OTHER_DIR | WORDS },
	{ { "cache", "verify" }, b2b_ctl_cache_verify, NO_OPERAND, "cache verify", "whether these files are sound, and what to do", JSON | OTHER_DIR },
};

enum { OPTION_CONF = 256, OPTION_DIR, OPTION_ID, OPTION_JSON, OPTION_WORDS, OPTION_WRITE, OPTION_HELP, OPTION_VERSION };

static const struct option options[] = {
	{ "dir", required_argument, NULL, OPTION_DIR },   { "words", no_argument, NULL, OPTION_WORDS },
	{ "conf", required_argument, NULL, OPTION_CONF }, { "id", required_argument, NULL, OPTION_ID }, { "json", no_argument, NULL, OPTION_JSON },
	{ "write", no_argument, NULL, OPTION_WRITE },     { "help", no_argument, NULL, OPTION_HELP },   { "version", no_argument, NULL, OPTION_VERSION },
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

static int help(FILE *out)
{
	fputs("usage: b2bctl VERB [OPTION]...\n\n", out);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		fprintf(out, "  %-32s%s\n", verbs[i].usage, verbs[i].meaning);
	fputs("\n  --json       status, orgs, users, sessions, sync, cache: print JSON\n"
	      "  --conf FILE  policy, org, cache verify: instead of " B2B_CONF_PATH "\n"
	      "  --dir DIR    cache: instead of " B2B_CACHE_DIR ", also a copy\n"
	      "  --words      cache dump: every state word, not only their numbers\n"
	      "  --write      org add: append the section to the configuration\n"
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

static int run_verb(struct b2b_ctl *ctl, char **words, int n)
{
	const struct verb *verb;
	int used = 0;

	if (n == 0)
		return usage(ctl, "a verb is missing", NULL);
	verb = find_verb(words, n, &used);
	if (!verb)
		return usage(ctl, "there is no verb", words[0]);
	if (verb->operand == OPERAND && n == used)
		return b2b_ctl_fail(ctl, B2B_CTL_USAGE, "usage: b2bctl %s", verb->usage);
	if (n - used > (verb->operand == NO_OPERAND ? 0 : 1))
		return usage(ctl, "one word too many:", words[n - 1]);
	if (ctl->json && !(verb->takes & JSON))
		return usage(ctl, "--json does not go with", verb->usage);
	if ((ctl->id || ctl->write) && !(verb->takes & ADDING))
		return usage(ctl, "--id and --write do not go with", verb->usage);
	if (ctl->other_dir && !(verb->takes & OTHER_DIR))
		return usage(ctl, "--dir does not go with", verb->usage);
	if (ctl->words && !(verb->takes & WORDS))
		return usage(ctl, "--words does not go with", verb->usage);
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
		case OPTION_HELP:
			return help(out);
		case OPTION_VERSION:
			return fputs("b2bctl " B2B_VERSION "\n", out) < 0 ? B2B_CTL_FAILED : B2B_CTL_OK;
		default:
			return usage(&ctl, "this option is wrong, or lacks its value:", argv[optind - 1]);
		}
	}
	return run_verb(&ctl, argv + optind, argc - optind);
}
