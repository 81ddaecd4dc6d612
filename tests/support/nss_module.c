#include "tests/support/nss_module.h"

#include <dlfcn.h>
#include <err.h>
#include <limits.h>
#include <string.h>

#include "tests/support/fixture.h"
#include "tests/support/machine.h"

int __nss_configure_lookup(const char *database, const char *line); /* glibc's, exported without a header */

static void find(void *handle, const char *name, void *function, size_t size)
{
	void *symbol = dlsym(handle, name);

	if (!symbol)
		errx(1, "%s: %s", name, dlerror());
	memcpy(function, &symbol, size);
}

#define FIND(handle, module, name) find(handle, "_nss_b2b_" #name, &(module)->name, sizeof((module)->name))

void nss_module_load(struct nss_module *module)
{
	char path[PATH_MAX];
	void *handle;

	machine_built(path, sizeof(path), "libnss_b2b.so.2");
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		errx(1, "%s", dlerror());
	module->handle = handle;
	FIND(handle, module, getpwnam_r);
	FIND(handle, module, getpwuid_r);
	FIND(handle, module, setpwent);
	FIND(handle, module, endpwent);
	FIND(handle, module, getpwent_r);
	FIND(handle, module, getgrnam_r);
	FIND(handle, module, getgrgid_r);
	FIND(handle, module, setgrent);
	FIND(handle, module, endgrent);
	FIND(handle, module, getgrent_r);
	FIND(handle, module, initgroups_dyn);
	FIND(handle, module, getspnam_r);
	FIND(handle, module, setspent);
	FIND(handle, module, endspent);
	FIND(handle, module, getspent_r);
}

/* glibc asks for libnss_b2b.so.2 and gets the one that is loaded under that name. */
void nss_module_configure(void)
{
	if (__nss_configure_lookup("passwd", "b2b") < 0 || __nss_configure_lookup("group", "b2b") < 0 ||
	    __nss_configure_lookup("initgroups", "b2b") < 0 || __nss_configure_lookup("shadow", "b2b") < 0)
		err(1, "nss_configure_lookup");
}

enum nss_status nss_module_look(const struct nss_module *module, const char *name, const char *shell, int *ret_reason)
{
	char buf[512];
	struct passwd pw;
	enum nss_status status = module->getpwnam_r(name, &pw, buf, sizeof(buf), ret_reason);

	return status == NSS_STATUS_SUCCESS && (strcmp(pw.pw_name, name) != 0 || strcmp(pw.pw_shell, shell) != 0) ? NSS_STATUS_RETURN : status;
}

bool nss_module_finds_all(const struct nss_module *module)
{
	char buf[512];
	gid_t array[32], *groups = array;
	long start = 0, size = 32;
	struct group gr;
	int reason;

	return nss_module_look(module, "bob@emea.acme", "/bin/bash", &reason) == NSS_STATUS_SUCCESS &&
	       nss_module_look(module, "alice@acme", "/bin/bash", &reason) == NSS_STATUS_SUCCESS &&
	       module->getgrnam_r("dba@acme", &gr, buf, sizeof(buf), &reason) == NSS_STATUS_SUCCESS && strcmp(gr.gr_mem[1], "carol@acme") == 0 &&
	       nss_module_look(module, "root", "", &reason) == NSS_STATUS_NOTFOUND &&
	       module->initgroups_dyn("alice@acme", FIXTURE_LO(FIXTURE_ACME) + 1, &start, &size, &groups, 0, &reason) == NSS_STATUS_SUCCESS && start == 7;
}
