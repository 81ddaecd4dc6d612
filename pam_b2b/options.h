/* The words after pam_b2b.so in a pam.d line. */
#ifndef B2B_PAM_OPTIONS_H
#define B2B_PAM_OPTIONS_H

#include <stdbool.h>

#define B2B_PAM_TIMEOUT_SSHD_S 110 /* at most, see patience.h; inside OpenSSH's default LoginGraceTime of 120 s */
#define B2B_PAM_TIMEOUT_S 300
#define B2B_PAM_TIMEOUT_MIN_S 5
#define B2B_PAM_TIMEOUT_MAX_S 3600

enum b2b_pam_prompt { B2B_PROMPT_AUTO, B2B_PROMPT_ENTER, B2B_PROMPT_INFO };

struct b2b_pam_options {
	enum b2b_pam_prompt prompt; /* prompt=auto|enter|info */
	unsigned timeout_s;         /* timeout=SECONDS for a whole log-in; 0: by service */
	bool qr;                    /* qr: every client shows UTF-8, a QR code may be sent */
	const char *wrong;          /* the first word that is none of these, or has a bad value; NULL: all are good */
};

/* Fill *OPTIONS from ARGV, which outlives it. Never fails: see `wrong`. */
void b2b_pam_options(int argc, const char **argv, struct b2b_pam_options *options);

#endif
