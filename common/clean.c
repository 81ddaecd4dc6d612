#include "common/clean.h"

void b2b_clean_text(char *text, bool lines)
{
	char *to = text;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == 0xc2 && (unsigned char)text[1] >= 0x80 && (unsigned char)text[1] <= 0x9f) {
			text++; /* a control character of the second set, in UTF-8 */
			continue;
		}
		if ((c >= ' ' && c != 0x7f) || (c == '\n' && lines))
			*to++ = *text;
	}
	*to = '\0';
}
