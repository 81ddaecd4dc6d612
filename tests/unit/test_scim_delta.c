/* A SCIM directory asked for changes alone: what its answers show counts, what they do not show means nothing. */
#include "tests/unit/source_fixture.h"

#include <errno.h>

#include "b2bd/directory/scim_known.h"
#include "b2bd/directory/scim_pass.h"
#include "b2bd/directory/scim_text.h"
#include "b2bd/state/removal_state.h"
#include "common/reason.h"

#define N_PEOPLE 20
#define OLD "2026-01-05T08:00:00Z"

enum manner { HEEDS, REFUSES, PASSES_OVER, SHOWS_NOTHING, IS_SILENT };

struct directory {
	struct {
		const char *org, *modified; /* NULL: none */
		bool suspended, deleted;
	} people[N_PEOPLE];
	const char *org_state, *org_modified, *group_modified;
	const char *members; /* of the only group, JSON */
	enum manner manner;  /* when asked for changes */
	bool no_filters, etags;
	int spared; /* pages that were not sent, because they are as they were */
	int changes, whole;  /* requests for lists of people */
	int silences;        /* about groups, where it is silent of what changed among these */
	char after[64];      /* that was asked for last */
};

struct world {
	struct source_run run; /* first: see there */
	struct directory directory;
	struct b2b_scim_known known;
	struct b2b_pass *pass;
	int ends, end_error;
	char url[256], base[300];
};

/* The time in the filter of PATH, or "" where it has none. */
static void time_asked_for(const char *path, char after[64])
{
	static const char filter[] = "filter=meta.lastModified%20gt%20%22";
	const char *at = strstr(path, filter);
	size_t n = 0;

	for (at = at ? at + strlen(filter) : ""; *at && strncmp(at, "%22", 3) && n < 63; n++, at += *at == '%' ? 3 : 1)
		after[n] = *at == '%' ? ':' : *at;
	after[n] = '\0';
}

/* Is what was MODIFIED then to be shown to who asked for what is after that? */
static bool to_be_shown(const struct directory *directory, const char *after, const char *modified)
{
	int64_t after_ms, modified_ms;

	if (!*after || directory->manner == PASSES_OVER)
		return true;
	if (directory->manner == SHOWS_NOTHING)
		return false;
	assert_int_equal(b2b_scim_time(after, &after_ms), 0);
	return modified && b2b_scim_time(modified, &modified_ms) == 0 && modified_ms > after_ms;
}

static void meta_json(char buf[96], const char *modified)
{
	snprintf(buf, 96, modified ? ",\"meta\":{\"lastModified\":\"%s\"}" : "", modified);
}

static void person_json(const struct directory *directory, char *buf, size_t size, int n)
{
	char meta[96], org[64];

	meta_json(meta, directory->people[n].modified);
	snprintf(org, sizeof(org), directory->people[n].org ? "\"organizationId\":\"%s\"," : "", directory->people[n].org);
	snprintf(buf, size, "{\"id\":\"p%d\",\"userName\":\"n%d\",\"active\":%s,\"urn:b2b:scim:schemas:2.0:User\":{%s\"localName\":\"n%d\"}%s}", n, n,
	         directory->people[n].suspended ? "false" : "true", org, n, meta);
}

static char *people_json(const struct directory *directory, const char *after)
{
	char *text = NULL, one[512];
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int n, total = 0;

	assert_non_null(out);
	fputs("{\"Resources\":[", out);
	for (n = 0; n < N_PEOPLE; n++) {
		if (directory->people[n].deleted || !to_be_shown(directory, after, directory->people[n].modified))
			continue;
		person_json(directory, one, sizeof(one), n);
		fprintf(out, "%s%s", total++ ? "," : "", one);
	}
	fprintf(out, "],\"totalResults\":%d}", total);
	fclose(out);
	return text;
}

static char *only_json(bool shown, const char *modified, const char *format, const char *what)
{
	char meta[96], one[512], *body = NULL;

	meta_json(meta, modified);
	snprintf(one, sizeof(one), format, what, meta);
	assert_true(asprintf(&body, "{\"totalResults\":%d,\"Resources\":[%s]}", shown, shown ? one : "") > 0);
	return body;
}

