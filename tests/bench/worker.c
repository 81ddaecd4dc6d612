/*
 * worker SERVICE PEOPLE KNOWS: one subject's process. Reads requests from descriptor 0 and answers on 1, so that a subject
 * that hangs or crashes takes nothing else with it. KNOWS 0: its module knows nobody, and that is the right answer.
 */
#include <nss.h>
#include <pthread.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/ask.h"
#include "tests/bench/first.h"
#include "tests/bench/memory.h"

#define NS_PER_S 1000000000ull
#define TOUCH_NS 250000000u             /* the time for touching everything once */
#define TOUCH_FAST_NS (3 * NS_PER_S)   /* the same where a thousand take a tenth of that */
#define TOUCH_AT_ONCE 1000u
#define PROBE_NS 2000000u              /* a batch that takes as long tells what one call costs */
#define ENUMERATE_NS (2 * NS_PER_S)    /* the time for one enumeration: what is slower is measured by its first entries */

#define PARTS 15
#define SLICE 512u
#define FRESH_NS 25000000u             /* processes are started for so long, and one at least */
#define FRESH_PEOPLE 100u

static struct bench_population population;
static const char *service; /* empty: nsswitch.conf says it */
static bool knows_somebody;
static struct bench_key keys[BENCH_BATCH_MAX];
static char buffers[2][BENCH_BUFFER_SIZE];
static double cost_ns[64]; /* of a call, by operation; 0: not known yet */

