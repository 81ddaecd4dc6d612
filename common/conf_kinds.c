#include "common/conf_kinds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cache_format.h"
#include "common/policy.h"

#define DURATION_MOST_S 86400 /* of a list */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool printable(const char *value)
{
	for (; *value; value++)
		if ((unsigned char)*value < ' ' || *value == 0x7f)
			return false;
	return true;
}

static void clear_text(void *field)
{
	char **text = field;

	free(*text);
	*text = NULL;
}

static int keep_text(const char *value, void *field)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	clear_text(field);
	*(char **)field = copy;
	return 0;
}

static int keep_if(bool valid, const char *value, void *field)
{
	return valid ? keep_text(value, field) : -EINVAL;
}

static int parse_text(const struct b2b_conf_key *key, const char *value, void *field)
{
	(void)key;
	return keep_if(value[0] && printable(value), value, field);
}

/* What RFC 3986 lets stand in a URL, apart from the characters of REFUSED. */
static bool url_valid(const char *value, const char *scheme, const char *refused)
{
	size_t len = strlen(scheme), authority;

	if (strncmp(value, scheme, len) != 0)
		return false;
	value += len;
	authority = strcspn(value, "/?#");
	if (authority == 0 || value[0] == ':' || memchr(value, '@', authority))
		return false;
	for (; *value; value++)
		if (*value <= ' ' || *value > '~' || strchr("\"<>\\^`{|}", *value) || strchr(refused, *value))
			return false;
	return true;
}

static int parse_issuer(const struct b2b_conf_key *key, const char *value, void *field)
{
	(void)key;
	return keep_if(url_valid(value, "https://", "?#"), value, field);
}

static int parse_https_url(const struct b2b_conf_key *key, const char *value, void *field)
{
	(void)key;
	return keep_if(url_valid(value, "https://", "#"), value, field);
}

static int parse_proxy_url(const struct b2b_conf_key *key, const char *value, void *field)
{
	(void)key;
	return keep_if(url_valid(value, "http://", "?#") || url_valid(value, "https://", "?#"), value, field);
}

static int parse_path(const struct b2b_conf_key *key, const char *value, void *field)
{
	(void)key;
	return keep_if(value[0] == '/' && printable(value), value, field);
}

/* A path that may stand in passwd(5). */
static bool passwd_path(const char *path)
{
	if (path[0] != '/' || strlen(path) >= B2B_PATH_SIZE)
		return false;
	for (; *path; path++)
		if ((unsigned char)*path <= ' ' || *path == ':' || *path == 0x7f)
			return false;
	return true;
}

/* Without %u everybody would share one home. */
static int parse_home(const struct b2b_conf_key *key, const char *value, void *field)
{
	bool person = false;

	(void)key;
	for (const char *at = strchr(value, '%'); at; at = strchr(at + 2, '%')) {
		if (at[1] != 'o' && at[1] != 'u')
			return -EINVAL;
		person = person || at[1] == 'u';
	}
	return keep_if(person && passwd_path(value), value, field);
}

/* Something of the person must be in it, or everybody would be asked for everybody. */
static int parse_hint(const struct b2b_conf_key *key, const char *value, void *field)
{
	bool person = false;

	(void)key;
	if (strlen(value) > 127 || !printable(value))
		return -EINVAL;
	for (const char *at = strchr(value, '%'); at; at = strchr(at + 2, '%')) {
		if (!at[1] || !strchr("nuos%", at[1]))
			return -EINVAL;
		person = person || strchr("nus", at[1]);
	}
	return keep_if(person, value, field);
}

static int parse_org_id(const struct b2b_conf_key *key, const char *value, void *field)
{
	(void)key;
	return keep_if(b2b_org_id_valid(value), value, field);
}

static int parse_parent(const struct b2b_conf_key *key, const char *value, void *field)
{
	(void)key;
	return keep_if(b2b_alias_valid(value), value, field);
}

static int find_word(const struct b2b_conf_key *key, const char *value)
{
	for (int i = 0; key->words[i]; i++)
		if (strcmp(key->words[i], value) == 0)
			return i;
	return -1;
}

static int parse_word(const struct b2b_conf_key *key, const char *value, void *field)
{
	int found = find_word(key, value);

	if (found < 0)
		return -EINVAL;
	*(uint32_t *)field = (uint32_t)found;
	return 0;
}

