#include "b2bd/directory/keycloak_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/scim_text.h"

char *b2b_keycloak_url(const char *base, const char *org_id, const char *what, const char *id, const char *tail)
{
	char *org = b2b_scim_percent(org_id), *segment = b2b_scim_percent(id ? id : ""), *url = NULL;

	if (!org || !segment ||
	    asprintf(&url, "%s/organizations/%s%s%s%s%s%s", base, org, what ? "/" : "", what ? what : "", id ? "/" : "", segment, tail) < 0)
		url = NULL;
	free(org);
	free(segment);
	return url;
}

char *b2b_keycloak_base(const struct b2b_conf_federation *federation)
{
	const char *url = federation->keycloak_url ? federation->keycloak_url : federation->issuer, *realm = strstr(url, "/realms/"), *next;
	size_t len = strlen(url);
	char *base = NULL;
	int r;

	while (len && url[len - 1] == '/')
		len--;
	if (federation->keycloak_url)
		return strndup(url, len);
	while (realm && (next = strstr(realm + 1, "/realms/")))
		realm = next;
	if (!realm)
		return NULL;
	r = asprintf(&base, "%.*s/admin%.*s", (int)(realm - url), url, (int)(len - (size_t)(realm - url)), realm);
	return r < 0 ? NULL : base;
}
