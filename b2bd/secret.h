/* Secrets that are texts: wiped when they go, sealed where they have to lie on a disk. */
#ifndef B2B_SECRET_H
#define B2B_SECRET_H

#include <stddef.h>

#define B2B_SEAL_KEY_SIZE 32

void b2b_secret_free(char *secret); /* wipes; NULL is legal */

/*
 * Seal TEXT under KEY (AES-256-GCM, a random nonce each time) for the place that ABOUT names: opened for another it is refused.
 * Returns 0 and *ret_sealed, which the caller frees, or -EIO, -ENOMEM.
 */
int b2b_secret_seal(const unsigned char key[B2B_SEAL_KEY_SIZE], const char *about, const char *text, unsigned char **ret_sealed, size_t *ret_len);

/* Returns 0 and *ret_text (b2b_secret_free), -EBADMSG where it was not sealed under KEY for ABOUT or was changed since, -EIO, or -ENOMEM. */
int b2b_secret_open(const unsigned char key[B2B_SEAL_KEY_SIZE], const char *about, const unsigned char *sealed, size_t len, char **ret_text);

#endif
