/*
 * Organisations, people and groups: reading, and every change that the outside learns of. A change of state and
 * the events that tell of it are one transaction, which the caller begins and ends (store.h).
 */
#ifndef FED_DIRECTORY_H
#define FED_DIRECTORY_H

#include "tests/federation/service.h"

/* Rows are JSON objects with the columns of the tables; people carry "alias" of their organisation too. Caller decrefs. */
int fed_person_get(struct fed *fed, const char *key, json_t **ret_person); /* by id or user name; 0, -ENOENT … */
int fed_person_named(struct fed *fed, const char *name, json_t **ret_person); /* the same, and "alice@acme" for "alice@acme.example" */
int fed_org_get(struct fed *fed, const char *key, json_t **ret_org);       /* by id or alias */
int fed_group_get(struct fed *fed, const char *id, json_t **ret_group);
/* Is PERSON (row) and every organisation above allowed to be here now? */
int fed_person_stands(struct fed *fed, const json_t *person, bool *ret_stands);
int fed_org_stands(struct fed *fed, const char *id, bool *ret_stands); /* with all above it */
/* Is organisation ID the same as, or below, ABOVE? */
int fed_org_below(struct fed *fed, const char *id, const char *above, bool *ret_below);

/* What a new person is made of; the row's columns by name. Wants organisation (id) and local; the rest has defaults. */
int fed_person_create(struct fed *fed, const json_t *wanted, json_t **ret_person); /* -EINVAL, -EEXIST, -ENOENT organisation */
/* Overwrite the columns in CHANGES (not id, organisation, state). Bumps version and time. */
int fed_person_change(struct fed *fed, const char *id, const json_t *changes);
/* State "active", "suspended" or "removed" with its events. REASON is shown to people. Removed is for good: -EPERM. */
int fed_person_set_state(struct fed *fed, const char *id, const char *state, const char *initiator, const char *reason);

int fed_org_create(struct fed *fed, const json_t *wanted, json_t **ret_org);
int fed_org_set_state(struct fed *fed, const char *id, const char *state, const char *initiator, const char *reason); /* ended is for good */
int fed_org_change(struct fed *fed, const char *id, const json_t *changes);

int fed_group_create(struct fed *fed, const json_t *wanted, json_t **ret_group); /* organisation, local, display, members [ids] */
int fed_group_change(struct fed *fed, const char *id, const json_t *changes);    /* display, local, members */
int fed_group_remove(struct fed *fed, const char *id);

/* Passwords: PBKDF2-HMAC-SHA256, stored as "pbkdf2-sha256$iterations$salt$key". */
int fed_password_hash(const char *password, char **ret_hash);
bool fed_password_fits(const char *hash, const char *password); /* NULL hash fits nothing, in the same time */

#endif
