/* What was wrong with a server's certificate, in words that say which one and what to do; for http.c. */
#ifndef B2B_HTTP_TLS_H
#define B2B_HTTP_TLS_H

#include <curl/curl.h>
#include <stdbool.h>

#define B2B_HTTP_TLS_SIZE 560

/* Of the last handshake; zeroed at first. */
struct b2b_http_tls {
	const char *ca_file; /* that the chain is checked against; NULL: the system's authorities */
	bool seen;           /* a certificate of the server's own was shown */
	int fault;           /* X509_V_ERR_…; 0: the chain was in order */
	int depth;           /* of the certificate at fault; 0: the server's own */
	char subject[100], issuer[100], names[100]; /* of it; printable */
	char from[24], until[24];
};

/* Have EASY's handshakes looked at, and weak keys and digests (less than 112 bits) refused; TLS lives as long as EASY. */
CURLcode b2b_http_tls_watch(CURL *easy, struct b2b_http_tls *tls);

/*
 * Put into BUF why HOST's certificate was refused, or, as curl's text WHY has it from the service's alert (RFC 8446 6.2), why HOST
 * refused this host's. False, with BUF left: it was neither.
 */
bool b2b_http_tls_describe(const struct b2b_http_tls *tls, CURLcode code, const char *host, const char *why, char buf[B2B_HTTP_TLS_SIZE]);

#endif
