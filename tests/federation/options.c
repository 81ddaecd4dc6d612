#include "tests/federation/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/federation/text.h"

static const char help[] =
	"b2b-federation - a small real federation service for tests and the demo; never for production\n"
	"\n"
	"usage: b2b-federation --data DIR [--listen ADDRESS:PORT] [--client ID=PUBLIC_KEY.pem] …\n"
	"\n"
	"  --data DIR               state: directory, keys, tokens, events, its CA (ca.pem); must exist\n"
	"  --listen ADDRESS:PORT    or [ADDRESS]:PORT; port 0 lets the kernel choose (127.0.0.1:0); the first line of output is\n"
	"                           \"listening on https://ADDRESS:PORT\"\n"
	"  --issuer URL             when it is reached by another name than that; without a slash at the end\n"
	"  --name NAME              a further DNS name or address in the certificate it makes; may be given again\n"
	"  --tls-cert FILE --tls-key FILE   a certificate of your own instead\n"
	"  --client ID=FILE         a host: public key or certificate (PEM; P-256, RSA, Ed25519) for private_key_jwt\n"
	"  --clients DIR            many of these: every ID.pem in DIR is host ID's\n"
	"  --client-secret ID=FILE  a host with a secret (first line of FILE)\n"
	"  --client-ca FILE         hosts may show certificates, at https://localhost:PORT (mtls_endpoint_aliases); who\n"
	"                           vouches for those of --client-subject\n"
	"  --client-cert ID=FILE    a host with this certificate (self_signed_tls_client_auth)\n"
	"  --client-subject ID=DN   a host with a certificate of this subject (tls_client_auth)\n"
	"  --client-scope ID=SCOPES what it may have (" FED_CLIENT_SCOPES ");\n"
	"                           " FED_SCOPE_WRITE " allows SCIM to write\n"
	"  --seed FILE              what a new DIR is filled with (a built-in copy of tests/federation/seed.json)\n"
	"  --control-token-file FILE  switches the control API on, for who has this token (first line of FILE)\n"
	"  --registration-token-file FILE  hosts may register themselves at /register (RFC 7591, 7592) with this token\n"
	"  --alg ALG                sign with ES256 (at first), RS256 or EdDSA\n"
	"  --device-interval S      between polls of a log-in, by device grant or CIBA (5)\n"
	"  --device-lifetime S      of its codes (600)\n"
	"  --long-messages          take binding messages (CIBA) of 1023 printable characters; else of 20 letters and digits\n"
	"  --scim-cursors           say that lists of the directory go by cursors (RFC 9865); they do when asked so anyway\n"
	"  --id-token-lifetime S --access-token-lifetime S --refresh-token-lifetime S   (300, 3600, 86400)\n"
	"  --status-lists URL       signed tokens name a place in a status list, below URL: this service's own, or a cache's in front of it\n"
	"  --status-ttl S           how long it may be kept (60)\n"
	"  --secrets FILE           append every token, code and assertion that passes, to look for them in logs\n"
	"  --help                   this\n"
	"\n"
	"By hand:\n"
	"  openssl ecparam -name prime256v1 -genkey -noout -out web7.key\n"
	"  openssl ec -in web7.key -pubout -out web7.pem\n"
	"  mkdir state && echo letmein >control.token\n"
	"  b2b-federation --data state --listen 127.0.0.1:8443 --client web7=web7.pem --control-token-file control.token\n"
	"  curl --cacert state/ca.pem https://127.0.0.1:8443/.well-known/openid-configuration\n"
	"\n"
	"Pages: /device approves a log-in, by its code or because it asks (CIBA) who is logged in there; /desk is the partner\n"
	"administrator's desk. The seed's passwords are NAME-demo: alice, carol, dave (administrator) at acme; bob at emea.acme; heidi at apac.acme; erin, grace (administrator) at\n"
	"globex; mallory (administrator), trent at initech. User names are alice@acme or alice@acme.example.\n"
	"\n"
	"Control, each POST /control/… with the token as Bearer and JSON, answers {\"committed_ms\": …}:\n"
	"  approve {user_code | binding_message, person, acr?, amr?, auth_time?}   deny {user_code | binding_message}\n"
	"  offboard | suspend | reinstate {person, reason?}\n"
	"  end-contract | suspend-organisation | reinstate-organisation {organisation, reason?}\n"
	"  person {organisation, local, display?, kind?, owner?, state?, roles?, ssh_keys?, password?, …} or {person, …}\n"
	"  people {organisation, prefix, count, first?}   organisation {id?, alias, parent?, display?}\n"
	"  group {organisation, local, members?} or {group, members}\n"
	"  event {type, person | organisation | sub_id, reason?, event_timestamp?}   (the directory stays as it is)\n"
	"  token-status {person, status}   0 valid, 1 invalid, 2 suspended: of all their signed tokens (with --status-lists)\n"
	"  rotate-keys {alg?, drop?, sign_with?, rotate?}\n"
	"  misbehave {slow: {ms, family?, count?}, status: {code, family?, count?}, drop: {family?, count?}, wrong_key,\n"
	"             unknown_kid, wrong_issuer, wrong_audience, empty_page, repeat_page, expire_cursors, replay,\n"
	"             hold_events, status_list: large | large-unpacked | expired | old,\n"
	"             registration: {member: what its answer says instead}, reset}\n"
	"             families: discovery jwks token device ciba introspect register scim ssf poll pages statuslist\n"
	"GET /control/events: what was told, and what receivers had against it. GET /control/devices: log-ins that wait.\n";

