/*
 * A log-in under way, and the ways to authenticate: private to the files b2bd/login*.c.
 *
 * PAM's auth asks; the methods that root configured for the service are tried in their order, the first that can be
 * begun is taken. One struct per log-in, attached to its connection; the connection's end cancels everything.
 */
#ifndef B2B_LOGIN_H
#define B2B_LOGIN_H

#include "b2bd/core.h"
#include "b2bd/federation/presented.h"
#include "b2bd/prompt.h"

struct b2b_login;

struct b2b_login_method {
	uint8_t number;           /* enum b2b_method */
	const char *name;         /* as in b2b.conf(5) and the log */
	/*
	 * Begin, with b2b_login_show, _proven or _failed to come from the loop; or having asked by b2b_login_ask. Returns 0; or why it does not fit, without
	 * a trace: -EOPNOTSUPP not offered by the service or not possible on this terminal, -EDQUOT asked too often, or another
	 * negative errno.
	 */
	int (*begin)(struct b2b_login *login);
	void (*answer)(struct b2b_login *login, const char *text); /* to b2b_login_ask; NULL: it asks nothing */
	/* TOKEN would let the person in: may it? NULL: yes. */
	enum b2b_reason (*admit)(struct b2b_login *login, const struct b2b_id_token *token);
	void (*cancel)(struct b2b_login *login);   /* no callback any more; also when nothing is under way */
};
extern const struct b2b_login_method b2b_login_device, b2b_login_ciba; /* login_approval.c */
extern const struct b2b_login_method b2b_login_token;                    /* login_token.c */

struct b2b_login {
	struct b2b_core *core;
	struct b2b_client *client;
	struct b2b_origin origin;
	uint32_t uid;      /* of who wants in */
	uint32_t can;      /* enum b2b_can */
	uint64_t end_ns;   /* how long the caller can wait; 0: unknown */
	const struct b2b_policy_service *service;
	size_t tried;      /* of the service's methods */
	const struct b2b_login_method *method; /* under way; NULL: none */
	enum b2b_reason unfit; /* what is told when none fits */
	bool shown;        /* the person has been shown something to act upon: no other method is tried */
	bool asked;        /* the module is to send an answer */
	bool waiting;      /* the module waits for whatever comes */
	bool decided;
	struct b2b_say_decision decision;
	struct b2b_authentication authentication; /* while what was proven is being published (login_enter.c) */
	uint64_t hold;     /* of the id that is kept for who is not in the ledger yet (directory/reservation.h); 0: none */
	/* of the methods */
	struct b2b_approval *approval;
	char binding[B2B_BINDING_SIZE];
	struct b2b_presented *presented;
	char *token;       /* what was typed; wiped at the end */
	struct b2b_id_token proven; /* while its status list is fetched */
};

/* login.c, for the methods. LOGIN may be gone when _proven or _failed returns. */
void b2b_login_show(struct b2b_login *login, const struct b2b_say_prompt *prompt); /* to act upon elsewhere */
void b2b_login_ask(struct b2b_login *login, const struct b2b_say_question *question);
bool b2b_login_has_next(const struct b2b_login *login); /* is there a method left to try? */
void b2b_login_proven(struct b2b_login *login, const struct b2b_id_token *token); /* validated; about whom, is yet to be seen */
void b2b_login_failed(struct b2b_login *login, enum b2b_reason reason, const char *fault_text); /* FAULT_TEXT for the log; may be "" */
uint32_t b2b_login_left_s(const struct b2b_login *login); /* of the caller's patience, at least 1; 0: unknown */

void b2b_login_decide(struct b2b_login *login, int org, enum b2b_reason reason, const char *detail); /* the end; LOGIN may be gone */

/*
 * login_accept.c: may LOGIN's person in by TOKEN? Its validator saw to issuer and audience; here it is bound to this very principal, in this
 * organisation (binding.h), and the decision is made. *ret_org: slot, -1 unknown; DETAIL: fields for the log, "" for none.
 * B2B_OK makes a ticket; B2B_AUTH_PENDING: b2b_login_decide comes by itself, and LOGIN may be gone.
 */
#define B2B_LOGIN_DETAIL_SIZE 320
enum b2b_reason b2b_login_accept(struct b2b_login *login, const struct b2b_id_token *token, int *ret_org, char detail[B2B_LOGIN_DETAIL_SIZE]);
/* LOGIN was refused after all: what was kept of it is no recent log-in, and is not asked about. */
void b2b_login_drop_proof(struct b2b_login *login);
/* Decide by GATHERED and login->authentication, and make the ticket. */
enum b2b_reason b2b_login_admit(struct b2b_login *login, struct b2b_gathered *gathered);

/*
 * login_enter.c: where there is no directory, the log-in itself brings the person.
 * Gather what is known of who wants in by ORIGIN; there, somebody whom nobody has proven yet is taken as the one for whom an id is kept,
 * and one who was not seen for too long as not closed by that: both only to be asked for a proof. Caller clears.
 */
void b2b_login_gather(struct b2b_core *core, const struct b2b_origin *origin, struct b2b_gathered *ret);
/* LOGIN begins, for a person of ORG (slot): the id that is kept for somebody whom nobody has proven yet stays so until it is over. */
void b2b_login_hold(struct b2b_login *login, int org);
/*
 * What TOKEN, bound and admitted, says of the person of GATHERED goes into the ledger and the directory's copy, and is published.
 * Returns B2B_OK: nothing changed; B2B_AUTH_PENDING: it is being published, then b2b_login_decide comes; or why it cannot be.
 */
enum b2b_reason b2b_login_enter(struct b2b_login *login, const struct b2b_gathered *gathered, const struct b2b_id_token *token);

#endif
