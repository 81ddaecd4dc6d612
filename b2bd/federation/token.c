#include "b2bd/federation/token.h"

const char *b2b_token_fault_text(enum b2b_token_fault fault)
{
	switch (fault) {
	case B2B_TOKEN_OK:
		return "valid";
	case B2B_TOKEN_MALFORMED:
		return "not a well-formed signed token";
	case B2B_TOKEN_ALG:
		return "signed with an algorithm that is not allowed for the key";
	case B2B_TOKEN_CRIT:
		return "demands an extension that is not understood";
	case B2B_TOKEN_TYP:
		return "a token of another kind";
	case B2B_TOKEN_KEY_UNKNOWN:
		return "signed with a key that the issuer does not publish";
	case B2B_TOKEN_SIGNATURE:
		return "the signature is wrong";
	case B2B_TOKEN_ISSUER:
		return "from another issuer";
	case B2B_TOKEN_AUDIENCE:
		return "meant for another audience";
	case B2B_TOKEN_AZP:
		return "given to another client";
	case B2B_TOKEN_EXPIRED:
		return "expired";
	case B2B_TOKEN_NOT_YET:
		return "dated in the future";
	case B2B_TOKEN_CLAIM:
		return "a claim is missing or of the wrong type";
	case B2B_TOKEN_NONCE:
		return "carries a nonce that was not sent";
	case B2B_TOKEN_SUBJECT:
		return "about no subject that is understood";
	case B2B_TOKEN_EVENTS:
		return "carries no, several or unexpected events";
	}
	return "unknown fault";
}
