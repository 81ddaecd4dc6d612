#include "sudo_b2b/command.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sudo_b2b/environment.h"
#include "sudo_b2b/quote.h"

#define PASSWD_SIZE 4096

/* As whom it runs. */
struct target {
	struct passwd pw;
	char buf[PASSWD_SIZE];
	bool known; /* PW is filled in */
};

const char *b2b_sudo_value(char *const vector[], const char *name)
{
	size_t len = strlen(name);

	for (; vector && *vector; vector++) {
		if (strncmp(*vector, name, len) == 0 && (*vector)[len] == '=')
			return *vector + len + 1;
	}
	return NULL;
}

int b2b_sudo_number(char *const vector[], const char *name, uint32_t *ret_number)
{
	const char *value = b2b_sudo_value(vector, name);
	unsigned long long number;
	char *end;

	if (!value)
		return -ENOENT;
	if (*value < '0' || *value > '9')
		return -EINVAL;
	number = strtoull(value, &end, 10);
	if (*end || number > UINT32_MAX)
		return -EINVAL;
	*ret_number = (uint32_t)number;
	return 0;
}

static bool is_set(char *const vector[], const char *name)
{
	const char *value = b2b_sudo_value(vector, name);

	return value && strcmp(value, "true") == 0;
}

static void put_word(struct b2b_quote *out, const char *word)
{
	b2b_quote_word(out, word, strlen(word));
}

/* The user by the number that sudo will use: what it calls them is for its own log. */
static int find_target(char *const info[], struct target *target, uint32_t *ret_uid)
{
	struct passwd *found = NULL;
	uint32_t euid;
	int r = b2b_sudo_number(info, "runas_uid", ret_uid);

	if (r < 0 || (b2b_sudo_number(info, "runas_euid", &euid) == 0 && euid != *ret_uid))
		return -EINVAL;
	target->known = getpwuid_r(*ret_uid, &target->pw, target->buf, sizeof(target->buf), &found) == 0 && found;
	return 0;
}

static int describe_target(char *const info[], const struct target *target, struct b2b_ask_command *ask)
{
	const char *group = b2b_sudo_value(info, "runas_group");
	bool groups = is_set(info, "preserve_groups");
	char number[16];
	struct b2b_quote out;

	snprintf(number, sizeof(number), "#%u", ask->as_uid);
	b2b_quote_begin(&out, ask->runas, sizeof(ask->runas));
	put_word(&out, target->known ? target->pw.pw_name : number);
	if (group) {
		b2b_quote_plain(&out, ":");
		put_word(&out, group);
	}
	if (groups)
		b2b_quote_plain(&out, " with their own groups");
	if (target->known && !group && !groups && strlen(target->pw.pw_name) < sizeof(ask->as_user))
		memcpy(ask->as_user, target->pw.pw_name, strlen(target->pw.pw_name));
	return out.full ? -E2BIG : 0;
}

static int describe_directory(char *const user_info[], char *const info[], struct b2b_ask_command *ask)
{
	const char *cwd = b2b_sudo_value(info, "cwd"), *root = b2b_sudo_value(info, "chroot");
	struct b2b_quote out;

	if (!cwd)
		cwd = b2b_sudo_value(user_info, "cwd");
	b2b_quote_begin(&out, ask->directory, sizeof(ask->directory));
	put_word(&out, cwd ? cwd : "");
	if (root) {
		b2b_quote_plain(&out, " (root ");
		put_word(&out, root);
		b2b_quote_plain(&out, ")");
	}
	return out.full ? -E2BIG : 0;
}

/* Returns whether there was anything to show. */
static bool put_environment(struct b2b_quote *out, char *const envp[], const struct target *target)
{
	const char *home = target->known ? target->pw.pw_dir : "", *shell = target->known ? target->pw.pw_shell : "";
	bool any = false;

	for (; envp && *envp; envp++) {
		const char *equals = strchr(*envp, '=');

		if (b2b_sudo_harmless(*envp, home, shell))
			continue;
		b2b_quote_word(out, *envp, equals ? (size_t)(equals - *envp) : strlen(*envp));
		b2b_quote_plain(out, "=");
		put_word(out, equals ? equals + 1 : "");
		b2b_quote_plain(out, " ");
		any = true;
	}
	return any;
}

static const char *base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What else decides what happens: brackets are quoted in words, so these are no arguments. Returns whether there was anything. */
static bool put_manner(struct b2b_quote *out, char *const info[], const char *command, const char *called)
{
	static const char *const manners[] = { "selinux_role", "selinux_type", "apparmor_profile" };
	bool any = strcmp(base(called), base(command)) != 0;

	if (any) {
		b2b_quote_plain(out, " (called ");
		put_word(out, called);
		b2b_quote_plain(out, ")");
	}
	for (size_t i = 0; i < sizeof(manners) / sizeof(*manners); i++) {
		const char *value = b2b_sudo_value(info, manners[i]);

		if (!value)
			continue;
		b2b_quote_plain(out, " (");
		b2b_quote_plain(out, manners[i]);
		b2b_quote_plain(out, " ");
		put_word(out, value);
		b2b_quote_plain(out, ")");
		any = true;
	}
	return any;
}

static void put_arguments(struct b2b_quote *out, char *const *argument)
{
	for (; *argument; argument++) {
		b2b_quote_plain(out, " ");
		put_word(out, *argument);
	}
}

/* The editor runs as who asks; what is approved are the files. They stand behind "--". */
static int describe_edit(char *const argv[], struct b2b_ask_command *ask)
{
	struct b2b_quote out;

	while (*argv && strcmp(*argv, "--") != 0)
		argv++;
	if (!*argv || !argv[1])
		return -EINVAL;
	b2b_quote_begin(&out, ask->text, sizeof(ask->text));
	b2b_quote_plain(&out, "sudoedit");
	put_arguments(&out, argv + 1);
	return out.full ? -E2BIG : 0;
}

static int describe_run(char *const info[], char *const argv[], char *const envp[], const struct target *target, struct b2b_ask_command *ask)
{
	const char *command = b2b_sudo_value(info, "command");
	bool more;
	struct b2b_quote out;

	if (!command || *command != '/' || !argv[0])
		return -EINVAL;
	b2b_quote_begin(&out, ask->text, sizeof(ask->text));
	more = put_environment(&out, envp, target);
	put_word(&out, command);
	put_arguments(&out, argv + 1);
	more |= put_manner(&out, info, command, argv[0]);
	if (out.full)
		return -E2BIG;
	if (!more && !b2b_sudo_value(info, "chroot") && strlen(command) < sizeof(ask->path))
		memcpy(ask->path, command, strlen(command));
	return 0;
}

int b2b_sudo_describe(char *const user_info[], char *const command_info[], char *const argv[], char *const envp[], struct b2b_ask_command *ask)
{
	struct target target = { .known = false };
	int r = argv ? find_target(command_info, &target, &ask->as_uid) : -EINVAL;

	if (r == 0)
		r = describe_target(command_info, &target, ask);
	if (r == 0)
		r = describe_directory(user_info, command_info, ask);
	if (r < 0)
		return r;
	return is_set(command_info, "sudoedit") ? describe_edit(argv, ask) : describe_run(command_info, argv, envp, &target, ask);
}
