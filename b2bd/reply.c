#include "b2bd/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/proto.h"

/* A document on its way: sent as fast as the client takes it, so that a million people fit a small queue. */
struct reply {
	struct b2b_client *client;
	char *text;
	size_t len, sent;
	bool final; /* sent as well */
};

static void reply_free(struct reply *reply)
{
	free(reply->text);
	free(reply);
}

static void reply_dropped(void *operation)
{
	reply_free(operation);
}

static void reply_more(void *arg)
{
	struct reply *reply = arg;
	struct b2b_say_text say = { .reason = B2B_OK };

	while (b2b_client_queued(reply->client) < 8 && !reply->final) { /* nothing at all takes one piece, too */
		size_t n = reply->len - reply->sent;

		if (n > sizeof(say.text))
			n = sizeof(say.text);
		memcpy(say.text, reply->text + reply->sent, n);
		reply->sent += n;
		say.length = (uint32_t)n;
		say.final = reply->final = reply->sent == reply->len;
		b2b_client_say(reply->client, B2B_SAY_TEXT, &say);
	}
	if (reply->final) {
		b2b_client_on_drained(reply->client, NULL, NULL);
		b2b_client_attach(reply->client, NULL, NULL);
		reply_free(reply);
	}
}

static void say_error(struct b2b_client *client, enum b2b_reason reason, const char *text)
{
	struct b2b_say_text say = { .reason = reason, .final = 1 };
	json_t *json = json_pack("{s:{s:s,s:s}}", "error", "code", b2b_reason_code(reason), "text", text);

	if (json)
		say.length = (uint32_t)json_dumpb(json, say.text, sizeof(say.text), JSON_COMPACT);
	json_decref(json);
	b2b_client_say(client, B2B_SAY_TEXT, &say);
}

void b2b_reply_refuse(struct b2b_client *client, enum b2b_reason reason)
{
	say_error(client, reason, b2b_reason_text(reason));
}

void b2b_reply_error(struct b2b_client *client, enum b2b_reason reason, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	say_error(client, reason, text);
}

void b2b_reply_text(struct b2b_client *client, char *text)
{
	struct reply *reply = text ? calloc(1, sizeof(*reply)) : NULL;

	if (!reply || b2b_client_busy(client)) {
		free(text);
		free(reply);
		b2b_reply_refuse(client, B2B_BUSY);
		return;
	}
	reply->text = text;
	reply->client = client;
	reply->len = strlen(text);
	b2b_client_attach(client, reply, reply_dropped);
	b2b_client_on_drained(client, reply_more, reply);
	reply_more(reply);
}

void b2b_reply_json(struct b2b_client *client, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	b2b_reply_text(client, text);
}
