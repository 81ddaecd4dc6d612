/* What a person reads while a log-in waits for approval. */
#ifndef B2B_PROMPT_H
#define B2B_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "b2bd/federation/federation.h"

/*
 * The prompt for USER on HOST: page, code, and where QR is true the page with the code in it as a QR code in UTF-8 half
 * blocks (RFC 8628 3.3.1: the code is shown besides). Service text is stripped of control characters. Whole lines; a
 * QR code that does not fit BUF is left out. Always terminated.
 */
void b2b_prompt_device(char *buf, size_t size, const char *user, const char *host, const struct b2b_approval_prompt *prompt, bool qr);

#endif
