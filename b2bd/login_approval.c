/* The methods in which the person approves elsewhere: `device` on a page, `ciba` on their own approval device. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "b2bd/login.h"
#include "common/clock.h"

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

/* The person as the service is to find them, by root's template. */
static void make_hint(const struct b2b_login *login, char *buf, size_t size)
{
	const struct b2b_core *core = login->core;
	struct b2b_gathered gathered;
	char alias[B2B_NAME_SIZE] = "";

	b2b_gather(login->core, login->origin.user, login->origin.service, &gathered);
	if (gathered.facts.org >= 0)
		snprintf(alias, sizeof(alias), "%s", core->policy->orgs[gathered.facts.org].alias);
	b2b_hint_format(core->conf->federation.login_hint, login->origin.user, gathered.principal.local, alias,
	                gathered.facts.principal ? gathered.principal.subject : "", buf, size);
	b2b_gathered_clear(&gathered);
}

static void device_prompt(void *arg, const struct b2b_approval_prompt *prompt)
{
	struct b2b_login *login = arg;
	struct b2b_say_prompt say = { .lifetime_s = prompt->expires_in_s };
	char host[B2B_HOST_SIZE];

	b2b_login_host(login, host);
	b2b_prompt_device(say.text, sizeof(say.text), login->origin.user, host, prompt,
	                  (login->can & B2B_CAN_UTF8) && login->core->conf->host.qr);
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

	b2b_login_host(login, host);
	b2b_prompt_ciba(say.text, sizeof(say.text), login->origin.user, host, login->binding);
	b2b_login_show(login, &say);
}

/* The values of acr that would do for the service, the weakest that does first; "" where it demands none. */
static void make_acr_values(const struct b2b_login *login, char *buf, size_t size)
{
	const struct b2b_conf *conf = login->core->conf;
	size_t at = 0, i;
	int level;

	*buf = '\0';
	for (level = login->service->assurance; level > B2B_AAL_NONE && level <= B2B_AAL3; level++) {
		for (i = 0; i < conf->n_acrs && at < size; i++) {
			if ((int)conf->acrs[i].level == level)
				at += (size_t)snprintf(buf + at, size - at, "%s%s", at ? " " : "", conf->acrs[i].acr);
		}
	}
	if (at >= size)
		*buf = '\0'; /* half a value asks for something else */
}

/* Requests that nobody approves wear a person down: each takes from a small store, and an approval puts it back. */
static int ciba_begin(struct b2b_login *login)
{
	static const struct b2b_approval_handlers handlers = { .prompt = ciba_prompt, .result = approval_result };
	struct b2b_core *core = login->core;
	char hint[B2B_HINT_SIZE], host[B2B_HOST_SIZE], acr_values[1024];
	struct b2b_approval_request request = { .login_hint = hint, .binding_message = login->binding, .lifetime_s = b2b_login_left_s(login) };
	int r;

	if (!b2b_ciba_offered(core->federation))
		return -EOPNOTSUPP;
	b2b_login_host(login, host);
	r = b2b_binding_message(host, login->binding);
	if (r < 0)
		return r;
	if (!b2b_rate_take(&core->push_rate, login->uid, b2b_now_ns()))
		return -EDQUOT;
	make_hint(login, hint, sizeof(hint));
	make_acr_values(login, acr_values, sizeof(acr_values));
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
