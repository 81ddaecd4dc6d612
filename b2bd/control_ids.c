/* b2bctl's questions about the id ledger. Answered in pages: an organisation of a million is not read at one turn of the loop. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/core.h"
#include "b2bd/reply.h"
#include "b2bd/state/ledger.h"
#include "common/conf_kinds.h"

#define PAGE 1000

static const char *chooser_name(enum b2b_id_chooser by)
{
	static const char *const names[] = { "older", "pinned", "directory", "hash" };

	return by <= B2B_ID_BY_HASH ? names[by] : "?";
}

static const char *trouble_name(enum b2b_ledger_trouble trouble)
{
	static const char *const names[] = { NULL, "used-up", "pin-taken", "unpinned" };

	return trouble <= B2B_LEDGER_UNPINNED ? names[trouble] : "?";
}

static json_t *entry_json(const struct b2b_policy *policy, const struct b2b_ledger_entry *entry)
{
	int org = b2b_policy_org_by_id(policy, entry->org_id);
	char name[B2B_NAME_SIZE] = "";

	if (*entry->local && org >= 0)
		b2b_name_join(entry->local, policy->separator, policy->orgs[org].alias, name, sizeof(name));
	return json_pack("{s:I,s:s,s:s?,s:s,s:s,s:s,s:s,s:s}", "id", (json_int_t)entry->id, "kind", b2b_id_kind_name(entry->kind), "organisation",
	                 org >= 0 ? policy->orgs[org].alias : NULL, "organisation_id", entry->org_id, "owner", entry->owner, "name", name,
	                 "state", entry->removed ? "removed" : "active", "chosen", chooser_name(entry->by));
}

struct listing {
	const struct b2b_policy *policy;
	json_t *list;
	uint32_t last;
};

static int list_entry(void *arg, const struct b2b_ledger_entry *entry)
{
	struct listing *listing = arg;

	listing->last = entry->id;
	return json_array_append_new(listing->list, entry_json(listing->policy, entry)) < 0 ? -ENOMEM : 0;
}

/* Whom WHAT names: everybody where it is empty, an organisation, an id, or a person or group by name. */
static int find_span(struct b2b_core *core, const char *what, uint32_t *ret_from, uint32_t *ret_to)
{
	int org = b2b_policy_org_by_alias(core->policy, what);
	struct b2b_principal person;
	struct b2b_name name;
	uint64_t number;
	int r;

	*ret_from = 0;
	*ret_to = UINT32_MAX;
	if (!*what)
		return 0;
	if (org >= 0) {
		*ret_from = core->policy->orgs[org].range_lo;
		*ret_to = core->policy->orgs[org].range_hi;
		return 0;
	}
	if (b2b_conf_read_number(what, strlen(what), &number) == 0 && number <= UINT32_MAX) {
		*ret_from = *ret_to = (uint32_t)number;
		return 0;
	}
	org = b2b_name_split(what, core->policy->separator, &name) < 0 ? -1 : b2b_policy_org_by_alias(core->policy, name.alias);
	if (org < 0)
		return -ENOENT;
	r = b2b_directory_by_name(core->state, core->policy->orgs[org].id, name.local, &person);
	if (r == 0) {
		*ret_from = person.uid;
		b2b_principal_clear(&person);
	} else if (r == -ENOENT) {
		r = b2b_group_by_name(core->state, core->policy->orgs[org].id, name.local, ret_from);
	}
	*ret_to = *ret_from;
	return r;
}

