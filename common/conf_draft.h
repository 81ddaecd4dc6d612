/*
 * b2b.conf while it is read: its sections as they stand in the file, before any of it counts.
 * Inside common/conf*.c.
 */
#ifndef B2B_CONF_DRAFT_H
#define B2B_CONF_DRAFT_H

#include "common/conf.h"
#include "common/conf_kinds.h"
#include "common/conf_table.h"

#define B2B_CONF_SERVICES "sshd", "sudo", "sudo-i", "su", "su-l", "login" /* known without a section */

struct b2b_draft_host {
	struct b2b_conf_host host;
	uint32_t staleness_s, visibility, separator, group_members, partners_gid, ending_grace_s, left_behind;
	bool enumerate;
	char *home;
	struct b2b_conf_words shells, warnings;
};

struct b2b_draft_assurance {
	struct b2b_conf_words acrs[3]; /* of aal1, aal2, aal3 */
	struct b2b_conf_limits limits[3];
};

struct b2b_draft_organisation {
	char *id, *parent;
	uint32_t range[2], session_s, sudo_wait_s;
	struct b2b_conf_words services, roles, key_options, sudo_approvers, sudo_exempt_commands, sudo_exempt_users;
};

struct b2b_draft_role {
	struct b2b_conf_words local_groups;
};

struct b2b_draft_service {
	struct b2b_conf_words methods;
	uint32_t assurance, max_age_s, staleness_s;
	bool key;
};

struct b2b_draft_section {
	enum b2b_conf_section section;
	char name[B2B_LABEL_SIZE]; /* of the organisation, role or service */
	int line;                  /* 0: not in the file */
	int lines[B2B_CONF_KEYS_MAX]; /* of its keys, 0: not in the file */
	union {
		struct b2b_conf_federation federation;
		struct b2b_draft_host host;
		struct b2b_draft_assurance assurance;
		struct b2b_draft_organisation organisation;
		struct b2b_draft_role role;
		struct b2b_draft_service service;
	} u;
};

struct b2b_draft {
	const char *file; /* its name, for errors */
	char *error;      /* [B2B_CONF_ERROR_SIZE], "" while all is well; the first error stays */
	struct b2b_draft_section *sections; /* first those of which there is one, then as in the file */
	size_t n_sections, allocated;
};

/* Begin with the sections of which there is one, all keys at their defaults. Returns 0 or -ENOMEM; b2b_draft_free in any case. */
int b2b_draft_init(struct b2b_draft *draft, const char *file, char *error);
void b2b_draft_free(struct b2b_draft *draft);

/* Section TITLE ("host", "organisation acme") begins at LINE. Returns 0 or -EINVAL (error says why), -ENOMEM. */
int b2b_draft_begin(struct b2b_draft *draft, const char *title, int line, struct b2b_draft_section **ret_section);

/* Set, or with GO_ON add to, a key. Returns 0 or -EINVAL (error says why), -ENOMEM. */
int b2b_draft_set(struct b2b_draft *draft, struct b2b_draft_section *section, const char *name, const char *value, int line, bool go_on);

/* The section, or NULL. */
struct b2b_draft_section *b2b_draft_find(const struct b2b_draft *draft, enum b2b_conf_section section, const char *name);
struct b2b_draft_section *b2b_draft_only(const struct b2b_draft *draft, enum b2b_conf_section section);

/* Read the whole TEXT. Returns 0 or -EINVAL (error says why), -ENOMEM. */
int b2b_draft_read(struct b2b_draft *draft, const char *text, size_t len);

/* "FILE:LINE: …": says the first thing that is wrong. Always -EINVAL. */
int b2b_draft_fail(struct b2b_draft *draft, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same about KEY of SECTION: "FILE:LINE: [section name] key: …"; the section's line where the key is not in the file. */
int b2b_draft_fail_key(struct b2b_draft *draft, const struct b2b_draft_section *section, const char *key, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Where KEY of SECTION stands: its line, or the section's where the key is not in the file. */
int b2b_draft_line(const struct b2b_draft_section *section, const char *key);

#define B2B_QUOTE_SIZE 72
/* TEXT in quotes, cut, what a terminal should not get shown as '?'. Returns BUF. */
const char *b2b_draft_quote(const char *text, size_t len, char buf[B2B_QUOTE_SIZE]);

/*
 * Make the configuration of a draft that was read; its strings move over. RESOLVE_GROUPS as in common/conf.h.
 * Returns 0 or -EINVAL (error says why), -ENOMEM. Each fills one part of CONF, in this order.
 */
int b2b_draft_compile(struct b2b_draft *draft, bool resolve_groups, struct b2b_conf *conf);
int b2b_draft_compile_services(struct b2b_draft *draft, struct b2b_policy *policy);
int b2b_draft_compile_roles(struct b2b_draft *draft, bool resolve_groups, struct b2b_policy *policy);
int b2b_draft_compile_orgs(struct b2b_draft *draft, struct b2b_policy *policy);
int b2b_draft_compile_keys(struct b2b_draft *draft, struct b2b_conf *conf);
int b2b_draft_compile_sudo(struct b2b_draft *draft, struct b2b_conf *conf);

#endif