static char *one_person(const struct directory *directory, const char *path, int *status)
{
	char *body = malloc(512);
	long n = strtol(strstr(path, "/Users/p") + 8, NULL, 10);

	if (directory->people[n].deleted)
		*status = 404;
	person_json(directory, body, 512, (int)n);
	return body;
}

/* By what it holds, as HTTP servers do by themselves. */
static void spare(struct directory *directory, const struct tls_request *request, struct tls_reply *reply)
{
	char etag[64];
	unsigned long sum = 5381;

	for (const char *at = reply->body; *at; at++)
		sum = sum * 33 + (unsigned char)*at;
	snprintf(etag, sizeof(etag), "W/\"%lx\"", sum);
	snprintf(reply->headers, sizeof(reply->headers), "ETag: %s\r\n", etag);
	if (!strstr(request->headers, etag))
		return;
	directory->spared++;
	reply->status = 304;
	free(reply->body);
	reply->body = NULL;
}

static void answer(void *arg, const struct tls_request *request, struct tls_reply *reply)
{
	struct directory *directory = arg;
	char after[64];

	time_asked_for(request->path, after);
	if (*after && strstr(request->path, "/Users"))
		snprintf(directory->after, sizeof(directory->after), "%s", after);
	if (strstr(request->path, "/Users?"))
		*(*after ? &directory->changes : &directory->whole) += 1;
	if (*after && directory->manner == IS_SILENT && strstr(request->path, "/Groups")) {
		reply->silent = true;
		directory->silences++;
	} else if (*after && directory->manner == REFUSES) {
		reply->status = 400;
		reply->body = strdup("{\"status\":\"400\",\"scimType\":\"invalidFilter\"}");
	} else if (strstr(request->path, "/ServiceProviderConfig")) {
		reply->body = strdup(directory->no_filters ? "{\"filter\":{\"supported\":false}}" : "{\"filter\":{\"supported\":true}}");
	} else if (strstr(request->path, "/Organizations")) {
		reply->body = only_json(to_be_shown(directory, after, directory->org_modified), directory->org_modified,
		                        "{\"id\":\"42c3e9\",\"state\":\"%s\"%s}", directory->org_state);
	} else if (strstr(request->path, "/Groups")) {
		reply->body = only_json(to_be_shown(directory, after, directory->group_modified), directory->group_modified,
		                        "{\"id\":\"g1\",\"members\":[%s],\"urn:b2b:scim:schemas:2.0:Group\":{\"organizationId\":\"42c3e9\",\"localName\":\"dba\"}%s}",
		                        directory->members);
	} else if (strstr(request->path, "/Users/")) {
		reply->body = one_person(directory, request->path, &reply->status);
	} else {
		reply->body = people_json(directory, after);
		if (directory->etags)
			spare(directory, request, reply);
	}
}

static void changed(void *arg, int org)
{
	struct world *world = arg;

	assert_in_range(org, 0, 1);
	assert_true(b2b_state_idle(world->run.base->state));
	world->run.changes++;
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct b2b_conf_federation *federation = &world->run.conf.federation;

	source_start(&world->run, answer, &world->directory);
	snprintf(world->url, sizeof(world->url), "%s", tls_server_url(world->run.server));
	snprintf(world->base, sizeof(world->base), "%s/scim/v2", world->url);
	federation->issuer = world->url;
	federation->scim_schema = (char *)"urn:b2b:scim:schemas:2.0:User";
	federation->scim_organisation_attribute = (char *)"organizationId";
	federation->scim_name_attribute = federation->scim_group_name_attribute = (char *)"localName";
	federation->scim_organisations = true;
	federation->subject_attribute = (char *)"id";
	federation->sync_interval_s = 3600;
	federation->delta_interval_s = 1;
	federation->clock_skew_s = 30;
	federation->mass_removal_percent = 20;
	federation->mass_removal_least = 3;
	world->directory = (struct directory){ .org_state = "active", .org_modified = OLD, .group_modified = OLD, .members = "{\"value\":\"p1\"}" };
	for (int n = 0; n < N_PEOPLE; n++) {
		world->directory.people[n].org = "42c3e9";
		world->directory.people[n].modified = n == 0 ? "2026-03-01T12:00:00.500Z" : OLD;
	}
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	b2b_pass_cancel(world->pass);
	b2b_scim_pages_clear(&world->known.people);
	source_stop(&world->run);
	free(world);
	return 0;
}

