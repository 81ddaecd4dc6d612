#include <stdlib.h>
#include <string.h>

#include "b2bctl/ctl.h"
#include "common/clock.h"

static void show_trouble(FILE *out, const json_t *part, int64_t now_s)
{
	char span[B2B_AGE_SIZE];
	long long since = b2b_ctl_number(part, "failing_since_s");
	const char *why = b2b_ctl_text(part, "why");

	if (since)
		b2b_ctl_paragraph(out, "", "failing for %s: %s", b2b_ctl_span(now_s - since, span), *why ? why : "for no reason that is known");
}

static void show_federation(FILE *out, const json_t *federation)
{
	const char *why = b2b_ctl_text(federation, "why");

	if (b2b_ctl_true(federation, "ready"))
		b2b_ctl_paragraph(out, "federation", "ready: %s", b2b_ctl_text(federation, "issuer"));
	else
		b2b_ctl_paragraph(out, "federation", "not reached: %s (%s); nobody can be authenticated", b2b_ctl_text(federation, "issuer"),
		                  *why ? why : "not asked yet");
}

/* "sshd: device; sudo: ciba (not offered by the service), device" */
static void show_methods(FILE *out, const json_t *services)
{
	const json_t *service, *method;
	char *text = NULL;
	size_t size = 0, i, j;
	FILE *line;

	if (json_array_size(services) == 0 || !(line = open_memstream(&text, &size)))
		return;
	json_array_foreach(services, i, service) {
		fprintf(line, "%s%s:", i ? "; " : "", b2b_ctl_text(service, "service"));
		json_array_foreach(json_object_get(service, "methods"), j, method)
			fprintf(line, "%s %s%s", j ? "," : "", b2b_ctl_text(method, "method"),
			        b2b_ctl_true(method, "offered") ? "" : " (not offered by the service)");
	}
	if (fclose(line) == 0)
		b2b_ctl_paragraph(out, "log-in by", "%s", text);
	free(text);
}

static void show_ways(FILE *out, const json_t *verification)
{
	char span[B2B_AGE_SIZE];
	bool asks = b2b_ctl_true(verification, "by_refresh") || b2b_ctl_true(verification, "by_introspection");

	if (!asks && !b2b_ctl_true(verification, "by_life")) {
		b2b_ctl_paragraph(out, "verified", "by signals and directory; log-ins are not asked about again, by configuration");
		return;
	}
	if (asks)
		b2b_ctl_paragraph(out, "verified", "the service is asked again every %s%s%s%s;", b2b_ctl_span(b2b_ctl_number(verification, "interval_s"), span),
		                  b2b_ctl_true(verification, "by_refresh") ? ", by refresh token" : "",
		                  b2b_ctl_true(verification, "by_introspection") ? ", by introspection" : "",
		                  b2b_ctl_true(verification, "by_life") ? "; where it cannot be, the session ends with its tokens" : "");
	else
		b2b_ctl_paragraph(out, "verified", "not again: a session ends with the tokens that opened it;");
	b2b_ctl_paragraph(out, "", "of the open ones %lld by refresh token, %lld by introspection, %lld until their tokens end, %lld by signals and directory alone",
	                  b2b_ctl_number(verification, "refresh"), b2b_ctl_number(verification, "introspection"), b2b_ctl_number(verification, "life"),
	                  b2b_ctl_number(verification, "none"));
}

static void show_verification(FILE *out, const json_t *verification, int64_t now_s)
{
	long long failing = b2b_ctl_number(verification, "failing"), oldest = b2b_ctl_number(verification, "oldest_s");
	long long passed = b2b_ctl_number(verification, "passed_over");
	char ago[B2B_AGE_SIZE];

	if (!json_is_object(verification))
		return;
	show_ways(out, verification);
	if (passed)
		b2b_ctl_paragraph(out, "", "%lld refresh token%s of the service's cannot be used (too long): of these log-ins it is asked in the other ways",
		                  passed, passed == 1 ? "" : "s");
	if (failing)
		b2b_ctl_paragraph(out, "", "%lld log-in%s without an answer, the oldest verified %s; journalctl -u b2bd says why", failing, failing == 1 ? "" : "s",
		                  b2b_ctl_ago(oldest, now_s, ago));
}

