#include "b2bd/http_answer.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int connect_error(CURL *easy)
{
	long os_errno = 0;

	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_errno);
	return os_errno > 0 && os_errno < INT_MAX ? -(int)os_errno : -ECONNREFUSED;
}

static int error_of(CURL *easy, CURLcode code, bool too_large)
{
	if (too_large)
		return -EFBIG;
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_COULDNT_CONNECT:
		return connect_error(easy);
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return -EHOSTUNREACH;
	case CURLE_FILESIZE_EXCEEDED:
		return -EFBIG;
	case CURLE_OUT_OF_MEMORY:
	case CURLE_WRITE_ERROR: /* not too large: there was no memory for more of it */
		return -ENOMEM;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return -EINVAL;
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
		return -ECONNRESET;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_ENGINE_NOTFOUND:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return -EPROTO;
	default:
		return -EIO;
	}
}

/* "HOST:PORT: why"; the path is left out, it may hold an id. */
static void describe(CURL *easy, CURLcode code, bool too_large, const char *why, const struct b2b_http_tls *tls, char text[B2B_HTTP_TEXT_SIZE])
{
	char certificate[B2B_HTTP_TLS_SIZE], name[257];
	const char *url = NULL, *host = "?";
	int len = 1;

	curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
	if (url && strncasecmp(url, "https://", 8) == 0) {
		host = url + 8;
		len = (int)strcspn(host, "/?#");
	}
	snprintf(name, sizeof(name), "%.*s", len < 256 ? len : 256, host);
	if (too_large)
		why = "the answer is larger than it may be";
	else if (b2b_http_tls_describe(tls, code, name, why, certificate))
		why = certificate;
	else if (!*why)
		why = curl_easy_strerror(code);
	snprintf(text, B2B_HTTP_TEXT_SIZE, "%s: %s", name, why);
}

static const char *header_of(CURL *easy, const char *name)
{
	struct curl_header *header;

	return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : NULL;
}

/* Seconds, or a date (RFC 9110 10.2.3). */
static long retry_after(CURL *easy)
{
	const char *value = header_of(easy, "Retry-After");
	long seconds;
	time_t when;
	char *end;

	if (!value)
		return -1;
	errno = 0;
	seconds = strtol(value, &end, 10);
	if (end != value && *end == '\0' && seconds >= 0 && errno == 0)
		return seconds;
	when = curl_getdate(value, NULL);
	if (when < 0)
		return -1;
	return when > time(NULL) ? (long)(when - time(NULL)) : 0;
}

/* RFC 9111 5.2: a list of directives; the value may be quoted. */
static long max_age(CURL *easy)
{
	const char *at = header_of(easy, "Cache-Control");
	char *end;
	long seconds;

	while (at && *at) {
		at += strspn(at, " \t,");
		if (strncasecmp(at, "max-age=", 8) == 0) {
			at += 8;
			at += *at == '"';
			errno = 0;
			seconds = strtol(at, &end, 10);
			return end != at && seconds >= 0 && errno == 0 ? seconds : -1;
		}
		at += strcspn(at, ",");
	}
	return -1;
}

void b2b_http_answer_read(CURL *easy, CURLcode code, bool too_large, const char *why, const struct b2b_http_tls *tls,
                          char text[B2B_HTTP_TEXT_SIZE], struct b2b_http_response *ret)
{
	char *content_type = NULL;

	*ret = (struct b2b_http_response){ .error = error_of(easy, code, too_large), .error_text = text, .body = "", .content_type = "",
		                           .retry_after_s = -1, .max_age_s = -1 };
	*text = '\0';
	if (ret->error < 0) {
		describe(easy, code, too_large, why, tls, text);
		return;
	}
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &ret->status);
	if (curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &content_type) == CURLE_OK && content_type)
		ret->content_type = content_type;
	ret->retry_after_s = retry_after(easy);
	ret->max_age_s = max_age(easy);
	ret->etag = header_of(easy, "ETag");
}