static void ended(void *arg, int error, const char *why)
{
	struct world *world = arg;

	world->pass = NULL;
	world->end_error = error;
	snprintf(world->run.why, sizeof(world->run.why), "%s", why);
	world->ends++;
}

/* A pass; what it ended with. */
static int make_pass(struct world *world, bool changes)
{
	struct b2b_pass_order order = { .api = { .loop = world->run.loop, .http = world->run.http }, .base = world->base, .state = world->run.base->state,
		                        .policy = &world->run.base->policy, .conf = &world->run.conf, .known = &world->known, .changes = changes,
		                        .handlers = { .changed = changed, .end = ended }, .arg = world };
	int wanted = world->ends + 1;

	assert_int_equal(b2b_scim_pass_start(&order, &world->pass), 0);
	source_turn_until(&world->run, &world->ends, wanted);
	return world->end_error;
}

static int whole(struct world *world)
{
	return make_pass(world, false);
}

static int changes(struct world *world)
{
	return make_pass(world, true);
}

static int standing(struct world *world, int n)
{
	char local[16];

	snprintf(local, sizeof(local), "n%d", n);
	return source_standing(&world->run, "42c3e9", local);
}

static void modify(struct world *world, int n, const char *when)
{
	world->directory.people[n].modified = when;
}

static void what_changed_is_stored_and_nothing_else_is_read(void **state)
{
	struct world *world = *state;

	world->directory.people[7].deleted = true; /* nobody yet */
	assert_int_equal(whole(world), 0);
	assert_int_equal(standing(world, 7), -ENOENT);
	world->run.changes = 0;
	assert_int_equal(changes(world), 0);
	assert_int_equal(world->run.changes, 0);
	world->directory.people[7].deleted = false;
	modify(world, 7, "2026-03-01T12:10:00Z");
	world->directory.people[3].suspended = true;
	modify(world, 3, "2026-03-01T14:09:59.9999999+02:00"); /* UTC 12:09:59.999 */
	assert_int_equal(changes(world), 0);
	assert_int_equal(standing(world, 7), B2B_OK);
	assert_int_equal(standing(world, 3), B2B_USER_SUSPENDED);
	assert_true(world->run.changes > 0);
	assert_int_equal(world->directory.whole, 1);
	assert_int_equal(world->directory.changes, 2);
}

static void who_is_not_shown_is_not_gone(void **state)
{
	struct world *world = *state;
	int n;

	assert_int_equal(whole(world), 0);
	for (n = 1; n < N_PEOPLE; n++)
		world->directory.people[n].deleted = true;
	assert_int_equal(changes(world), 0);
	for (n = 1; n < N_PEOPLE; n++)
		assert_int_equal(standing(world, n), B2B_OK);
}

/* What is asked for begins exactly so long before, not as long besides as this machine took. */
static int changes_after_no_time(struct world *world)
{
	world->known.marks[B2B_SCIM_PEOPLE].took_ns = 0;
	return changes(world);
}

