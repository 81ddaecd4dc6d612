/* What libcurl says of a finished transfer, as a response; for http.c. */
#ifndef B2B_HTTP_ANSWER_H
#define B2B_HTTP_ANSWER_H

#include "b2bd/http.h"
#include "b2bd/http_tls.h"

#define B2B_HTTP_TEXT_SIZE (B2B_HTTP_TLS_SIZE + 300)

/*
 * Fill *ret but for the body. TOO_LARGE: we ended it; WHY: curl's error buffer, "" for none; TLS: what the handshake showed. *ret points into EASY and TEXT,
 * which holds "HOST:PORT: why" when there was no answer.
 */
void b2b_http_answer_read(CURL *easy, CURLcode code, bool too_large, const char *why, const struct b2b_http_tls *tls,
                          char text[B2B_HTTP_TEXT_SIZE], struct b2b_http_response *ret);

#endif
