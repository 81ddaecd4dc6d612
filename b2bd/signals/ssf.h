/* Shared Signals Framework 1.0 documents: transmitter configuration (7), stream (8.1.1), status (8.1.2). Nothing here waits. */
#ifndef B2B_SSF_H
#define B2B_SSF_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define B2B_SSF_POLL "urn:ietf:rfc:8936"

#define B2B_SSF_CRITICAL_MAX 16

struct b2b_ssf_config {
	char *configuration_endpoint;
	char *status_endpoint;       /* NULL where absent */
	char *verification_endpoint; /* NULL where absent */
	char *add_subject_endpoint;  /* NULL where absent */
	bool tells_nothing_unasked;  /* default_subjects is NONE: of each subject that events are wanted of it has to be told */
	/* Members of a subject that must be understood, or the event is discarded (7.1); the last is NULL. */
	char *critical_subject_members[B2B_SSF_CRITICAL_MAX + 1];
};
/*
 * ISSUER must be the document's, letter for letter; polling must be among the delivery methods where they are listed.
 * Returns 0 (caller clears), -EBADMSG, -EPERM for another issuer, -EPROTONOSUPPORT without polling, -ENOMEM.
 */
int b2b_ssf_config_parse(const char *body, size_t len, const char *issuer, struct b2b_ssf_config *ret_config);
void b2b_ssf_config_clear(struct b2b_ssf_config *config);

/* Where the document of ISSUER can be: N 0 inserted after the host (SSF 7.1), 1 appended; malloc'ed, NULL for want of memory. */
char *b2b_ssf_well_known(const char *issuer, int n);

struct b2b_ssf_stream {
	char *id;
	char *poll_url;
	bool delivers; /* it delivers at least what ends access: session-revoked and account-disabled */
	bool as_asked; /* polled, and every event that is asked for and that the transmitter supports was asked for */
	uint32_t min_verification_s; /* 0: no least interval */
};
/*
 * One stream, or a list of them of which the first that is polled is taken, else the first. It must be of ISSUER and for
 * AUDIENCE. Returns 0 (caller clears; poll_url is NULL for one that is not polled), -EBADMSG, -ENOENT an empty list, -EPERM another
 * issuer or audience, -ENOMEM.
 */
int b2b_ssf_stream_parse(const char *body, size_t len, const char *issuer, const char *audience, struct b2b_ssf_stream *ret_stream);
void b2b_ssf_stream_clear(struct b2b_ssf_stream *stream);

#define B2B_SSF_STATUS_SIZE 160
/*
 * Is this status document's status "enabled"? 1, or 0 and TEXT says what it is, with the reason, for a log. Returns 1, 0,
 * -EBADMSG, or -ENOMEM.
 */
int b2b_ssf_status_enabled(const char *body, size_t len, char text[B2B_SSF_STATUS_SIZE]);

/* Bodies of requests, malloc'ed JSON; NULL for want of memory. */
char *b2b_ssf_create_body(void);
char *b2b_ssf_update_body(const char *stream_id); /* of PATCH and of PUT: all that a receiver may set (8.1.1) */
char *b2b_ssf_subject_body(const char *stream_id, const char *org_id); /* an organisation, by the profile's subject */
char *b2b_ssf_status_body(const char *stream_id);
char *b2b_ssf_verify_body(const char *stream_id, const char *state);

#endif
