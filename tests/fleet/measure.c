#include "tests/fleet/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

#define SATURATED 0.8

static const char *const kinds[FLEET_KINDS] = { [FLEET_POLL] = "poll", [FLEET_STREAM] = "stream", [FLEET_TOKEN] = "token",
	                                        [FLEET_DIRECTORY] = "directory", [FLEET_METADATA] = "metadata" };

/* The text behind the first KEY in the file PATH into BUF; empty where it is not there. */
static void read_after(const char *path, const char *key, char *buf, size_t size)
{
	char text[8192] = "";
	const char *at;
	FILE *file = fopen(path, "re");
	size_t n = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	text[n] = '\0';
	if (file)
		fclose(file);
	at = strstr(text, key);
	snprintf(buf, size, "%s", at ? at + strlen(key) : "");
}

/* Field N, from 0, of TEXT. */
static uint64_t field(const char *text, int n)
{
	text += strspn(text, " \t");
	for (; n > 0 && *text; n--) {
		text += strcspn(text, " \t\n");
		text += strspn(text, " \t");
	}
	return strtoull(text, NULL, 10);
}

static double ticks_s(uint64_t ticks)
{
	return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static double cpu_s(pid_t pid)
{
	char path[48], text[1024];

	if (!pid)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	read_after(path, ") ", text, sizeof(text)); /* the third field of proc(5) is the first of these */
	return ticks_s(field(text, 11) + field(text, 12));
}

/* All but idle, and what waits for a disk. */
static double machine_s(void)
{
	char text[1024];
	uint64_t busy = 0;
	int i;

	read_after("/proc/stat", "cpu ", text, sizeof(text));
	for (i = 0; i < 8; i++)
		busy += i == 3 || i == 4 ? 0 : field(text, i);
	return ticks_s(busy);
}

void measure_look(const struct fleet_measure *measure, struct fleet_look *ret_look)
{
	const struct fleet_shared *shared = measure->shared;
	struct fleet_look look = { .at_s = (double)b2b_now_ns() / 1e9, .service_s = cpu_s(measure->service), .busy_s = machine_s(),
		                   .connections = shared->connections };
	char text[1024];
	unsigned i;

	for (i = 0; i < shared->workers; i++)
		look.agents_s += cpu_s(measure->workers[i]);
	for (i = 0; i < FLEET_KINDS; i++) {
		look.requests[i] = shared->counts[i].requests;
		look.failed[i] = shared->counts[i].failed;
		look.bytes[i] = shared->counts[i].bytes;
	}
	read_after("/proc/self/net/dev", "lo:", text, sizeof(text));
	look.wire_bytes = field(text, 0);
	*ret_look = look;
}

/* One core for the service, which has one thread; for the agents what is left of the machine, a core for each process at most. */
static json_t *saturated(const struct fleet_measure *measure, double service, double agents)
{
	double cores = (double)sysconf(_SC_NPROCESSORS_ONLN), left = cores > 1 ? cores - 1 : 1;
	json_t *list = json_array();

	if (left > measure->shared->workers)
		left = measure->shared->workers;
	if (service > SATURATED)
		json_array_append_new(list, json_string("service"));
	if (agents / left > SATURATED)
		json_array_append_new(list, json_string("agents"));
	return list;
}

json_t *measure_difference(const struct fleet_measure *measure, const struct fleet_look *from, const struct fleet_look *to)
{
	double seconds = to->at_s - from->at_s, service = (to->service_s - from->service_s) / seconds, agents = (to->agents_s - from->agents_s) / seconds;
	json_t *object = json_pack("{s:f, s:f, s:f, s:f, s:o, s:I, s:I}", "seconds", seconds, "service_cpu", service, "agents_cpu", agents,
	                           "machine_cpu", (to->busy_s - from->busy_s) / seconds / (double)sysconf(_SC_NPROCESSORS_ONLN), "saturated",
	                           saturated(measure, service, agents), "wire_bytes", (json_int_t)(to->wire_bytes - from->wire_bytes), "connections",
	                           (json_int_t)(to->connections - from->connections));
	int i;

	for (i = 0; i < FLEET_KINDS; i++)
		json_object_set_new(object, kinds[i],
		                    json_pack("{s:I, s:I, s:I}", "requests", (json_int_t)(to->requests[i] - from->requests[i]), "failed",
		                              (json_int_t)(to->failed[i] - from->failed[i]), "bytes", (json_int_t)(to->bytes[i] - from->bytes[i])));
	return object;
}

uint64_t measure_memory(pid_t pid)
{
	char path[48], text[1024];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	read_after(path, "VmRSS:", text, sizeof(text));
	return field(text, 0) * 1024;
}
