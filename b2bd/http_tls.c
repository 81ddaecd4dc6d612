#include "b2bd/http_tls.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define SECURITY_LEVEL 2 /* 112 bits: RSA of 2048, curves of 224, no signature by SHA-1 */

/* What BIO holds into BUF, cut, with what a terminal should not get shown as '?'. */
static void take(BIO *bio, char *buf, size_t size)
{
	char *data = NULL;
	long len = bio ? BIO_get_mem_data(bio, &data) : 0;
	size_t n = len > 0 ? (size_t)len : 0;

	if (n > size - 1)
		n = size - 1;
	for (size_t i = 0; i < n; i++)
		buf[i] = data[i] >= ' ' && data[i] <= '~' ? data[i] : '?';
	buf[n] = '\0';
	BIO_free(bio);
}

static void take_name(const X509_NAME *name, char *buf, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (bio)
		X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
	take(bio, buf, size);
}

static void take_time(const ASN1_TIME *time, char buf[24])
{
	struct tm parts;

	if (ASN1_TIME_to_tm(time, &parts) != 1 || strftime(buf, 24, "%Y-%m-%d %H:%M UTC", &parts) == 0)
		memcpy(buf, "?", 2);
}

/* The host names and addresses that it is for. */
static void take_alternatives(X509 *certificate, char *buf, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	BIO *bio = BIO_new(BIO_s_mem());

	for (int i = 0; bio && i < sk_GENERAL_NAME_num(names); i++) {
		if (i)
			BIO_puts(bio, ", ");
		GENERAL_NAME_print(bio, sk_GENERAL_NAME_value(names, i));
	}
	take(bio, buf, size);
	GENERAL_NAMES_free(names);
}

static void look_at(struct b2b_http_tls *tls, X509 *certificate)
{
	take_name(X509_get_subject_name(certificate), tls->subject, sizeof(tls->subject));
	take_name(X509_get_issuer_name(certificate), tls->issuer, sizeof(tls->issuer));
	take_time(X509_get0_notBefore(certificate), tls->from);
	take_time(X509_get0_notAfter(certificate), tls->until);
	take_alternatives(certificate, tls->names, sizeof(tls->names));
}

static int index_of_tls(void)
{
	static int found = -1; /* the agent has one thread */

	if (found < 0)
		found = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return found;
}

/* OpenSSL asks for each certificate and each fault; its own verdict stands. */
static int looked_at(int verdict, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct b2b_http_tls *tls = ssl ? SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), index_of_tls()) : NULL;
	X509 *certificate = X509_STORE_CTX_get_current_cert(store);
	int depth = X509_STORE_CTX_get_error_depth(store);

	if (!tls || !certificate || tls->fault)
		return verdict;
	if (!verdict) {
		tls->fault = X509_STORE_CTX_get_error(store);
		tls->depth = depth;
		look_at(tls, certificate);
	} else if (depth == 0) {
		tls->seen = true;
		look_at(tls, certificate);
	}
	return verdict;
}

static CURLcode prepare(CURL *easy, void *context, void *arg)
{
	SSL_CTX *ssl = context;
	struct b2b_http_tls *tls = arg;

	(void)easy;
	tls->seen = false;
	tls->fault = 0;
	if (SSL_CTX_set_ex_data(ssl, index_of_tls(), tls) != 1)
		return CURLE_OUT_OF_MEMORY;
	/* libraries are built with different minima */
	if (SSL_CTX_get_security_level(ssl) < SECURITY_LEVEL)
		SSL_CTX_set_security_level(ssl, SECURITY_LEVEL);
	SSL_CTX_set_verify(ssl, SSL_CTX_get_verify_mode(ssl), looked_at);
	return CURLE_OK;
}

CURLcode b2b_http_tls_watch(CURL *easy, struct b2b_http_tls *tls)
{
	CURLcode r = curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, tls);

	return r == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, prepare) : r;
}

static const char *authorities(const struct b2b_http_tls *tls)
{
	return tls->ca_file ? tls->ca_file : "the system's authorities";
}

/* What is wrong and what to do, the whole tail of the sentence. */
static void advise(const struct b2b_http_tls *tls, char *buf, size_t size)
{
	switch (tls->fault) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		snprintf(buf, size, "has expired: %s", tls->depth ? "the service must send the authority's present certificate, or ca_file must hold it" : "the service must renew it");
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		snprintf(buf, size, "is not valid yet: is this host's clock right (date -u)?");
		break;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
		snprintf(buf, size, "has a key that is too weak: the service needs one of RSA 2048 or P-256 at least");
		break;
	case X509_V_ERR_CA_MD_TOO_WEAK:
		snprintf(buf, size, "is signed with a digest that is too weak: the service needs one with SHA-256");
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		snprintf(buf, size, "is by nobody in %.100s: put its authority's certificate into a file, and name that in ca_file", authorities(tls));
		break;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
		snprintf(buf, size, "is by nobody in %.100s: the service must send the certificates in between, or its authority's belongs into a file that "
		         "ca_file names", authorities(tls));
		break;
	default:
		snprintf(buf, size, "was refused: %s (checked against %.100s)", X509_verify_cert_error_string(tls->fault), authorities(tls));
	}
}

/* A service that refuses this host's certificate says so with an alert about certificates, which curl passes on in OpenSSL's words. */
static bool describe_alert(const char *why, char buf[B2B_HTTP_TLS_SIZE])
{
	const char *alert = strstr(why, " alert ");
	int len;

	if (!alert)
		return false;
	alert += strlen(" alert ");
	len = (int)strcspn(alert, ",");
	if (strncmp(alert, "certificate required", strlen("certificate required")) == 0)
		snprintf(buf, B2B_HTTP_TLS_SIZE, "the service wants a certificate of this host: see client_auth and client_certificate");
	else if (strstr(alert, "certificate") || strncmp(alert, "unknown ca", strlen("unknown ca")) == 0)
		snprintf(buf, B2B_HTTP_TLS_SIZE, "the service refuses this host's certificate (%.*s): see that the one in client_certificate is what it knows, and still valid",
		         len < 60 ? len : 60, alert);
	else
		return false;
	return true;
}

bool b2b_http_tls_describe(const struct b2b_http_tls *tls, CURLcode code, const char *host, const char *why, char buf[B2B_HTTP_TLS_SIZE])
{
	char advice[256];

	if (tls->fault) {
		advise(tls, advice, sizeof(advice));
	} else if (tls->seen && code == CURLE_PEER_FAILED_VERIFICATION) {
		snprintf(advice, sizeof(advice), "is for %.100s and not for %.60s", *tls->names ? tls->names : tls->subject, host);
	} else {
		return describe_alert(why, buf);
	}
	/* what to do comes first: it is not to be cut */
	snprintf(buf, B2B_HTTP_TLS_SIZE, "the certificate %s %s (issued by %s, valid from %s to %s)", tls->subject, advice, tls->issuer, tls->from, tls->until);
	return true;
}
