#include "tests/support/nss_module.h"

#include <dlfcn.h>
#include <err.h>
#include <limits.h>
#include <string.h>

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
