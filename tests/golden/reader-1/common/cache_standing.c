#include <errno.h>

#include "common/cache_look.h"
#include "common/clock.h"
#include "common/live.h"

static bool within(uint64_t then, uint64_t now, uint64_t most)
{
	return then != 0 && then <= now && now - then < most;
}

/* Heartbeat and lease are times of one boot; in another they mean nothing. */
static void judge_times(const struct b2b_look *look, bool known, const struct b2b_format_service *service, struct b2b_standing *standing)
{
	struct b2b_format_live header;
	uint64_t now = b2b_now_ns();
	uint8_t boot_id[16];

	if (b2b_boot_id(boot_id) < 0)
		return;
	b2b_copy(&header, look->org->live.base, sizeof(header));
	if (memcmp(header.boot_id, boot_id, sizeof(boot_id)) != 0)
		return;
	standing->agent_alive = within(header.heartbeat_ns, now, B2B_HEARTBEAT_FRESH_NS);
	standing->lease_valid = known && within(header.verified_ns, now, service->staleness_s * B2B_NS_PER_S);
}

static uint64_t fold_words(const struct b2b_org *org)
{
	uint64_t folded = 0;

	for (uint32_t i = 0; i < org->n_chain; i++)
		folded = (folded ^ b2b_load32(org->chain[i])) * 0x100000001b3u + 1;
	return folded;
}

static void judge(const struct b2b_look *look, const char *service_name, struct b2b_standing *standing)
{
	const struct b2b_format_org *record = &look->org->record;
	struct b2b_format_service service;
	uint32_t number;
	bool known;

	memset(standing, 0, sizeof(*standing));
	standing->uid = record->range_lo + look->entry.record.offset;
	memcpy(standing->alias, record->alias, sizeof(standing->alias));
	memcpy(standing->org_id, record->id, sizeof(standing->org_id));
	known = b2b_view_service(look->view, service_name, &number, &service) == 0;
	standing->service_granted = known && (record->services & 1ull << number);
	judge_times(look, known, &service, standing);
	/* The words last: what passes while the rest is judged is seen. Folded before they are looked at, so that it is never newer than they. */
	standing->org_words = fold_words(look->org);
	standing->org_open = b2b_org_open(look->org);
	standing->word = b2b_org_word(look->org, look->entry.record.offset);
	standing->user_open = B2B_LIVE_STATE(standing->word) == B2B_LIVE_OPEN;
}

int b2b_cache_standing(struct b2b_cache *cache, const char *name, const char *service, struct b2b_standing *ret_standing)
{
	struct b2b_standing standing;
	struct b2b_look look;
	int r;

	r = b2b_look_begin_user(&look, cache, name);
	if (r == 0) {
		judge(&look, service, &standing);
		r = b2b_name_join(look.entry.local, look.view->index.separator, standing.alias, standing.name, sizeof(standing.name));
		b2b_look_end(&look);
	}
	if (r == 0)
		*ret_standing = standing;
	return r < 0 && r != -ENOENT && r != -ESRCH ? -ENODATA : r;
}
