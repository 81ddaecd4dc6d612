/* Text that shows any bytes: printable ASCII, and nothing else looks the same. Private to sudo_b2b/. */
#ifndef B2B_SUDO_QUOTE_H
#define B2B_SUDO_QUOTE_H

#include <stdbool.h>
#include <stddef.h>

struct b2b_quote {
	char *buf;
	size_t size, len;
	bool full; /* something did not fit */
};

void b2b_quote_begin(struct b2b_quote *quote, char *buf, size_t size);

/* As it is: TEXT is ours. */
void b2b_quote_plain(struct b2b_quote *quote, const char *text);

/* One word, of LEN bytes, as a shell would take it. A word that stands for VARIABLE=VALUE has to be put in two. */
void b2b_quote_word(struct b2b_quote *quote, const char *word, size_t len);

#endif
