/* Log-ins that wait for a person, as the pages and the token endpoint see them: device grant (RFC 8628) and CIBA. */
#ifndef FED_DEVICE_H
#define FED_DEVICE_H

#include <jansson.h>

#include "tests/federation/http.h"

#define FED_USER_CODE_SIZE 10 /* "XXXX-XXXX" */

/* TYPED by a person, in any case, with or without dash, as the stored form into BUF. 0 or -EINVAL. */
int fed_user_code_fold(const char *typed, char *buf);

/* What a host asks for; strings are borrowed. */
struct fed_device_order {
	const char *client, *scope;
	const char *asked;  /* CIBA: id of the person whose approval device is asked; NULL: whoever has the code */
	int64_t lifetime_s;
};

/*
 * Store what REQUEST orders. The host polls with *ret_secret (a new string); USER_CODE (FED_USER_CODE_SIZE) is what a page
 * names it by. 0 or a negative errno.
 */
int fed_device_new(struct fed *fed, const struct fed_request *request, const struct fed_device_order *order, char **ret_secret, char *user_code);

/* The pending, unexpired log-in of that code; row of the table devices. 0 (caller decrefs), -ENOENT … */
int fed_device_find(struct fed *fed, const char *typed, json_t **ret_device);
/* The same of CIBA, by its binding message; the latest. */
int fed_device_find_message(struct fed *fed, const char *message, json_t **ret_device);
/* What PERSON's approval device is asked at present: rows, the latest first. */
int fed_device_asked(struct fed *fed, const char *person, json_t **ret_rows);

/* The person's answer. ACR and AMR NULL: the person's usual ones. */
int fed_device_approve(struct fed *fed, const char *user_code, const json_t *person, const char *acr, const json_t *amr, int64_t auth_time);
int fed_device_deny(struct fed *fed, const char *user_code);

#endif
