/* The id ledger: who has which id, as a list and as pins for other hosts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "b2bctl/ctl.h"
#include "common/conf_kinds.h"

/* Ask for WHAT's ids, page by page; EACH gets the list of a page and returns an exit code. */
static int each_page(struct b2b_ctl *ctl, const char *what, int (*each)(struct b2b_ctl *ctl, const json_t *ids, void *arg), void *arg)
{
	long long last = 0;
	bool more = true;
	int r = B2B_CTL_OK;

	while (r == B2B_CTL_OK && more) {
		char argument[B2B_CTL_ARGUMENT_SIZE];
		json_t *json = NULL;

		if (snprintf(argument, sizeof(argument), "%lld %s", last, what) >= (int)sizeof(argument))
			return b2b_ctl_fail(ctl, B2B_CTL_USAGE, "%.40s… is too long for a name", what);
		r = b2b_ctl_ask(ctl, "ids", argument, &json);
		if (r != B2B_CTL_OK)
			return r;
		r = each(ctl, json_object_get(json, "ids"), arg);
		more = b2b_ctl_true(json, "more") && b2b_ctl_number(json, "last") > last;
		last = b2b_ctl_number(json, "last");
		json_decref(json);
	}
	return r;
}

static int collect(struct b2b_ctl *ctl, const json_t *ids, void *arg)
{
	(void)ctl;
	return json_array_extend(arg, (json_t *)(uintptr_t)ids) < 0 ? B2B_CTL_FAILED : B2B_CTL_OK;
}

int b2b_ctl_idmap_show(struct b2b_ctl *ctl)
{
	json_t *ids = json_array(), *all = json_pack("{s:o}", "ids", ids);
	int r = all ? each_page(ctl, ctl->operand ? ctl->operand : "", collect, ids) : B2B_CTL_FAILED;

	if (r == B2B_CTL_OK)
		r = ctl->json ? b2b_ctl_print_json(ctl, all) : b2b_ctl_show_ids(ctl->out, all, 0);
	json_decref(all);
	return r;
}

static void print_pin(FILE *out, const char *organisation_id, const char *kind, long long id, const char *owner)
{
	fprintf(out, "%s %s %lld %s\n", organisation_id, kind, id, owner);
}

static int print_pins(struct b2b_ctl *ctl, const json_t *ids, void *arg)
{
	const json_t *entry;
	size_t i;

	(void)arg;
	json_array_foreach(ids, i, entry) {
		const char *owner = b2b_ctl_text(entry, "owner");

		if (b2b_pin_writable(owner))
			print_pin(ctl->out, b2b_ctl_text(entry, "organisation_id"), b2b_ctl_text(entry, "kind"), b2b_ctl_number(entry, "id"), owner);
		else
			fprintf(ctl->err, "warning: id %lld is left out: its owner's id begins or ends with a blank\n", b2b_ctl_number(entry, "id"));
	}
	return ferror(ctl->out) ? B2B_CTL_FAILED : B2B_CTL_OK;
}

int b2b_ctl_idmap_export(struct b2b_ctl *ctl)
{
	char host[256] = "this host";

	gethostname(host, sizeof(host) - 1);
	fprintf(ctl->out, "# Ids of %s, those of removed people too. For every host that shares files with it, before it knows anybody: b2b.conf(5), IDS.\n",
	        host);
	return each_page(ctl, ctl->operand ? ctl->operand : "", print_pins, NULL);
}

/* ---- one owner ---- */

static int ask_about(struct b2b_ctl *ctl, const char *owner, const char *id, json_t **ret_json)
{
	char argument[B2B_CTL_ARGUMENT_SIZE];

	if (!b2b_owner_valid(owner) || !b2b_pin_writable(owner) ||
	    snprintf(argument, sizeof(argument), "%s %s %s %s", ctl->operand, ctl->group ? "group" : "user", id, owner) >= (int)sizeof(argument))
		return b2b_ctl_fail(ctl, B2B_CTL_USAGE,
		                    "the directory's id of a person or group is wanted, without blanks at its ends, and not longer than b2bd can be asked about");
	return b2b_ctl_ask(ctl, "id-preview", argument, ret_json);
}

