/* Which variables of a command's environment who approves it has to see. Private to sudo_b2b/. */
#ifndef B2B_SUDO_ENVIRONMENT_H
#define B2B_SUDO_ENVIRONMENT_H

#include <stdbool.h>

/*
 * Does VARIABLE ("NAME=VALUE") only say who runs the command, where, and how they read it? HOME and SHELL: those of the user as whom it
 * runs, the only ones that need not be seen. Everything else is to be shown: it may load code, or choose programs.
 */
bool b2b_sudo_harmless(const char *variable, const char *home, const char *shell);

#endif
