/*
 * Policy: what root granted, compiled (b2bctl policy apply) from
 * /etc/b2b/b2b.conf (common/conf.h) into the index file (common/index.h).
 *
 * This is its form in memory, for programs (b2bd, b2bctl). The modules read
 * the index in place through common/cache.h instead.
 *
 * Masks are already intersected with every ancestor's: nobody's administrator
 * can hand out more than the host's owner gave (entitlement = delegation ∩ grants).
 */
#ifndef B2B_POLICY_H
#define B2B_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/names.h"

#define B2B_ID_SIZE 65          /* an organisation's immutable id, [A-Za-z0-9][A-Za-z0-9._-]*, NUL included */
#define B2B_LABEL_SIZE 32       /* names of roles and services */
#define B2B_PATH_SIZE 64        /* shells, home template */
#define B2B_ROLES_MAX 64        /* bits of a mask */
#define B2B_SERVICES_MAX 64
#define B2B_ROLE_GIDS_MAX 16
#define B2B_SHELLS_MAX 16
#define B2B_ORGS_MAX 4096
#define B2B_DEPTH_MAX 8         /* organisation, its parent, … */
#define B2B_RANGE_FIRST 0x78000000u
#define B2B_RANGE_LAST 0x7fffffffu
#define B2B_RANGE_MIN 64u         /* ids in the smallest range */
#define B2B_RANGE_MAX 0x400000u   /* 4,194,304 ids in the largest range: bounds the live file */
#define B2B_GID_FIRST 0x70000000u  /* no id below is ours, the group `partners` included: readers then touch no file */
#define B2B_PARTNERS_GID 0x77fffff0u /* default gid of the group `partners` */

enum b2b_visibility { B2B_VISIBLE_ORGANISATION, B2B_VISIBLE_STRICT, B2B_VISIBLE_EVERYONE };
enum b2b_assurance { B2B_AAL_NONE, B2B_AAL1, B2B_AAL2, B2B_AAL3 };
enum b2b_method { B2B_METHOD_DEVICE = 1, B2B_METHOD_CIBA = 2, B2B_METHOD_TOKEN = 4 }; /* mask; order in methods[] */

struct b2b_policy_role {
	char name[B2B_LABEL_SIZE];
	uint32_t gids[B2B_ROLE_GIDS_MAX]; /* local groups that the role gives */
	uint32_t n_gids;
};

struct b2b_policy_service {
	char name[B2B_LABEL_SIZE];   /* PAM service name, e.g. "sshd" */
	uint8_t methods[4];          /* enum b2b_method in order of preference, 0-terminated */
	uint8_t assurance;           /* enum b2b_assurance demanded */
	bool key_suffices;           /* a public key alone may open it (only where assurance is none) */
	uint32_t max_age_s;          /* oldest acceptable authentication; 0: not checked */
	uint32_t staleness_s;        /* longest time since the last completed signal poll for opening */
};

struct b2b_policy_org {
	char id[B2B_ID_SIZE];        /* immutable, as the federation service names it */
	char alias[B2B_NAME_SIZE];   /* "emea.acme" */
	int32_t parent;              /* slot in orgs[], or -1 */
	uint32_t range_lo, range_hi; /* inclusive; range_lo is the gid of members@alias */
	uint64_t roles;              /* bit i: roles[i] granted, by it and all ancestors */
	uint64_t services;           /* bit i: services[i] granted, likewise */
	uint32_t session_s;          /* longest session, 0: no limit; the least along the ancestors */
};

struct b2b_policy {
	uint64_t generation;         /* grows with every apply; chosen by b2b_index_write when 0 */
	char separator;              /* '@' */
	uint8_t visibility;          /* enum b2b_visibility */
	bool enumerate;              /* getpwent/getgrent list partners */
	bool group_members;          /* groups list their members (full), or not (none) */
	uint32_t partners_gid;
	char home[B2B_PATH_SIZE];    /* template: %o alias, %u local name; default /home/%o/%u */
	char shells[B2B_SHELLS_MAX][B2B_PATH_SIZE]; /* shells[0] is the default */
	uint32_t n_shells;
	struct b2b_policy_role roles[B2B_ROLES_MAX];
	uint32_t n_roles;
	struct b2b_policy_service services[B2B_SERVICES_MAX];
	uint32_t n_services;
	struct b2b_policy_org *orgs; /* sorted by alias */
	uint32_t n_orgs;
};

void b2b_policy_free(struct b2b_policy *policy); /* NULL is legal */

/* Slot of an organisation, or -1. */
int b2b_policy_org_by_alias(const struct b2b_policy *policy, const char *alias);
int b2b_policy_org_by_id(const struct b2b_policy *policy, const char *id);
int b2b_policy_org_by_uid(const struct b2b_policy *policy, uint32_t uid);

/* Is ORG the organisation ROOT itself, or below it? */
bool b2b_policy_org_within(const struct b2b_policy *policy, int org, int root);

/* Index of a service or role by name, or -1. */
int b2b_policy_service(const struct b2b_policy *policy, const char *name);
int b2b_policy_role(const struct b2b_policy *policy, const char *name);

#endif
