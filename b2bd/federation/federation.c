#include "b2bd/federation/federation_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

int b2b_federation_new(struct b2b_loop *loop, struct b2b_http *http, const struct b2b_conf *conf,
                       struct b2b_federation **ret_federation, char *error)
{
	struct b2b_federation *federation = calloc(1, sizeof(*federation));
	int r;

	if (!federation)
		return -ENOMEM;
	federation->loop = loop;
	federation->http = http;
	federation->conf = &conf->federation;
	federation->audience = conf->host.audience ? conf->host.audience : conf->federation.client_id;
	r = b2b_client_identity_new(federation->conf, &federation->identity, error);
	if (r == 0)
		r = b2b_client_identity_present(federation->identity, http);
	if (r < 0) {
		b2b_client_identity_free(federation->identity);
		free(federation);
		return r;
	}
	b2b_refresh_begin(federation);
	*ret_federation = federation;
	return 0;
}

static void names_free(char **names, size_t n)
{
	while (n)
		free(names[--n]);
	free(names);
}

int b2b_federation_distrust(struct b2b_federation *federation, const char *const *names, size_t n)
{
	char **copies = calloc(n ? n : 1, sizeof(*copies));
	size_t i;

	for (i = 0; copies && i < n; i++) {
		copies[i] = strdup(names[i]);
		if (copies[i])
			continue;
		names_free(copies, i);
		return -ENOMEM;
	}
	if (!copies)
		return -ENOMEM;
	names_free(federation->distrusted, federation->n_distrusted);
	federation->distrusted = copies;
	federation->n_distrusted = n;
	b2b_jwks_distrust(federation->jwks, (const char *const *)copies, n);
	return 0;
}

char *b2b_federation_thumbprint(const struct b2b_federation *federation, const char *kid)
{
	return b2b_jwks_thumbprint(federation->jwks, kid);
}

void b2b_federation_free(struct b2b_federation *federation)
{
	if (!federation)
		return;
	b2b_refresh_stop(federation);
	b2b_access_stop(federation);
	b2b_client_identity_free(federation->identity);
	b2b_discovery_clear(&federation->discovery);
	b2b_jwks_free(federation->jwks);
	names_free(federation->distrusted, federation->n_distrusted);
	free(federation);
}

void b2b_federation_on_ready(struct b2b_federation *federation, void (*changed)(void *arg, bool ready, const char *why), void *arg)
{
	federation->changed = changed;
	federation->changed_arg = arg;
}

bool b2b_federation_ready(const struct b2b_federation *federation)
{
	return federation->jwks != NULL;
}

bool b2b_introspection_offered(const struct b2b_federation *federation)
{
	return b2b_federation_ready(federation) && federation->discovery.introspection_endpoint;
}

void b2b_federation_pass_over(struct b2b_federation *federation)
{
	federation->passed_over++;
	b2b_log(LOG_WARNING, "event=refresh-token-passed-over; the service's is longer than 16384 bytes or not of printable characters, so the log-in is "
	                     "asked about again in the next way that reverify names");
}

uint64_t b2b_federation_passed_over(const struct b2b_federation *federation)
{
	return federation->passed_over;
}

const char *b2b_federation_why(const struct b2b_federation *federation)
{
	return federation->why;
}

const struct b2b_jwks *b2b_federation_jwks(const struct b2b_federation *federation)
{
	return federation->jwks;
}

void b2b_federation_forget(struct b2b_federation *federation, void *arg)
{
	b2b_waiters_forget(&federation->refresh.waiters, arg);
	b2b_waiters_forget(&federation->access.waiters, arg);
}

void b2b_federation_state(struct b2b_federation *federation, struct b2b_jwks *jwks, const char *why)
{
	bool was_ready = federation->jwks != NULL, other_why;

	if (!why)
		why = "";
	other_why = strncmp(federation->why, why, sizeof(federation->why) - 1) != 0;
	if (jwks != federation->jwks) {
		b2b_jwks_free(federation->jwks);
		b2b_jwks_distrust(jwks, (const char *const *)federation->distrusted, federation->n_distrusted);
	}
	federation->jwks = jwks;
	snprintf(federation->why, sizeof(federation->why), "%s", why);
	if (federation->changed && (was_ready != (jwks != NULL) || (!jwks && other_why)))
		federation->changed(federation->changed_arg, jwks != NULL, federation->why);
}
