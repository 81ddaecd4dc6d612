#include "tests/fleet/service.h"

#include <curl/curl.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONTROL_TOKEN "control-of-the-fleet"

static char *path_of(const struct fleet_service *service, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", service->dir, name) < 0)
		err(1, "asprintf");
	return path;
}

static void write_token(const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file || fputs(CONTROL_TOKEN "\n", file) < 0 || fclose(file) != 0)
		err(1, "%s", path);
}

static void exec_service(const struct fleet_service *service, const char *token, int out)
{
	const char *build = secure_getenv("BUILD");
	char *program, listen[32], *data = path_of(service, "service"), *clients = path_of(service, "clients");

	snprintf(listen, sizeof(listen), "127.0.0.1:%d", service->port);
	if (asprintf(&program, "%s/b2b-federation", build ? build : "build") < 0 || dup2(out, STDOUT_FILENO) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		err(126, "b2b-federation");
	execl(program, program, "--data", data, "--listen", listen, "--clients", clients, "--control-token-file", token, (char *)NULL);
	err(127, "%s", program);
}

/* "listening on https://ADDRESS:PORT" */
static void read_url(struct fleet_service *service, int fd)
{
	char line[160] = "", *url;
	FILE *file = fdopen(fd, "r");

	if (!file || !fgets(line, sizeof(line), file) || !(url = strstr(line, "https://")))
		errx(1, "the federation service did not start: %s", line);
	fclose(file);
	snprintf(service->url, sizeof(service->url), "%.*s", (int)strcspn(url, "\r\n"), url);
	service->port = (int)strtol(strrchr(service->url, ':') + 1, NULL, 10);
}

void service_run(struct fleet_service *service)
{
	char *token = path_of(service, "control");
	int out[2];

	write_token(token);
	if (pipe(out) < 0)
		err(1, "pipe");
	service->pid = fork();
	if (service->pid < 0)
		err(1, "fork");
	if (service->pid == 0)
		exec_service(service, token, out[1]);
	close(out[1]);
	read_url(service, out[0]);
	free(token);
}

void service_end(struct fleet_service *service)
{
	kill(service->pid, SIGTERM);
	waitpid(service->pid, NULL, 0);
	service->pid = 0;
}

static size_t take(char *data, size_t size, size_t n, void *arg)
{
	return fwrite(data, size, n, arg) * size;
}

/* What POST of TEXT to URL answers; caller frees. */
static char *post(const char *url, const char *ca, const char *text)
{
	CURL *easy = curl_easy_init();
	struct curl_slist *headers = curl_slist_append(NULL, "Authorization: Bearer " CONTROL_TOKEN);
	char *body = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&body, &len);
	CURLcode r;

	if (!easy || !headers || !out)
		err(1, "%s", url);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, text);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, out);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 120000L);
	r = curl_easy_perform(easy);
	if (r != CURLE_OK)
		errx(1, "%s: %s", url, curl_easy_strerror(r));
	fclose(out);
	curl_slist_free_all(headers);
	curl_easy_cleanup(easy);
	return body;
}

int64_t service_order(const struct fleet_service *service, const char *what, json_t *body)
{
	char url[256], *ca = path_of(service, "service/ca.pem"), *text = json_dumps(body, JSON_COMPACT), *said;
	json_t *answer, *committed;
	int64_t ms;

	snprintf(url, sizeof(url), "%s/control/%s", service->url, what);
	said = post(url, ca, text);
	answer = json_loads(said, 0, NULL);
	committed = json_object_get(answer, "committed_ms");
	if (!json_is_integer(committed))
		errx(1, "%s: %s", url, said);
	ms = json_integer_value(committed);
	json_decref(answer);
	json_decref(body);
	free(said);
	free(text);
	free(ca);
	return ms;
}
