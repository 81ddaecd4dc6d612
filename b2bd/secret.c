#include "b2bd/secret.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What is sealed: nonce, then the text encrypted, then the tag. */
#define NONCE 12
#define TAG 16
#define TEXT_MAX 65536

void b2b_secret_free(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

static bool encrypt(EVP_CIPHER_CTX *context, const unsigned char *key, const char *about, const char *text, size_t len, unsigned char *sealed)
{
	int n;

	return EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, sealed) == 1 &&
	       EVP_EncryptUpdate(context, NULL, &n, (const unsigned char *)about, (int)strlen(about)) == 1 &&
	       EVP_EncryptUpdate(context, sealed + NONCE, &n, (const unsigned char *)text, (int)len) == 1 &&
	       EVP_EncryptFinal_ex(context, sealed + NONCE + n, &n) == 1 &&
	       EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG, sealed + NONCE + len) == 1;
}

int b2b_secret_seal(const unsigned char key[B2B_SEAL_KEY_SIZE], const char *about, const char *text, unsigned char **ret_sealed, size_t *ret_len)
{
	size_t len = strlen(text);
	unsigned char *sealed = len <= TEXT_MAX ? malloc(NONCE + len + TAG) : NULL;
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int r = sealed && context ? 0 : -ENOMEM;

	if (r == 0 && (RAND_bytes(sealed, NONCE) != 1 || !encrypt(context, key, about, text, len, sealed)))
		r = -EIO;
	EVP_CIPHER_CTX_free(context);
	if (r < 0) {
		free(sealed);
		return r;
	}
	*ret_sealed = sealed;
	*ret_len = NONCE + len + TAG;
	return 0;
}

static int decrypt(EVP_CIPHER_CTX *context, const unsigned char *key, const char *about, const unsigned char *sealed, size_t len, char *text)
{
	unsigned char tag[TAG];
	int n;

	memcpy(tag, sealed + NONCE + len, TAG);
	if (EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, sealed) != 1 ||
	    EVP_DecryptUpdate(context, NULL, &n, (const unsigned char *)about, (int)strlen(about)) != 1 ||
	    EVP_DecryptUpdate(context, (unsigned char *)text, &n, sealed + NONCE, (int)len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG, tag) != 1)
		return -EIO;
	return EVP_DecryptFinal_ex(context, (unsigned char *)text + n, &n) == 1 ? 0 : -EBADMSG;
}

int b2b_secret_open(const unsigned char key[B2B_SEAL_KEY_SIZE], const char *about, const unsigned char *sealed, size_t len, char **ret_text)
{
	EVP_CIPHER_CTX *context;
	char *text;
	int r;

	if (len < NONCE + TAG || len > NONCE + TEXT_MAX + TAG)
		return -EBADMSG;
	len -= NONCE + TAG;
	text = calloc(1, len + 1);
	context = EVP_CIPHER_CTX_new();
	r = text && context ? decrypt(context, key, about, sealed, len, text) : -ENOMEM;
	EVP_CIPHER_CTX_free(context);
	if (r < 0) {
		if (text)
			explicit_bzero(text, len);
		free(text);
		return r;
	}
	*ret_text = text;
	return 0;
}
