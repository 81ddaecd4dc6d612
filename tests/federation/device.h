/* Device log-ins that wait for a person, as the pages and the token endpoint see them (RFC 8628). */
#ifndef FED_DEVICE_H
#define FED_DEVICE_H

#include <jansson.h>

#include "tests/federation/service.h"

#define FED_USER_CODE_SIZE 10 /* "XXXX-XXXX" */

/* TYPED by a person, in any case, with or without dash, as the stored form into BUF. 0 or -EINVAL. */
int fed_user_code_fold(const char *typed, char *buf);

/* The pending, unexpired log-in of that code; row of the table devices. 0 (caller decrefs), -ENOENT … */
int fed_device_find(struct fed *fed, const char *typed, json_t **ret_device);

/* The person's answer. ACR and AMR NULL: the person's usual ones. */
int fed_device_approve(struct fed *fed, const char *user_code, const json_t *person, const char *acr, const json_t *amr, int64_t auth_time);
int fed_device_deny(struct fed *fed, const char *user_code);

#endif
