/* What an OAuth endpoint answered: RFC 6749 5.1 and 5.2. */
#ifndef B2B_OAUTH_H
#define B2B_OAUTH_H

#include <jansson.h>
#include <stdbool.h>

#include "b2bd/http.h"

#define B2B_OAUTH_TEXT_SIZE 800

enum b2b_oauth_kind {
	B2B_OAUTH_OK,      /* BODY is the answer */
	B2B_OAUTH_ERROR,   /* a final no; ERROR is its code */
	B2B_OAUTH_TROUBLE, /* no answer, or one that says to come again: nothing is decided */
};

struct b2b_oauth {
	enum b2b_oauth_kind kind;
	json_t *body;                   /* with OK */
	char error[64];                 /* with ERROR; "" where the service did not say */
	char text[B2B_OAUTH_TEXT_SIZE]; /* for the administrator; printable */
};

/* Read RESPONSE; caller clears *ret. */
void b2b_oauth_read(const struct b2b_http_response *response, struct b2b_oauth *ret);
void b2b_oauth_clear(struct b2b_oauth *oauth); /* wipes tokens and the codes that are polled with */

/* Member NAME of BODY as a token (RFC 6749 A.12, A.17: printable ASCII), that lives as long as BODY; NULL: none, or none that could be used. */
const char *b2b_oauth_token(const json_t *body, const char *name);
bool b2b_oauth_unusable(const json_t *body, const char *name); /* the second of these: longer than 16,384 bytes, or not printable */

#endif
