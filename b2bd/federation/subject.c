#include "b2bd/federation/subject.h"

#include <string.h>

#include "b2bd/federation/claims.h"
#include "b2bd/json.h"

enum format { FORMAT_OTHER, FORMAT_ISS_SUB, FORMAT_OPAQUE, FORMAT_JWT_ID, FORMAT_ALIASES, FORMAT_COMPLEX };

static const char *identifier(const json_t *object, const char *name)
{
	const char *text = b2b_json_text(object, name);

	return text && *text && strlen(text) <= B2B_CLAIM_MAX ? text : NULL;
}

/* `subject_type` with hyphens is how drafts before RFC 9493 wrote it; events still come with it. */
static enum format format_of(const json_t *subject)
{
	static const struct {
		const char *name;
		enum format format;
	} formats[] = {
		{ "iss_sub", FORMAT_ISS_SUB }, { "iss-sub", FORMAT_ISS_SUB }, { "opaque", FORMAT_OPAQUE },   { "jwt_id", FORMAT_JWT_ID },
		{ "jwt-id", FORMAT_JWT_ID },   { "aliases", FORMAT_ALIASES }, { "complex", FORMAT_COMPLEX },
	};
	const char *name = b2b_json_text(subject, "format");
	size_t i;

	if (!name)
		name = b2b_json_text(subject, "subject_type");
	for (i = 0; name && i < sizeof(formats) / sizeof(*formats); i++) {
		if (strcmp(formats[i].name, name) == 0)
			return formats[i].format;
	}
	return FORMAT_OTHER;
}

/* MEMBER, where `iss` is ours: a subject of another issuer is somebody else, whatever its name. */
static const char *of_issuer(const json_t *subject, const char *issuer, const char *member)
{
	const char *iss = b2b_json_text(subject, "iss");

	return iss && strcmp(iss, issuer) == 0 ? identifier(subject, member) : NULL;
}

static const char *read_user(const json_t *subject, const char *issuer)
{
	enum format format = format_of(subject);
	const json_t *list, *one;
	size_t i;

	if (format == FORMAT_ISS_SUB)
		return of_issuer(subject, issuer, "sub");
	if (format == FORMAT_OPAQUE)
		return identifier(subject, "id");
	if (format != FORMAT_ALIASES)
		return NULL;
	/* several names of the same person (RFC 9493 3.2.8): the one that is an identity here */
	list = json_object_get(subject, "identifiers");
	json_array_foreach (list, i, one) {
		const char *user = format_of(one) == FORMAT_ISS_SUB ? of_issuer(one, issuer, "sub") : NULL;

		if (user)
			return user;
	}
	return NULL;
}

static const char *read_tenant(const json_t *subject)
{
	return format_of(subject) == FORMAT_OPAQUE ? identifier(subject, "id") : NULL;
}

static const char *read_session(const json_t *subject, const char *issuer)
{
	enum format format = format_of(subject);

	if (format == FORMAT_OPAQUE)
		return identifier(subject, "id");
	return format == FORMAT_JWT_ID ? of_issuer(subject, issuer, "jti") : NULL;
}

static bool understood(const char *member)
{
	return strcmp(member, "user") == 0 || strcmp(member, "tenant") == 0 || strcmp(member, "session") == 0;
}

static bool has_strange_critical(const json_t *subject, const char *const *critical)
{
	for (; critical && *critical; critical++) {
		if (!understood(*critical) && json_object_get(subject, *critical))
			return true;
	}
	return false;
}

/* Members that choose some of a tenant; without a user or session among them we would hit all of it. */
static bool narrows(const json_t *subject)
{
	return json_object_get(subject, "device") || json_object_get(subject, "application") || json_object_get(subject, "org_unit") ||
	       json_object_get(subject, "group");
}

static enum b2b_token_fault read_complex(const json_t *subject, const char *issuer, const char *const *critical, struct b2b_subject *ret)
{
	const json_t *user = json_object_get(subject, "user"), *tenant = json_object_get(subject, "tenant"),
		     *session = json_object_get(subject, "session");
	struct b2b_subject found = { 0 };

	if ((!user && !tenant && !session) || has_strange_critical(subject, critical))
		return B2B_TOKEN_SUBJECT;
	if ((user && !(found.user = read_user(user, issuer))) || (tenant && !(found.tenant = read_tenant(tenant))) ||
	    (session && !(found.session = read_session(session, issuer))))
		return B2B_TOKEN_SUBJECT;
	if (!user && !session && narrows(subject))
		return B2B_TOKEN_SUBJECT;
	*ret = found;
	return B2B_TOKEN_OK;
}

enum b2b_token_fault b2b_subject_read(const json_t *subject, const char *issuer, const char *const *critical, struct b2b_subject *ret)
{
	struct b2b_subject found = { 0 };
	enum format format = format_of(subject);
	bool formless = json_is_object(subject) && !json_object_get(subject, "format") && !json_object_get(subject, "subject_type");

	/* drafts before SSF 1.0 wrote complex subjects without a format */
	if (format == FORMAT_COMPLEX || formless)
		return read_complex(subject, issuer, critical, ret);
	if (format == FORMAT_JWT_ID)
		found.session = read_session(subject, issuer);
	else
		found.user = read_user(subject, issuer);
	if (!found.user && !found.session)
		return B2B_TOKEN_SUBJECT;
	*ret = found;
	return B2B_TOKEN_OK;
}
