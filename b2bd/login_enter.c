/*
 * Where there is no directory (directory = token) the log-in itself brings the person: name, roles and groups stand in the token, and
 * the id that was kept for the name goes into the ledger before anybody is let in. Who then has another id than sshd was told (a pin, or
 * somebody known here under another name) is known from now on, and logs in once more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/scim_text.h"
#include "b2bd/federation/mapper.h"
#include "b2bd/login.h"
#include "b2bd/publish.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/snapshot.h"

/* Nobody yet, but with the id that sshd was told. */
static void gather_newcomer(struct b2b_core *core, const char *user, struct b2b_gathered *gathered)
{
	struct b2b_name name;

	if (b2b_name_split(user, core->policy->separator, &name) < 0)
		return;
	gathered->principal = (struct b2b_principal){ .kind = B2B_PERSON, .state = B2B_ACTIVE };
	gathered->principal.uid = b2b_reserved_uid(core->reservations, gathered->facts.org, name.local, b2b_now_ns());
	if (!gathered->principal.uid)
		return;
	memcpy(gathered->principal.local, name.local, sizeof(gathered->principal.local));
	gathered->facts.principal = &gathered->principal;
}

/* PRINCIPAL is closed by nothing but token_keep: that is what a new proof opens. True: it was. */
static bool pardon_absence(struct b2b_principal *principal, int64_t now_s)
{
	bool absent = principal->not_after && principal->not_after <= now_s;

	if (absent)
		principal->not_after = 0;
	return absent;
}

/* Who was removed may come back, or somebody else by that name: whose it is, the proof says. */
static bool pardon_removal(struct b2b_principal *principal)
{
	char *const texts[] = { principal->id, principal->subject, principal->org_id, principal->display, principal->shell };

	if (principal->state != B2B_REMOVED || principal->by_hand || principal->disabled_ms)
		return false;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		free(texts[i]);
	principal->id = principal->subject = principal->org_id = principal->display = principal->shell = NULL;
	principal->state = B2B_ACTIVE;
	principal->kind = B2B_PERSON;
	principal->not_before = principal->not_after = 0;
	principal->roles = 0;
	return true;
}

void b2b_login_hold(struct b2b_login *login, int org)
{
	struct b2b_core *core = login->core;
	struct b2b_name name;

	if (core->reservations && org >= 0 && b2b_name_split(login->origin.user, core->policy->separator, &name) == 0)
		login->hold = b2b_reservation_hold(core->reservations, org, name.local, b2b_now_ns());
}

void b2b_login_gather(struct b2b_core *core, const struct b2b_origin *origin, struct b2b_gathered *ret)
{
	b2b_gather(core, origin->user, origin->service, ret);
	if (!core->reservations || ret->facts.org < 0)
		return;
	if (!ret->facts.principal)
		gather_newcomer(core, origin->user, ret);
	else if (pardon_removal(&ret->principal) || pardon_absence(&ret->principal, ret->facts.now_s))
		ret->facts.words_open = ret->org_open;
}

/* An eighth more than asked for, so that not every log-in writes. */
static int64_t keep_until(int64_t until, int64_t now_s, uint32_t keep_s)
{
	return until >= now_s + keep_s ? until : now_s + keep_s + keep_s / 8;
}

static uint64_t role_bits(const struct b2b_policy *policy, const json_t *words)
{
	uint64_t bits = 0;
	const json_t *word;
	size_t i;

	json_array_foreach(words, i, word) {
		int role = b2b_policy_role(policy, json_string_value(word));

		if (role >= 0)
			bits |= 1ull << role;
	}
	return bits;
}

/* *ret_words: NULL where PATH is. */
static enum b2b_reason words_at(const struct b2b_login *login, int org, const struct b2b_id_token *token, const char *path, json_t **ret_words)
{
	enum b2b_token_fault fault = B2B_TOKEN_OK;

	*ret_words = NULL;
	if (path)
		fault = b2b_mapper_words(token->claims, login->core->conf->federation.organisation_claim, login->core->policy->orgs[org].id, path,
		                         ret_words);
	if (fault == B2B_TOKEN_OK)
		return B2B_OK;
	b2b_log(LOG_WARNING, "event=token-unusable user=%s claim=%s fault=\"%s\"", login->origin.user, path, b2b_token_fault_text(fault));
	return B2B_AUTH_TOKEN;
}

