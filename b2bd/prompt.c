#include "b2bd/prompt.h"

#include <errno.h>
#include <openssl/rand.h>
#include <qrencode.h>
#include <stdio.h>
#include <string.h>

#define TEXT_ROOM 1400 /* bytes that a picture leaves to what is written: a page of 1,024, a code, names */
#define HOST_ROOM 10   /* of a binding message */
#define INDENT "  " /* of a picture */
#define QUIET 2 /* modules of white border; scanners cope with less than the four of the standard */

struct out {
	char *buf;
	size_t size, len;
	bool full;
};

static void put(struct out *out, const char *text, size_t n)
{
	if (out->full || out->len + n >= out->size) {
		out->full = true;
		return;
	}
	memcpy(out->buf + out->len, text, n);
	out->len += n;
	out->buf[out->len] = '\0';
}

static void put_text(struct out *out, const char *text)
{
	put(out, text, strlen(text));
}

/* Text from the service: printable ASCII only, so that it cannot steer the terminal or fake a line. */
static void put_foreign(struct out *out, const char *text)
{
	for (; *text; text++)
		put(out, *text > ' ' && *text < 0x7f ? text : "?", 1);
}

static bool dark(const QRcode *code, int x, int y)
{
	return x >= 0 && y >= 0 && x < code->width && y < code->width && (code->data[y * code->width + x] & 1);
}

/* Two rows of modules a line; light modules are drawn, so that it scans on a dark terminal. */
static void put_qr(struct out *out, const QRcode *code)
{
	static const char *const half[2][2] = { { "\u2588", "\u2580" }, { "\u2584", " " } };
	int x, y;

	for (y = -QUIET; y < code->width + QUIET; y += 2) {
		put_text(out, INDENT);
		for (x = -QUIET; x < code->width + QUIET; x++)
			put_text(out, half[dark(code, x, y)][dark(code, x, y + 1)]);
		put_text(out, "\n");
	}
}

/* A picture whose lines the terminal would break is none. */
static bool fits(const QRcode *code, unsigned columns)
{
	return strlen(INDENT) + (size_t)code->width + 2 * QUIET <= columns;
}

static void put_qr_of(struct out *out, const char *url, unsigned columns)
{
	QRcode *code = QRcode_encodeString8bit(url, 0, QR_ECLEVEL_L);
	size_t before = out->len;

	if (!code)
		return;
	if (fits(code, columns))
		put_qr(out, code);
	if (out->full) { /* without it the prompt is still whole */
		out->full = false;
		out->len = before;
		out->buf[before] = '\0';
	}
	QRcode_free(code);
}

static void put_head(struct out *out, const char *user, const char *host)
{
	put_text(out, "\nLog-in of ");
	put_text(out, user);
	put_text(out, " on ");
	put_foreign(out, host);
	put_text(out, "\n\n");
}

void b2b_prompt_device(char *buf, size_t size, const char *user, const char *host, const struct b2b_approval_prompt *prompt, unsigned columns)
{
	struct out out = { .buf = buf, .size = size > TEXT_ROOM ? size - TEXT_ROOM : 0 };

	buf[0] = '\0';
	if (columns && prompt->verification_uri_complete)
		put_qr_of(&out, prompt->verification_uri_complete, columns);
	out.size = size;
	put_head(&out, user, host);
	put_text(&out, "  1. Open   ");
	put_foreign(&out, prompt->verification_uri);
	put_text(&out, "\n  2. Enter  ");
	put_foreign(&out, prompt->user_code);
	put_text(&out, "\n  3. Approve it there, as yourself\n\n");
}

void b2b_prompt_ciba(char *buf, size_t size, const char *user, const char *host, const char *binding)
{
	struct out out = { .buf = buf, .size = size };

	buf[0] = '\0';
	put_head(&out, user, host);
	put_text(&out, "  A request to approve it is on its way to your own device.\n  Approve it there if it shows  ");
	put_foreign(&out, binding);
	put_text(&out, "  and deny any other\n\n");
}

void b2b_prompt_command(char *buf, size_t size, const char *const *names, size_t n, const char *message)
{
	struct out out = { .buf = buf, .size = size };
	size_t i;

	buf[0] = '\0';
	put_text(&out, "\nThis command needs another person's approval. Asked: ");
	for (i = 0; i < n; i++) {
		put_text(&out, i ? ", " : "");
		put_text(&out, names[i]);
	}
	put_text(&out, "\n\n  ");
	put_text(&out, message); /* printable, as its maker has seen to */
	put_text(&out, "\n\n");
}

void b2b_prompt_token(char *buf, size_t size, const char *user, const char *host, bool other)
{
	struct out out = { .buf = buf, .size = size };

	buf[0] = '\0';
	put_head(&out, user, host);
	put_text(&out, other ? "Access token, or Enter to log in in another way: " : "Access token: ");
}

/* No vowels and no digits: no words, and nothing that is read as something else (RFC 8628 6.1). */
static int put_letters(struct out *out, size_t n)
{
	static const char letters[] = "BCDFGHJKLMNPQRSTVWXZ";
	unsigned char random;

	while (n > 0) {
		if (RAND_bytes(&random, 1) != 1)
			return -EIO;
		if (random >= 240) /* a multiple of 20: no letter is likelier */
			continue;
		put(out, &letters[random % 20], 1);
		n--;
	}
	return 0;
}

int b2b_binding_message(const char *host, char ret_message[B2B_BINDING_SIZE])
{
	struct out out = { .buf = ret_message, .size = B2B_BINDING_SIZE };
	size_t len = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
	int r;

	ret_message[0] = '\0';
	if (len && len <= HOST_ROOM) { /* half a name may be another host's */
		put(&out, host, len);
		put(&out, "/", 1);
	}
	r = put_letters(&out, 4);
	put(&out, "-", 1);
	return r < 0 ? r : put_letters(&out, 4);
}

void b2b_hint_format(const char *template, const char *name, const char *local, const char *alias, const char *subject, char *buf, size_t size)
{
	struct out out = { .buf = buf, .size = size };

	buf[0] = '\0';
	for (; *template; template++) {
		if (*template != '%') {
			put(&out, template, 1);
			continue;
		}
		template++; /* the configuration has seen to it that one of these follows */
		put_text(&out, *template == 'n' ? name : *template == 'u' ? local : *template == 'o' ? alias : *template == 's' ? subject : "%");
	}
}
