/*
 * While a session lives the service is asked again whether the log-in that it rests on holds, at root's interval, a few at a time. Its no ends
 * the session, with the reason. That it does not answer ends nothing: root's limit for that is staleness_keep.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "b2bd/binding.h"
#include "b2bd/federation/presented.h"
#include "b2bd/federation/renewal.h"
#include "b2bd/proofs.h"
#include "common/clock.h"
#include "common/log.h"

#define AT_ONCE 4            /* questions under way: log-ins want their turn as well */
#define LOOK_MAX_S 60        /* the wall clock may jump */
#define AGAIN_FIRST_S 2
#define DISK_AGAIN_S 5

/* One question under way; or its answer, while that cannot be stored. */
struct b2b_recheck {
	struct b2b_recheck *next;
	struct b2b_core *core;
	struct b2b_proof proof;
	struct b2b_tokens tokens;
	struct b2b_renewal *renewal;
	struct b2b_presented *presented;
	bool was_unsure; /* the refresh token had been sent before, and no answer had come */
	bool unkept;     /* the one that replaced it could not be sealed */
	bool outgrown;   /* … or cannot be used at all */
	enum b2b_reason refused; /* B2B_OK: not, or not answered yet */
};

static void look(void *arg);

static void look_in(struct b2b_core *core, int64_t seconds)
{
	if (seconds < 0)
		seconds = 0;
	b2b_timer_set(core->loop, &core->reverify, (uint64_t)(seconds < LOOK_MAX_S ? seconds : LOOK_MAX_S) * B2B_NS_PER_S, look, core);
}

static void recheck_free(struct b2b_recheck *recheck)
{
	struct b2b_recheck **at;

	for (at = &recheck->core->rechecks; *at; at = &(*at)->next) {
		if (*at == recheck) {
			*at = recheck->next;
			recheck->core->n_rechecks -= recheck->refused == B2B_OK;
			break;
		}
	}
	b2b_renewal_cancel(recheck->renewal);
	b2b_presented_cancel(recheck->presented);
	b2b_tokens_clear(&recheck->tokens);
	b2b_proof_clear(&recheck->proof);
	free(recheck);
}

static const char *way_name(enum b2b_reverify way)
{
	return way == B2B_REVERIFY_REFRESH ? "refresh" : way == B2B_REVERIFY_INTROSPECTION ? "introspection" : way == B2B_REVERIFY_LIFE ? "life" : "none";
}

static void tell(const struct b2b_recheck *recheck, const char *event, const char *text)
{
	char user[B2B_NAME_SIZE], said[256] = "";

	b2b_audit_name(recheck->core, recheck->proof.authentication.uid, user, sizeof(user));
	b2b_audit_field(said, sizeof(said), "said", text);
	b2b_log(LOG_WARNING, "event=%s user=%s way=%s failures=%u %s", event, user, way_name(recheck->proof.way), recheck->proof.failures, said);
}

/* As it is in RECHECK; the tokens too, where they are needed. Returns 0 or a negative errno: it is due again. */
static int keep(struct b2b_recheck *recheck)
{
	struct b2b_proof *proof = &recheck->proof;
	int r;

	if (!b2b_reverify_asks(proof->way)) {
		free(proof->sealed);
		proof->sealed = NULL;
		proof->sealed_len = 0;
		proof->next_s = 0;
	}
	r = b2b_proof_update(recheck->core->state, proof);
	if (r < 0 && r != -ENOENT)
		b2b_log(LOG_ERR, "event=reverify-not-stored error=\"%s\"", strerror(-r));
	return r == -ENOENT ? 0 : r;
}

static int end_refused(struct b2b_recheck *recheck)
{
	struct b2b_core *core = recheck->core;
	int r = b2b_sessions_end_proof(core, recheck->proof.id, recheck->refused);

	return r < 0 ? r : b2b_proof_drop(core->state, recheck->proof.id);
}

