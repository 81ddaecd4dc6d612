/* What a request to somebody's approval device says, whatever it is about: who is asked, how strongly they have to authenticate, whose host asks. */
#ifndef B2B_ASKING_H
#define B2B_ASKING_H

#include "b2bd/core.h"

#define B2B_ACR_VALUES_SIZE 1024

/* The person of GATHERED, NAME on this host, as the service is to find them: by root's template, into BUF. */
void b2b_asking_hint(const struct b2b_core *core, const struct b2b_gathered *gathered, const char *name, char *buf, size_t size);

/* The values of acr that would do for SERVICE, the weakest that does first; "" where it demands none. */
void b2b_asking_acr_values(const struct b2b_conf *conf, const struct b2b_policy_service *service, char buf[B2B_ACR_VALUES_SIZE]);

/* This host's name, as people and the service know it. */
void b2b_asking_host(const struct b2b_conf *conf, char buf[B2B_HOST_SIZE]);

#endif
