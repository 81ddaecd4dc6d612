/* Since when is nobody at a session? */
#ifndef B2B_IDLE_H
#define B2B_IDLE_H

#include "b2bd/guard/proc.h"
#include "b2bd/state/session_state.h"

/*
 * When somebody last typed at any terminal of the leader of SESSION or of what descends from it in LIST, wall-clock second. 0: it has no terminal, or
 * cannot be seen. Whoever owns a terminal can set its file's times: this finds who went away, not who pretends.
 */
int64_t b2b_idle_since(const struct b2b_processes *list, const struct b2b_session *session);

#endif
