#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/federation/directory.h"
#include "tests/federation/text.h"

/* One loop serves everybody: this is what a log-in may hold up the others (some 30 ms). */
#define ITERATIONS 100000
#define KEY_BYTES 32

static int derive(const char *password, const unsigned char *salt, size_t salt_len, int iterations, char **ret_text)
{
	unsigned char key[KEY_BYTES];
	if (PKCS5_PBKDF2_HMAC(password, -1, salt, (int)salt_len, iterations, EVP_sha256(), sizeof(key), key) != 1)
		return -EIO;
	*ret_text = fed_base64url(key, sizeof(key));
	explicit_bzero(key, sizeof(key));
	return *ret_text ? 0 : -ENOMEM;
}

int fed_password_hash(const char *password, char **ret_hash)
{
	unsigned char salt[16];
	char *salt_text = NULL, *key = NULL;
	int error = -EIO;
	if (RAND_bytes(salt, sizeof(salt)) != 1)
		return -EIO;
	error = derive(password, salt, sizeof(salt), ITERATIONS, &key);
	if (error)
		return error;
	salt_text = fed_base64url(salt, sizeof(salt));
	if (!salt_text || asprintf(ret_hash, "pbkdf2-sha256$%d$%s$%s", ITERATIONS, salt_text, key) < 0)
		error = -ENOMEM;
	free(salt_text);
	free(key);
	return error;
}

bool fed_password_fits(const char *hash, const char *password)
{
	static const char nobody[] = "pbkdf2-sha256$100000$AAAAAAAAAAAAAAAAAAAAAA$none";
	char *copy = strdup(hash ? hash : nobody), *rest = copy, *key = NULL;
	unsigned char *salt = NULL;
	size_t salt_len = 0;
	int64_t iterations;
	bool fits = false;
	if (!copy)
		return false;
	const char *scheme = strsep(&rest, "$"), *count = strsep(&rest, "$"), *salt_text = strsep(&rest, "$");
	if (rest && strcmp(scheme, "pbkdf2-sha256") == 0 && fed_number(count, 1, 10000000, &iterations) == 0 &&
	    fed_base64url_decode(salt_text, strlen(salt_text), &salt, &salt_len) == 0 &&
	    derive(password, salt, salt_len, (int)iterations, &key) == 0)
		fits = hash && fed_same_secret(rest, key);
	free(salt);
	free(key);
	free(copy);
	return fits;
}
