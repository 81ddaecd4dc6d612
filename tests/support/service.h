/* The embedded federation service ($BUILD/b2b-federation) as a child process with a data folder of its own in scratch. */
#ifndef B2B_TESTS_SERVICE_H
#define B2B_TESTS_SERVICE_H

#include <sys/types.h>

#include "tests/support/scratch.h"

#define SERVICE_CONTROL_TOKEN "control-of-the-tests"
#define SERVICE_REGISTRATION_TOKEN "who-has-this-may-register"
#define SERVICE_SECRET "a secret: 100% +&="

struct service {
	pid_t pid;
	char folder[SCRATCH_SIZE]; /* keys and secrets of the test's clients; data below */
	char url[128];             /* https://127.0.0.1:PORT, its issuer */
	char ca[SCRATCH_SIZE];
	char key[SCRATCH_SIZE];    /* private key of client web7 */
	char secret[SCRATCH_SIZE]; /* secret of client web8 */
	char own[SCRATCH_SIZE];    /* web10's certificate, which signs itself and is registered */
	char issued[SCRATCH_SIZE]; /* web11's, by an authority that the service trusts */
	char stranger[SCRATCH_SIZE]; /* of web11's subject, by nobody */
};

/*
 * Clients web7 (private_key_jwt by a key of KIND, see signer.h), web8 (secret), web10 and web11 (certificates of web7's key); signs
 * with ALG. Exits the test on failure.
 */
void service_start(struct service *service, const char *kind, const char *alg);
/* The same on ADDRESS ("[::1]" for one that is reached by IPv6 alone). */
void service_start_at(struct service *service, const char *address, const char *kind, const char *alg);
void service_stop(struct service *service);

#endif
