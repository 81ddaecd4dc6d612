/* The partner administrator's desk: people of one's own organisation and those below it, and nobody else. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/federation/directory.h"
#include "tests/federation/invitation.h"
#include "tests/federation/sql.h"
#include "tests/federation/store.h"
#include "tests/federation/text.h"
#include "tests/federation/web.h"

#define PATH "/desk"

/* The administrator's organisation and all below it. */
static int own_organisations(struct fed *fed, const struct fed_web *web, json_t **ret_orgs)
{
	return fed_sql(fed->db,
		       "WITH RECURSIVE below(id) AS (SELECT ?1 UNION SELECT o.id FROM organisations o JOIN below b ON o.parent = b.id)"
		       " SELECT o.* FROM organisations o JOIN below USING(id) ORDER BY o.id <> ?1, o.alias",
		       json_pack("[s]", fed_text(web->person, "organisation")), ret_orgs);
}

/* --- showing --- */

static void put_button(struct fed_page *page, const struct fed_web *web, const char *action, const json_t *person, const char *label, const char *class)
{
	fed_page_form(page, web, PATH, action);
	fed_page_put(page,
		     "<input type=\"hidden\" name=\"person\" value=\"%s\"><button class=\"small %s\" aria-label=\"%s %s\">%s</button></form>",
		     fed_text(person, "id"), class, label, fed_text(person, "display"), label);
}

static void put_person(struct fed_page *page, const struct fed_web *web, const json_t *person)
{
	const char *state = fed_text(person, "state");
	bool own = strcmp(fed_text(person, "id"), fed_text(web->person, "id")) == 0;
	fed_page_put(page,
		     "<tr><td><strong>%s</strong><br><span class=\"soft\">%s@%s</span></td><td>%s</td><td><span class=\"state %s\">%s</span></td>"
		     "<td>%s</td><td>%s</td><td>",
		     fed_text(person, "display"), fed_text(person, "local"), fed_text(person, "alias"), fed_text(person, "kind"), state, state,
		     fed_text(person, "role_names"), fed_text(person, "group_names"));
	if (own)
		fed_page_put(page, "<span class=\"soft\">this is you</span>");
	if (!own && strcmp(state, "active") == 0)
		put_button(page, web, "suspend", person, "Suspend", "plain");
	if (!own && strcmp(state, "suspended") == 0)
		put_button(page, web, "reinstate", person, "Reinstate", "plain");
	if (!own && strcmp(state, "removed") != 0)
		put_button(page, web, "offboard", person, "Offboard", "bad");
	fed_page_put(page, "</td></tr>\n");
}

static int put_people(struct fed *fed, struct fed_page *page, const struct fed_web *web, const json_t *org)
{
	json_t *people = NULL, *person;
	size_t i;
	int error = fed_sql(fed->db,
			    "SELECT p.id, p.local, p.display, p.kind, p.state, ?2 AS alias,"
			    " (SELECT group_concat(value, ', ') FROM json_each(p.roles)) AS role_names,"
			    " (SELECT group_concat(g.local, ', ') FROM members m JOIN groups g ON g.id = m.group_id WHERE m.person = p.id) AS group_names"
			    " FROM people p WHERE p.organisation = ?1 ORDER BY p.state = 'removed', p.local LIMIT 500",
			    json_pack("[s,s]", fed_text(org, "id"), fed_text(org, "alias")), &people);
	if (error)
		return error;
	fed_page_put(page, "<table><thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Kind</th><th scope=\"col\">State</th>"
			   "<th scope=\"col\">Roles</th><th scope=\"col\">Groups</th><th scope=\"col\">What to do</th></tr></thead><tbody>\n");
	json_array_foreach (people, i, person)
		put_person(page, web, person);
	fed_page_put(page, "</tbody></table>\n");
	if (json_array_size(people) == 500)
		fed_page_put(page, "<p class=\"soft\">Only the first 500 are shown.</p>");
	json_decref(people);
	return 0;
}

static void put_invitation(struct fed_page *page, const struct fed_web *web, const json_t *org)
{
	fed_page_put(page, "<details><summary>Invite somebody to %s</summary>", fed_text(org, "display"));
	fed_page_form(page, web, PATH, "invite");
	fed_page_put(page,
		     "<input type=\"hidden\" name=\"organisation\" value=\"%s\"><div class=\"grid\"><label>Full name<input name=\"display\" required"
		     " maxlength=\"100\" autocomplete=\"off\"></label><label>Log-in name<input name=\"local\" required maxlength=\"30\""
		     " pattern=\"[a-z_][a-z0-9_.\\-]*\" autocomplete=\"off\" autocapitalize=\"none\" spellcheck=\"false\"></label>"
		     "<label>Roles, with spaces between<input name=\"roles\" maxlength=\"200\" autocomplete=\"off\"></label></div>"
		     "<button>Invite</button></form></details>\n",
		     fed_text(org, "id"));
}

