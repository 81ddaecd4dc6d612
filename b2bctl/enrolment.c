#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "b2bctl/conf_edit.h"
#include "b2bctl/enroll.h"
#include "common/trusted_file.h"

#define CONF_MOST (4u << 20)

bool b2b_enrolment_has(const char *path)
{
	struct stat st;

	return path && lstat(path, &st) == 0;
}

char *b2b_enrolment_beside(const char *path, const char *suffix)
{
	char *beside;

	return asprintf(&beside, "%s.%s", path, suffix) < 0 ? NULL : beside;
}

/* The option, else what the configuration says. */
static char *said(const struct b2b_enrolment *enrolment, const char *option, const char *key)
{
	return option ? strdup(option) : b2b_conf_edit_get(enrolment->conf, "federation", key);
}

/* What the configuration names by KEY (NULL: nothing), else NAME in its folder. */
static char *path_of(const struct b2b_enrolment *enrolment, const char *key, const char *name)
{
	char *path = key ? b2b_conf_edit_get(enrolment->conf, "federation", key) : NULL, *copy;

	if (path)
		return path;
	copy = strdup(enrolment->ctl->conf_path);
	if (copy && asprintf(&path, "%s/%s", dirname(copy), name) < 0)
		path = NULL;
	free(copy);
	return path;
}

/* "" where there is none. */
static int read_text(const struct b2b_enrolment *enrolment, char **ret_text, bool *ret_exists)
{
	const char *path = enrolment->ctl->conf_path;
	bool exists = b2b_enrolment_has(path);
	char error[B2B_CONF_ERROR_SIZE], *text;
	size_t len = 0;

	if (exists && b2b_conf_read_text(path, CONF_MOST, &text, &len, error) < 0)
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_CONF, "%s", error);
	if (!exists && !(text = strdup("")))
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "out of memory");
	if (strlen(text) != len) {
		free(text);
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_CONF, "%s holds a NUL byte; expected text", path);
	}
	*ret_text = text;
	*ret_exists = exists;
	return B2B_CTL_OK;
}

static int read_conf(struct b2b_enrolment *enrolment)
{
	if (enrolment->ctl->conf_path[0] != '/')
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_USAGE, "--conf: expected an absolute path");
	return read_text(enrolment, &enrolment->conf, &enrolment->conf_exists);
}

int b2b_enrolment_conf_unchanged(const struct b2b_enrolment *enrolment)
{
	char *text = NULL;
	bool exists;
	int code = read_text(enrolment, &text, &exists);

	if (code == B2B_CTL_OK && (exists != enrolment->conf_exists || strcmp(text, enrolment->conf) != 0))
		code = b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "%s was changed by somebody else meanwhile, and was left as it is now; look at it, then, "
		                    "with the same options: b2bctl enroll %s --client-id %s%s", enrolment->ctl->conf_path, enrolment->issuer, enrolment->client_id,
		                    enrolment->next_key ? " --force" : "");
	free(text);
	return code;
}

static int read_record(struct b2b_enrolment *enrolment)
{
	char *text;
	size_t len;
	int r = b2b_trusted_read(enrolment->record, B2B_LINES_TEXT_MAX, &text, &len);

	if (r == -ENOENT)
		return B2B_CTL_OK;
	if (r == 0) {
		r = b2b_lines_parse(text, len, &enrolment->recorded);
		explicit_bzero(text, len);
		free(text);
	}
	return r == 0 ? B2B_CTL_OK : b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "%s: %s", enrolment->record,
	                                          r == -EPERM ? "must be root's alone" : r == -EBADMSG ? "is damaged" : strerror(-r));
}

int b2b_enrolment_begin(struct b2b_ctl *ctl, struct b2b_enrolment *ret)
{
	const struct group *group = getgrnam("b2b");
	int code;

	*ret = (struct b2b_enrolment){ .ctl = ctl };
	if (geteuid() != 0)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "this takes root");
	if (!group)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "there is no group b2b: create it (systemd-sysusers)");
	ret->gid = group->gr_gid;
	code = read_conf(ret);
	if (code != B2B_CTL_OK)
		return code;
	ret->issuer = said(ret, ctl->operand, "issuer");
	ret->client_id = said(ret, ctl->enroll.client_id, "client_id");
	ret->auth = said(ret, ctl->enroll.auth, "client_auth");
	ret->ca_file = said(ret, ctl->enroll.ca_file, "ca_file");
	ret->proxy = said(ret, ctl->enroll.proxy, "proxy");
	if (!ret->auth)
		ret->auth = strdup("private_key_jwt");
	ret->key = path_of(ret, "client_key", "client.key");
	ret->certificate = path_of(ret, "client_certificate", "client.pem");
	ret->secret = path_of(ret, "client_secret_file", "client.secret");
	ret->record = path_of(ret, NULL, "registration");
	if (!ret->auth || !ret->key || !ret->certificate || !ret->secret || !ret->record)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "out of memory");
	return read_record(ret);
}

void b2b_enrolment_end(struct b2b_enrolment *enrolment)
{
	char *const strings[] = { enrolment->conf, enrolment->issuer, enrolment->client_id, enrolment->auth, enrolment->ca_file, enrolment->proxy,
		                  enrolment->key, enrolment->certificate, enrolment->secret, enrolment->record,
		                  enrolment->next_key, enrolment->next_certificate };

	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++)
		free(strings[i]);
	b2b_lines_clear(&enrolment->recorded);
}

