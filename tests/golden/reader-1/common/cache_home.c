#include "common/cache_home.h"

#include <string.h>

size_t b2b_home_room(const char template[B2B_PATH_SIZE], const char *alias)
{
	size_t room = strlen(template) + 1 + B2B_CACHE_CHUNK;

	for (const char *at = template; (at = strstr(at, "%o")); at += 2)
		room += strlen(alias);
	return room;
}

void b2b_home_fill(struct b2b_home *home, const char template[B2B_PATH_SIZE], const char *alias)
{
	size_t n_alias = strlen(alias);

	home->n_text = home->n_cuts = 0;
	for (const char *at = template; *at; at++) {
		if (at[0] == '%' && at[1] == 'u') {
			home->cuts[home->n_cuts++] = (uint16_t)home->n_text;
		} else if (at[0] == '%' && at[1] == 'o') {
			memcpy(home->text + home->n_text, alias, n_alias);
			home->n_text += (uint32_t)n_alias;
		} else {
			home->text[home->n_text++] = *at;
		}
		if (at[0] == '%' && (at[1] == 'u' || at[1] == 'o' || at[1] == '%'))
			at++;
	}
	home->text[home->n_text++] = '\0';
}