/* Its sessions end, and no other is opened with it. */
static int withdraw(struct b2b_recheck *recheck, enum b2b_reason reason, const char *text)
{
	tell(recheck, "reverify-refused", text);
	recheck->refused = reason;
	recheck->core->n_rechecks--; /* others can be asked about */
	return end_refused(recheck);
}

/* What was refused while it could not be stored is not asked again: the same token may be void by then. */
static int end_all_refused(struct b2b_core *core)
{
	struct b2b_recheck *recheck, *next;
	int r = 0, one;

	for (recheck = core->rechecks; recheck; recheck = next) {
		next = recheck->next;
		one = recheck->refused == B2B_OK ? 0 : end_refused(recheck);
		if (one < 0)
			r = one;
		else if (recheck->refused != B2B_OK)
			recheck_free(recheck);
	}
	return r;
}

/*
 * It can be asked no more, and nobody said no: the sessions get as long as one more answer would have given them, and their warning, and
 * so does what is opened with it until then.
 */
static int give_up(struct b2b_recheck *recheck, const char *text)
{
	struct b2b_core *core = recheck->core;
	int64_t end_s = b2b_core_now(core) + core->conf->federation.reverify_interval_s;
	int r = b2b_session_bound(core->state, recheck->proof.id, end_s, B2B_SESSION_UNVERIFIED);

	tell(recheck, "reverify-lost", text);
	if (r < 0)
		return r;
	b2b_sessions_look(core);
	recheck->proof.way = B2B_REVERIFY_LIFE;
	recheck->proof.ends_s = end_s;
	return keep(recheck);
}

static int confirmed(struct b2b_recheck *recheck)
{
	struct b2b_proof *proof = &recheck->proof;

	if (proof->failures)
		tell(recheck, "reverify-again", "");
	proof->failures = 0;
	proof->verified_s = b2b_core_now(recheck->core);
	proof->next_s = b2b_reverify_next(recheck->core);
	return keep(recheck);
}

/* Twice as long each time, and never longer than the interval. */
static int64_t later(const struct b2b_recheck *recheck)
{
	int64_t wait = AGAIN_FIRST_S, most = recheck->core->conf->federation.reverify_interval_s;
	uint32_t i;

	for (i = 1; i < recheck->proof.failures && wait < most; i++)
		wait *= 2;
	return b2b_core_now(recheck->core) + (wait < most ? wait : most);
}

static int undecided(struct b2b_recheck *recheck, const char *text)
{
	struct b2b_core *core = recheck->core;
	struct b2b_proof *proof = &recheck->proof;
	int64_t most = (int64_t)core->conf->host.staleness_keep_s + core->conf->federation.reverify_interval_s;

	if (core->conf->host.staleness_keep_s && b2b_core_now(core) - proof->verified_s > most)
		return withdraw(recheck, B2B_STALE, text);
	if (proof->failures++ == 0)
		tell(recheck, "reverify-unanswered", text);
	proof->next_s = later(recheck);
	return keep(recheck);
}

/* The service does not offer this way for this log-in: the next, and the last is that its sessions end with the tokens. */
static int next_way(struct b2b_recheck *recheck, const char *text)
{
	struct b2b_core *core = recheck->core;
	struct b2b_proof *proof = &recheck->proof;
	int r = 0;

	tell(recheck, "reverify-way-passed", text);
	proof->way = b2b_reverify_way(core, proof->way, &recheck->tokens);
	proof->unsure = false;
	proof->next_s = b2b_core_now(core);
	if (proof->way == B2B_REVERIFY_LIFE && !proof->ends_s)
		return give_up(recheck, "nobody said when its tokens end");
	if (proof->way == B2B_REVERIFY_LIFE) {
		r = b2b_session_bound(core->state, proof->id, proof->ends_s, B2B_SESSION_TOKEN);
		b2b_sessions_look(core);
	}
	return r < 0 ? r : keep(recheck);
}

/*
 * OIDC Core 12.2: the same subject. An ID token must name the organisation as well, as at the log-in; an introspection need not. Somebody who is
 * not in the directory any more is the directory's to end.
 */
