/* The method `token`, for automation: an access token is typed at the prompt, or handed over by SSH_ASKPASS. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/asking.h"
#include "b2bd/login.h"
#include "b2bd/state/seen_tokens.h"
#include "b2bd/token_names.h"
#include "common/log.h"

#define CUT_BY_SSH 1023 /* characters to which OpenSSH's client cuts an answer without a word … */
#define CUT_BY_PAM 511  /* … and su and login */
#define UNKNOWN_END_S (30 * 86400) /* how long a token is remembered of which nobody said when it ends */

static int token_begin(struct b2b_login *login)
{
	struct b2b_say_question say = { .lifetime_s = b2b_login_left_s(login) };
	char host[B2B_HOST_SIZE];

	if (!(login->can & B2B_CAN_ANSWER))
		return -EOPNOTSUPP;
	b2b_asking_host(login->core->conf, host);
	b2b_prompt_token(say.text, sizeof(say.text), login->origin.user, host, b2b_login_has_next(login));
	b2b_login_ask(login, &say);
	return 0;
}

/* Noted for twice the skew: by the wall clock it is valid for one, and the clock that forgets may be ahead of it by another. */
static enum b2b_reason token_admit(struct b2b_login *login, const struct b2b_id_token *token)
{
	const struct b2b_conf_federation *conf = &login->core->conf->federation;
	int64_t now = b2b_core_now(login->core), end = token->expires_at ? token->expires_at + 2 * conf->clock_skew_s : now + UNKNOWN_END_S;
	struct b2b_token_names names;
	int r;

	if (conf->token_use == B2B_TOKEN_MANY)
		return B2B_OK;
	r = b2b_token_names_of(login->token, token->jti, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = b2b_seen_token(login->core->state, names.digests[i], end, now);
	if (r == -EEXIST)
		return B2B_AUTH_TOKEN_USED;
	if (r < 0)
		b2b_log(LOG_ERR, "event=token-not-noted user=%s error=\"%s\"; a token that could be used again is refused", login->origin.user,
		        strerror(-r));
	return r < 0 ? B2B_INTERNAL : B2B_OK;
}

static bool was_cut(const struct b2b_login *login)
{
	size_t len = login->token ? strlen(login->token) : 0;

	return len == CUT_BY_SSH || len == CUT_BY_PAM;
}

static void token_result(void *arg, int reason, const struct b2b_id_token *token, const char *fault_text)
{
	struct b2b_login *login = arg;

	if (reason == B2B_OK) {
		b2b_login_proven(login, token);
		return;
	}
	if (was_cut(login) && (reason == B2B_AUTH_TOKEN_REFUSED || reason == B2B_AUTH_TOKEN_OVER))
		reason = B2B_AUTH_TOKEN_CUT;
	b2b_login_failed(login, (enum b2b_reason)reason, fault_text);
}

static void token_answer(struct b2b_login *login, const char *text)
{
	size_t len;
	int r;

	text += strspn(text, " \t\r\n");
	len = strcspn(text, " \t\r\n");
	if (len == 0) {
		b2b_login_failed(login, B2B_AUTH_TOKEN_NONE, "");
		return;
	}
	login->token = strndup(text, len);
	r = login->token ? b2b_presented_start(login->core->federation, login->token, len, token_result, login, &login->presented) : -ENOMEM;
	if (r < 0)
		b2b_login_failed(login, r == -EHOSTUNREACH ? B2B_SERVICE_DOWN : B2B_INTERNAL, strerror(-r));
}

static void token_cancel(struct b2b_login *login)
{
	b2b_presented_cancel(login->presented);
	login->presented = NULL;
	if (login->token)
		explicit_bzero(login->token, strlen(login->token));
	free(login->token);
	login->token = NULL;
}

const struct b2b_login_method b2b_login_token = {
	.number = B2B_METHOD_TOKEN, .name = "token", .begin = token_begin, .answer = token_answer, .admit = token_admit, .cancel = token_cancel,
};
