/*
 * Proofs in SQLite: what a federated log-in on this host proved, for as long as sessions rest on it, and what the service can be asked
 * with whether that still holds. The tokens are sealed (b2bd/secret.h) under a key that is not in here and that does not outlive
 * the machine's running, as no session does.
 */
#ifndef B2B_PROOF_STATE_H
#define B2B_PROOF_STATE_H

#include "b2bd/decide.h"
#include "b2bd/state/state.h"
#include "common/conf.h"

#define B2B_PROOF_SOURCE_SIZE 44

struct b2b_proof {
	int64_t id;              /* random, never 0 */
	struct b2b_authentication authentication; /* its proof is ID */
	bool in_person;          /* the person approved it themselves: not by a token that was shown */
	enum b2b_reverify way;   /* how it is verified again; B2B_REVERIFY_NONE: not */
	unsigned char *sealed;   /* the tokens for it; NULL: none are kept */
	size_t sealed_len;
	int64_t made_s, ends_s;  /* wall clock; ends_s: of the tokens that proved it, or of their use where the
	                          * service can be asked no more; 0: not known */
	int64_t verified_s;      /* the last time that the service said it holds */
	int64_t next_s;          /* when it is to be asked again; 0: never */
	uint32_t failures;       /* questions without an answer since */
	char source[B2B_PROOF_SOURCE_SIZE]; /* digest of the issuer, and of whom it took us for; "": not known, from before that was kept */
	bool unsure;             /* a refresh token was sent and no answer came: the service may have replaced it */
};
void b2b_proof_clear(struct b2b_proof *proof);

/* Each is a transaction of its own where the caller has none. Return 0 or a negative errno; -ENOENT: there is no such proof. */
int b2b_proof_add(struct b2b_state *state, const struct b2b_proof *proof);
int b2b_proof_get(struct b2b_state *state, int64_t id, struct b2b_proof *ret_proof); /* caller clears */
/* The person's latest that they approved themselves; caller clears. */
int b2b_proof_latest(struct b2b_state *state, uint32_t uid, struct b2b_proof *ret_proof);
int b2b_proof_forget_latest(struct b2b_state *state); /* nobody has such a one any more; what rests on them goes on */
/* All but id, authentication, in_person, made_s and source. */
int b2b_proof_update(struct b2b_state *state, const struct b2b_proof *proof);
int b2b_proof_drop(struct b2b_state *state, int64_t id); /* 0 also where there is none */

/* A proof is in use where a session rests on it, or one may still be opened by it. Wall clock. */
struct b2b_proof_use {
	int64_t made_s;   /* with a ticket: it was made then or later */
	int64_t proven_s; /* as a recent log-in: the person authenticated then or later, in person */
};
int b2b_proof_prune(struct b2b_state *state, const struct b2b_proof_use *use, uint32_t limit); /* forget at most LIMIT that are not */

/*
 * At most LIMIT in use that are due at NOW_S, the longest first, by id; *ret_n how many. Of a person's recent ones only the latest comes.
 * *ret_next: when the earliest later one is, 0: none.
 */
int b2b_proof_due(struct b2b_state *state, const struct b2b_proof_use *use, int64_t now_s, uint32_t limit, int64_t *ret_ids, size_t *ret_n,
                  int64_t *ret_next);

/* How the open sessions are verified again. */
struct b2b_proof_figures {
	uint64_t refresh, introspection, life, none; /* sessions */
	uint64_t failing;   /* proofs whose last question got no answer */
	int64_t oldest_s;   /* the longest ago that one of refresh or introspection was verified; 0: there is none */
};
int b2b_proof_figures(struct b2b_state *state, struct b2b_proof_figures *ret_figures);

#endif
