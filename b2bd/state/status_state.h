/* Status lists that tokens named, by a number of our own: what a session or a proof keeps of its place. */
#ifndef B2B_STATUS_STATE_H
#define B2B_STATUS_STATE_H

#include "b2bd/state/session_state.h"

/* The number of the list at URI, from 1. Returns 0, -ENOENT: it has none, so that nothing here names it, or a negative errno. */
int b2b_status_list_find(struct b2b_state *state, const char *uri, int64_t *ret_list);

/* The same; a new one where it has none. Returns 0 or a negative errno. */
int b2b_status_list_number(struct b2b_state *state, const char *uri, int64_t *ret_list);

/* The URI of LIST; caller frees. Returns 0, -ENOENT, or a negative errno. */
int b2b_status_list_uri(struct b2b_state *state, int64_t list, char **ret_uri);

/* A list that was issued at ISSUED_AT was believed: none older is to be, also after a restart. Returns 0 or a negative errno. */
int b2b_status_list_issued(struct b2b_state *state, int64_t list, int64_t issued_at);

/* Every list that a session names; those that no proof names either are forgotten first, for nothing depends on them. EACH returns 0 to go on. */
int b2b_status_list_each(struct b2b_state *state, int (*each)(void *arg, const char *uri, int64_t issued_at), void *arg);

/* The sessions with a place in LIST. EACH returns 0 to go on. */
int b2b_session_each_of_list(struct b2b_state *state, int64_t list, int (*each)(void *arg, const struct b2b_session *session), void *arg);

/* How many they are, or a negative errno. */
int64_t b2b_session_count_of_list(struct b2b_state *state, int64_t list);

#endif
