/*
 * fleet: one embedded federation service and thousands of agents, real but for what host.h says: how fast all have applied an event, what
 * a fleet at rest costs, and how it comes back after the service was away. Progress goes to standard error, what was measured to
 * standard output, as JSON. Runs in a network namespace of its own (tests/fleet/run).
 */
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "common/clock.h"
#include "tests/fleet/measure.h"
#include "tests/fleet/service.h"
#include "tests/fleet/worker.h"

#define SAMPLE_NS (250 * B2B_NS_PER_MS)

struct run {
	struct fleet_shared *shared;
	struct fleet_service service;
	struct fleet_measure measure;
	int rest_s, down_s, limit_s;
	uint64_t end_ns;   /* nothing is waited for any more after that */
	unsigned expected; /* hosts that were ready at the last */
	int events;        /* sent */
	bool complete; /* every phase came to its end in time */
	json_t *results;
};

static void pause_ns(uint64_t ns)
{
	struct timespec time = { .tv_sec = (time_t)(ns / B2B_NS_PER_S), .tv_nsec = (long)(ns % B2B_NS_PER_S) };

	nanosleep(&time, NULL);
}

static unsigned count_ready(const struct run *run)
{
	unsigned i, n = 0;

	for (i = 0; i < run->shared->hosts; i++)
		n += run->shared->host[i].ready;
	return n;
}

static unsigned count_applied(const struct run *run)
{
	unsigned i, n = 0;

	for (i = 0; i < run->shared->hosts; i++)
		n += run->shared->host[i].applied_ms[run->shared->event] != 0;
	return n;
}

/* The most requests in one sample, as of a second. */
struct peak {
	struct fleet_look last;
	double requests, connections;
};

static uint64_t total(const uint64_t of[FLEET_KINDS])
{
	uint64_t sum = 0;

	for (int i = 0; i < FLEET_KINDS; i++)
		sum += of[i];
	return sum;
}

static void sample(const struct run *run, struct peak *peak)
{
	struct fleet_look now;
	double seconds, requests, connections;

	measure_look(&run->measure, &now);
	seconds = now.at_s - peak->last.at_s;
	requests = (double)(total(now.requests) - total(peak->last.requests)) / seconds;
	connections = (double)(now.connections - peak->last.connections) / seconds;
	if (peak->last.at_s > 0 && requests > peak->requests)
		peak->requests = requests;
	if (peak->last.at_s > 0 && connections > peak->connections)
		peak->connections = connections;
	peak->last = now;
}

/* Until COUNT says that all hosts are there that are expected, or the time is over; how many are. */
static unsigned wait_for_all(struct run *run, unsigned (*count)(const struct run *run), struct peak *peak)
{
	uint64_t deadline = b2b_now_ns() + (uint64_t)run->limit_s * B2B_NS_PER_S;
	unsigned n;

	if (deadline > run->end_ns)
		deadline = run->end_ns;
	while ((n = count(run)) < run->expected && b2b_now_ns() < deadline) {
		if (peak)
			sample(run, peak);
		pause_ns(peak ? SAMPLE_NS : SAMPLE_NS / 10);
	}
	if (n < run->expected) {
		warnx("only %u of %u hosts in time", n, run->expected);
		run->complete = false;
	}
	return n;
}

static void keep(struct run *run, const char *phase, const struct fleet_look *from, json_t *more)
{
	struct fleet_look to;
	json_t *object;

	measure_look(&run->measure, &to);
	object = measure_difference(&run->measure, from, &to);
	json_object_update(object, more);
	json_decref(more);
	fprintf(stderr, "fleet: %s: %.1f s\n", phase, to.at_s - from->at_s);
	json_object_set_new(run->results, phase, object);
}