static bool is_same(struct b2b_recheck *recheck, const struct b2b_id_token *token, const char **ret_fault)
{
	struct b2b_gathered gathered;
	bool same = true;

	b2b_gather_uid(recheck->core, recheck->proof.authentication.uid, "", &gathered);
	if (gathered.facts.principal && recheck->proof.way == B2B_REVERIFY_REFRESH)
		same = b2b_binding_check(&recheck->core->conf->federation, &gathered.facts, token, ret_fault) == B2B_OK;
	else if (gathered.facts.principal && strcmp(token->subject, gathered.principal.subject) != 0) {
		*ret_fault = "another subject";
		same = false;
	}
	b2b_gathered_clear(&gathered);
	return same;
}

/* The service said no. Of a token that it may have replaced in an answer which did not arrive that proves nothing. */
static int refused(struct b2b_recheck *recheck, const char *text)
{
	const struct b2b_proof *proof = &recheck->proof;
	bool over = proof->way == B2B_REVERIFY_INTROSPECTION && proof->ends_s && proof->ends_s <= b2b_core_now(recheck->core);

	if (proof->way == B2B_REVERIFY_REFRESH && recheck->was_unsure)
		return give_up(recheck, text);
	return withdraw(recheck, over ? B2B_SESSION_TOKEN : B2B_SESSION_WITHDRAWN, text);
}

/* It holds; but there is no token to ask with again. */
static int outgrown(struct b2b_recheck *recheck)
{
	int r = confirmed(recheck);

	return r < 0 ? r : next_way(recheck, "its new refresh token cannot be used");
}

static int conclude(struct b2b_recheck *recheck, int reason, const struct b2b_id_token *token, const char *text)
{
	const char *fault = "";

	switch (reason) {
	case B2B_OK:
		if (token && !is_same(recheck, token, &fault))
			return withdraw(recheck, B2B_SESSION_WITHDRAWN, fault);
		return recheck->outgrown ? outgrown(recheck) : confirmed(recheck);
	case B2B_AUTH_TOKEN_OVER:
		return refused(recheck, text);
	case B2B_AUTH_METHOD:
		return next_way(recheck, text);
	default:
		return undecided(recheck, text);
	}
}

static void result(void *arg, int reason, const struct b2b_id_token *token, const char *text)
{
	struct b2b_recheck *recheck = arg;
	struct b2b_core *core = recheck->core;
	int r;

	/* an answer came, or the question never left: it is known which token counts, and that is the one at hand */
	if (recheck->renewal && !b2b_renewal_lost(recheck->renewal))
		recheck->proof.unsure = recheck->unkept;
	r = conclude(recheck, reason, token, text);
	if (r == 0 || recheck->refused == B2B_OK)
		recheck_free(recheck);
	look_in(core, r < 0 ? DISK_AGAIN_S : 0); /* not stored: the service need not say it again at once */
}

/* Before anything is made of the answer: the former one is void. */
static void rotated(void *arg, const char *refresh_token)
{
	struct b2b_recheck *recheck = arg;
	struct b2b_proof *proof = &recheck->proof;
	char *copy = refresh_token ? strdup(refresh_token) : NULL;
	int r = copy || !refresh_token ? 0 : -ENOMEM;

	recheck->outgrown = !refresh_token;
	if (copy) {
		b2b_secret_free(recheck->tokens.refresh);
		recheck->tokens.refresh = copy;
		r = b2b_proof_seal(recheck->core, proof, &recheck->tokens);
	}
	recheck->unkept = r < 0 || recheck->outgrown; /* what is kept is void: its refusal will prove nothing */
	proof->unsure = recheck->unkept;
	if (r == 0)
		r = b2b_proof_update(recheck->core->state, proof); /* should it fail, the void one is stored as unsure */
	if (r < 0 && r != -ENOENT)
		b2b_log(LOG_ERR, "event=reverify-not-stored error=\"%s\"", strerror(-r));
}

