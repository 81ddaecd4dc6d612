#include "b2bd/directory/scim_pages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/directory/scim_text.h"
#include "common/clock.h"

#define BYTES_MAX (16u << 20)
#define ETAG_MAX 512
#define WHOLE_EVERY_NS (3600 * B2B_NS_PER_S)

static void drop_one(struct b2b_scim_kept *kept)
{
	free(kept->url);
	free(kept->etag);
	free(kept->next);
	free(kept->ids);
	free(kept->modified_ms);
	memset(kept, 0, sizeof(*kept));
}

static void drop_all(struct b2b_scim_kept **list, size_t *n)
{
	while (*n)
		drop_one(&(*list)[--*n]);
	free(*list);
	*list = NULL;
}

static void drop_read(struct b2b_scim_pages *pages)
{
	drop_all(&pages->read, &pages->n_read);
	pages->room = pages->bytes = 0;
}

void b2b_scim_pages_begin(struct b2b_scim_pages *pages)
{
	drop_read(pages);
	if (pages->whole_ns && b2b_now_ns() - pages->whole_ns < WHOLE_EVERY_NS)
		return;
	drop_all(&pages->known, &pages->n_known);
	pages->whole_ns = b2b_now_ns();
}

const struct b2b_scim_kept *b2b_scim_pages_next(const struct b2b_scim_pages *pages, const char *url)
{
	const struct b2b_scim_kept *kept = pages->n_read < pages->n_known ? &pages->known[pages->n_read] : NULL;

	return kept && kept->etag && strcmp(kept->url, url) == 0 ? kept : NULL;
}

/* Returns where the next page is put, zeroed, or NULL for want of memory. */
static struct b2b_scim_kept *add(struct b2b_scim_pages *pages)
{
	struct b2b_scim_kept *more;

	if (pages->n_read == pages->room) {
		more = reallocarray(pages->read, pages->room * 2 + 16, sizeof(*more));
		if (!more)
			return NULL;
		pages->read = more;
		pages->room = pages->room * 2 + 16;
	}
	memset(&pages->read[pages->n_read], 0, sizeof(*more));
	return &pages->read[pages->n_read++];
}

static json_t *resource_of(const char *id, int64_t modified_ms)
{
	char second[B2B_SCIM_TIME_SIZE], text[B2B_SCIM_TIME_SIZE + 4];

	if (modified_ms <= 0)
		return json_pack("{s:s}", "id", id);
	b2b_scim_time_text(modified_ms, second);
	snprintf(text, sizeof(text), "%.19s.%03dZ", second, (int)(modified_ms % 1000));
	return json_pack("{s:s,s:{s:s}}", "id", id, "meta", "lastModified", text);
}

int b2b_scim_pages_restore(const struct b2b_scim_kept *kept, struct b2b_scim_page *ret_page)
{
	json_t *root = json_object(), *resources = json_array();
	const char *id = kept->ids;
	int r = root && json_object_set_new(root, "Resources", resources) == 0 ? 0 : -ENOMEM;
	size_t i;

	for (i = 0; i < kept->n && r == 0; i++, id += strlen(id) + 1)
		r = json_array_append_new(resources, resource_of(id, kept->modified_ms[i])) == 0 ? 0 : -ENOMEM;
	if (r == 0 && kept->next)
		r = json_object_set_new(root, "nextCursor", json_string(kept->next)) == 0 ? 0 : -ENOMEM;
	if (r < 0) {
		json_decref(root);
		return r;
	}
	*ret_page = (struct b2b_scim_page){ .root = root, .resources = resources, .total = kept->total,
		                            .next = json_string_value(json_object_get(root, "nextCursor")) };
	return 0;
}

void b2b_scim_pages_keep_same(struct b2b_scim_pages *pages)
{
	struct b2b_scim_kept *known = &pages->known[pages->n_read], *kept = add(pages);

	if (!kept)
		return;
	*kept = *known;
	memset(known, 0, sizeof(*known));
	pages->bytes += kept->bytes;
}

/* Returns 0 or -ENOMEM; KEPT is to be dropped then. */
static int take(struct b2b_scim_kept *kept, const json_t *resources)
{
	const json_t *resource;
	const char *id;
	char *at;
	size_t i;

	json_array_foreach(resources, i, resource)
		kept->bytes += strlen(b2b_scim_id(resource)) + 1 + sizeof(*kept->modified_ms);
	kept->ids = at = malloc(kept->bytes + 1);
	kept->modified_ms = calloc(json_array_size(resources) + 1, sizeof(*kept->modified_ms));
	if (!kept->ids || !kept->modified_ms)
		return -ENOMEM;
	json_array_foreach(resources, i, resource) {
		id = b2b_scim_id(resource);
		memcpy(at, id, strlen(id) + 1);
		at += strlen(id) + 1;
		if (b2b_scim_modified(resource, &kept->modified_ms[i]) < 0)
			kept->modified_ms[i] = 0;
	}
	kept->n = i;
	return 0;
}

void b2b_scim_pages_keep(struct b2b_scim_pages *pages, const char *url, const char *etag, const struct b2b_scim_page *page)
{
	struct b2b_scim_kept *kept = add(pages);

	if (!kept || !etag || strlen(etag) > ETAG_MAX || pages->bytes > BYTES_MAX)
		return;
	kept->url = strdup(url);
	kept->etag = strdup(etag);
	kept->next = page->next ? strdup(page->next) : NULL;
	kept->total = page->total;
	if (!kept->url || !kept->etag || (page->next && !kept->next) || take(kept, page->resources) < 0)
		drop_one(kept);
	pages->bytes += kept->bytes;
}

void b2b_scim_pages_end(struct b2b_scim_pages *pages, bool complete)
{
	drop_all(&pages->known, &pages->n_known);
	if (complete) {
		pages->known = pages->read;
		pages->n_known = pages->n_read;
		pages->read = NULL;
		pages->n_read = 0;
	}
	drop_read(pages);
}

void b2b_scim_pages_clear(struct b2b_scim_pages *pages)
{
	b2b_scim_pages_end(pages, false);
}
