/* Security event tokens: what they mean, about whom, and each that must not be acted on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "b2bd/federation/token.h"
#include "tests/support/signer.h"

#define NOW 1790000020
#define ISSUER "https://fed.example"
#define CAEP "https://schemas.openid.net/secevent/caep/event-type/"
#define RISC "https://schemas.openid.net/secevent/risc/event-type/"
#define SCIM "urn:ietf:params:scim:event:"
#define SSF "https://schemas.openid.net/secevent/ssf/event-type/"
#define SSE "https://schemas.openid.net/secevent/sse/event-type/"

#define ALICE "{\"format\":\"iss_sub\",\"iss\":\"" ISSUER "\",\"sub\":\"alice-1\"}"
#define TENANT "{\"format\":\"opaque\",\"id\":\"org-7\"}"

static EVP_PKEY *key;
static struct b2b_jwks *jwks;
static struct b2b_token_expect expect;

static int set_up(void **state)
{
	json_t *set;
	char *text;

	(void)state;
	key = signer_key("EdDSA");
	set = json_pack("{s:[o]}", "keys", signer_jwk(key, "k1", "EdDSA", "sig"));
	text = json_dumps(set, 0);
	b2b_jwks_parse(text, strlen(text), &jwks);
	free(text);
	json_decref(set);
	expect = (struct b2b_token_expect){ .issuer = ISSUER, .audience = "host-web7", .now = NOW, .skew_s = 60 };
	return jwks ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	b2b_jwks_free(jwks);
	EVP_PKEY_free(key);
	return 0;
}

/* A SET with SUBJECT (JSON text; NULL: no sub_id), event URI and its BODY. */
static json_t *make(const char *subject, const char *uri, const char *body)
{
	json_t *claims = json_pack("{s:s,s:s,s:i,s:s,s:{s:o}}", "iss", ISSUER, "jti", "0a3", "iat", NOW - 10, "aud", "host-web7", "events", uri,
	                           json_loads(body, 0, NULL));

	if (subject)
		json_object_set_new(claims, "sub_id", json_loads(subject, 0, NULL));
	return claims;
}

static enum b2b_token_fault verify_typ(const json_t *claims, const char *typ, struct b2b_event *ret)
{
	char *jwt = signer_token(key, "EdDSA", "k1", typ, claims);
	enum b2b_token_fault fault = b2b_set_verify(jwt, strlen(jwt), jwks, &expect, ret);

	free(jwt);
	return fault;
}

/* Takes CLAIMS. */
static enum b2b_token_fault verify(json_t *claims, struct b2b_event *ret)
{
	enum b2b_token_fault fault = verify_typ(claims, "secevent+jwt", ret);

	json_decref(claims);
	return fault;
}

/* The example of the profile: a whole organisation. */
static void whole_organisation_is_a_tenant_alone(void **state)
{
	struct b2b_event event;

	(void)state;
	assert_int_equal(verify(make("{\"format\":\"complex\",\"tenant\":" TENANT "}", CAEP "session-revoked",
	                             "{\"initiating_entity\":\"admin\",\"event_timestamp\":1790000009,\"reason_admin\":{\"en\":\"Partner suspended\"}}"),
	                        &event), B2B_TOKEN_OK);
	assert_int_equal(event.kind, B2B_EVENT_SESSION_REVOKED);
	assert_string_equal(event.jti, "0a3");
	assert_string_equal(event.tenant, "org-7");
	assert_null(event.subject);
	assert_null(event.session);
	assert_int_equal(event.time_ms, 1790000009000);
	assert_string_equal(event.reason, "Partner suspended");
	b2b_event_clear(&event);
	assert_null(event.jti);
}

