/* Client authentication by certificate, RFC 8705: one that this client registered, or its subject by an authority that we trust. */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "tests/federation/http.h"

/* Only where the alias says; elsewhere nobody is known by a certificate. */
static bool asked_at_alias(const struct fed *fed, const struct fed_request *request)
{
	const char *host = fed_header(request, "Host");
	return fed->mtls_url && host && strcmp(fed->mtls_url + strlen("https://"), host) == 0;
}

/* The certificate that was shown in the handshake, which proved its key; NULL: none. */
static gnutls_session_t session_of(const struct fed_request *request, const gnutls_datum_t **ret_certificate)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	unsigned n = 0;
	const gnutls_datum_t *shown = info ? gnutls_certificate_get_peers(info->tls_session, &n) : NULL;
	*ret_certificate = n > 0 ? shown : NULL;
	return info ? info->tls_session : NULL;
}

static bool is_registered(const struct fed_client *client, const gnutls_datum_t *shown)
{
	unsigned char *der = NULL;
	int len = i2d_X509(client->certificate, &der);
	bool same = len > 0 && (unsigned)len == shown->size && memcmp(der, shown->data, shown->size) == 0;
	OPENSSL_free(der);
	return same;
}

static bool has_subject(const struct fed_client *client, const gnutls_datum_t *shown)
{
	gnutls_x509_crt_t certificate;
	gnutls_datum_t name = { 0 };
	if (gnutls_x509_crt_init(&certificate) < 0)
		return false;
	bool same = gnutls_x509_crt_import(certificate, shown, GNUTLS_X509_FMT_DER) >= 0 && gnutls_x509_crt_get_dn3(certificate, &name, 0) >= 0 &&
		    strcmp((const char *)name.data, client->subject) == 0;
	gnutls_free(name.data);
	gnutls_x509_crt_deinit(certificate);
	return same;
}

static const char *certificate_fault(const struct fed_request *request, const struct fed_client *client)
{
	const gnutls_datum_t *shown;
	gnutls_session_t session = session_of(request, &shown);
	unsigned status = 0;
	if (!shown)
		return "no certificate was shown";
	if (client->certificate)
		return is_registered(client, shown) ? NULL : "not the certificate that is registered";
	if (gnutls_certificate_verify_peers2(session, &status) < 0 || status != 0)
		return "the certificate is not by an authority that counts here";
	return has_subject(client, shown) ? NULL : "the certificate has another subject";
}

int fed_client_by_certificate(struct fed *fed, const struct fed_request *request, const char *id, const struct fed_client **ret_client,
			      const char **ret_why)
{
	const struct fed_client *client = fed_clients_find(fed->clients, id);
	if (!client || (!client->certificate && !client->subject)) {
		*ret_why = "no client authentication";
		return -EACCES;
	}
	*ret_why = asked_at_alias(fed, request) ? certificate_fault(request, client) : "certificates are taken at mtls_endpoint_aliases";
	if (*ret_why)
		return -EACCES;
	*ret_client = client;
	return 0;
}
