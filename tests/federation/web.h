/*
 * What the pages share: a browser's session, forms that cannot be forged, HTML that cannot be injected.
 * The cookie is __Host-, Secure, HttpOnly, SameSite=Strict; a form carries a MAC of it; logging in makes a new one.
 */
#ifndef FED_WEB_H
#define FED_WEB_H

#include <stdio.h>

#include "tests/federation/http.h"

struct fed_web {
	char sid[64];
	char csrf[64];
	json_t *person; /* who is logged in; NULL: nobody */
};

/* Find or begin the browser's session. Returns 0 or a negative errno; caller clears. */
int fed_web_open(struct fed *fed, const struct fed_request *request, struct fed_reply *reply, struct fed_web *ret_web);
void fed_web_clear(struct fed_web *web);

/* Was the form in REQUEST made by us for this browser, and sent from our own page? */
bool fed_web_form_fits(const struct fed_request *request, const struct fed_web *web);

/*
 * Log in by the form's "user" (user name, or local@alias) and "password". 0 with web->person set; -EACCES when that
 * is nobody who may come in; -EAGAIN after too many failures, for a while; or a negative errno.
 */
int fed_web_log_in(struct fed *fed, const struct fed_request *request, struct fed_reply *reply, struct fed_web *web);
int fed_web_log_out(struct fed *fed, struct fed_reply *reply, struct fed_web *web);

/* Guessing is slowed: note a failure of KEY; may KEY be tried now? Forgotten by a success. */
void fed_throttle_failed(struct fed *fed, const char *key);
bool fed_throttle_open(const struct fed *fed, const char *key);
void fed_throttle_forget(struct fed *fed, const char *key);

/* A page under construction. */
struct fed_page {
	FILE *out;
	char *text;
	size_t size;
};

/* Begin with head and heading; PERSON (may be NULL) is named with a button to log out that posts to ACTION. */
int fed_page_begin(struct fed_page *page, const char *title, const struct fed_web *web, const char *action);
/* FORMAT's %s arguments are escaped; it knows %s and %lld (long long) only. */
void fed_page_put(struct fed_page *page, const char *format, ...);
void fed_page_form(struct fed_page *page, const struct fed_web *web, const char *path, const char *action); /* <form> with its hidden fields */
void fed_page_note(struct fed_page *page, bool bad, const char *text); /* read out by screen readers */
void fed_page_log_in(struct fed_page *page, const struct fed_web *web, const char *path, const char *user_code);
int fed_page_end(struct fed_page *page, struct fed_reply *reply, unsigned status); /* frees PAGE */

#endif