/* Before the newest time there are others that the service may yet commit; once it has had time for that, only what is later counts. */
static void it_is_asked_from_a_while_before_the_newest_time(void **state)
{
	struct world *world = *state;

	assert_int_equal(whole(world), 0);
	assert_int_equal(changes_after_no_time(world), 0);
	assert_string_equal(world->directory.after, "2026-03-01T11:55:00Z");
	modify(world, 4, "2026-03-01T13:00:00+01:00"); /* half a second before the newest */
	world->directory.people[4].suspended = true;
	assert_int_equal(changes(world), 0);
	assert_int_equal(standing(world, 4), B2B_USER_SUSPENDED);
	modify(world, 5, "2026-03-01T20:00:00-01:00"); /* UTC 21:00 */
	assert_int_equal(changes(world), 0);
	assert_int_equal(changes_after_no_time(world), 0);
	assert_string_equal(world->directory.after, "2026-03-01T20:55:00Z");
	world->known.marks[B2B_SCIM_PEOPLE].since_ns = 1; /* a long time ago */
	assert_int_equal(changes_after_no_time(world), 0);
	assert_string_equal(world->directory.after, "2026-03-01T20:59:59Z");
	/* whoever was changed while a long pass went on may have been read before */
	world->known.marks[B2B_SCIM_PEOPLE].since_ns = b2b_now_ns();
	world->known.marks[B2B_SCIM_PEOPLE].took_ns = 3600 * B2B_NS_PER_S;
	assert_int_equal(changes(world), 0);
	assert_string_equal(world->directory.after, "2026-03-01T19:55:00Z");
}

static void a_time_that_is_yet_to_come_hides_no_change(void **state)
{
	struct world *world = *state;

	modify(world, 9, "2099-01-01T00:00:00Z");
	assert_int_equal(whole(world), 0);
	modify(world, 3, "2026-03-01T12:10:00Z");
	world->directory.people[3].suspended = true;
	assert_int_equal(changes_after_no_time(world), 0);
	assert_string_equal(world->directory.after, "2026-03-01T11:55:00Z");
	assert_int_equal(standing(world, 3), B2B_USER_SUSPENDED);
}

static void who_goes_to_another_organisation_leaves_this_one(void **state)
{
	struct world *world = *state;

	assert_int_equal(whole(world), 0);
	world->directory.people[2].org = "9d01f2";
	modify(world, 2, "2026-03-01T12:10:00Z");
	assert_int_equal(changes(world), 0);
	assert_int_equal(standing(world, 2), B2B_USER_REMOVED);
	assert_int_equal(source_standing(&world->run, "9d01f2", "n2"), B2B_OK);
}

static void who_is_of_no_organisation_of_this_host_any_more_goes(void **state)
{
	struct world *world = *state;

	assert_int_equal(whole(world), 0);
	world->directory.people[2].org = NULL;
	modify(world, 2, "2026-03-01T12:10:00Z");
	world->directory.people[3].org = "foreign";
	modify(world, 3, "2026-03-01T12:10:00Z");
	world->run.changes = 0;
	assert_int_equal(changes(world), 0);
	assert_int_equal(standing(world, 2), B2B_USER_REMOVED);
	assert_int_equal(standing(world, 3), B2B_USER_REMOVED);
	assert_int_equal(standing(world, 4), B2B_OK);
	assert_int_equal(world->run.changes, 1);
	assert_int_equal(changes(world), 0);
	world->directory.people[2].org = "42c3e9";
	modify(world, 2, "2026-03-01T12:11:00Z");
	assert_int_equal(changes(world), 0);
	assert_int_equal(standing(world, 2), B2B_OK);
}

/* However the portions are: what left since the last full pass counts as one. */
static void many_who_leave_wait_for_a_full_pass_and_a_word(void **state)
{
	struct world *world = *state;
	int n;

	assert_int_equal(whole(world), 0);
	for (n = 1; n <= 6; n++) {
		world->directory.people[n].org = NULL;
		modify(world, n, "2026-03-01T12:10:00Z");
		if (n <= 4) { /* 4 of 20 are no more than a fifth */
			assert_int_equal(changes(world), 0);
			assert_int_equal(standing(world, n), B2B_USER_REMOVED);
		}
	}
	assert_int_equal(changes(world), -EBUSY);
	assert_int_equal(standing(world, 5), B2B_OK);
	assert_int_equal(standing(world, 6), B2B_OK);
	world->run.conf.federation.mass_removal_least = 2;
	world->run.conf.federation.mass_removal_percent = 10;
	assert_int_equal(whole(world), -EBUSY);
	assert_int_equal(standing(world, 5), B2B_OK);
	/* it is noted, and no full pass has to be made for it again */
	assert_int_equal(changes(world), 0);
	assert_int_equal(standing(world, 5), B2B_OK);
	assert_int_equal(b2b_removal_approve(world->run.base->state, "42c3e9", b2b_wall_s(), 1000), 0);
	assert_int_equal(whole(world), 0);
	assert_int_equal(standing(world, 5), B2B_USER_REMOVED);
	assert_int_equal(standing(world, 7), B2B_OK);
}

