/* The transmitter's configuration document (SSF 1.0, 7.1). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "b2bd/signals/ssf.h"

#define ISSUER "https://fed.example"
#define DOCUMENT(more) "{\"issuer\":\"" ISSUER "\",\"configuration_endpoint\":\"" ISSUER "/ssf/stream\"" more "}"

static int parse(const char *document, struct b2b_ssf_config *config)
{
	return b2b_ssf_config_parse(document, strlen(document), ISSUER, config);
}

static void critical_members_are_taken(void **state)
{
	struct b2b_ssf_config config;

	(void)state;
	assert_int_equal(parse(DOCUMENT(""), &config), 0);
	assert_null(config.critical_subject_members[0]);
	b2b_ssf_config_clear(&config);
	assert_int_equal(parse(DOCUMENT(",\"critical_subject_members\":[\"user\",\"device\"]"), &config), 0);
	assert_string_equal(config.critical_subject_members[0], "user");
	assert_string_equal(config.critical_subject_members[1], "device");
	assert_null(config.critical_subject_members[2]);
	b2b_ssf_config_clear(&config);
}

static void critical_members_that_cannot_be_honoured_are_refused(void **state)
{
	char document[1024] = DOCUMENT(",\"critical_subject_members\":[\"a\"");
	struct b2b_ssf_config config;
	size_t len, i;

	(void)state;
	assert_int_equal(parse(DOCUMENT(",\"critical_subject_members\":\"user\""), &config), -EBADMSG);
	assert_int_equal(parse(DOCUMENT(",\"critical_subject_members\":[1]"), &config), -EBADMSG);
	len = strlen(document) - 1;
	for (i = 0; i < B2B_SSF_CRITICAL_MAX; i++)
		len += (size_t)snprintf(document + len, sizeof(document) - len, ",\"a\"");
	snprintf(document + len, sizeof(document) - len, "]}");
	assert_int_equal(parse(document, &config), -EBADMSG);
}

static void another_issuer_is_refused(void **state)
{
	struct b2b_ssf_config config;

	(void)state;
	assert_int_equal(b2b_ssf_config_parse(DOCUMENT(""), strlen(DOCUMENT("")), ISSUER "/", &config), -EPERM);
	assert_int_equal(parse(DOCUMENT(",\"delivery_methods_supported\":[\"urn:ietf:rfc:8935\"]"), &config), -EPROTONOSUPPORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(critical_members_are_taken),
		cmocka_unit_test(critical_members_that_cannot_be_honoured_are_refused),
		cmocka_unit_test(another_issuer_is_refused),
	};

	return cmocka_run_group_tests_name("ssf", tests, NULL, NULL);
}
