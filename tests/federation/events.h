/*
 * Security events: into every stream's outbox in the caller's transaction; signed when they are handed out.
 * Standards: SET RFC 8417, SSF 1.0 section 4.1, subjects RFC 9493, CAEP, RISC.
 */
#ifndef FED_EVENTS_H
#define FED_EVENTS_H

#include "tests/federation/service.h"

#define FED_CAEP "https://schemas.openid.net/secevent/caep/event-type/"
#define FED_RISC "https://schemas.openid.net/secevent/risc/event-type/"
#define FED_SSF "https://schemas.openid.net/secevent/ssf/event-type/"

struct fed_occasion {
	const char *txn;       /* the same for all events of one change */
	const char *initiator; /* "admin", "policy", "user", "system" */
	const char *reason;    /* what people are told; NULL: nothing */
	int64_t time_ms;       /* event_timestamp; a NumericDate may have a fraction (RFC 7519 2), and who measures needs it */
};

/* Forget the stream ID with all that it was to tell; a poll that waits for it learns that it is gone. 0 or a negative errno. */
int fed_stream_drop(struct fed *fed, const char *id);

/* Tell all streams that asked for TYPE. SUB_ID is stolen. 0 or a negative errno. */
int fed_event_emit(struct fed *fed, const char *type, json_t *sub_id, const struct fed_occasion *occasion);
/* Tell one stream; EVENT is stolen. Also for paused ones, and for control events. */
int fed_event_queue(struct fed *fed, const char *stream, const char *type, json_t *sub_id, json_t *event, const char *txn);

json_t *fed_subject_person(struct fed *fed, const char *person, const char *organisation); /* complex: user, tenant */
json_t *fed_subject_organisation(const char *organisation);                               /* complex: tenant alone */

/* All event types that are told, as a JSON array. */
json_t *fed_event_types(void);

/* Up to MAX open SETs of STREAM as {jti: jwt} in *ret_sets, whether there are more in *ret_more. */
int fed_events_collect(struct fed *fed, const char *stream, const char *client, int64_t max, json_t **ret_sets, bool *ret_more);
/* The receiver has JTI: forget it. ERROR: what it had against it (JSON, borrowed), or NULL. */
int fed_event_acknowledge(struct fed *fed, const char *stream, const char *jti, const json_t *error);

#endif
