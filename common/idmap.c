#include "common/idmap.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cache_format.h"
#include "common/conf_draft.h"

#define FILE_MOST (128u << 20)

struct b2b_idmap {
	char *text;           /* what the pins' strings lie in */
	struct b2b_pin *pins; /* ascending by id */
	uint32_t *by_owner;   /* numbers of pins, ascending by owner */
	size_t n, room;
	size_t n_foreign;
	int foreign_line;
};

/* A file that is being read. */
struct reading {
	const char *name;
	const struct b2b_policy *policy;
	struct b2b_idmap *idmap;
	int line;
	char *error;
};

static const char *const kinds[] = { "", "user", "group" };

const char *b2b_id_kind_name(enum b2b_id_kind kind)
{
	return kind == B2B_ID_USER || kind == B2B_ID_GROUP ? kinds[kind] : "?";
}

enum b2b_id_kind b2b_id_kind_by_name(const char *name, size_t len)
{
	for (int kind = B2B_ID_USER; kind <= B2B_ID_GROUP; kind++)
		if (strlen(kinds[kind]) == len && memcmp(kinds[kind], name, len) == 0)
			return (enum b2b_id_kind)kind;
	return 0;
}

bool b2b_owner_valid(const char *text)
{
	const char *at;

	for (at = text; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return false;
	return at != text && at - text < B2B_OWNER_SIZE;
}

bool b2b_pin_writable(const char *text)
{
	return *text && *text != ' ' && text[strlen(text) - 1] != ' ';
}

__attribute__((format(printf, 3, 4))) static int fail(struct reading *reading, int line, const char *format, ...)
{
	int at = line ? snprintf(reading->error, B2B_CONF_ERROR_SIZE, "%s:%d: ", reading->name, line)
	              : snprintf(reading->error, B2B_CONF_ERROR_SIZE, "%s: ", reading->name);
	va_list args;

	va_start(args, format);
	if (at > 0 && at < B2B_CONF_ERROR_SIZE)
		vsnprintf(reading->error + at, (size_t)(B2B_CONF_ERROR_SIZE - at), format, args);
	va_end(args);
	return -EINVAL;
}

static int fail_word(struct reading *reading, const char *word, const char *expected)
{
	char quoted[B2B_QUOTE_SIZE];

	return fail(reading, reading->line, "found %s; expected %s", b2b_draft_quote(word, strlen(word), quoted), expected);
}

static char *skip_blanks(char *at)
{
	return at + strspn(at, " \t");
}

/* The word at *AT, ended with NUL; *AT goes behind it and the blanks that follow. */
static char *take_word(char **at)
{
	char *word = *at, *end = word + strcspn(word, " \t");

	*at = skip_blanks(end);
	*end = '\0';
	return word;
}

static int add(struct reading *reading, const struct b2b_pin *pin)
{
	struct b2b_idmap *idmap = reading->idmap;
	size_t room = idmap->room ? idmap->room * 2 : 64;
	struct b2b_pin *more;

	if (idmap->n == idmap->room) {
		more = reallocarray(idmap->pins, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		idmap->pins = more;
		idmap->room = room;
	}
	idmap->pins[idmap->n++] = *pin;
	return 0;
}

static int judge_id(struct reading *reading, const char *word, const struct b2b_policy_org *org, uint32_t *ret_id)
{
	uint64_t id;

	if (b2b_conf_read_number(word, strlen(word), &id) < 0)
		return fail_word(reading, word, "an id, decimal or hexadecimal after 0x");
	if (org && (id <= org->range_lo || id > org->range_hi))
		return fail(reading, reading->line, "found id %llu (0x%llx); expected one of 0x%x-0x%x, the range of %s without its first",
		            (unsigned long long)id, (unsigned long long)id, org->range_lo + 1, org->range_hi, org->alias);
	*ret_id = (uint32_t)id;
	return 0;
}

/* LINE has no blanks at its ends, and is not empty. */
static int read_pin(struct reading *reading, char *line)
{
	struct b2b_pin pin = { .line = reading->line };
	const char *word;
	int org, r;

	pin.org_id = take_word(&line);
	if (!b2b_org_id_valid(pin.org_id))
		return fail_word(reading, pin.org_id, "ORGANISATION KIND ID OWNER, beginning with the organisation's id");
	word = take_word(&line);
	pin.kind = b2b_id_kind_by_name(word, strlen(word));
	if (!pin.kind)
		return fail_word(reading, word, "user or group");
	org = b2b_policy_org_by_id(reading->policy, pin.org_id);
	r = judge_id(reading, take_word(&line), org >= 0 ? &reading->policy->orgs[org] : NULL, &pin.id);
	if (r < 0)
		return r;
	pin.owner = line;
	if (!b2b_owner_valid(pin.owner))
		return fail_word(reading, pin.owner, "the directory's id of the person or group, at most 255 bytes");
	if (org >= 0)
		return add(reading, &pin);
	if (!reading->idmap->n_foreign++)
		reading->idmap->foreign_line = reading->line;
	return 0;
}

static int read_lines(struct reading *reading, char *text, size_t len)
{
	char *end = text + len, *newline, *last;
	int r = 0;

	if (memchr(text, '\0', len))
		return fail(reading, 0, "found a NUL byte; expected text");
	while (r == 0 && text < end) {
		newline = memchr(text, '\n', (size_t)(end - text));
		last = newline ? newline : end;
		*last = '\0';
		reading->line++;
		for (char *at = last; at > text && strchr(" \t\r", at[-1]);)
			*--at = '\0';
		text = skip_blanks(text);
		if (*text && *text != '#')
			r = read_pin(reading, text);
		text = last + 1;
	}
	return r;
}

static int compare_owners(const struct b2b_pin *left, const struct b2b_pin *right)
{
	int r = strcmp(left->owner, right->owner);

	if (r == 0)
		r = strcmp(left->org_id, right->org_id);
	return r ? r : (int)left->kind - (int)right->kind;
}

static int by_id(const void *a, const void *b)
{
	const struct b2b_pin *left = a, *right = b;

	if (left->id != right->id)
		return left->id > right->id ? 1 : -1;
	return left->line - right->line;
}

static int by_owner(const void *a, const void *b, void *arg)
{
	const struct b2b_pin *pins = arg, *left = &pins[*(const uint32_t *)a], *right = &pins[*(const uint32_t *)b];
	int r = compare_owners(left, right);

	return r ? r : left->line - right->line;
}

/* Sorted both ways; what stands there twice are neighbours then. */
static int sort(struct reading *reading)
{
	struct b2b_idmap *idmap = reading->idmap;
	const struct b2b_pin *pins = idmap->pins;

	if (idmap->n == 0)
		return 0;
	qsort(idmap->pins, idmap->n, sizeof(*idmap->pins), by_id);
	for (size_t i = 1; i < idmap->n; i++)
		if (pins[i].id == pins[i - 1].id)
			return fail(reading, pins[i].line, "found id %u (0x%x), which line %d gives to another; expected each id once", pins[i].id, pins[i].id,
			            pins[i - 1].line);
	idmap->by_owner = calloc(idmap->n, sizeof(*idmap->by_owner));
	if (!idmap->by_owner)
		return -ENOMEM;
	for (size_t i = 0; i < idmap->n; i++)
		idmap->by_owner[i] = (uint32_t)i;
	qsort_r(idmap->by_owner, idmap->n, sizeof(*idmap->by_owner), by_owner, idmap->pins);
	for (size_t i = 1; i < idmap->n; i++) {
		const struct b2b_pin *before = &pins[idmap->by_owner[i - 1]], *pin = &pins[idmap->by_owner[i]];

		if (compare_owners(before, pin) == 0)
			return fail(reading, pin->line, "found a second id of a %s that line %d gives 0x%x; expected each owner once", b2b_id_kind_name(pin->kind),
			            before->line, before->id);
	}
	return 0;
}

/* Takes TEXT (malloc'ed, LEN bytes and a NUL) over. */
static int take_text(char *text, size_t len, const char *name, const struct b2b_policy *policy, struct b2b_idmap **ret_idmap, char *error)
{
	struct b2b_idmap *idmap = calloc(1, sizeof(*idmap));
	struct reading reading = { .name = name, .policy = policy, .idmap = idmap, .error = error };
	int r;

	error[0] = '\0';
	if (!idmap) {
		free(text);
		return -ENOMEM;
	}
	idmap->text = text;
	r = read_lines(&reading, text, len);
	if (r == 0)
		r = sort(&reading);
	if (r < 0) {
		if (!error[0])
			fail(&reading, 0, "%s", strerror(-r));
		b2b_idmap_free(idmap);
		return r;
	}
	*ret_idmap = idmap;
	return 0;
}

int b2b_idmap_parse(const char *text, size_t len, const char *name, const struct b2b_policy *policy, struct b2b_idmap **ret_idmap,
                    char *error)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return take_text(copy, len, name, policy, ret_idmap, error);
}

int b2b_idmap_read(const char *path, const struct b2b_policy *policy, struct b2b_idmap **ret_idmap, char *error)
{
	char *text = NULL;
	size_t len;
	int r = b2b_conf_read_text(path, FILE_MOST, &text, &len, error);

	return r < 0 ? r : take_text(text, len, path, policy, ret_idmap, error);
}

void b2b_idmap_free(struct b2b_idmap *idmap)
{
	if (!idmap)
		return;
	free(idmap->by_owner);
	free(idmap->pins);
	free(idmap->text);
	free(idmap);
}

const struct b2b_pin *b2b_idmap_by_owner(const struct b2b_idmap *idmap, const char *org_id, enum b2b_id_kind kind, const char *owner)
{
	const struct b2b_pin wanted = { .org_id = org_id, .owner = owner, .kind = kind };
	size_t lo = 0, hi = idmap ? idmap->n : 0;

	while (lo < hi) {
		size_t middle = lo + (hi - lo) / 2;
		const struct b2b_pin *pin = &idmap->pins[idmap->by_owner[middle]];
		int r = compare_owners(pin, &wanted);

		if (r == 0)
			return pin;
		if (r < 0)
			lo = middle + 1;
		else
			hi = middle;
	}
	return NULL;
}

const struct b2b_pin *b2b_idmap_by_id(const struct b2b_idmap *idmap, uint32_t id)
{
	size_t lo = 0, hi = idmap ? idmap->n : 0;

	while (lo < hi) {
		size_t middle = lo + (hi - lo) / 2;

		if (idmap->pins[middle].id == id)
			return &idmap->pins[middle];
		if (idmap->pins[middle].id < id)
			lo = middle + 1;
		else
			hi = middle;
	}
	return NULL;
}

const struct b2b_pin *b2b_idmap_pins(const struct b2b_idmap *idmap, size_t *ret_n)
{
	*ret_n = idmap ? idmap->n : 0;
	return idmap ? idmap->pins : NULL;
}

size_t b2b_idmap_foreign(const struct b2b_idmap *idmap, int *ret_line)
{
	*ret_line = idmap ? idmap->foreign_line : 0;
	return idmap ? idmap->n_foreign : 0;
}