static int put(const struct b2b_enrolment *enrolment, const char *path, const char *text, mode_t mode, gid_t gid)
{
	int r = b2b_ctl_put_file(path, text, strlen(text), mode, 0, gid);

	return r == 0 ? B2B_CTL_OK : b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "%s cannot be written: %s", path, strerror(-r));
}

/* Root writes what the child says is PEM: nothing but that. */
static bool is_pem(const char *text, const char *kind)
{
	char begin[64];

	snprintf(begin, sizeof(begin), "-----BEGIN %s-----\n", kind);
	return text && strncmp(text, begin, strlen(begin)) == 0 &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=- \n") == strlen(text);
}

int b2b_enrolment_make_key(const struct b2b_enrolment *enrolment, const char *path, const char *certificate, const char *name)
{
	struct b2b_lines answer;
	struct b2b_order order;
	int code;

	if (b2b_order_begin(enrolment, "key", &order) < 0)
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "out of memory");
	b2b_line_put(order.out, "kind", "EC");
	b2b_line_put(order.out, "name", certificate ? name : NULL);
	code = b2b_order_run(enrolment, &order, &answer);
	if (code != B2B_CTL_OK)
		return code;
	if (!is_pem(b2b_lines_get(&answer, "key"), "PRIVATE KEY") || (certificate && !is_pem(b2b_lines_get(&answer, "certificate"), "CERTIFICATE")))
		code = b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "b2bd made no key");
	if (code == B2B_CTL_OK)
		code = put(enrolment, path, b2b_lines_get(&answer, "key"), 0640, enrolment->gid);
	if (code == B2B_CTL_OK && certificate)
		code = put(enrolment, certificate, b2b_lines_get(&answer, "certificate"), 0640, enrolment->gid);
	b2b_lines_clear(&answer);
	return code;
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

static bool is_usable(const char *name, const char *value)
{
	if (strcmp(name, "client_id") == 0)
		return b2b_conf_edit_is_value(value);
	if (strcmp(name, "registration_client_uri") == 0)
		return strncmp(value, "https://", 8) == 0 && is_printable(value);
	if (strcmp(name, "client_secret") == 0 || strcmp(name, "registration_access_token") == 0)
		return *value && is_printable(value);
	return true; /* nothing that is kept */
}

/* Each line that bears the name, as the first and the last of them have their readers. */
static int judge(const struct b2b_enrolment *enrolment, const struct b2b_lines *answer)
{
	for (size_t i = 0; i < answer->n; i++)
		if (!is_usable(answer->line[i].name, answer->line[i].value))
			return b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "b2bd told a %s that cannot be used, and nothing of its answer was kept: "
			                    "remove the registration at %s, then try again", answer->line[i].name, enrolment->issuer);
	return B2B_CTL_OK;
}

int b2b_enrolment_record(struct b2b_enrolment *enrolment, const char *client_id, const struct b2b_lines *answer)
{
	static const char *const names[] = { "registration_client_uri", "registration_access_token" };
	char *text = NULL;
	size_t size;
	FILE *out;
	int code = judge(enrolment, answer);

	if (code != B2B_CTL_OK)
		return code;
	out = open_memstream(&text, &size);
	if (!out)
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "out of memory");
	b2b_line_put(out, "issuer", enrolment->issuer);
	b2b_line_put(out, "client_id", client_id);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = b2b_lines_get(answer, names[i]);

		/* the last one counts: a service may change it twice in one errand */
		for (size_t j = 0; j < answer->n; j++)
			if (strcmp(answer->line[j].name, names[i]) == 0)
				value = answer->line[j].value;
		b2b_line_put(out, names[i], value ? value : b2b_lines_get(&enrolment->recorded, names[i]));
	}
	if (fclose(out) != 0)
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "out of memory");
	code = put(enrolment, enrolment->record, text, 0600, 0);
	explicit_bzero(text, size);
	free(text);
	return code;
}

/* What the child says of a step; anything else it says is no step. Counts what failed. */
static int show_steps(const struct b2b_enrolment *enrolment, const struct b2b_lines *answer)
{
	static const char *const steps[] = { "discovery", "token", "ciba", "device", "login", "directory", "signals" };
	int failed = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		for (size_t j = 0; j < answer->n; j++) {
			if (strcmp(answer->line[j].name, steps[i]) != 0)
				continue;
			b2b_ctl_paragraph(enrolment->ctl->out, steps[i], "%s", answer->line[j].value);
			failed += strncmp(answer->line[j].value, "ok ", 3) != 0 && strncmp(answer->line[j].value, "none: ", 6) != 0;
		}
	}
	return failed;
}

int b2b_enrolment_check(const struct b2b_enrolment *enrolment, const char *key_file)
{
	struct b2b_lines answer;
	struct b2b_order order;
	int code, failed;

	if (b2b_order_begin(enrolment, "check", &order) < 0)
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "out of memory");
	b2b_line_put(order.out, "conf", enrolment->ctl->conf_path);
	b2b_line_put(order.out, "key_file", key_file);
	code = b2b_order_run(enrolment, &order, &answer);
	if (code != B2B_CTL_OK)
		return code;
	failed = show_steps(enrolment, &answer) + !b2b_lines_get(&answer, "token");
	b2b_lines_clear(&answer);
	return failed ? B2B_CTL_FAILED : B2B_CTL_OK;
}