static void kinds_are_told_by_their_whole_name(void **state)
{
	static const struct {
		const char *uri;
		enum b2b_event_kind kind;
	} rows[] = {
		{ CAEP "session-revoked", B2B_EVENT_SESSION_REVOKED },
		{ RISC "sessions-revoked", B2B_EVENT_SESSION_REVOKED },
		{ RISC "account-disabled", B2B_EVENT_ACCOUNT_DISABLED },
		{ RISC "account-enabled", B2B_EVENT_ACCOUNT_ENABLED },
		{ RISC "account-purged", B2B_EVENT_ACCOUNT_PURGED },
		{ SSF "verification", B2B_EVENT_VERIFICATION },
		{ SSF "stream-updated", B2B_EVENT_STREAM_UPDATED },
		{ SSE "verification", B2B_EVENT_VERIFICATION },
		{ SSE "stream-updated", B2B_EVENT_STREAM_UPDATED },
		{ RISC "credential-compromise", B2B_EVENT_SESSION_REVOKED },
		{ CAEP "token-claims-change", B2B_EVENT_REREAD },
		{ CAEP "session-established", B2B_EVENT_OTHER },
		{ CAEP "session-presented", B2B_EVENT_OTHER },
		{ RISC "account-credential-change-required", B2B_EVENT_REAUTHENTICATE },
		{ RISC "recovery-activated", B2B_EVENT_REAUTHENTICATE },
		{ RISC "recovery-information-changed", B2B_EVENT_OTHER },
		{ RISC "identifier-changed", B2B_EVENT_REREAD },
		{ RISC "identifier-recycled", B2B_EVENT_REREAD },
		{ RISC "opt-in", B2B_EVENT_OTHER },
		{ RISC "opt-out-initiated", B2B_EVENT_OTHER },
		{ RISC "opt-out-cancelled", B2B_EVENT_OTHER },
		{ RISC "opt-out-effective", B2B_EVENT_REREAD },
		{ SCIM "prov:deactivate", B2B_EVENT_ACCOUNT_DISABLED },
		{ SCIM "prov:delete", B2B_EVENT_ACCOUNT_PURGED },
		{ SCIM "prov:activate", B2B_EVENT_ACCOUNT_ENABLED },
		{ SCIM "prov:create:full", B2B_EVENT_REREAD },
		{ SCIM "prov:create:notice", B2B_EVENT_REREAD },
		{ SCIM "prov:put:full", B2B_EVENT_REREAD },
		{ SCIM "prov:put:notice", B2B_EVENT_REREAD },
		{ SCIM "prov:patch:full", B2B_EVENT_REREAD },
		{ SCIM "prov:patch:notice", B2B_EVENT_REREAD },
		{ SCIM "feed:add", B2B_EVENT_REREAD },
		{ SCIM "feed:remove", B2B_EVENT_REREAD },
		{ SCIM "misc:asyncresp", B2B_EVENT_OTHER },
		{ SCIM "prov:patch:future", B2B_EVENT_OTHER },
		{ CAEP "session-revoked2", B2B_EVENT_OTHER },
		{ RISC "session-revoked", B2B_EVENT_OTHER },
		{ "session-revoked", B2B_EVENT_OTHER },
	};
	struct b2b_event event;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(verify(make(ALICE, rows[i].uri, "{}"), &event), B2B_TOKEN_OK);
		if (event.kind != rows[i].kind)
			fail_msg("%s is %d", rows[i].uri, event.kind);
		b2b_event_clear(&event);
	}
}

/* What it says of itself decides; what is missing or not known counts as bad news. */
static void some_kinds_are_told_by_what_they_say(void **state)
{
	static const struct {
		const char *uri, *body;
		enum b2b_event_kind kind;
	} rows[] = {
		{ CAEP "credential-change", "{\"change_type\":\"create\"}", B2B_EVENT_OTHER },
		{ CAEP "credential-change", "{\"change_type\":\"revoke\"}", B2B_EVENT_REAUTHENTICATE },
		{ CAEP "credential-change", "{\"change_type\":7}", B2B_EVENT_REAUTHENTICATE },
		{ CAEP "assurance-level-change", "{\"change_direction\":\"increase\"}", B2B_EVENT_OTHER },
		{ CAEP "assurance-level-change", "{\"change_direction\":\"decrease\"}", B2B_EVENT_REAUTHENTICATE },
		{ CAEP "device-compliance-change", "{\"current_status\":\"compliant\"}", B2B_EVENT_OTHER },
		{ CAEP "device-compliance-change", "{\"current_status\":\"not-compliant\"}", B2B_EVENT_REAUTHENTICATE },
		{ CAEP "risk-level-change", "{\"current_level\":\"low\"}", B2B_EVENT_OTHER },
		{ CAEP "risk-level-change", "{\"current_level\":\"HIGH\"}", B2B_EVENT_REAUTHENTICATE },
		{ CAEP "risk-level-change", "{}", B2B_EVENT_REAUTHENTICATE },
	};
	struct b2b_event event;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(verify(make(ALICE, rows[i].uri, rows[i].body), &event), B2B_TOKEN_OK);
		if (event.kind != rows[i].kind)
			fail_msg("%s %s is %d", rows[i].uri, rows[i].body, event.kind);
		b2b_event_clear(&event);
	}
}