static void a_group_that_changed_has_its_members_anew(void **state)
{
	struct world *world = *state;
	uint32_t *members;
	size_t n;

	assert_int_equal(whole(world), 0);
	world->directory.members = "{\"value\":\"p3\"},{\"value\":\"p4\"}";
	world->directory.group_modified = "2026-03-01T12:10:00Z";
	assert_int_equal(changes(world), 0);
	assert_int_equal(b2b_group_members(world->run.base->state, "g1", "42c3e9", &members, &n), 0);
	free(members);
	assert_int_equal(n, 2);
	world->directory.group_modified = NULL; /* undated: groups are read whole from then on */
	assert_int_equal(whole(world), 0);
	world->directory.members = "";
	assert_int_equal(changes(world), 0);
	assert_int_equal(b2b_group_members(world->run.base->state, "g1", "42c3e9", &members, &n), 0);
	free(members);
	assert_int_equal(n, 0);
}

static void an_organisation_that_is_suspended_is(void **state)
{
	struct world *world = *state;
	struct b2b_org_record org;

	assert_int_equal(whole(world), 0);
	world->directory.org_state = "suspended";
	world->directory.org_modified = "2026-03-01T12:10:00Z";
	assert_int_equal(changes(world), 0);
	assert_int_equal(b2b_directory_org(world->run.base->state, "42c3e9", &org), 0);
	assert_int_equal(b2b_org_standing(&org, b2b_wall_s()), B2B_ORG_SUSPENDED);
	b2b_org_record_clear(&org);
}

static void a_service_that_does_not_heed_the_question_is_found_out(void **state)
{
	struct world *world = *state;

	assert_int_equal(whole(world), 0);
	world->directory.manner = REFUSES;
	assert_int_equal(changes(world), -EOPNOTSUPP);
	assert_non_null(strstr(world->run.why, "/Organizations answered with status 400"));
	world->directory.manner = PASSES_OVER;
	assert_int_equal(changes(world), -EOPNOTSUPP);
	assert_non_null(strstr(world->run.why, "does not heed"));
	assert_int_equal(standing(world, 1), B2B_OK);
}

static void nothing_is_no_answer(void **state)
{
	struct world *world = *state;

	assert_int_equal(whole(world), 0);
	world->directory.manner = SHOWS_NOTHING;
	assert_int_equal(changes(world), -ESTALE);
	assert_int_equal(standing(world, 1), B2B_OK);
	world->directory.manner = HEEDS;
	world->directory.people[0].deleted = true; /* what was modified last */
	assert_int_equal(changes(world), -ESTALE);
	assert_int_equal(standing(world, 0), B2B_OK);
	assert_int_equal(whole(world), 0);
	assert_int_equal(standing(world, 0), B2B_USER_REMOVED);
	assert_int_equal(changes(world), 0);
}

/* --- full passes, and what need not be sent again --- */

