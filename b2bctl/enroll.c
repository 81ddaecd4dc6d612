/* enroll: key, registration, configuration, test, in this order; what is done stays, and can be gone on with. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "b2bctl/conf_edit.h"
#include "b2bctl/enroll.h"

#define TOKEN_MAX 8192

/* ---- the initial access token: from a file, standard input or a person, never the command line ---- */

/* One line from FD without its end, into BUF. */
static int read_line(int fd, char buf[TOKEN_MAX])
{
	size_t len = 0;
	ssize_t got;

	while (len < TOKEN_MAX - 1 && (got = read(fd, buf + len, 1)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (buf[len] == '\n')
			break;
		len++;
	}
	while (len && strchr("\r \t", buf[len - 1]))
		len--;
	buf[len] = '\0';
	return len == TOKEN_MAX - 1 ? -EFBIG : 0;
}

static int ask_person(char buf[TOKEN_MAX])
{
	static const char prompt[] = "Initial access token (none: press Enter): ";
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY), r;
	struct termios before, quiet;

	if (fd < 0 || tcgetattr(fd, &before) < 0) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fd, TCSAFLUSH, &quiet);
	r = write(fd, prompt, sizeof(prompt) - 1) < 0 ? -errno : read_line(fd, buf);
	tcsetattr(fd, TCSAFLUSH, &before);
	if (write(fd, "\n", 1) < 0 && r == 0)
		r = -errno;
	close(fd);
	return r;
}

/* "" where there is none. */
static int read_token(struct b2b_ctl *ctl, char buf[TOKEN_MAX])
{
	const char *path = ctl->enroll.token_file;
	int fd, r = 0;

	buf[0] = '\0';
	if (path && strcmp(path, "-") != 0) {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		r = fd < 0 ? -errno : read_line(fd, buf);
		if (fd >= 0)
			close(fd);
	} else if (path) {
		r = read_line(STDIN_FILENO, buf);
	} else if (isatty(STDIN_FILENO)) {
		r = ask_person(buf);
	}
	if (r == 0 && path && !*buf)
		r = -ENODATA;
	return r == 0 ? B2B_CTL_OK : b2b_ctl_fail(ctl, B2B_CTL_FAILED, "%s: the initial access token cannot be read: %s", path ? path : "/dev/tty", strerror(-r));
}

/* ---- key and registration ---- */

static const char *host_name(const struct b2b_enrolment *enrolment, char buf[256])
{
	if (enrolment->ctl->enroll.name)
		return enrolment->ctl->enroll.name;
	if (gethostname(buf, 255) < 0 || !*buf)
		return "b2b host";
	buf[255] = '\0';
	return buf;
}

static bool by_secret(const struct b2b_enrolment *enrolment)
{
	return strncmp(enrolment->auth, "client_secret_", 14) == 0;
}

static bool by_certificate(const struct b2b_enrolment *enrolment)
{
	return strcmp(enrolment->auth, "self_signed_tls_client_auth") == 0;
}

static int refuse_old(const struct b2b_enrolment *enrolment, const char *path)
{
	char *old = b2b_enrolment_beside(path, "old");
	int code = !old ? b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "out of memory") :
	           !b2b_enrolment_has(old) ? B2B_CTL_OK :
	           b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "%s is there, the one before the present: b2bctl enroll --retire, or move it away, first", old);

	free(old);
	return code;
}

/* Those in use stay until the service has taken the new ones. A key that an earlier try left is used: somebody may have entered it. */
static int provide_next(struct b2b_enrolment *enrolment)
{
	bool certificate = by_certificate(enrolment);
	char name[256];
	int code = refuse_old(enrolment, enrolment->key);

	if (code == B2B_CTL_OK && certificate)
		code = refuse_old(enrolment, enrolment->certificate);
	if (code != B2B_CTL_OK)
		return code;
	enrolment->next_key = b2b_enrolment_beside(enrolment->key, "next");
	enrolment->next_certificate = certificate ? b2b_enrolment_beside(enrolment->certificate, "next") : NULL;
	if (!enrolment->next_key || (certificate && !enrolment->next_certificate))
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "out of memory");
	if (!b2b_enrolment_has(enrolment->next_key) || (certificate && !b2b_enrolment_has(enrolment->next_certificate)))
		code = b2b_enrolment_make_key(enrolment, enrolment->next_key, enrolment->next_certificate, host_name(enrolment, name));
	if (code == B2B_CTL_OK)
		b2b_ctl_paragraph(enrolment->ctl->out, "key", "%s, to be put in the place of %s", enrolment->next_key, enrolment->key);
	return code;
}