/* "AFTER WHAT": a page of the ids of WHAT above AFTER. */
static void list(struct b2b_core *core, struct b2b_client *client, const char *argument)
{
	struct listing listing = { .policy = core->policy, .list = json_array() };
	const char *blank = strchr(argument, ' ');
	uint32_t from, to;
	uint64_t after;
	int r = blank && listing.list && b2b_conf_read_number(argument, (size_t)(blank - argument), &after) == 0 ? 0 : -EINVAL;

	if (r == 0)
		r = find_span(core, blank + 1, &from, &to);
	if (r < 0) {
		json_decref(listing.list);
		b2b_reply_refuse(client, r == -ENOENT ? B2B_USER_UNKNOWN : r == -EINVAL ? B2B_PROTOCOL : B2B_BUSY);
		return;
	}
	if (after >= from && after < UINT32_MAX)
		from = (uint32_t)after + 1;
	r = b2b_ledger_each(core->state, from, to, PAGE, list_entry, &listing);
	if (r < 0) {
		json_decref(listing.list);
		b2b_reply_refuse(client, B2B_BUSY);
		return;
	}
	b2b_reply_json(client, json_pack("{s:b,s:I,s:o}", "more", json_array_size(listing.list) == PAGE, "last", (json_int_t)listing.last, "ids",
	                                 listing.list));
}

/* ---- what somebody would get ---- */

struct question {
	const struct b2b_policy_org *org;
	struct b2b_pin pin; /* id 0: only what would be chosen */
};

/* "ALIAS KIND ID OWNER" in ARGUMENT, which is cut into pieces. */
static enum b2b_reason read_question(const struct b2b_core *core, char *argument, struct question *question)
{
	char *kind = strchr(argument, ' '), *id = kind ? strchr(kind + 1, ' ') : NULL, *owner = id ? strchr(id + 1, ' ') : NULL;
	uint64_t number;
	int org;

	if (!owner)
		return B2B_PROTOCOL;
	*kind++ = *id++ = *owner++ = '\0';
	org = b2b_policy_org_by_alias(core->policy, argument);
	if (org < 0)
		return B2B_ORG_UNKNOWN;
	question->org = &core->policy->orgs[org];
	question->pin = (struct b2b_pin){ .org_id = question->org->id, .owner = owner, .kind = b2b_id_kind_by_name(kind, strlen(kind)) };
	if (!question->pin.kind || !b2b_owner_valid(owner) || b2b_conf_read_number(id, strlen(id), &number) < 0 || number > UINT32_MAX)
		return B2B_PROTOCOL;
	question->pin.id = (uint32_t)number;
	return B2B_OK;
}

/* Who has ID, as in a list; null for nobody. */
static json_t *holder_json(struct b2b_core *core, uint32_t id)
{
	struct listing listing = { .policy = core->policy, .list = json_array() };
	json_t *entry;

	b2b_ledger_each(core->state, id, id, 1, list_entry, &listing);
	entry = json_incref(json_array_get(listing.list, 0));
	json_decref(listing.list);
	return entry ? entry : json_null();
}

/* May root pin this? NULL, or what stands against it. */
static const char *pin_trouble(struct b2b_core *core, const struct question *question, int *ret_error)
{
	const struct b2b_pin *pin = &question->pin, *other = b2b_idmap_by_id(core->conf->pins, pin->id);
	int r;

	if (pin->id <= question->org->range_lo || pin->id > question->org->range_hi)
		return "outside";
	if (other && (other->kind != pin->kind || strcmp(other->org_id, pin->org_id) != 0 || strcmp(other->owner, pin->owner) != 0))
		return "pinned-for-another";
	r = b2b_ledger_judge_pin(core->state, pin);
	if (r == -EEXIST)
		return "has-another";
	if (r == -EADDRINUSE)
		return "taken";
	*ret_error = r;
	return NULL;
}

static json_t *asked_json(const struct question *question)
{
	return json_pack("{s:s,s:s,s:[I,I],s:s,s:s}", "organisation", question->org->alias, "organisation_id", question->org->id, "range",
	                 (json_int_t)question->org->range_lo, (json_int_t)question->org->range_hi, "kind", b2b_id_kind_name(question->pin.kind),
	                 "owner", question->pin.owner);
}

