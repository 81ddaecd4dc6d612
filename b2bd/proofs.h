/*
 * What is kept of a log-in so that the service can be asked again whether it holds (state/proof_state.h): which way, and the tokens for it.
 * Private to login_accept.c, proofs.c, recent.c, reverify.c and control_verify.c.
 */
#ifndef B2B_PROOFS_H
#define B2B_PROOFS_H

#include "b2bd/core.h"
#include "b2bd/state/proof_state.h"
#include "b2bd/state/session_state.h"

/* Whatever root says no log-in is recent for longer, with a day for clocks that do not agree: it may have been withdrawn and that be forgotten. */
#define B2B_RECENT_MAX_S (B2B_SESSION_VOID_KEPT_S - 86400)

struct b2b_tokens {
	char *refresh, *access; /* "" where there is none */
};
void b2b_tokens_clear(struct b2b_tokens *tokens); /* wipes */

/*
 * The first way of root's choice behind AFTER (B2B_REVERIFY_NONE: the first of all) that TOKENS and the service make possible. Without one it is
 * B2B_REVERIFY_NONE: signals and directory are all there is.
 */
enum b2b_reverify b2b_reverify_way(const struct b2b_core *core, enum b2b_reverify after, const struct b2b_tokens *tokens);

/* Is the service asked again, by any of WAYS (bits)? Only then are tokens kept. */
static inline bool b2b_reverify_asks(uint32_t ways)
{
	return ways & (B2B_REVERIFY_REFRESH | B2B_REVERIFY_INTROSPECTION);
}

/* Into PROOF, or out of it (caller clears). -EBADMSG: they cannot be read any more. Return 0 or a negative errno. */
int b2b_proof_seal(const struct b2b_core *core, struct b2b_proof *proof, const struct b2b_tokens *tokens);
int b2b_proof_open(const struct b2b_core *core, const struct b2b_proof *proof, struct b2b_tokens *ret_tokens);

/* When the next question is due: the interval from now, or up to a quarter sooner, so that not all come at once. */
int64_t b2b_reverify_next(const struct b2b_core *core);

/* Was it made by the issuer, and for the client, that are in the configuration now? In doubt it was not. */
bool b2b_proof_is_ours(const struct b2b_core *core, const struct b2b_proof *proof);

/* By what is opened here and may be, at this moment. */
struct b2b_proof_use b2b_proofs_in_use(const struct b2b_core *core);
void b2b_proofs_forget_past(struct b2b_core *core); /* a few of those that are not in use */

/*
 * Keep what TOKEN proved as AUTHENTICATION says, durably, and note it there. Tokens are kept where they are needed alone. IN_PERSON as in struct
 * b2b_proof. Returns 0 or a negative errno.
 */
int b2b_proof_begin(struct b2b_core *core, const struct b2b_id_token *token, bool in_person, struct b2b_authentication *authentication);

#endif
