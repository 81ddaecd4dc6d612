/* Places in the admin REST API of a Keycloak realm. */
#ifndef B2B_KEYCLOAK_URL_H
#define B2B_KEYCLOAK_URL_H

#include "common/conf.h"

/*
 * Of the organisation ORG_ID below BASE: "BASE/organizations/ORG_ID", "…/WHAT", "…/WHAT/ID" with TAIL behind it; WHAT and ID may be NULL,
 * ids are encoded. malloc'ed, NULL for want of memory.
 */
char *b2b_keycloak_url(const char *base, const char *org_id, const char *what, const char *id, const char *tail);

/*
 * Where the admin API is: keycloak_url, or the issuer "https://…/realms/NAME" with /admin before /realms. malloc'ed, NULL for want
 * of memory or where the issuer is no realm's.
 */
char *b2b_keycloak_base(const struct b2b_conf_federation *federation);

#endif
