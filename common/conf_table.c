#include "common/conf_table.h"

#include <stdio.h>
#include <string.h>

#include "common/conf_draft.h"

static const char *const client_auths[] = { "private_key_jwt", "client_secret_basic", "client_secret_post", "tls_client_auth",
	                                    "self_signed_tls_client_auth", NULL };
static const char *const audiences[] = { "issuer", "token_endpoint", "endpoint", NULL };
static const char *const subjects[] = { "id", "externalId", "userName", NULL };
static const char *const algorithms[] = { "RS256", "PS256", "ES256", "ES384", "EdDSA", NULL }; /* as enum b2b_alg */
static const char *const access_typs[] = { "at+jwt", "any", NULL };
static const char *const token_uses[] = { "once", "many", NULL };
static const char *const directories[] = { [B2B_DIRECTORY_SCIM] = "scim", [B2B_DIRECTORY_KEYCLOAK] = "keycloak", [B2B_DIRECTORY_TOKEN] = "token",
	                                  [B2B_DIRECTORY_KEYCLOAK + 1] = NULL };
static const char *const signals[] = { "ssf", "none", NULL };
static const char *const reverifies[] = { "none", "refresh", "introspection", "life", NULL }; /* as enum b2b_reverify */
static const char *const visibilities[] = { "organisation", "strict", "everyone", NULL };
static const char *const separators[] = { "@", "+", NULL };
static const char *const member_lists[] = { "full", "none", NULL };
static const char *const left_behinds[] = { "report", "end", NULL };
static const char *const methods[] = { "device", "ciba", "token", NULL };
static const char *const command_messages[] = { "full", "code", NULL };
static const char *const levels[] = { "none", "aal1", "aal2", "aal3", NULL };

#define AT(type, field) offsetof(struct b2b_##type, field)
#define DAY 86400

