/* unenroll: the stream of signals, the registration, then what proved this host. The configuration stays. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "b2bctl/enroll.h"
#include "common/clock.h"

/* The agent would make a new stream at once, and be refused everywhere a moment later. */
static int agent_runs(void)
{
	int fd = b2b_agent_connect(b2b_now_ns() + B2B_NS_PER_S);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* A stream that stays is the service's to clean up: it ends no later than the client does. */
static void end_stream(const struct b2b_enrolment *enrolment)
{
	struct b2b_lines answer;
	struct b2b_order order;

	if (b2b_order_begin(enrolment, "stream", &order) < 0)
		return;
	b2b_line_put(order.out, "conf", enrolment->ctl->conf_path);
	if (b2b_order_run(enrolment, &order, &answer) == B2B_CTL_OK)
		b2b_lines_clear(&answer);
}

static int end_registration(const struct b2b_enrolment *enrolment)
{
	struct b2b_lines answer;
	struct b2b_order order;
	int code;

	if (!b2b_lines_get(&enrolment->recorded, "registration_access_token")) {
		fprintf(enrolment->ctl->out, "Remove client %s at %s by hand: it was not registered by b2bctl, or may not be deleted by it\n",
		        enrolment->client_id ? enrolment->client_id : "?", enrolment->issuer ? enrolment->issuer : "the service");
		return B2B_CTL_OK;
	}
	if (b2b_order_begin(enrolment, "delete", &order) < 0)
		return b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "out of memory");
	b2b_line_put(order.out, "uri", b2b_lines_get(&enrolment->recorded, "registration_client_uri"));
	b2b_line_put(order.out, "token", b2b_lines_get(&enrolment->recorded, "registration_access_token"));
	code = b2b_order_run(enrolment, &order, &answer);
	if (code == B2B_CTL_OK) {
		b2b_lines_clear(&answer);
		b2b_ctl_paragraph(enrolment->ctl->out, "deleted", "%s at %s", b2b_lines_get(&enrolment->recorded, "client_id"), enrolment->issuer);
	}
	return code;
}

static int remove_file(const struct b2b_enrolment *enrolment, const char *path, const char *suffix)
{
	char *beside = suffix ? b2b_enrolment_beside(path, suffix) : NULL;
	int code = B2B_CTL_OK;

	if ((!suffix || beside) && unlink(beside ? beside : path) < 0 && errno != ENOENT)
		code = b2b_ctl_fail(enrolment->ctl, B2B_CTL_FAILED, "%s: %s", beside ? beside : path, strerror(errno));
	free(beside);
	return code;
}

static int remove_proofs(const struct b2b_enrolment *enrolment)
{
	int code = remove_file(enrolment, enrolment->record, NULL);

	code |= remove_file(enrolment, enrolment->key, NULL);
	code |= remove_file(enrolment, enrolment->key, "old");
	code |= remove_file(enrolment, enrolment->key, "next");
	code |= remove_file(enrolment, enrolment->secret, NULL);
	if (strcmp(enrolment->auth, "self_signed_tls_client_auth") == 0) {
		code |= remove_file(enrolment, enrolment->certificate, NULL);
		code |= remove_file(enrolment, enrolment->certificate, "old");
		code |= remove_file(enrolment, enrolment->certificate, "next");
	}
	return code;
}

int b2b_ctl_unenroll(struct b2b_ctl *ctl)
{
	struct b2b_enrolment enrolment;
	int code = b2b_enrolment_begin(ctl, &enrolment);

	if (code == B2B_CTL_OK && agent_runs())
		code = b2b_ctl_fail(ctl, B2B_CTL_FAILED, "b2bd runs: stop it first (systemctl disable --now b2bd); no partner can log in then");
	if (code == B2B_CTL_OK) {
		if (enrolment.conf_exists)
			end_stream(&enrolment);
		code = end_registration(&enrolment);
		if (code != B2B_CTL_OK && ctl->enroll.force)
			code = B2B_CTL_OK;
		else if (code != B2B_CTL_OK)
			fputs("Nothing was removed here; --force removes it all the same\n", ctl->err);
	}
	if (code == B2B_CTL_OK)
		code = remove_proofs(&enrolment);
	if (code == B2B_CTL_OK)
		fprintf(ctl->err, "This host is no client any more; %s stays as it is\n", ctl->conf_path);
	b2b_enrolment_end(&enrolment);
	return code;
}
