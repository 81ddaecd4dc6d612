#include "tests/federation/keys.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/federation/sql.h"
#include "tests/federation/text.h"

#define KEYS_MAX 64
#define RSA_BITS 2048

struct fed_keys {
	sqlite3 *db;
	struct fed_key keys[KEYS_MAX];
	size_t n_keys;
	const char *signing_alg;
	struct fed_key foreign;
};

static const char *const algs[] = { "ES256", "RS256", "EdDSA" };

static const char *known_alg(const char *alg)
{
	for (size_t i = 0; alg && i < sizeof(algs) / sizeof(algs[0]); i++)
		if (strcmp(alg, algs[i]) == 0)
			return algs[i];
	return NULL;
}

const char *fed_key_alg(const EVP_PKEY *pkey)
{
	char group[32] = "";
	switch (EVP_PKEY_get_base_id(pkey)) {
	case EVP_PKEY_EC:
		EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL);
		return strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0 ? "ES256" : NULL;
	case EVP_PKEY_RSA:
		return EVP_PKEY_get_bits(pkey) >= 2048 ? "RS256" : NULL;
	case EVP_PKEY_ED25519:
		return "EdDSA";
	default:
		return NULL;
	}
}

static EVP_PKEY *make_pkey(const char *alg)
{
	if (strcmp(alg, "ES256") == 0)
		return EVP_EC_gen("P-256");
	if (strcmp(alg, "RS256") == 0)
		return EVP_RSA_gen(RSA_BITS);
	return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

static void key_clear(struct fed_key *key)
{
	free(key->kid);
	EVP_PKEY_free(key->pkey);
	*key = (struct fed_key){ 0 };
}

static int key_new(const char *alg, struct fed_key *ret_key)
{
	struct fed_key key = { .alg = alg, .active = true };
	char *random = fed_random_text(9);
	key.pkey = make_pkey(alg);
	if (!random || !key.pkey || asprintf(&key.kid, "%s-%s", alg, random) < 0) {
		key.kid = NULL;
		free(random);
		key_clear(&key);
		return -ENOMEM;
	}
	free(random);
	*ret_key = key;
	return 0;
}

static int pem_from(EVP_PKEY *pkey, char **ret_pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	int error = -ENOMEM;
	if (bio && PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1) {
		long len = BIO_get_mem_data(bio, &data);
		*ret_pem = strndup(data, (size_t)len);
		error = *ret_pem ? 0 : -ENOMEM;
	}
	BIO_free(bio);
	return error;
}

static EVP_PKEY *pkey_from(const char *pem)
{
	BIO *bio = pem ? BIO_new_mem_buf(pem, -1) : NULL;
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
	BIO_free(bio);
	return pkey;
}

static int store_key(sqlite3 *db, const struct fed_key *key)
{
	char *pem = NULL;
	int error = pem_from(key->pkey, &pem);
	if (!error)
		error = fed_sql(db, "INSERT INTO keys(kid, alg, pem, active, created_ms) VALUES(?1, ?2, ?3, 1, ?4)",
				json_pack("[s,s,s,I]", key->kid, key->alg, pem, (json_int_t)b2b_wall_ms()), NULL);
	free(pem);
	return error;
}

static int read_keys(struct fed_keys *keys)
{
	json_t *rows = NULL, *row;
	size_t i;
	int error = fed_sql(keys->db, "SELECT kid, alg, pem, active FROM keys ORDER BY created_ms DESC, rowid DESC LIMIT 64", json_array(), &rows);
	if (error)
		return error;
	json_array_foreach (rows, i, row) {
		struct fed_key key = { .alg = known_alg(fed_text(row, "alg")), .active = fed_int(row, "active") != 0 };
		key.kid = strdup(fed_text(row, "kid"));
		key.pkey = pkey_from(fed_text(row, "pem"));
		if (key.kid && key.pkey && key.alg)
			keys->keys[keys->n_keys++] = key;
		else
			key_clear(&key);
	}
	json_decref(rows);
	return 0;
}

static const struct fed_key *active_key(const struct fed_keys *keys, const char *alg)
{
	for (size_t i = 0; i < keys->n_keys; i++)
		if (keys->keys[i].active && strcmp(keys->keys[i].alg, alg) == 0)
			return &keys->keys[i];
	return NULL;
}

static void drop_key(struct fed_keys *keys, size_t at)
{
	key_clear(&keys->keys[at]);
	keys->keys[at] = keys->keys[--keys->n_keys];
}

static int rotate_one(struct fed_keys *keys, const char *alg, bool drop)
{
	struct fed_key fresh;
	if (!drop && keys->n_keys >= KEYS_MAX)
		return -ENOSPC;
	int error = key_new(alg, &fresh);
	if (error)
		return error;
	error = fed_sql(keys->db, drop ? "DELETE FROM keys WHERE alg = ?1" : "UPDATE keys SET active = 0 WHERE alg = ?1", json_pack("[s]", alg), NULL);
	if (!error)
		error = store_key(keys->db, &fresh);
	if (error) {
		key_clear(&fresh);
		return error;
	}
	for (size_t i = keys->n_keys; i-- > 0;) {
		if (strcmp(keys->keys[i].alg, alg) != 0)
			continue;
		keys->keys[i].active = false;
		if (drop)
			drop_key(keys, i);
	}
	keys->keys[keys->n_keys++] = fresh;
	return 0;
}

int fed_keys_rotate(struct fed_keys *keys, const char *alg, bool drop)
{
	if (alg && !known_alg(alg))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		int error = alg && strcmp(alg, algs[i]) != 0 ? 0 : rotate_one(keys, algs[i], drop);
		if (error)
			return error;
	}
	return 0;
}