static void put_contract(struct fed_page *page, const struct fed_web *web, const json_t *org)
{
	fed_page_put(page, "<details><summary>End the contract of %s</summary>", fed_text(org, "display"));
	fed_page_form(page, web, PATH, "end-contract");
	fed_page_put(page,
		     "<p>Everybody of <strong>%s</strong> and of its subsidiaries is cut off from all hosts at once, and for good.</p>"
		     "<input type=\"hidden\" name=\"organisation\" value=\"%s\"><label>Write <strong>%s</strong> to confirm<input name=\"confirm\" required"
		     " autocomplete=\"off\" autocapitalize=\"none\" spellcheck=\"false\"></label><button class=\"bad\">End the contract</button></form>"
		     "</details>\n",
		     fed_text(org, "display"), fed_text(org, "id"), fed_text(org, "alias"));
}

static int put_organisation(struct fed *fed, struct fed_page *page, const struct fed_web *web, const json_t *org)
{
	const char *state = fed_text(org, "state");
	fed_page_put(page, "<section class=\"card\"><h2>%s <span class=\"soft\">@%s</span> <span class=\"state %s\">%s</span></h2>\n",
		     fed_text(org, "display"), fed_text(org, "alias"), state, state);
	int error = put_people(fed, page, web, org);
	if (strcmp(state, "ended") != 0) {
		put_invitation(page, web, org);
		put_contract(page, web, org);
	}
	fed_page_put(page, "</section>\n");
	return error;
}

static int put_desk(struct fed *fed, struct fed_page *page, const struct fed_web *web)
{
	json_t *orgs = NULL, *org;
	size_t i;
	int error = own_organisations(fed, web, &orgs);
	json_array_foreach (orgs, i, org)
		if (!error)
			error = put_organisation(fed, page, web, org);
	json_decref(orgs);
	return error;
}

static bool is_administrator(const struct fed_web *web)
{
	return fed_int(web->person, "administrator") != 0;
}

/* The desk (or the way in), with a NOTE on top (may be NULL). */
static int show(struct fed *fed, struct fed_reply *reply, const struct fed_web *web, unsigned status, const char *note)
{
	struct fed_page page;
	int error = fed_page_begin(&page, "Administrator's desk", web, PATH);
	if (error)
		return error;
	if (note)
		fed_page_note(&page, status >= 400, note);
	if (!web->person)
		fed_page_log_in(&page, web, PATH, NULL);
	else if (!is_administrator(web))
		fed_page_note(&page, true, "You are not an administrator of your organisation.");
	else
		error = put_desk(fed, &page, web);
	int end = fed_page_end(&page, reply, web->person && !is_administrator(web) ? 403 : status);
	return error ? error : end;
}

/* After a change: GET the desk afresh, so that reloading does not repeat it. */
static int go_back(struct fed_reply *reply, const char *done)
{
	char location[64];
	snprintf(location, sizeof(location), PATH "?done=%s", done);
	int error = fed_reply_header(reply, "Location", location);
	return error ? error : fed_reply_empty(reply, 303);
}

static const struct {
	const char *done, *note;
} notes[] = {
	{ "suspend", "Suspended: sessions are being ended on all hosts." },
	{ "reinstate", "Reinstated." },
	{ "offboard", "Offboarded: sessions are being ended on all hosts, and the name cannot log in any more." },
	{ "end-contract", "The contract has ended: everybody of that organisation is being cut off." },
};

static const char *note_of(const char *done)
{
	for (size_t i = 0; done && i < sizeof(notes) / sizeof(notes[0]); i++)
		if (strcmp(done, notes[i].done) == 0)
			return notes[i].note;
	return NULL;
}

/* --- acting --- */

/* Is organisation ID one of the administrator's own? */
static int is_own(struct fed *fed, const struct fed_web *web, const char *id, bool *ret_own)
{
	return fed_org_below(fed, id, fed_text(web->person, "organisation"), ret_own);
}

/* The person the form names, if one of ours and not the administrator. 0 or -EPERM alike for strangers and nobody. */
static int own_person(struct fed *fed, const struct fed_request *request, const struct fed_web *web, json_t **ret_person)
{
	const char *id = fed_form(request, "person");
	json_t *person = NULL;
	bool own = false;
	int error = id ? fed_person_get(fed, id, &person) : -EPERM;
	if (!error)
		error = is_own(fed, web, fed_text(person, "organisation"), &own);
	if (error == -ENOENT || (!error && (!own || strcmp(fed_text(person, "id"), fed_text(web->person, "id")) == 0)))
		error = -EPERM;
	if (error) {
		json_decref(person);
		return error;
	}
	*ret_person = person;
	return 0;
}

