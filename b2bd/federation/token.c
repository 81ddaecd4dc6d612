#include "b2bd/federation/token.h"

#include <stdlib.h>

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
	*token = (struct b2b_id_token){ 0 };
}
