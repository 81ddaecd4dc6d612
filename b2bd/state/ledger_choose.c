/* Which id somebody gets who has none yet. */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "b2bd/state/ledger.h"
#include "b2bd/state/state_private.h"
#include "b2bd/state/statement.h"

/* An organisation and who asks, for the rules. */
struct asking {
	struct b2b_state *state;
	const struct b2b_policy_org *org;
	enum b2b_id_kind kind;
	const char *owner;
};

int b2b_ledger_place(const struct b2b_policy_org *org, enum b2b_id_kind kind, const char *owner, uint32_t *ret_place)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char text[B2B_OWNER_SIZE + 8];
	uint64_t number = 0;
	int len = snprintf(text, sizeof(text), "%s:%s", b2b_id_kind_name(kind), owner);

	if (len >= (int)sizeof(text))
		return -EINVAL;
	if (EVP_Digest(text, (size_t)len, digest, NULL, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(number); i++)
		number = number << 8 | digest[i];
	*ret_place = org->range_lo + 1 + (uint32_t)(number % (org->range_hi - org->range_lo));
	return 0;
}

static bool in_range(const struct b2b_policy_org *org, uint32_t id)
{
	return id > org->range_lo && id <= org->range_hi;
}

static int by_pin(const struct asking *asking, const struct b2b_pin *pin, struct b2b_ledger_choice *choice)
{
	int r = in_range(asking->org, pin->id) ? b2b_ledger_was_given(asking->state, pin->id) : 1;

	if (r < 0)
		return r;
	choice->by = B2B_ID_BY_PIN;
	if (r)
		choice->trouble = B2B_LEDGER_PIN_TAKEN;
	else
		choice->id = pin->id;
	return 0;
}

/* The directory is believed no further than this. */
static int by_directory(const struct asking *asking, uint32_t wanted, struct b2b_ledger_choice *choice)
{
	int r;

	if (!in_range(asking->org, wanted)) {
		choice->unmet = wanted == B2B_WANTED_NO_ID ? "is no id" : "is outside the organisation's range";
		return 0;
	}
	if (b2b_idmap_by_id(asking->state->pins, wanted)) {
		choice->unmet = "is pinned for another";
		return 0;
	}
	r = b2b_ledger_was_given(asking->state, wanted);
	if (r < 0)
		return r;
	if (r) {
		choice->unmet = "was given to another";
		return 0;
	}
	choice->by = B2B_ID_BY_DIRECTORY;
	choice->id = wanted;
	return 0;
}

/* The first id from FROM up to, but without, TO that is not pinned; TO where there is none. */
static uint32_t unpinned(const struct b2b_idmap *pins, uint32_t from, uint32_t to)
{
	while (from < to && b2b_idmap_by_id(pins, from))
		from++;
	return from;
}

/* The first id from FROM to TO that nobody ever had and that is not pinned. Walks over those that are given, in order. */
static int first_free(struct b2b_state *state, uint32_t from, uint32_t to, uint32_t *ret_id)
{
	static const char select[] = "SELECT id FROM ledger WHERE id BETWEEN ? AND ? ORDER BY id";
	sqlite3_stmt *row = NULL;
	uint32_t given;
	int r = b2b_statement(state, select, &row);

	if (r < 0)
		return r;
	b2b_row_int(row, 1, from);
	b2b_row_int(row, 2, to);
	while ((r = b2b_row_next(row)) > 0) {
		given = (uint32_t)sqlite3_column_int64(row, 0);
		from = unpinned(state->pins, from, given);
		if (from < given)
			break;
		from = given + 1;
	}
	sqlite3_reset(row);
	if (r < 0)
		return r;
	from = unpinned(state->pins, from, to + 1);
	if (from > to)
		return -ENOENT;
	*ret_id = from;
	return 0;
}

/* From its own place on to the range's end, then from the beginning. */
static int probe(const struct asking *asking, uint32_t place, uint32_t *ret_id)
{
	const struct b2b_policy_org *org = asking->org;
	int r = first_free(asking->state, place, org->range_hi, ret_id);

	return r == -ENOENT ? first_free(asking->state, org->range_lo + 1, place - 1, ret_id) : r;
}

static int by_hash(const struct asking *asking, struct b2b_ledger_choice *choice)
{
	const struct b2b_ledger_note *note = b2b_ledger_note_find(&asking->state->notes, asking->org->range_lo);
	/* ids are never free again: what was searched in vain once is not searched for everybody who comes */
	int r = note && note->used_up ? -ENOENT : probe(asking, choice->place, &choice->id);

	if (r == -ENOENT) {
		choice->trouble = B2B_LEDGER_USED_UP;
		return 0;
	}
	choice->by = B2B_ID_BY_HASH;
	return r;
}

int b2b_ledger_choose(struct b2b_state *state, const struct b2b_policy_org *org, enum b2b_id_kind kind, const char *owner, uint32_t wanted,
                      struct b2b_ledger_choice *ret_choice)
{
	const struct asking asking = { .state = state, .org = org, .kind = kind, .owner = owner };
	const struct b2b_pin *pin = b2b_idmap_by_owner(state->pins, org->id, kind, owner);
	struct b2b_ledger_choice choice = { 0 };
	int r = b2b_ledger_place(org, kind, owner, &choice.place);

	if (r == 0 && pin)
		r = by_pin(&asking, pin, &choice);
	else if (r == 0 && wanted)
		r = by_directory(&asking, wanted, &choice);
	if (r == 0 && !choice.id && !choice.trouble && state->unhashed)
		choice.trouble = B2B_LEDGER_UNPINNED;
	if (r == 0 && !choice.id && !choice.trouble)
		r = by_hash(&asking, &choice);
	if (r == 0)
		*ret_choice = choice;
	return r;
}
