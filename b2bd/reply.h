/* Answers to b2bctl: one JSON document, in as many B2B_SAY_TEXT as it takes (common/proto.h). */
#ifndef B2B_REPLY_H
#define B2B_REPLY_H

#include <jansson.h>

#include "b2bd/server.h"
#include "common/reason.h"

/* TEXT, malloc'ed and taken over, as it is; NULL as for JSON. */
void b2b_reply_text(struct b2b_client *client, char *text);
/* Takes JSON over. NULL (no memory), or a client that waits for something else: refused with B2B_BUSY. */
void b2b_reply_json(struct b2b_client *client, json_t *json);
/* An error object with REASON, in one piece. */
void b2b_reply_refuse(struct b2b_client *client, enum b2b_reason reason);
/* The same with a text of its own, for the administrator: what is so, and what to do. */
void b2b_reply_error(struct b2b_client *client, enum b2b_reason reason, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