/* Could the directory still say otherwise? */
static bool directory_first(const struct b2b_core *core, enum b2b_id_kind kind)
{
	const struct b2b_conf_federation *federation = &core->conf->federation;

	return kind == B2B_ID_USER ? federation->scim_uid_attribute != NULL : federation->scim_gid_attribute != NULL;
}

/* An id and who has it, under KEY and KEY_holder; 0 and null for none. */
static int set_id(struct b2b_core *core, json_t *json, const char *key, uint32_t id)
{
	char holder[32];

	snprintf(holder, sizeof(holder), "%s_holder", key);
	if (json_object_set_new(json, key, json_integer(id)) < 0)
		return -ENOMEM;
	return json_object_set_new(json, holder, id ? holder_json(core, id) : json_null()) < 0 ? -ENOMEM : 0;
}

/* The id that the owner has (*ret_known), or would get. */
static int look_up(struct b2b_core *core, const struct question *question, struct b2b_ledger_choice *choice, bool *ret_known)
{
	const struct b2b_pin *pin = &question->pin;
	int r = b2b_ledger_find(core->state, pin->org_id, pin->kind, pin->owner, &choice->id);

	*ret_known = r == 0;
	if (r == 0)
		return b2b_ledger_place(question->org, pin->kind, pin->owner, &choice->place);
	return r == -ENOENT ? b2b_ledger_choose(core->state, question->org, pin->kind, pin->owner, 0, choice) : r;
}

static json_t *question_json(struct b2b_core *core, const struct question *question)
{
	const struct b2b_pin *pinned = b2b_idmap_by_owner(core->conf->pins, question->pin.org_id, question->pin.kind, question->pin.owner);
	struct b2b_ledger_choice choice = { 0 };
	const char *against = NULL;
	json_t *json, *outcome;
	bool known = false;
	int r = look_up(core, question, &choice, &known);

	if (r == 0 && question->pin.id)
		against = pin_trouble(core, question, &r);
	if (r < 0)
		return NULL;
	json = asked_json(question);
	outcome = json_pack("{s:b,s:I,s:s?,s:s?,s:s?,s:b}", "known", known, "id", (json_int_t)choice.id, "chosen",
	                    known || !choice.id ? NULL : chooser_name(choice.by), "trouble", trouble_name(choice.trouble), "pin_trouble", against,
	                    "directory_first", directory_first(core, question->pin.kind));
	if (json_object_update(json, outcome) < 0 || set_id(core, json, "place", choice.place) < 0 ||
	    set_id(core, json, "pinned", pinned ? pinned->id : 0) < 0 || set_id(core, json, "asked", question->pin.id) < 0) {
		json_decref(json);
		json = NULL;
	}
	json_decref(outcome);
	return json;
}

static void preview(struct b2b_core *core, struct b2b_client *client, const char *argument)
{
	char copy[B2B_MESSAGE_SIZE];
	struct question question;
	enum b2b_reason reason;

	snprintf(copy, sizeof(copy), "%s", argument);
	reason = read_question(core, copy, &question);
	if (reason == B2B_OK)
		b2b_reply_json(client, question_json(core, &question));
	else
		b2b_reply_refuse(client, reason);
}

bool b2b_on_ask_ids(struct b2b_core *core, struct b2b_client *client, const struct b2b_ask_control *ask)
{
	if (strcmp(ask->verb, "ids") == 0)
		list(core, client, ask->argument);
	else if (strcmp(ask->verb, "id-preview") == 0)
		preview(core, client, ask->argument);
	else
		return false;
	return true;
}

json_t *b2b_ids_trouble_json(struct b2b_core *core)
{
	json_t *troubles = json_array();

	for (uint32_t i = 0; i < core->policy->n_orgs; i++) {
		const struct b2b_policy_org *org = &core->policy->orgs[i];
		enum b2b_ledger_trouble trouble = b2b_ledger_trouble(core->state, org);

		if (trouble)
			json_array_append_new(troubles, json_pack("{s:s,s:s}", "organisation", org->alias, "trouble", trouble_name(trouble)));
	}
	return troubles;
}
