#include "b2bd/directory/ssh_key.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 16384

static const char *const types[] = {
	"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa", "sk-ssh-ed25519@openssh.com",
	"sk-ecdsa-sha2-nistp256@openssh.com", NULL,
};

struct blob {
	const unsigned char *at;
	size_t left;
};

/* RFC 4251 5: a length in four bytes, and so many. */
static bool take_string(struct blob *blob, struct blob *ret)
{
	size_t len;

	if (blob->left < 4)
		return false;
	len = (size_t)blob->at[0] << 24 | (size_t)blob->at[1] << 16 | (size_t)blob->at[2] << 8 | blob->at[3];
	if (len > blob->left - 4)
		return false;
	*ret = (struct blob){ blob->at + 4, len };
	blob->at += 4 + len;
	blob->left -= 4 + len;
	return true;
}

static bool is_text(const struct blob *part, const char *text)
{
	return part->left == strlen(text) && memcmp(part->at, text, part->left) == 0;
}

/* Bits of a number, most significant byte first. */
static size_t bits_of(struct blob number)
{
	size_t bits;

	while (number.left && *number.at == 0) {
		number.at++;
		number.left--;
	}
	bits = number.left * 8;
	for (unsigned char top = number.left ? *number.at : 0x80; !(top & 0x80); top = (unsigned char)(top << 1))
		bits--;
	return bits;
}

static bool rsa_fits(struct blob *blob)
{
	struct blob exponent, modulus;

	return take_string(blob, &exponent) && take_string(blob, &modulus) && blob->left == 0 && bits_of(modulus) >= RSA_BITS_MIN &&
	       bits_of(modulus) <= RSA_BITS_MAX && exponent.left && (exponent.at[exponent.left - 1] & 1);
}

/* ed25519: 32 bytes; ECDSA: the curve of the type's name, and an uncompressed point on it by its size; sk: and where it belongs. */
static bool curve_fits(struct blob *blob, const char *type)
{
	bool sk = strncmp(type, "sk-", 3) == 0, ec = strstr(type, "ecdsa") != NULL;
	const char *curve = ec ? strstr(type, "nistp") : NULL;
	size_t expected = !ec ? 32 : strncmp(curve, "nistp256", 8) == 0 ? 65 : strncmp(curve, "nistp384", 8) == 0 ? 97 : 133;
	char name[9] = "";
	struct blob part;

	if (ec) {
		snprintf(name, sizeof(name), "%.8s", curve);
		if (!take_string(blob, &part) || !is_text(&part, name))
			return false;
	}
	if (!take_string(blob, &part) || part.left != expected || (ec && part.at[0] != 4))
		return false;
	return (!sk || (take_string(blob, &part) && part.left > 0)) && blob->left == 0;
}

static bool blob_fits(struct blob blob, const char *type)
{
	struct blob named;

	if (!take_string(&blob, &named) || !is_text(&named, type))
		return false;
	return strcmp(type, "ssh-rsa") == 0 ? rsa_fits(&blob) : curve_fits(&blob, type);
}

/* Strictly: the alphabet, the padding, nothing else; EVP_DecodeBlock passes over some. */
static bool decode(const char *text, size_t len, unsigned char *out, size_t *ret_len)
{
	size_t plain = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"), padding = len - plain;
	int n;

	if (len == 0 || len % 4 || plain > len || padding > 2 || strncmp(text + plain, "==", padding) != 0)
		return false;
	n = EVP_DecodeBlock(out, (const unsigned char *)text, (int)len);
	if (n < 0)
		return false;
	*ret_len = (size_t)n - padding;
	return true;
}

int b2b_ssh_key_read(const char *text, char buf[B2B_SSH_KEY_SIZE])
{
	size_t type_len = strcspn(text, " "), len, blob_len = 0;
	const char *type = NULL, *base64 = text + type_len + (text[type_len] == ' ');
	unsigned char blob[B2B_SSH_KEY_SIZE];

	for (size_t i = 0; types[i]; i++)
		if (strlen(types[i]) == type_len && memcmp(types[i], text, type_len) == 0)
			type = types[i];
	len = strcspn(base64, " ");
	/* one line: what a comment could smuggle in behind a newline is looked for in all of it */
	if (!type || strpbrk(text, "\r\n") || type_len + 1 + len >= B2B_SSH_KEY_SIZE || !decode(base64, len, blob, &blob_len) ||
	    !blob_fits((struct blob){ blob, blob_len }, type))
		return -EBADMSG;
	snprintf(buf, B2B_SSH_KEY_SIZE, "%s %.*s", type, (int)len, base64);
	return 0;
}

char *b2b_ssh_keys_read(const json_t *value, unsigned *ret_bad)
{
	char line[B2B_SSH_KEY_SIZE], *text = NULL;
	const json_t *entry;
	unsigned taken = 0, bad = value && !json_is_null(value) && !json_is_array(value);
	size_t i, size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	json_array_foreach(value, i, entry) {
		const char *key = json_string_value(json_is_object(entry) ? json_object_get(entry, "value") : entry);

		if (key && taken < B2B_SSH_KEYS_MAX && b2b_ssh_key_read(key, line) == 0) {
			fprintf(out, "%s\n", line);
			taken++;
		} else {
			bad++;
		}
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	*ret_bad = bad;
	return text;
}
