#include "b2bd/prompt.h"

#include <qrencode.h>
#include <stdio.h>
#include <string.h>

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
		put_text(out, "  ");
		for (x = -QUIET; x < code->width + QUIET; x++)
			put_text(out, half[dark(code, x, y)][dark(code, x, y + 1)]);
		put_text(out, "\n");
	}
}

static void put_qr_of(struct out *out, const char *url)
{
	QRcode *code = QRcode_encodeString8bit(url, 0, QR_ECLEVEL_L);
	size_t before = out->len;

	if (!code)
		return;
	put_qr(out, code);
	if (out->full) { /* without it the prompt is still whole */
		out->full = false;
		out->len = before;
		out->buf[before] = '\0';
	}
	QRcode_free(code);
}

void b2b_prompt_device(char *buf, size_t size, const char *user, const char *host, const struct b2b_approval_prompt *prompt, bool qr)
{
	struct out out = { .buf = buf, .size = size };

	buf[0] = '\0';
	put_text(&out, "\nLog-in of ");
	put_text(&out, user);
	put_text(&out, " on ");
	put_foreign(&out, host);
	put_text(&out, "\n\n  1. Open   ");
	put_foreign(&out, prompt->verification_uri);
	put_text(&out, "\n  2. Enter  ");
	put_foreign(&out, prompt->user_code);
	put_text(&out, "\n  3. Approve it there, as yourself\n\n");
	if (qr && prompt->verification_uri_complete)
		put_qr_of(&out, prompt->verification_uri_complete);
}
