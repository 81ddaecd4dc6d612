#include "b2bd/guard/present.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int add(struct b2b_present *present, const struct b2b_policy *policy, uint32_t uid)
{
	if (b2b_policy_org_by_uid(policy, uid) < 0 || (present->n && present->uids[present->n - 1] == uid))
		return 0;
	if (present->n == present->size) {
		size_t size = present->size ? 2 * present->size : 256;
		uint32_t *uids = reallocarray(present->uids, size, sizeof(*uids));

		if (!uids)
			return -ENOMEM;
		present->uids = uids;
		present->size = size;
	}
	present->uids[present->n++] = uid;
	return 0;
}

/* Login uid and slice of those who do not run as a partner: a partner's own are no news, or somebody else's to be left alone. */
static int add_process(struct b2b_present *present, const struct b2b_policy *policy, struct b2b_process *process)
{
	int r = 0;

	for (int i = 0; i < 4 && r == 0; i++)
		r = add(present, policy, process->uids[i]);
	if (r == 0 && !process->kernel && b2b_policy_org_by_uid(policy, process->uids[0]) < 0) {
		r = add(present, policy, b2b_process_loginuid(process));
		if (r == 0)
			r = add(present, policy, b2b_process_slice(process));
	}
	return r;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void sort(struct b2b_present *present)
{
	size_t kept = 0;

	if (present->n)
		qsort(present->uids, present->n, sizeof(*present->uids), by_number);
	for (size_t i = 0; i < present->n; i++) {
		if (kept == 0 || present->uids[kept - 1] != present->uids[i])
			present->uids[kept++] = present->uids[i];
	}
	present->n = kept;
}

int b2b_present_gather(struct b2b_present *present, struct b2b_processes *list, const struct b2b_registry *registry, const struct b2b_policy *policy)
{
	int r = 0;

	present->n = 0;
	for (size_t i = 0; i < list->n && r == 0; i++)
		r = add_process(present, policy, &list->items[i]);
	for (size_t i = 0; i < registry->n && r == 0; i++)
		r = add(present, policy, registry->items[i].uid);
	sort(present);
	return r;
}

bool b2b_present_any(const struct b2b_present *present, const struct b2b_scope *scope)
{
	if (scope->kind == B2B_SCOPE_USER)
		return present->n && bsearch(&scope->uid, present->uids, present->n, sizeof(scope->uid), by_number);
	for (size_t i = 0; i < present->n; i++) {
		if (b2b_scope_has_uid(scope, present->uids[i]))
			return true;
	}
	return false;
}

void b2b_present_free(struct b2b_present *present)
{
	free(present->uids);
	memset(present, 0, sizeof(*present));
}
