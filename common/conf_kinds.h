/* The ways to read one value of b2b.conf (struct b2b_conf_kind). Each says what field it fills. */
#ifndef B2B_CONF_KINDS_H
#define B2B_CONF_KINDS_H

#include "common/conf.h"
#include "common/conf_table.h"

/* char *: one line of text, freed by clear */
extern const struct b2b_conf_kind b2b_conf_text;       /* no control characters */
extern const struct b2b_conf_kind b2b_conf_issuer;     /* https URL without query or fragment (OpenID Connect Discovery 1.0, section 3) */
extern const struct b2b_conf_kind b2b_conf_https_url;  /* https URL without fragment */
extern const struct b2b_conf_kind b2b_conf_proxy_url;  /* http or https URL */
extern const struct b2b_conf_kind b2b_conf_path;       /* absolute path */
extern const struct b2b_conf_kind b2b_conf_home;       /* template of a home directory */
extern const struct b2b_conf_kind b2b_conf_hint;       /* template of a login_hint */
extern const struct b2b_conf_kind b2b_conf_org_id;     /* immutable id of an organisation */
extern const struct b2b_conf_kind b2b_conf_parent;     /* alias of an organisation, or "none" */
extern const struct b2b_conf_kind b2b_conf_word_text;  /* one of the key's words */

/* uint32_t */
extern const struct b2b_conf_kind b2b_conf_word;       /* number of the key's word */
extern const struct b2b_conf_kind b2b_conf_word_set;   /* bits of the key's words, the first is 1; at least one, no word twice */
extern const struct b2b_conf_kind b2b_conf_duration;   /* seconds; "none" is 0 where min is 0 */
extern const struct b2b_conf_kind b2b_conf_number;     /* decimal or 0x… */
extern const struct b2b_conf_kind b2b_conf_percent;

extern const struct b2b_conf_kind b2b_conf_bool;       /* bool */
extern const struct b2b_conf_kind b2b_conf_range;      /* uint32_t[2]: first and last id */

/* struct b2b_conf_words, no word twice, at most the key's max */
extern const struct b2b_conf_kind b2b_conf_list;       /* any words */
extern const struct b2b_conf_kind b2b_conf_labels;     /* names of roles or services */
extern const struct b2b_conf_kind b2b_conf_groups;     /* names of local groups: not a partners' name */
extern const struct b2b_conf_kind b2b_conf_shells;     /* absolute paths */
extern const struct b2b_conf_kind b2b_conf_origins;    /* https URLs without a path */
extern const struct b2b_conf_kind b2b_conf_commands;   /* absolute paths of programs */
extern const struct b2b_conf_kind b2b_conf_approvers;  /* group:NAME of an organisation's own, or role:NAME */
extern const struct b2b_conf_kind b2b_conf_durations;  /* times, within the key's bounds; "none" for no word */
extern const struct b2b_conf_kind b2b_conf_choices;    /* of the key's words, in order of preference */

extern const struct b2b_conf_kind b2b_conf_key_options; /* options for SSH keys, NAME or NAME=VALUE */

/* May NAME be a role or service: printable ASCII without space, at most 31 bytes? */
bool b2b_conf_label_valid(const char *name);

/* Seconds of TEXT, "30s", "5m", "8h" or "1d". Returns 0 or -EINVAL. */
int b2b_conf_read_duration(const char *text, uint64_t *ret_seconds);

/* Number of TEXT, decimal or 0x…, no sign, nothing behind it. Returns 0 or -EINVAL. */
int b2b_conf_read_number(const char *text, size_t len, uint64_t *ret_number);

#endif
