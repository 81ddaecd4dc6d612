/* The signals' answers of any bytes: polls, the transmitter's configuration, streams, status. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/signals/poll.h"
#include "b2bd/signals/ssf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void report_sets(json_t *sets)
{
	struct b2b_poll_report report = { 0 };
	const char *jti;
	json_t *set;
	char *body;

	json_object_foreach(sets, jti, set) {
		b2b_poll_ack(&report, jti);
		b2b_poll_refuse(&report, jti, (enum b2b_token_fault)(1 + strlen(json_string_value(set)) % B2B_TOKEN_EVENTS));
	}
	body = b2b_poll_body(&report, false);
	free(body);
	b2b_poll_report_clear(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct b2b_poll_answer answer;
	struct b2b_ssf_config config;
	struct b2b_ssf_stream stream;
	char status[B2B_SSF_STATUS_SIZE];

	if (b2b_poll_parse(text, size, &answer) == 0) {
		report_sets(answer.sets);
		b2b_poll_answer_clear(&answer);
	}
	if (b2b_ssf_config_parse(text, size, "https://a", &config) == 0)
		b2b_ssf_config_clear(&config);
	if (b2b_ssf_stream_parse(text, size, "https://a", "w", &stream) == 0)
		b2b_ssf_stream_clear(&stream);
	b2b_ssf_status_enabled(text, size, status);
	return 0;
}
