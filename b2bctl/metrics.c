/*
 * The agent's figures in Prometheus' text format. Printed and not written to a file: the agent may write nothing but its state,
 * and where the node exporter's collector looks is root's to say (b2bctl(8) has the line for it).
 */
#include <string.h>

#include "b2bctl/ctl.h"

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(FILE *out, const char *name, const char *type, const char *help, double value)
{
	head(out, name, type, help);
	fprintf(out, "%s %.17g\n", name, value);
}

static const json_t *part(const json_t *json, const char *name)
{
	return json_object_get(json, name);
}

static double seconds(long long us)
{
	return (double)us / 1e6;
}

static void show_stage(FILE *out, const json_t *entry)
{
	const char *stage = b2b_ctl_text(entry, "stage");
	const json_t *since = part(entry, "since_start"), *bound;
	size_t i;

	json_array_foreach(part(since, "within_us"), i, bound)
		fprintf(out, "b2b_revocation_seconds_bucket{stage=\"%s\",le=\"%g\"} %lld\n", stage,
		        seconds(json_integer_value(json_array_get(bound, 0))), (long long)json_integer_value(json_array_get(bound, 1)));
	fprintf(out, "b2b_revocation_seconds_bucket{stage=\"%s\",le=\"+Inf\"} %lld\n", stage, b2b_ctl_number(since, "n"));
	fprintf(out, "b2b_revocation_seconds_sum{stage=\"%s\"} %.6f\n", stage, seconds(b2b_ctl_number(since, "sum_us")));
	fprintf(out, "b2b_revocation_seconds_count{stage=\"%s\"} %lld\n", stage, b2b_ctl_number(since, "n"));
}

static void show_quantiles(FILE *out, const json_t *entry, const char *window)
{
	static const char *const keys[] = { "p50_us", "p99_us", "max_us" }, *const names[] = { "0.5", "0.99", "1" };
	const json_t *figures = part(entry, window);

	for (int i = 0; i < 3; i++)
		fprintf(out, "b2b_revocation_quantile_seconds{stage=\"%s\",window=\"%s\",quantile=\"%s\"} %.6f\n", b2b_ctl_text(entry, "stage"),
		        window, names[i], seconds(b2b_ctl_number(figures, keys[i])));
}

static void show_revocations(FILE *out, const json_t *revocations)
{
	const json_t *stages = part(revocations, "stages"), *entry;
	size_t i;

	one(out, "b2b_revocations_recorded", "gauge", "Revocations in this host's record.", (double)b2b_ctl_number(revocations, "count"));
	head(out, "b2b_revocation_seconds", "histogram", "Time that revocations took since b2bd was started, by stage.");
	json_array_foreach(stages, i, entry)
		show_stage(out, entry);
	head(out, "b2b_revocation_quantile_seconds", "gauge", "The same as quantiles: of the last 1000, and since the start.");
	json_array_foreach(stages, i, entry) {
		show_quantiles(out, entry, "last");
		show_quantiles(out, entry, "since_start");
	}
}

static void show_by_hand(FILE *out, const json_t *list)
{
	static const char *const kinds[] = { "user", "org", "all", "key" };
	const json_t *entry;
	size_t i, n;

	head(out, "b2b_closed_by_hand", "gauge", "What root closed on this host, and keys that root does not trust.");
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		n = 0;
		json_array_foreach(list, i, entry)
			n += strcmp(b2b_ctl_text(entry, "kind"), kinds[k]) == 0;
		fprintf(out, "b2b_closed_by_hand{kind=\"%s\"} %zu\n", kinds[k], n);
	}
}

/* A service may have none. */
static void show_signals(FILE *out, const json_t *signals)
{
	if (!json_is_object(signals))
		return;
	one(out, "b2b_signals_connected", "gauge", "Whether signals arrive.", b2b_ctl_true(signals, "connected"));
	one(out, "b2b_signal_events_total", "counter", "Events that were taken.", (double)b2b_ctl_number(signals, "events"));
	one(out, "b2b_signal_events_refused_total", "counter", "Events that were refused.", (double)b2b_ctl_number(signals, "refused"));
	one(out, "b2b_signal_events_unplaced_total", "counter", "Events that were to end sessions, of whom could not be told.",
	    (double)b2b_ctl_number(json_object_get(signals, "unplaced"), "count"));
}

/* Of the list that was fetched the longest ago: an alarm is made of it. */
static void show_status_lists(FILE *out, const json_t *lists)
{
	long long oldest = 0, fetched;
	const json_t *list;
	size_t i, failing = 0;

	json_array_foreach(lists, i, list) {
		failing += b2b_ctl_number(list, "failing_since_s") != 0;
		fetched = b2b_ctl_number(list, "fetched_s");
		if (i == 0 || fetched < oldest)
			oldest = fetched;
	}
	one(out, "b2b_status_lists", "gauge", "Status lists that are followed.", (double)json_array_size(lists));
	one(out, "b2b_status_lists_failing", "gauge", "Those of them that cannot be fetched or are refused.", (double)failing);
	if (json_array_size(lists))
		one(out, "b2b_status_lists_oldest_fetch_seconds", "gauge", "When that was fetched which was fetched the longest ago; 0: never.", (double)oldest);
}

int b2b_ctl_show_metrics(FILE *out, const json_t *json)
{
	const json_t *agent = part(json, "agent"), *directory = part(json, "directory");
	const json_t *age = part(part(json, "lease"), "age_ms");

	if (!json_is_object(agent))
		return B2B_CTL_FAILED;
	one(out, "b2b_up", "gauge", "Whether b2bd answers.", 1);
	one(out, "b2b_start_time_seconds", "gauge", "When b2bd was started.", (double)b2b_ctl_number(agent, "since_s"));
	one(out, "b2b_federation_ready", "gauge", "Whether the federation service and its keys are known.", b2b_ctl_true(part(json, "federation"), "ready"));
	show_signals(out, part(json, "signals"));
	show_status_lists(out, part(json, "status_lists"));
	one(out, "b2b_directory_last_complete_seconds", "gauge", "When the directory was last read whole; 0: never.",
	    (double)b2b_ctl_number(directory, "last_complete_s"));
	one(out, "b2b_lease_valid", "gauge", "Whether sessions may be opened.", b2b_ctl_true(part(json, "lease"), "valid"));
	if (json_is_integer(age))
		one(out, "b2b_lease_age_seconds", "gauge", "Since the last completed poll for signals.", (double)json_integer_value(age) / 1000);
	one(out, "b2b_sessions", "gauge", "Open sessions of partners.", (double)b2b_ctl_number(json, "sessions"));
	one(out, "b2b_pending_ends", "gauge", "Revocations that are not seen through yet.", (double)b2b_ctl_number(json, "pending_ends"));
	one(out, "b2b_approvals_waiting", "gauge", "Organisations with a mass removal that waits for approval.", (double)json_array_size(part(json, "approvals")));
	show_by_hand(out, part(json, "by_hand"));
	show_revocations(out, part(json, "revocations"));
	return B2B_CTL_OK;
}

/* Without an agent the one figure that is known is printed too: an alarm is made of it. */
int b2b_ctl_metrics(struct b2b_ctl *ctl)
{
	json_t *json = NULL;
	int r = b2b_ctl_ask(ctl, "status", NULL, &json);

	if (r == B2B_CTL_NO_AGENT)
		one(ctl->out, "b2b_up", "gauge", "Whether b2bd answers.", 0);
	return r == B2B_CTL_OK ? b2b_ctl_give(ctl, json, b2b_ctl_show_metrics) : r;
}