static int parse_word_text(const struct b2b_conf_key *key, const char *value, void *field)
{
	return keep_if(find_word(key, value) >= 0, value, field);
}

static int digit_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

int b2b_conf_read_number(const char *text, size_t len, uint64_t *ret_number)
{
	uint64_t number = 0;
	int base = 10;

	if (len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
		len -= 2;
	}
	if (len == 0 || len > 15)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		int digit = digit_value(text[i]);

		if (digit >= base)
			return -EINVAL;
		number = number * (uint64_t)base + (uint64_t)digit;
	}
	*ret_number = number;
	return 0;
}

static int keep_bounded(const struct b2b_conf_key *key, uint64_t number, void *field)
{
	if (number < key->min || number > key->max)
		return -EINVAL;
	*(uint32_t *)field = (uint32_t)number;
	return 0;
}

static int parse_number(const struct b2b_conf_key *key, const char *value, void *field)
{
	uint64_t number;

	if (b2b_conf_read_number(value, strlen(value), &number) < 0)
		return -EINVAL;
	return keep_bounded(key, number, field);
}

static int parse_percent(const struct b2b_conf_key *key, const char *value, void *field)
{
	size_t len = strlen(value);
	uint64_t number;

	if (len < 2 || value[len - 1] != '%' || b2b_conf_read_number(value, len - 1, &number) < 0)
		return -EINVAL;
	return keep_bounded(key, number, field);
}

int b2b_conf_read_duration(const char *text, uint64_t *ret_seconds)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	size_t len = strlen(text);
	uint64_t number;

	/* Nine digits: days of them still fit 64 bits. */
	if (len < 2 || len > 10 || !is_digit(text[len - 2]) || b2b_conf_read_number(text, len - 1, &number) < 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].unit != text[len - 1])
			continue;
		*ret_seconds = number * units[i].seconds;
		return 0;
	}
	return -EINVAL;
}

static int parse_duration(const struct b2b_conf_key *key, const char *value, void *field)
{
	uint64_t seconds;

	if (key->min == 0 && strcmp(value, "none") == 0)
		return keep_bounded(key, 0, field);
	return b2b_conf_read_duration(value, &seconds) < 0 ? -EINVAL : keep_bounded(key, seconds, field);
}

static int parse_bool(const struct b2b_conf_key *key, const char *value, void *field)
{
	(void)key;
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return -EINVAL;
	*(bool *)field = value[0] == 'y';
	return 0;
}

static int parse_range(const struct b2b_conf_key *key, const char *value, void *field)
{
	const char *dash = strchr(value, '-');
	uint32_t *range = field;
	uint64_t lo, hi;

	(void)key;
	if (!dash || b2b_conf_read_number(value, (size_t)(dash - value), &lo) < 0 || b2b_conf_read_number(dash + 1, strlen(dash + 1), &hi) < 0)
		return -EINVAL;
	if (lo < B2B_RANGE_FIRST || hi > B2B_RANGE_LAST || hi < lo || hi - lo + 1 < B2B_RANGE_MIN || hi - lo + 1 > B2B_RANGE_MAX)
		return -EINVAL;
	range[0] = (uint32_t)lo;
	range[1] = (uint32_t)hi;
	return 0;
}

static void clear_words(void *field)
{
	struct b2b_conf_words *list = field;

	for (size_t i = 0; i < list->n; i++)
		free(list->words[i]);
	free(list->words);
	memset(list, 0, sizeof(*list));
}

static int add_word(const struct b2b_conf_key *key, const char *word, size_t len, bool (*valid)(const struct b2b_conf_key *, const char *),
                    struct b2b_conf_words *list)
{
	char **words, *copy;

	if (list->n >= key->max)
		return -EINVAL;
	copy = strndup(word, len);
	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->words[i], copy) == 0)
			goto invalid;
	if (!valid(key, copy))
		goto invalid;
	words = realloc(list->words, (list->n + 1) * sizeof(*words));
	if (!words) {
		free(copy);
		return -ENOMEM;
	}
	list->words = words;
	list->words[list->n++] = copy;
	return 0;
invalid:
	free(copy);
	return -EINVAL;
}

