/* The federation as far as directory and signals need it: always ready, with a token at once. */
#ifndef B2B_TESTS_FAKE_FEDERATION_H
#define B2B_TESTS_FAKE_FEDERATION_H

#include "b2bd/federation/federation.h"

static struct {
	int tokens, drops, refetches;
	bool no_token;
	const struct b2b_jwks *jwks;
	void (*refetched)(void *arg, bool fetched);
	void *refetched_arg;
} fake;

bool b2b_federation_ready(const struct b2b_federation *federation)
{
	(void)federation;
	return true;
}

const struct b2b_jwks *b2b_federation_jwks(const struct b2b_federation *federation)
{
	(void)federation;
	return fake.jwks;
}

void b2b_federation_access_token(struct b2b_federation *federation,
                                 void (*done)(void *arg, const char *token, const char *error_text), void *arg)
{
	(void)federation;
	fake.tokens++;
	done(arg, fake.no_token ? NULL : "token", fake.no_token ? "no token to be had" : NULL);
}

void b2b_federation_drop_access_token(struct b2b_federation *federation)
{
	(void)federation;
	fake.drops++;
}

void b2b_federation_refetch_keys(struct b2b_federation *federation, void (*done)(void *arg, bool fetched), void *arg)
{
	(void)federation;
	fake.refetches++;
	fake.refetched = done;
	fake.refetched_arg = arg;
}

void b2b_federation_follow_keys(struct b2b_federation *federation, void (*done)(void *arg, bool fetched), void *arg)
{
	b2b_federation_refetch_keys(federation, done, arg);
}

const char *b2b_federation_why(const struct b2b_federation *federation)
{
	(void)federation;
	return "";
}

int b2b_federation_renew_keys(struct b2b_federation *federation, void (*done)(void *arg, bool fetched), void *arg)
{
	b2b_federation_refetch_keys(federation, done, arg);
	return 0;
}

void b2b_federation_forget(struct b2b_federation *federation, void *arg)
{
	(void)federation;
	if (fake.refetched_arg == arg)
		fake.refetched = NULL;
}

#endif