static int by_cost(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Is there somebody to be found? */
static bool expects(const struct bench_op *op)
{
	return knows_somebody && op->whom != BENCH_ABSENT_OURS && op->whom != BENCH_ABSENT_OTHER;
}

/* One question, counted. */
static void ask_one(const struct bench_op *op, const struct bench_key *key, struct bench_reply *reply)
{
	reply->wrong += !bench_ask(op->ask, key, expects(op), buffers[0]);
	reply->calls++;
}

/* TIMES questions, over N keys again and again from number *KEY on. */
static void ask_all(const struct bench_op *op, size_t n, uint64_t times, size_t *key, struct bench_reply *reply)
{
	bool expected = expects(op);
	uint64_t wrong = 0;
	size_t at = *key;

	for (uint64_t i = 0; i < times; i++, at = at + 1 < n ? at + 1 : 0)
		wrong += !bench_ask(op->ask, &keys[at], expected, buffers[0]);
	*key = at;
	reply->wrong += wrong;
	reply->calls += times;
}

/*
 * Everybody once, so that every page has been touched and every answer seen: as far as TOUCH_NS goes, and further where it goes
 * fast. What is slow is not faster for having been touched.
 */
static void touch_everyone(const struct bench_op *op, struct bench_reply *reply)
{
	uint64_t began = now(), until = began + TOUCH_NS;
	uint32_t asked = 0, n;

	for (; asked < population.people && now() < until; asked += n) {
		n = population.people - asked < TOUCH_AT_ONCE ? population.people - asked : TOUCH_AT_ONCE;
		bench_keys_everyone(&population, asked, keys, n);
		for (uint32_t i = 0; i < n && now() < until; i++)
			ask_one(op, &keys[i], reply);
		if (asked == 0 && now() - began < TOUCH_NS / 10)
			until = began + TOUCH_FAST_NS;
	}
}

static void touch_keys(const struct bench_op *op, size_t n, struct bench_reply *reply)
{
	uint64_t until = now() + TOUCH_NS;

	for (size_t i = 0; i < n && now() < until; i++)
		ask_one(op, &keys[i], reply);
}

static void add_sample(struct bench_reply *reply, uint64_t ns)
{
	reply->samples_ns[reply->n_samples++] = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

/*
 * TIMES questions in PARTS, each with its share. What a call costs is that of the part in the middle: whatever else runs on
 * the machine takes the core away from some of them, and for longer than one lasts.
 */
static void ask_in_parts(const struct bench_op *op, size_t n, uint64_t times, struct bench_reply *reply)
{
	uint64_t share = times < PARTS ? 1 : times / PARTS;
	double ns[PARTS];
	size_t parts = 0, key = 0;

	for (; parts < PARTS && parts * share < times; parts++) {
		uint64_t began = now();

		ask_all(op, n, share, &key, reply);
		ns[parts] = (double)(now() - began) / (double)share;
		if (share == 1)
			add_sample(reply, (uint64_t)ns[parts]);
	}
	qsort(ns, parts, sizeof(*ns), by_cost);
	reply->ns = ns[parts / 2];
}

/* What a call of OP costs, found by batches that double. */
static double probe(const struct bench_op *op, size_t n, struct bench_reply *reply)
{
	size_t key = 0;

	for (uint64_t times = 1;; times *= 2) {
		uint64_t began = now(), took;

		ask_all(op, n, times, &key, reply);
		took = now() - began;
		if (took > PROBE_NS || times >= BENCH_BATCH_MAX)
			return (double)took / (double)times;
	}
}

/* How many calls of OP fit BUDGET. */
static uint64_t batch_size(int op, uint64_t budget_ns)
{
	double fit = (double)budget_ns / (cost_ns[op] > 1 ? cost_ns[op] : 1);

	return fit < 1 ? 1 : fit > BENCH_BATCH_MAX ? BENCH_BATCH_MAX : (uint64_t)fit;
}

/* Single calls of their own, unless the batch was made of single calls. */
static void take_samples(const struct bench_op *op, size_t n, uint64_t times, struct bench_reply *reply)
{
	for (size_t i = 0; i < times && i < BENCH_SAMPLES; i++) {
		uint64_t began = now();

		ask_one(op, &keys[i % n], reply);
		add_sample(reply, now() - began);
	}
}

/* The first request of an operation: everything is touched once, and the cost becomes known. */
static void prepare(int number, struct bench_reply *reply)
{
	const struct bench_op *op = &bench_ops[number];
	size_t n = bench_keys_distinct(&population, op);

	if (n == 0) {
		touch_everyone(op, reply);
		n = 1024;
		bench_keys_make(&population, op, 0, keys, n);
	} else {
		bench_keys_make(&population, op, 0, keys, n);
		touch_keys(op, n, reply);
	}
	cost_ns[number] = probe(op, n, reply);
}

static void look_up(const struct bench_request *request, struct bench_reply *reply)
{
	const struct bench_op *op = &bench_ops[request->op];
	size_t distinct = bench_keys_distinct(&population, op), n, key = 0;
	uint64_t times;

	if (cost_ns[request->op] == 0)
		prepare(request->op, reply);
	times = batch_size(request->op, request->budget_ns);
	n = distinct ? distinct : times;
	bench_keys_make(&population, op, request->seed, keys, n);
	/* What is hot has been so a moment ago; what is random meets warm code alone. */
	if (distinct && times >= distinct)
		ask_all(op, n, n, &key, reply);
	ask_in_parts(op, n, times, reply);
	if (reply->n_samples == 0) {
		bench_keys_make(&population, op, ~request->seed, keys, n);
		take_samples(op, n, times, reply);
	}
}

/*
 * Entries come in an order of the subject's own: at the end all must have come. What one costs is that of the slice in the middle,
 * as in a batch; the last, which is no whole one, counts where it is the only one.
 */
static void enumerate(struct bench_reply *reply)
{
	static double slices[BENCH_PEOPLE_MAX / SLICE + 1];
	uint64_t began = now(), entries = 0, uids = 0, sum = 0, since = began;
	size_t n = 0;
	struct passwd pw, *found;

	setpwent();
	while (getpwent_r(&pw, buffers[0], BENCH_BUFFER_SIZE, &found) == 0) {
		uids += found->pw_uid;
		if (++entries % SLICE != 0 || n == BENCH_PEOPLE_MAX / SLICE)
			continue;
		slices[n++] = (double)(now() - since) / SLICE;
		since = now();
		if (since - began > ENUMERATE_NS)
			break;
	}
	if (n == 0)
		slices[n++] = (double)(now() - began) / (double)(entries ? entries : 1);
	endpwent();
	qsort(slices, n, sizeof(*slices), by_cost);
	reply->ns = slices[n / 2];
	reply->calls = entries;
	if (now() - began > ENUMERATE_NS)
		return; /* not all of it */
	for (uint32_t person = 0; knows_somebody && person < population.people; person++)
		sum += bench_person_uid(&population, person);
	reply->wrong = uids != sum || entries != (knows_somebody ? population.people : 0);
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Processes that look one person up each. Their times are far apart: the round's is that in the middle. */
static void start_fresh(const struct bench_request *request, struct bench_reply *reply)
{
	const struct bench_op *op = &bench_ops[request->op];
	uint64_t began = now(), ns = 0;

	bench_keys_make(&population, op, request->seed, keys, bench_keys_distinct(&population, op));
	while (reply->n_samples < BENCH_SAMPLES && (reply->n_samples == 0 || now() - began < FRESH_NS)) {
		int found = bench_first_run(service, keys[reply->n_samples % FRESH_PEOPLE].name, &ns);

		reply->wrong += found < 0 || (found > 0) != knows_somebody;
		reply->samples_ns[reply->n_samples++] = (uint32_t)ns;
	}
	reply->calls = reply->n_samples;
	qsort(reply->samples_ns, reply->n_samples, sizeof(*reply->samples_ns), by_value);
	reply->ns = reply->samples_ns[reply->n_samples / 2];
}

/* Of a few look-ups, and of many where that does not take long. */
static void count_system_calls(const struct bench_request *request, struct bench_reply *reply)
{
	uint64_t first = 0, more = 0, began = now();
	unsigned times = BENCH_STEADY / 100;
	int found;

	bench_keys_make(&population, &bench_ops[request->op], request->seed, keys, 1);
	found = bench_first_count(service, keys[0].name, times, &first, &more);
	if (found >= 0 && now() - began < TOUCH_NS) {
		times = BENCH_STEADY;
		found = bench_first_count(service, keys[0].name, times, &first, &more);
	}
	reply->wrong = found < 0 || (found > 0) != knows_somebody;
	reply->ns = (double)first;
	reply->calls = times + 1;
	reply->samples_ns[reply->n_samples++] = (uint32_t)more;
}

/* The keys are the worker's, not the subject's: the same number of pages of them in each. */
static void measure_memory(struct bench_reply *reply)
{
	uint32_t own = 0, shared = 0;

	memset(keys, 1, sizeof(keys));
	memset(buffers, 1, sizeof(buffers));
	reply->wrong = bench_memory(&own, &shared) < 0;
	reply->ns = own;
	reply->calls = 1;
	reply->samples_ns[reply->n_samples++] = shared;
}

static void read_clock(struct bench_reply *reply)
{
	uint64_t began = now();

	for (; reply->calls < BENCH_BATCH_MAX; reply->calls++)
		now();
	reply->ns = (double)(now() - began) / (double)reply->calls;
}

/* Threads that ask at once, until the time is over. */
struct crowd {
	const struct bench_op *op;
	size_t n;
	uint64_t until_ns;
	pthread_barrier_t start;
	_Atomic uint64_t calls, wrong;
};

struct one {
	struct crowd *crowd;
	pthread_t thread;
	size_t number;
};

static void *ask_until(void *arg)
{
	struct one *one = arg;
	struct crowd *crowd = one->crowd;
	uint64_t calls = 0, wrong = 0;
	size_t i = one->number * crowd->n / 2;

	pthread_barrier_wait(&crowd->start);
	do {
		wrong += !bench_ask(crowd->op->ask, &keys[i], knows_somebody, buffers[one->number]);
		i = i + 1 < crowd->n ? i + 1 : 0;
	} while (++calls % 8 || now() < crowd->until_ns);
	crowd->calls += calls;
	crowd->wrong += wrong;
	return NULL;
}

/* The reply's cost is the time by all calls of all threads: what one more call takes of the clock. */
static void crowd(const struct bench_request *request, unsigned threads, struct bench_reply *reply)
{
	const struct bench_op *op = &bench_ops[request->op];
	struct crowd crowd = { .op = op, .n = bench_keys_distinct(&population, op) };
	struct one ones[2];
	uint64_t began;
	unsigned n;

	bench_keys_make(&population, op, request->seed, keys, crowd.n);
	if (cost_ns[request->op] == 0) {
		touch_keys(op, crowd.n, reply);
		cost_ns[request->op] = 1;
	}
	pthread_barrier_init(&crowd.start, NULL, threads);
	began = now();
	crowd.until_ns = began + request->budget_ns;
	for (n = 0; n < threads; n++) {
		ones[n] = (struct one){ .crowd = &crowd, .number = n };
		if (pthread_create(&ones[n].thread, NULL, ask_until, &ones[n]) != 0)
			_exit(1);
	}
	while (n > 0)
		pthread_join(ones[--n].thread, NULL);
	reply->ns = (double)(now() - began) / (double)crowd.calls;
	reply->calls += crowd.calls;
	reply->wrong += crowd.wrong;
	pthread_barrier_destroy(&crowd.start);
}

static void answer(const struct bench_request *request, struct bench_reply *reply)
{
	const struct bench_op *op = &bench_ops[request->op];

	if (op->how == BENCH_THREAD || op->how == BENCH_TWO_THREADS) {
		crowd(request, op->how == BENCH_THREAD ? 1 : 2, reply);
		return;
	}
	switch (op->ask) {
	case BENCH_ENUMERATE:
		enumerate(reply);
		break;
	case BENCH_FRESH:
		start_fresh(request, reply);
		break;
	case BENCH_SYSTEM_CALLS:
		count_system_calls(request, reply);
		break;
	case BENCH_MEMORY:
		measure_memory(reply);
		break;
	case BENCH_CLOCK:
		read_clock(reply);
		break;
	default:
		look_up(request, reply);
	}
}

int main(int argc, char **argv)
{
	struct bench_request request;

	if (argc != 4 || bench_population((uint32_t)strtoul(argv[2], NULL, 10), &population) < 0) {
		fprintf(stderr, "usage: worker SERVICE PEOPLE KNOWS\n");
		return 2;
	}
	knows_somebody = strcmp(argv[3], "0") != 0;
	service = argv[1];
	if (*service) {
		__nss_configure_lookup("passwd", service);
		__nss_configure_lookup("group", service);
		__nss_configure_lookup("initgroups", service);
	}
	while (read(0, &request, sizeof(request)) == sizeof(request)) {
		struct bench_reply reply = { .ns = 0 };

		answer(&request, &reply);
		if (write(1, &reply, sizeof(reply)) != sizeof(reply))
			return 1;
	}
	return 0;
}