static void prepare(struct run *run)
{
	struct fleet_shared *shared = run->shared;
	struct fleet_look from;
	unsigned i;

	measure_look(&run->measure, &from);
	for (i = 0; i < shared->workers; i++)
		run->measure.workers[i] = worker_start(shared, i);
	while (shared->prepared < shared->hosts)
		pause_ns(SAMPLE_NS / 10);
	service_run(&run->service);
	run->measure.service = run->service.pid;
	snprintf(shared->url, sizeof(shared->url), "%s", run->service.url);
}

static json_t *memory(const struct run *run)
{
	uint64_t agents = 0;
	unsigned i;

	for (i = 0; i < run->shared->workers; i++)
		agents += measure_memory(run->measure.workers[i]);
	return json_pack("{s:I, s:I}", "service_bytes", (json_int_t)measure_memory(run->service.pid), "bytes_per_agent",
	                 (json_int_t)(agents / run->shared->hosts));
}

static void start(struct run *run)
{
	struct fleet_look from;
	struct peak peak = { 0 };
	unsigned n;

	measure_look(&run->measure, &from);
	run->shared->go = true;
	run->expected = run->shared->hosts;
	n = wait_for_all(run, count_ready, &peak);
	run->expected = n;
	keep(run, "start", &from, json_pack("{s:i, s:f, s:f}", "ready", n, "peak_requests", peak.requests, "peak_connections", peak.connections));
}

static void rest(struct run *run)
{
	struct fleet_look from;

	measure_look(&run->measure, &from);
	pause_ns((uint64_t)run->rest_s * B2B_NS_PER_S);
	keep(run, "rest", &from, json_object());
	json_object_set_new(run->results, "memory", memory(run));
}

static int by_number(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The value that PERCENT of the N sorted VALUES do not exceed. */
static int64_t percentile(const int64_t *values, unsigned n, unsigned percent)
{
	return n ? values[((uint64_t)n * percent + 99) / 100 - 1] : 0;
}

/* Of those that have applied the event: milliseconds since COMMITTED_MS. */
static json_t *times(const struct run *run, int64_t committed_ms)
{
	int64_t *values = calloc(run->shared->hosts, sizeof(*values));
	unsigned i, n = 0;
	json_t *object;

	if (!values)
		err(1, "times");
	for (i = 0; i < run->shared->hosts; i++) {
		int64_t at = run->shared->host[i].applied_ms[run->shared->event];

		if (at)
			values[n++] = at - committed_ms;
	}
	qsort(values, n, sizeof(*values), by_number);
	object = json_pack("{s:i, s:I, s:I, s:I, s:I}", "applied", n, "first_ms", (json_int_t)(n ? values[0] : 0), "p50_ms",
	                   (json_int_t)percentile(values, n, 50), "p99_ms", (json_int_t)percentile(values, n, 99), "max_ms",
	                   (json_int_t)(n ? values[n - 1] : 0));
	free(values);
	return object;
}

/* ORDER about the person LOCAL of the organisation ALIAS, or about all of it, and the time until the last has applied it. */
static void event(struct run *run, const char *phase, const char *order, const char *alias, const char *local)
{
	struct fleet_shared *shared = run->shared;
	struct fleet_look from;
	int64_t committed_ms;
	json_t *whom = *local ? json_pack("{s:o}", "person", json_sprintf("%s@%s.example", local, alias)) : json_pack("{s:s}", "organisation", alias);

	snprintf(shared->alias, sizeof(shared->alias), "%s", alias);
	snprintf(shared->local, sizeof(shared->local), "%s", local);
	shared->event = run->events++;
	measure_look(&run->measure, &from);
	committed_ms = service_order(&run->service, order, whom);
	wait_for_all(run, count_applied, NULL);
	keep(run, phase, &from, times(run, committed_ms));
}

/* The service is away for a while and comes back: everybody's polls end at once. */
static void restart(struct run *run)
{
	struct fleet_look from, back;
	struct peak down = { 0 }, up = { 0 };
	uint64_t until;
	unsigned n;

	run->measure.service = 0;
	service_end(&run->service);
	measure_look(&run->measure, &from);
	for (until = b2b_now_ns() + (uint64_t)run->down_s * B2B_NS_PER_S; b2b_now_ns() < until; pause_ns(SAMPLE_NS))
		sample(run, &down);
	keep(run, "away", &from, json_pack("{s:f}", "peak_requests", down.requests));
	service_run(&run->service);
	run->measure.service = run->service.pid;
	measure_look(&run->measure, &back);
	n = wait_for_all(run, count_ready, &up);
	keep(run, "back", &back, json_pack("{s:i, s:f, s:f}", "ready", n, "peak_requests", up.requests, "peak_connections", up.connections));
}

static void measure_all(struct run *run)
{
	prepare(run);
	start(run);
	rest(run);
	event(run, "person", "suspend", "acme", "alice");
	event(run, "organisation", "suspend-organisation", "globex", "");
	restart(run);
	event(run, "after", "suspend", "acme", "carol");
	if (run->shared->ended)
		errx(1, "%u agents have ended", run->shared->ended);
}

static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		err(1, "descriptors");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		err(1, "descriptors");
}