/* "alice@acme (user 63ac…, pinned)" */
static void holder_text(const json_t *holder, char *buf, size_t size)
{
	const char *name = b2b_ctl_text(holder, "name"), *state = b2b_ctl_text(holder, "state");

	snprintf(buf, size, "%s%s%s %s%s", name, *name ? ", " : "", b2b_ctl_text(holder, "kind"), b2b_ctl_text(holder, "owner"),
	         strcmp(state, "removed") == 0 ? ", who was removed" : "");
}

static void explain_trouble(FILE *out, const json_t *answer)
{
	const char *trouble = b2b_ctl_text(answer, "trouble");
	char holder[B2B_CTL_ARGUMENT_SIZE * 2];

	if (strcmp(trouble, "used-up") == 0) {
		b2b_ctl_paragraph(out, "id", "none: the range is used up; b2b.conf(5), IDS, says what to do");
	} else if (strcmp(trouble, "pin-taken") == 0) {
		holder_text(json_object_get(answer, "pinned_holder"), holder, sizeof(holder));
		b2b_ctl_paragraph(out, "id", "none: %lld is pinned, and has an owner for ever: %s; pin another", b2b_ctl_number(answer, "pinned"), holder);
	} else {
		b2b_ctl_paragraph(out, "id", "none: no pin, and hashed_ids is no; b2bctl idmap pin makes one");
	}
}

static void explain(FILE *out, const json_t *answer)
{
	long long id = b2b_ctl_number(answer, "id"), pinned = b2b_ctl_number(answer, "pinned"), place = b2b_ctl_number(answer, "place");
	const json_t *holder = json_object_get(answer, "place_holder");
	bool known = b2b_ctl_true(answer, "known");
	const char *chosen = b2b_ctl_text(answer, "chosen");
	char text[B2B_CTL_ARGUMENT_SIZE * 2];

	b2b_ctl_paragraph(out, b2b_ctl_text(answer, "kind"), "%s of %s", b2b_ctl_text(answer, "owner"), b2b_ctl_text(answer, "organisation"));
	if (known)
		b2b_ctl_paragraph(out, "id", "%lld, for ever", id);
	else if (id)
		b2b_ctl_paragraph(out, "id", "%lld would be given (%s)%s", id, chosen,
		                  strcmp(chosen, "hash") == 0 && b2b_ctl_true(answer, "directory_first") ? ", unless the directory supplies one" : "");
	else
		explain_trouble(out, answer);
	if (pinned && known && pinned != id)
		b2b_ctl_paragraph(out, "", "pinned is %lld, which came too late: an id never changes; pin %lld", pinned, id);
	holder_text(holder, text, sizeof(text));
	if (place != id && json_is_object(holder))
		b2b_ctl_paragraph(out, "place by hash", "%lld, which belongs to %s", place, text);
	else
		b2b_ctl_paragraph(out, "place by hash", "%lld%s", place, place == id ? "" : json_is_object(holder) ? "" : ", which is free");
}

int b2b_ctl_idmap_preview(struct b2b_ctl *ctl)
{
	json_t *list = json_array(), *all = json_pack("{s:o}", "previews", list);
	int r = all ? B2B_CTL_OK : B2B_CTL_FAILED;

	for (int i = 1; r == B2B_CTL_OK && i < ctl->n_operands; i++) {
		json_t *answer = NULL;

		r = ask_about(ctl, ctl->operands[i], "0", &answer);
		if (r == B2B_CTL_OK && !ctl->json)
			explain(ctl->out, answer);
		if (r == B2B_CTL_OK && json_array_append_new(list, answer) < 0)
			r = B2B_CTL_FAILED;
	}
	if (r == B2B_CTL_OK && ctl->json)
		r = b2b_ctl_print_json(ctl, all);
	json_decref(all);
	return r;
}

/* ---- pins ---- */