const struct b2b_conf_key b2b_conf_keys[] = {
	{ B2B_CONF_FEDERATION, "issuer", &b2b_conf_issuer, AT(conf_federation, issuer), NULL, "required", NULL, 0, 0,
	  "The federation service: the issuer in its tokens, letter for letter. Its discovery document is looked for below this URL." },
	{ B2B_CONF_FEDERATION, "client_id", &b2b_conf_text, AT(conf_federation, client_id), NULL, "required", NULL, 0, 0,
	  "This host's name as a client of the service." },
	{ B2B_CONF_FEDERATION, "client_auth", &b2b_conf_word, AT(conf_federation, client_auth), "private_key_jwt", NULL, client_auths, 0, 0,
	  "How this host proves to the service who it is. A key never leaves the host; a secret is sent. The TLS methods are RFC 8705's." },
	{ B2B_CONF_FEDERATION, "client_key", &b2b_conf_path, AT(conf_federation, client_key), NULL, "required for private_key_jwt and the TLS methods", NULL, 0, 0,
	  "PEM file with the host's private key; its public half is registered at the service. Owned by root, not writable by others, readable by group b2b." },
	{ B2B_CONF_FEDERATION, "client_key_id", &b2b_conf_text, AT(conf_federation, client_key_id), NULL, "the key's RFC 7638 thumbprint", NULL, 0, 0,
	  "Key id (kid) that the service knows the key by." },
	{ B2B_CONF_FEDERATION, "client_certificate", &b2b_conf_path, AT(conf_federation, client_certificate), NULL, "required for the TLS methods", NULL, 0, 0,
	  "PEM file with the certificate of client_key, and behind it those that lead to its authority; access as for client_key." },
	{ B2B_CONF_FEDERATION, "client_secret_file", &b2b_conf_path, AT(conf_federation, client_secret_file), NULL,
	  "required for client_secret_basic and client_secret_post", NULL, 0, 0, "File whose first line is the client secret; access as for client_key." },
	{ B2B_CONF_FEDERATION, "assertion_audience", &b2b_conf_word_text, AT(conf_federation, assertion_audience), "issuer", NULL, audiences, 0, 0,
	  "Audience of the host's signed assertions: the issuer; or for an older service its token endpoint, or the endpoint that is asked." },
	{ B2B_CONF_FEDERATION, "ca_file", &b2b_conf_path, AT(conf_federation, ca_file), NULL, "the system's authorities", NULL, 0, 0,
	  "PEM file with the only authorities that may vouch for the service's TLS certificate." },
	{ B2B_CONF_FEDERATION, "proxy", &b2b_conf_proxy_url, AT(conf_federation, proxy), NULL, "none", NULL, 0, 0, "Proxy through which the service is reached." },
	{ B2B_CONF_FEDERATION, "scope", &b2b_conf_text, AT(conf_federation, scope), "openid organization", NULL, NULL, 0, 0,
	  "Scopes of a log-in: openid, and what makes the service tell the organisation." },
	{ B2B_CONF_FEDERATION, "login_hint", &b2b_conf_hint, AT(conf_federation, login_hint), "%n", NULL, NULL, 0, 0,
	  "How the service knows who is to approve: %n is the name on this host, %u the person's own name, %o the organisation's alias, %s the token's sub." },
	{ B2B_CONF_FEDERATION, "command_message", &b2b_conf_word, AT(conf_federation, command_message), "full", NULL, command_messages, 0, 0,
	  "What the approval device shows of a command that sudo asks another person about: all of it, or for a service that takes short messages only "
	  "the code that the terminal shows beside the command." },
	{ B2B_CONF_FEDERATION, "api_scope", &b2b_conf_text, AT(conf_federation, api_scope), "directory ssf", NULL, NULL, 0, 0,
	  "Scopes of the host's own access token, with which it reads the directory and the signals." },
	{ B2B_CONF_FEDERATION, "organisation_claim", &b2b_conf_text, AT(conf_federation, organisation_claim), "organization", NULL, NULL, 0, 0,
	  "Claim of a token that holds the organisation's id: its name, or with slashes where within. A text, an array, or an object keyed by alias; ids, not aliases, where the service has both." },
	{ B2B_CONF_FEDERATION, "name_claim", &b2b_conf_text, AT(conf_federation, name_claim), NULL, "none", NULL, 0, 0,
	  "Claim of a token that holds the person's log-in name, without the organisation. Where it is given, it must be the name that logs in." },
	{ B2B_CONF_FEDERATION, "algorithms", &b2b_conf_word_set, AT(conf_federation, algorithms), "RS256 PS256 ES256 ES384 EdDSA", NULL, algorithms, 0, 5,
	  "Algorithms that the service may sign with: ID tokens, access tokens, signals and status lists. What it does not use is best left out." },
	{ B2B_CONF_FEDERATION, "access_token_typ", &b2b_conf_word, AT(conf_federation, access_token_typ), "at+jwt", NULL, access_typs, 0, 0,
	  "What the service writes into the header of its access tokens. Any is for a service that does not follow RFC 9068; audience must then not be client_id." },
	{ B2B_CONF_FEDERATION, "token_life", &b2b_conf_duration, AT(conf_federation, token_life_s), "1h", NULL, NULL, 1, DAY,
	  "Longest life of an access token that somebody may log in with." },
	{ B2B_CONF_FEDERATION, "token_use", &b2b_conf_word, AT(conf_federation, token_use), "once", NULL, token_uses, 0, 0,
	  "Whether an access token lets in once, or many times until it ends. Of one that was seen on its way, once leaves nothing." },
	{ B2B_CONF_FEDERATION, "status_origins", &b2b_conf_origins, AT(conf_federation, status_origins), NULL, "none", NULL, 0, 16,
	  "Places besides the issuer's own, as https://lists.example.com, from which status lists may be fetched; they are signed by the issuer wherever they lie." },
	{ B2B_CONF_FEDERATION, "status_interval", &b2b_conf_duration, AT(conf_federation, status_interval_s), "5m", NULL, NULL, 5, DAY,
	  "Longest time between two fetches of a status list that a session depends on; a list whose ttl is shorter is fetched as often, but for 5s." },
	{ B2B_CONF_FEDERATION, "subject_attribute", &b2b_conf_word_text, AT(conf_federation, subject_attribute), "id", NULL, subjects, 0, 0,
	  "Attribute of a person in the directory that equals the token's sub." },
	{ B2B_CONF_FEDERATION, "scim_url", &b2b_conf_https_url, AT(conf_federation, scim_url), NULL, "the issuer followed by /scim/v2", NULL, 0, 0,
	  "Base URL of the SCIM 2.0 directory." },
	{ B2B_CONF_FEDERATION, "keycloak_url", &b2b_conf_https_url, AT(conf_federation, keycloak_url), NULL, "the issuer with /admin before /realms", NULL, 0, 0,
	  "Base URL of the realm in Keycloak's admin API, where directory is keycloak." },
	{ B2B_CONF_FEDERATION, "scim_schema", &b2b_conf_text, AT(conf_federation, scim_schema), "urn:b2b:scim:schemas:2.0:User", NULL, NULL, 0, 0,
	  "Schema extension of a person that carries the organisation's id, the local name and the state." },
	{ B2B_CONF_FEDERATION, "scim_organisation_attribute", &b2b_conf_text, AT(conf_federation, scim_organisation_attribute), "organizationId", NULL, NULL, 0, 0,
	  "Attribute of a person, and of a group, that holds the organisation's id. A name is that of an attribute of scim_schema; a full name, "
	  "as urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization, another schema's." },
	{ B2B_CONF_FEDERATION, "scim_name_attribute", &b2b_conf_text, AT(conf_federation, scim_name_attribute), "localName", NULL, NULL, 0, 0,
	  "Likewise, that holds a person's name in the organisation; of alice@acme.example it is alice. A plain directory has "
	  "urn:ietf:params:scim:schemas:core:2.0:User:userName." },
	{ B2B_CONF_FEDERATION, "scim_group_name_attribute", &b2b_conf_text, AT(conf_federation, scim_group_name_attribute), "localName", NULL, NULL, 0, 0,
	  "Likewise, that holds a group's name. A plain directory has urn:ietf:params:scim:schemas:core:2.0:Group:displayName." },
	{ B2B_CONF_FEDERATION, "scim_organisations", &b2b_conf_bool, AT(conf_federation, scim_organisations), "yes", NULL, NULL, 0, 0,
	  "Whether the directory lists organisations with their state and contract window (resource type Organization). If not, all that have a section here are active." },
	{ B2B_CONF_FEDERATION, "scim_uid_attribute", &b2b_conf_text, AT(conf_federation, scim_uid_attribute), NULL, "none", NULL, 0, 0,
	  "Attribute of scim_schema with a person's user id. It counts for who is new here, if it lies in the organisation's range and was nobody's." },
	{ B2B_CONF_FEDERATION, "scim_keys_attribute", &b2b_conf_text, AT(conf_federation, scim_keys_attribute), "sshKeys", NULL, NULL, 0, 0,
	  "Attribute with a person's SSH public keys, a list of lines; named as scim_name_attribute is." },
	{ B2B_CONF_FEDERATION, "scim_owner_attribute", &b2b_conf_text, AT(conf_federation, scim_owner_attribute), "owner", NULL, NULL, 0, 0,
	  "Attribute with the id of the person whom a service account acts for, in the same organisation; named as scim_name_attribute is. When the owner is closed it is closed too." },
	{ B2B_CONF_FEDERATION, "scim_gid_attribute", &b2b_conf_text, AT(conf_federation, scim_gid_attribute), NULL, "none", NULL, 0, 0,
	  "The same for groups: attribute of the extension that ends in :Group instead of :User." },
	{ B2B_CONF_FEDERATION, "signals", &b2b_conf_word, AT(conf_federation, signals), "ssf", NULL, signals, 0, 0,
	  "How the service tells of a revocation: Shared Signals; or none, and then what a full pass over the directory finds counts: "
	  "a revocation takes as long as sync_interval, and only a completed pass lets sessions be opened, in no organisation of which, or above which, a removal waits (mass_removal)." },
	{ B2B_CONF_FEDERATION, "ssf_url", &b2b_conf_https_url, AT(conf_federation, ssf_url), NULL, "the well-known place of the issuer", NULL, 0, 0,
	  "Configuration document of the Shared Signals transmitter." },
	{ B2B_CONF_FEDERATION, "directory", &b2b_conf_word, AT(conf_federation, directory), "scim", NULL, directories, 0, 0,
	  "Where people and groups come from: a SCIM 2.0 service, or the organisations of a Keycloak realm (DIRECTORIES); or none but the tokens, and then a person is known from the first log-in on (WITHOUT A DIRECTORY)." },
	{ B2B_CONF_FEDERATION, "token_keep", &b2b_conf_duration, AT(conf_federation, token_keep_s), "30d", NULL, NULL, 60, 365 * DAY,
	  "With directory = token, how long after the last log-in a person stays known. Past it their access is closed, sessions too, until they log in again." },
	{ B2B_CONF_FEDERATION, "roles_claim", &b2b_conf_text, AT(conf_federation, roles_claim), NULL, "none", NULL, 0, 0,
	  "With directory = token, claim with the person's roles: its name, or with slashes where within, or below %o/ in the organisation's own object. "
	  "Those that the organisation has in its section count." },
	{ B2B_CONF_FEDERATION, "groups_claim", &b2b_conf_text, AT(conf_federation, groups_claim), NULL, "none", NULL, 0, 0,
	  "Likewise, claim with the person's groups in the organisation; they are made when they are named for the first time." },
	{ B2B_CONF_FEDERATION, "sync_interval", &b2b_conf_duration, AT(conf_federation, sync_interval_s), NULL,
	  "15m; without signals a third of the smallest staleness", NULL, 1, 7 * DAY,
	  "Time between two full passes over the directory; changes that are signalled do not wait for it. Without signals at most a third of the smallest staleness." },
	{ B2B_CONF_FEDERATION, "delta_interval", &b2b_conf_duration, AT(conf_federation, delta_interval_s), "none", NULL, NULL, 0, DAY,
	  "Time between two questions for what has changed, asked between two full passes with directory = scim; shorter than sync_interval. "
	  "They show who is suspended or moved; who is deleted shows in a full pass, and only that one renews what lets sessions be opened. With none the directory is read whole only." },
	{ B2B_CONF_FEDERATION, "reverify", &b2b_conf_word_set, AT(conf_federation, reverify), NULL, "refresh introspection life without signals; none with them", reverifies,
	  0, 4, "How a log-in is verified again while a session rests on it, the first of these that the service makes possible: by its refresh token, "
	  "by introspection of its access token, or not, and then the session ends with the tokens that opened it (life). None leaves it to signals and directory." },
	{ B2B_CONF_FEDERATION, "reverify_interval", &b2b_conf_duration, AT(conf_federation, reverify_interval_s), "5m", NULL, NULL, 1, DAY,
	  "The longest time between two such questions. Shorter than what the service lets a refresh token lie unused." },
	{ B2B_CONF_FEDERATION, "clock_skew", &b2b_conf_duration, AT(conf_federation, clock_skew_s), "30s", NULL, NULL, 0, 300,
	  "How far the host's clock and the service's may be apart." },
	{ B2B_CONF_FEDERATION, "mass_removal", &b2b_conf_percent, AT(conf_federation, mass_removal_percent), "20%", NULL, NULL, 1, 100,
	  "Share of an organisation's people that one directory pass may remove; more than that waits for an administrator's word. "
	  "Without signals nobody of it gets in after staleness while it waits, and staleness_keep ends their sessions." },
	{ B2B_CONF_FEDERATION, "mass_removal_least", &b2b_conf_number, AT(conf_federation, mass_removal_least), "3", NULL, NULL, 1, 1000000,
	  "Fewer people than this are no mass removal, whatever their share." },

	{ B2B_CONF_HOST, "audience", &b2b_conf_text, AT(draft_host, host.audience), NULL, "client_id", NULL, 0, 0,
	  "Name of this host towards the service: the audience of its event tokens." },
	{ B2B_CONF_HOST, "staleness", &b2b_conf_duration, AT(draft_host, staleness_s), "5m", NULL, NULL, 3, DAY,
	  "How long ago the last completed poll for signals may be for a session to be opened. Past it, names still resolve and nobody gets in." },
	{ B2B_CONF_HOST, "staleness_keep", &b2b_conf_duration, AT(draft_host, host.staleness_keep_s), "none", NULL, NULL, 0, 30 * DAY,
	  "The same for sessions to go on; past it they are ended. With none they last until their own limits. At least the largest staleness." },
	{ B2B_CONF_HOST, "poll_hold", &b2b_conf_duration, AT(draft_host, host.poll_hold_s), NULL, "a third of the smallest staleness, at most 25s", NULL, 1, 300,
	  "How long the service may hold a poll for signals open; at most a third of the smallest staleness." },
	{ B2B_CONF_HOST, "visibility", &b2b_conf_word, AT(draft_host, visibility), "organisation", NULL, visibilities, 0, 0,
	  "Who may read an organisation's names: its own members and everybody who is no partner; with strict, its members and root alone; or everyone." },
	{ B2B_CONF_HOST, "separator", &b2b_conf_word, AT(draft_host, separator), "@", NULL, separators, 0, 0,
	  "Between the person's and the organisation's name. Home directories, sudoers and cron tables that name people do not follow a change." },
	{ B2B_CONF_HOST, "enumerate", &b2b_conf_bool, AT(draft_host, enumerate), "no", NULL, NULL, 0, 0, "Whether getent passwd without a name lists partners." },
	{ B2B_CONF_HOST, "group_members", &b2b_conf_word, AT(draft_host, group_members), "full", NULL, member_lists, 0, 0,
	  "Whether groups list their members. With none they still work; large organisations resolve faster." },
	{ B2B_CONF_HOST, "partners_gid", &b2b_conf_number, AT(draft_host, partners_gid), "0x77fffff0", NULL, NULL, B2B_GID_FIRST, B2B_RANGE_LAST,
	  "Id of the group partners, in which every partner is. Outside every organisation's range." },
	{ B2B_CONF_HOST, "home", &b2b_conf_home, AT(draft_host, home), "/home/%o/%u", NULL, NULL, 0, 0,
	  "Home directories: %o is the organisation's alias, %u the person's own name." },
	{ B2B_CONF_HOST, "idmap", &b2b_conf_path, AT(draft_host, host.idmap), NULL, "none", NULL, 0, 0,
	  "File of pinned ids, the same on every host that shares files; access as for client_key. Who is pinned gets that id or none." },
	{ B2B_CONF_HOST, "hashed_ids", &b2b_conf_bool, AT(draft_host, host.hashed_ids), "yes", NULL, NULL, 0, 0,
	  "Whether who is new, and has neither a pinned id nor one from the directory, gets one by a hash. Hosts that share files want no." },
	{ B2B_CONF_HOST, "shells", &b2b_conf_shells, AT(draft_host, shells), "/bin/bash /bin/sh", NULL, NULL, 0, B2B_SHELLS_MAX,
	  "Shells that the directory may give to people. Who has none, or another, gets the first." },
	{ B2B_CONF_HOST, "ending_grace", &b2b_conf_duration, AT(draft_host, ending_grace_s), "none", NULL, NULL, 0, B2B_ENDING_GRACE_MAX_S,
	  "Time between the reason, with SIGHUP, and SIGKILL when sessions end; none for SIGKILL at once. Whoever was withdrawn goes on until it is over." },
	{ B2B_CONF_HOST, "left_behind", &b2b_conf_word, AT(draft_host, left_behind), "report", NULL, left_behinds, 0, 0,
	  "What becomes of a daemon that a partner started under another local account, and that has left the session: it is logged, or ended too." },
	{ B2B_CONF_HOST, "approval_requests", &b2b_conf_number, AT(draft_host, host.approval_requests), "3", NULL, NULL, 1, 20,
	  "How many requests to the approval device of one person may go unapproved in a row before method ciba pauses for them." },
	{ B2B_CONF_HOST, "approval_pause", &b2b_conf_duration, AT(draft_host, host.approval_pause_s), "5m", NULL, NULL, 10, DAY,
	  "How long it then takes until one more may be sent; an approval takes it back." },
	{ B2B_CONF_HOST, "session_warnings", &b2b_conf_durations, AT(draft_host, warnings), "5m 1m", NULL, NULL, 0, B2B_CONF_WARNINGS_MAX,
	  "How long before a session's end its terminals are told of it, and why it ends." },
	{ B2B_CONF_HOST, "qr", &b2b_conf_bool, AT(draft_host, host.qr), "yes", NULL, NULL, 0, 0,
	  "Whether a log-in shows a QR code beside the URL where the terminal can show one." },

	{ B2B_CONF_ASSURANCE, "aal1", &b2b_conf_list, AT(draft_assurance, acrs[0]), NULL, "none", NULL, 0, 64,
	  "Values of the token's acr claim that stand for one factor." },
	{ B2B_CONF_ASSURANCE, "aal2", &b2b_conf_list, AT(draft_assurance, acrs[1]), NULL, "none", NULL, 0, 64,
	  "Values of acr that stand for two factors." },
	{ B2B_CONF_ASSURANCE, "aal3", &b2b_conf_list, AT(draft_assurance, acrs[2]), NULL, "none", NULL, 0, 64,
	  "Values of acr that stand for two factors, one of them a hardware key." },
	{ B2B_CONF_ASSURANCE, "aal1_session", &b2b_conf_duration, AT(draft_assurance, limits[0].session_s), "none", NULL, NULL, 0, 365 * DAY,
	  "Longest time, since the person authenticated, of a session of a service that demands the level." },
	{ B2B_CONF_ASSURANCE, "aal2_session", &b2b_conf_duration, AT(draft_assurance, limits[1].session_s), "1d", NULL, NULL, 0, 365 * DAY,
	  "The same for this level." },
	{ B2B_CONF_ASSURANCE, "aal3_session", &b2b_conf_duration, AT(draft_assurance, limits[2].session_s), "12h", NULL, NULL, 0, 365 * DAY,
	  "The same for this level." },
	{ B2B_CONF_ASSURANCE, "aal1_idle", &b2b_conf_duration, AT(draft_assurance, limits[0].idle_s), "none", NULL, NULL, 0, 365 * DAY,
	  "Longest time without a key pressed at any terminal of such a session; it ends also where a program runs in it. One without a terminal is never idle." },
	{ B2B_CONF_ASSURANCE, "aal2_idle", &b2b_conf_duration, AT(draft_assurance, limits[1].idle_s), "none", NULL, NULL, 0, 365 * DAY,
	  "The same for this level; NIST SP 800-63B-4 has 1h." },
	{ B2B_CONF_ASSURANCE, "aal3_idle", &b2b_conf_duration, AT(draft_assurance, limits[2].idle_s), "none", NULL, NULL, 0, 365 * DAY,
	  "The same for this level; NIST SP 800-63B-4 has 15m." },

	{ B2B_CONF_ORGANISATION, "id", &b2b_conf_org_id, AT(draft_organisation, id), NULL, "required", NULL, 0, 0,
	  "The organisation's immutable id at the service." },
	{ B2B_CONF_ORGANISATION, "range", &b2b_conf_range, AT(draft_organisation, range), NULL, "required", NULL, 0, 0,
	  "User and group ids of its people, first and last, decimal or hexadecimal. Never to be changed; b2bctl org add proposes a free one." },
	{ B2B_CONF_ORGANISATION, "parent", &b2b_conf_parent, AT(draft_organisation, parent), NULL,
	  "what follows the first dot of the alias, when that has a section; else none", NULL, 0, 0,
	  "Alias of the organisation that this one is part of, or none. It can be given no more than its parent, and closes with it." },
	{ B2B_CONF_ORGANISATION, "services", &b2b_conf_labels, AT(draft_organisation, services), NULL, "none", NULL, 0, B2B_SERVICES_MAX,
	  "PAM services that its people may use. What is not listed is denied." },
	{ B2B_CONF_ORGANISATION, "roles", &b2b_conf_labels, AT(draft_organisation, roles), NULL, "none", NULL, 0, B2B_ROLES_MAX,
	  "Roles that its administrators may give to their people. Each has a section." },
	{ B2B_CONF_ORGANISATION, "key_options", &b2b_conf_key_options, AT(draft_organisation, key_options), NULL, "those of the parent; else none", NULL, 0, 16,
	  "What its people's SSH keys are restricted to: options of authorized_keys(5), with values unquoted." },
	{ B2B_CONF_ORGANISATION, "session", &b2b_conf_duration, AT(draft_organisation, session_s), "none", NULL, NULL, 0, 365 * DAY,
	  "Longest session; none for no limit of its own. The shortest among it and its parents counts." },
	{ B2B_CONF_ORGANISATION, "sudo_approvers", &b2b_conf_approvers, AT(draft_organisation, sudo_approvers), NULL, "those of the parent; else none", NULL, 0, 8,
	  "Who approves what its people run by sudo: those of this organisation in a group of its directory, or with a role; never the person who asks." },
	{ B2B_CONF_ORGANISATION, "sudo_exempt_commands", &b2b_conf_commands, AT(draft_organisation, sudo_exempt_commands), NULL, "none", NULL, 0, 64,
	  "Commands that nobody need approve, with whatever arguments: the path as sudo finds it." },
	{ B2B_CONF_ORGANISATION, "sudo_exempt_users", &b2b_conf_labels, AT(draft_organisation, sudo_exempt_users), NULL, "none", NULL, 0, 16,
	  "Users of this host as whom commands run that nobody need approve. Never root." },
	{ B2B_CONF_ORGANISATION, "sudo_wait", &b2b_conf_duration, AT(draft_organisation, sudo_wait_s), "2m", NULL, NULL, 10, 1800,
	  "How long sudo waits for the approval." },

	{ B2B_CONF_ROLE, "local_groups", &b2b_conf_groups, AT(draft_role, local_groups), NULL, "none", NULL, 0, B2B_ROLE_GIDS_MAX,
	  "Groups of this host that people with the role are in. Never root's." },

	{ B2B_CONF_SERVICE, "methods", &b2b_conf_choices, AT(draft_service, methods), "ciba device", NULL, methods, 0, 3,
	  "Ways to authenticate, the first that fits is taken: ciba (the person's own approval device; not where the federation service does not offer it), "
	  "device (URL and code), token (automation)." },
	{ B2B_CONF_SERVICE, "assurance", &b2b_conf_word, AT(draft_service, assurance), "none", NULL, levels, 0, 0,
	  "How strong the authentication must have been; section assurance says what the service calls that." },
	{ B2B_CONF_SERVICE, "max_age", &b2b_conf_duration, AT(draft_service, max_age_s), "none", NULL, NULL, 0, 365 * DAY,
	  "How old the authentication may be; none for any age. Where sshd wants publickey,keyboard-interactive, one that is no older is enough after an "
	  "SSH key of the directory, and nothing is asked, for 29 days at the most; with none it is asked for each time." },
	{ B2B_CONF_SERVICE, "staleness", &b2b_conf_duration, AT(draft_service, staleness_s), NULL,
	  "that of section host, for sudo and sudo-i at most 2m", NULL, 3, DAY, "As in section host, for this service." },
	{ B2B_CONF_SERVICE, "key_suffices", &b2b_conf_bool, AT(draft_service, key), "no", NULL, NULL, 0, 0,
	  "Whether an SSH key that the directory gives the person is enough, without a log-in at the federation service; one that they put into their home "
	  "is not, nor is a certificate. Of a service that is shown no keys, such as cron: whether it needs no log-in. Only without assurance." },
};
const size_t b2b_conf_n_keys = sizeof(b2b_conf_keys) / sizeof(b2b_conf_keys[0]);

