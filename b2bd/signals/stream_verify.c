/*
 * Verification, SSF 1.0 8.1.4: a stream may be silent because nothing happens, or because it is broken. An event that was
 * asked for tells one from the other; without it polls mean nothing, and the lease runs out.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>

#include <openssl/evp.h>
#include <systemd/sd-id128.h>

#include "b2bd/signals/stream_private.h"
#include "common/clock.h"
#include "common/log.h"

#define MARK_LEN 16
#define EVERY_NS (300 * B2B_NS_PER_S)
#define LATE_NS (90 * B2B_NS_PER_S)
#define AGAIN_NS (30 * B2B_NS_PER_S) /* where it could not be asked for */
#define AGAIN_FIRST_NS (2 * B2B_NS_PER_S) /* likewise, and nobody can log in before */

static uint64_t every_ns(const struct b2b_stream *stream)
{
	uint64_t least = stream->stream.min_verification_s * B2B_NS_PER_S;

	return least > EVERY_NS ? least : EVERY_NS;
}

/* Begins every state that this host makes, so that another's is known by it: of the names that tell machines apart. */
static int host_mark(char ret_mark[MARK_LEN + 1])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct utsname names;
	char text[sizeof(sd_id128_t) + sizeof(names.nodename)] = "";
	sd_id128_t machine = SD_ID128_NULL;
	uint64_t mark;

	sd_id128_get_machine(&machine); /* a host without one has its name */
	if (uname(&names) < 0)
		return -errno;
	memcpy(text, &machine, sizeof(machine));
	memcpy(text + sizeof(machine), names.nodename, strlen(names.nodename));
	if (EVP_Digest(text, sizeof(text), digest, NULL, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	memcpy(&mark, digest, sizeof(mark));
	snprintf(ret_mark, MARK_LEN + 1, "%016" PRIx64, mark);
	return 0;
}

static int make_state(char ret_state[B2B_STREAM_STATE_SIZE])
{
	uint64_t random;
	int r;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		return -EAGAIN;
	r = host_mark(ret_state);
	if (r < 0)
		return r;
	snprintf(ret_state + MARK_LEN, B2B_STREAM_STATE_SIZE - MARK_LEN, "%016" PRIx64, random);
	return 0;
}

/*
 * Another host asked for it: both poll one stream, and what one acknowledges the other never hears. Neither can vouch for
 * anything. Whatever is not made like our own states may be the service's own.
 */
static bool from_another_host(const struct b2b_stream *stream, const struct b2b_event *event)
{
	char mark[MARK_LEN + 1];

	/* what was asked for before this agent began may be of the same host by another name, or before it was made anew */
	return event->time_ms / 1000 >= stream->began_s && strlen(event->state) == B2B_STREAM_STATE_SIZE - 1 &&
	       strspn(event->state, "0123456789abcdef") == B2B_STREAM_STATE_SIZE - 1 && host_mark(mark) == 0 &&
	       strncmp(event->state, mark, MARK_LEN);
}

static void share(struct b2b_stream *stream)
{
	if (!b2b_stream_shared(stream))
		b2b_log(LOG_ERR, "signals: another host has this client_id and takes events away from this one: no session is opened; "
		        "give every host a client_id of its own (b2bctl enroll)");
	stream->shared_ns = b2b_now_ns();
}

bool b2b_stream_shared(const struct b2b_stream *stream)
{
	return stream->shared_ns && b2b_now_ns() - stream->shared_ns < every_ns(stream) + LATE_NS;
}

static void not_asked(struct b2b_stream *stream, uint64_t again_ns)
{
	stream->verify_state[0] = '\0';
	stream->verify_due_ns = again_ns == UINT64_MAX ? again_ns : b2b_now_ns() + again_ns;
}

/* It is not asked often, or there is trouble; or the service refuses for good, as it would without the endpoint. */
static void asked(void *arg, const struct b2b_http_response *response)
{
	struct b2b_stream *stream = arg;
	bool later = response->error || response->status == 401 || response->status == 429 || response->status >= 500;

	stream->call = NULL;
	if (later && !stream->verify_put_off)
		b2b_log(LOG_INFO, "signals: verification could not be asked for (%s, status %ld)",
		        response->error ? response->error_text : "refused for now", response->status);
	stream->verify_put_off = later;
	if (later) {
		not_asked(stream, stream->verified_ns ? AGAIN_NS : AGAIN_FIRST_NS);
	} else if (response->status != 204 && response->status != 200 && response->status != 202) {
		b2b_log(LOG_WARNING, "signals: the service refuses verification (status %ld): a stream that breaks silently is not noticed",
		        response->status);
		stream->unverifiable = true;
		not_asked(stream, UINT64_MAX);
	}
	b2b_stream_poll(stream);
}

void b2b_stream_verify(struct b2b_stream *stream)
{
	stream->verify_due_ns = b2b_now_ns() + LATE_NS;
	if (!stream->config.verification_endpoint) {
		stream->unverifiable = true;
		not_asked(stream, UINT64_MAX);
		b2b_stream_poll(stream);
		return;
	}
	if (make_state(stream->verify_state) < 0) {
		not_asked(stream, AGAIN_FIRST_NS);
		b2b_stream_poll(stream);
		return;
	}
	b2b_stream_request(stream, "POST", strdup(stream->config.verification_endpoint),
	                   b2b_ssf_verify_body(stream->stream.id, stream->verify_state), b2b_stream_verify, asked);
}

void b2b_stream_verified(struct b2b_stream *stream, const struct b2b_event *event)
{
	if (!*stream->verify_state || strcmp(stream->verify_state, event->state)) {
		if (from_another_host(stream, event))
			share(stream);
		return;
	}
	stream->verify_state[0] = '\0';
	stream->verified_ns = b2b_now_ns();
	stream->verify_due_ns = stream->verified_ns + every_ns(stream);
}

bool b2b_stream_unproven(const struct b2b_stream *stream)
{
	return !b2b_stream_vouched(stream) && !b2b_stream_shared(stream) && !*stream->verify_state;
}

bool b2b_stream_vouched(const struct b2b_stream *stream)
{
	if (b2b_stream_shared(stream))
		return false;
	return stream->unverifiable ||
	       (stream->verified_ns && b2b_now_ns() - stream->verified_ns < every_ns(stream) + LATE_NS);
}