/* With an id that was given by hand only the key that was printed for it counts as new. */
static bool wants_next(const struct b2b_enrolment *enrolment)
{
	char *next = b2b_enrolment_beside(enrolment->key, "next");
	bool wants = enrolment->ctl->enroll.force && b2b_enrolment_has(enrolment->key) && (!enrolment->ctl->enroll.client_id || b2b_enrolment_has(next));

	free(next);
	return wants;
}

/* A key that is there is used, but for --force. */
static int provide_key(struct b2b_enrolment *enrolment)
{
	char name[256];
	int code;

	if (by_secret(enrolment))
		return B2B_CTL_OK;
	if (wants_next(enrolment))
		return provide_next(enrolment);
	if (b2b_enrolment_has(enrolment->key)) {
		b2b_ctl_paragraph(enrolment->ctl->out, "key", "%s, which is there; --force makes a new one", enrolment->key);
		return B2B_CTL_OK;
	}
	code = b2b_enrolment_make_key(enrolment, enrolment->key, by_certificate(enrolment) ? enrolment->certificate : NULL, host_name(enrolment, name));
	if (code == B2B_CTL_OK)
		b2b_ctl_paragraph(enrolment->ctl->out, "key", "%s, made", enrolment->key);
	return code;
}

static int put_next_in_place(const struct b2b_enrolment *enrolment)
{
	int code = B2B_CTL_OK;

	if (enrolment->next_certificate)
		code = b2b_enrolment_put_in_place(enrolment, enrolment->next_certificate, enrolment->certificate);
	if (code == B2B_CTL_OK && enrolment->next_key)
		code = b2b_enrolment_put_in_place(enrolment, enrolment->next_key, enrolment->key);
	return code;
}

static int describe_order(const struct b2b_enrolment *enrolment, const char *what, struct b2b_order *ret)
{
	char name[256], *api = b2b_conf_edit_get(enrolment->conf, "federation", "api_scope"), *scope = b2b_conf_edit_get(enrolment->conf, "federation", "scope");
	char *both = NULL;
	int r = asprintf(&both, "%s %s", scope ? scope : "openid organization", api ? api : "directory ssf") < 0 ? -ENOMEM : 0;

	if (r == 0)
		r = b2b_order_begin(enrolment, what, ret);
	if (r == 0) {
		b2b_line_put(ret->out, "issuer", enrolment->issuer);
		b2b_line_put(ret->out, "auth", enrolment->auth);
		b2b_line_put(ret->out, "name", host_name(enrolment, name));
		b2b_line_put(ret->out, "scope", both);
		b2b_line_put(ret->out, "key_file", by_secret(enrolment) ? NULL : enrolment->next_key ? enrolment->next_key : enrolment->key);
		b2b_line_put(ret->out, "certificate_file", !by_certificate(enrolment) ? NULL : enrolment->next_certificate ? enrolment->next_certificate : enrolment->certificate);
		free(both);
	}
	free(api);
	free(scope);
	return r;
}

static int print_by_hand(const struct b2b_enrolment *enrolment)
{
	struct b2b_lines answer;
	struct b2b_order order;
	int code;

	if (describe_order(enrolment, "describe", &order) < 0)
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "out of memory");
	code = b2b_order_run(enrolment, &order, &answer);
	if (code != B2B_CTL_OK)
		return code;
	fprintf(enrolment->ctl->out, "Enter this host at %s by hand, as a confidential client:\n\n%s\n\n", enrolment->issuer, b2b_lines_get(&answer, "metadata"));
	if (by_secret(enrolment))
		fprintf(enrolment->ctl->out, "Write the secret that it gets into %s (root:b2b, mode 0640).\n", enrolment->secret);
	fprintf(enrolment->ctl->out, "Then, with the client id that it gets:\n  b2bctl enroll %s --client-id ID%s%s%s\n", enrolment->issuer,
	        enrolment->ctl->enroll.auth ? " --auth " : "", enrolment->ctl->enroll.auth ? enrolment->ctl->enroll.auth : "", enrolment->next_key ? " --force" : "");
	b2b_lines_clear(&answer);
	return B2B_CTL_OK;
}

static int write_secret(const struct b2b_enrolment *enrolment, const char *secret)
{
	char *line;
	int r = asprintf(&line, "%s\n", secret) < 0 ? -ENOMEM : 0;

	if (r == 0) {
		r = b2b_ctl_put_file(enrolment->secret, line, strlen(line), 0640, 0, enrolment->gid);
		explicit_bzero(line, strlen(line));
		free(line);
	}
	return r == 0 ? B2B_CTL_OK : b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "%s cannot be written: %s", enrolment->secret, strerror(-r));
}

