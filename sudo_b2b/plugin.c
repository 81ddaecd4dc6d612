/*
 * sudo's approval plug-in: what a partner runs, or is run as a partner, needs the agent's word, also while sudo's own time stamp skips
 * authentication. For everybody else it says yes before anything but the index was opened.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "common/cache.h"
#include "common/clean.h"
#include "common/log.h"
#include "sudo_b2b/ask.h"
#include "sudo_b2b/command.h"

#define VISIBLE __attribute__((visibility("default")))

/* sudo hands out no handle: between open and close there is one command. The vectors are sudo's, and live as long. */
static struct {
	b2b_sudo_print *print;
	char *const *settings, *const *user_info, *const *options;
	char error[B2B_MESSAGE_SIZE + B2B_AUDIT_ID_SIZE + 16];
} opened;

static int plugin_open(unsigned version, b2b_sudo_converse *converse, b2b_sudo_print *print, char *const settings[], char *const user_info[],
                       int submit_optind, char *const submit_argv[], char *const submit_envp[], char *const options[], const char **ret_error)
{
	(void)converse, (void)submit_optind, (void)submit_argv, (void)submit_envp;
	memset(&opened, 0, sizeof(opened));
	if (version >> 16 != B2B_SUDO_API_MAJOR || !print) {
		*ret_error = "sudo speaks another version of the plug-in interface than sudo_b2b";
		return -1;
	}
	opened.print = print;
	opened.settings = settings;
	opened.user_info = user_info;
	opened.options = options;
	return 1;
}

static void plugin_close(void)
{
	memset(&opened, 0, sizeof(opened));
}

static bool in_space(uint32_t uid)
{
	return uid >= B2B_RANGE_FIRST && uid <= B2B_RANGE_LAST;
}

/* By number, whatever its name; by name, whatever its number: in doubt it is a partner. */
static bool is_partner(struct b2b_cache *cache, uint32_t uid, const char *name)
{
	if (in_space(uid))
		return true;
	return name && (cache ? b2b_cache_ours(cache, name) == 1 : b2b_name_candidate(name));
}

/* Is a partner who runs it, or as whom it runs? */
static bool concerns_us(char *const command_info[], uint32_t uid)
{
	struct b2b_cache *cache = NULL;
	uint32_t as_uid = 0;
	bool ours;

	if (b2b_cache_new(NULL, &cache) < 0)
		cache = NULL;
	b2b_sudo_number(command_info, "runas_uid", &as_uid);
	ours = is_partner(cache, uid, b2b_sudo_value(opened.user_info, "user")) ||
	       is_partner(cache, as_uid, b2b_sudo_value(command_info, "runas_user"));
	b2b_cache_free(cache);
	return ours;
}

static bool is_set(const char *name)
{
	const char *value = b2b_sudo_value(opened.settings, name);

	return value && strcmp(value, "true") == 0;
}

/* Who asks, and from where. Returns 0 or -E2BIG: what does not fit might look like somebody else. */
static int fill_origin(struct b2b_origin *origin)
{
	const char *user = b2b_sudo_value(opened.user_info, "user"), *tty = b2b_sudo_value(opened.user_info, "tty");

	snprintf(origin->service, sizeof(origin->service), "%s", is_set("login_shell") ? "sudo-i" : "sudo");
	snprintf(origin->tty, sizeof(origin->tty), "%s", tty ? tty : "");
	return !user || (size_t)snprintf(origin->user, sizeof(origin->user), "%s", user) >= sizeof(origin->user) ? -E2BIG : 0;
}

static enum b2b_reason fill(struct b2b_ask_command *ask, uint32_t uid, char *const command_info[], char *const argv[], char *const envp[])
{
	int r;