static int refuse_pin(struct b2b_ctl *ctl, const json_t *answer, long long id)
{
	const char *trouble = b2b_ctl_text(answer, "pin_trouble");
	const json_t *range = json_object_get(answer, "range");
	char holder[B2B_CTL_ARGUMENT_SIZE * 2];

	holder_text(json_object_get(answer, "asked_holder"), holder, sizeof(holder));
	if (strcmp(trouble, "has-another") == 0)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED,
		                    "%s has %lld on this host, and an id never changes: pin %lld here and on the other hosts; a host where it is %lld for ever has to "
		                    "have b2bd's state set up anew before it shares files",
		                    b2b_ctl_text(answer, "owner"), b2b_ctl_number(answer, "id"), b2b_ctl_number(answer, "id"), id);
	if (strcmp(trouble, "taken") == 0)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "%lld was given to %s, and never passes to another; b2bctl idmap preview proposes a free one", id, holder);
	if (strcmp(trouble, "pinned-for-another") == 0)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "%lld is pinned for another in the file of pinned ids; pin another id", id);
	return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "%lld is not in 0x%llx-0x%llx, the range of %s without its first", id,
	                    json_integer_value(json_array_get(range, 0)) + 1, json_integer_value(json_array_get(range, 1)),
	                    b2b_ctl_text(answer, "organisation"));
}

static int check_pins(struct b2b_ctl *ctl, const char *whole, size_t len, void *arg, char *error)
{
	const struct b2b_conf *conf = arg;
	struct b2b_idmap *idmap = NULL;
	int r = b2b_idmap_parse(whole, len, conf->host.idmap, conf->policy, &idmap, error);

	(void)ctl;
	b2b_idmap_free(idmap);
	return r;
}

static int append_pin(struct b2b_ctl *ctl, const char *line)
{
	char error[B2B_CONF_ERROR_SIZE];
	struct b2b_conf *conf = NULL;
	int r;

	if (b2b_conf_read(ctl->conf_path, true, &conf, error) < 0)
		return b2b_ctl_fail(ctl, B2B_CTL_CONF, "%s", error);
	if (conf->host.idmap)
		r = b2b_ctl_append(ctl, conf->host.idmap, line, check_pins, conf);
	else
		r = b2b_ctl_fail(ctl, B2B_CTL_CONF, "%s names no file of pinned ids: set idmap in section host, and make the file", ctl->conf_path);
	if (r == B2B_CTL_OK)
		fprintf(ctl->err, "Appended to %s; now: systemctl reload b2bd, and lay the file on the other hosts\n", conf->host.idmap);
	b2b_conf_free(conf);
	return r;
}

static int pin(struct b2b_ctl *ctl, const json_t *answer, long long id)
{
	char *line = NULL;
	size_t len;
	FILE *stream;
	int r = B2B_CTL_OK;

	if (!id)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "there is no free id to propose; b2bctl idmap preview says why");
	stream = open_memstream(&line, &len);
	if (!stream)
		return b2b_ctl_fail(ctl, B2B_CTL_FAILED, "out of memory");
	print_pin(stream, b2b_ctl_text(answer, "organisation_id"), b2b_ctl_text(answer, "kind"), id, b2b_ctl_text(answer, "owner"));
	if (fclose(stream) != 0)
		r = b2b_ctl_fail(ctl, B2B_CTL_FAILED, "out of memory");
	if (r == B2B_CTL_OK && ctl->write)
		r = append_pin(ctl, line);
	if (r == B2B_CTL_OK)
		fputs(line, ctl->out);
	free(line);
	return r;
}

int b2b_ctl_idmap_pin(struct b2b_ctl *ctl)
{
	const char *id = ctl->n_operands > 2 ? ctl->operands[2] : "0";
	json_t *answer = NULL;
	uint64_t number;
	int r;

	if (b2b_conf_read_number(id, strlen(id), &number) < 0 || number > UINT32_MAX)
		return b2b_ctl_fail(ctl, B2B_CTL_USAGE, "%.40s is no id; decimal, or hexadecimal after 0x", id);
	r = ask_about(ctl, ctl->operands[1], id, &answer);

	if (r != B2B_CTL_OK)
		return r;
	if (*b2b_ctl_text(answer, "pin_trouble"))
		r = refuse_pin(ctl, answer, b2b_ctl_number(answer, "asked"));
	else
		r = pin(ctl, answer, b2b_ctl_number(answer, b2b_ctl_number(answer, "asked") ? "asked" : "id"));
	json_decref(answer);
	return r;
}
