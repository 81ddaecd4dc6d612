/* A scripted issuer on the TLS server: sound until a test bends it, for what the real service cannot be made to do. */
#ifndef B2B_TESTS_ISSUER_H
#define B2B_TESTS_ISSUER_H

#include "common/conf.h"
#include "tests/support/signer.h"
#include "tests/support/tls_server.h"

#define ISSUER_POLLS_MAX 16

struct issuer {
	struct tls_server *server;
	EVP_PKEY *key;      /* signs ID tokens; published as KID */
	char kid[16];       /* of the published set */
	char signing_kid[16];
	json_t *metadata;   /* what discovery answers */
	int metadata_status, jwks_status; /* 0: 200 */
	int retry_after_s;  /* said with the metadata; 0: not */
	const char *jwks;   /* instead of the real one; NULL: real */
	const char *cache_control;
	bool oauth_place_only; /* metadata only where RFC 8414 has it */
	bool jwks_silent;
	/* device log-in and CIBA */
	json_t *device;     /* answer of the device authorization endpoint; NULL: 503 */
	const char *device_error; /* error code of it instead; NULL: none */
	json_t *ciba;       /* answer of the backchannel authentication endpoint */
	const char *ciba_error; /* error code of it instead; "access_denied" comes with 403; NULL: none */
	const char *polls[ISSUER_POLLS_MAX]; /* error codes of the polls in turn; "token", "503", "html"; after the last: "token" */
	json_t *claims;     /* of the ID token */
	bool no_id_token;
	const char *rotate_at_poll; /* kid that is published from the first poll on */
	/* access token */
	json_t *token;      /* answer to client_credentials */
	int token_status;
	/* refresh tokens */
	const char *rotated;       /* the refresh token that comes with a device log-in, and with a renewal; NULL: none */
	const char *refresh_error; /* error code of a renewal; "503", "" for an empty 400; NULL: none */
	/* introspection */
	json_t *introspection; /* the answer; NULL: 503 */
	int introspection_status;
	bool introspection_signed; /* as RFC 9701 has it */
	/* what arrived */
	unsigned introspected;
	struct tls_request last_introspection;
	unsigned metadata_asked, jwks_asked, refreshed, device_asked, ciba_asked, polled, token_asked;
	struct tls_request last_device, last_ciba, last_poll, last_token, last_refresh;
	struct b2b_conf conf; /* points to it: private_key_jwt with a key below the server's folder */
	char key_file[256];
	EVP_PKEY *client_key;
};

/* Aborts on failure. */
void issuer_start(struct issuer *issuer);
void issuer_stop(struct issuer *issuer);

/* The value of NAME in a form body, decoded; caller frees; NULL where absent. */
char *issuer_form_value(const char *body, const char *name);

#endif
