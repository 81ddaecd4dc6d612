/* The file of pinned ids: whatever the bytes, it is pins that keep their rules and are found both ways, or one error that names the file. */
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"
#include "common/idmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct b2b_policy_org orgs[] = {
	{ .id = "42c3e9", .alias = "acme", .parent = -1, .range_lo = 0x78000000, .range_hi = 0x7800ffff },
	{ .id = "9d01f2", .alias = "globex", .parent = -1, .range_lo = 0x78010000, .range_hi = 0x7801003f },
};
static struct b2b_policy policy = { .orgs = orgs, .n_orgs = 2 };

static void check(const struct b2b_idmap *idmap)
{
	size_t n;
	const struct b2b_pin *pins = b2b_idmap_pins(idmap, &n);

	for (size_t i = 0; i < n; i++) {
		int org = b2b_policy_org_by_id(&policy, pins[i].org_id);

		if (org < 0 || pins[i].id <= orgs[org].range_lo || pins[i].id > orgs[org].range_hi || !b2b_owner_valid(pins[i].owner) ||
		    b2b_idmap_by_id(idmap, pins[i].id) != &pins[i] ||
		    b2b_idmap_by_owner(idmap, pins[i].org_id, pins[i].kind, pins[i].owner) != &pins[i])
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[B2B_CONF_ERROR_SIZE];
	struct b2b_idmap *idmap = NULL;
	int r = b2b_idmap_parse((const char *)data, size, "fuzz", &policy, &idmap, error);

	if (r < 0 && (strncmp(error, "fuzz:", 5) != 0 || idmap))
		abort();
	for (const char *c = error; r < 0 && *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			abort(); /* the file's bytes must not reach a terminal */
	if (r == 0)
		check(idmap);
	b2b_idmap_free(idmap);
	return 0;
}
