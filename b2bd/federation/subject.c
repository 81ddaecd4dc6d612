#include "b2bd/federation/subject.h"

#include <string.h>

#include "b2bd/federation/claims.h"
#include "b2bd/json.h"

enum format {
	FORMAT_OTHER,
	FORMAT_ISS_SUB,
	FORMAT_OPAQUE,
	FORMAT_JWT_ID,
	FORMAT_SCIM,
	FORMAT_ACCOUNT, FORMAT_MAIL, FORMAT_PHONE, /* pass from one person to another */
	FORMAT_PLACE, /* a URI, of which a `sub` may consist */
	FORMAT_ALIASES,
	FORMAT_COMPLEX,
};

/* `subject_type` with hyphens is how drafts before RFC 9493 wrote it; events still come with it. MEMBER: what names. */
static const struct format_row {
	const char *name, *draft, *member;
	enum format format;
} formats[] = {
	{ "iss_sub", "iss-sub", "sub", FORMAT_ISS_SUB },
	{ "opaque", "opaque", "id", FORMAT_OPAQUE },
	{ "jwt_id", "jwt-id", "jti", FORMAT_JWT_ID },
	{ "scim", "scim", "uri", FORMAT_SCIM },
	{ "account", "account", "uri", FORMAT_ACCOUNT },
	{ "email", "email", "email", FORMAT_MAIL },
	{ "phone_number", "phone-number", "phone_number", FORMAT_PHONE },
	{ "did", "did", "url", FORMAT_PLACE },
	{ "uri", "uri", "uri", FORMAT_PLACE },
	{ "aliases", "aliases", NULL, FORMAT_ALIASES },
	{ "complex", "complex", NULL, FORMAT_COMPLEX },
};

static const struct format_row *row_of(const json_t *subject)
{
	static const struct format_row other = { .format = FORMAT_OTHER };
	const char *name = b2b_json_text(subject, "format"), *draft = name ? NULL : b2b_json_text(subject, "subject_type");
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		if ((name && strcmp(formats[i].name, name) == 0) ||
		    (draft && (strcmp(formats[i].draft, draft) == 0 || strcmp(formats[i].name, draft) == 0)))
			return &formats[i];
	}
	return &other;
}

/* What names the subject; NULL where it is missing, too long, or a subject of another issuer, who is somebody else whatever its name. */
static const char *name_of(const json_t *subject, const struct format_row *row, const char *issuer)
{
	const char *text = row->member ? b2b_json_text(subject, row->member) : NULL, *iss = b2b_json_text(subject, "iss");
	bool issued = row->format == FORMAT_ISS_SUB || row->format == FORMAT_JWT_ID;

	if (!text || !*text || strlen(text) > B2B_CLAIM_MAX)
		return NULL;
	return !issued || (iss && strcmp(iss, issuer) == 0) ? text : NULL;
}

/* The id in ".../TYPE/ID"; NULL for another type, or an id that is written in escapes. */
static const char *scim_id(const char *uri, const char *type)
{
	const char *id = strrchr(uri, '/');
	size_t len = strlen(type);

	if (!id || !id[1] || strpbrk(id, "%?#") || (size_t)(id - uri) < len + 1)
		return NULL;
	return id[-1 - (ptrdiff_t)len] == '/' && strncmp(id - len, type, len) == 0 ? id + 1 : NULL;
}

/* An id that is opaque, or a SCIM resource's of TYPE. */
static const char *read_id(const json_t *subject, const char *issuer, const char *type)
{
	const struct format_row *row = row_of(subject);
	const char *name = name_of(subject, row, issuer);

	if (name && row->format == FORMAT_SCIM)
		return scim_id(name, type);
	return row->format == FORMAT_OPAQUE ? name : NULL;
}

static bool agree(const char *known, const char *other)
{
	return !known || !other || strcmp(known, other) == 0;
}

static bool read_alias(enum b2b_alias_kind kind, const char *name, struct b2b_subject *found)
{
	b2b_alias_add(&found->aliases, kind, name);
	found->vague = true;
	return true;
}

/* False: it cannot be read as a person. */
static bool read_one(const json_t *subject, const char *issuer, struct b2b_subject *found)
{
	const struct format_row *row = row_of(subject);
	const char *name = name_of(subject, row, issuer);

	if (!name)
		return false;
	switch (row->format) {
	case FORMAT_ISS_SUB:
	case FORMAT_OPAQUE:
		found->user = name;
		return true;
	case FORMAT_SCIM:
		found->person_id = scim_id(name, "Users");
		return found->person_id;
	case FORMAT_PLACE:
		found->user = name;
		found->vague = true;
		return true;
	case FORMAT_ACCOUNT:
		return read_alias(B2B_ALIAS_ACCOUNT, name, found);
	case FORMAT_MAIL:
		return read_alias(B2B_ALIAS_MAIL, name, found);
	case FORMAT_PHONE:
		return read_alias(B2B_ALIAS_PHONE, name, found);
	default:
		return false;
	}
}