const char *b2b_conf_section_name(enum b2b_conf_section section)
{
	static const char *const names[] = { "federation", "host", "assurance", "organisation", "role", "service" };

	return names[section];
}

const struct b2b_conf_key *b2b_conf_key_find(enum b2b_conf_section section, const char *name, size_t *ret_at)
{
	size_t at = 0;

	for (size_t i = 0; i < b2b_conf_n_keys; i++) {
		if (b2b_conf_keys[i].section != section)
			continue;
		if (strcmp(b2b_conf_keys[i].name, name) == 0) {
			*ret_at = at;
			return &b2b_conf_keys[i];
		}
		at++;
	}
	return NULL;
}

static void words_expected(const struct b2b_conf_key *key, char *buf, size_t size)
{
	size_t at = (size_t)snprintf(buf, size, "%s", key->kind->list ? "different words out of " : key->words[1] ? "one of " : "");

	for (size_t i = 0; key->words[i] && at < size; i++)
		at += (size_t)snprintf(buf + at, size - at, "%s%s", i ? ", " : "", key->words[i]);
}

/* In the unit that leaves no rest. */
static void duration_text(uint32_t seconds, char buf[16])
{
	static const uint32_t units[] = { 86400, 3600, 60, 1 };
	size_t i = 0;

	while (seconds % units[i])
		i++;
	snprintf(buf, 16, "%u%c", seconds / units[i], "dhms"[i]);
}

void b2b_conf_key_expected(const struct b2b_conf_key *key, char *buf, size_t size)
{
	char min[16], max[16];

	if (key->words)
		words_expected(key, buf, size);
	else if (key->kind->list)
		snprintf(buf, size, "%s, at most %u", key->kind->expected, key->max);
	else if (key->kind->expected)
		snprintf(buf, size, "%s", key->kind->expected);
	else if (key->kind == &b2b_conf_duration) {
		duration_text(key->min, min);
		duration_text(key->max, max);
		snprintf(buf, size, "a time such as 30s, 5m, 8h or 1d, from %s to %s%s", key->min ? min : "0s", max, key->min ? "" : ", or none");
	} else if (key->kind == &b2b_conf_percent)
		snprintf(buf, size, "a share from %u%% to %u%%", key->min, key->max);
	else
		snprintf(buf, size, key->min > 0xffff ? "a number from 0x%x to 0x%x" : "a number from %u to %u", key->min, key->max);
}
