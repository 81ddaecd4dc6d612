/* The question to the agent, and the wait for who approves. Private to sudo_b2b/. */
#ifndef B2B_SUDO_ASK_H
#define B2B_SUDO_ASK_H

#include <stdbool.h>

#include "common/proto.h"
#include "common/reason.h"
#include "sudo_b2b/plugin_api.h"

/*
 * Ask about the command of ASK; where somebody has to approve it, show by PRINT what their device shows, and wait. A signal that
 * would end sudo ends the wait: it is left for sudo. Returns B2B_OK, or why not; *ret_decision is what the agent said, zero where it
 * said nothing. *ret_shown: somebody was asked. *ret_interrupted: by a signal.
 */
enum b2b_reason b2b_sudo_ask(const struct b2b_ask_command *ask, b2b_sudo_print *print, struct b2b_say_decision *ret_decision, bool *ret_shown,
                             bool *ret_interrupted);

#endif
