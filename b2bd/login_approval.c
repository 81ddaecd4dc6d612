/* The methods in which the person approves elsewhere: `device` on a page, `ciba` on their own approval device. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "b2bd/asking.h"
#include "b2bd/login.h"
#include "common/clock.h"

#define COLUMNS 80 /* of a terminal that nobody knows more of */

static void approval_result(void *arg, int reason, const struct b2b_id_token *token, const char *fault_text)
{
	if (reason == B2B_OK)
		b2b_login_proven(arg, token);
	else
		b2b_login_failed(arg, (enum b2b_reason)reason, fault_text);
}

static void approval_cancel(struct b2b_login *login)
{
	b2b_approval_cancel(login->approval);
	login->approval = NULL;
}

static void make_hint(const struct b2b_login *login, char *buf, size_t size)
{
	struct b2b_gathered gathered;

	b2b_login_gather(login->core, &login->origin, &gathered);
	b2b_asking_hint(login->core, &gathered, login->origin.user, buf, size);
	b2b_gathered_clear(&gathered);
}

/* Of a picture; 0: none is shown. */
static unsigned picture_columns(const struct b2b_login *login)
{
	unsigned columns = login->can >> B2B_CAN_COLUMNS;

	if (!(login->can & B2B_CAN_UTF8) || !login->core->conf->host.qr)
		return 0;
	return columns ? columns : COLUMNS;
}

static void device_prompt(void *arg, const struct b2b_approval_prompt *prompt)
{
	struct b2b_login *login = arg;
	struct b2b_say_prompt say = { .lifetime_s = prompt->expires_in_s };
	char host[B2B_HOST_SIZE];

	b2b_asking_host(login->core->conf, host);
	b2b_prompt_device(say.text, sizeof(say.text), login->origin.user, host, prompt, picture_columns(login));
	b2b_login_show(login, &say);
}

static int device_begin(struct b2b_login *login)
{
	static const struct b2b_approval_handlers handlers = { .prompt = device_prompt, .result = approval_result };
	char hint[B2B_HINT_SIZE];
	const struct b2b_approval_request request = { .login_hint = hint, .lifetime_s = b2b_login_left_s(login) };

	make_hint(login, hint, sizeof(hint));
	return b2b_device_start(login->core->federation, &request, &handlers, login, &login->approval);
}

static void ciba_prompt(void *arg, const struct b2b_approval_prompt *prompt)
{
	struct b2b_login *login = arg;
	struct b2b_say_prompt say = { .lifetime_s = prompt->expires_in_s };
	char host[B2B_HOST_SIZE];

	b2b_asking_host(login->core->conf, host);
	b2b_prompt_ciba(say.text, sizeof(say.text), login->origin.user, host, login->binding);
	b2b_login_show(login, &say);
}

/* Requests that nobody approves wear a person down: each takes from a small store, and an approval puts it back. */
static int ciba_begin(struct b2b_login *login)
{
	static const struct b2b_approval_handlers handlers = { .prompt = ciba_prompt, .result = approval_result };
	struct b2b_core *core = login->core;
	char hint[B2B_HINT_SIZE], host[B2B_HOST_SIZE], acr_values[B2B_ACR_VALUES_SIZE];
	struct b2b_approval_request request = { .login_hint = hint, .binding_message = login->binding, .lifetime_s = b2b_login_left_s(login) };
	int r;

	if (!b2b_ciba_offered(core->federation))
		return -EOPNOTSUPP;
	b2b_asking_host(login->core->conf, host);
	r = b2b_binding_message(host, login->binding);
	if (r < 0)
		return r;
	if (!b2b_rate_take(&core->push_rate, login->uid, b2b_now_ns()))
		return -EDQUOT;
	make_hint(login, hint, sizeof(hint));
	b2b_asking_acr_values(core->conf, login->service, acr_values);
	request.acr_values = *acr_values ? acr_values : NULL;
	return b2b_ciba_start(core->federation, &request, &handlers, login, &login->approval);
}

/* Approved by the right person: no nuisance. */
static enum b2b_reason ciba_admit(struct b2b_login *login, const struct b2b_id_token *token)
{
	(void)token;
	b2b_rate_give(&login->core->push_rate, login->uid);
	return B2B_OK;
}

const struct b2b_login_method b2b_login_device = {
	.number = B2B_METHOD_DEVICE, .name = "device", .begin = device_begin, .cancel = approval_cancel,
};
const struct b2b_login_method b2b_login_ciba = {
	.number = B2B_METHOD_CIBA, .name = "ciba", .begin = ciba_begin, .admit = ciba_admit,
	.cancel = approval_cancel,
};