/* Of a copy: what events and root's word say, not absence or an earlier removal. */
static enum b2b_reason pardoned_standing(struct b2b_principal copy, int64_t now_s)
{
	pardon_absence(&copy, now_s);
	if (copy.state == B2B_REMOVED)
		copy.state = B2B_ACTIVE;
	return (enum b2b_reason)b2b_principal_standing(&copy, now_s);
}

/*
 * Who of this host the subject is already, if it is not the one of that name: B2B_OK fills *ret_other (caller clears) or leaves it
 * empty. One subject is one person here, and in one organisation: who has moved is not in the token's former one any more.
 */
static enum b2b_reason find_other(const struct b2b_core *core, const struct b2b_gathered *gathered, const struct b2b_id_token *token,
                                  struct b2b_principal *ret_other)
{
	struct b2b_principal other;
	enum b2b_reason reason;
	const char *org_id = core->policy->orgs[gathered->facts.org].id;
	int r = gathered->principal.subject ? -ENOENT : b2b_directory_by_subject(core->state, token->subject, &other);

	memset(ret_other, 0, sizeof(*ret_other));
	if (r == -ENOENT)
		return B2B_OK;
	if (r < 0)
		return B2B_INTERNAL;
	if (other.state != B2B_REMOVED && strcmp(other.org_id, org_id) != 0 &&
	    b2b_mapper_in_organisation(token->claims, core->conf->federation.organisation_claim, other.org_id) == B2B_TOKEN_OK) {
		b2b_principal_clear(&other);
		return B2B_AUTH_WRONG_ORG;
	}
	reason = pardoned_standing(other, gathered->facts.now_s);
	if (reason == B2B_OK)
		*ret_other = other;
	else
		b2b_principal_clear(&other);
	return reason;
}

struct entry {
	struct b2b_principal person; /* strings are others' */
	char display[B2B_GECOS_SIZE];
	json_t *groups; /* NULL: no groups_claim */
};

static void describe(struct b2b_core *core, const struct b2b_gathered *gathered, const struct b2b_principal *known,
                     const struct b2b_id_token *token, const json_t *roles, struct entry *entry)
{
	const char *name = json_string_value(json_object_get(token->claims, "name"));
	struct b2b_principal *person = &entry->person;

	b2b_scim_display(name ? name : "", entry->display, sizeof(entry->display));
	person->id = known->id ? known->id : token->subject;
	person->subject = token->subject;
	person->org_id = core->policy->orgs[gathered->facts.org].id;
	memcpy(person->local, gathered->principal.local, sizeof(person->local));
	person->display = entry->display;
	person->shell = known->shell;
	person->kind = known->kind;
	person->state = B2B_ACTIVE;
	/* what a closing or an opening left stays: a log-in is no word of the service about that, so it lifts nothing */
	person->modified_ms = 0;
	person->not_after = keep_until(known->not_after, gathered->facts.now_s, core->conf->federation.token_keep_s);
	person->roles = role_bits(core->policy, roles);
	person->wanted_uid = b2b_reserved_uid(core->reservations, gathered->facts.org, person->local, b2b_now_ns());
}

static int store_groups(struct b2b_core *core, const struct entry *entry, uint32_t uid, bool *ret_changed)
{
	const char *names[B2B_WORDS_MAX];
	const json_t *word;
	size_t i, n = 0;

	json_array_foreach(entry->groups, i, word) {
		if (n < B2B_WORDS_MAX)
			names[n++] = json_string_value(word);
	}
	return b2b_directory_put_memberships(core->state, core->policy, entry->person.org_id, uid, names, n, ret_changed);
}

