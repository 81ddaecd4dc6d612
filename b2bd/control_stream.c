/* The verb about the signals' stream: b2bctl(8) has it deleted when the host leaves its federation service. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/core.h"
#include "b2bd/reply.h"
#include "common/log.h"

/* Outlives its client, who may not wait for the service. */
struct deletion {
	struct b2b_client *client; /* NULL: gone */
};

static void dropped(void *operation)
{
	((struct deletion *)operation)->client = NULL;
}

static void deleted(void *arg, int error, const char *why)
{
	struct deletion *deletion = arg;
	struct b2b_client *client = deletion->client;

	free(deletion);
	if (error < 0)
		b2b_log(LOG_ERR, "event=stream-not-deleted error=\"%s\"", why);
	if (!client)
		return;
	b2b_client_attach(client, NULL, NULL);
	if (error < 0)
		b2b_reply_refuse(client, B2B_SERVICE_DOWN);
	else
		b2b_reply_json(client, json_pack("{s:b}", "deleted", 1));
}

static void delete_stream(struct b2b_core *core, struct b2b_client *client)
{
	struct deletion *deletion;
	int r;

	if (!core->stream) { /* the service has no signals: there is none */
		b2b_reply_json(client, json_pack("{s:b}", "deleted", 0));
		return;
	}
	if (b2b_client_busy(client) || !(deletion = calloc(1, sizeof(*deletion)))) {
		b2b_reply_refuse(client, B2B_BUSY);
		return;
	}
	deletion->client = client;
	b2b_client_attach(client, deletion, dropped);
	r = b2b_stream_delete(core->stream, deleted, deletion);
	if (r == 0)
		return;
	b2b_client_attach(client, NULL, NULL);
	free(deletion);
	b2b_reply_refuse(client, r == -EALREADY ? B2B_BUSY : B2B_SERVICE_DOWN);
}

bool b2b_on_ask_stream(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_control *ask)
{
	if (strcmp(ask->verb, "stream") != 0)
		return false;
	if (strcmp(ask->argument, "delete") == 0)
		delete_stream(core, client);
	else
		b2b_reply_refuse(client, B2B_PROTOCOL);
	return true;
}
