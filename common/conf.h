/*
 * /etc/b2b/b2b.conf: root's configuration. One table (conf_table.c) holds every key, its default and its meaning;
 * the man page b2b.conf(5) and the sample repeat it and a test compares them.
 *
 * An unknown section or key, a bad value, or a key given twice is an error that says file, line, what was found
 * and what was expected. All of the file is read before any of it counts.
 */
#ifndef B2B_CONF_H
#define B2B_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/idmap.h"
#include "common/policy.h"

#define B2B_CONF_WARNINGS_MAX 4
#define B2B_CONF_PATH "/etc/b2b/b2b.conf"

enum b2b_client_auth {
	B2B_CLIENT_PRIVATE_KEY_JWT,
	B2B_CLIENT_SECRET_BASIC,
	B2B_CLIENT_SECRET_POST,
	B2B_CLIENT_TLS,             /* RFC 8705 2.1: a certificate of an authority that the service trusts */
	B2B_CLIENT_SELF_SIGNED_TLS, /* RFC 8705 2.2: the very certificate that is registered */
};
enum b2b_access_token_typ { B2B_TYP_AT_JWT, B2B_TYP_ANY };
enum b2b_token_use { B2B_TOKEN_ONCE, B2B_TOKEN_MANY };
enum b2b_directory { B2B_DIRECTORY_SCIM, B2B_DIRECTORY_TOKEN, B2B_DIRECTORY_KEYCLOAK };
enum b2b_signals { B2B_SIGNALS_SSF, B2B_SIGNALS_NONE };
/* How a log-in is verified again while a session rests on it; bits, the first that fits is taken. */
enum b2b_reverify { B2B_REVERIFY_NONE = 1, B2B_REVERIFY_REFRESH = 2, B2B_REVERIFY_INTROSPECTION = 4, B2B_REVERIFY_LIFE = 8 };

/* A list of words. */
struct b2b_conf_words {
	char **words;
	size_t n;
};

enum b2b_command_message { B2B_MESSAGE_FULL, B2B_MESSAGE_CODE };

/* [federation] */
struct b2b_conf_federation {
	char *issuer;             /* https://… exactly as the service names itself */
	char *client_id;
	enum b2b_client_auth client_auth;
	char *client_key;         /* PEM file, private key for private_key_jwt and the TLS methods */
	char *client_key_id;      /* kid of it; NULL: RFC 7638 thumbprint */
	char *client_certificate; /* PEM file, for the TLS methods; may hold a chain */
	char *client_secret_file; /* for the secret methods */
	char *assertion_audience; /* "issuer" (RFC 7523bis) | "token_endpoint" | "endpoint" */
	char *ca_file;            /* NULL: system's */
	char *proxy;              /* NULL: none */
	char *login_hint;         /* template of how the service knows who is to approve: %n %u %o %s */
	uint32_t command_message; /* enum b2b_command_message: what the device shows of sudo's command */
	char *scope;              /* of a log-in: "openid" and what carries the organisation */
	char *api_scope;          /* of the host's own token for directory and signals */
	char *organisation_claim; /* where a token names the organisation's id */
	char *name_claim;         /* where it names the person's own log-in name; NULL: it is not asked */
	char *subject_attribute;  /* SCIM attribute equal to the token's sub: id | externalId | userName */
	char *scim_url;           /* NULL: issuer + "/scim/v2" */
	char *keycloak_url;       /* of the realm's admin API; NULL: issuer with /admin before /realms */
	char *scim_schema;        /* URN of the extension that carries localName, organizationId, … */
	char *scim_organisation_attribute; /* of a person or group, its organisation's id (b2bd/directory/scim_attribute.h) */
	char *scim_name_attribute;         /* of a person, the local name */
	char *scim_group_name_attribute;   /* of a group */
	bool scim_organisations;           /* the directory lists organisations with states and windows */
	char *scim_uid_attribute; /* of that extension, carries a person's number; NULL: the directory supplies none */
	char *scim_keys_attribute; /* likewise: a person's SSH keys */
	char *scim_owner_attribute; /* of a person, whom it acts for: a service account's owner */
	char *scim_gid_attribute; /* of the group's extension, likewise */
	enum b2b_signals signals;
	char *ssf_url;            /* SSF configuration document; NULL: well-known of the issuer */
	enum b2b_access_token_typ access_token_typ; /* what the issuer calls its access tokens */
	uint32_t algorithms;      /* that it may sign with: bits as of key algorithms, in its order; 0: all */
	enum b2b_token_use token_use; /* may one let somebody in again? */
	uint32_t token_life_s;    /* longest life of an access token to log in with; 0: any */
	struct b2b_conf_words status_origins; /* "https://HOST[:PORT]" besides the issuer's own, from which status lists may be fetched */
	uint32_t status_interval_s; /* longest time between two fetches of a status list */
	enum b2b_directory directory;
	uint32_t token_keep_s;    /* without a directory: how long somebody is known after the last proof */
	char *roles_claim;        /* likewise: where a token has the person's roles; NULL: none */
	char *groups_claim;       /* and groups */
	uint32_t sync_interval_s; /* full directory pass; without signals at most a third of the smallest staleness */
	uint32_t delta_interval_s; /* between them it is asked for changes alone; 0: it is not */
	uint32_t reverify;        /* enum b2b_reverify */
	uint32_t reverify_interval_s;
	uint32_t clock_skew_s;
	uint32_t mass_removal_percent; /* of an organisation's people */
	uint32_t mass_removal_least;   /* fewer are no mass */
};

