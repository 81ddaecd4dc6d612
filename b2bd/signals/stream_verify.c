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

#include "b2bd/signals/stream_private.h"
#include "common/clock.h"
#include "common/log.h"

#define EVERY_NS (300 * B2B_NS_PER_S)
#define LATE_NS (90 * B2B_NS_PER_S)
#define AGAIN_NS (30 * B2B_NS_PER_S) /* where it could not be asked for */
#define AGAIN_FIRST_NS (2 * B2B_NS_PER_S) /* likewise, and nobody can log in before */

static uint64_t every_ns(const struct b2b_stream *stream)
{
	uint64_t least = stream->stream.min_verification_s * B2B_NS_PER_S;

	return least > EVERY_NS ? least : EVERY_NS;
}

static int make_state(char ret_state[B2B_STREAM_STATE_SIZE])
{
	uint64_t random[2];

	if (getrandom(random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		return -EAGAIN;
	snprintf(ret_state, B2B_STREAM_STATE_SIZE, "%016" PRIx64 "%016" PRIx64, random[0], random[1]);
	return 0;
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
	if (later) {
		b2b_log(LOG_INFO, "signals: verification could not be asked for (%s, status %ld)",
		        response->error ? response->error_text : "refused for now", response->status);
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

void b2b_stream_verified(struct b2b_stream *stream, const char *state)
{
	if (!*stream->verify_state || strcmp(stream->verify_state, state))
		return;
	stream->verify_state[0] = '\0';
	stream->verified_ns = b2b_now_ns();
	stream->verify_due_ns = stream->verified_ns + every_ns(stream);
}

bool b2b_stream_unproven(const struct b2b_stream *stream)
{
	return !b2b_stream_vouched(stream) && !*stream->verify_state;
}

bool b2b_stream_vouched(const struct b2b_stream *stream)
{
	return stream->unverifiable ||
	       (stream->verified_ns && b2b_now_ns() - stream->verified_ns < every_ns(stream) + LATE_NS);
}