	memset(ask, 0, sizeof(*ask));
	ask->uid = uid;
	ask->flags = is_set("noninteractive") ? B2B_COMMAND_NO_WAIT : 0;
	r = fill_origin(&ask->origin);
	if (r == 0)
		r = b2b_sudo_describe(opened.user_info, command_info, argv, envp, ask);
	return r == -E2BIG ? B2B_SUDO_TOO_LONG : r < 0 ? B2B_INTERNAL : B2B_OK;
}

/* To the log of authentications, as PAM modules do: the agent may not have been asked, or not have been heard. */
static void log_refusal(enum b2b_reason reason, const char *id)
{
	const char *user = b2b_sudo_value(opened.user_info, "user"), *tty = b2b_sudo_value(opened.user_info, "tty");
	char line[512];

	b2b_audit_format(line, sizeof(line), "sudo-refused", NULL, user, b2b_reason_code(reason), id, NULL);
	b2b_audit_field(line, sizeof(line), "tty", tty);
	syslog(LOG_AUTHPRIV | LOG_NOTICE, "sudo_b2b: %s", line);
}

static void tell(enum b2b_reason reason, struct b2b_say_decision *decision)
{
	bool agents = decision->reason == (int32_t)reason && *decision->message;
	const char *text = reason == B2B_OK ? "Approved." : agents ? decision->message : b2b_reason_text(reason);

	b2b_clean_text(decision->message, false);
	b2b_clean_text(decision->audit_id, false);
	if (!*decision->audit_id)
		b2b_audit_id(decision->audit_id);
	snprintf(opened.error, sizeof(opened.error), "%s (reference %s)", text, decision->audit_id);
	opened.print(B2B_SUDO_ERROR_MSG | B2B_SUDO_PREFER_TTY, "%s%s\n", reason == B2B_OK ? "" : "sudo: ", opened.error);
	if (reason != B2B_OK)
		log_refusal(reason, decision->audit_id);
}

/* Returns as check does. */
static int judge(uint32_t uid, char *const command_info[], char *const argv[], char *const envp[])
{
	struct b2b_ask_command ask;
	struct b2b_say_decision decision = { .reason = B2B_INTERNAL };
	bool shown = false, interrupted = false;
	enum b2b_reason reason = geteuid() != 0 ? B2B_NOT_ROOT : fill(&ask, uid, command_info, argv, envp);

	if (reason == B2B_OK && opened.options && *opened.options) {
		opened.print(B2B_SUDO_ERROR_MSG, "sudo: sudo_b2b takes no options, and has some in sudo.conf; partners are refused\n");
		reason = B2B_INTERNAL;
	}
	if (reason == B2B_OK)
		reason = b2b_sudo_ask(&ask, opened.print, &decision, &shown, &interrupted);
	if (interrupted)
		snprintf(opened.error, sizeof(opened.error), "given up before anybody approved it");
	else if (reason != B2B_OK || shown)
		tell(reason, &decision);
	return reason == B2B_OK;
}

static int plugin_check(char *const command_info[], char *const run_argv[], char *const run_envp[], const char **ret_error)
{
	uint32_t uid;
	int r;

	if (b2b_sudo_number(opened.user_info, "uid", &uid) < 0) {
		*ret_error = "sudo does not say who runs it";
		return -1;
	}
	if (!concerns_us(command_info, uid))
		return 1;
	r = judge(uid, command_info, run_argv, run_envp);
	if (r != 1)
		*ret_error = opened.error;
	return r;
}

static int plugin_show_version(int verbose)
{
	(void)verbose;
	opened.print(B2B_SUDO_INFO_MSG, "b2b approval plug-in for API %d.%d\n", B2B_SUDO_API_MAJOR, B2B_SUDO_API_MINOR);
	return 1;
}

VISIBLE struct b2b_sudo_approval b2b_approval = {
	.type = B2B_SUDO_APPROVAL,
	.version = B2B_SUDO_API,
	.open = plugin_open,
	.close = plugin_close,
	.check = plugin_check,
	.show_version = plugin_show_version,
};
