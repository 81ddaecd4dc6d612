/* What a person reads while a log-in waits for approval. */
#ifndef B2B_PROMPT_H
#define B2B_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "b2bd/federation/federation.h"

#define B2B_BINDING_SIZE 21 /* 20 characters: the most that strict services take */
#define B2B_HINT_SIZE 256

/*
 * The prompt for USER on HOST: page, code, and the page with the code in it as a QR code in UTF-8 half blocks above them
 * (RFC 8628 3.3.1: the code is shown besides, and stays in sight on a short screen), where COLUMNS hold it; 0 for none. Service text is
 * stripped of control characters. Whole lines; a QR code that does not fit BUF is left out. Always terminated.
 */
void b2b_prompt_device(char *buf, size_t size, const char *user, const char *host, const struct b2b_approval_prompt *prompt, unsigned columns);

/* The prompt while a request with the message BINDING is on the person's own approval device. */
void b2b_prompt_ciba(char *buf, size_t size, const char *user, const char *host, const char *binding);

/*
 * What the terminal shows while N people, by their NAMES, are asked to approve a command: MESSAGE, as it stands on their devices or
 * with more in it.
 */
void b2b_prompt_command(char *buf, size_t size, const char *const *names, size_t n, const char *message);

/* The question for an access token. OTHER: who has none can press Enter and log in in another way. */
void b2b_prompt_token(char *buf, size_t size, const char *user, const char *host, bool other);

/*
 * A binding message (CIBA Core 7.1), the same on both screens and another each time: what fits of HOST's first label, and eight
 * random letters, "web7/WDJB-MJHT". Letters, digits and "-./", which strict services take. Returns 0 or -EIO.
 */
int b2b_binding_message(const char *host, char ret_message[B2B_BINDING_SIZE]);

/* TEMPLATE (login_hint of b2b.conf(5)) with %n, %u, %o, %s and %% replaced, into BUF; cut where it does not fit. */
void b2b_hint_format(const char *template, const char *name, const char *local, const char *alias, const char *subject, char *buf, size_t size);

#endif
