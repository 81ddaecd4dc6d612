/*
 * sshd's configuration, read as sshd reads it (sshd_config(5)): the first value of a keyword counts; what a Match block says goes before what
 * stands outside, wherever that is; a block ends with its file.
 */
#ifndef B2B_SSHD_CONFIG_H
#define B2B_SSHD_CONFIG_H

#define B2B_SSHD_CONFIG "/etc/ssh/sshd_config"
#define B2B_SSHD_MATCH_SIZE 256
#define B2B_SSHD_GRACE_S 120 /* OpenSSH's, where nothing is said */

/* One line that says something. MATCH: the conditions of its block, cut to B2B_SSHD_MATCH_SIZE; "" outside. VALUE may be written into. */
typedef void b2b_sshd_line(void *arg, const char *match, const char *keyword, char *value);

/*
 * LINE for all of B2B_SSHD_CONFIG and what it includes, both below ROOT ("": this host itself). Files that are not regular or larger than 1 MB
 * are passed over. Returns 0, or -ENOENT where there is no such file that can be read.
 */
int b2b_sshd_config_read(const char *root, b2b_sshd_line *line, void *arg);

/* A LoginGraceTime in seconds: "120", "2m", "1h30m"; "": the default. 0: for ever. -1: sshd would not start with it. */
long b2b_sshd_grace_s(const char *text);

/*
 * How many seconds this host's sshd gives a connection to log in; the default where nothing can be read, 0 for ever. One that was started with
 * another file (-f) or with the value on its command line is not known by this.
 */
unsigned b2b_sshd_login_grace_s(void);

#endif
