#include "tests/federation/misbehave.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	size_t offset;
	const char *unit; /* member that holds the value; NULL: it has none */
} faults[] = {
	{ "slow", offsetof(struct fed_misbehaviour, slow), "ms" },
	{ "status", offsetof(struct fed_misbehaviour, status), "code" },
	{ "drop", offsetof(struct fed_misbehaviour, drop), NULL },
};

static const struct {
	const char *name;
	size_t offset;
} switches[] = {
	{ "wrong_key", offsetof(struct fed_misbehaviour, wrong_key) },     { "unknown_kid", offsetof(struct fed_misbehaviour, unknown_kid) },
	{ "empty_page", offsetof(struct fed_misbehaviour, empty_page) },   { "repeat_page", offsetof(struct fed_misbehaviour, repeat_page) },
	{ "expire_cursors", offsetof(struct fed_misbehaviour, expire_cursors) }, { "no_ciba", offsetof(struct fed_misbehaviour, no_ciba) },
	{ "replay", offsetof(struct fed_misbehaviour, replay) },           { "hold_events", offsetof(struct fed_misbehaviour, hold_events) },
};

static const struct {
	const char *name;
	size_t offset;
} texts[] = {
	{ "wrong_issuer", offsetof(struct fed_misbehaviour, wrong_issuer) },
	{ "wrong_audience", offsetof(struct fed_misbehaviour, wrong_audience) },
	{ "jwks", offsetof(struct fed_misbehaviour, jwks) },
	{ "status_list", offsetof(struct fed_misbehaviour, status_list) },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_off(const json_t *value)
{
	return json_is_null(value) || json_is_false(value);
}

static int take_fault(struct fed_fault *fault, const char *unit, const json_t *order)
{
	struct fed_fault wanted = { .family = "*", .count = -1 };
	if (is_off(order)) {
		*fault = (struct fed_fault){ 0 };
		return 0;
	}
	if (!json_is_object(order) && !(json_is_true(order) && !unit))
		return -EINVAL;
	const json_t *family = json_object_get(order, "family"), *count = json_object_get(order, "count");
	const json_t *value = unit ? json_object_get(order, unit) : NULL;
	if ((family && !json_is_string(family)) || (count && !json_is_integer(count)) || (unit && !json_is_integer(value)))
		return -EINVAL;
	if (family)
		snprintf(wanted.family, sizeof(wanted.family), "%s", json_string_value(family));
	if (count)
		wanted.count = json_integer_value(count);
	wanted.value = json_integer_value(value);
	if (unit && (wanted.value < 0 || wanted.value > 600000 || (strcmp(unit, "code") == 0 && (wanted.value < 100 || wanted.value > 599))))
		return -EINVAL;
	*fault = wanted;
	return 0;
}

/* Apply one member to MISBEHAVIOUR, whose texts are borrowed from the order. */
static int take_one(struct fed_misbehaviour *misbehaviour, const char *name, const json_t *value)
{
	char *base = (char *)misbehaviour;
	for (size_t i = 0; i < COUNT(faults); i++)
		if (strcmp(name, faults[i].name) == 0)
			return take_fault((struct fed_fault *)(void *)(base + faults[i].offset), faults[i].unit, value);
	for (size_t i = 0; i < COUNT(switches); i++)
		if (strcmp(name, switches[i].name) == 0) {
			if (!json_is_boolean(value) && !json_is_null(value))
				return -EINVAL;
			*(bool *)(base + switches[i].offset) = json_is_true(value);
			return 0;
		}
	for (size_t i = 0; i < COUNT(texts); i++)
		if (strcmp(name, texts[i].name) == 0) {
			if (!is_off(value) && !json_is_string(value))
				return -EINVAL;
			*(const char **)(void *)(base + texts[i].offset) = json_string_value(value);
			return 0;
		}
	if (strcmp(name, "registration") == 0 && (is_off(value) || json_is_object(value))) {
		misbehaviour->registration = is_off(value) ? NULL : (json_t *)(uintptr_t)value;
		return 0;
	}
	return strcmp(name, "reset") == 0 ? 0 : -EINVAL;
}

static char **text_of(struct fed_misbehaviour *misbehaviour, size_t i)
{
	return (char **)(void *)((char *)misbehaviour + texts[i].offset);
}

/* Turn the borrowed texts of WANTED into copies of its own. */
static int own_texts(struct fed_misbehaviour *wanted)
{
	struct fed_misbehaviour own = *wanted;
	for (size_t i = 0; i < COUNT(texts); i++)
		if (*text_of(wanted, i) && !(*text_of(&own, i) = strdup(*text_of(wanted, i)))) {
			while (i-- > 0)
				free(*text_of(&own, i));
			return -ENOMEM;
		}
	*wanted = own;
	json_incref(wanted->registration);
	return 0;
}

int fed_misbehave(struct fed_misbehaviour *misbehaviour, const json_t *body, const char **ret_what)
{
	struct fed_misbehaviour wanted = *misbehaviour;
	const char *name;
	json_t *value;
	if (json_is_true(json_object_get(body, "reset")))
		wanted = (struct fed_misbehaviour){ 0 };
	json_object_foreach ((json_t *)(uintptr_t)body, name, value) {
		if (take_one(&wanted, name, value) != 0) {
			*ret_what = name;
			return -EINVAL;
		}
	}
	if (own_texts(&wanted) != 0)
		return -ENOMEM;
	fed_misbehave_clear(misbehaviour);
	*misbehaviour = wanted;
	return 0;
}

void fed_misbehave_clear(struct fed_misbehaviour *misbehaviour)
{
	for (size_t i = 0; i < COUNT(texts); i++)
		free(*text_of(misbehaviour, i));
	json_decref(misbehaviour->registration);
	*misbehaviour = (struct fed_misbehaviour){ 0 };
}

bool fed_fault_strikes(struct fed_fault *fault, const char *family)
{
	if (fault->count == 0 || (strcmp(fault->family, "*") != 0 && strcmp(fault->family, family) != 0))
		return false;
	if (strcmp(family, "control") == 0) /* else nobody could switch it off */
		return false;
	if (fault->count > 0)
		fault->count--;
	return true;
}
