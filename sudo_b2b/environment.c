#include "sudo_b2b/environment.h"

#include <string.h>

/* Does "NAME=…" have a name out of NAMES? One that ends in '*' stands for all that begin so. */
static bool is_one_of(const char *variable, const char *const *names)
{
	size_t len = strcspn(variable, "=");

	for (; *names; names++) {
		size_t n = strlen(*names);

		if ((*names)[n - 1] == '*' ? len >= n - 1 && strncmp(variable, *names, n - 1) == 0 : len == n && strncmp(variable, *names, n) == 0)
			return true;
	}
	return false;
}

/* A path is only looked through where root alone writes. */
static bool is_roots_path(const char *path)
{
	static const char *const folders[] = { "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/snap/bin", NULL };

	do {
		size_t len = strcspn(path, ":"), i = 0;

		while (folders[i] && (strlen(folders[i]) != len || strncmp(folders[i], path, len) != 0))
			i++;
		if (!folders[i])
			return false;
		path += len;
	} while (*path++ == ':');
	return true;
}

/* A path or a format string can stand in what is to be a word: sudo's env_check, for the same reason. */
static bool is_word(const char *value)
{
	return !strpbrk(value, "/%");
}

bool b2b_sudo_harmless(const char *variable, const char *home, const char *shell)
{
	/* what sudo sets by itself, and what a screen looks like */
	static const char *const any[] = { "SUDO_COMMAND", "SUDO_USER", "SUDO_UID", "SUDO_GID", "SUDO_HOME", "SUDO_TTY", "SUDO_PS1", "USER", "LOGNAME", "USERNAME",
		                           "MAIL", "DISPLAY", "XAUTHORITY", "XAUTHORIZATION", "COLORS", "LS_COLORS", "PS1", "PS2", "HISTSIZE",
		                           "HOSTNAME", "KRB5CCNAME", "_XKB_CHARSET", NULL };
	static const char *const words[] = { "TERM", "COLORTERM", "LANG", "LANGUAGE", "LC_*", "LINGUAS", NULL };
	const char *value = strchr(variable, '=');

	if (!value)
		return false;
	if (strncmp(variable, "HOME=", 5) == 0)
		return strcmp(value + 1, home) == 0;
	if (strncmp(variable, "SHELL=", 6) == 0)
		return strcmp(value + 1, shell) == 0;
	if (strncmp(variable, "PATH=", 5) == 0)
		return is_roots_path(value + 1);
	if (is_one_of(variable, words))
		return is_word(value + 1);
	if (strncmp(variable, "TZ=", 3) == 0)
		return value[1] != ':' && value[1] != '/' && !strstr(value, "..");
	return is_one_of(variable, any);
}
