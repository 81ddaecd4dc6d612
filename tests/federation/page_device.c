/* The page where a person approves a log-in: by its code (RFC 8628 section 3.3), or because it asks this very person (CIBA). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "tests/federation/device.h"
#include "tests/federation/sql.h"
#include "tests/federation/store.h"
#include "tests/federation/web.h"

#define PATH "/device"
#define TITLE "Approve a log-in"

static void put_code_form(struct fed_page *page, const char *code)
{
	fed_page_put(page,
		     "<div class=\"card\"><form method=\"get\" action=\"" PATH "\"><label>Code that the host shows<input class=\"code\" name=\"user_code\""
		     " value=\"%s\" autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\" maxlength=\"12\" required></label>"
		     "<button>Continue</button></form></div>\n",
		     code ? code : "");
}

static void put_choice(struct fed_page *page, const struct fed_web *web, const json_t *device, const char *action, const char *label, const char *class)
{
	fed_page_form(page, web, PATH, action);
	fed_page_put(page, "<input type=\"hidden\" name=\"user_code\" value=\"%s\"><button class=\"%s\">%s</button></form>", fed_text(device, "user_code"),
		     class, label);
}

static void put_question(struct fed_page *page, const struct fed_web *web, const json_t *device)
{
	fed_page_put(page,
		     "<div class=\"card\"><p>A host asks to log you in. Approve only if you are logging in there yourself at this moment, and the host"
		     " shows this very code:</p><p class=\"code\">%s</p><dl><dt>Host</dt><dd><strong>%s</strong></dd>",
		     fed_text(device, "user_code"), fed_text(device, "client"));
	if (fed_text(device, "peer"))
		fed_page_put(page, "<dt>Asked from</dt><dd>%s</dd>", fed_text(device, "peer"));
	if (fed_text(device, "login_hint"))
		fed_page_put(page, "<dt>Log-in requested</dt><dd><strong>%s</strong></dd>", fed_text(device, "login_hint"));
	if (fed_text(device, "binding_message"))
		fed_page_put(page, "<dt>Message</dt><dd>%s</dd>", fed_text(device, "binding_message"));
	fed_page_put(page, "<dt>Asked</dt><dd>%lld s ago</dd><dt>You are</dt><dd>%s (%s)</dd></dl><div class=\"row\">",
		     (long long)(b2b_wall_s() - fed_int(device, "created")), fed_text(web->person, "display"), fed_text(web->person, "user_name"));
	put_choice(page, web, device, "approve", "Approve", "");
	put_choice(page, web, device, "deny", "Deny", "bad");
	fed_page_put(page, "</div></div>\n");
}

/* The approval device: what this person is asked, with the message that the host shows too. */
static void put_asked(struct fed_page *page, const struct fed_web *web, const json_t *rows)
{
	const json_t *device;
	size_t i;
	json_array_foreach (rows, i, device) {
		const char *message = fed_text(device, "binding_message");
		fed_page_put(page,
			     "<div class=\"card\"><p>A host asks to log you in. Approve only if you are logging in there yourself at this moment, and the host"
			     " shows this very message:</p><p class=\"code\">%s</p><dl><dt>Host</dt><dd><strong>%s</strong></dd><dt>Asked</dt><dd>%lld s ago</dd></dl>"
			     "<div class=\"row\">",
			     message ? message : "", fed_text(device, "client"), (long long)(b2b_wall_s() - fed_int(device, "created")));
		put_choice(page, web, device, "approve", "Approve", "");
		put_choice(page, web, device, "deny", "Deny", "bad");
		fed_page_put(page, "</div></div>\n");
	}
}

/* A log-in that asks somebody is nobody else's to answer. */
static int find_for(struct fed *fed, const struct fed_web *web, const char *code, json_t **ret_device)
{
	json_t *device = NULL;
	int error = fed_device_find(fed, code, &device);
	if (!error && fed_text(device, "asked") && strcmp(fed_text(device, "asked"), fed_text(web->person, "id")) != 0)
		error = -ENOENT;
	if (error)
		json_decref(device);
	else
		*ret_device = device;
	return error;
}

