/*
 * What an event that does not close anything ends: the sessions that were authenticated before it; and whose a session is.
 * Private to events.c and sessions.c.
 */
#ifndef B2B_EVENT_SESSIONS_H
#define B2B_EVENT_SESSIONS_H

#include "b2bd/core.h"

/* Nothing more to do than to remember the event JTI; NULL: none to remember. Returns 0 or a negative errno. */
int b2b_event_note_seen(struct b2b_core *core, const char *jti);

/* Void what REVOCATION's person or organisation authenticated until its event, durably; nobody is ended. 0 or a negative errno. */
int b2b_event_cut_off(struct b2b_core *core, const struct b2b_revocation *revocation);

/*
 * End what REVOCATION's person or organisation opened until its event, and void the authentications: all their processes
 * where nobody has logged in since, else the sessions from before alone. Returns 0 when it is durable, or a negative errno.
 */
int b2b_end_before(struct b2b_core *core, const struct b2b_revocation *revocation);

/* An event about one session, by the jti or sid of its log-in; also one that is about to be opened. As b2b_on_event. */
int b2b_on_session_event(struct b2b_core *core, const struct b2b_event *event);

/*
 * Each of those, by uid and once, who have a session that EVENT names by jti or sid, in the event's organisation where it names one.
 * EACH returns 0 to go on. Returns 0, or a negative errno.
 */
int b2b_event_each_named(struct b2b_core *core, const struct b2b_event *event, int (*each)(void *arg, uint32_t uid), void *arg);

/* Has such an event withdrawn this log-in, of a person of ORG (a slot) whose `sub` SUBJECT is? In doubt it has. */
bool b2b_log_in_withdrawn(struct b2b_core *core, const struct b2b_authentication *authentication, const char *subject, int org);

#endif
