/*
 * Snapshots: an organisation's people, groups and memberships on disk
 * (<dir>/org/<organisation id>/snapshot). Byte layout: common/cache_format.h.
 *
 * Immutable, replaced by rename. The agent builds one in a sealed memfd and
 * hands it to the guard, which checks every byte against root's policy
 * (b2b_snapshot_check), copies it into a root-owned file and installs it.
 *
 * A snapshot carries local names, ids inside the range, role bits and shell
 * numbers; nothing in it can name a local group, a path or a foreign id.
 */
#ifndef B2B_SNAPSHOT_H
#define B2B_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "common/finding.h"
#include "common/policy.h"

#define B2B_GECOS_SIZE 64
#define B2B_SNAPSHOT_MAX (1u << 30)

struct b2b_snapshot_user {
	const char *local;   /* "alice" */
	const char *gecos;   /* display name; control characters, ':' and ',' must be stripped; cut at 63 bytes on a UTF-8 border */
	uint32_t uid;        /* also the gid of the private group */
	uint64_t roles;      /* role bits as delegated; readers intersect with the grant */
	uint8_t shell;       /* number in policy->shells */
};

struct b2b_snapshot_group {
	const char *local;   /* "dba" */
	uint32_t gid;
	const uint32_t *members; /* uids of users of this snapshot; any order */
	size_t n_members;
};

struct b2b_snapshot_builder; /* opaque */

/* A builder for organisation ORG (slot in POLICY), with GENERATION. Returns 0 or -ENOMEM. */
int b2b_snapshot_new(const struct b2b_policy *policy, int org, uint64_t generation, struct b2b_snapshot_builder **ret_builder);
void b2b_snapshot_free(struct b2b_snapshot_builder *builder); /* NULL is legal */

/*
 * Add one; strings and arrays are copied. Returns 0, -EINVAL (name or text
 * against the rule), -ERANGE (id outside the range or its first id), -EEXIST
 * (name or id is already there), -ENOMEM. After an error the builder is as before.
 */
int b2b_snapshot_add_user(struct b2b_snapshot_builder *builder, const struct b2b_snapshot_user *user);
int b2b_snapshot_add_group(struct b2b_snapshot_builder *builder, const struct b2b_snapshot_group *group);

/* Write the whole snapshot to FD (an empty memfd or file) at offset 0. Returns 0 or a negative errno. */
int b2b_snapshot_write(struct b2b_snapshot_builder *builder, int fd);

/*
 * Is this LEN-byte image, which nobody else can change meanwhile, a valid
 * snapshot of organisation ORG of POLICY? Every offset, name, id, count and
 * string is looked at. Returns 0 and its generation, or -EBADMSG.
 */
int b2b_snapshot_check(const void *image, size_t len, const struct b2b_policy *policy, int org, uint64_t *ret_generation);

/* The same; *ret_finding says what is wrong first with -EBADMSG, and has no `what` after 0. */
int b2b_snapshot_find(const void *image, size_t len, const struct b2b_policy *policy, int org, uint64_t *ret_generation,
                      struct b2b_finding *ret_finding);

#endif
