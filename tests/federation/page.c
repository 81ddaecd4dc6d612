/* HTML: one frame, one style sheet, everything that is not ours escaped. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tests/federation/sql.h"
#include "tests/federation/web.h"

static const char style[] =
	":root{color-scheme:light dark;--ink:#1b2430;--soft:#55606e;--line:#d5dbe3;--paper:#fff;--ground:#f2f4f7;--accent:#1a56a8;--on:#fff;"
	"--bad:#a8201a;--good:#1d6b3a;--badge:#e6ebf2}"
	"@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#a3aebb;--line:#3a4552;--paper:#1d242d;--ground:#12171d;--accent:#7fb2f5;"
	"--on:#0d1520;--bad:#ff9c94;--good:#86d8a4;--badge:#2c3744}}"
	"*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}"
	"header{background:var(--paper);border-bottom:1px solid var(--line);padding:.75rem 1.5rem;display:flex;flex-wrap:wrap;gap:1rem;"
	"align-items:center;justify-content:space-between}header p{margin:0}header form{display:inline}"
	"main{max-width:62rem;margin:2rem auto;padding:0 1rem}main.narrow{max-width:30rem}"
	"h1{font-size:1.5rem;margin:0 0 1rem}h2{font-size:1.15rem;margin:0 0 .75rem}"
	".card{background:var(--paper);border:1px solid var(--line);border-radius:.6rem;padding:1.5rem;margin-bottom:1.5rem;overflow-x:auto}"
	"label{display:block;font-weight:600;margin-bottom:1rem}input,select{display:block;width:100%;margin-top:.25rem;padding:.55rem .7rem;"
	"font:inherit;color:inherit;background:var(--paper);border:1px solid var(--soft);border-radius:.4rem}"
	"button{font:inherit;font-weight:600;padding:.5rem 1.1rem;border-radius:.4rem;border:1px solid var(--accent);background:var(--accent);"
	"color:var(--on);cursor:pointer}button.plain{background:transparent;color:var(--accent)}"
	"button.bad{border-color:var(--bad);background:transparent;color:var(--bad)}button.small{padding:.2rem .6rem;font-size:.875rem}"
	":focus-visible{outline:3px solid var(--accent);outline-offset:2px}"
	".code{font:600 1.9rem/1.2 ui-monospace,monospace;letter-spacing:.12em}"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:.4rem 1.2rem;margin:0 0 1.25rem}dt{color:var(--soft)}dd{margin:0;"
	"overflow-wrap:anywhere}"
	".row{display:flex;gap:.75rem;flex-wrap:wrap;align-items:center}.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));"
	"gap:0 1rem}"
	"table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.5rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}"
	"th{color:var(--soft);font-size:.875rem}td form{display:inline-block;margin:0 .25rem .25rem 0}"
	".state{display:inline-block;padding:.05rem .6rem;border-radius:1rem;background:var(--badge);font-size:.875rem}"
	".state.active{color:var(--good)}.state.suspended,.state.removed,.state.ended{color:var(--bad)}"
	".note{border-left:.3rem solid var(--good);background:var(--paper);padding:.75rem 1rem;margin-bottom:1.5rem;border-radius:.3rem}"
	".note.bad{border-color:var(--bad)}.soft{color:var(--soft)}details{margin-top:.75rem}.card>p:first-child{margin-top:0}main>.card>form{max-width:26rem}summary{cursor:pointer;font-weight:600}details[open] summary{margin-bottom:1rem}";

static void put_escaped(FILE *out, const char *text)
{
	for (; text && *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			if ((unsigned char)*text >= 32) /* no control characters in somebody's name */
				fputc(*text, out);
		}
	}
}

void fed_page_put(struct fed_page *page, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	while (*format) {
		size_t plain = strcspn(format, "%");
		fwrite(format, 1, plain, page->out);
		format += plain;
		if (strncmp(format, "%s", 2) == 0) {
			put_escaped(page->out, va_arg(args, const char *));
			format += 2;
		} else if (strncmp(format, "%lld", 4) == 0) {
			fprintf(page->out, "%lld", va_arg(args, long long));
			format += 4;
		} else if (*format) {
			fputc(*format++, page->out);
		}
	}
	va_end(args);
}

void fed_page_form(struct fed_page *page, const struct fed_web *web, const char *path, const char *action)
{
	fed_page_put(page, "<form method=\"post\" action=\"%s\"><input type=\"hidden\" name=\"csrf\" value=\"%s\">"
			   "<input type=\"hidden\" name=\"action\" value=\"%s\">", path, web->csrf, action);
}

void fed_page_note(struct fed_page *page, bool bad, const char *text)
{
	fed_page_put(page, "<p class=\"note%s\" role=\"%s\">%s</p>\n", bad ? " bad" : "", bad ? "alert" : "status", text);
}

int fed_page_begin(struct fed_page *page, const char *title, const struct fed_web *web, const char *action)
{
	*page = (struct fed_page){ 0 };
	page->out = open_memstream(&page->text, &page->size);
	if (!page->out)
		return -ENOMEM;
	fed_page_put(page,
		     "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,"
		     "initial-scale=1\"><title>%s - Partner access</title><link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\""
		     " href=\"/style.css\"></head>\n<body><header><p><strong>Partner access</strong></p>", title);
	if (web->person) {
		fed_page_put(page, "<div class=\"row\"><span>%s <span class=\"soft\">%s</span></span>", fed_text(web->person, "display"),
			     fed_text(web->person, "user_name"));
		fed_page_form(page, web, action, "log-out");
		fed_page_put(page, "<button class=\"plain small\">Log out</button></form></div>");
	}
	fed_page_put(page, "</header>\n<main><h1>%s</h1>\n", title);
	return 0;
}

void fed_page_log_in(struct fed_page *page, const struct fed_web *web, const char *path, const char *user_code)
{
	fed_page_put(page, "<div class=\"card\">");
	fed_page_form(page, web, path, "log-in");
	if (user_code)
		fed_page_put(page, "<input type=\"hidden\" name=\"user_code\" value=\"%s\">", user_code);
	fed_page_put(page, "<label>User name<input name=\"user\" autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" required"
			   " autofocus></label><label>Password<input type=\"password\" name=\"password\" autocomplete=\"current-password\" required>"
			   "</label><button>Log in</button></form></div>\n");
}

int fed_page_end(struct fed_page *page, struct fed_reply *reply, unsigned status)
{
	static const char *const headers[][2] = {
		{ "Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'" },
		{ "Cache-Control", "no-store" },
		{ "Referrer-Policy", "no-referrer" },
		{ "X-Content-Type-Options", "nosniff" },
	};
	fed_page_put(page, "</main></body></html>\n");
	int error = fclose(page->out) == 0 ? 0 : -ENOMEM;
	for (size_t i = 0; !error && i < sizeof(headers) / sizeof(headers[0]); i++)
		error = fed_reply_header(reply, headers[i][0], headers[i][1]);
	if (error) {
		free(page->text);
		return error;
	}
	return fed_reply_text(reply, status, "text/html; charset=utf-8", page->text);
}

static int style_sheet(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	(void)fed, (void)request;
	int error = fed_reply_header(reply, "Cache-Control", "public, max-age=3600");
	return error ? error : fed_reply_text(reply, 200, "text/css; charset=utf-8", strdup(style));
}

const struct fed_route fed_page_routes[] = {
	{ "GET", "/style.css", "pages", style_sheet },
	{ NULL, NULL, NULL, NULL },
};
