/*
 * Where a transmitter tells nothing unasked (default_subjects is NONE, SSF 1.0 7.1), it has to be told of whom: of each of
 * root's organisations, as a whole (8.1.3.2).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/signals/stream_private.h"
#include "common/log.h"

static void add_next(struct b2b_stream *stream);

static void all_added(struct b2b_stream *stream)
{
	if (stream->subjects_taken || !stream->policy->n_orgs)
		b2b_stream_verify(stream);
	else
		b2b_stream_fail(stream, b2b_stream_add_subjects, "the service takes none of the organisations as a subject of the stream");
}

/* One that the service does not know has no people there either; its trouble must not be the others'. */
static void added(void *arg, const struct b2b_http_response *response)
{
	struct b2b_stream *stream = arg;
	const struct b2b_policy_org *org = &stream->policy->orgs[stream->subject];

	stream->call = NULL;
	if (response->error || response->status == 401 || response->status == 429 || response->status >= 500) {
		b2b_stream_fail_response(stream, b2b_stream_add_subjects, "the stream's subjects", response);
		return;
	}
	if (response->status >= 200 && response->status < 300)
		stream->subjects_taken++;
	else
		b2b_log(LOG_WARNING, "signals: the service does not take organisation %s as a subject of the stream (status %ld)", org->alias,
		        response->status);
	stream->subject++;
	add_next(stream);
}

static void add_next(struct b2b_stream *stream)
{
	if (stream->subject >= stream->policy->n_orgs) {
		all_added(stream);
		return;
	}
	b2b_stream_request(stream, "POST", strdup(stream->config.add_subject_endpoint),
	                   b2b_ssf_subject_body(stream->stream.id, stream->policy->orgs[stream->subject].id), b2b_stream_add_subjects, added);
}

void b2b_stream_add_subjects(struct b2b_stream *stream)
{
	stream->subject = 0;
	stream->subjects_taken = 0;
	if (!stream->config.tells_nothing_unasked)
		b2b_stream_verify(stream);
	else if (!stream->config.add_subject_endpoint)
		b2b_stream_fail(stream, b2b_stream_discover, "the service tells nothing unasked, and offers no way to ask");
	else
		add_next(stream);
}
