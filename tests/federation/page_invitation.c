/* An invited person chooses a password and becomes active; the link works once. */
#include <errno.h>
#include <string.h>

#include "tests/federation/directory.h"
#include "tests/federation/invitation.h"
#include "tests/federation/sql.h"
#include "tests/federation/store.h"
#include "tests/federation/text.h"
#include "tests/federation/web.h"

#define TITLE "Your invitation"
#define PASSWORD_MIN 8
#define PASSWORD_MAX 1024

static int find_invited(struct fed *fed, const char *token, json_t **ret_person)
{
	char hash[FED_SHA256_HEX];
	json_t *row = NULL;
	bool stands = false;
	int error = token ? fed_sha256_hex(token, hash) : -ENOENT;
	if (!error)
		error = fed_sql_row(fed->db, "SELECT id, organisation FROM people WHERE invitation = ?1 AND state = 'invited'", json_pack("[s]", hash), &row);
	if (!error)
		error = fed_org_stands(fed, fed_text(row, "organisation"), &stands);
	if (!error)
		error = stands ? fed_person_get(fed, fed_text(row, "id"), ret_person) : -ENOENT;
	json_decref(row);
	return error;
}

static int show(struct fed_reply *reply, const struct fed_web *web, unsigned status, const json_t *person, const char *token, const char *note)
{
	struct fed_page page;
	int error = fed_page_begin(&page, TITLE, web, FED_INVITATION_PATH);
	if (error)
		return error;
	if (note)
		fed_page_note(&page, status >= 400, note);
	if (person) {
		fed_page_put(&page, "<div class=\"card\"><p>Welcome, %s. You log in as <strong>%s</strong>.</p>", fed_text(person, "display"),
			     fed_text(person, "user_name"));
		fed_page_form(&page, web, FED_INVITATION_PATH, "accept");
		fed_page_put(&page, "<input type=\"hidden\" name=\"token\" value=\"%s\"><label>A password, eight characters or more"
				    "<input type=\"password\" name=\"password\" minlength=\"8\" autocomplete=\"new-password\" required></label>"
				    "<button>Accept</button></form></div>\n", token);
	}
	return fed_page_end(&page, reply, status);
}

/* The password and the state in one transaction; no event, since an invited person has no session to speak of. */
static int accept_now(struct fed *fed, const json_t *person, const char *password)
{
	json_t *changes = json_pack("{ss,sn}", "password", password, "invitation");
	int error = changes ? fed_store_begin(fed) : -ENOMEM;
	if (!error) {
		error = fed_person_change(fed, fed_text(person, "id"), changes);
		if (!error)
			error = fed_person_set_state(fed, fed_text(person, "id"), "active", "user", NULL);
		error = fed_store_end(fed, error, NULL);
	}
	json_decref(changes);
	return error;
}

static int answer(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct fed_web *web)
{
	bool posts = strcmp(request->method, "POST") == 0;
	const char *token = posts ? fed_form(request, "token") : fed_query(request, "token"), *password = fed_form(request, "password");
	json_t *person = NULL;
	int error = find_invited(fed, token, &person);
	if (error == -ENOENT)
		return show(reply, web, 404, NULL, NULL, "This invitation does not exist, or was used already.");
	if (error)
		return error;
	if (posts && !fed_web_form_fits(request, web)) {
		error = show(reply, web, 403, person, token, "This form is out of date; please try again.");
	} else if (posts && (!password || strlen(password) < PASSWORD_MIN || strlen(password) > PASSWORD_MAX)) {
		error = show(reply, web, 400, person, token, "The password is too short, or too long.");
	} else if (posts) {
		error = accept_now(fed, person, password);
		if (!error)
			error = show(reply, web, 200, NULL, NULL, "Accepted: you can log in to the hosts of your organisation now.");
	} else {
		error = show(reply, web, 200, person, token, NULL);
	}
	json_decref(person);
	return error;
}

static int invitation(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	struct fed_web web;
	int error = fed_web_open(fed, request, reply, &web);
	if (error)
		return error;
	error = answer(fed, request, reply, &web);
	fed_web_clear(&web);
	return error;
}

const struct fed_route fed_page_invitation_routes[] = {
	{ "GET", FED_INVITATION_PATH, "pages", invitation },
	{ "POST", FED_INVITATION_PATH, "pages", invitation },
	{ NULL, NULL, NULL, NULL },
};
