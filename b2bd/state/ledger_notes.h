/*
 * What the ledger remembers of each organisation while the database is open, beside what stands in it: nothing that a
 * restart may not forget.
 */
#ifndef B2B_LEDGER_NOTES_H
#define B2B_LEDGER_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why somebody can get no id. */
enum b2b_ledger_trouble {
	B2B_LEDGER_WELL,
	B2B_LEDGER_USED_UP,   /* every id of the range was given or is pinned */
	B2B_LEDGER_PIN_TAKEN, /* the id that root pinned is another's for ever, or outside the range */
	B2B_LEDGER_UNPINNED,  /* neither pinned nor supplied by the directory, and hashing is not wanted */
};

struct b2b_ledger_note {
	uint32_t range_lo; /* names the organisation: ranges are apart */
	uint32_t *news;    /* ids of people who asked for one */
	size_t n_news, room;
	enum b2b_ledger_trouble trouble; /* of the last who got no id */
	bool used_up;                    /* seen once, it stays so */
	unsigned refused;                /* how often somebody got none */
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
/* A transaction was undone: what used a range up may be free again. */
void b2b_ledger_notes_undone(struct b2b_ledger_notes *notes);
/* Returns 0 or -ENOMEM. */
int b2b_ledger_note_news(struct b2b_ledger_note *note, uint32_t id);

#endif