static int keep_answer(struct b2b_enrolment *enrolment, const struct b2b_lines *answer)
{
	const char *id = b2b_lines_get(answer, "client_id"), *secret = b2b_lines_get(answer, "client_secret");
	int code;

	if (!id || (by_secret(enrolment) && !secret))
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "b2bd told no %s", id ? "client_secret" : "client_id");
	free(enrolment->client_id);
	enrolment->client_id = strdup(id);
	/* First of all: without it nobody but the service's administrator could take the registration back. */
	code = enrolment->client_id ? b2b_enrolment_record(enrolment, id, answer) : b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "out of memory");
	if (code == B2B_CTL_OK && by_secret(enrolment))
		code = write_secret(enrolment, secret);
	if (code == B2B_CTL_OK)
		b2b_ctl_paragraph(enrolment->ctl->out, "registered", "%s at %s", id, enrolment->issuer);
	if (code == B2B_CTL_OK && b2b_lines_get(answer, "without"))
		b2b_ctl_paragraph(enrolment->ctl->out, "note", "the service left out the grant %s: nobody can approve a log-in, or a command of "
		                  "sudo's, on a device of their own until it is added there", b2b_lines_get(answer, "without"));
	return code;
}

/* *RET_CLOSED: the service registers nobody by itself. */
static int registration(struct b2b_enrolment *enrolment, bool *ret_closed)
{
	char token[TOKEN_MAX];
	struct b2b_lines answer;
	struct b2b_order order;
	int code = read_token(enrolment->ctl, token);

	if (code == B2B_CTL_OK && describe_order(enrolment, "register", &order) < 0)
		code = b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "out of memory");
	if (code == B2B_CTL_OK) {
		b2b_line_put(order.out, "token", *token ? token : NULL);
		code = b2b_order_run(enrolment, &order, &answer);
	}
	explicit_bzero(token, sizeof(token));
	if (code != B2B_CTL_OK)
		return code;
	*ret_closed = b2b_lines_get(&answer, "closed");
	if (!*ret_closed)
		code = keep_answer(enrolment, &answer);
	b2b_lines_clear(&answer);
	return code;
}

/* ---- the configuration ---- */

static int edit(struct b2b_enrolment *enrolment, char **text, FILE *diff)
{
	bool key = !by_secret(enrolment), certificate = strstr(enrolment->auth, "tls_client_auth");
	const struct {
		const char *key, *value;
	} changes[] = {
		{ "issuer", enrolment->issuer },
		{ "client_id", enrolment->client_id },
		{ "client_auth", strcmp(enrolment->auth, "private_key_jwt") == 0 ? NULL : enrolment->auth },
		{ "client_key", key ? enrolment->key : NULL },
		{ "client_certificate", certificate ? enrolment->certificate : NULL },
		{ "client_secret_file", key ? NULL : enrolment->secret },
		{ "ca_file", enrolment->ca_file },
		{ "proxy", enrolment->proxy },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(changes) / sizeof(*changes); i++)
		r = b2b_conf_edit_set(text, "federation", changes[i].key, changes[i].value, diff);
	return r;
}

/* The former text stays beside it. */
static int replace_conf(const struct b2b_enrolment *enrolment, const char *text)
{
	const char *path = enrolment->ctl->conf_path;
	char *backup = b2b_enrolment_beside(path, "bak");
	int r = backup ? 0 : -ENOMEM;

	if (r == 0 && enrolment->conf_exists)
		r = b2b_ctl_put_file(backup, enrolment->conf, strlen(enrolment->conf), 0600, 0, 0);
	if (r == 0)
		r = enrolment->conf_exists ? b2b_ctl_replace_file(path, text, strlen(text)) : b2b_ctl_put_file(path, text, strlen(text), 0640, 0, enrolment->gid);
	if (r == 0)
		fprintf(enrolment->ctl->err, enrolment->conf_exists ? "%s written; as it was: %s\n" : "%s written\n", path, backup);
	free(backup);
	return r == 0 ? B2B_CTL_OK : b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "%s cannot be written: %s", path, strerror(-r));
}

/* Hours may have passed at the prompt: over nothing but what was read then. */
static int write_conf(const struct b2b_enrolment *enrolment, const char *text)
{
	int lock = b2b_ctl_lock_folder(enrolment->ctl->conf_path), code;

	if (lock < 0)
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "the folder of %s cannot be locked: %s; then: b2bctl enroll %s --client-id %s",
		                    enrolment->ctl->conf_path, strerror(-lock), enrolment->issuer, enrolment->client_id);
	code = b2b_enrolment_conf_unchanged(enrolment);
	if (code == B2B_CTL_OK)
		code = replace_conf(enrolment, text);
	close(lock);
	return code;
}

