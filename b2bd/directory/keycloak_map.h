/*
 * Keycloak's representations (admin REST API, organisations) as the SCIM resources that [federation] names, so that everything after
 * this is one way. A Keycloak attribute is named by the last part of the configured name (localName, sshKeys, uidNumber); loginShell,
 * kind, state, notBefore, notAfter and roles are attributes of the same names. What is of a wrong type stays of a wrong type, for
 * scim_parse.h to refuse: whoever is listed is there, however broken the record.
 */
#ifndef B2B_KEYCLOAK_MAP_H
#define B2B_KEYCLOAK_MAP_H

#include <jansson.h>

#include "common/conf.h"

/* What ATTRIBUTE of [federation] is called in Keycloak; borrowed from it. */
const char *b2b_keycloak_attribute(const char *attribute);

/*
 * All others return a new reference, NULL for want of memory. A person's name is the attribute that scim_name_attribute names, or where there
 * is none the username; suspended is who is not enabled. A group's is the attribute of scim_group_name_attribute, or its name;
 * MEMBERS: the ids of its people.
 */
json_t *b2b_keycloak_person(const json_t *member, const char *org_id, const struct b2b_conf_federation *federation);
json_t *b2b_keycloak_group(const json_t *group, json_t *members, const char *org_id, const struct b2b_conf_federation *federation);
json_t *b2b_keycloak_org(const json_t *organisation);

#endif
