/*
 * One call into the module: who it is about, what the cache says of them, and how a refusal is told.
 * Private to pam_b2b/.
 */
#ifndef B2B_PAM_CALL_H
#define B2B_PAM_CALL_H

#include <security/pam_modules.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/cache.h"
#include "common/proto.h"
#include "common/reason.h"
#include "pam_b2b/options.h"

#define B2B_ASK_LIMIT_S 2 /* for an answer of the agent's that needs nobody else */
#define B2B_TICKET_VARIABLE "B2B_TICKET"

struct b2b_call {
	pam_handle_t *pamh;
	const char *event;            /* "pam-auth" …, in the log */
	struct b2b_pam_options options;
	struct b2b_cache *cache;
	struct b2b_origin origin;     /* PAM's items as the agent wants them; user: PAM_USER */
	bool user_ours, ruser_ours;   /* is PAM_USER, PAM_RUSER a partner's? */
	bool cut;                     /* an item that decides did not fit */
	struct b2b_standing standing; /* of origin.user, once b2b_call_person was successful */
	struct b2b_say_decision decision; /* the agent's last one */
};

/*
 * Take PAM's items. Returns true when the call is about a partner and then must be answered by a decision; false:
 * nobody of ours, nothing was opened but the index. Either way b2b_call_end is due.
 */
bool b2b_call_begin(struct b2b_call *call, pam_handle_t *pamh, const char *event, int argc, const char **argv);
void b2b_call_end(struct b2b_call *call);

/* May this process ask at all: as root, with options that are understood? B2B_OK or why not. */
enum b2b_reason b2b_call_allowed(struct b2b_call *call);

/*
 * Look NAME up: known to the cache, to getpwnam by the same uid, and written as it is known (PAM_USER cannot be
 * changed under sshd). Fills *ret_standing where it returns B2B_OK.
 */
enum b2b_reason b2b_call_person(struct b2b_call *call, const char *name, struct b2b_standing *ret_standing);

/*
 * For who is not in the cache (b2b_call_person: B2B_USER_UNKNOWN): an id is kept for NAME until somebody proves to be that person, and
 * getpwnam knows it too. Fills uid, name and alias of *ret_standing where it returns B2B_OK. BEGAN_NS, when this log-in's program began,
 * b2b_now_ns clock: who may have been told an id that is not kept any more is refused with B2B_AUTH_AGAIN.
 */
enum b2b_reason b2b_call_newcomer(struct b2b_call *call, const char *name, uint64_t began_ns, struct b2b_standing *ret_standing);

/* The second lock: does the cache alone allow it? The whole of it, and only what revocations close. */
enum b2b_reason b2b_standing_verdict(const struct b2b_standing *standing);
enum b2b_reason b2b_standing_words(const struct b2b_standing *standing);

/* Has a revocation passed between the two? */
bool b2b_standing_moved(const struct b2b_standing *before, const struct b2b_standing *after);

/* One question and its decision within B2B_ASK_LIMIT_S, into call->decision. Checks that it is about UID. */
enum b2b_reason b2b_call_ask(struct b2b_call *call, uint16_t type, const void *body, uint32_t uid);

/* Fill TICKET from PAM's environment, "" where there is none. */
void b2b_call_ticket(struct b2b_call *call, char ticket[B2B_TICKET_SIZE]);

/* The log has it that getpwnam knows NAME by an id of OTHER's instead of UID. Returns B2B_INTERNAL. */
enum b2b_reason b2b_call_other_uid(struct b2b_call *call, const char *name, uid_t other, uint32_t uid);

/* The audit id of this call: the agent's of its decision, else one that was made for the purpose. */
const char *b2b_call_id(struct b2b_call *call);

/* Tell the person (where REASON denies, with a reference) and the log, under the same audit id. */
void b2b_call_tell(struct b2b_call *call, enum b2b_reason reason);

#endif