static void whoever_is_as_before_need_not_be_sent_again(void **state)
{
	struct world *world = *state;
	int n;

	world->directory.etags = true;
	assert_int_equal(whole(world), 0);
	assert_int_equal(world->directory.spared, 0);
	world->run.changes = 0;
	assert_int_equal(whole(world), 0);
	assert_int_equal(whole(world), 0);
	assert_int_equal(world->directory.spared, 2);
	assert_int_equal(world->run.changes, 0);
	for (n = 0; n < N_PEOPLE; n++)
		assert_int_equal(standing(world, n), B2B_OK);
	assert_int_equal(changes_after_no_time(world), 0); /* their times are still known */
	assert_string_equal(world->directory.after, "2026-03-01T11:55:00Z");
	assert_int_equal(world->directory.spared, 2);
	world->directory.people[3].suspended = true;
	world->directory.people[4].deleted = true;
	assert_int_equal(whole(world), 0);
	assert_int_equal(standing(world, 3), B2B_USER_SUSPENDED);
	assert_int_equal(standing(world, 4), B2B_USER_REMOVED);
	assert_int_equal(world->directory.spared, 2);
	assert_int_equal(whole(world), 0);
	assert_int_equal(world->directory.spared, 3);
	world->known.people.whole_ns = 1; /* a long time ago */
	assert_int_equal(whole(world), 0);
	assert_int_equal(world->directory.spared, 3);
}

static uint32_t uid_of(struct world *world, const char *local)
{
	struct b2b_principal person;
	uint32_t uid;

	assert_int_equal(b2b_directory_by_name(world->run.base->state, "42c3e9", local, &person), 0);
	uid = person.uid;
	b2b_principal_clear(&person);
	return uid;
}

/* Closed and opened within the second in which the record was modified: the record decides, and has to be there for that. */
static void whom_an_event_closed_is_sent_again(void **state)
{
	struct world *world = *state;
	int64_t ms;

	world->directory.etags = true;
	modify(world, 5, "2026-03-01T11:00:00.700Z");
	assert_int_equal(whole(world), 0);
	assert_int_equal(b2b_scim_time("2026-03-01T11:00:00Z", &ms), 0);
	assert_int_equal(b2b_directory_disable(world->run.base->state, uid_of(world, "n5"), ms), 0);
	assert_int_equal(standing(world, 5), B2B_USER_SUSPENDED);
	assert_int_equal(b2b_directory_enable(world->run.base->state, uid_of(world, "n5"), ms + 500), 0);
	assert_int_equal(standing(world, 5), B2B_USER_SUSPENDED);
	assert_int_equal(whole(world), 0);
	assert_int_equal(standing(world, 5), B2B_OK);
}

static void what_could_not_be_used_is_sent_again(void **state)
{
	struct world *world = *state;

	world->directory.etags = true;
	world->directory.people[6].org = ""; /* no organisation: is passed over, and that is all */
	assert_int_equal(whole(world), 0);
	assert_int_equal(whole(world), 0);
	assert_int_equal(world->directory.spared, 1);
	modify(world, 6, "yesterday");
	world->directory.people[6].org = "42c3e9";
	assert_int_equal(whole(world), 0);
	assert_int_equal(whole(world), 0);
	assert_int_equal(world->directory.spared, 1);
	assert_int_equal(standing(world, 6), -ENOENT);
}

/* --- when it is asked so --- */

static struct b2b_source_status status_of(const struct world *world)
{
	struct b2b_source_status status;

	b2b_source_get_status(world->run.source, &status);
	return status;
}

static void turn_until_asked(struct world *world, int *count, int wanted)
{
	source_turn_until(&world->run, count, wanted);
}

static void between_full_passes_it_is_asked_for_changes(void **state)
{
	struct world *world = *state;
	int64_t complete_s;

	source_new(&world->run, changed);
	assert_string_equal(status_of(world).changes_why_not, "a full pass comes first");
	assert_int_equal(source_pass(&world->run), 0);
	assert_string_equal(status_of(world).changes_why_not, "");
	complete_s = status_of(world).last_complete_s;
	world->directory.people[3].suspended = true;
	modify(world, 3, "2026-03-01T12:10:00Z");
	turn_until_asked(world, &world->directory.changes, 2);
	assert_int_equal(standing(world, 3), B2B_USER_SUSPENDED);
	assert_true(status_of(world).changes_last_s >= complete_s);
	assert_int_equal(status_of(world).last_complete_s, complete_s);
	assert_int_equal(world->run.passes, 1); /* what shows no deletion does not count as a pass */
	assert_int_equal(world->directory.whole, 1);
	assert_int_equal(source_pass(&world->run), 0); /* that is one */
	assert_int_equal(world->directory.whole, 2);
}

