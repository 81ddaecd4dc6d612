/* RFC 8936 polls: what is asked and what comes back. Nothing here waits or decides. */
#ifndef B2B_POLL_H
#define B2B_POLL_H

#include <jansson.h>
#include <stdbool.h>

#include "b2bd/federation/token.h"

#define B2B_POLL_EVENTS_MAX 100 /* asked for at once */

/* What the next poll reports; kept until a poll with it was answered. Zeroed at first. */
struct b2b_poll_report {
	json_t *acks; /* object, its members' names are the jti */
	json_t *errs; /* object of jti: {err, description} */
};
int b2b_poll_ack(struct b2b_poll_report *report, const char *jti);                              /* 0 or -ENOMEM */
int b2b_poll_refuse(struct b2b_poll_report *report, const char *jti, enum b2b_token_fault fault); /* 0 or -ENOMEM */
bool b2b_poll_has_refusals(const struct b2b_poll_report *report); /* then Content-Language is due, RFC 8936 2.4 */
bool b2b_poll_reported(const struct b2b_poll_report *report, const char *jti); /* as acknowledged or refused */
void b2b_poll_report_clear(struct b2b_poll_report *report);

/* The body of a poll, malloc'ed; NULL for want of memory. */
char *b2b_poll_body(const struct b2b_poll_report *report, bool immediately);

struct b2b_poll_answer {
	json_t *root;
	json_t *sets; /* object of jti: compact SET, in the order of the answer; every value is a string; NULL: none */
	bool more;
};
/* Returns 0 (caller clears), -EBADMSG, -ENOMEM. */
int b2b_poll_parse(const char *body, size_t len, struct b2b_poll_answer *ret_answer);
void b2b_poll_answer_clear(struct b2b_poll_answer *answer);

#endif
