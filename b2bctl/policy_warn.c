#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "b2bctl/ctl.h"

static const struct {
	const char *group, *power;
} powers[] = {
	{ "sudo", "may become root" },
	{ "wheel", "may become root" },
	{ "admin", "may become root" },
	{ "docker", "can become root: it starts containers as root" },
	{ "lxd", "can become root: it starts containers as root" },
	{ "incus-admin", "can become root: it starts containers as root" },
	{ "libvirt", "can become root: it starts machines on any disk" },
	{ "disk", "can become root: it writes every disk" },
	{ "shadow", "can read every local password's hash" },
	{ "kmem", "can read the kernel's memory" },
	{ "staff", "can become root: it writes /usr/local, where root's programs are looked for" },
	{ "input", "can read what is typed at the console" },
	{ "adm", "can read all logs" },
	{ "systemd-journal", "can read all logs" },
};

static const char *power_of(uint32_t gid, const char **ret_group)
{
	const struct group *group = getgrgid(gid);

	for (size_t i = 0; group && i < sizeof(powers) / sizeof(powers[0]); i++)
		if (strcmp(powers[i].group, group->gr_name) == 0) {
			*ret_group = powers[i].group;
			return powers[i].power;
		}
	return NULL;
}

static const char *granted_to(const struct b2b_policy *policy, uint32_t role)
{
	for (uint32_t i = 0; i < policy->n_orgs; i++)
		if (policy->orgs[i].roles & (1ull << role))
			return policy->orgs[i].alias;
	return NULL;
}

static unsigned warn_roles(const struct b2b_policy *policy, FILE *out)
{
	const char *group = NULL, *power, *alias;
	unsigned n = 0;

	for (uint32_t i = 0; i < policy->n_roles; i++) {
		alias = granted_to(policy, i);
		for (uint32_t j = 0; alias && j < policy->roles[i].n_gids; j++) {
			power = power_of(policy->roles[i].gids[j], &group);
			if (power)
				n += fprintf(out, "warning: role %s gives %s's people group %s, which %s\n", policy->roles[i].name, alias, group, power) > 0;
		}
	}
	return n;
}

static unsigned warn_services(const struct b2b_conf *conf, FILE *out)
{
	const struct b2b_policy *policy = conf->policy;
	unsigned n = 0;

	for (uint32_t i = 0; i < policy->n_services; i++) {
		const struct b2b_policy_service *service = &policy->services[i];

		if (!memchr(service->methods, B2B_METHOD_DEVICE, sizeof(service->methods)))
			n += fprintf(out, "warning: service %s has no method device: who has no approval device, or no token, cannot log in\n", service->name) > 0;
		if (service->key_suffices && (strncmp(service->name, "su", 2) == 0))
			n += fprintf(out, "warning: service %s needs no log-in at the federation service (key_suffices)\n", service->name) > 0;
		if (service->key_suffices && strcmp(service->name, "sshd") == 0 && conf->federation.directory == B2B_DIRECTORY_TOKEN)
			n += fprintf(out, "warning: service sshd lets nobody in by a key alone (key_suffices): without a directory there is none to give keys\n") > 0;
	}
	return n;
}

static unsigned warn_taken(const struct b2b_policy *policy, const char *what, const char *name, uint32_t id, FILE *out)
{
	int org = b2b_policy_org_by_uid(policy, id);

	if (org < 0 && id != policy->partners_gid)
		return 0;
	return fprintf(out, "warning: local %s %s has id %u, which is %s%s: both would own the same files\n", what, name, id,
	               org < 0 ? "partners_gid" : "in the range of ", org < 0 ? "" : policy->orgs[org].alias) > 0;
}

/* Local ones from the files themselves: asking NSS could ask us. */
static unsigned warn_local_ids(const struct b2b_policy *policy, FILE *out)
{
	FILE *users = fopen("/etc/passwd", "re"), *groups = fopen("/etc/group", "re");
	const struct passwd *user;
	const struct group *group;
	unsigned n = 0;

	while (users && (user = fgetpwent(users)))
		n += warn_taken(policy, "user", user->pw_name, user->pw_uid, out);
	while (groups && (group = fgetgrent(groups)))
		n += warn_taken(policy, "group", group->gr_name, group->gr_gid, out);
	if (users)
		fclose(users);
	if (groups)
		fclose(groups);
	return n;
}

unsigned b2b_policy_warn(const struct b2b_conf *conf, FILE *out)
{
	const struct b2b_policy *policy = conf->policy;
	unsigned n = warn_roles(policy, out) + warn_services(conf, out) + warn_local_ids(policy, out);

	for (uint32_t i = 0; i < policy->n_orgs; i++)
		if (!policy->orgs[i].services)
			n += fprintf(out, "warning: organisation %s may use no service, so none of its people can log in\n", policy->orgs[i].alias) > 0;
	return n;
}
