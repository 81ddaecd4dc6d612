/*
 * What the passes over a SCIM directory leave each other: how the service is, and how far it has been read. In memory alone: a
 * full pass comes first after every start.
 */
#ifndef B2B_SCIM_KNOWN_H
#define B2B_SCIM_KNOWN_H

#include "b2bd/directory/scim_mark.h"
#include "b2bd/directory/scim_pages.h"
#include "b2bd/directory/scim_service.h"
#include "common/policy.h"

enum b2b_scim_type { B2B_SCIM_ORGS, B2B_SCIM_PEOPLE, B2B_SCIM_GROUPS, B2B_SCIM_N_TYPES }; /* in the order in which they are read */

struct b2b_scim_known { /* zeroed at first; clear people with b2b_scim_pages_clear */
	struct b2b_scim_service service;
	struct b2b_scim_mark marks[B2B_SCIM_N_TYPES];
	struct b2b_scim_pages people; /* of full passes */
	uint32_t left[B2B_ORGS_MAX]; /* by slot: how many left it by what passes over changes said, since the last full one */
};

#endif
