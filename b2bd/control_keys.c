/*
 * Keys of the issuer that root does not trust on this host: one may have been stolen before the service withdraws it. A key is
 * refused by its kid, and by its thumbprint where that is known, so that publishing it under another name does not help.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/core.h"
#include "b2bd/reply.h"
#include "b2bd/state/proof_state.h"
#include "common/clock.h"
#include "common/log.h"

struct names {
	const char **list;
	size_t n, room;
	int error;
};

static void add_name(struct names *names, const char *name)
{
	const char **more;

	if (!*name || names->error)
		return;
	more = names->n < names->room ? names->list : reallocarray(names->list, names->room + 16, sizeof(*more));
	if (!more) {
		names->error = -ENOMEM;
		return;
	}
	if (names->n == names->room)
		names->room += 16;
	names->list = more;
	names->list[names->n] = strdup(name);
	if (names->list[names->n])
		names->n++;
	else
		names->error = -ENOMEM;
}

static int add_key(void *arg, const struct b2b_hand *hand)
{
	struct names *names = arg;

	add_name(names, hand->what);
	add_name(names, hand->other);
	return names->error;
}

static void names_clear(struct names *names)
{
	while (names->n)
		free((char *)names->list[--names->n]);
	free(names->list);
}

int b2b_distrust_apply(struct b2b_core *core)
{
	struct names names = { 0 };
	int r = b2b_hand_each(core->state, B2B_HAND_KEY, add_key, &names);

	if (r == 0)
		r = b2b_federation_distrust(core->federation, names.list, names.n);
	names_clear(&names);
	return r;
}

/*
 * What is stored comes into force. FORGET: whoever authenticated by any key has to do it again, as which key it was is not kept;
 * so also where an order of before is made good with this one.
 */
static int apply(struct b2b_core *core, bool forget)
{
	int r = b2b_distrust_apply(core);

	forget = forget || core->keys_due;
	core->keys_due = r < 0;
	if (r == 0 && forget) {
		b2b_tickets_forget(core->tickets);
		b2b_status_cache_forget(core->status);
	}
	return r;
}

static int store(struct b2b_core *core, const struct b2b_hand *hand)
{
	int r = b2b_state_begin(core->state);

	if (r < 0)
		return r;
	r = b2b_hand_store(core->state, hand);
	if (r == 0)
		r = b2b_proof_forget_latest(core->state); /* as with tickets: no new session by what any key helped to prove before */
	if (r < 0) {
		b2b_state_rollback(core->state);
		return r;
	}
	return b2b_state_commit(core->state);
}

static void tell(struct b2b_core *core, struct b2b_client *client, const struct b2b_hand *hand, const char *what, bool known)
{
	char by[32], extra[384], kid[B2B_OWNER_SIZE];

	b2b_audit_by(hand->by, by, sizeof(by));
	snprintf(kid, sizeof(kid), "%s", hand->what);
	for (char *c = kid; *c; c++) {
		if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\')
			*c = '?';
	}
	snprintf(extra, sizeof(extra), "kid=\"%s\" %s", kid, by);
	b2b_audit(core, what, -1, NULL, B2B_OK, hand->audit_id, extra);
	b2b_reply_json(client, json_pack("{s:s,s:s,s:s,s:s,s:b}", "done", what, "name", hand->what, "audit_id", hand->audit_id, "thumbprint",
	                                 hand->other, "known", known));
}

static void distrust(struct b2b_core *core, struct b2b_client *client, struct b2b_hand *hand)
{
	struct b2b_hand before;
	char *thumbprint;
	int r = b2b_hand_find(core->state, B2B_HAND_KEY, hand->what, &before);

	if (r == 0 && !core->keys_due) {
		b2b_reply_error(client, B2B_UNCHANGED, "the key %s is not trusted already (audit id %s)", hand->what, before.audit_id);
		return;
	}
	thumbprint = b2b_federation_thumbprint(core->federation, hand->what);
	snprintf(hand->other, sizeof(hand->other), "%s", thumbprint ? thumbprint : "");
	r = store(core, hand);
	if (r == 0)
		r = apply(core, true);
	if (r == 0)
		tell(core, client, hand, "key-distrusted", thumbprint != NULL);
	else
		b2b_reply_error(client, B2B_INTERNAL, "the key %s is still trusted: %s; repeat it", hand->what, strerror(-r));
	free(thumbprint);
}

static void trust(struct b2b_core *core, struct b2b_client *client, struct b2b_hand *hand)
{
	int r = b2b_hand_drop(core->state, B2B_HAND_KEY, hand->what);

	if (r == 0 || (r == -ENOENT && core->keys_due))
		r = apply(core, false);
	if (r == 0)
		tell(core, client, hand, "key-trusted", true);
	else if (r == -ENOENT)
		b2b_reply_error(client, B2B_UNCHANGED, "the key %s was not distrusted; b2bctl status lists those that are", hand->what);
	else
		b2b_reply_error(client, B2B_INTERNAL, "the key %s is still not trusted: %s; repeat it", hand->what, strerror(-r));
}

bool b2b_on_ask_keys(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_control *ask)
{
	bool bad = strcmp(ask->verb, "distrust-key") == 0;
	struct b2b_hand hand;
	size_t len;

	if (!bad && strcmp(ask->verb, "trust-key") != 0)
		return false;
	b2b_hand_begin(&hand, client, ask->argument, &len);
	hand.kind = B2B_HAND_KEY;
	snprintf(hand.what, sizeof(hand.what), "%.*s", (int)len, ask->argument);
	if (!*hand.what)
		b2b_reply_refuse(client, B2B_PROTOCOL);
	else if (bad)
		distrust(core, client, &hand);
	else
		trust(core, client, &hand);
	return true;
}