static int parse_words(const struct b2b_conf_key *key, const char *value, bool (*valid)(const struct b2b_conf_key *, const char *), void *field)
{
	int r = *value ? 0 : -EINVAL;

	if (key->absent && strcmp(key->absent, "none") == 0 && strcmp(value, "none") == 0)
		return 0; /* as its default is told */
	while (r == 0 && *(value += strspn(value, " \t"))) {
		size_t len = strcspn(value, " \t");

		r = add_word(key, value, len, valid, field);
		value += len;
	}
	return r;
}

/* A lone "=" is an indented "key = value" that was taken for the end of the list above it. */
static bool any_word(const struct b2b_conf_key *key, const char *word)
{
	(void)key;
	return printable(word) && strcmp(word, "=") != 0;
}

bool b2b_conf_label_valid(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= B2B_LABEL_SIZE)
		return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~' || strchr("[];#=\"", name[i]))
			return false;
	return true;
}

static bool label_word(const struct b2b_conf_key *key, const char *word)
{
	(void)key;
	return b2b_conf_label_valid(word);
}

/* A partners' own name here would hand a local right to whoever the directory puts into that group. */
static bool group_word(const struct b2b_conf_key *key, const char *word)
{
	(void)key;
	return printable(word) && !strchr(word, ':') && strcmp(word, "=") != 0 && strcmp(word, B2B_GROUP_PARTNERS) != 0 &&
	       !b2b_name_candidate(word);
}

static bool shell_word(const struct b2b_conf_key *key, const char *word)
{
	(void)key;
	return passwd_path(word);
}

static bool origin_word(const struct b2b_conf_key *key, const char *word)
{
	(void)key;
	return url_valid(word, "https://", "?#") && !strchr(word + strlen("https://"), '/');
}

static bool command_word(const struct b2b_conf_key *key, const char *word)
{
	(void)key;
	return word[0] == '/' && printable(word) && strlen(word) < B2B_COMMAND_SIZE;
}

static bool approver_word(const struct b2b_conf_key *key, const char *word)
{
	(void)key;
	if (strncmp(word, "group:", 6) == 0)
		return b2b_local_valid(word + 6);
	return strncmp(word, "role:", 5) == 0 && b2b_conf_label_valid(word + 5);
}

static bool choice_word(const struct b2b_conf_key *key, const char *word)
{
	return find_word(key, word) >= 0;
}

static int parse_list(const struct b2b_conf_key *key, const char *value, void *field)
{
	return parse_words(key, value, any_word, field);
}

static int parse_labels(const struct b2b_conf_key *key, const char *value, void *field)
{
	return parse_words(key, value, label_word, field);
}

static int parse_groups(const struct b2b_conf_key *key, const char *value, void *field)
{
	return parse_words(key, value, group_word, field);
}

static int parse_shells(const struct b2b_conf_key *key, const char *value, void *field)
{
	return parse_words(key, value, shell_word, field);
}

static int parse_origins(const struct b2b_conf_key *key, const char *value, void *field)
{
	return parse_words(key, value, origin_word, field);
}

static int parse_commands(const struct b2b_conf_key *key, const char *value, void *field)
{
	return parse_words(key, value, command_word, field);
}

static int parse_approvers(const struct b2b_conf_key *key, const char *value, void *field)
{
	return parse_words(key, value, approver_word, field);
}

static int parse_choices(const struct b2b_conf_key *key, const char *value, void *field)
{
	return parse_words(key, value, choice_word, field);
}

static bool duration_word(const struct b2b_conf_key *key, const char *word)
{
	uint64_t seconds;

	(void)key;
	return b2b_conf_read_duration(word, &seconds) == 0 && seconds >= 1 && seconds <= DURATION_MOST_S;
}

static int parse_durations(const struct b2b_conf_key *key, const char *value, void *field)
{
	return strcmp(value, "none") == 0 ? 0 : parse_words(key, value, duration_word, field);
}

static void clear_set(void *field)
{
	*(uint32_t *)field = 0;
}

static int parse_set(const struct b2b_conf_key *key, const char *value, void *field)
{
	struct b2b_conf_words list = { 0 };
	uint32_t *set = field;
	int r = parse_words(key, value, choice_word, &list);

	for (size_t i = 0; r == 0 && i < list.n; i++) {
		uint32_t bit = 1u << find_word(key, list.words[i]);

		if (*set & bit)
			r = -EINVAL;
		*set |= bit;
	}
	clear_words(&list);
	return r;
}

