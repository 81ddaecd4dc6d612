/*
 * b2b-keys NAME: sshd's AuthorizedKeysCommand. Runs as user b2b-keys, which may ask the agent exactly this, and prints what it says: lines of
 * authorized_keys(5). For a name that is no partner's it says nothing and asks nobody.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cache.h"
#include "common/clock.h"
#include "common/names.h"
#include "common/proto.h"

#define ANSWER_NS (5 * B2B_NS_PER_S)
#define TEXT_MAX 65536

static int fail(const char *what)
{
	fprintf(stderr, "b2b-keys: %s\n", what);
	return 1;
}

/* sshd reads keys out of it: nothing but lines of text. */
static int printable(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] != '\n' && (text[i] < ' ' || text[i] > '~'))
			return 0;
	return len == 0 || text[len - 1] == '\n';
}

/* The whole answer or nothing: half a line could be another key. */
static int receive(int fd, uint64_t deadline, char text[TEXT_MAX], size_t *ret_len)
{
	struct b2b_say_text say;
	uint16_t type = 0;
	size_t len = 0;
	int r;

	do {
		r = b2b_agent_receive(fd, 0, &type, &say, sizeof(say), deadline);
		if (r == 0 && type != B2B_SAY_TEXT)
			r = type == B2B_SAY_DECISION ? -EACCES : -EBADMSG; /* a decision refuses */
		if (r == 0 && (say.length > sizeof(say.text) || say.length > TEXT_MAX - len))
			r = -EBADMSG;
		if (r == 0 && say.reason != 0)
			r = -EACCES;
		if (r == 0) {
			memcpy(text + len, say.text, say.length);
			len += say.length;
		}
	} while (r == 0 && !say.final);
	if (r == 0 && !printable(text, len))
		r = -EBADMSG;
	if (r == 0)
		*ret_len = len;
	return r;
}

/* Names of others look alike where a directory names people by address: no agent of ours holds them up. */
static int is_partner(const char *name)
{
	struct b2b_cache *cache;
	int ours;

	if (!b2b_name_candidate(name) || b2b_cache_new(NULL, &cache) < 0)
		return 0;
	ours = b2b_cache_ours(cache, name);
	b2b_cache_free(cache);
	return ours;
}

int main(int argc, char **argv)
{
	uint64_t deadline = b2b_now_ns() + ANSWER_NS;
	struct b2b_ask_keys ask = { 0 };
	static char text[TEXT_MAX];
	size_t len = 0;
	int fd, r;

	if (argc != 2)
		return fail("usage: b2b-keys NAME (in sshd_config: AuthorizedKeysCommand /usr/sbin/b2b-keys %u)");
	if (!is_partner(argv[1]) || strlen(argv[1]) >= sizeof(ask.name))
		return 0;
	memcpy(ask.name, argv[1], strlen(argv[1]) + 1);
	fd = b2b_agent_connect(deadline);
	r = fd < 0 ? fd : b2b_agent_send(fd, B2B_ASK_KEYS, &ask, deadline);
	if (r == 0)
		r = receive(fd, deadline, text, &len);
	if (fd >= 0)
		close(fd);
	if (r < 0)
		return fail(r == -EACCES ? "the agent refuses; sshd must run this as user b2b-keys" : strerror(-r));
	return fwrite(text, 1, len, stdout) == len && fflush(stdout) == 0 ? 0 : fail("cannot write");
}
