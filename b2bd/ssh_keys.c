/*
 * SSH keys for sshd's AuthorizedKeysCommand (b2b_keys/): those of the directory, restricted as root says, for who may log in to sshd
 * now. They open nothing by themselves: PAM's account decides afresh after them. Who may not log in has none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "b2bd/core.h"
#include "b2bd/reply.h"
#include "b2bd/state/key_state.h"
#include "common/log.h"

/* The nearest that root gave, from the organisation upwards. NULL: none. */
static const char *options_of(const struct b2b_core *core, int org)
{
	const struct b2b_conf *conf = core->conf;

	for (; org >= 0; org = core->policy->orgs[org].parent) {
		int slot = b2b_policy_org_by_alias(conf->policy, core->policy->orgs[org].alias);

		if (slot >= 0 && conf->key_options[slot])
			return conf->key_options[slot];
	}
	return NULL;
}

/* The end of the first window that ends: of the person, or of an organisation above. 0: none does. */
static int64_t end_of(const struct b2b_gathered *gathered)
{
	int64_t end = gathered->principal.not_after;

	for (size_t i = 0; i < gathered->n_chain; i++)
		if (gathered->chain[i].not_after && (!end || gathered->chain[i].not_after < end))
			end = gathered->chain[i].not_after;
	return end;
}

/* A second lock behind account: sshd reads it in the host's own time zone. */
static void put_options(FILE *out, const char *options, int64_t end_s)
{
	char text[32];
	time_t end = (time_t)end_s;
	struct tm parts;
	bool expires = end_s && localtime_r(&end, &parts) && strftime(text, sizeof(text), "%Y%m%d%H%M%S", &parts) == 14;

	if (options)
		fputs(options, out);
	if (expires)
		fprintf(out, "%sexpiry-time=\"%s\"", options ? "," : "", text);
	if (options || expires)
		fputc(' ', out);
}

static char *lines_of(struct b2b_core *core, const struct b2b_gathered *gathered)
{
	char *keys = NULL, *text = NULL;
	size_t size;
	FILE *out;

	if (b2b_key_get(core->state, gathered->principal.id, &keys) < 0)
		return NULL;
	out = open_memstream(&text, &size);
	for (const char *line = keys; out && *line; line += strcspn(line, "\n") + 1) { /* each ends in one */
		put_options(out, options_of(core, gathered->facts.org), end_of(gathered));
		fprintf(out, "%.*s\n", (int)strcspn(line, "\n"), line);
	}
	free(keys);
	if (out && fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

void b2b_on_ask_ssh_keys(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_keys *ask)
{
	struct b2b_gathered gathered;
	enum b2b_reason reason;

	b2b_gather(core, ask->name, "sshd", &gathered);
	reason = b2b_decide_standing(&gathered.facts);
	b2b_log(LOG_DEBUG, "event=keys-asked uid=%u reason=%s", b2b_client_uid(client), b2b_reason_code(reason));
	b2b_reply_text(client, reason == B2B_OK ? lines_of(core, &gathered) : strdup(""));
	b2b_gathered_clear(&gathered);
}
