/* b2bctl cache verify: one file for each kind of thing that is looked at; they note what they find here. */
#ifndef B2B_CTL_VERIFY_H
#define B2B_CTL_VERIFY_H

#include "b2bctl/cache_file.h"
#include "b2bctl/ctl.h"

struct b2b_verify {
	struct b2b_ctl *ctl;
	const struct b2b_policy *policy; /* the index's */
	const struct b2b_policy *wanted; /* that of the configuration, NULL where it is not at hand */
	json_t *findings;                /* objects: kind, file, at, what, do */
	unsigned faults;
};

#define B2B_VERIFY_NOWHERE UINT64_MAX

/*
 * A fault makes the cache unsound; a note tells what is unusual and harmless. FILE is below the cache's folder, AT a byte
 * of it or B2B_VERIFY_NOWHERE; WHAT is wrong, and what to DO about it.
 */
void b2b_verify_fault(struct b2b_verify *verify, const char *file, uint64_t at, const char *what, const char *to_do);
void b2b_verify_note(struct b2b_verify *verify, const char *file, uint64_t at, const char *what, const char *to_do);

/* That FILE could not be taken (b2b_cache_file_read's errors). MEND: what helps against damage. */
void b2b_verify_unread(struct b2b_verify *verify, const char *file, int error, const struct b2b_finding *finding, const char *mend);

/* Note the first byte of FROM..TO that is not zero: nothing describes them. */
void b2b_verify_zero(struct b2b_verify *verify, const struct b2b_cache_file *file, size_t from, size_t to, const char *mend);

/* The index; *ret_policy where it can be read, else NULL. Caller frees. */
void b2b_verify_index(struct b2b_verify *verify, struct b2b_policy **ret_policy);

/* What the index is beside the configuration, which *ret_conf is then. Caller frees; NULL where it cannot be read. */
void b2b_verify_conf(struct b2b_verify *verify, struct b2b_conf **ret_conf);

/* Live file and snapshot of organisation ORG (slot in verify->policy), and how they belong together. */
void b2b_verify_live(struct b2b_verify *verify, int org, struct b2b_cache_file *ret_live); /* cleared where it is of no use */
void b2b_verify_roster(struct b2b_verify *verify, int org, const struct b2b_cache_file *live);

/* Owner, mode and ACL. */
void b2b_verify_owner(struct b2b_verify *verify, const char *file, const struct stat *st);
void b2b_verify_partner_acl(struct b2b_verify *verify, const char *file, int fd, int org, bool below, mode_t access);
void b2b_verify_folder(struct b2b_verify *verify, const char *name);
void b2b_verify_org_folder(struct b2b_verify *verify, int org);

/* What lies in the folders and should not. */
void b2b_verify_leftovers(struct b2b_verify *verify);

#endif