static void show_changes(FILE *out, const json_t *changes, int64_t now_s)
{
	char ago[B2B_AGE_SIZE], span[B2B_AGE_SIZE];
	const char *why_not = b2b_ctl_text(changes, "why_not");

	if (!json_is_object(changes))
		return;
	if (*why_not)
		b2b_ctl_paragraph(out, "", "full passes alone, not asked for changes: %s", why_not);
	else
		b2b_ctl_paragraph(out, "", "asked for changes every %s; answered %s", b2b_ctl_span(b2b_ctl_number(changes, "interval_s"), span),
		                  b2b_ctl_ago(b2b_ctl_number(changes, "last_s"), now_s, ago));
}

static void show_directory(FILE *out, const json_t *directory, int64_t now_s)
{
	char ago[B2B_AGE_SIZE];

	b2b_ctl_paragraph(out, "directory", "%lld people, %lld groups, %lld organisations; read %s", b2b_ctl_number(directory, "people"),
	                  b2b_ctl_number(directory, "groups"), b2b_ctl_number(directory, "organisations"),
	                  b2b_ctl_ago(b2b_ctl_number(directory, "last_complete_s"), now_s, ago));
	show_changes(out, json_object_get(directory, "changes"), now_s);
	show_trouble(out, directory, now_s);
}

static void show_signals(FILE *out, const json_t *signals, int64_t now_s)
{
	const json_t *unplaced = json_object_get(signals, "unplaced");
	char ago[B2B_AGE_SIZE];

	if (!json_is_object(signals)) {
		b2b_ctl_paragraph(out, "signals", "none, by configuration: a revocation shows when the directory is read");
		return;
	}
	b2b_ctl_paragraph(out, "signals", "%s, last poll: %s; %lld events, %lld refused",
	                  b2b_ctl_true(signals, "connected") ? "arriving" : "not arriving",
	                  b2b_ctl_ago(b2b_ctl_number(signals, "last_poll_s"), now_s, ago), b2b_ctl_number(signals, "events"),
	                  b2b_ctl_number(signals, "refused"));
	show_trouble(out, signals, now_s);
	if (b2b_ctl_number(unplaced, "count"))
		b2b_ctl_paragraph(out, "", "%lld events were to end sessions, of whom cannot be told; the last, %s: %s",
		                  b2b_ctl_number(unplaced, "count"), b2b_ctl_ago(b2b_ctl_number(unplaced, "last_s"), now_s, ago),
		                  b2b_ctl_text(unplaced, "last"));
}

static void show_lease(FILE *out, const json_t *lease)
{
	const json_t *age = json_object_get(lease, "age_ms");
	char span[B2B_AGE_SIZE];

	if (!json_is_integer(age))
		b2b_ctl_paragraph(out, "lease", "none since the host or b2bd was started: no session is opened");
	else
		b2b_ctl_paragraph(out, "lease", "renewed %s ago: %s", b2b_ctl_span(json_integer_value(age) / 1000, span),
		                  b2b_ctl_true(lease, "valid") ? "sessions may be opened" : "over, no session is opened");
	if (b2b_ctl_true(lease, "lapsed"))
		b2b_ctl_paragraph(out, "", "open sessions were ended, as the service was silent for %s", b2b_ctl_span(b2b_ctl_number(lease, "keep_s"), span));
	else if (json_is_integer(json_object_get(lease, "keep_s")))
		b2b_ctl_paragraph(out, "", "open sessions end when it is %s old", b2b_ctl_span(b2b_ctl_number(lease, "keep_s"), span));
}

static void show_revocations(FILE *out, const json_t *revocations)
{
	long long count = b2b_ctl_number(revocations, "count");

	if (count == 0)
		b2b_ctl_paragraph(out, "revocations", "none yet");
	else
		b2b_ctl_paragraph(out, "revocations", "%lld; half within %lld ms, 99%% within %lld ms, all within %lld ms", count,
		                  b2b_ctl_number(revocations, "p50_ms"), b2b_ctl_number(revocations, "p99_ms"), b2b_ctl_number(revocations, "max_ms"));
}

/* Organisations in which somebody could get no id, and is not published for it. */
static void show_ids(FILE *out, const json_t *troubles)
{
	const json_t *item;
	size_t i;

	json_array_foreach(troubles, i, item) {
		const char *alias = b2b_ctl_text(item, "organisation"), *trouble = b2b_ctl_text(item, "trouble");

		if (strcmp(trouble, "used-up") == 0)
			b2b_ctl_paragraph(out, "ids", "%s: the range is used up, who is new is not published; b2b.conf(5), IDS, says what to do", alias);
		else
			b2b_ctl_paragraph(out, "ids", "%s: somebody is not published, %s; journalctl -u b2bd names them", alias,
			                  strcmp(trouble, "pin-taken") == 0 ? "whose pinned id is another's" : "who has neither a pin nor an id from the directory");
	}
}

