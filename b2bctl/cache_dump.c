#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bctl/dump.h"
#include "common/live.h"

json_t *b2b_dump_object(const char *name)
{
	return json_pack("{s:s, s:[]}", "file", name, "damage");
}

void b2b_dump_damage(struct b2b_dump *dump, json_t *object, uint64_t at, const char *what)
{
	json_array_append_new(json_object_get(object, "damage"), json_pack("{s:I, s:s}", "at", (json_int_t)at, "what", what));
	dump->damaged = true;
}

void b2b_dump_unread(struct b2b_dump *dump, json_t *object, int error, const struct b2b_finding *finding)
{
	if (error == -ENOENT)
		json_object_set_new(object, "absent", json_true());
	else if (error == -EACCES)
		json_object_set_new(object, "secret", json_true());
	else if (error == -EBADMSG || error == -EPROTONOSUPPORT)
		b2b_dump_damage(dump, object, finding->at, finding->what);
	else
		b2b_dump_damage(dump, object, 0, strerror(-error));
}

void b2b_dump_head(json_t *object, const struct b2b_format_head *head)
{
	json_object_set_new(object, "version", json_integer(head->version));
	json_object_set_new(object, "min_reader", json_integer(head->min_reader));
	json_object_set_new(object, "size", json_integer((json_int_t)head->size));
}

json_t *b2b_dump_text(const char *bytes, size_t size)
{
	size_t len = strnlen(bytes, size);
	json_t *text = json_stringn(bytes, len);
	char *copy;

	if (text)
		return text;
	copy = strndup(bytes, len);
	for (char *c = copy; c && *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	text = json_string(copy);
	free(copy);
	return text;
}

json_t *b2b_dump_word(uint32_t word)
{
	static const char *const states[] = { [B2B_LIVE_EMPTY] = "empty", [B2B_LIVE_OPEN] = "open", [B2B_LIVE_CLOSED] = "closed" };
	uint32_t state = B2B_LIVE_STATE(word);

	return json_pack("{s:s, s:I}", "state", state <= B2B_LIVE_CLOSED ? states[state] : "unknown", "epoch", (json_int_t)B2B_LIVE_EPOCH(word));
}

static json_t *dump_org(struct b2b_dump *dump, const struct b2b_dump_org *org)
{
	struct b2b_cache_file words = { 0 };
	json_t *live = b2b_dump_live(dump, org, &words), *snapshot = b2b_dump_roster(dump, org, &words);

	b2b_cache_file_clear(&words);
	return json_pack("{s:o?, s:s, s:[I,I], s:o, s:o}", "alias", *org->alias ? json_string(org->alias) : NULL, "id", org->id, "range",
	                 (json_int_t)org->range_lo, (json_int_t)org->range_hi, "live", live, "snapshot", snapshot);
}

static bool wanted(const struct b2b_ctl *ctl, const struct b2b_dump_org *org)
{
	return !ctl->operand || strcmp(ctl->operand, org->alias) == 0 || strcmp(ctl->operand, org->id) == 0;
}

/* One at a time, so that a large host's people need not all be in memory. */
static int dump_orgs(struct b2b_dump *dump, const struct b2b_dump_org *orgs, size_t n, unsigned *ret_shown)
{
	struct b2b_ctl *ctl = dump->ctl;
	int r = 0;

	*ret_shown = 0;
	for (size_t i = 0; r == 0 && i < n; i++) {
		json_t *org = wanted(ctl, &orgs[i]) ? dump_org(dump, &orgs[i]) : NULL;

		if (org && ctl->json && *ret_shown)
			fputc(',', ctl->out);
		if (org && ctl->json)
			r = json_dumpf(org, ctl->out, JSON_COMPACT) < 0 ? -EIO : 0;
		else if (org)
			r = b2b_show_org(ctl->out, org);
		*ret_shown += org != NULL;
		json_decref(org);
	}
	return r;
}

static int dump_all(struct b2b_dump *dump, const struct b2b_dump_org *orgs, size_t n, const json_t *index)
{
	struct b2b_ctl *ctl = dump->ctl;
	unsigned shown;
	int r;

	if (ctl->json) {
		fputs("{\"index\":", ctl->out);
		json_dumpf(index, ctl->out, JSON_COMPACT);
		fputs(",\"organisations\":[", ctl->out);
	} else if (!ctl->operand) {
		b2b_show_index(ctl->out, index);
	}
	r = dump_orgs(dump, orgs, n, &shown);
	if (ctl->json)
		fputs("]}\n", ctl->out);
	if (r < 0 || fflush(ctl->out) != 0)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "the cache could not be printed: %s", strerror(r < 0 ? -r : errno));
	if (shown == 0 && ctl->operand)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "there is no organisation %s in %s; b2bctl cache dump shows all", ctl->operand, ctl->cache_dir);
	return dump->damaged ? b2b_ctl_fail(ctl, B2B_CTL_FAILED, "some of it is damaged; b2bctl cache verify says what to do") : B2B_CTL_OK;
}

int b2b_ctl_cache_dump(struct b2b_ctl *ctl)
{
	struct b2b_dump dump = { .ctl = ctl };
	struct b2b_dump_org *orgs = NULL;
	json_t *index = b2b_dump_index(&dump);
	size_t n = 0;
	int r, code;

	r = b2b_dump_orgs(&dump, &orgs, &n);
	if (r < 0)
		code = b2b_ctl_fail(ctl, B2B_CTL_FAILED, "%s/live cannot be listed: %s", ctl->cache_dir, strerror(-r));
	else
		code = dump_all(&dump, orgs, n, index);
	free(orgs);
	json_decref(index);
	b2b_cache_file_clear(&dump.file);
	return code;
}
