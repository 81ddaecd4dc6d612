/*
 * What sudo and an approval plug-in agree on: the part of <sudo_plugin.h> that this plug-in needs, as sudo_plugin(5) documents it
 * (approval plug-ins since API 1.15, sudo 1.9.0). Here, so that it builds where no sudo is installed;
 * tests/hosts/test_sudo_approval.sh compares it with the header of the sudo that it runs.
 */
#ifndef B2B_SUDO_PLUGIN_API_H
#define B2B_SUDO_PLUGIN_API_H

#define B2B_SUDO_API_MAJOR 1
#define B2B_SUDO_API_MINOR 15
#define B2B_SUDO_API ((B2B_SUDO_API_MAJOR << 16) | B2B_SUDO_API_MINOR)
#define B2B_SUDO_APPROVAL 4          /* SUDO_APPROVAL_PLUGIN */
#define B2B_SUDO_ERROR_MSG 0x0003    /* SUDO_CONV_ERROR_MSG */
#define B2B_SUDO_INFO_MSG 0x0004     /* SUDO_CONV_INFO_MSG */
#define B2B_SUDO_PREFER_TTY 0x2000   /* SUDO_CONV_PREFER_TTY */

struct sudo_conv_message;
struct sudo_conv_reply;
struct sudo_conv_callback;

typedef int b2b_sudo_converse(int n, const struct sudo_conv_message *messages, struct sudo_conv_reply *replies, struct sudo_conv_callback *callback);
typedef int b2b_sudo_print(int type, const char *format, ...);

struct b2b_sudo_approval {
	unsigned type, version;
	int (*open)(unsigned version, b2b_sudo_converse *converse, b2b_sudo_print *print, char *const settings[], char *const user_info[],
	            int submit_optind, char *const submit_argv[], char *const submit_envp[], char *const options[], const char **ret_error);
	void (*close)(void);
	int (*check)(char *const command_info[], char *const run_argv[], char *const run_envp[], const char **ret_error);
	int (*show_version)(int verbose);
};

#endif
