/* The real libnss_b2b.so.2 of this build, loaded; and, where asked, the only module that glibc asks. */
#ifndef B2B_TEST_NSS_MODULE_H
#define B2B_TEST_NSS_MODULE_H

#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <shadow.h>
#include <stdbool.h>
#include <stddef.h>

struct nss_module {
	void *handle; /* dlopen's */
	enum nss_status (*getpwnam_r)(const char *, struct passwd *, char *, size_t, int *);
	enum nss_status (*getpwuid_r)(uid_t, struct passwd *, char *, size_t, int *);
	enum nss_status (*setpwent)(int);
	enum nss_status (*endpwent)(void);
	enum nss_status (*getpwent_r)(struct passwd *, char *, size_t, int *);
	enum nss_status (*getgrnam_r)(const char *, struct group *, char *, size_t, int *);
	enum nss_status (*getgrgid_r)(gid_t, struct group *, char *, size_t, int *);
	enum nss_status (*setgrent)(int);
	enum nss_status (*endgrent)(void);
	enum nss_status (*getgrent_r)(struct group *, char *, size_t, int *);
	enum nss_status (*initgroups_dyn)(const char *, gid_t, long int *, long int *, gid_t **, long int, int *);
	enum nss_status (*getspnam_r)(const char *, struct spwd *, char *, size_t, int *);
	enum nss_status (*setspent)(int);
	enum nss_status (*endspent)(void);
	enum nss_status (*getspent_r)(struct spwd *, char *, size_t, int *);
};

/* Load it from the build folder. Exits the test where it, or an entry point, is missing. */
void nss_module_load(struct nss_module *module);

/* From here on, glibc asks nobody but this module for passwd, group, initgroups and shadow in this process. */
void nss_module_configure(void);

/* Looks NAME up. NSS_STATUS_RETURN where it is found with another name or shell than it should. */
enum nss_status nss_module_look(const struct nss_module *module, const char *name, const char *shell, int *ret_reason);

/* Are the fixture's people, groups and memberships found, a name of nobody's not, by look-ups of every kind? */
bool nss_module_finds_all(const struct nss_module *module);

#endif