/* [host]; policy-like keys (visibility, separator, …) go into struct b2b_policy */
struct b2b_conf_host {
	char *audience;           /* name of this host towards the service; NULL: client_id */
	char *idmap;              /* file of pinned ids; NULL: none */
	bool hashed_ids;          /* who has neither a pin nor a number from the directory gets an id by a hash */
	uint32_t staleness_keep_s; /* longest time since the last completed poll for sessions to go on; 0: no limit */
	uint32_t poll_hold_s;     /* longest held signal poll; at most a third of staleness */
	uint32_t approval_requests; /* that a person may leave unanswered in a row */
	uint32_t approval_pause_s;  /* then one more each */
	uint32_t warnings_s[B2B_CONF_WARNINGS_MAX]; /* how long before its end a session is warned, the longest first */
	size_t n_warnings;
	bool qr;                  /* offer a QR code where the terminal can show it */
};

/* assurance: acr value -> level */
struct b2b_conf_acr {
	char *acr;
	enum b2b_assurance level;
};

/* Whose word its people's sudo needs, of one organisation; lists end with NULL. */
struct b2b_conf_sudo {
	char **approvers;       /* "group:NAME" in its directory, "role:NAME"; NULL: its parent's rule holds, else nobody need approve */
	char **exempt_commands; /* absolute paths */
	char **exempt_users;    /* of this host, to run as */
	uint32_t wait_s;
};

/* What a session may last where its service demands the level. */
struct b2b_conf_limits {
	uint32_t session_s; /* since the person authenticated; 0: no limit */
	uint32_t idle_s;    /* since a key was last pressed; 0: no limit */
};

struct b2b_conf {
	struct b2b_conf_federation federation;
	struct b2b_conf_host host;
	struct b2b_conf_acr *acrs;
	size_t n_acrs;
	struct b2b_conf_limits limits[B2B_AAL3 + 1]; /* by enum b2b_assurance; none for B2B_AAL_NONE */
	struct b2b_idmap *pins;    /* of host.idmap; NULL: none, or b2b_conf_parse */
	char **key_options;        /* by slot of policy->orgs: what stands before its people's SSH keys; NULL: its parent's, else nothing */
	struct b2b_conf_sudo *sudo; /* by slot likewise */
	struct b2b_policy *policy; /* compiled: masks intersected, ranges checked, gids resolved unless asked not to */
};

#define B2B_CONF_ERROR_SIZE 512

/*
 * Read and check PATH (a trusted file), and the file of pinned ids that it names. RESOLVE_GROUPS: look local_groups up with getgrnam (b2bctl as root);
 * without it, roles have no gids (the agent, which takes policy from the index and must not ask NSS).
 * Returns 0; or a negative errno with "FILE:LINE: what was found; what was expected" in error[B2B_CONF_ERROR_SIZE].
 * Caller frees with b2b_conf_free.
 */
int b2b_conf_read(const char *path, bool resolve_groups, struct b2b_conf **ret_conf, char *error);
/* The same from TEXT without the pinned ids, for tests and fuzzing; NAME stands for the file in errors. */
int b2b_conf_parse(const char *text, size_t len, const char *name, bool resolve_groups, struct b2b_conf **ret_conf, char *error);
void b2b_conf_free(struct b2b_conf *conf); /* NULL is legal */
void b2b_conf_sudo_clear(struct b2b_conf_sudo *sudo);

/*
 * The rule for people of ORG, a slot of POLICY (the policy in force, whose slots need not be CONF's): its own, or that of the nearest
 * organisation above; *ret_org is whose it is, and whose people approve. NULL: nobody need.
 */
const struct b2b_conf_sudo *b2b_conf_sudo_of(const struct b2b_conf *conf, const struct b2b_policy *policy, int org, int *ret_org);

/*
 * The text of PATH, a trusted file of at most MAX bytes. Returns 0, caller frees; or a negative errno with a sentence in
 * error[B2B_CONF_ERROR_SIZE].
 */
int b2b_conf_read_text(const char *path, size_t max, char **ret_text, size_t *ret_len, char *error);

#endif