/* Several names of one person (RFC 9493 3.2.8): those that are exact count, where they agree, and the others where there are none. */
static bool read_aliases(const json_t *subject, const char *issuer, struct b2b_subject *found)
{
	const json_t *list = json_object_get(subject, "identifiers"), *one;
	struct b2b_subject exact = { 0 }, others = { .vague = true };
	bool any = false, quarrel = false;
	size_t i;

	json_array_foreach (list, i, one) {
		struct b2b_subject read = { .aliases = others.aliases };

		if (!read_one(one, issuer, &read))
			continue;
		any = true;
		others.aliases = read.aliases;
		if (read.vague)
			continue;
		quarrel = quarrel || !agree(exact.user, read.user) || !agree(exact.person_id, read.person_id);
		exact.user = read.user ? read.user : exact.user;
		exact.person_id = read.person_id ? read.person_id : exact.person_id;
	}
	if (!any)
		return false;
	if (quarrel)
		exact = (struct b2b_subject){ .vague = true };
	else if (!exact.user && !exact.person_id)
		exact = others;
	found->user = exact.user;
	found->person_id = exact.person_id;
	found->aliases = exact.aliases;
	found->vague = exact.vague;
	return true;
}

static bool read_person(const json_t *subject, const char *issuer, struct b2b_subject *found)
{
	return row_of(subject)->format == FORMAT_ALIASES ? read_aliases(subject, issuer, found) : read_one(subject, issuer, found);
}

static const char *read_session(const json_t *subject, const char *issuer)
{
	const struct format_row *row = row_of(subject);

	return row->format == FORMAT_OPAQUE || row->format == FORMAT_JWT_ID ? name_of(subject, row, issuer) : NULL;
}

/* What Keycloak calls the session where an administrator signs a person out of all of them. */
static bool names_every_session(const struct b2b_subject *found)
{
	return found->session && strcmp(found->session, "ALL") == 0 && (found->user || found->person_id || found->vague);
}

static bool understood(const char *member)
{
	static const char *const members[] = { "user", "tenant", "session", "group", "org_unit" };
	size_t i;

	for (i = 0; i < sizeof(members) / sizeof(*members); i++) {
		if (strcmp(members[i], member) == 0)
			return true;
	}
	return false;
}

static bool has_strange_critical(const json_t *subject, const char *const *critical)
{
	for (; critical && *critical; critical++) {
		if (!understood(*critical) && json_object_get(subject, *critical))
			return true;
	}
	return false;
}

/* What chooses some of a tenant: read, or we would hit all of it. */
static bool read_part(const json_t *subject, const char *issuer, struct b2b_subject *found)
{
	const json_t *group = json_object_get(subject, "group"), *org_unit = json_object_get(subject, "org_unit"),
		     *device = json_object_get(subject, "device");

	if (json_object_get(subject, "application"))
		return false;
	if (device) {
		found->device = true;
		return json_is_object(device) && !group && !org_unit;
	}
	if ((group && !(found->group = read_id(group, issuer, "Groups"))) ||
	    (org_unit && !(found->org_unit = read_id(org_unit, issuer, "Organizations"))))
		return false;
	if (group && org_unit) { /* who of the group is in the unit is not known here */
		found->group = found->org_unit = NULL;
		found->vague = true;
	}
	return found->tenant || group || org_unit;
}

static enum b2b_token_fault read_complex(const json_t *subject, const char *issuer, const char *const *critical, struct b2b_subject *ret)
{
	const json_t *user = json_object_get(subject, "user"), *tenant = json_object_get(subject, "tenant"),
		     *session = json_object_get(subject, "session");
	struct b2b_subject found = { 0 };

	if (has_strange_critical(subject, critical))
		return B2B_TOKEN_SUBJECT;
	if ((user && !read_person(user, issuer, &found)) || (tenant && !(found.tenant = read_id(tenant, issuer, "Organizations"))) ||
	    (session && !(found.session = read_session(session, issuer))))
		return B2B_TOKEN_SUBJECT;
	if (!user && !session && !read_part(subject, issuer, &found))
		return B2B_TOKEN_SUBJECT;
	if (names_every_session(&found))
		found.session = NULL;
	*ret = found;
	return B2B_TOKEN_OK;
}

static bool read_simple(const json_t *subject, const char *issuer, struct b2b_subject *found)
{
	const struct format_row *row = row_of(subject);
	const char *name = name_of(subject, row, issuer);

	if (row->format == FORMAT_JWT_ID)
		return (found->session = name);
	if (row->format != FORMAT_SCIM)
		return read_person(subject, issuer, found);
	if (!name)
		return false;
	found->person_id = scim_id(name, "Users");
	found->group = scim_id(name, "Groups");
	found->tenant = scim_id(name, "Organizations");
	return found->person_id || found->group || found->tenant;
}

enum b2b_token_fault b2b_subject_read(const json_t *subject, const char *issuer, const char *const *critical, struct b2b_subject *ret)
{
	struct b2b_subject found = { 0 };
	bool formless = json_is_object(subject) && !json_object_get(subject, "format") && !json_object_get(subject, "subject_type");

	/* drafts before SSF 1.0 wrote complex subjects without a format */
	if (row_of(subject)->format == FORMAT_COMPLEX || formless)
		return read_complex(subject, issuer, critical, ret);
	if (!read_simple(subject, issuer, &found))
		return B2B_TOKEN_SUBJECT;
	*ret = found;
	return B2B_TOKEN_OK;
}
