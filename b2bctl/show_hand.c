#include <pwd.h>
#include <string.h>

#include "b2bctl/ctl.h"

#define SHOWN_MOST 10

/* The administrator's name; partners' hosts know theirs by NSS. */
static const char *by_name(const json_t *entry, char buf[32])
{
	const json_t *by = json_object_get(entry, "by");
	const struct passwd *who = json_is_integer(by) ? getpwuid((uid_t)json_integer_value(by)) : NULL;

	if (!json_is_integer(by))
		return "root";
	if (who)
		return who->pw_name;
	snprintf(buf, 32, "uid %lld", (long long)json_integer_value(by));
	return buf;
}

static void show_one(FILE *out, const json_t *entry, int64_t now_s)
{
	const char *kind = b2b_ctl_text(entry, "kind"), *reason = b2b_ctl_text(entry, "reason");
	char ago[B2B_AGE_SIZE], by[32];

	b2b_ctl_paragraph(out, strcmp(kind, "key") == 0 ? "distrusted" : "closed", "%s%s, by %s %s%s%s",
	                  strcmp(kind, "key") == 0 ? "the key " : "", strcmp(kind, "all") == 0 ? "every partner" : b2b_ctl_text(entry, "name"),
	                  by_name(entry, by), b2b_ctl_ago(b2b_ctl_number(entry, "since_s"), now_s, ago), *reason ? ": " : "", reason);
}

void b2b_ctl_show_by_hand(FILE *out, const json_t *list, int64_t now_s)
{
	size_t i, n = json_array_size(list);

	for (i = 0; i < n && i < SHOWN_MOST; i++)
		show_one(out, json_array_get(list, i), now_s);
	if (n > SHOWN_MOST)
		b2b_ctl_paragraph(out, "", "and %zu more by hand: b2bctl status --json lists all", n - SHOWN_MOST);
}
