#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "b2bctl/ctl.h"
#include "common/clock.h"
#include "common/proto.h"
#include "common/reason.h"

#define PIECE_MOST_NS (10 * B2B_NS_PER_S) /* between two pieces of an answer */
#define ANSWER_MOST (1u << 30)

static int take_pieces(int fd, FILE *answer, int32_t *ret_reason)
{
	struct b2b_say_text *say = malloc(sizeof(*say));
	size_t total = 0;
	int r = say ? 0 : -ENOMEM;

	while (r == 0) {
		r = b2b_agent_receive(fd, B2B_SAY_TEXT, NULL, say, sizeof(*say), b2b_now_ns() + PIECE_MOST_NS);
		if (r == 0 && (say->length > sizeof(say->text) || (total += say->length) > ANSWER_MOST))
			r = -EBADMSG;
		if (r == 0 && fwrite(say->text, 1, say->length, answer) != say->length)
			r = -ENOMEM;
		if (r == 0 && say->final) {
			*ret_reason = say->reason;
			break;
		}
	}
	free(say);
	return r;
}

/* The answer's text; the caller frees it, also after an error. */
static int exchange(const char *verb, const char *argument, char **ret_text, size_t *ret_len, int32_t *ret_reason)
{
	struct b2b_ask_control ask = { 0 };
	FILE *answer;
	int fd, r;

	snprintf(ask.verb, sizeof(ask.verb), "%s", verb);
	snprintf(ask.argument, sizeof(ask.argument), "%s", argument ? argument : "");
	fd = b2b_agent_connect(b2b_now_ns() + PIECE_MOST_NS);
	if (fd < 0)
		return fd;
	answer = open_memstream(ret_text, ret_len);
	r = answer ? b2b_agent_send(fd, B2B_ASK_CONTROL, &ask, b2b_now_ns() + PIECE_MOST_NS) : -ENOMEM;
	if (r == 0)
		r = take_pieces(fd, answer, ret_reason);
	if (answer && fclose(answer) != 0 && r == 0)
		r = -ENOMEM;
	close(fd);
	return r;
}

/* No answer: what it means and what to do. */
static int no_answer(struct b2b_ctl *ctl, int error)
{
	const char *code = "agent-down", *text;
	json_t *json;

	switch (error) {
	case -ENOENT:
	case -ECONNREFUSED:
		text = "b2bd is not running: no partner can log in, those logged in stay. Start it: systemctl start b2bd; "
		       "should it end again, journalctl -u b2bd says why";
		break;
	case -ETIMEDOUT:
		text = "b2bd is there and does not answer: no partner can log in. journalctl -u b2bd may say why; systemctl restart b2bd ends no session";
		break;
	case -EPERM:
		text = B2B_RUN_DIR " is not root's alone, so what is in it cannot be trusted: remove it and restart b2bd";
		break;
	case -EPIPE:
		text = "b2bd ended before it answered, so whether it was done is not known: repeat it, what was done already says so";
		break;
	case -EACCES:
		text = B2B_SOCKET_PATH " cannot be opened by this user: run b2bctl as root";
		break;
	default:
		text = strerror(-error);
	}
	if (ctl->json) {
		json = json_pack("{s:{s:s,s:s}}", "error", "code", code, "text", text);
		b2b_ctl_print_json(ctl, json);
		json_decref(json);
		return B2B_CTL_NO_AGENT;
	}
	return b2b_ctl_fail(ctl, B2B_CTL_NO_AGENT, "%s", text);
}

static int refused(struct b2b_ctl *ctl, const json_t *json, int32_t reason)
{
	const json_t *error = json_object_get(json, "error");
	const char *text = b2b_ctl_text(error, "text");

	if (ctl->json) {
		b2b_ctl_print_json(ctl, json);
		return B2B_CTL_FAILED;
	}
	if (reason == B2B_ORG_UNKNOWN && ctl->operand)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "there is no organisation %s on this host; b2bctl orgs lists them", ctl->operand);
	if (reason == B2B_USER_UNKNOWN && ctl->operand)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "there is no organisation, person or group %s on this host; b2bctl idmap lists all", ctl->operand);
	return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "%s", *text ? text : b2b_reason_text(reason));
}

int b2b_ctl_ask(struct b2b_ctl *ctl, const char *verb, const char *argument, json_t **ret_json)
{
	int32_t reason = B2B_OK;
	json_error_t error;
	json_t *json = NULL;
	char *text = NULL;
	size_t len = 0;
	int r;

	if (argument && strlen(argument) >= B2B_MESSAGE_SIZE)
		return b2b_ctl_fail(ctl, B2B_CTL_USAGE, "%.40s… is too long for a name", argument);
	r = exchange(verb, argument, &text, &len, &reason);
	if (r < 0) {
		free(text);
		return no_answer(ctl, r);
	}
	json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	free(text);
	if (!json_is_object(json))
		r = b2b_ctl_fail(ctl, B2B_CTL_FAILED, "b2bd gave an answer that cannot be read; is it of another version? %s", json ? "" : error.text);
	else if (reason != B2B_OK)
		r = refused(ctl, json, reason);
	else
		*ret_json = json;
	if (r != B2B_CTL_OK)
		json_decref(json);
	return r;
}

int b2b_ctl_print_json(struct b2b_ctl *ctl, const json_t *json)
{
	if (!json || json_dumpf(json, ctl->out, JSON_COMPACT) < 0 || fputc('\n', ctl->out) == EOF || fflush(ctl->out) == EOF)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "the answer could not be printed");
	return B2B_CTL_OK;
}
