#include "common/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_draft.h"
#include "common/trusted_file.h"

#define FILE_MOST (4u << 20)

static void free_federation(struct b2b_conf_federation *federation)
{
	char *strings[] = { federation->issuer, federation->client_id, federation->client_key, federation->client_key_id,
		            federation->client_certificate,
		            federation->client_secret_file, federation->assertion_audience, federation->ca_file, federation->proxy,
		            federation->scope, federation->login_hint, federation->api_scope, federation->organisation_claim, federation->name_claim,
		            federation->subject_attribute, federation->scim_url, federation->keycloak_url, federation->scim_schema, federation->scim_organisation_attribute,
		            federation->scim_name_attribute, federation->scim_group_name_attribute, federation->scim_uid_attribute,
		            federation->scim_gid_attribute, federation->scim_keys_attribute, federation->scim_owner_attribute, federation->roles_claim,
		            federation->groups_claim,
		            federation->ssf_url };

	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		free(strings[i]);
	b2b_conf_origins.clear(&federation->status_origins);
}

void b2b_conf_free(struct b2b_conf *conf)
{
	if (!conf)
		return;
	free_federation(&conf->federation);
	free(conf->host.audience);
	free(conf->host.idmap);
	b2b_idmap_free(conf->pins);
	for (size_t i = 0; i < conf->n_acrs; i++)
		free(conf->acrs[i].acr);
	free(conf->acrs);
	for (uint32_t i = 0; conf->key_options && i < conf->policy->n_orgs; i++)
		free(conf->key_options[i]);
	free(conf->key_options);
	for (uint32_t i = 0; conf->sudo && i < conf->policy->n_orgs; i++)
		b2b_conf_sudo_clear(&conf->sudo[i]);
	free(conf->sudo);
	b2b_policy_free(conf->policy);
	free(conf);
}

int b2b_conf_parse(const char *text, size_t len, const char *name, bool resolve_groups, struct b2b_conf **ret_conf, char *error)
{
	struct b2b_conf *conf = calloc(1, sizeof(*conf));
	struct b2b_draft draft;
	int r;

	r = b2b_draft_init(&draft, name, error);
	if (r == 0 && !conf)
		r = -ENOMEM;
	if (r == 0)
		r = b2b_draft_read(&draft, text, len);
	if (r == 0)
		r = b2b_draft_compile(&draft, resolve_groups, conf);
	b2b_draft_free(&draft);
	if (r < 0) {
		if (error[0] == '\0')
			snprintf(error, B2B_CONF_ERROR_SIZE, "%s: %s", name, strerror(-r));
		b2b_conf_free(conf);
		return r;
	}
	*ret_conf = conf;
	return 0;
}

static const char *read_error_text(int error)
{
	switch (error) {
	case -EPERM:
		return "found a file that somebody else can change; expected a regular file owned by root, writable by root alone";
	case -ELOOP:
		return "found a symbolic link; expected the file itself";
	case -EINVAL:
		return "expected an absolute path";
	default:
		return NULL;
	}
}

int b2b_conf_read_text(const char *path, size_t max, char **ret_text, size_t *ret_len, char *error)
{
	int r = b2b_trusted_read(path, max, ret_text, ret_len);
	const char *why;

	if (r == -EFBIG) {
		snprintf(error, B2B_CONF_ERROR_SIZE, "%s: found a huge file; expected at most %zu MiB", path, max >> 20);
	} else if (r < 0) {
		why = read_error_text(r);
		snprintf(error, B2B_CONF_ERROR_SIZE, "%s: %s", path, why ? why : strerror(-r));
	}
	return r;
}

int b2b_conf_read(const char *path, bool resolve_groups, struct b2b_conf **ret_conf, char *error)
{
	struct b2b_conf *conf = NULL;
	char *text = NULL;
	size_t len;
	int r = b2b_conf_read_text(path, FILE_MOST, &text, &len, error);

	if (r < 0)
		return r;
	r = b2b_conf_parse(text, len, path, resolve_groups, &conf, error);
	free(text);
	if (r == 0 && conf->host.idmap)
		r = b2b_idmap_read(conf->host.idmap, conf->policy, &conf->pins, error);
	if (r < 0) {
		b2b_conf_free(conf);
		return r;
	}
	*ret_conf = conf;
	return 0;
}
