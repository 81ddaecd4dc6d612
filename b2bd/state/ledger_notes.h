/*
 * What the ledger remembers of each organisation while the database is open, beside what stands in it: nothing that a
 * restart may not forget.
 */
#ifndef B2B_LEDGER_NOTES_H
#define B2B_LEDGER_NOTES_H

#include <stddef.h>
#include <stdint.h>

struct b2b_ledger_note {
	uint32_t range_lo; /* names the organisation: ranges are apart */
	uint32_t *news;    /* ids of people who asked for one */
	size_t n_news, room;
};

struct b2b_ledger_notes { /* zeroed at first */
	struct b2b_ledger_note *list; /* ascending by range_lo */
	size_t n;
};

void b2b_ledger_notes_clear(struct b2b_ledger_notes *notes);
/* The note of the organisation whose range begins at RANGE_LO, or NULL. Valid until another is made. */
struct b2b_ledger_note *b2b_ledger_note_find(const struct b2b_ledger_notes *notes, uint32_t range_lo);
/* The same, made where there is none. Returns 0 or -ENOMEM. */
int b2b_ledger_note_get(struct b2b_ledger_notes *notes, uint32_t range_lo, struct b2b_ledger_note **ret_note);
/* Returns 0 or -ENOMEM. */
int b2b_ledger_note_news(struct b2b_ledger_note *note, uint32_t id);

#endif