/* What doctor found; whoever was asked without it has no such part. */
static void show_host(FILE *out, const json_t *host)
{
	long long problems = b2b_ctl_number(host, "problems"), warnings = b2b_ctl_number(host, "warnings");

	if (json_is_object(host) && problems + warnings == 0)
		b2b_ctl_paragraph(out, "host", "nothing was found that undoes this");
	else if (json_is_object(host))
		b2b_ctl_paragraph(out, "host", "%lld problem%s, %lld warning%s: b2bctl doctor says what to do", problems, problems == 1 ? "" : "s", warnings,
		                  warnings == 1 ? "" : "s");
}

static void show_held(FILE *out, const json_t *held)
{
	const json_t *item;
	size_t i;

	json_array_foreach(held, i, item)
		b2b_ctl_paragraph(out, "not ended", "%s: %lld process%s cannot be ended and %s tried again; %lld (%s, state %s, uid %lld); id %s",
		                  *b2b_ctl_text(item, "user") ? b2b_ctl_text(item, "user") : b2b_ctl_text(item, "organisation"),
		                  b2b_ctl_number(item, "left"), b2b_ctl_number(item, "left") == 1 ? "" : "es",
		                  b2b_ctl_number(item, "left") == 1 ? "is" : "are", b2b_ctl_number(item, "pid"), b2b_ctl_text(item, "name"),
		                  b2b_ctl_text(item, "state"), b2b_ctl_number(item, "uid"), b2b_ctl_text(item, "id"));
}

int b2b_ctl_show_status(FILE *out, const json_t *json, int64_t now_s)
{
	const json_t *agent = json_object_get(json, "agent");
	long long pending = b2b_ctl_number(json, "pending_ends");
	char span[B2B_AGE_SIZE];

	if (!json_is_object(agent))
		return B2B_CTL_FAILED;
	b2b_ctl_paragraph(out, "agent", "running for %s, process %lld", b2b_ctl_span(now_s - b2b_ctl_number(agent, "since_s"), span),
	                  b2b_ctl_number(agent, "pid"));
	show_federation(out, json_object_get(json, "federation"));
	show_methods(out, json_object_get(json, "methods"));
	show_directory(out, json_object_get(json, "directory"), now_s);
	show_ids(out, json_object_get(json, "ids"));
	show_signals(out, json_object_get(json, "signals"), now_s);
	b2b_ctl_show_status_lists(out, json_object_get(json, "status_lists"), now_s);
	show_lease(out, json_object_get(json, "lease"));
	b2b_ctl_paragraph(out, "sessions", "%lld open", b2b_ctl_number(json, "sessions"));
	show_verification(out, json_object_get(json, "verification"), now_s);
	if (pending)
		b2b_ctl_paragraph(out, "", "%lld being ended; journalctl -u b2bd names what resists", pending);
	show_held(out, json_object_get(json, "held"));
	show_revocations(out, json_object_get(json, "revocations"));
	b2b_ctl_show_clock(out, json_object_get(json, "clock"));
	b2b_ctl_show_approvals(out, json_object_get(json, "approvals"), now_s);
	b2b_ctl_show_by_hand(out, json_object_get(json, "by_hand"), now_s);
	b2b_ctl_paragraph(out, "revoked now", "%s", b2b_ctl_text(json, "worst_case_revocation"));
	show_host(out, json_object_get(json, "host"));
	if (b2b_ctl_number(json_object_get(json, "revocations"), "count"))
		b2b_ctl_show_stages(out, json_object_get(json_object_get(json, "revocations"), "stages"));
	return B2B_CTL_OK;
}

static int show_now(FILE *out, const json_t *json)
{
	return b2b_ctl_show_status(out, json, b2b_wall_s());
}

int b2b_ctl_status(struct b2b_ctl *ctl)
{
	json_t *json = NULL, *host = NULL;
	int r = b2b_ctl_ask(ctl, "status", NULL, &json);

	if (r != B2B_CTL_OK)
		return r;
	if (b2b_ctl_examine(ctl, &host) == 0)
		json_object_set_new(json, "host", host);
	return b2b_ctl_give(ctl, json, show_now);
}

static int show_sync(FILE *out, const json_t *json)
{
	if (!b2b_ctl_true(json, "started"))
		return B2B_CTL_FAILED;
	fputs("A full pass over the directory has begun; b2bctl status says when it is complete.\n", out);
	return B2B_CTL_OK;
}

int b2b_ctl_sync(struct b2b_ctl *ctl)
{
	return b2b_ctl_ask_and_show(ctl, "sync", show_sync);
}