static int configure(struct b2b_enrolment *enrolment)
{
	char error[B2B_CONF_ERROR_SIZE] = "", *text = strdup(enrolment->conf), *diff = NULL;
	struct b2b_conf *conf = NULL;
	size_t size;
	FILE *out = open_memstream(&diff, &size);
	int code, r = text && out ? edit(enrolment, &text, out) : -ENOMEM;

	if (out && fclose(out) != 0)
		r = -ENOMEM;
	if (r < 0) {
		code = b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "%s was left: %s", enrolment->ctl->conf_path,
		                    r == -EINVAL ? "a value for it is not one line of printable ASCII without a ';'" : strerror(-r));
	} else if (b2b_conf_parse(text, strlen(text), enrolment->ctl->conf_path, false, &conf, error) < 0) {
		code = b2b_ctl_fail(enrolment->ctl, B2B_CTL_CONF, "the configuration would be wrong, and was left: %s", error);
		fprintf(enrolment->ctl->err, "what was to be changed:\n%s", diff);
	} else {
		fputs(diff, enrolment->ctl->out);
		code = *diff ? write_conf(enrolment, text) : B2B_CTL_OK;
	}
	b2b_conf_free(conf);
	free(text);
	free(diff);
	return code;
}

/* ---- the verb ---- */

/* It was registered, and something came between that and the configuration: --client-id goes on with it. */
static bool goes_on(const struct b2b_enrolment *enrolment, const char *at, const char *as)
{
	return enrolment->ctl->enroll.client_id && at && strcmp(at, enrolment->issuer) == 0 && strcmp(as, enrolment->ctl->enroll.client_id) == 0;
}

static int may_enroll(const struct b2b_enrolment *enrolment)
{
	static const char *const methods[] = { "private_key_jwt", "client_secret_basic", "client_secret_post", "self_signed_tls_client_auth" };
	const char *at = b2b_lines_get(&enrolment->recorded, "issuer"), *as = b2b_lines_get(&enrolment->recorded, "client_id");
	bool known = false;

	if (!enrolment->issuer)
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_USAGE, "usage: b2bctl enroll ISSUER");
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		known = known || strcmp(enrolment->auth, methods[i]) == 0;
	if (strcmp(enrolment->auth, "tls_client_auth") == 0)
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "the certificate for tls_client_auth comes from your authority: register the host by its subject, "
		                    "write client_auth, client_certificate and client_key into %s, then b2bctl enroll --test", enrolment->ctl->conf_path);
	if (!known)
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_USAGE, "--auth: expected private_key_jwt, client_secret_basic, client_secret_post or self_signed_tls_client_auth");
	if (as && !enrolment->ctl->enroll.force && !goes_on(enrolment, at, as))
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "this host is registered at %s as %s: b2bctl unenroll first; --rollover gives it a new key, --force "
		                    "registers it once more", at ? at : "?", as);
	return B2B_CTL_OK;
}

static int enroll(struct b2b_enrolment *enrolment)
{
	bool by_hand = enrolment->ctl->enroll.manual;
	int code = may_enroll(enrolment);

	if (code == B2B_CTL_OK)
		code = provide_key(enrolment);
	if (code == B2B_CTL_OK && !by_hand && !enrolment->ctl->enroll.client_id)
		code = registration(enrolment, &by_hand);
	if (code == B2B_CTL_OK && by_hand)
		return print_by_hand(enrolment);
	if (code == B2B_CTL_OK)
		code = configure(enrolment);
	if (code == B2B_CTL_OK)
		code = put_next_in_place(enrolment);
	if (code != B2B_CTL_OK)
		return code;
	code = b2b_enrolment_check(enrolment, NULL);
	fputs(code == B2B_CTL_OK ? "This host is enrolled; now: b2bctl policy apply, and restart b2bd\n" :
	                           "This host is registered, but not all of it works; when that is mended: b2bctl enroll --test\n", enrolment->ctl->err);
	return code;
}

int b2b_ctl_enroll(struct b2b_ctl *ctl)
{
	struct b2b_enrolment enrolment;
	int code;

	if (ctl->enroll.rollover + ctl->enroll.retire + ctl->enroll.test + (ctl->operand != NULL) != 1)
		return b2b_ctl_fail(ctl, B2B_CTL_USAGE, "usage: b2bctl enroll ISSUER, or with one of --rollover, --retire and --test");
	code = b2b_enrolment_begin(ctl, &enrolment);
	if (code == B2B_CTL_OK)
		code = ctl->enroll.rollover ? b2b_enrolment_rollover(&enrolment) : ctl->enroll.retire ? b2b_enrolment_retire(&enrolment) :
		       ctl->enroll.test ? b2b_enrolment_check(&enrolment, NULL) : enroll(&enrolment);
	b2b_enrolment_end(&enrolment);
	return code;
}
