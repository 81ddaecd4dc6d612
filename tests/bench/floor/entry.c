/* The entry points of a floor's NSS module, whose name SERVICE is given to the compiler. */
#include <errno.h>
#include <nss.h>
#include <stdlib.h>

#include "tests/bench/floor/floor.h"

#define JOIN(service, name) _nss_##service##_##name
#define JOIN_LATE(service, name) JOIN(service, name)
#define ENTRY(name) JOIN_LATE(SERVICE, name)
#define EXPORT __attribute__((visibility("default")))

enum nss_status ENTRY(getpwnam_r)(const char *name, struct passwd *result, char *buffer, size_t buflen, int *errnop);
enum nss_status ENTRY(getpwuid_r)(uid_t uid, struct passwd *result, char *buffer, size_t buflen, int *errnop);
enum nss_status ENTRY(setpwent)(int stayopen);
enum nss_status ENTRY(endpwent)(void);
enum nss_status ENTRY(getpwent_r)(struct passwd *result, char *buffer, size_t buflen, int *errnop);
enum nss_status ENTRY(getgrnam_r)(const char *name, struct group *result, char *buffer, size_t buflen, int *errnop);
enum nss_status ENTRY(getgrgid_r)(gid_t gid, struct group *result, char *buffer, size_t buflen, int *errnop);
enum nss_status ENTRY(initgroups_dyn)(const char *user, gid_t group, long int *start, long int *size, gid_t **groupsp, long int limit, int *errnop);

static enum nss_status user_status(const struct packed_user *user, struct passwd *result, char *buffer, size_t buflen, int *errnop)
{
	if (!user) {
		*errnop = ENOENT;
		return NSS_STATUS_NOTFOUND;
	}
	if (packed_user_fill(user, result, buffer, buflen) < 0) {
		*errnop = ERANGE;
		return NSS_STATUS_TRYAGAIN;
	}
	return NSS_STATUS_SUCCESS;
}

static enum nss_status group_status(const struct packed_group *group, struct group *result, char *buffer, size_t buflen, int *errnop)
{
	if (!group) {
		*errnop = ENOENT;
		return NSS_STATUS_NOTFOUND;
	}
	if (packed_group_fill(group, result, buffer, buflen) < 0) {
		*errnop = ERANGE;
		return NSS_STATUS_TRYAGAIN;
	}
	return NSS_STATUS_SUCCESS;
}

EXPORT enum nss_status ENTRY(getpwnam_r)(const char *name, struct passwd *result, char *buffer, size_t buflen, int *errnop)
{
	return user_status(floor_user_by_name(name), result, buffer, buflen, errnop);
}

EXPORT enum nss_status ENTRY(getpwuid_r)(uid_t uid, struct passwd *result, char *buffer, size_t buflen, int *errnop)
{
	return user_status(floor_user_by_uid(uid), result, buffer, buflen, errnop);
}

static uint64_t cursor;

EXPORT enum nss_status ENTRY(setpwent)(int stayopen)
{
	(void)stayopen;
	cursor = 0;
	return NSS_STATUS_SUCCESS;
}

EXPORT enum nss_status ENTRY(endpwent)(void)
{
	cursor = 0;
	return NSS_STATUS_SUCCESS;
}

EXPORT enum nss_status ENTRY(getpwent_r)(struct passwd *result, char *buffer, size_t buflen, int *errnop)
{
	uint64_t next = cursor;
	enum nss_status status = user_status(floor_user_next(&next), result, buffer, buflen, errnop);

	if (status == NSS_STATUS_SUCCESS)
		cursor = next;
	return status;
}

EXPORT enum nss_status ENTRY(getgrnam_r)(const char *name, struct group *result, char *buffer, size_t buflen, int *errnop)
{
	return group_status(floor_group_by_name(name), result, buffer, buflen, errnop);
}

EXPORT enum nss_status ENTRY(getgrgid_r)(gid_t gid, struct group *result, char *buffer, size_t buflen, int *errnop)
{
	return group_status(floor_group_by_gid(gid), result, buffer, buflen, errnop);
}

static enum nss_status room(long int *size, gid_t **groupsp, long int need)
{
	gid_t *bigger;

	if (*size >= need)
		return NSS_STATUS_SUCCESS;
	bigger = reallocarray(*groupsp, (size_t)need, sizeof(gid_t));
	if (!bigger)
		return NSS_STATUS_TRYAGAIN;
	*groupsp = bigger;
	*size = need;
	return NSS_STATUS_SUCCESS;
}

/* LIMIT is not looked at: whoever asks here has none. */
EXPORT enum nss_status ENTRY(initgroups_dyn)(const char *name, gid_t group, long int *start, long int *size, gid_t **groupsp, long int limit, int *errnop)
{
	const struct packed_user *user = floor_user_by_name(name);

	(void)limit;
	if (!user) {
		*errnop = ENOENT;
		return NSS_STATUS_NOTFOUND;
	}
	if (room(size, groupsp, *start + user->n_groups) != NSS_STATUS_SUCCESS) {
		*errnop = ENOMEM;
		return NSS_STATUS_TRYAGAIN;
	}
	for (uint32_t i = 0; i < user->n_groups; i++) {
		uint32_t gid = packed_groups(user)[i];

		if (gid != group)
			(*groupsp)[(*start)++] = gid;
	}
	return NSS_STATUS_SUCCESS;
}
