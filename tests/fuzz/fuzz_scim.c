/* A SCIM answer of any bytes: lists, people, organisations, groups, what the service says of itself. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/scim_mark.h"
#include "b2bd/directory/scim_pages.h"
#include "b2bd/directory/scim_parse.h"
#include "b2bd/directory/scim_service.h"
#include "b2bd/directory/scim_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct b2b_conf_federation federation = { .scim_schema = (char *)"urn:b2b:scim:schemas:2.0:User",
	                                                .subject_attribute = (char *)"userName",
	                                                .scim_organisation_attribute = (char *)"organizationId",
	                                                .scim_name_attribute = (char *)"localName",
	                                                .scim_group_name_attribute = (char *)"urn:ietf:params:scim:schemas:core:2.0:Group:displayName",
	                                                .scim_uid_attribute = (char *)"uidNumber",
	                                                .scim_gid_attribute = (char *)"gidNumber" };

static void parse_resource(const json_t *resource, const struct b2b_policy *policy)
{
	struct b2b_principal person;
	struct b2b_org_record org;
	struct b2b_scim_group group;
	const json_t *groups;

	if (b2b_scim_person(resource, &federation, policy, &person, &groups) == 0)
		b2b_principal_clear(&person);
	if (b2b_scim_org(resource, &org) == 0)
		b2b_org_record_clear(&org);
	if (b2b_scim_group(resource, &federation, &group) == 0)
		b2b_scim_group_clear(&group);
}

/* Read whole, then as an answer for changes. */
static void read_twice(const json_t *resources)
{
	struct b2b_scim_mark mark = { 0 };
	struct b2b_scim_reading reading;
	int i;

	for (i = 0; i < 2; i++) {
		b2b_scim_reading_begin(&reading, &mark, i);
		if (b2b_scim_reading_note(&reading, &mark, resources, INT64_MAX) == 0)
			b2b_scim_reading_end(&reading, &mark);
	}
}

/* What is left of it makes the same page again. */
static void keep(const struct b2b_scim_page *page)
{
	struct b2b_scim_pages pages = { 0 };
	struct b2b_scim_page same;
	const struct b2b_scim_kept *kept;
	const json_t *resource;
	size_t i;

	json_array_foreach(page->resources, i, resource) {
		if (!b2b_scim_id(resource))
			return;
	}
	b2b_scim_pages_begin(&pages);
	b2b_scim_pages_keep(&pages, "/Users", "e", page);
	b2b_scim_pages_end(&pages, true);
	b2b_scim_pages_begin(&pages);
	kept = b2b_scim_pages_next(&pages, "/Users");
	if (kept && b2b_scim_pages_restore(kept, &same) == 0) {
		if (json_array_size(same.resources) != json_array_size(page->resources) || !same.next != !page->next)
			abort();
		b2b_scim_page_clear(&same);
		b2b_scim_pages_keep_same(&pages);
	}
	b2b_scim_pages_clear(&pages);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const errors[] = { "expiredCursor", "invalidCursor", NULL };
	static struct b2b_policy policy = { .n_roles = 2, .roles = { { .name = "operator" }, { .name = "dba" } } };
	struct b2b_scim_service service;
	struct b2b_scim_page page;
	const json_t *resource;
	int64_t ms;
	size_t i;
	char text[128], display[24], time[B2B_SCIM_TIME_SIZE];

	if (b2b_scim_page_parse((const char *)data, size, &page) == 0) {
		json_array_foreach(page.resources, i, resource)
			parse_resource(resource, &policy);
		read_twice(page.resources);
		keep(&page);
		b2b_scim_page_clear(&page);
	}
	b2b_scim_service_parse((const char *)data, size, &service);
	b2b_scim_error_is((const char *)data, size, errors);
	if (size < sizeof(text)) {
		memcpy(text, data, size);
		text[size] = '\0';
		if (b2b_scim_time(text, &ms) == 0)
			b2b_scim_time_text(ms, time);
		b2b_scim_display(text, display, sizeof(display));
	}
	return 0;
}
