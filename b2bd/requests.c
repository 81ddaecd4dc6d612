/* Which request goes where, and who may ask it. */
#include "b2bd/requests.h"

#include "common/log.h"

/* What PAM was told by others (host names, terminals) goes into log lines and JSON: printable ASCII only. */
static void clean(char *text)
{
	for (; *text; text++) {
		if (*text <= ' ' || *text > '~' || *text == '"' || *text == '\\')
			*text = '?';
	}
}

static struct b2b_origin clean_origin(const struct b2b_origin *origin)
{
	struct b2b_origin copy = *origin;

	clean(copy.user);
	clean(copy.service);
	clean(copy.tty);
	clean(copy.rhost);
	clean(copy.ruser);
	return copy;
}

static void refuse_unprivileged(struct b2b_client *client)
{
	struct b2b_say_decision decision = { .reason = B2B_NOT_ROOT };

	b2b_log(LOG_NOTICE, "event=request-refused uid=%u pid=%d reason=%s", b2b_client_uid(client), b2b_client_pid(client),
	        b2b_reason_code(B2B_NOT_ROOT));
	b2b_client_say(client, B2B_SAY_DECISION, &decision);
	b2b_client_finish(client);
}

static void on_auth(struct b2b_core *core, struct b2b_client *client, const void *body)
{
	struct b2b_ask_auth ask = *(const struct b2b_ask_auth *)body;

	ask.origin = clean_origin(&ask.origin);
	b2b_on_ask_auth(core, client, &ask);
}

static void on_recent(struct b2b_core *core, struct b2b_client *client, const void *body)
{
	struct b2b_ask_recent ask = *(const struct b2b_ask_recent *)body;

	ask.origin = clean_origin(&ask.origin);
	b2b_on_ask_recent(core, client, &ask);
}

static void on_account(struct b2b_core *core, struct b2b_client *client, const void *body)
{
	struct b2b_ask_account ask = *(const struct b2b_ask_account *)body;

	ask.origin = clean_origin(&ask.origin);
	b2b_on_ask_account(core, client, &ask);
}

static void on_open(struct b2b_core *core, struct b2b_client *client, const void *body)
{
	struct b2b_ask_open ask = *(const struct b2b_ask_open *)body;

	ask.origin = clean_origin(&ask.origin);
	b2b_on_ask_open(core, client, &ask);
}

static void on_open_ssh(struct b2b_core *core, struct b2b_client *client, const void *body)
{
	struct b2b_ask_open_ssh ask = *(const struct b2b_ask_open_ssh *)body;

	ask.open.origin = clean_origin(&ask.open.origin);
	b2b_on_ask_open_ssh(core, client, &ask);
}

static void on_command(struct b2b_core *core, struct b2b_client *client, const void *body)
{
	struct b2b_ask_command ask = *(const struct b2b_ask_command *)body;

	ask.origin = clean_origin(&ask.origin);
	b2b_on_ask_command(core, client, &ask);
}

void b2b_on_request(void *arg, struct b2b_client *client, uint16_t type, const void *body)
{
	struct b2b_core *core = arg;

	if (type == B2B_ASK_NAME) {
		b2b_on_ask_name(core, client, body);
		return;
	}
	if (type == B2B_ASK_KEYS && (b2b_client_uid(client) == 0 || b2b_client_uid(client) == core->setup->keys_uid)) {
		b2b_on_ask_ssh_keys(core, client, body);
		return;
	}
	if (b2b_client_uid(client) != 0) {
		refuse_unprivileged(client);
		return;
	}
	switch (type) {
	case B2B_ASK_AUTH:
		on_auth(core, client, body);
		break;
	case B2B_ASK_RESULT:
		b2b_on_ask_result(core, client, body);
		break;
	case B2B_ASK_ANSWER:
		b2b_on_ask_answer(core, client, body);
		break;
	case B2B_ASK_RECENT:
		on_recent(core, client, body);
		break;
	case B2B_ASK_ACCOUNT:
		on_account(core, client, body);
		break;
	case B2B_ASK_OPEN:
		on_open(core, client, body);
		break;
	case B2B_ASK_OPEN_SSH:
		on_open_ssh(core, client, body);
		break;
	case B2B_ASK_COMMAND:
		on_command(core, client, body);
		break;
	case B2B_ASK_CLOSE:
		b2b_on_ask_close(core, client, body);
		break;
	case B2B_ASK_CONTROL:
		b2b_on_ask_control(core, client, body);
		break;
	default:
		b2b_client_finish(client);
	}
}