enum {
	OPT_DATA = 256, OPT_LISTEN, OPT_ISSUER, OPT_NAME, OPT_CERT, OPT_KEY, OPT_CLIENT, OPT_CLIENTS, OPT_SECRET, OPT_SCOPE, OPT_CLIENT_CA, OPT_CLIENT_CERT, OPT_SUBJECT, OPT_SEED, OPT_CONTROL, OPT_REGISTRATION, OPT_ALG,
	OPT_INTERVAL, OPT_LIFETIME, OPT_ID_TOKEN, OPT_ACCESS_TOKEN, OPT_REFRESH_TOKEN, OPT_SECRETS, OPT_STATUS_LISTS, OPT_STATUS_TTL, OPT_LONG, OPT_CURSORS, OPT_HELP,
};

static const struct option known[] = {
	{ "data", required_argument, NULL, OPT_DATA },
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "issuer", required_argument, NULL, OPT_ISSUER },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "tls-cert", required_argument, NULL, OPT_CERT },
	{ "tls-key", required_argument, NULL, OPT_KEY },
	{ "client", required_argument, NULL, OPT_CLIENT },
	{ "clients", required_argument, NULL, OPT_CLIENTS },
	{ "client-secret", required_argument, NULL, OPT_SECRET },
	{ "client-scope", required_argument, NULL, OPT_SCOPE },
	{ "client-ca", required_argument, NULL, OPT_CLIENT_CA },
	{ "client-cert", required_argument, NULL, OPT_CLIENT_CERT },
	{ "client-subject", required_argument, NULL, OPT_SUBJECT },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "control-token-file", required_argument, NULL, OPT_CONTROL },
	{ "registration-token-file", required_argument, NULL, OPT_REGISTRATION },
	{ "alg", required_argument, NULL, OPT_ALG },
	{ "device-interval", required_argument, NULL, OPT_INTERVAL },
	{ "device-lifetime", required_argument, NULL, OPT_LIFETIME },
	{ "id-token-lifetime", required_argument, NULL, OPT_ID_TOKEN },
	{ "access-token-lifetime", required_argument, NULL, OPT_ACCESS_TOKEN },
	{ "refresh-token-lifetime", required_argument, NULL, OPT_REFRESH_TOKEN },
	{ "status-lists", required_argument, NULL, OPT_STATUS_LISTS },
	{ "status-ttl", required_argument, NULL, OPT_STATUS_TTL },
	{ "secrets", required_argument, NULL, OPT_SECRETS },
	{ "long-messages", no_argument, NULL, OPT_LONG },
	{ "scim-cursors", no_argument, NULL, OPT_CURSORS },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "b2b-federation: %s: %s\n", what, why);
	return -EINVAL;
}

static int take_listen(struct fed_options *options, const char *text)
{
	const char *colon = strrchr(text, ':');
	int64_t port;
	size_t len = colon ? (size_t)(colon - text) : 0;
	if (!colon || len == 0 || len >= sizeof(options->address) || fed_number(colon + 1, 0, 65535, &port) != 0)
		return complain(text, "not ADDRESS:PORT");
	if (text[0] == '[' && text[len - 1] == ']' && len > 2) {
		text++;
		len -= 2;
	}
	memcpy(options->address, text, len);
	options->address[len] = '\0';
	options->port = (uint16_t)port;
	return 0;
}

static int take_seconds(int64_t *ret_seconds, const char *text)
{
	return fed_number(text, 1, 31536000, ret_seconds) == 0 ? 0 : complain(text, "not a number of seconds");
}

