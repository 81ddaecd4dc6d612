#include "b2bd/federation/token.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/secret.h"

const char *b2b_token_fault_text(enum b2b_token_fault fault)
{
	static const char *const texts[] = {
#define B2B_TOKEN_FAULT_TEXT(symbol, text) text,
		B2B_TOKEN_FAULTS(B2B_TOKEN_FAULT_TEXT)
#undef B2B_TOKEN_FAULT_TEXT
	};

	return fault < B2B_TOKEN_N_FAULTS ? texts[fault] : "unknown fault";
}

void b2b_id_token_clear(struct b2b_id_token *token)
{
	free(token->subject);
	free(token->organisation);
	free(token->acr);
	free(token->jti);
	free(token->sid);
	free(token->client_id);
	free(token->status.uri);
	json_decref(token->claims);
	b2b_secret_free(token->refresh_token);
	b2b_secret_free(token->access_token);
	*token = (struct b2b_id_token){ 0 };
}

int b2b_id_token_copy(const struct b2b_id_token *token, struct b2b_id_token *ret_copy)
{
	struct b2b_id_token copy = *token;
	const char *const from[] = { token->subject, token->organisation, token->acr, token->jti, token->sid, token->client_id, token->status.uri,
		                     token->refresh_token, token->access_token };
	char **const to[] = { &copy.subject, &copy.organisation, &copy.acr, &copy.jti, &copy.sid, &copy.client_id, &copy.status.uri,
		              &copy.refresh_token, &copy.access_token };
	bool all = true;

	for (size_t i = 0; i < sizeof(from) / sizeof(*from); i++) {
		*to[i] = from[i] ? strdup(from[i]) : NULL;
		all = all && !*to[i] == !from[i];
	}
	json_incref(copy.claims);
	if (!all) {
		b2b_id_token_clear(&copy);
		return -ENOMEM;
	}
	*ret_copy = copy;
	return 0;
}
