#include "b2bd/federation/form.h"

#include <stdlib.h>
#include <string.h>

/* Not realloc: what it leaves behind could hold a secret. */
static bool grow(struct b2b_form *form, size_t need)
{
	size_t room = form->room ? form->room : 512;
	char *bigger;

	while (room < need)
		room *= 2;
	if (room == form->room)
		return true;
	bigger = malloc(room);
	if (!bigger)
		return false;
	if (form->text) {
		memcpy(bigger, form->text, form->len + 1);
		explicit_bzero(form->text, form->room);
		free(form->text);
	}
	form->text = bigger;
	form->room = room;
	return true;
}

static bool plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '*';
}

static void put_encoded(struct b2b_form *form, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (plain(*text)) {
			form->text[form->len++] = *text;
		} else if (c == ' ') {
			form->text[form->len++] = '+';
		} else {
			form->text[form->len++] = '%';
			form->text[form->len++] = digits[c >> 4];
			form->text[form->len++] = digits[c & 15];
		}
	}
	form->text[form->len] = '\0';
}

static bool room_for(struct b2b_form *form, size_t plain_len)
{
	if (!form->failed && !grow(form, form->len + 3 * plain_len + 3))
		form->failed = true;
	return !form->failed;
}

void b2b_form_add(struct b2b_form *form, const char *name, const char *value)
{
	if (!value || !room_for(form, strlen(name) + strlen(value)))
		return;
	if (form->len)
		form->text[form->len++] = '&';
	put_encoded(form, name);
	form->text[form->len++] = '=';
	put_encoded(form, value);
}

void b2b_form_clear(struct b2b_form *form)
{
	if (form->text)
		explicit_bzero(form->text, form->room);
	free(form->text);
	*form = (struct b2b_form){ 0 };
}

char *b2b_form_encode(const char *text)
{
	struct b2b_form form = { 0 };

	if (!room_for(&form, strlen(text)))
		return NULL;
	put_encoded(&form, text);
	return form.text;
}
