/*
 * Misbehaviour on demand: what a broken, slow or hostile service does, so that tests can see the host bear it.
 * Set by /control/misbehave; everything is off until asked for. FAMILY is an endpoint family's name (http.h) or "*".
 */
#ifndef FED_MISBEHAVE_H
#define FED_MISBEHAVE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define FED_FAMILY_SIZE 16

/* One fault of the transport; count < 0: until told otherwise, else that many requests. */
struct fed_fault {
	char family[FED_FAMILY_SIZE];
	int64_t count;
	int64_t value; /* milliseconds, or a status */
};

struct fed_misbehaviour {
	struct fed_fault slow;   /* answer that many milliseconds late */
	struct fed_fault status; /* answer with this status and an empty object */
	struct fed_fault drop;   /* close the connection without an answer */
	bool wrong_key;          /* sign with a key that is not in the JWKS, under a kid that is */
	bool unknown_kid;        /* sign with a kid that is not in the JWKS */
	char *wrong_issuer;      /* iss of everything that is signed; NULL: the right one */
	char *wrong_audience;    /* aud of everything that is signed */
	char *jwks;              /* the key set's document, whatever it is; NULL: the right one */
	char *status_list;       /* how the status list is wrong (status.c); NULL: it is right */
	json_t *registration;    /* members that a registration's answer has instead of the right ones; NULL: none */
	bool empty_page;         /* SCIM lists answer 200 with nothing */
	bool repeat_page;        /* SCIM lists answer the first page whatever was asked */
	bool expire_cursors;     /* no cursor of a SCIM list is known when it comes back */
	bool replay;             /* polls hand out acknowledged SETs again */
	bool hold_events;        /* polls hand out nothing */
	bool no_ciba;            /* discovery offers nobody to be asked on a device of their own */
};

/*
 * Take the orders in BODY: {"slow":{"ms":N,"family":F,"count":N}, "status":{"code":N,…}, "drop":{…},
 * "wrong_key":true, "wrong_issuer":"…", …}. A member that is null or false switches that fault off; {"reset":true}
 * all of them. Returns 0, or -EINVAL with the offending member in *ret_what (static or within BODY); nothing is changed then.
 */
int fed_misbehave(struct fed_misbehaviour *misbehaviour, const json_t *body, const char **ret_what);
void fed_misbehave_clear(struct fed_misbehaviour *misbehaviour);

/* Does FAULT strike a request of FAMILY now? Counts it. */
bool fed_fault_strikes(struct fed_fault *fault, const char *family);

#endif
