/* The inside of struct b2b_federation, for federation.c, refresh.c, access_token.c, approval.c, device.c and ciba.c. */
#ifndef B2B_FEDERATION_PRIVATE_H
#define B2B_FEDERATION_PRIVATE_H

#include "b2bd/federation/client_identity.h"
#include "b2bd/federation/discovery.h"
#include "b2bd/federation/federation.h"
#include "b2bd/federation/waiters.h"

#define B2B_WHY_SIZE 800

/* refresh.c: metadata and keys. One fetch at a time. */
struct b2b_refresh {
	struct b2b_http_call *call;
	struct b2b_timer timer;       /* the next refresh, or the next try */
	struct b2b_timer answer;      /* waiters that get no fetch */
	uint64_t answer_until;        /* up to this serial */
	struct b2b_waiters waiters;
	char *url;                    /* of CALL */
	bool refetching;              /* keys were asked for again; the fetch begins with the next turn */
	bool oauth_place;             /* metadata is being looked for where RFC 8414 has it */
	unsigned failures;            /* in a row */
	uint64_t discovered_ns;       /* 0: never */
	uint64_t refetched_ns;        /* 0: never */
	uint64_t keys_end_ns;         /* past it the keys are not used any more */
};

/* access_token.c */
struct b2b_access {
	char *token;                  /* NULL: none */
	uint64_t end_ns;
	struct b2b_http_call *call;
	struct b2b_timer answer;
	struct b2b_waiters waiters;
};

struct b2b_federation {
	struct b2b_loop *loop;
	struct b2b_http *http;
	const struct b2b_conf_federation *conf;
	const char *audience;         /* of tokens that are meant for this host */
	struct b2b_client_identity *identity;
	struct b2b_discovery discovery;
	struct b2b_jwks *jwks;        /* NULL: not ready */
	char **distrusted;            /* kids and thumbprints */
	size_t n_distrusted;
	struct b2b_refresh refresh;
	struct b2b_access access;
	void (*changed)(void *arg, bool ready, const char *why);
	void *changed_arg;
	char why[B2B_WHY_SIZE];
	uint64_t passed_over;         /* refresh tokens that cannot be used, since the start */
};

void b2b_refresh_begin(struct b2b_federation *federation);
void b2b_refresh_stop(struct b2b_federation *federation);
void b2b_access_stop(struct b2b_federation *federation);

/* federation.c: the service gave a refresh token that cannot be used (b2b_oauth_unusable): count it, and say so in the log. */
void b2b_federation_pass_over(struct b2b_federation *federation);

/* federation.c: WHY NULL or "" for none. Tells whoever asked when readiness or, while not ready, the reason changes. */
void b2b_federation_state(struct b2b_federation *federation, struct b2b_jwks *jwks, const char *why);

#endif
