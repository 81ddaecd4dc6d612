/* The end of this host's stream at the service (SSF 1.0 8.1.1.5): what would otherwise be kept there for nobody. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/signals/stream_private.h"
#include "common/log.h"

static void tell(struct b2b_stream *stream, int error, const char *why)
{
	void (*done)(void *arg, int error, const char *why) = stream->delete_done;

	stream->delete_done = NULL;
	if (done)
		done(stream->delete_arg, error, why);
}

static void deleted(void *arg, const struct b2b_http_response *response)
{
	struct b2b_stream *stream = arg;
	bool gone = !response->error && ((response->status >= 200 && response->status < 300) || response->status == 404);

	stream->call = NULL;
	if (!gone) {
		b2b_stream_fail_response(stream, b2b_stream_discover, "the stream was not deleted", response);
		tell(stream, -EIO, stream->why);
		return;
	}
	b2b_log(LOG_NOTICE, "signals: stream %s was deleted; none is set up again before the agent starts anew", stream->stream.id);
	stream->deleted = true;
	stream->connected = false;
	tell(stream, 0, "");
}

int b2b_stream_delete(struct b2b_stream *stream, void (*done)(void *arg, int error, const char *why), void *arg)
{
	if (stream->delete_done)
		return -EALREADY;
	if (!stream->stream.id)
		return -ENOTCONN;
	b2b_stream_stop(stream);
	stream->delete_done = done;
	stream->delete_arg = arg;
	b2b_stream_request(stream, "DELETE", b2b_stream_url(stream, stream->config.configuration_endpoint), NULL, b2b_stream_discover, deleted);
	if (!stream->call)
		tell(stream, -ENOMEM, stream->why);
	return 0;
}

void b2b_stream_delete_forget(struct b2b_stream *stream)
{
	tell(stream, -ECANCELED, "the agent stops");
}
