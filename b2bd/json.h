/* JSON from the network: bounded in depth, duplicate members refused (RFC 8725 2.4, RFC 8259 4), every read typed. */
#ifndef B2B_JSON_H
#define B2B_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define B2B_JSON_DEPTH 16 /* arrays and objects within each other; what is deeper is not meant for us */

/* Parse an object of LEN bytes of TEXT. Returns 0 and *ret_root (json_decref it), -EBADMSG, or -ENOMEM. */
int b2b_json_parse(const char *text, size_t len, json_t **ret_root);

int b2b_json_parse_array(const char *text, size_t len, json_t **ret_root); /* likewise, an array */

/* The same, for whoever has to say why: *ret_why is set when -EBADMSG is returned. */
enum b2b_json_fault { B2B_JSON_SYNTAX, B2B_JSON_DEEP, B2B_JSON_DUPLICATE };
int b2b_json_parse_why(const char *text, size_t len, json_t **ret_root, enum b2b_json_fault *ret_why);

/* Member NAME as a string that lives as long as OBJECT; NULL where it is absent or no string. */
const char *b2b_json_text(const json_t *object, const char *name);

/* Member NAME as NumericDate (RFC 7519 2), fractions cut off. Returns 0, -ENOENT where absent, -EBADMSG where it is no plausible number. */
int b2b_json_seconds(const json_t *object, const char *name, int64_t *ret_seconds);

/* Overwrite a string member that is a secret, before the object is freed. */
void b2b_json_wipe(json_t *object, const char *name);

#endif
