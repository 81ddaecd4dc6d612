/* Lists of Keycloak's admin API of any bytes: what becomes of them as people, organisations and groups. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/keycloak_map.h"
#include "b2bd/directory/scim_attribute.h"
#include "b2bd/directory/scim_parse.h"
#include "b2bd/directory/ssh_key.h"
#include "b2bd/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct b2b_conf_federation federation = { .scim_schema = (char *)"urn:b2b:scim:schemas:2.0:User",
	                                                .subject_attribute = (char *)"id",
	                                                .scim_organisation_attribute = (char *)"organizationId",
	                                                .scim_name_attribute = (char *)"localName",
	                                                .scim_group_name_attribute = (char *)"urn:ietf:params:scim:schemas:core:2.0:Group:displayName",
	                                                .scim_uid_attribute = (char *)"uidNumber",
	                                                .scim_gid_attribute = (char *)"gidNumber",
	                                                .scim_keys_attribute = (char *)"sshKeys" };

static void as_person(const json_t *entry, const struct b2b_policy *policy)
{
	json_t *resource = b2b_keycloak_person(entry, "42c3e9", &federation);
	struct b2b_principal person;
	const json_t *groups;
	unsigned bad;

	if (b2b_scim_person(resource, &federation, policy, &person, &groups) == 0) {
		/* whatever the record says, it is of the organisation that was asked */
		if (strcmp(person.org_id, "42c3e9") != 0)
			__builtin_trap();
		b2b_principal_clear(&person);
	}
	free(b2b_ssh_keys_read(b2b_scim_value(resource, federation.scim_schema, federation.scim_keys_attribute, "User"), &bad));
	json_decref(resource);
}

static void as_group(const json_t *entry, json_t *members)
{
	json_t *resource = b2b_keycloak_group(entry, members, "42c3e9", &federation);
	struct b2b_scim_group group;

	if (b2b_scim_group(resource, &federation, &group) == 0) {
		if (strcmp(group.org_id, "42c3e9") != 0)
			__builtin_trap();
		b2b_scim_group_clear(&group);
	}
	json_decref(resource);
}

static void as_org(const json_t *entry)
{
	json_t *resource = b2b_keycloak_org(entry);
	struct b2b_org_record org;

	if (b2b_scim_org(resource, &org) == 0)
		b2b_org_record_clear(&org);
	json_decref(resource);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct b2b_policy policy = { .n_roles = 2, .roles = { { .name = "operator" }, { .name = "dba" } } };
	const json_t *entry;
	json_t *list;
	size_t i;

	if (b2b_json_parse_array((const char *)data, size, &list) < 0)
		return 0;
	json_array_foreach(list, i, entry) {
		as_person(entry, &policy);
		as_group(entry, list);
		as_org(entry);
	}
	json_decref(list);
	return 0;
}
