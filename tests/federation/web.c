#include "tests/federation/web.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "tests/federation/directory.h"
#include "tests/federation/sql.h"
#include "tests/federation/text.h"

#define COOKIE "__Host-b2b"
#define SESSION_S 3600
#define FAILURES_MAX 5
#define THROTTLED_MS 30000

/* --- throttle --- */

static struct fed_throttle *throttle_find(const struct fed *fed, const char *key)
{
	for (size_t i = 0; i < FED_THROTTLES; i++)
		if (strcasecmp(fed->throttles[i].key, key) == 0)
			return (struct fed_throttle *)(uintptr_t)&fed->throttles[i];
	return NULL;
}

void fed_throttle_failed(struct fed *fed, const char *key)
{
	struct fed_throttle *entry = throttle_find(fed, key);
	if (!entry) { /* take the place of who failed longest ago */
		entry = &fed->throttles[0];
		for (size_t i = 1; i < FED_THROTTLES; i++)
			if (fed->throttles[i].last_ms < entry->last_ms)
				entry = &fed->throttles[i];
		*entry = (struct fed_throttle){ 0 };
		snprintf(entry->key, sizeof(entry->key), "%s", key);
	}
	entry->failures++;
	entry->last_ms = (int64_t)(b2b_now_ns() / 1000000);
}

bool fed_throttle_open(const struct fed *fed, const char *key)
{
	const struct fed_throttle *entry = throttle_find(fed, key);
	return !entry || entry->failures < FAILURES_MAX || (int64_t)(b2b_now_ns() / 1000000) - entry->last_ms > THROTTLED_MS;
}

void fed_throttle_forget(struct fed *fed, const char *key)
{
	struct fed_throttle *entry = throttle_find(fed, key);
	if (entry)
		*entry = (struct fed_throttle){ 0 };
}

/* --- session --- */

static int set_csrf(const struct fed *fed, struct fed_web *web)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	if (!HMAC(EVP_sha256(), fed->csrf_key, sizeof(fed->csrf_key), (const unsigned char *)web->sid, strlen(web->sid), mac, &len))
		return -EIO;
	char *text = fed_base64url(mac, len);
	if (!text)
		return -ENOMEM;
	snprintf(web->csrf, sizeof(web->csrf), "%s", text);
	free(text);
	return 0;
}

static int new_sid(const struct fed *fed, struct fed_reply *reply, struct fed_web *web)
{
	char *sid = fed_random_text(32), cookie[160];
	if (!sid)
		return -ENOMEM;
	snprintf(web->sid, sizeof(web->sid), "%s", sid);
	free(sid);
	snprintf(cookie, sizeof(cookie), COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict", web->sid);
	int error = fed_reply_header(reply, "Set-Cookie", cookie);
	return error ? error : set_csrf(fed, web);
}

/* The person of the stored session, as long as there is one and they stand. */
static int find_person(struct fed *fed, struct fed_web *web)
{
	char hash[FED_SHA256_HEX];
	json_t *row = NULL;
	bool stands = false;
	int error = fed_sha256_hex(web->sid, hash);
	if (!error)
		error = fed_sql_row(fed->db, "SELECT person FROM web_sessions WHERE hash = ?1 AND expires > ?2",
				    json_pack("[s,I]", hash, (json_int_t)b2b_wall_s()), &row);
	if (!error)
		error = fed_person_get(fed, fed_text(row, "person"), &web->person);
	if (!error)
		error = fed_person_stands(fed, web->person, &stands);
	if (!stands) {
		json_decref(web->person);
		web->person = NULL;
	}
	json_decref(row);
	return error == -ENOENT ? 0 : error;
}

int fed_web_open(struct fed *fed, const struct fed_request *request, struct fed_reply *reply, struct fed_web *ret_web)
{
	struct fed_web web = { 0 };
	int error = 0;
	if (fed_cookie(request, COOKIE, web.sid, sizeof(web.sid)) && strlen(web.sid) == 43) {
		error = set_csrf(fed, &web);
		if (!error)
			error = find_person(fed, &web);
	} else {
		error = new_sid(fed, reply, &web);
	}
	if (!error)
		*ret_web = web;
	return error;
}

void fed_web_clear(struct fed_web *web)
{
	json_decref(web->person);
	explicit_bzero(web, sizeof(*web));
}

bool fed_web_form_fits(const struct fed_request *request, const struct fed_web *web)
{
	const char *csrf = fed_form(request, "csrf"), *origin = fed_header(request, "Origin"), *host = fed_header(request, "Host");
	if (!csrf || !fed_same_secret(web->csrf, csrf))
		return false;
	return !origin || (host && strncmp(origin, "https://", 8) == 0 && strcmp(origin + 8, host) == 0);
}

static int begin_session(struct fed *fed, struct fed_reply *reply, struct fed_web *web)
{
	char hash[FED_SHA256_HEX];
	int64_t now = b2b_wall_s();
	int error = new_sid(fed, reply, web);
	if (!error)
		error = fed_sha256_hex(web->sid, hash);
	if (!error)
		error = fed_sql(fed->db, "DELETE FROM web_sessions WHERE expires < ?1", json_pack("[I]", (json_int_t)now), NULL);
	if (!error)
		error = fed_sql(fed->db, "INSERT INTO web_sessions(hash, person, created, expires) VALUES(?1, ?2, ?3, ?4)",
				json_pack("[s,s,I,I]", hash, fed_text(web->person, "id"), (json_int_t)now, (json_int_t)(now + SESSION_S)), NULL);
	return error;
}

int fed_web_log_in(struct fed *fed, const struct fed_request *request, struct fed_reply *reply, struct fed_web *web)
{
	const char *user = fed_form(request, "user"), *password = fed_form(request, "password");
	json_t *person = NULL;
	bool stands = false;
	if (!user || !password || strlen(user) > 128 || strlen(password) > 1024)
		return -EACCES;
	if (!fed_throttle_open(fed, user))
		return -EAGAIN;
	int error = fed_person_named(fed, user, &person);
	if (error && error != -ENOENT)
		return error;
	/* The same work whether there is such a person or not. */
	bool fits = fed_password_fits(fed_text(person, "password"), password);
	error = fits ? fed_person_stands(fed, person, &stands) : 0;
	if (error || !stands) {
		fed_throttle_failed(fed, user);
		json_decref(person);
		return error ? error : -EACCES;
	}
	fed_throttle_forget(fed, user);
	json_decref(web->person);
	web->person = person;
	return begin_session(fed, reply, web);
}

int fed_web_log_out(struct fed *fed, struct fed_reply *reply, struct fed_web *web)
{
	char hash[FED_SHA256_HEX];
	int error = fed_sha256_hex(web->sid, hash);
	if (!error)
		error = fed_sql(fed->db, "DELETE FROM web_sessions WHERE hash = ?1", json_pack("[s]", hash), NULL);
	json_decref(web->person);
	web->person = NULL;
	return error ? error : new_sid(fed, reply, web);
}