/* ID=FILE or ID=SCOPES, handed to TAKE. */
static int take_client(struct fed_options *options, const char *text, int (*take)(struct fed_client *client, const char *value))
{
	const char *equals = strchr(text, '=');
	if (!equals || equals == text || !equals[1])
		return complain(text, "not ID=VALUE");
	char *id = strndup(text, (size_t)(equals - text));
	struct fed_client *client = id ? fed_clients_add(options->clients, id) : NULL;
	free(id);
	int error = client ? take(client, equals + 1) : -ENOMEM;
	if (error == -EINVAL)
		return complain(equals + 1, "not a key or secret that this service can use");
	return error ? complain(equals + 1, strerror(-error)) : 0;
}

static int take_clients(struct fed_options *options, const char *dir)
{
	int error = fed_clients_add_all(options->clients, dir);
	return error ? complain(dir, error == -EINVAL ? "an ID.pem in it is no key that this service can use" : strerror(-error)) : 0;
}

static int take_url(const char **ret_url, const char *text)
{
	size_t len = strlen(text);
	if (strncmp(text, "https://", 8) != 0 || len < 9 || text[len - 1] == '/' || strpbrk(text, "?# \"<>"))
		return complain(text, "not an https URL without a slash at its end");
	*ret_url = text;
	return 0;
}

static int take_name(struct fed_options *options, const char *text)
{
	if (options->n_names >= FED_NAMES_MAX)
		return complain(text, "too many names");
	options->names[options->n_names++] = text;
	return 0;
}

static int take_timing(struct fed_options *options, int option, const char *value)
{
	switch (option) {
	case OPT_INTERVAL:
		return take_seconds(&options->device_interval_s, value);
	case OPT_LIFETIME:
		return take_seconds(&options->device_lifetime_s, value);
	case OPT_ID_TOKEN:
		return take_seconds(&options->id_token_s, value);
	case OPT_ACCESS_TOKEN:
		return take_seconds(&options->access_token_s, value);
	case OPT_REFRESH_TOKEN:
		return take_seconds(&options->refresh_token_s, value);
	case OPT_STATUS_TTL:
		return take_seconds(&options->status_ttl_s, value);
	default:
		fprintf(stderr, "b2b-federation: --help says how to run it\n");
		return -EINVAL;
	}
}

static int take(struct fed_options *options, int option, const char *value)
{
	switch (option) {
	case OPT_DATA:
		options->data = value;
		return 0;
	case OPT_LISTEN:
		return take_listen(options, value);
	case OPT_STATUS_LISTS:
		return take_url(&options->status_lists, value);
	case OPT_ISSUER:
		return take_url(&options->issuer, value);
	case OPT_NAME:
		return take_name(options, value);
	case OPT_CERT:
		options->certificate = value;
		return 0;
	case OPT_KEY:
		options->key = value;
		return 0;
	case OPT_CLIENT:
		return take_client(options, value, fed_client_read_key);
	case OPT_CLIENTS:
		return take_clients(options, value);
	case OPT_SECRET:
		return take_client(options, value, fed_client_read_secret);
	case OPT_SCOPE:
		return take_client(options, value, fed_client_set_scopes);
	case OPT_CLIENT_CA:
		options->client_ca = value;
		return 0;
	case OPT_CLIENT_CERT:
		return take_client(options, value, fed_client_read_certificate);
	case OPT_SUBJECT:
		return take_client(options, value, fed_client_set_subject);
	case OPT_SEED:
		options->seed = value;
		return 0;
	case OPT_CONTROL:
		options->control_token_file = value;
		return 0;
	case OPT_REGISTRATION:
		options->registration_token_file = value;
		return 0;
	case OPT_SECRETS:
		options->secrets = value;
		return 0;
	case OPT_LONG:
		options->long_messages = true;
		return 0;
	case OPT_CURSORS:
		options->scim_cursors = true;
		return 0;
	case OPT_ALG:
		options->alg = value;
		return 0;
	case OPT_HELP:
		fputs(help, stdout);
		return 1;
	default:
		return take_timing(options, option, value);
	}
}

int fed_options_read(int argc, char **argv, struct fed_options *ret_options)
{
	struct fed_options options = { .address = "127.0.0.1",	.device_lifetime_s = 600, .device_interval_s = 5, .id_token_s = 300,
				       .access_token_s = 3600, .refresh_token_s = 86400, .status_ttl_s = 60 };
	int option, error = 0;
	options.clients = fed_clients_new();
	if (!options.clients)
		return complain("clients", strerror(ENOMEM));
	while (!error && (option = getopt_long(argc, argv, "", known, NULL)) != -1)
		error = take(&options, option, optarg);
	if (!error && optind < argc)
		error = complain(argv[optind], "not an option");
	if (!error && !options.data)
		error = complain("--data", "missing; --help says how to run it");
	if (!error && !options.certificate != !options.key)
		error = complain("--tls-cert, --tls-key", "both or none");
	if (error)
		fed_clients_free(options.clients);
	else
		*ret_options = options;
	return error;
}