static void control_events_carry_their_state(void **state)
{
	struct b2b_event event;

	(void)state;
	assert_int_equal(verify(make("{\"format\":\"opaque\",\"id\":\"stream-1\"}", SSF "verification", "{\"state\":\"s-1\"}"), &event), B2B_TOKEN_OK);
	assert_string_equal(event.state, "s-1");
	assert_null(event.subject); /* the stream is no person */
	assert_null(event.tenant);
	b2b_event_clear(&event);
	assert_int_equal(verify(make(NULL, SSF "stream-updated", "{\"status\":\"paused\",\"reason\":\"x\"}"), &event), B2B_TOKEN_OK);
	assert_string_equal(event.state, "paused");
	b2b_event_clear(&event);
	assert_int_equal(verify(make(NULL, SSF "verification", "{}"), &event), B2B_TOKEN_OK);
	assert_null(event.state);
	b2b_event_clear(&event);
}

struct subject_row {
	const char *subject;
	const char *user, *tenant, *session; /* all NULL: refused as B2B_TOKEN_SUBJECT */
};

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void expect_subject(const struct subject_row *row, const char *uri)
{
	bool refused = !row->user && !row->tenant && !row->session;
	struct b2b_event event = { 0 };
	enum b2b_token_fault fault = verify(make(row->subject, uri, "{}"), &event);

	if (fault != (refused ? B2B_TOKEN_SUBJECT : B2B_TOKEN_OK))
		fail_msg("%s: %s", row->subject, b2b_token_fault_text(fault));
	if (!same(event.subject, row->user) || !same(event.tenant, row->tenant) || !same(event.session, row->session))
		fail_msg("%s: user %s, tenant %s, session %s", row->subject, event.subject, event.tenant, event.session);
	b2b_event_clear(&event);
}

#define COMPLEX(members) "{\"format\":\"complex\"," members "}"

