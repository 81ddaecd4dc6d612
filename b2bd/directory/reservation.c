#include "b2bd/directory/reservation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/rate.h"
#include "b2bd/state/directory_rows.h"
#include "b2bd/state/ledger.h"
#include "common/clock.h"

struct reservation {
	int org;
	uint32_t uid;
	uint64_t serial;   /* of this one alone */
	uint64_t until_ns; /* 0: free, unless it is held */
	unsigned held;     /* by so many log-ins */
	char local[B2B_NAME_SIZE];
};

struct b2b_reservations {
	struct b2b_state *state;
	const struct b2b_policy *policy;
	uint64_t since_ns, serial;
	struct b2b_rate rate; /* new ones, by organisation */
	struct reservation list[B2B_RESERVATIONS_MAX];
};

int b2b_reservations_new(struct b2b_state *state, const struct b2b_policy *policy, struct b2b_reservations **ret_reservations)
{
	struct b2b_reservations *reservations = calloc(1, sizeof(*reservations));

	if (!reservations)
		return -ENOMEM;
	reservations->state = state;
	reservations->policy = policy;
	reservations->since_ns = b2b_now_ns();
	reservations->rate = (struct b2b_rate){ .burst = 32, .every_ns = B2B_NS_PER_S };
	*ret_reservations = reservations;
	return 0;
}

void b2b_reservations_free(struct b2b_reservations *reservations)
{
	free(reservations);
}

static bool is_kept(const struct reservation *one, uint64_t now_ns)
{
	return one->held || one->until_ns > now_ns;
}

static struct reservation *find(struct b2b_reservations *reservations, int org, const char *local, uint64_t now_ns)
{
	for (size_t i = 0; i < B2B_RESERVATIONS_MAX; i++) {
		struct reservation *one = &reservations->list[i];

		if (is_kept(one, now_ns) && one->org == org && strcmp(one->local, local) == 0)
			return one;
	}
	return NULL;
}

static struct reservation *room(struct b2b_reservations *reservations, uint64_t now_ns)
{
	for (size_t i = 0; i < B2B_RESERVATIONS_MAX; i++) {
		if (!is_kept(&reservations->list[i], now_ns))
			return &reservations->list[i];
	}
	return NULL;
}

static bool uid_is_kept(const struct b2b_reservations *reservations, uint32_t uid, uint64_t now_ns)
{
	for (size_t i = 0; i < B2B_RESERVATIONS_MAX; i++) {
		if (is_kept(&reservations->list[i], now_ns) && reservations->list[i].uid == uid)
			return true;
	}
	return false;
}

/* May a new person have the name? */
static int judge_name(const struct b2b_reservations *reservations, int org, const char *local)
{
	const char *org_id = reservations->policy->orgs[org].id;
	uint32_t gid;
	int r = b2b_directory_check_local(reservations->policy, org, local);

	if (r < 0)
		return r;
	r = b2b_group_by_name(reservations->state, org_id, local, &gid);
	if (r != -ENOENT)
		return r < 0 ? r : -EEXIST;
	return b2b_principal_name_claimable(reservations->state, org_id, local, 0);
}

static int choose(struct b2b_reservations *reservations, int org, const char *local, uint64_t now_ns, uint32_t *ret_uid)
{
	struct b2b_ledger_choice choice;
	int r = b2b_ledger_choose(reservations->state, &reservations->policy->orgs[org], B2B_ID_USER, local, 0, &choice);

	if (r < 0)
		return r;
	if (!choice.id)
		return -EDQUOT;
	if (uid_is_kept(reservations, choice.id, now_ns))
		return -EBUSY;
	*ret_uid = choice.id;
	return 0;
}

static int add(struct b2b_reservations *reservations, int org, const char *local, uint64_t now_ns, struct reservation **ret_one)
{
	struct reservation *one = room(reservations, now_ns);
	uint32_t uid = 0;
	int r = judge_name(reservations, org, local);

	if (r == 0)
		r = one && b2b_rate_take(&reservations->rate, (uint32_t)org, now_ns) ? choose(reservations, org, local, now_ns, &uid) : -EBUSY;
	if (r < 0)
		return r;
	*one = (struct reservation){ .org = org, .uid = uid, .serial = ++reservations->serial };
	memcpy(one->local, local, strlen(local) + 1);
	*ret_one = one;
	return 0;
}

int b2b_reserve(struct b2b_reservations *reservations, int org, const char *local, uint64_t now_ns, struct b2b_say_reserved *ret_reserved)
{
	struct reservation *one = find(reservations, org, local, now_ns);
	int r = one ? 0 : add(reservations, org, local, now_ns, &one);

	if (r < 0)
		return r;
	one->until_ns = now_ns + B2B_RESERVE_KEEP_S * B2B_NS_PER_S;
	*ret_reserved = (struct b2b_say_reserved){ .since_ns = reservations->since_ns, .keep_s = B2B_RESERVE_KEEP_S, .uid = one->uid };
	return 0;
}

uint32_t b2b_reserved_uid(struct b2b_reservations *reservations, int org, const char *local, uint64_t now_ns)
{
	const struct reservation *one = find(reservations, org, local, now_ns);

	return one ? one->uid : 0;
}

uint64_t b2b_reservation_hold(struct b2b_reservations *reservations, int org, const char *local, uint64_t now_ns)
{
	struct reservation *one = find(reservations, org, local, now_ns);

	if (!one)
		return 0;
	one->held++;
	return one->serial;
}

void b2b_reservation_release(struct b2b_reservations *reservations, uint64_t hold, uint64_t now_ns)
{
	for (size_t i = 0; hold && i < B2B_RESERVATIONS_MAX; i++) {
		struct reservation *one = &reservations->list[i];

		if (one->serial != hold || !one->held) /* or it has gone into the ledger */
			continue;
		one->held--;
		one->until_ns = now_ns + B2B_RESERVE_KEEP_S * B2B_NS_PER_S;
	}
}

void b2b_reservation_drop(struct b2b_reservations *reservations, int org, const char *local)
{
	for (size_t i = 0; i < B2B_RESERVATIONS_MAX; i++) {
		struct reservation *one = &reservations->list[i];

		if (one->org == org && strcmp(one->local, local) == 0)
			one->until_ns = one->held = 0;
	}
}
