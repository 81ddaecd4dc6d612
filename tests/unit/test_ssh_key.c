/* SSH keys of a directory: one key of a kind that holds, and nothing that could be anything else in authorized_keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <openssl/evp.h>

#include "b2bd/directory/ssh_key.h"

struct blob {
	unsigned char bytes[4096];
	size_t len;
};

static void put(struct blob *blob, const void *data, size_t len)
{
	blob->bytes[blob->len++] = (unsigned char)(len >> 24);
	blob->bytes[blob->len++] = (unsigned char)(len >> 16);
	blob->bytes[blob->len++] = (unsigned char)(len >> 8);
	blob->bytes[blob->len++] = (unsigned char)len;
	memcpy(blob->bytes + blob->len, data, len);
	blob->len += len;
}

static const char *line(const char *type, const struct blob *blob)
{
	static char text[8192];
	size_t at = (size_t)snprintf(text, sizeof(text), "%s ", type);

	EVP_EncodeBlock((unsigned char *)text + at, blob->bytes, (int)blob->len);
	return text;
}

/* A key of TYPE that says it is INNER, whose parts are SIZES long (0: the end), the first byte of the last one FIRST. */
static const char *made(const char *type, const char *inner, unsigned char first, const size_t *sizes)
{
	static struct blob blob;
	unsigned char part[4096];

	blob.len = 0;
	put(&blob, inner, strlen(inner));
	for (; *sizes; sizes++) {
		memset(part, 0x81, sizeof(part));
		part[0] = sizes[1] ? 0x03 : first;
		put(&blob, part, *sizes);
	}
	return line(type, &blob);
}

static const char *curve(const char *type, const char *name, size_t point)
{
	static struct blob blob;
	unsigned char bytes[200] = { 4 };

	blob.len = 0;
	put(&blob, type, strlen(type));
	put(&blob, name, strlen(name));
	put(&blob, bytes, point);
	return line(type, &blob);
}

#define SIZES(...) ((size_t[]){ __VA_ARGS__, 0 })

static void good(const char *text)
{
	char commented[8300], buf[B2B_SSH_KEY_SIZE];

	if (b2b_ssh_key_read(text, buf) < 0)
		fail_msg("refused: %s", text);
	assert_string_equal(buf, text);
	snprintf(commented, sizeof(commented), "%s alice@laptop and more", text);
	assert_int_equal(b2b_ssh_key_read(commented, buf), 0);
	assert_string_equal(buf, text);
}

static void bad(const char *text)
{
	char buf[B2B_SSH_KEY_SIZE] = "untouched";

	if (b2b_ssh_key_read(text, buf) != -EBADMSG)
		fail_msg("taken: %s", text);
	assert_string_equal(buf, "untouched");
}

static void keys_that_hold_are_taken(void **state)
{
	(void)state;
	good("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl");
	good(made("ssh-ed25519", "ssh-ed25519", 0x81, SIZES(32)));
	good(made("ssh-rsa", "ssh-rsa", 0x81, SIZES(3, 256)));
	good(made("ssh-rsa", "ssh-rsa", 0x00, SIZES(3, 257)));
	good(made("sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519@openssh.com", 0x81, SIZES(32, 4)));
	good(curve("ecdsa-sha2-nistp256", "nistp256", 65));
	good(curve("ecdsa-sha2-nistp384", "nistp384", 97));
	good(curve("ecdsa-sha2-nistp521", "nistp521", 133));
}

static void everything_else_is_refused(void **state)
{
	char text[9000];
	const char *key = made("ssh-ed25519", "ssh-ed25519", 0x81, SIZES(32));

	(void)state;
	bad("");
	bad("ssh-ed25519");
	bad("ssh-ed25519 ");
	bad("ssh-ed25519 AAAA");
	snprintf(text, sizeof(text), "command=\"/bin/sh\" %s", key);
	bad(text);
	snprintf(text, sizeof(text), " %s", key);
	bad(text);
	snprintf(text, sizeof(text), "%s x\n%s", key, key);
	bad(text);
	snprintf(text, sizeof(text), "%s\n", key);
	bad(text);
	snprintf(text, sizeof(text), "%s\r", key);
	bad(text);
	snprintf(text, sizeof(text), "%s=", key);
	bad(text);
	snprintf(text, sizeof(text), "%.40s*%s", key, key + 41);
	bad(text);
	snprintf(text, sizeof(text), "%.*s", (int)strlen(key) - 4, key);
	bad(text);
	bad(made("ssh-ed25519", "ssh-rsa", 0x81, SIZES(32)));
	bad(made("ssh-ed25519", "ssh-ed25519", 0x81, SIZES(33)));
	bad(made("ssh-ed25519", "ssh-ed25519", 0x81, SIZES(32, 1)));
	bad(made("ssh-dss", "ssh-dss", 0x81, SIZES(128, 20, 128, 128)));
	bad(made("ssh-rsa", "ssh-rsa", 0x81, SIZES(3, 128)));   /* 1,024 bits */
	bad(made("ssh-rsa", "ssh-rsa", 0x00, SIZES(3, 256)));   /* 2,040 */
	bad(made("ssh-rsa", "ssh-rsa", 0x81, SIZES(3, 2049)));
	bad(made("ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519-cert-v01@openssh.com", 0x81, SIZES(32, 32)));
	bad(made("sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519@openssh.com", 0x81, SIZES(32)));
	bad(curve("ecdsa-sha2-nistp256", "nistp384", 97));
	bad(curve("ecdsa-sha2-nistp256", "nistp256", 97));
}

static void lists_are_read_and_what_is_none_is_counted(void **state)
{
	const char *key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
	json_t *value = json_pack("[s, {s:s, s:s}, s, i, {}]", key, "value", key, "label", "x", "command=\"sh\" x", 7);
	char expected[512], *text;
	unsigned bad_ones = 9;

	(void)state;
	text = b2b_ssh_keys_read(value, &bad_ones);
	snprintf(expected, sizeof(expected), "%s\n%s\n", key, key);
	assert_string_equal(text, expected);
	assert_int_equal(bad_ones, 3);
	free(text);
	json_decref(value);
	text = b2b_ssh_keys_read(NULL, &bad_ones);
	assert_string_equal(text, "");
	assert_int_equal(bad_ones, 0);
	free(text);
	value = json_string(key); /* not a list */
	text = b2b_ssh_keys_read(value, &bad_ones);
	assert_string_equal(text, "");
	assert_int_equal(bad_ones, 1);
	free(text);
	json_decref(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_that_hold_are_taken),
		cmocka_unit_test(everything_else_is_refused),
		cmocka_unit_test(lists_are_read_and_what_is_none_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