static void subjects_are_understood_or_refused(void **state)
{
	static const struct subject_row rows[] = {
		{ ALICE, "alice-1", NULL, NULL },
		{ "{\"format\":\"opaque\",\"id\":\"alice-1\"}", "alice-1", NULL, NULL },
		{ "{\"subject_type\":\"iss-sub\",\"iss\":\"" ISSUER "\",\"sub\":\"alice-1\"}", "alice-1", NULL, NULL },
		{ "{\"format\":\"aliases\",\"identifiers\":[{\"format\":\"email\",\"email\":\"a@b\"}," ALICE "]}", "alice-1", NULL, NULL },
		{ "{\"format\":\"jwt_id\",\"iss\":\"" ISSUER "\",\"jti\":\"j-9\"}", NULL, NULL, "j-9" },
		{ COMPLEX("\"user\":" ALICE ",\"tenant\":" TENANT), "alice-1", "org-7", NULL },
		{ COMPLEX("\"user\":" ALICE), "alice-1", NULL, NULL },
		{ COMPLEX("\"tenant\":" TENANT), NULL, "org-7", NULL },
		{ COMPLEX("\"session\":{\"format\":\"opaque\",\"id\":\"s-1\"},\"user\":" ALICE), "alice-1", NULL, "s-1" },
		{ COMPLEX("\"session\":{\"format\":\"opaque\",\"id\":\"s-1\"}"), NULL, NULL, "s-1" },
		{ COMPLEX("\"session\":{\"format\":\"opaque\",\"id\":\"s-1\"},\"tenant\":" TENANT), NULL, "org-7", "s-1" },
		/* Keycloak's name for every session of a person; of nobody it is a name like any other */
		{ COMPLEX("\"session\":{\"format\":\"opaque\",\"id\":\"ALL\"},\"user\":" ALICE), "alice-1", NULL, NULL },
		{ COMPLEX("\"session\":{\"format\":\"opaque\",\"id\":\"ALL\"},\"user\":" ALICE ",\"tenant\":" TENANT), "alice-1", "org-7", NULL },
		{ COMPLEX("\"session\":{\"format\":\"opaque\",\"id\":\"ALL\"},\"tenant\":" TENANT), NULL, "org-7", "ALL" },
		{ COMPLEX("\"session\":{\"format\":\"opaque\",\"id\":\"all\"},\"user\":" ALICE), "alice-1", NULL, "all" },
		{ COMPLEX("\"user\":" ALICE ",\"device\":{\"format\":\"opaque\",\"id\":\"d\"}"), "alice-1", NULL, NULL },
		{ COMPLEX("\"tenant\":" TENANT ",\"weather\":{\"format\":\"opaque\",\"id\":\"d\"}"), NULL, "org-7", NULL },
		{ "{\"user\":" ALICE ",\"tenant\":" TENANT "}", "alice-1", "org-7", NULL },
		/* of another issuer */
		{ "{\"format\":\"iss_sub\",\"iss\":\"https://evil.example\",\"sub\":\"alice-1\"}", NULL, NULL, NULL },
		{ "{\"format\":\"iss_sub\",\"iss\":\"" ISSUER "/\",\"sub\":\"alice-1\"}", NULL, NULL, NULL },
		{ "{\"format\":\"jwt_id\",\"iss\":\"https://evil.example\",\"jti\":\"j\"}", NULL, NULL, NULL },
		/* nothing that is an identity here */
		{ "{\"format\":\"aliases\",\"identifiers\":7}", NULL, NULL, NULL },
		{ "{\"format\":\"iss_sub\",\"iss\":\"" ISSUER "\"}", NULL, NULL, NULL },
		{ "{\"format\":\"iss_sub\",\"iss\":\"" ISSUER "\",\"sub\":\"\"}", NULL, NULL, NULL },
		{ "{\"format\":\"iss_sub\",\"iss\":\"" ISSUER "\",\"sub\":7}", NULL, NULL, NULL },
		{ "{\"format\":\"opaque\"}", NULL, NULL, NULL },
		{ "{\"format\":\"future\",\"id\":\"x\"}", NULL, NULL, NULL },
		{ "{\"format\":7}", NULL, NULL, NULL },
		/* what would match everybody, or all of an organisation */
		{ "{}", NULL, NULL, NULL },
		{ "{\"format\":\"complex\"}", NULL, NULL, NULL },
		{ COMPLEX("\"planet\":{\"format\":\"opaque\",\"id\":\"d\"}"), NULL, NULL, NULL },
		{ COMPLEX("\"tenant\":" TENANT ",\"user\":null"), NULL, NULL, NULL },
		{ COMPLEX("\"tenant\":" TENANT ",\"session\":{\"format\":\"future\"}"), NULL, NULL, NULL },
		{ COMPLEX("\"tenant\":" TENANT ",\"application\":{\"format\":\"opaque\",\"id\":\"g\"}"), NULL, NULL, NULL },
		{ COMPLEX("\"tenant\":{\"format\":\"email\",\"email\":\"a@b\"}"), NULL, NULL, NULL },
		{ COMPLEX("\"user\":" ALICE ",\"tenant\":\"org-7\""), NULL, NULL, NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		expect_subject(&rows[i], CAEP "session-revoked");
}

struct full_row {
	const char *subject;
	const char *user, *person_id, *tenant, *org_unit, *group;
	bool vague;
	size_t aliases;
};

/* Names that pass from one person to another are never taken for one; what is exact is. */
static void other_subjects_are_exact_or_vague(void **state)
{
	static const struct full_row rows[] = {
		{ .subject = "{\"format\":\"email\",\"email\":\"alice@acme.example\"}", .vague = true, .aliases = 1 },
		{ .subject = "{\"format\":\"account\",\"uri\":\"acct:alice@acme.example\"}", .vague = true, .aliases = 1 },
		{ .subject = "{\"format\":\"phone_number\",\"phone_number\":\"+12065550100\"}", .vague = true, .aliases = 1 },
		{ .subject = "{\"format\":\"email\",\"email\":\"alice\"}", .vague = true },
		{ .subject = "{\"format\":\"did\",\"url\":\"did:example:123\"}", .user = "did:example:123", .vague = true },
		{ .subject = "{\"format\":\"uri\",\"uri\":\"urn:uuid:4e85\"}", .user = "urn:uuid:4e85", .vague = true },
		{ .subject = "{\"format\":\"scim\",\"uri\":\"/Users/44f6\"}", .person_id = "44f6" },
		{ .subject = "{\"format\":\"scim\",\"uri\":\"https://fed.example/scim/v2/Users/44f6\"}", .person_id = "44f6" },
		{ .subject = "{\"format\":\"scim\",\"uri\":\"/Groups/g-1\"}", .group = "g-1" },
		{ .subject = "{\"format\":\"scim\",\"uri\":\"/Organizations/org-7\"}", .tenant = "org-7" },
		{ .subject = "{\"format\":\"aliases\",\"identifiers\":[{\"format\":\"email\",\"email\":\"a@b\"}]}", .vague = true, .aliases = 1 },
		{ .subject = "{\"format\":\"aliases\",\"identifiers\":[{\"format\":\"email\",\"email\":\"a@b\"},{\"format\":\"phone_number\",\"phone_number\":\"+12065550100\"},"
		             "{\"format\":\"did\",\"url\":\"did:example:1\"}]}", .vague = true, .aliases = 2 },
		{ .subject = "{\"format\":\"aliases\",\"identifiers\":[{\"format\":\"email\",\"email\":\"a@b\"}," ALICE "]}", .user = "alice-1" },
		{ .subject = "{\"format\":\"aliases\",\"identifiers\":[" ALICE ",{\"format\":\"scim\",\"uri\":\"/Users/44f6\"}]}", .user = "alice-1", .person_id = "44f6" },
		{ .subject = "{\"format\":\"aliases\",\"identifiers\":[" ALICE ",{\"format\":\"opaque\",\"id\":\"bob\"}]}", .vague = true },
		{ .subject = COMPLEX("\"tenant\":" TENANT ",\"user\":{\"format\":\"email\",\"email\":\"a@b\"}"), .tenant = "org-7", .vague = true, .aliases = 1 },
		{ .subject = COMPLEX("\"tenant\":" TENANT ",\"group\":{\"format\":\"opaque\",\"id\":\"g-1\"}"), .tenant = "org-7", .group = "g-1" },
		{ .subject = COMPLEX("\"group\":{\"format\":\"scim\",\"uri\":\"/Groups/g-1\"}"), .group = "g-1" },
		{ .subject = COMPLEX("\"tenant\":" TENANT ",\"org_unit\":{\"format\":\"opaque\",\"id\":\"org-8\"}"), .tenant = "org-7", .org_unit = "org-8" },
		{ .subject = COMPLEX("\"tenant\":" TENANT ",\"org_unit\":{\"format\":\"opaque\",\"id\":\"org-8\"},\"group\":{\"format\":\"opaque\",\"id\":\"g\"}"), .tenant = "org-7", .vague = true },
		{ .subject = COMPLEX("\"user\":" ALICE ",\"group\":{\"format\":\"opaque\",\"id\":\"g-1\"}"), .user = "alice-1" },
		/* refused: neither a name nor a resource that is one */
		{ .subject = "{\"format\":\"email\"}" },
		{ .subject = "{\"format\":\"scim\",\"uri\":\"/Devices/1\"}" },
		{ .subject = "{\"format\":\"scim\",\"uri\":\"/OtherUsers/1\"}" },
		{ .subject = "{\"format\":\"scim\",\"uri\":\"Users/1\"}" },
		{ .subject = "{\"format\":\"scim\",\"uri\":\"/Users/\"}" },
		{ .subject = "{\"format\":\"scim\",\"uri\":\"/Users/a%2fb\"}" },
		{ .subject = COMPLEX("\"user\":{\"format\":\"scim\",\"uri\":\"/Groups/g-1\"}") },
		{ .subject = COMPLEX("\"tenant\":" TENANT ",\"group\":{\"format\":\"scim\",\"uri\":\"/Users/g-1\"}") },
		{ .subject = COMPLEX("\"tenant\":" TENANT ",\"group\":null") },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct full_row *row = &rows[i];
		bool refused = !row->user && !row->person_id && !row->tenant && !row->group && !row->vague;
		struct b2b_event event = { 0 };
		enum b2b_token_fault fault = verify(make(row->subject, RISC "account-disabled", "{}"), &event);

		if (fault != (refused ? B2B_TOKEN_SUBJECT : B2B_TOKEN_OK))
			fail_msg("%s: %s", row->subject, b2b_token_fault_text(fault));
		if (!same(event.subject, row->user) || !same(event.person_id, row->person_id) || !same(event.tenant, row->tenant) ||
		    !same(event.org_unit, row->org_unit) || !same(event.group, row->group) || event.vague != row->vague || event.aliases.n != row->aliases)
			fail_msg("%s: read as %s %s %s %s %s %d", row->subject, event.subject, event.person_id, event.tenant, event.org_unit, event.group, event.vague);
		b2b_event_clear(&event);
	}
}

/* An account is not a session: the session of an account event is left out, and one without a person is refused. */
static void account_events_are_about_accounts(void **state)
{
	static const struct subject_row rows[] = {
		{ COMPLEX("\"session\":{\"format\":\"opaque\",\"id\":\"s-1\"},\"user\":" ALICE), "alice-1", NULL, NULL },
		{ COMPLEX("\"session\":{\"format\":\"opaque\",\"id\":\"s-1\"},\"tenant\":" TENANT), NULL, NULL, NULL },
		{ COMPLEX("\"session\":{\"format\":\"opaque\",\"id\":\"s-1\"}"), NULL, NULL, NULL },
		{ COMPLEX("\"tenant\":" TENANT), NULL, "org-7", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		expect_subject(&rows[i], RISC "account-disabled");
		expect_subject(&rows[i], RISC "account-enabled");
		expect_subject(&rows[i], RISC "account-purged");
	}
}

/* As CAEP 1.0's own examples have them. */
static void subjects_of_caep_s_examples_are_understood(void **state)
{
	static const char device[] = COMPLEX("\"device\":{\"format\":\"iss_sub\",\"iss\":\"" ISSUER "\",\"sub\":\"e9297990\"},\"tenant\":" TENANT),
	                  alone[] = COMPLEX("\"device\":{\"format\":\"opaque\",\"id\":\"d\"}"),
	                  token[] = "{\"format\":\"jwt_id\",\"iss\":\"" ISSUER "\",\"jti\":\"j-9\"}",
	                  of_user[] = COMPLEX("\"session\":{\"format\":\"opaque\",\"id\":\"s-1\"},\"user\":" ALICE);
	static const struct {
		const char *uri, *body, *subject, *user, *tenant, *session;
		bool device;
	} rows[] = {
		{ CAEP "device-compliance-change", "{\"current_status\":\"not-compliant\"}", device, NULL, "org-7", NULL, true },
		{ CAEP "session-revoked", "{}", alone, NULL, NULL, NULL, true },
		{ CAEP "token-claims-change", "{\"claims\":{\"role\":\"ro\"}}", token, NULL, NULL, "j-9", false },
		{ CAEP "token-claims-change", "{}", of_user, "alice-1", NULL, NULL, false },
	};
	struct b2b_event event;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(verify(make(rows[i].subject, rows[i].uri, rows[i].body), &event), B2B_TOKEN_OK);
		if (!same(event.subject, rows[i].user) || !same(event.tenant, rows[i].tenant) || !same(event.session, rows[i].session) ||
		    event.device != rows[i].device || event.vague)
			fail_msg("%s %s", rows[i].uri, rows[i].subject);
		b2b_event_clear(&event);
	}
	/* some of a tenant, of whom no more is known here */
	assert_int_equal(verify(make(COMPLEX("\"tenant\":" TENANT ",\"device\":{},\"group\":" TENANT), CAEP "session-revoked", "{}"), &event), B2B_TOKEN_SUBJECT);
	assert_int_equal(verify(make(COMPLEX("\"tenant\":" TENANT ",\"device\":null"), CAEP "session-revoked", "{}"), &event), B2B_TOKEN_SUBJECT);
	assert_int_equal(verify(make(COMPLEX("\"tenant\":" TENANT ",\"device\":{},\"application\":{}"), CAEP "session-revoked", "{}"), &event), B2B_TOKEN_SUBJECT);
}

static void critical_members_that_are_not_known_discard(void **state)
{
	static const char *const critical[] = { "user", "weather", NULL }, *const known[] = { "tenant", NULL };
	const char *subject = COMPLEX("\"user\":" ALICE ",\"weather\":{\"format\":\"opaque\",\"id\":\"w\"}");
	struct b2b_event event;

	(void)state;
	expect.critical_subject_members = critical;
	assert_int_equal(verify(make(subject, CAEP "session-revoked", "{}"), &event), B2B_TOKEN_SUBJECT);
	assert_int_equal(verify(make(COMPLEX("\"user\":" ALICE), CAEP "session-revoked", "{}"), &event), B2B_TOKEN_OK);
	b2b_event_clear(&event);
	expect.critical_subject_members = known;
	assert_int_equal(verify(make(subject, CAEP "session-revoked", "{}"), &event), B2B_TOKEN_OK);
	b2b_event_clear(&event);
	expect.critical_subject_members = NULL;
}

static void older_transmitters_put_the_subject_into_the_event(void **state)
{
	struct b2b_event event;

	(void)state;
	assert_int_equal(verify(make(NULL, CAEP "session-revoked", "{\"subject\":" ALICE "}"), &event), B2B_TOKEN_OK);
	assert_string_equal(event.subject, "alice-1");
	b2b_event_clear(&event);
	/* where both are there, the SET's own counts */
	assert_int_equal(verify(make(COMPLEX("\"tenant\":" TENANT), CAEP "session-revoked", "{\"subject\":" ALICE "}"), &event), B2B_TOKEN_OK);
	assert_null(event.subject);
	b2b_event_clear(&event);
	assert_int_equal(verify(make(NULL, CAEP "session-revoked", "{}"), &event), B2B_TOKEN_SUBJECT);
}

struct time_row {
	const char *body, *toe;
	int64_t ms;
};

static void time_is_of_the_event_and_never_in_the_future(void **state)
{
	static const struct time_row rows[] = {
		{ "{\"event_timestamp\":1790000009}", "1790000001", 1790000009000 },
		{ "{\"event_timestamp\":1790000009.25}", NULL, 1790000009250 },
		{ "{\"event_timestamp\":1790000009250}", NULL, 1790000009250 }, /* milliseconds, as some send it */
		{ "{}", "1790000001", 1790000001000 },
		{ "{\"event_timestamp\":\"soon\"}", "1790000001", 1790000001000 },
		{ "{}", NULL, 1790000010000 },
		{ "{\"event_timestamp\":1790009999}", NULL, (int64_t)NOW * 1000 },
		{ "{\"event_timestamp\":1e300}", NULL, (int64_t)NOW * 1000 },
		{ "{\"event_timestamp\":-5}", NULL, 0 },
	};
	struct b2b_event event;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *claims = make(ALICE, CAEP "session-revoked", rows[i].body);

		if (rows[i].toe)
			json_object_set_new(claims, "toe", json_loads(rows[i].toe, JSON_DECODE_ANY, NULL));
		assert_int_equal(verify(claims, &event), B2B_TOKEN_OK);
		if (event.time_ms != rows[i].ms)
			fail_msg("%s: %lld", rows[i].body, (long long)event.time_ms);
		b2b_event_clear(&event);
	}
}

static void reasons_are_for_people(void **state)
{
	static const struct {
		const char *body, *reason;
	} rows[] = {
		{ "{\"reason_user\":{\"de\":\"Ende\",\"en\":\"The end\"},\"reason_admin\":{\"en\":\"x\"}}", "The end" },
		{ "{\"reason_user\":{\"en-GB\":\"The end\"}}", "The end" },
		{ "{\"reason_user\":\"The end\"}", "The end" },
		{ "{\"reason_user\":{\"de\":\"Ende\"},\"reason_admin\":{\"en\":\"Left\"}}", "Left" },
		{ "{\"reason_user\":{\"enx\":\"?\"}}", NULL },
		{ "{\"reason_user\":7,\"reason_admin\":[]}", NULL },
		{ "{}", NULL },
		{ "{\"reason_user\":\"a\\u001b[2J\\u0007b\\r\\nc\\u009bd\\u202ee\"}", "a[2Jb  cde" },
		{ "{\"reason_user\":\"\\u00fcber\"}", "\xc3\xbc" "ber" },
	};
	struct b2b_event event;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(verify(make(ALICE, CAEP "session-revoked", rows[i].body), &event), B2B_TOKEN_OK);
		if (!same(event.reason, rows[i].reason))
			fail_msg("%s: %s", rows[i].body, event.reason);
		b2b_event_clear(&event);
	}
}

