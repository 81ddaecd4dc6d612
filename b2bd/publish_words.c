#include "b2bd/publish_words.h"

#include <errno.h>
#include <stdlib.h>

#include "b2bd/state/directory_state.h"
#include "b2bd/state/ledger.h"
#include "b2bd/state/session_state.h"
#include "common/clock.h"
#include "common/reason.h"

int b2b_words_init(struct b2b_words *words, struct b2b_state *state, const struct b2b_policy *policy, struct b2b_live **lives)
{
	*words = (struct b2b_words){ .state = state, .policy = policy, .lives = lives };
	words->whole = calloc(policy->n_orgs ? policy->n_orgs : 1, sizeof(*words->whole));
	return words->whole ? 0 : -ENOMEM;
}

void b2b_words_clear(struct b2b_words *words)
{
	free(words->whole);
	free(words->holds);
	*words = (struct b2b_words){ 0 };
}

static struct b2b_word_hold *find_hold(const struct b2b_words *words, int org, uint32_t uid, int hand)
{
	size_t i;

	for (i = 0; i < words->n_holds; i++) {
		if (words->holds[i].org == org && words->holds[i].uid == uid && words->holds[i].hand == hand)
			return &words->holds[i];
	}
	return NULL;
}

/* By whomever. */
static bool is_held(const struct b2b_words *words, int org, uint32_t uid)
{
	size_t i;

	for (i = 0; i < words->n_holds; i++) {
		if (words->holds[i].org == org && words->holds[i].uid == uid)
			return true;
	}
	return false;
}

int b2b_words_hold(struct b2b_words *words, int org, uint32_t uid, int hand, int64_t event_ms)
{
	struct b2b_word_hold *hold = find_hold(words, org, uid, hand), *more;

	if (hold) {
		if (hold->event_ms < event_ms)
			hold->event_ms = event_ms;
		return 0;
	}
	more = reallocarray(words->holds, words->n_holds + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	words->holds = more;
	words->holds[words->n_holds++] = (struct b2b_word_hold){ .org = org, .uid = uid, .hand = hand, .event_ms = event_ms };
	return 0;
}

bool b2b_words_release(struct b2b_words *words, int org, uint32_t uid, int hand, int64_t event_ms)
{
	struct b2b_word_hold *hold = find_hold(words, org, uid, hand);

	if (!hold || hold->event_ms > event_ms)
		return false;
	*hold = words->holds[--words->n_holds];
	return true;
}

/* A clock that was turned back must not reopen a window. */
static int64_t latest_now(struct b2b_state *state)
{
	int64_t wall = b2b_wall_s(), floor = b2b_clock_floor(state);

	return wall > floor ? wall : floor;
}

/* What the word becomes where the database says OPEN or not. */
static enum b2b_live_state next_state(const struct b2b_words *words, enum b2b_live_state old, bool open)
{
	if (!open || (!words->settled && old != B2B_LIVE_OPEN && old != B2B_LIVE_EMPTY))
		return B2B_LIVE_CLOSED;
	return B2B_LIVE_OPEN;
}

struct applying {
	struct b2b_words *words;
	int org;
	int64_t now;
	bool opens_only;
	uint32_t seen; /* people */
};

static int apply_person(void *arg, uint32_t uid, const struct b2b_principal *principal)
{
	struct applying *applying = arg;
	struct b2b_live *live = applying->words->lives[applying->org];
	bool open = principal && b2b_principal_standing(principal, applying->now) == B2B_OK && !is_held(applying->words, applying->org, uid) &&
	            !(principal->owner_uid && is_held(applying->words, applying->org, principal->owner_uid));
	enum b2b_live_state old = (enum b2b_live_state)B2B_LIVE_STATE(b2b_live_load(live, uid)), new = next_state(applying->words, old, open);

	applying->seen++;
	if (!principal && old == B2B_LIVE_EMPTY)
		return 0; /* an id that was reserved: as good as closed, and nobody has closed it */
	if (applying->opens_only && old == B2B_LIVE_OPEN)
		return 0;
	if (old != new)
		b2b_live_store(live, uid, new, old == B2B_LIVE_OPEN); /* an id outside of the range has no word, and keeps nobody else from theirs */
	return 0;
}

/* The organisation's own standing: readers ask its ancestors' words themselves. */
static int apply_org(struct applying *applying)
{
	struct b2b_live *live = applying->words->lives[applying->org];
	enum b2b_live_state old = (enum b2b_live_state)B2B_LIVE_STATE(b2b_live_load_org(live)), new;
	struct b2b_org_record record;
	bool open = false;
	int r = b2b_directory_org(applying->words->state, applying->words->policy->orgs[applying->org].id, &record);

	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0) {
		open = b2b_org_standing(&record, applying->now) == B2B_OK && !is_held(applying->words, applying->org, 0);
		b2b_org_record_clear(&record);
	} else if (old == B2B_LIVE_EMPTY) {
		return 0; /* nobody has heard of it yet, which is as good as closed */
	}
	new = next_state(applying->words, old, open);
	if (old != new)
		b2b_live_store_org(live, new, old == B2B_LIVE_OPEN);
	return 0;
}

static int apply_people(struct applying *applying)
{
	struct b2b_words *words = applying->words;
	const struct b2b_policy_org *org = &words->policy->orgs[applying->org];
	int r = b2b_directory_each_standing(words->state, org->id, 0, UINT32_MAX, apply_person, applying);

	if (r == 0) {
		words->whole[applying->org] = true;
		b2b_ledger_forget_news(words->state, org);
	}
	return r;
}

int b2b_words_apply(struct b2b_words *words, int org, int64_t now)
{
	struct applying applying = { .words = words, .org = org, .now = now };
	int r = apply_org(&applying);

	return r < 0 ? r : apply_people(&applying);
}

/*
 * News is not forgotten: somebody new may have got an id that an earlier portion has passed. The organisation opens when all of
 * its people have been looked at.
 */
int b2b_words_apply_some(struct b2b_words *words, int org, uint32_t from, uint32_t most, int64_t now)
{
	struct applying applying = { .words = words, .org = org, .now = now };
	int r = b2b_directory_each_standing(words->state, words->policy->orgs[org].id, from, most, apply_person, &applying);

	return r < 0 || applying.seen == most ? r : apply_org(&applying);
}

static int apply_uid(struct applying *applying, uint32_t uid)
{
	struct b2b_principal principal;
	int r = b2b_directory_by_uid(applying->words->state, uid, &principal);

	if (r == -ENOENT)
		return apply_person(applying, uid, NULL);
	if (r == 0) {
		r = apply_person(applying, uid, &principal);
		b2b_principal_clear(&principal);
	}
	return r;
}

int b2b_words_new_people(struct b2b_words *words, int org)
{
	struct applying applying = { .words = words, .org = org, .now = latest_now(words->state), .opens_only = true };
	const uint32_t *news;
	size_t n;
	int r = 0;

	if (!words->whole[org])
		return apply_people(&applying);
	news = b2b_ledger_news(words->state, &words->policy->orgs[org], &n);
	for (size_t i = 0; i < n && r == 0; i++)
		r = apply_uid(&applying, news[i]);
	if (r == 0)
		b2b_ledger_forget_news(words->state, &words->policy->orgs[org]);
	return r;
}
