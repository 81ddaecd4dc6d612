/*
 * Where the directory keeps what: attributes as root names them in [federation] (b2b.conf(5), scim_schema and those after it).
 * "localName" is an attribute of the extension scim_schema; a full name, "URN:name" (RFC 7644 section 3.10), is another
 * extension's, or with the URN of a core schema (RFC 7643 section 8.7.1) an attribute of the resource itself.
 */
#ifndef B2B_SCIM_ATTRIBUTE_H
#define B2B_SCIM_ATTRIBUTE_H

#include <jansson.h>
#include <stddef.h>

#define B2B_SCIM_PATH_SIZE 512

/*
 * ATTRIBUTE of a resource of TYPE ("User", "Group") as filters name it, into PATH: "userName", or "URN:name". URNs that end in
 * ":User" stand for both types: of a group, it is the one that ends in ":Group". Returns 0 or -ENAMETOOLONG.
 */
int b2b_scim_path(const char *schema, const char *attribute, const char *type, char path[B2B_SCIM_PATH_SIZE]);

/* Its value in RESOURCE, an object; borrowed, NULL where it has none. */
const json_t *b2b_scim_value(const json_t *resource, const char *schema, const char *attribute, const char *type);

/* The extension SCHEMA of RESOURCE of TYPE; borrowed, NULL where it has none or it is no object. */
const json_t *b2b_scim_extension(const json_t *resource, const char *schema, const char *type);

#endif