static void what_is_refused_is_followed_by_full_passes_alone(void **state)
{
	struct world *world = *state;

	source_new(&world->run, changed);
	world->directory.manner = REFUSES;
	assert_int_equal(source_pass(&world->run), 0);
	turn_until_asked(world, &world->run.passes, 2);
	assert_non_null(strstr(status_of(world).changes_why_not, "status 400"));
	world->directory.manner = HEEDS;
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(world->directory.changes, 0);
	assert_non_null(strstr(status_of(world).changes_why_not, "status 400"));
}

static void what_fails_twice_in_a_row_is_given_up(void **state)
{
	struct world *world = *state;

	source_new(&world->run, changed);
	world->directory.manner = SHOWS_NOTHING;
	assert_int_equal(source_pass(&world->run), 0);
	turn_until_asked(world, &world->run.passes, 2);
	assert_string_equal(status_of(world).changes_why_not, "");
	turn_until_asked(world, &world->run.passes, 3);
	assert_non_null(strstr(status_of(world).changes_why_not, "modified last"));
}

/* What was stored until then is told of: the full pass finds no difference in it. */
static void a_full_pass_does_not_wait_for_an_answer_about_changes(void **state)
{
	struct world *world = *state;

	source_new(&world->run, changed);
	assert_int_equal(source_pass(&world->run), 0);
	world->directory.manner = IS_SILENT;
	world->directory.people[3].suspended = true;
	modify(world, 3, "2026-03-01T12:10:00Z");
	world->run.changes = 0;
	turn_until_asked(world, &world->directory.silences, 1);
	assert_int_equal(source_pass(&world->run), 0);
	assert_int_equal(standing(world, 3), B2B_USER_SUSPENDED);
	assert_int_equal(world->run.changes, 1);
	assert_string_equal(status_of(world).changes_why_not, ""); /* that is not held against the service */
	assert_int_equal(status_of(world).failing_since_s, 0);
}

static void a_service_without_what_it_takes_is_not_asked(void **state)
{
	struct world *world = *state;

	source_new(&world->run, changed);
	world->directory.no_filters = true;
	assert_int_equal(source_pass(&world->run), 0);
	assert_non_null(strstr(status_of(world).changes_why_not, "no filters"));
	world->directory.no_filters = false;
	modify(world, 8, NULL);
	assert_int_equal(source_pass(&world->run), 0);
	assert_non_null(strstr(status_of(world).changes_why_not, "when they were modified"));
	modify(world, 8, OLD);
	assert_int_equal(source_pass(&world->run), 0);
	assert_string_equal(status_of(world).changes_why_not, "");
	assert_int_equal(world->directory.changes, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_changed_is_stored_and_nothing_else_is_read),
		TEST(who_is_not_shown_is_not_gone),
		TEST(it_is_asked_from_a_while_before_the_newest_time),
		TEST(a_time_that_is_yet_to_come_hides_no_change),
		TEST(who_goes_to_another_organisation_leaves_this_one),
		TEST(who_is_of_no_organisation_of_this_host_any_more_goes),
		TEST(many_who_leave_wait_for_a_full_pass_and_a_word),
		TEST(a_group_that_changed_has_its_members_anew),
		TEST(an_organisation_that_is_suspended_is),
		TEST(a_service_that_does_not_heed_the_question_is_found_out),
		TEST(nothing_is_no_answer),
		TEST(whoever_is_as_before_need_not_be_sent_again),
		TEST(whom_an_event_closed_is_sent_again),
		TEST(what_could_not_be_used_is_sent_again),
		TEST(between_full_passes_it_is_asked_for_changes),
		TEST(what_is_refused_is_followed_by_full_passes_alone),
		TEST(what_fails_twice_in_a_row_is_given_up),
		TEST(a_full_pass_does_not_wait_for_an_answer_about_changes),
		TEST(a_service_without_what_it_takes_is_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
