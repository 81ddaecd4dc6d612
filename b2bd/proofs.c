#include "b2bd/proofs.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/federation/presented.h"
#include "b2bd/jitter.h"
#include "b2bd/secret.h"
#include "common/clock.h"

#define TICKET_S 3600 /* a log-in can open a session for so long (tickets.c) */
#define PRUNE_AT_ONCE 16  /* more than one log-in adds */

void b2b_tokens_clear(struct b2b_tokens *tokens)
{
	b2b_secret_free(tokens->refresh);
	b2b_secret_free(tokens->access);
	*tokens = (struct b2b_tokens){ NULL, NULL };
}

static bool possible(const struct b2b_core *core, enum b2b_reverify way, const struct b2b_tokens *tokens)
{
	switch (way) {
	case B2B_REVERIFY_REFRESH:
		return *tokens->refresh;
	case B2B_REVERIFY_INTROSPECTION:
		return *tokens->access && b2b_introspection_offered(core->federation);
	default:
		return true;
	}
}

enum b2b_reverify b2b_reverify_way(const struct b2b_core *core, enum b2b_reverify after, const struct b2b_tokens *tokens)
{
	for (unsigned way = 2 * (unsigned)after; way <= B2B_REVERIFY_LIFE; way *= 2) {
		if ((core->conf->federation.reverify & way) && possible(core, (enum b2b_reverify)way, tokens))
			return (enum b2b_reverify)way;
	}
	return B2B_REVERIFY_NONE;
}

/* What is sealed for one proof opens for no other. */
static void about(int64_t id, char buf[24])
{
	snprintf(buf, 24, "%lld", (long long)id);
}

int b2b_proof_seal(const struct b2b_core *core, struct b2b_proof *proof, const struct b2b_tokens *tokens)
{
	unsigned char *sealed = NULL;
	char name[24], *text = NULL;
	size_t len = 0;
	int r;

	if (asprintf(&text, "%s\n%s", tokens->refresh, tokens->access) < 0)
		return -ENOMEM;
	about(proof->id, name);
	r = b2b_secret_seal(core->seal_key, name, text, &sealed, &len);
	b2b_secret_free(text);
	if (r < 0)
		return r;
	free(proof->sealed);
	proof->sealed = sealed;
	proof->sealed_len = len;
	return 0;
}

int b2b_proof_open(const struct b2b_core *core, const struct b2b_proof *proof, struct b2b_tokens *ret_tokens)
{
	struct b2b_tokens tokens = { NULL, NULL };
	char name[24], *text = NULL, *end;
	int r;

	about(proof->id, name);
	r = b2b_secret_open(core->seal_key, name, proof->sealed, proof->sealed_len, &text);
	if (r < 0)
		return r;
	end = strchr(text, '\n'); /* there always is: nobody else could seal */
	tokens.refresh = end ? strndup(text, (size_t)(end - text)) : NULL;
	tokens.access = end ? strdup(end + 1) : NULL;
	b2b_secret_free(text);
	if (!tokens.refresh || !tokens.access) {
		b2b_tokens_clear(&tokens);
		return -ENOMEM;
	}
	*ret_tokens = tokens;
	return 0;
}

int64_t b2b_reverify_next(const struct b2b_core *core)
{
	uint64_t interval_ns = core->conf->federation.reverify_interval_s * B2B_NS_PER_S;
	uint64_t delay_ns = b2b_jitter_ns(interval_ns - interval_ns / 4, interval_ns);

	return b2b_core_now(core) + (int64_t)((delay_ns + B2B_NS_PER_S - 1) / B2B_NS_PER_S); /* never more than a quarter sooner */
}

static int source_of(const struct b2b_core *core, char ret_source[B2B_PROOF_SOURCE_SIZE])
{
	const struct b2b_conf_federation *conf = &core->conf->federation;
	char *text;
	int r;

	_Static_assert(B2B_PROOF_SOURCE_SIZE == B2B_DIGEST_SIZE, "a digest");
	if (asprintf(&text, "%s\n%s", conf->issuer ? conf->issuer : "", conf->client_id ? conf->client_id : "") < 0)
		return -ENOMEM;
	r = b2b_presented_digest(text, strlen(text), ret_source);
	free(text);
	return r;
}

bool b2b_proof_is_ours(const struct b2b_core *core, const struct b2b_proof *proof)
{
	char source[B2B_PROOF_SOURCE_SIZE];

	return !*proof->source || (source_of(core, source) == 0 && strcmp(source, proof->source) == 0);
}

static int64_t new_id(void)
{
	int64_t id = 0;

	if (RAND_bytes((unsigned char *)&id, sizeof(id)) != 1)
		return 0;
	return id & INT64_MAX;
}

struct b2b_proof_use b2b_proofs_in_use(const struct b2b_core *core)
{
	int64_t now = b2b_core_now(core), longest = 0;

	for (uint32_t i = 0; i < core->policy->n_services; i++) {
		if (core->policy->services[i].max_age_s > longest)
			longest = core->policy->services[i].max_age_s;
	}
	if (longest > B2B_RECENT_MAX_S)
		longest = B2B_RECENT_MAX_S;
	return (struct b2b_proof_use){ .made_s = now - TICKET_S, .proven_s = now - longest };
}

void b2b_proofs_forget_past(struct b2b_core *core)
{
	const struct b2b_proof_use use = b2b_proofs_in_use(core);

	b2b_proof_prune(core->state, &use, PRUNE_AT_ONCE);
}

int b2b_proof_begin(struct b2b_core *core, const struct b2b_id_token *token, bool in_person, struct b2b_authentication *authentication)
{
	const struct b2b_tokens tokens = { token->refresh_token ? token->refresh_token : (char *)"",
		                           token->access_token ? token->access_token : (char *)"" };
	struct b2b_proof proof = { .id = new_id(), .authentication = *authentication, .in_person = in_person, .made_s = b2b_core_now(core) };
	bool asks;
	int r = proof.id ? 0 : -EIO;

	b2b_proofs_forget_past(core);
	proof.way = b2b_reverify_way(core, B2B_REVERIFY_NONE, &tokens);
	asks = b2b_reverify_asks(proof.way);
	proof.ends_s = token->expires_at > token->access_end ? token->expires_at : token->access_end;
	if (proof.way == B2B_REVERIFY_LIFE && !proof.ends_s)
		proof.ends_s = proof.made_s + core->conf->federation.token_life_s;
	proof.verified_s = proof.made_s;
	proof.next_s = asks ? b2b_reverify_next(core) : 0;
	if (r == 0)
		r = source_of(core, proof.source);
	if (r == 0 && asks)
		r = b2b_proof_seal(core, &proof, &tokens);
	if (r == 0)
		r = b2b_proof_add(core->state, &proof);
	if (r == 0) {
		authentication->proof = proof.id;
		authentication->token_end_s = proof.way == B2B_REVERIFY_LIFE ? proof.ends_s : 0;
	}
	b2b_proof_clear(&proof);
	return r;
}