/* The page as it stands for CODE (may be NULL), with TROUBLE on top (may be NULL). */
static int show(struct fed *fed, struct fed_reply *reply, const struct fed_web *web, unsigned status, const char *code, const char *trouble)
{
	struct fed_page page;
	json_t *device = NULL, *asked = NULL;
	int error = 0;
	if (web->person && code && *code && !trouble) {
		error = fed_throttle_open(fed, fed_text(web->person, "id")) ? find_for(fed, web, code, &device) : -ENOENT;
		if (error == -ENOENT) {
			fed_throttle_failed(fed, fed_text(web->person, "id"));
			trouble = "No log-in waits for this code. It may have been answered, or be too old; start again at the host.";
			status = 404;
			error = 0;
		}
	}
	if (!error && web->person && !device)
		error = fed_device_asked(fed, fed_text(web->person, "id"), &asked);
	if (!error)
		error = fed_page_begin(&page, TITLE, web, PATH);
	if (error)
		goto out;
	if (trouble)
		fed_page_note(&page, true, trouble);
	if (!web->person)
		fed_page_log_in(&page, web, PATH, code);
	else if (device)
		put_question(&page, web, device);
	else
		put_code_form(&page, code);
	put_asked(&page, web, asked);
	error = fed_page_end(&page, reply, status);
out:
	json_decref(device);
	json_decref(asked);
	return error;
}

static int show_outcome(struct fed_reply *reply, const struct fed_web *web, const json_t *device, bool approved)
{
	struct fed_page page;
	int error = fed_page_begin(&page, approved ? "Approved" : "Denied", web, PATH);
	if (error)
		return error;
	fed_page_note(&page, !approved, approved ? "Approved: the host is logging you in now." : "Denied: nobody is logged in by this code.");
	fed_page_put(&page, "<div class=\"card\"><dl><dt>Host</dt><dd>%s</dd><dt>Code</dt><dd>%s</dd></dl><p class=\"soft\">You can close this page.</p></div>",
		     fed_text(device, "client"), fed_text(device, "user_code"));
	return fed_page_end(&page, reply, 200);
}

static int decide(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct fed_web *web, bool approves)
{
	const char *code = fed_form(request, "user_code");
	json_t *device = NULL;
	if (!web->person)
		return show(fed, reply, web, 403, code, "Log in first.");
	int error = code && fed_throttle_open(fed, fed_text(web->person, "id")) ? find_for(fed, web, code, &device) : -ENOENT;
	if (error == -ENOENT)
		return show(fed, reply, web, 404, code, NULL);
	if (!error && approves)
		error = fed_device_approve(fed, fed_text(device, "user_code"), web->person, NULL, NULL, b2b_wall_s());
	else if (!error)
		error = fed_device_deny(fed, fed_text(device, "user_code"));
	if (!error)
		error = show_outcome(reply, web, device, approves);
	json_decref(device);
	return error;
}

static int log_in(struct fed *fed, struct fed_request *request, struct fed_reply *reply, struct fed_web *web)
{
	const char *code = fed_form(request, "user_code");
	int error = fed_web_log_in(fed, request, reply, web);
	if (error == -EACCES)
		return show(fed, reply, web, 403, code, "Not a user name and password that may come in here.");
	if (error == -EAGAIN)
		return show(fed, reply, web, 429, code, "Too many failures; try again in half a minute.");
	return error ? error : show(fed, reply, web, 200, code, NULL);
}

static int act(struct fed *fed, struct fed_request *request, struct fed_reply *reply, struct fed_web *web)
{
	const char *action = fed_form(request, "action");
	if (!action || !fed_web_form_fits(request, web))
		return show(fed, reply, web, 403, fed_form(request, "user_code"), "This form is out of date; please try again.");
	if (strcmp(action, "log-in") == 0)
		return log_in(fed, request, reply, web);
	if (strcmp(action, "log-out") == 0) {
		int error = fed_web_log_out(fed, reply, web);
		return error ? error : show(fed, reply, web, 200, NULL, NULL);
	}
	if (strcmp(action, "approve") == 0 || strcmp(action, "deny") == 0)
		return decide(fed, request, reply, web, action[0] == 'a');
	return show(fed, reply, web, 400, NULL, "This form asks for something that does not exist.");
}

static int device_page(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	struct fed_web web;
	int error = fed_web_open(fed, request, reply, &web);
	if (error)
		return error;
	error = strcmp(request->method, "POST") == 0 ? act(fed, request, reply, &web) : show(fed, reply, &web, 200, fed_query(request, "user_code"), NULL);
	fed_web_clear(&web);
	return error;
}

const struct fed_route fed_page_device_routes[] = {
	{ "GET", PATH, "pages", device_page },
	{ "POST", PATH, "pages", device_page },
	{ NULL, NULL, NULL, NULL },
};