static int ask_offboard(struct fed_reply *reply, const struct fed_web *web, const json_t *person)
{
	struct fed_page page;
	int error = fed_page_begin(&page, "Offboard", web, PATH);
	if (error)
		return error;
	fed_page_put(&page, "<div class=\"card\"><p>Offboard <strong>%s</strong> (%s@%s)? All sessions end at once, and this cannot be undone.</p><div class=\"row\">",
		     fed_text(person, "display"), fed_text(person, "local"), fed_text(person, "alias"));
	fed_page_form(&page, web, PATH, "offboard");
	fed_page_put(&page, "<input type=\"hidden\" name=\"person\" value=\"%s\"><input type=\"hidden\" name=\"confirm\" value=\"yes\">"
			    "<button class=\"bad\">Offboard</button></form><a href=\"" PATH "\">Back</a></div></div>\n", fed_text(person, "id"));
	return fed_page_end(&page, reply, 200);
}

static int change_person(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct fed_web *web, const char *state,
			 const char *reason)
{
	const char *action = fed_form(request, "action"), *confirm = fed_form(request, "confirm");
	json_t *person = NULL;
	int error = own_person(fed, request, web, &person);
	if (error == -EPERM)
		return show(fed, reply, web, 403, "That is not somebody whom you can change.");
	if (error)
		return error;
	if (strcmp(action, "offboard") == 0 && (!confirm || strcmp(confirm, "yes") != 0)) {
		error = ask_offboard(reply, web, person);
		json_decref(person);
		return error;
	}
	error = fed_store_begin(fed);
	if (!error)
		error = fed_store_end(fed, fed_person_set_state(fed, fed_text(person, "id"), state, "admin", reason), NULL);
	json_decref(person);
	if (error == -EPERM)
		return show(fed, reply, web, 409, "That is not possible in the person's present state.");
	return error ? error : go_back(reply, action);
}

static int suspend(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct fed_web *web)
{
	return change_person(fed, request, reply, web, "suspended", "Suspended by the organisation");
}

static int reinstate(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct fed_web *web)
{
	return change_person(fed, request, reply, web, "active", "Reinstated by the organisation");
}

static int offboard(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct fed_web *web)
{
	return change_person(fed, request, reply, web, "removed", "No longer with the organisation");
}

static json_t *words(const char *text)
{
	json_t *list = json_array();
	for (text += strspn(text, " ,"); list && *text; text += strspn(text, " ,")) {
		size_t n = strcspn(text, " ,");
		json_array_append_new(list, json_stringn(text, n));
		text += n;
	}
	return list;
}

static int show_invited(struct fed *fed, struct fed_reply *reply, const struct fed_web *web, const json_t *person, const char *token)
{
	struct fed_page page;
	int error = fed_page_begin(&page, "Invited", web, PATH);
	if (error)
		return error;
	fed_page_put(&page, "<div class=\"card\"><p>Send this link to <strong>%s</strong>. It works once, and is not shown again:</p>"
			    "<p><a href=\"%s" FED_INVITATION_PATH "?token=%s\">%s" FED_INVITATION_PATH "?token=%s</a></p><p><a href=\"" PATH "\">Back to the desk</a></p></div>\n",
		     fed_text(person, "display"), fed->issuer, token, fed->issuer, token);
	return fed_page_end(&page, reply, 200);
}

static int store_invited(struct fed *fed, const struct fed_request *request, const char *org, const char *token, json_t **ret_person)
{
	char hash[FED_SHA256_HEX];
	const char *roles = fed_form(request, "roles");
	int error = fed_sha256_hex(token, hash);
	if (error)
		return error;
	json_t *wanted = json_pack("{ss,ss*,ss*,ss,ss,so}", "organisation", org, "local", fed_form(request, "local"), "display",
				   fed_form(request, "display"), "state", "invited", "invitation", hash, "roles", words(roles ? roles : ""));
	error = wanted ? fed_store_begin(fed) : -ENOMEM;
	if (!error)
		error = fed_store_end(fed, fed_person_create(fed, wanted, ret_person), NULL);
	json_decref(wanted);
	return error;
}

