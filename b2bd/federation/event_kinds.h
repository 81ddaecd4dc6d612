/* Which events there are and what each means for this host: the one table, which b2bd(8) repeats. */
#ifndef B2B_EVENT_KINDS_H
#define B2B_EVENT_KINDS_H

#include "b2bd/federation/token.h"

struct b2b_event_meaning {
	const char *uri;
	const char *member, *value; /* only where the event's body says so; NULL: always */
	enum b2b_event_kind kind;
};
extern const struct b2b_event_meaning b2b_event_meanings[];
extern const size_t b2b_event_n_meanings;

/* What an event of type URI with BODY means: the first row that fits. B2B_EVENT_OTHER for one that is not in the table. */
enum b2b_event_kind b2b_event_kind_of(const char *uri, const json_t *body);

/* What b2bd(8) calls the effect of KIND. Static. */
const char *b2b_event_effect(enum b2b_event_kind kind);

#endif
