#include "b2bd/state/ledger_notes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void b2b_ledger_notes_clear(struct b2b_ledger_notes *notes)
{
	for (size_t i = 0; i < notes->n; i++)
		free(notes->list[i].news);
	free(notes->list);
	*notes = (struct b2b_ledger_notes){ 0 };
}

/* Where the note is, or would be. */
static size_t place_of(const struct b2b_ledger_notes *notes, uint32_t range_lo)
{
	size_t lo = 0, hi = notes->n;

	while (lo < hi) {
		size_t middle = lo + (hi - lo) / 2;

		if (notes->list[middle].range_lo < range_lo)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo;
}

struct b2b_ledger_note *b2b_ledger_note_find(const struct b2b_ledger_notes *notes, uint32_t range_lo)
{
	size_t at = place_of(notes, range_lo);

	return at < notes->n && notes->list[at].range_lo == range_lo ? &notes->list[at] : NULL;
}

int b2b_ledger_note_get(struct b2b_ledger_notes *notes, uint32_t range_lo, struct b2b_ledger_note **ret_note)
{
	size_t at = place_of(notes, range_lo);
	struct b2b_ledger_note *more;

	if (at == notes->n || notes->list[at].range_lo != range_lo) {
		more = reallocarray(notes->list, notes->n + 1, sizeof(*more));
		if (!more)
			return -ENOMEM;
		notes->list = more;
		memmove(&more[at + 1], &more[at], (notes->n++ - at) * sizeof(*more));
		more[at] = (struct b2b_ledger_note){ .range_lo = range_lo };
	}
	*ret_note = &notes->list[at];
	return 0;
}

void b2b_ledger_notes_undone(struct b2b_ledger_notes *notes)
{
	for (size_t i = 0; i < notes->n; i++)
		notes->list[i].used_up = false;
}

int b2b_ledger_note_news(struct b2b_ledger_note *note, uint32_t id)
{
	size_t room = note->room ? note->room * 2 : 16;
	uint32_t *more;

	if (note->n_news == note->room) {
		more = reallocarray(note->news, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		note->news = more;
		note->room = room;
	}
	note->news[note->n_news++] = id;
	return 0;
}