static int read_choice(struct fed_keys *keys)
{
	json_t *row = NULL;
	int error = fed_sql_row(keys->db, "SELECT value FROM settings WHERE name = 'signing_alg'", json_array(), &row);
	const char *alg = error ? NULL : known_alg(fed_text(row, "value"));
	keys->signing_alg = alg ? alg : algs[0];
	json_decref(row);
	return error == -ENOENT ? 0 : error;
}

int fed_keys_choose(struct fed_keys *keys, const char *alg)
{
	const char *known = known_alg(alg);
	if (!known)
		return -EINVAL;
	int error = fed_sql(keys->db, "INSERT OR REPLACE INTO settings(name, value) VALUES('signing_alg', ?1)", json_pack("[s]", known), NULL);
	if (!error)
		keys->signing_alg = known;
	return error;
}

int fed_keys_open(sqlite3 *db, struct fed_keys **ret_keys)
{
	struct fed_keys *keys = calloc(1, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	keys->db = db;
	int error = read_keys(keys);
	for (size_t i = 0; !error && i < sizeof(algs) / sizeof(algs[0]); i++)
		if (!active_key(keys, algs[i]))
			error = rotate_one(keys, algs[i], false);
	if (!error)
		error = read_choice(keys);
	if (error) {
		fed_keys_free(keys);
		return error;
	}
	*ret_keys = keys;
	return 0;
}

void fed_keys_free(struct fed_keys *keys)
{
	if (!keys)
		return;
	for (size_t i = 0; i < keys->n_keys; i++)
		key_clear(&keys->keys[i]);
	key_clear(&keys->foreign);
	free(keys);
}

const struct fed_key *fed_keys_signing(const struct fed_keys *keys)
{
	return active_key(keys, keys->signing_alg);
}

const struct fed_key *fed_keys_foreign(struct fed_keys *keys)
{
	if (keys->foreign.pkey && strcmp(keys->foreign.alg, keys->signing_alg) == 0)
		return &keys->foreign;
	key_clear(&keys->foreign);
	return key_new(keys->signing_alg, &keys->foreign) == 0 ? &keys->foreign : NULL;
}

/* --- JWK --- */

/* The number NAME of PKEY as base64url, padded to WIDTH bytes (0: as it is). */
static char *number_text(const EVP_PKEY *pkey, const char *name, int width)
{
	BIGNUM *number = NULL;
	unsigned char bytes[1024];
	char *text = NULL;
	if (EVP_PKEY_get_bn_param(pkey, name, &number) == 1) {
		int len = width ? width : BN_num_bytes(number);
		if (len <= (int)sizeof(bytes) && BN_bn2binpad(number, bytes, len) == len)
			text = fed_base64url(bytes, (size_t)len);
	}
	BN_free(number);
	return text;
}

static json_t *public_members(const struct fed_key *key)
{
	unsigned char raw[64];
	size_t len = sizeof(raw);
	char *a = NULL, *b = NULL;
	json_t *jwk = NULL;
	if (strcmp(key->alg, "ES256") == 0) {
		a = number_text(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, 32);
		b = number_text(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
		jwk = json_pack("{ss,ss,ss,ss}", "kty", "EC", "crv", "P-256", "x", a, "y", b);
	} else if (strcmp(key->alg, "RS256") == 0) {
		a = number_text(key->pkey, OSSL_PKEY_PARAM_RSA_N, 0);
		b = number_text(key->pkey, OSSL_PKEY_PARAM_RSA_E, 0);
		jwk = json_pack("{ss,ss,ss}", "kty", "RSA", "n", a, "e", b);
	} else if (EVP_PKEY_get_raw_public_key(key->pkey, raw, &len) == 1) {
		a = fed_base64url(raw, len);
		jwk = json_pack("{ss,ss,ss}", "kty", "OKP", "crv", "Ed25519", "x", a);
	}
	free(a);
	free(b);
	return jwk;
}

json_t *fed_keys_jwks(const struct fed_keys *keys)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < keys->n_keys; i++) {
		const struct fed_key *key = &keys->keys[i];
		json_t *jwk = public_members(key), *rest = json_pack("{ss,ss,ss}", "kid", key->kid, "alg", key->alg, "use", "sig");
		if (jwk && rest && json_object_update(jwk, rest) == 0)
			json_array_append(list, jwk);
		json_decref(jwk);
		json_decref(rest);
	}
	return json_pack("{so}", "keys", list);
}