static void make_folders(const char *dir)
{
	static const char *const names[] = { "hosts", "clients", "service" };
	char *path;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (asprintf(&path, "%s/%s", dir, names[i]) < 0 || mkdir(path, 0755) < 0)
			err(1, "%s/%s", dir, names[i]);
		free(path);
	}
}

static unsigned number(const char *text, unsigned most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || end == text || value < 1 || value > most)
		errx(2, "%s: not a number from 1 to %u", text, most);
	return (unsigned)value;
}

static struct fleet_shared *share(unsigned hosts)
{
	struct fleet_shared *shared = mmap(NULL, sizeof(*shared) + hosts * sizeof(shared->host[0]), PROT_READ | PROT_WRITE,
	                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		err(1, "memory");
	shared->hosts = hosts;
	shared->event = -1;
	return shared;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "hosts", required_argument, NULL, 'n' },  { "workers", required_argument, NULL, 'w' },
		                                 { "rate", required_argument, NULL, 'r' },   { "rest", required_argument, NULL, 's' },
		                                 { "down", required_argument, NULL, 'd' },   { "limit", required_argument, NULL, 'l' },
		                                 { "total", required_argument, NULL, 't' },  { NULL, 0, NULL, 0 } };
	struct run run = { .rest_s = 60, .down_s = 5, .limit_s = 120, .complete = true, .results = json_object() };
	unsigned hosts = 100, workers = 1, rate = 50, total_s = 600;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'n': hosts = number(optarg, 100000); break;
		case 'w': workers = number(optarg, MEASURE_WORKERS_MAX); break;
		case 'r': rate = number(optarg, 100000); break;
		case 's': run.rest_s = (int)number(optarg, 3600); break;
		case 'd': run.down_s = (int)number(optarg, 3600); break;
		case 'l': run.limit_s = (int)number(optarg, 3600); break;
		case 't': total_s = number(optarg, 86400); break;
		default: errx(2, "usage: fleet [--hosts N] [--workers N] [--rate PER_SECOND] [--rest S] [--down S] [--limit S] [--total S] FOLDER");
		}
	}
	if (optind != argc - 1)
		errx(2, "one new, empty folder is needed");
	run.end_ns = b2b_now_ns() + total_s * B2B_NS_PER_S;
	raise_descriptors();
	make_folders(argv[optind]);
	run.shared = share(hosts);
	run.shared->dir = run.service.dir = argv[optind];
	run.shared->workers = workers;
	run.shared->per_second = rate;
	run.measure.shared = run.shared;
	json_object_set_new(run.results, "hosts", json_integer(hosts));
	json_object_set_new(run.results, "workers", json_integer(workers));
	measure_all(&run);
	json_object_set_new(run.results, "complete", json_boolean(run.complete));
	json_dumpf(run.results, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
	putchar('\n');
	return run.complete ? 0 : 1;
}
