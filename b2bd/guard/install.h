/*
 * Snapshots into place: checked against root's policy, copied into a root-owned file, renamed, and only then announced
 * by the generation in the live file.
 *
 * The work is done in a child: a large roster, or a slow disk, must not hold up an END, and bytes that were made to crash
 * their checker take nothing down but that child. What has come meanwhile is installed together by the next child.
 */
#ifndef B2B_INSTALL_H
#define B2B_INSTALL_H

#include <stddef.h>
#include <stdint.h>

#include "common/live.h"
#include "common/policy.h"

/*
 * Install the sealed memfd FD as the snapshot of ORG below DIR, when its generation is above that of the one in place, and
 * not so far above that none would be left after it. Blocks.
 * Returns 0; -EPERM (not a memfd sealed against writing, shrinking and growing), -EFBIG, -EBADMSG (not a valid snapshot of
 * this organisation), -ESTALE (its generation is not above), -ERANGE (too far above), or what the disk said (-ENOSPC …).
 * The former snapshot stays in every case of failure. *ret_generation, on failure too: what is in place now, 0 nothing that
 * can be read. It is read from there: the number in the live file is the agent's to store.
 */
int b2b_install(const char *dir, const struct b2b_policy *policy, int org, int fd, uint64_t *ret_generation);

#define B2B_INSTALL_MOST 64 /* at once: two descriptors each, and nobody waits for more than these */

struct b2b_install_item {
	int org, fd;
	int result;          /* out, as of b2b_install */
	uint64_t generation; /* out: what is in place */
};

/*
 * Install N (up to B2B_INSTALL_MOST) snapshots of different organisations, each as b2b_install does, or not, by itself; but with two
 * syncs of their file system for all of them, in place of two for each. Worth it for a few and more: what others wrote
 * to that file system is synced too. Blocks.
 */
void b2b_install_all(const char *dir, const struct b2b_policy *policy, struct b2b_install_item *items, size_t n);

/*
 * Announce what is installed, where something else is announced: after a crash between rename and announcement, or after an
 * agent that stored what it liked. One that is gone, damaged, of another version or older than was announced is logged: readers
 * take of it what they can, and LIVE is marked unpublished.
 */
void b2b_install_recover(const char *dir, const struct b2b_policy *policy, int org, struct b2b_live *live);

struct b2b_installer; /* opaque: installs what waits, one child after another */

/* DONE gets SERIAL, 0 or a negative errno, and the generation that is installed now. All arguments outlive the installer. */
int b2b_installer_new(const char *dir, struct b2b_live *const *lives,
                      void (*done)(void *arg, uint32_t serial, int result, uint64_t generation), void *arg,
                      struct b2b_installer **ret_installer);
void b2b_installer_free(struct b2b_installer *installer); /* waits for those under way; NULL is legal */

/* Queue one; FD is the installer's from here on, also on failure. Returns 0, -ENOMEM, or -EBUSY when more wait than there are organisations. */
int b2b_installer_add(struct b2b_installer *installer, const struct b2b_policy *policy, uint32_t serial, int org, int fd);

/* Forget what waits (who asked is gone); those under way are finished, and announced, without DONE. */
void b2b_installer_forget(struct b2b_installer *installer);

/* Descriptor to poll for POLLIN, -1: nothing under way. Then call ready. */
int b2b_installer_fd(const struct b2b_installer *installer);
void b2b_installer_ready(struct b2b_installer *installer);

#endif
