/*
 * SCIM 2.0 (RFC 7643, 7644): what all resource types share, and one description per type. scim.c serves them all
 * alike; scim_users.c, scim_groups.c and scim_organisations.c say what is different.
 */
#ifndef FED_SCIM_H
#define FED_SCIM_H

#include "tests/federation/http.h"

#define SCIM_PAGE_MAX 1000
#define SCIM_CURSOR_S 600 /* how long a cursor is known */
#define SCIM_USER "urn:ietf:params:scim:schemas:core:2.0:User"
#define SCIM_GROUP "urn:ietf:params:scim:schemas:core:2.0:Group"
#define SCIM_USER_B2B "urn:b2b:scim:schemas:2.0:User"
#define SCIM_GROUP_B2B "urn:b2b:scim:schemas:2.0:Group"
#define SCIM_ORGANISATION "urn:b2b:scim:schemas:2.0:Organization"
#define SCIM_MESSAGE "urn:ietf:params:scim:api:messages:2.0:"

enum scim_kind { SCIM_TEXT, SCIM_BOOL, SCIM_TIME };

/* An attribute that a filter may name: compared as "BEFORE op ? AFTER"; the table's own alias is r. */
struct scim_attribute {
	const char *name; /* in the core schema plain, in an extension with its URN */
	const char *before, *after;
	enum scim_kind kind;
};

struct scim_type {
	const char *name, *path, *schema;
	const char *extension;                    /* URN or NULL */
	const char *columns, *from;               /* SELECT columns FROM from WHERE … ; from names r */
	const struct scim_attribute *attributes;  /* ends with a NULL name */
	json_t *(*render)(const json_t *row);     /* without meta; new, or NULL without memory */
	int (*create)(struct fed *fed, const json_t *document, json_t **ret_row); /* the row as of create; only its id counts */
	int (*replace)(struct fed *fed, const json_t *row, const json_t *document); /* NULL: not possible */
	int (*remove)(struct fed *fed, const json_t *row);
};

extern const struct scim_type fed_scim_users, fed_scim_groups, fed_scim_organisations;

/*
 * Translate FILTER (RFC 7644 section 3.4.2.2) for TYPE into an SQL condition; its values are appended to PARAMS.
 * 0 (caller frees *ret_sql), -EINVAL with the reason in *ret_why (static), -ENOMEM.
 */
int fed_scim_filter(const struct scim_type *type, const char *filter, json_t *params, char **ret_sql, const char **ret_why);

/* Apply a PatchOp (section 3.5.2) to DOCUMENT. 0 or -EINVAL with the reason in *ret_why (static). */
int fed_scim_patch(json_t *document, const json_t *patch, const char **ret_why);

int fed_scim_error(struct fed_reply *reply, unsigned status, const char *scim_type, const char *detail); /* section 3.12 */
int fed_scim_reply(struct fed_reply *reply, unsigned status, json_t *body);                              /* BODY is stolen */

/* The three documents of section 4 of RFC 7644. */
fed_handler fed_scim_service_provider, fed_scim_schemas, fed_scim_resource_types;

/* For documents of every type. */
json_t *fed_scim_values(const json_t *list);                    /* ["a"] -> [{"value":"a"}] */
json_t *fed_scim_plain(const json_t *list);                     /* back again; entries may be plain already */
int fed_scim_set_time(json_t *object, const char *name, const json_t *row, const char *column); /* ms -> ISO 8601; absent when null */
/* ISO 8601 member NAME as milliseconds, or null when absent. 0 or -EINVAL. */
int fed_scim_get_time(const json_t *object, const char *name, json_t *changes, const char *column);

#endif
