/*
 * Whoever acts for a person is closed with that person: service accounts and their owner. That they are closed follows from how the
 * owner stands (b2b_principal_standing), whatever it was that closed the owner, and is stored nowhere; here they are ended in the same
 * go, so that nothing acts for somebody who is out.
 */
#include <errno.h>
#include <stdlib.h>

#include "b2bd/event_sessions.h"

struct owned {
	struct b2b_core *core;
	struct b2b_revocation *list; /* the first is the owner's */
	size_t n, room;
};

static int add(struct owned *owned, const struct b2b_revocation *revocation)
{
	struct b2b_revocation *more;

	if (owned->n == owned->room) {
		more = reallocarray(owned->list, owned->room + 16, sizeof(*more));
		if (!more)
			return -ENOMEM;
		owned->list = more;
		owned->room += 16;
	}
	owned->list[owned->n++] = *revocation;
	return 0;
}

static int add_owned(void *arg, const struct b2b_principal *principal)
{
	struct owned *owned = arg;
	struct b2b_revocation revocation = owned->list[0];

	revocation.uid = principal->uid;
	revocation.follows = true;
	revocation.reason = B2B_OWNER_CLOSED;
	revocation.text = NULL; /* the owner's reason is the owner's */
	revocation.jti = NULL;
	return add(owned, &revocation);
}

/* Who is closed already has been, or is being, ended. */
static int add_open(void *arg, const struct b2b_principal *principal)
{
	struct owned *owned = arg;
	enum b2b_live_state word = (enum b2b_live_state)B2B_LIVE_STATE(b2b_live_load(owned->core->lives[owned->list[0].org], principal->uid));

	return word == B2B_LIVE_OPEN ? add_owned(arg, principal) : 0;
}

int b2b_revoke_owner(struct b2b_core *core, const struct b2b_revocation *revocation, const char *id)
{
	struct owned owned = { .core = core };
	int r = add(&owned, revocation);

	if (r == 0) /* where they cannot be told now, the next look over all people finds them (b2b_reconcile) */
		b2b_directory_each_owned(core->state, core->policy->orgs[revocation->org].id, id, add_open, &owned);
	r = r < 0 ? b2b_revoke(core, revocation) : b2b_revoke_each(core, owned.list, owned.n);
	free(owned.list);
	return r;
}

int b2b_end_before_owner(struct b2b_core *core, const struct b2b_revocation *revocation, const char *id)
{
	struct b2b_revocation own = *revocation;
	struct owned owned = { .core = core };
	int r = add(&owned, revocation), s;

	if (r == 0)
		r = b2b_directory_each_owned(core->state, core->policy->orgs[revocation->org].id, id, add_owned, &owned);
	for (size_t i = owned.n; i > 1; i--) {
		s = b2b_end_before(core, &owned.list[i - 1]);
		r = r < 0 ? r : s;
	}
	free(owned.list);
	/* The owner's last, whatever became of the others: with it the event is seen, unless it has to come again. */
	if (r < 0)
		own.jti = NULL;
	s = b2b_end_before(core, &own);
	return r < 0 ? r : s;
}

void b2b_audit_owner(struct b2b_core *core, uint32_t uid, char *buf, size_t size)
{
	struct b2b_principal principal, owner;

	if (b2b_directory_by_uid(core->state, uid, &principal) < 0)
		return;
	if (principal.owner && *principal.owner && b2b_directory_by_id(core->state, principal.owner, &owner) == 0) {
		b2b_audit_name(core, owner.uid, buf, size);
		b2b_principal_clear(&owner);
	}
	b2b_principal_clear(&principal);
}
