/*
 * What every revocation took, in its stages: delivery, from the service's commit of the event to its receipt here; from then
 * until the words were stored (closed), until it was on disk (durable) and until a look into /proc found nobody (gone); and in
 * all, from the event to that look. The first and the last compare two hosts' clocks, the others are of one.
 */
#include <stdlib.h>

#include "b2bd/core.h"

#define RECENT 1000

static const char *const stage_names[B2B_STAGES] = { "delivery", "closed", "durable", "gone", "total" };

/* Microseconds of each stage; -1: not known of this one. */
static void stages_of(const struct b2b_pending_end *end, int64_t clear_ms, int64_t us[B2B_STAGES])
{
	us[B2B_STAGE_DELIVERY] = end->event_ms ? (end->received_ms - end->event_ms) * 1000 : -1;
	us[B2B_STAGE_CLOSED] = end->closed_us;
	us[B2B_STAGE_DURABLE] = end->durable_us;
	us[B2B_STAGE_GONE] = (clear_ms - end->received_ms) * 1000;
	us[B2B_STAGE_TOTAL] = (clear_ms - (end->event_ms ? end->event_ms : end->received_ms)) * 1000;
	if (end->event_ms && us[B2B_STAGE_DELIVERY] < 0) /* the service's clock is ahead */
		us[B2B_STAGE_DELIVERY] = 0;
	if (us[B2B_STAGE_TOTAL] < 0)
		us[B2B_STAGE_TOTAL] = 0;
}

void b2b_figures_add(struct b2b_core *core, const struct b2b_pending_end *end, int64_t clear_ms)
{
	int64_t us[B2B_STAGES];

	stages_of(end, clear_ms, us);
	for (int i = 0; i < B2B_STAGES; i++) {
		if (us[i] >= 0)
			b2b_latency_add(&core->latency[i], us[i]);
	}
}

struct recent {
	int64_t us[B2B_STAGES][RECENT];
	size_t n[B2B_STAGES];
};

static int collect(void *arg, const struct b2b_pending_end *end, int64_t clear_ms)
{
	struct recent *recent = arg;
	int64_t us[B2B_STAGES];

	stages_of(end, clear_ms, us);
	for (int i = 0; i < B2B_STAGES; i++) {
		if (us[i] >= 0 && recent->n[i] < RECENT)
			recent->us[i][recent->n[i]++] = us[i];
	}
	return 0;
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Nearest rank. */
static json_t *recent_json(int64_t *us, size_t n)
{
	qsort(us, n, sizeof(*us), by_number);
	return json_pack("{s:I,s:I,s:I,s:I}", "n", (json_int_t)n, "p50_us", (json_int_t)(n ? us[(n * 50 + 99) / 100 - 1] : 0), "p99_us",
	                 (json_int_t)(n ? us[(n * 99 + 99) / 100 - 1] : 0), "max_us", (json_int_t)(n ? us[n - 1] : 0));
}

static json_t *since_start_json(const struct b2b_latency *latency)
{
	json_t *within = json_array();

	for (int i = 0; i < B2B_LATENCY_BOUNDS; i++)
		json_array_append_new(within, json_pack("[I,I]", (json_int_t)b2b_latency_bounds_us[i], (json_int_t)latency->within[i]));
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:o}", "n", (json_int_t)latency->n, "p50_us", (json_int_t)b2b_latency_quantile(latency, 50),
	                 "p99_us", (json_int_t)b2b_latency_quantile(latency, 99), "max_us", (json_int_t)latency->max_us, "sum_us",
	                 (json_int_t)latency->sum_us, "within_us", within);
}

json_t *b2b_figures_json(struct b2b_core *core)
{
	struct recent *recent = calloc(1, sizeof(*recent));
	json_t *stages = json_array();

	if (recent)
		b2b_revocation_recent(core->state, RECENT, collect, recent);
	for (int i = 0; recent && i < B2B_STAGES; i++)
		json_array_append_new(stages, json_pack("{s:s,s:o,s:o}", "stage", stage_names[i], "last", recent_json(recent->us[i], recent->n[i]),
		                                        "since_start", since_start_json(&core->latency[i])));
	free(recent);
	return stages;
}