/* Those of authorized_keys(5) that take away, with values that cannot end the quotes that they are put into. */
static bool key_option_word(const struct b2b_conf_key *key, const char *word)
{
	static const char *const plain[] = { "restrict", "no-agent-forwarding", "no-port-forwarding", "no-pty", "no-user-rc", "no-X11-forwarding",
		                             "agent-forwarding", "port-forwarding", "pty", "X11-forwarding", "verify-required", NULL };
	static const char *const valued[] = { "from=", "permitopen=", "permitlisten=", NULL };

	(void)key;
	for (size_t i = 0; plain[i]; i++)
		if (strcmp(plain[i], word) == 0)
			return true;
	for (size_t i = 0; valued[i]; i++) {
		size_t len = strlen(valued[i]);

		if (strncmp(valued[i], word, len) == 0)
			return word[len] && strspn(word + len, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:/*?!,_-[]") == strlen(word + len);
	}
	return false;
}

static int parse_key_options(const struct b2b_conf_key *key, const char *value, void *field)
{
	return parse_words(key, value, key_option_word, field);
}

#define KIND const struct b2b_conf_kind

KIND b2b_conf_text = { "text in one line", false, parse_text, clear_text };
KIND b2b_conf_issuer = { "an https URL without query and fragment, as the service itself writes its issuer", false, parse_issuer, clear_text };
KIND b2b_conf_https_url = { "an https URL", false, parse_https_url, clear_text };
KIND b2b_conf_proxy_url = { "an http or https URL", false, parse_proxy_url, clear_text };
KIND b2b_conf_path = { "an absolute path", false, parse_path, clear_text };
KIND b2b_conf_home = { "an absolute path with %u for the person and %o for the organisation, at most 63 bytes", false, parse_home, clear_text };
KIND b2b_conf_hint = { "text with %n, %u or %s for the person and %o for the organisation, at most 127 bytes", false, parse_hint, clear_text };
KIND b2b_conf_org_id = { "the organisation's id at the service: letters, digits, '.', '_' and '-', at most 64", false, parse_org_id, clear_text };
KIND b2b_conf_parent = { "the alias of an organisation, or none", false, parse_parent, clear_text };
KIND b2b_conf_word_text = { NULL, false, parse_word_text, clear_text };
KIND b2b_conf_word = { NULL, false, parse_word, NULL };
KIND b2b_conf_duration = { NULL, false, parse_duration, NULL };
KIND b2b_conf_number = { NULL, false, parse_number, NULL };
KIND b2b_conf_percent = { NULL, false, parse_percent, NULL };
KIND b2b_conf_bool = { "yes or no", false, parse_bool, NULL };
KIND b2b_conf_range = { "FIRST-LAST within 0x78000000-0x7fffffff, 64 to 4194304 ids", false, parse_range, NULL };
KIND b2b_conf_list = { "different words", true, parse_list, clear_words };
KIND b2b_conf_labels = { "different names, each at most 31 bytes", true, parse_labels, clear_words };
KIND b2b_conf_groups = { "names of local groups, each once", true, parse_groups, clear_words };
KIND b2b_conf_shells = { "absolute paths, each once and at most 63 bytes", true, parse_shells, clear_words };
KIND b2b_conf_origins = { "https URLs without a path, each once", true, parse_origins, clear_words };
KIND b2b_conf_word_set = { NULL, true, parse_set, clear_set };
KIND b2b_conf_key_options = { "restrict, pty, no-port-forwarding, from=PATTERNS, permitopen=HOST:PORT or others of authorized_keys(5), each once", true,
	                      parse_key_options, clear_words };
KIND b2b_conf_commands = { "absolute paths of programs, each once", true, parse_commands, clear_words };
KIND b2b_conf_approvers = { "group:NAME of the organisation's or role:NAME, each once", true, parse_approvers, clear_words };
KIND b2b_conf_durations = { "different times such as 30s or 5m, from 1s to 1d, or none", true, parse_durations, clear_words };
KIND b2b_conf_choices = { NULL, true, parse_choices, clear_words };
