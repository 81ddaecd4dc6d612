#include "sudo_b2b/quote.h"

#include <string.h>

static void put(struct b2b_quote *quote, char c)
{
	if (quote->full || quote->len + 1 >= quote->size) {
		quote->full = true;
		return;
	}
	quote->buf[quote->len++] = c;
	quote->buf[quote->len] = '\0';
}

void b2b_quote_begin(struct b2b_quote *quote, char *buf, size_t size)
{
	memset(quote, 0, sizeof(*quote));
	quote->buf = buf;
	quote->size = size;
	*buf = '\0';
}

void b2b_quote_plain(struct b2b_quote *quote, const char *text)
{
	for (; *text; text++)
		put(quote, *text);
}

/* Means nothing to a shell, wherever it stands. */
static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("@%+:,./_-", c));
}

/* Stands for itself within '…'; double quotes, because lines of the log put their own around the text. */
static bool is_printable(char c)
{
	return c >= ' ' && c <= '~' && c != '\'' && c != '"' && c != '\\';
}

static bool all(const char *word, size_t len, bool (*is)(char c))
{
	for (size_t i = 0; i < len; i++) {
		if (!is(word[i]))
			return false;
	}
	return true;
}

static void put_escaped(struct b2b_quote *quote, char c)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char byte = (unsigned char)c;

	if (is_printable(c)) {
		put(quote, c);
		return;
	}
	put(quote, '\\');
	if (c == '\'' || c == '\\') {
		put(quote, c);
		return;
	}
	put(quote, 'x');
	put(quote, digits[byte >> 4]);
	put(quote, digits[byte & 15]);
}

void b2b_quote_word(struct b2b_quote *quote, const char *word, size_t len)
{
	if (len && all(word, len, is_plain)) {
		for (size_t i = 0; i < len; i++)
			put(quote, word[i]);
		return;
	}
	if (!all(word, len, is_printable))
		put(quote, '$');
	put(quote, '\'');
	for (size_t i = 0; i < len; i++)
		put_escaped(quote, word[i]);
	put(quote, '\'');
}
