/*
 * The guard against mass removal: an empty answer of a directory is not "everyone is gone", so an organisation that would lose
 * more than root's threshold in one pass loses nobody until an administrator has said so (b2bctl approve). An event of the
 * service about somebody is its explicit word, and does not come by here.
 */
#ifndef B2B_MASS_GUARD_H
#define B2B_MASS_GUARD_H

#include "b2bd/state/directory_state.h"
#include "b2bd/state/removal_state.h"
#include "common/conf.h"

enum b2b_mass {
	B2B_MASS_NONE,     /* below the threshold; what waited is forgotten: this pass does not want it */
	B2B_MASS_WAITS,    /* nobody may be removed; it was noted for the administrator */
	B2B_MASS_APPROVED, /* an administrator approved it */
};

#define B2B_MASS_WHY_SIZE 256

/* Would MISSING of LIVING be more than root's threshold? */
bool b2b_mass_is(const struct b2b_conf_federation *conf, uint64_t missing, uint64_t living);

/*
 * What may be done about the people of ORG whom PASS, which was complete, did not meet; LISTED: it met the organisation.
 * Returns an enum b2b_mass, with a sentence in WHY where it waits; or a negative errno: then nobody may be removed.
 */
int b2b_mass_judge(struct b2b_state *state, const struct b2b_conf_federation *conf, const struct b2b_policy_org *org, int64_t pass,
                   bool listed, char why[B2B_MASS_WHY_SIZE]);

/* The organisation itself is gone, and that was approved: note its end as the directory's word. Returns 0 or a negative errno. */
int b2b_mass_end_org(struct b2b_state *state, const char *org_id, int64_t pass);

#endif