static int invite(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct fed_web *web)
{
	const char *org = fed_form(request, "organisation"), *display = fed_form(request, "display");
	json_t *person = NULL;
	bool own = false, stands = false;
	int error = org ? is_own(fed, web, org, &own) : 0;
	if (!error && own)
		error = fed_org_stands(fed, org, &stands);
	if (error)
		return error;
	if (!own || !stands)
		return show(fed, reply, web, 403, "Nobody can be invited to that organisation.");
	if (!display || !*display || strlen(display) > 200)
		return show(fed, reply, web, 400, "The full name is missing, or too long.");
	char *token = fed_random_text(32);
	error = token ? store_invited(fed, request, org, token, &person) : -ENOMEM;
	if (error == -EINVAL)
		error = show(fed, reply, web, 400, "That cannot be a log-in name: lower-case letters, digits, '_', '.', '-', a letter first.");
	else if (error == -EEXIST)
		error = show(fed, reply, web, 409, "That log-in name is taken in this organisation.");
	else if (!error)
		error = show_invited(fed, reply, web, person, token);
	json_decref(person);
	free(token);
	return error;
}

static int show_ended(struct fed_reply *reply, const json_t *org)
{
	struct fed_page page;
	static const struct fed_web nobody;
	int error = fed_page_begin(&page, "The contract has ended", &nobody, PATH);
	if (error)
		return error;
	fed_page_note(&page, false, note_of("end-contract"));
	fed_page_put(&page, "<div class=\"card\"><p>%s (@%s) is closed, and with it your own access.</p></div>\n", fed_text(org, "display"),
		     fed_text(org, "alias"));
	return fed_page_end(&page, reply, 200);
}

static int end_contract(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct fed_web *web)
{
	const char *key = fed_form(request, "organisation"), *confirm = fed_form(request, "confirm");
	json_t *org = NULL;
	bool own = false;
	int error = key ? fed_org_get(fed, key, &org) : -ENOENT;
	if (!error)
		error = is_own(fed, web, fed_text(org, "id"), &own);
	if (error == -ENOENT || (!error && !own)) {
		json_decref(org);
		return show(fed, reply, web, 403, "That is not an organisation of yours.");
	}
	if (!error && (!confirm || strcmp(confirm, fed_text(org, "alias")) != 0)) {
		json_decref(org);
		return show(fed, reply, web, 400, "The name does not fit: nothing was ended.");
	}
	if (!error)
		error = fed_store_begin(fed);
	if (!error)
		error = fed_store_end(fed, fed_org_set_state(fed, fed_text(org, "id"), "ended", "admin", "The contract has ended"), NULL);
	bool all = !error && strcmp(fed_text(org, "id"), fed_text(web->person, "organisation")) == 0;
	if (!error)
		error = all ? show_ended(reply, org) : go_back(reply, "end-contract");
	json_decref(org);
	return error;
}

static const struct {
	const char *name;
	int (*run)(struct fed *fed, struct fed_request *request, struct fed_reply *reply, const struct fed_web *web);
} actions[] = {
	{ "invite", invite },	  { "suspend", suspend },	    { "reinstate", reinstate },
	{ "offboard", offboard }, { "end-contract", end_contract },
};

static int log_in(struct fed *fed, struct fed_request *request, struct fed_reply *reply, struct fed_web *web)
{
	int error = fed_web_log_in(fed, request, reply, web);
	if (error == -EACCES)
		return show(fed, reply, web, 403, "Not a user name and password that may come in here.");
	if (error == -EAGAIN)
		return show(fed, reply, web, 429, "Too many failures; try again in half a minute.");
	return error ? error : show(fed, reply, web, 200, NULL);
}

static int act(struct fed *fed, struct fed_request *request, struct fed_reply *reply, struct fed_web *web)
{
	const char *action = fed_form(request, "action");
	if (!action || !fed_web_form_fits(request, web))
		return show(fed, reply, web, 403, "This form is out of date; please try again.");
	if (strcmp(action, "log-in") == 0)
		return log_in(fed, request, reply, web);
	if (strcmp(action, "log-out") == 0) {
		int error = fed_web_log_out(fed, reply, web);
		return error ? error : show(fed, reply, web, 200, NULL);
	}
	if (!web->person || !is_administrator(web))
		return show(fed, reply, web, 403, "Log in as an administrator first.");
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(action, actions[i].name) == 0)
			return actions[i].run(fed, request, reply, web);
	return show(fed, reply, web, 400, "This form asks for something that does not exist.");
}

static int desk(struct fed *fed, struct fed_request *request, struct fed_reply *reply)
{
	struct fed_web web;
	int error = fed_web_open(fed, request, reply, &web);
	if (error)
		return error;
	error = strcmp(request->method, "POST") == 0 ? act(fed, request, reply, &web) : show(fed, reply, &web, 200, note_of(fed_query(request, "done")));
	fed_web_clear(&web);
	return error;
}

const struct fed_route fed_page_desk_routes[] = {
	{ "GET", PATH, "pages", desk },
	{ "POST", PATH, "pages", desk },
	{ NULL, NULL, NULL, NULL },
};