/* Noted first: should no answer come, or this process end, nobody knows which token counts. */
static int renew(struct b2b_recheck *recheck)
{
	static const struct b2b_renewal_handlers handlers = { .rotated = rotated, .result = result };
	struct b2b_core *core = recheck->core;
	int r = 0;

	recheck->was_unsure = recheck->proof.unsure;
	if (!recheck->proof.unsure) {
		recheck->proof.unsure = true;
		r = b2b_proof_update(core->state, &recheck->proof);
	}
	return r < 0 ? r : b2b_renewal_start(core->federation, recheck->tokens.refresh, &handlers, recheck, &recheck->renewal);
}

/* Nothing is sent: it goes on with what is stored of it. Returns 0 or a negative errno: not stored. */
static int unasked(struct b2b_recheck *recheck, int r)
{
	if (r == 0)
		recheck_free(recheck);
	return r;
}

static int ask(struct b2b_recheck *recheck)
{
	int r;

	if (!b2b_proof_is_ours(recheck->core, &recheck->proof)) /* its tokens are nobody else's business */
		return unasked(recheck, give_up(recheck, "the configuration names another issuer or client_id"));
	r = b2b_proof_open(recheck->core, &recheck->proof, &recheck->tokens);
	if (r == -EBADMSG) /* the key is gone, and the machine has not been started since */
		return unasked(recheck, give_up(recheck, "its tokens cannot be read any more"));
	if (r < 0)
		return r;
	if (!(recheck->core->conf->federation.reverify & recheck->proof.way))
		return unasked(recheck, next_way(recheck, "not a way of reverify any more"));
	if (recheck->proof.way == B2B_REVERIFY_REFRESH)
		return renew(recheck);
	return b2b_presented_ask(recheck->core->federation, recheck->tokens.access, strlen(recheck->tokens.access), result, recheck,
	                         &recheck->presented);
}

static bool under_way(const struct b2b_core *core, int64_t id)
{
	const struct b2b_recheck *recheck;

	for (recheck = core->rechecks; recheck; recheck = recheck->next) {
		if (recheck->proof.id == id)
			return true;
	}
	return false;
}

/* Returns 0, also where there is nothing to ask; or a negative errno: not now. */
static int begin(struct b2b_core *core, int64_t id)
{
	struct b2b_recheck *recheck = calloc(1, sizeof(*recheck));
	int r;

	if (!recheck)
		return -ENOMEM;
	recheck->core = core;
	r = b2b_proof_get(core->state, id, &recheck->proof);
	if (r < 0) {
		free(recheck);
		return r == -ENOENT ? 0 : r;
	}
	recheck->next = core->rechecks;
	core->rechecks = recheck;
	core->n_rechecks++;
	r = ask(recheck);
	if (r < 0)
		recheck_free(recheck);
	return r;
}

static void look(void *arg)
{
	struct b2b_core *core = arg;
	const struct b2b_proof_use use = b2b_proofs_in_use(core);
	int64_t ids[2 * AT_ONCE], next = 0, now = b2b_core_now(core);
	size_t n = 0, i;
	int r, refused = end_all_refused(core);

	if (!b2b_federation_ready(core->federation)) {
		look_in(core, DISK_AGAIN_S);
		return;
	}
	b2b_proofs_forget_past(core);
	r = b2b_proof_due(core->state, &use, now, 2 * AT_ONCE, ids, &n, &next);
	for (i = 0; r == 0 && i < n && core->n_rechecks < AT_ONCE; i++) {
		if (!under_way(core, ids[i]))
			r = begin(core, ids[i]);
	}
	if (r < 0 || refused < 0)
		look_in(core, DISK_AGAIN_S);
	else if (i < n || !next) /* an answer makes room, or a log-in has one to be asked */
		look_in(core, LOOK_MAX_S);
	else
		look_in(core, next - now);
}

void b2b_reverify_look(struct b2b_core *core)
{
	look_in(core, 0);
}

void b2b_reverify_stop(struct b2b_core *core)
{
	b2b_timer_stop(&core->reverify);
	while (core->rechecks)
		recheck_free(core->rechecks);
}
