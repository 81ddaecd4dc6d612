#include "common/live.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/live_map.h"
#include "common/trusted_file.h"

#define EPOCH_ONE 0x10u /* bits 4-31 */

bool b2b_format_live_valid(const struct b2b_format_live *header, size_t size, struct b2b_finding *ret_finding)
{
	if (!b2b_format_head_valid(&header->head, B2B_MAGIC_LIVE, size, sizeof(*header), ret_finding))
		return false;
	if (header->head.header_size > B2B_LIVE_WORDS_AT)
		return b2b_find(ret_finding, offsetof(struct b2b_format_head, header_size), "header_size: the header reaches into the words");
	if (header->range_lo > header->range_hi || header->range_hi - header->range_lo >= B2B_RANGE_MAX)
		return b2b_find(ret_finding, offsetof(struct b2b_format_live, range_lo), "range: it is none, or too large");
	if (size != b2b_live_size(header->range_lo, header->range_hi))
		return b2b_find(ret_finding, offsetof(struct b2b_format_live, range_hi), "range: the file has not a word for each of its ids");
	return true;
}

int b2b_live_map(int fd, size_t size, int protection, struct b2b_live **ret_live)
{
	struct b2b_format_live header;
	struct b2b_live *live;
	void *file;

	if (size < B2B_LIVE_WORDS_AT)
		return -EBADMSG;
	live = calloc(1, sizeof(*live));
	if (!live)
		return -ENOMEM;
	file = mmap(NULL, size, protection, MAP_SHARED, fd, 0);
	if (file == MAP_FAILED) {
		int r = -errno;

		free(live);
		return r;
	}
	live->file = file;
	live->size = size;
	b2b_copy(&header, file, sizeof(header));
	live->range_lo = header.range_lo;
	live->range_hi = header.range_hi;
	if (!b2b_format_live_valid(&header, size, NULL)) {
		b2b_live_unmap(live);
		return b2b_format_head_newer(&header.head, B2B_MAGIC_LIVE) ? -EPROTONOSUPPORT : -EBADMSG;
	}
	*ret_live = live;
	return 0;
}

int b2b_live_open(const char *dir, const char *org_id, struct b2b_live **ret_live)
{
	char path[PATH_MAX];
	size_t size;
	int fd, r;

	if (!b2b_org_id_valid(org_id))
		return -ENOENT;
	if (snprintf(path, sizeof(path), "%s/live/%s", dir, org_id) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = b2b_trusted_open(path, b2b_live_size(0, B2B_RANGE_MAX - 1), &size);
	if (fd < 0)
		return fd == -ELOOP ? -EPERM : fd == -EFBIG ? -EBADMSG : fd;
	r = b2b_live_map(fd, size, PROT_READ, ret_live);
	close(fd);
	return r;
}

void b2b_live_unmap(struct b2b_live *live)
{
	if (!live)
		return;
	munmap(live->file, live->size);
	free(live);
}

/* The word of UID, or NULL when it lies outside the range. */
static uint32_t *word_of(const struct b2b_live *live, uint32_t uid)
{
	unsigned char *base = (unsigned char *)live->file;

	if (uid < live->range_lo || uid > live->range_hi)
		return NULL;
	return (uint32_t *)(base + B2B_LIVE_WORDS_AT) + (uid - live->range_lo);
}

/* One store that readers see whole; the loop only matters should two writers ever meet. */
static void change_word(uint32_t *word, enum b2b_live_state state, bool bump_epoch)
{
	uint32_t old = __atomic_load_n(word, __ATOMIC_RELAXED), new;

	do
		new = (old & ~0xfu) + (bump_epoch ? EPOCH_ONE : 0) + ((uint32_t)state & 0xfu);
	while (!__atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

uint32_t b2b_live_load(const struct b2b_live *live, uint32_t uid)
{
	const uint32_t *word = word_of(live, uid);

	return word ? b2b_load32(word) : 0;
}

void b2b_live_range(const struct b2b_live *live, uint32_t *ret_lo, uint32_t *ret_hi)
{
	*ret_lo = live->range_lo;
	*ret_hi = live->range_hi;
}

uint32_t b2b_live_load_org(const struct b2b_live *live)
{
	return b2b_load32(&live->file->org_word);
}

int b2b_live_store(struct b2b_live *live, uint32_t uid, enum b2b_live_state state, bool bump_epoch)
{
	uint32_t *word = word_of(live, uid), changing = b2b_load32(&live->file->changes) | 1;

	if (!word)
		return -ERANGE;
	/* Odd meanwhile, also where this is the end of us: nobody then copies a roster that may list who is closed. */
	__atomic_store_n(&live->file->changes, changing, __ATOMIC_RELAXED);
	change_word(word, state, bump_epoch);
	__atomic_store_n(&live->file->changes, changing + 1, __ATOMIC_RELEASE);
	return 0;
}

void b2b_live_rest(struct b2b_live *live)
{
	if (live)
		__atomic_store_n(&live->file->changes, b2b_load32(&live->file->changes) | 1, __ATOMIC_RELEASE);
}

void b2b_live_wake(struct b2b_live *live)
{
	if (live)
		__atomic_store_n(&live->file->changes, (b2b_load32(&live->file->changes) | 1) + 1, __ATOMIC_RELEASE);
}

void b2b_live_store_org(struct b2b_live *live, enum b2b_live_state state, bool bump_epoch)
{
	change_word(&live->file->org_word, state, bump_epoch);
}

void b2b_live_beat(struct b2b_live *live, uint64_t now_ns)
{
	__atomic_store_n(&live->file->heartbeat_ns, now_ns, __ATOMIC_RELEASE);
}

void b2b_live_verified(struct b2b_live *live, uint64_t now_ns)
{
	__atomic_store_n(&live->file->verified_ns, now_ns, __ATOMIC_RELEASE);
}

uint64_t b2b_live_heartbeat(const struct b2b_live *live)
{
	return b2b_load64(&live->file->heartbeat_ns);
}

uint64_t b2b_live_verified_at(const struct b2b_live *live)
{
	return b2b_load64(&live->file->verified_ns);
}

uint64_t b2b_live_generation(const struct b2b_live *live)
{
	return b2b_load64(&live->file->generation);
}

void b2b_live_set_generation(struct b2b_live *live, uint64_t generation)
{
	__atomic_store_n(&live->file->generation, generation, __ATOMIC_RELEASE);
}

void b2b_live_set_unpublished(struct b2b_live *live)
{
	live->unpublished = true;
	live->unpublished_at = b2b_live_generation(live);
}

bool b2b_live_unpublished(const struct b2b_live *live)
{
	return live->unpublished && live->unpublished_at == b2b_live_generation(live);
}