static void long_reasons_are_cut_between_characters(void **state)
{
	char body[1024] = "{\"reason_user\":\"x";
	struct b2b_event event;
	int i;

	(void)state;
	for (i = 0; i < 200; i++)
		memcpy(body + strlen(body), "\xc3\xbc", 3);
	memcpy(body + strlen(body), "\"}", 3);
	assert_int_equal(verify(make(ALICE, CAEP "session-revoked", body), &event), B2B_TOKEN_OK);
	assert_int_equal(strlen(event.reason), 199);
	assert_int_equal((unsigned char)event.reason[198], 0xbc);
	b2b_event_clear(&event);
}

struct change {
	const char *name, *value; /* "" removes */
	enum b2b_token_fault fault;
};

static void every_wrong_claim_has_its_own_fault(void **state)
{
	static const struct change rows[] = {
		{ "iss", "\"https://evil.example\"", B2B_TOKEN_ISSUER },
		{ "iss", "", B2B_TOKEN_CLAIM_ISS },
		{ "aud", "\"host-web8\"", B2B_TOKEN_AUDIENCE },
		{ "aud", "[\"other\",\"host-web7\"]", B2B_TOKEN_OK },
		{ "aud", "", B2B_TOKEN_CLAIM_AUD },
		{ "jti", "", B2B_TOKEN_CLAIM_JTI },
		{ "jti", "\"\"", B2B_TOKEN_CLAIM_JTI },
		{ "jti", "1", B2B_TOKEN_CLAIM_JTI },
		{ "iat", "", B2B_TOKEN_CLAIM },
		{ "iat", "\"now\"", B2B_TOKEN_CLAIM },
		{ "events", "", B2B_TOKEN_EVENTS },
		{ "events", "{}", B2B_TOKEN_EVENTS },
		{ "events", "[]", B2B_TOKEN_EVENTS },
		{ "events", "{\"" CAEP "session-revoked\":7}", B2B_TOKEN_EVENTS },
		{ "events", "{\"" CAEP "session-revoked\":{},\"" RISC "account-disabled\":{}}", B2B_TOKEN_EVENTS },
		{ "sub_id", "", B2B_TOKEN_SUBJECT },
		{ "sub_id", "\"alice-1\"", B2B_TOKEN_SUBJECT },
		{ "sub", "\"somebody\"", B2B_TOKEN_OK }, /* not looked at */
		{ "exp", "1", B2B_TOKEN_OK },            /* not of a SET: a revocation does not expire */
		{ "txn", "\"t\"", B2B_TOKEN_OK },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *claims = make(ALICE, CAEP "session-revoked", "{}");
		struct b2b_event event = { 0 };
		enum b2b_token_fault fault;

		if (*rows[i].value)
			json_object_set_new(claims, rows[i].name, json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
		else
			json_object_del(claims, rows[i].name);
		fault = verify(claims, &event);
		if (fault != rows[i].fault)
			fail_msg("%s = %s: %s", rows[i].name, rows[i].value, b2b_token_fault_text(fault));
		b2b_event_clear(&event);
	}
}

static void typ_is_the_set_s_own(void **state)
{
	static const char *const right[] = { "secevent+jwt", "SecEvent+JWT", "application/secevent+jwt", "APPLICATION/SECEVENT+JWT" };
	static const char *const wrong[] = { "JWT", "at+jwt", "logout+jwt", "secevent", "secevent+jwt2", "text/secevent+jwt", NULL };
	json_t *claims = make(ALICE, CAEP "session-revoked", "{}");
	struct b2b_event event;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(right) / sizeof(*right); i++) {
		assert_int_equal(verify_typ(claims, right[i], &event), B2B_TOKEN_OK);
		b2b_event_clear(&event);
	}
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(verify_typ(claims, wrong[i], &event), B2B_TOKEN_TYP);
	json_decref(claims);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_organisation_is_a_tenant_alone),
		cmocka_unit_test(kinds_are_told_by_their_whole_name),
		cmocka_unit_test(some_kinds_are_told_by_what_they_say),
		cmocka_unit_test(other_subjects_are_exact_or_vague),
		cmocka_unit_test(control_events_carry_their_state),
		cmocka_unit_test(subjects_are_understood_or_refused),
		cmocka_unit_test(account_events_are_about_accounts),
		cmocka_unit_test(subjects_of_caep_s_examples_are_understood),
		cmocka_unit_test(critical_members_that_are_not_known_discard),
		cmocka_unit_test(older_transmitters_put_the_subject_into_the_event),
		cmocka_unit_test(time_is_of_the_event_and_never_in_the_future),
		cmocka_unit_test(reasons_are_for_people),
		cmocka_unit_test(long_reasons_are_cut_between_characters),
		cmocka_unit_test(every_wrong_claim_has_its_own_fault),
		cmocka_unit_test(typ_is_the_set_s_own),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
