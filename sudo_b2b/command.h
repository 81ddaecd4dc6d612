/*
 * A command as sudo is about to run it, and the text by which people know it. Private to sudo_b2b/.
 *
 * The text is printable ASCII and never cut, and no two commands have the same: words as a shell would take them, what is not
 * plain in quotes, bytes that are not printable ASCII as \xHH within $'…'. Before the program stand the variables of its environment
 * that sudo does not set by itself and that could change what the program does.
 */
#ifndef B2B_SUDO_COMMAND_H
#define B2B_SUDO_COMMAND_H

#include "common/proto.h"

/* The value of NAME in a vector of "name=value", or NULL. VECTOR may be NULL. */
const char *b2b_sudo_value(char *const vector[], const char *name);

/* The same as a number. Returns 0, -ENOENT, or -EINVAL where it is none that fits 32 bits. */
int b2b_sudo_number(char *const vector[], const char *name, uint32_t *ret_number);

/*
 * Describe the command into the fields of ASK that say what runs and as whom (as_uid, as_user, path, runas, directory, text), from what
 * sudo hands to a plug-in. Returns 0, -EINVAL where sudo left something out, or -E2BIG where it does not fit.
 */
int b2b_sudo_describe(char *const user_info[], char *const command_info[], char *const argv[], char *const envp[], struct b2b_ask_command *ask);

#endif
