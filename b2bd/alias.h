/*
 * What an event may call a person by that is not the person's for good: a mail address, an account at a host, a telephone number
 * (RFC 9493 3.2.1, 3.2.2, 3.2.7). Kept and compared as digests of one form for each: they are looked up, and never shown.
 */
#ifndef B2B_ALIAS_H
#define B2B_ALIAS_H

#include <stddef.h>

#define B2B_ALIASES_MAX 8 /* of one person, or in one event */
#define B2B_ALIAS_BYTES 16

enum b2b_alias_kind { B2B_ALIAS_MAIL, B2B_ALIAS_ACCOUNT, B2B_ALIAS_PHONE };

struct b2b_aliases {
	struct b2b_alias {
		unsigned char digest[B2B_ALIAS_BYTES];
	} list[B2B_ALIASES_MAX]; /* no two are the same; in the order of the digests */
	size_t n;
};

/*
 * Add TEXT: an address whatever the case of its letters (alice@acme.example), an account (the same, with or without "acct:"), or a
 * number with its country's code (+12065550100; "tel:" and what separates digits are left out). What is none of the kind, and what
 * is more than there is room for, is passed over.
 */
void b2b_alias_add(struct b2b_aliases *aliases, enum b2b_alias_kind kind, const char *text);

#endif