static int store_rows(struct b2b_core *core, const struct entry *entry, bool *ret_changed)
{
	struct b2b_principal stored;
	bool joined = false;
	int r = b2b_directory_put_principal(core->state, core->policy, &entry->person, 0, ret_changed);

	if (r < 0 || !entry->groups)
		return r;
	r = b2b_directory_by_name(core->state, entry->person.org_id, entry->person.local, &stored);
	if (r < 0)
		return r;
	r = store_groups(core, entry, stored.uid, &joined);
	b2b_principal_clear(&stored);
	*ret_changed = *ret_changed || joined;
	return r;
}

static int store(struct b2b_core *core, const struct entry *entry, bool *ret_changed)
{
	int r = b2b_state_begin(core->state);

	if (r < 0)
		return r;
	r = store_rows(core, entry, ret_changed);
	if (r == 0)
		return b2b_state_commit(core->state);
	b2b_state_rollback(core->state);
	return r;
}

static enum b2b_reason store_reason(const struct b2b_login *login, int r)
{
	if (r == 0)
		return B2B_OK;
	b2b_log(LOG_ERR, "event=newcomer-not-stored user=%s error=\"%s\"", login->origin.user,
	        r == -EEXIST   ? "its name or subject is somebody else's"
	        : r == -EDQUOT ? "there is no id for it"
	                       : strerror(-r));
	return r == -EEXIST ? B2B_AUTH_WRONG_PERSON : B2B_INTERNAL;
}

/* Everything is where NSS and account look; sshd was told login->uid. */
static void published(void *arg, int error)
{
	struct b2b_login *login = arg;
	struct b2b_gathered gathered;
	enum b2b_reason reason = B2B_INTERNAL;
	int org;

	b2b_gather(login->core, login->origin.user, login->origin.service, &gathered);
	org = gathered.facts.org;
	if (error == 0 && gathered.facts.principal)
		reason = gathered.principal.uid == login->uid ? b2b_login_admit(login, &gathered) : B2B_AUTH_AGAIN;
	b2b_gathered_clear(&gathered);
	if (reason != B2B_OK)
		b2b_login_drop_proof(login);
	b2b_login_decide(login, org, reason, "");
}

static int publish_former(void *arg, const char *org_id)
{
	struct b2b_core *core = arg;
	int org = b2b_policy_org_by_id(core->policy, org_id);

	if (org >= 0) {
		b2b_reconcile(core, org);
		b2b_publish_org(core->publish, org, NULL, NULL);
	}
	return 0;
}

static void publish(struct b2b_login *login, const struct entry *entry, int org)
{
	struct b2b_core *core = login->core;

	b2b_reservation_drop(core->reservations, org, entry->person.local);
	b2b_directory_each_former(core->state, entry->person.id, publish_former, core);
	b2b_reconcile(core, org);
	b2b_publish_org(core->publish, org, published, login);
}

static enum b2b_reason enter(struct b2b_login *login, const struct b2b_gathered *gathered, const struct b2b_principal *known,
                             const struct b2b_id_token *token, const json_t *roles, json_t *groups)
{
	struct entry entry = { .groups = groups };
	bool changed = false;
	enum b2b_reason reason;

	describe(login->core, gathered, known, token, roles, &entry);
	reason = store_reason(login, store(login->core, &entry, &changed));
	if (reason != B2B_OK || !changed)
		return reason;
	publish(login, &entry, gathered->facts.org);
	return B2B_AUTH_PENDING;
}

enum b2b_reason b2b_login_enter(struct b2b_login *login, const struct b2b_gathered *gathered, const struct b2b_id_token *token)
{
	const struct b2b_conf_federation *conf = &login->core->conf->federation;
	struct b2b_principal other = { 0 };
	json_t *roles = NULL, *groups = NULL;
	int org = gathered->facts.org;
	enum b2b_reason reason;

	if (!login->core->reservations)
		return B2B_OK;
	reason = find_other(login->core, gathered, token, &other);
	if (reason == B2B_OK)
		reason = words_at(login, org, token, conf->roles_claim, &roles);
	if (reason == B2B_OK)
		reason = words_at(login, org, token, conf->groups_claim, &groups);
	if (reason == B2B_OK)
		reason = enter(login, gathered, other.id ? &other : &gathered->principal, token, roles, groups);
	json_decref(roles);
	json_decref(groups);
	b2b_principal_clear(&other);
	return reason;
}
