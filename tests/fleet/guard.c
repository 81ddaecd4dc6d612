/* The guard of a host on which nobody is logged in (b2bd/guard_link.h): what is to be ended is gone at the first look. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "b2bd/guard_link.h"
#include "b2bd/state/directory_state.h"
#include "common/clock.h"
#include "tests/fleet/host.h"

/* Answered with the next turn, as by a process of its own. */
struct answer {
	struct answer *next;
	struct b2b_guard_link *link;
	struct b2b_guard_message message;
	struct b2b_timer timer;
	void (*done)(void *arg, const struct b2b_guard_message *answer);
	void *arg;
};

struct b2b_guard_link {
	struct b2b_loop *loop;
	struct answer *answers;
};

int b2b_guard_link_new(struct b2b_loop *loop, int fd, void (*gone)(void *arg), void (*reload)(void *arg), void *arg,
                       struct b2b_guard_link **ret_link)
{
	struct b2b_guard_link *link = calloc(1, sizeof(*link));

	(void)gone;
	(void)reload;
	if (!link)
		return -ENOMEM;
	close(fd);
	link->loop = loop;
	host_current()->core = arg;
	*ret_link = link;
	return 0;
}

static void answer_free(struct answer *answer)
{
	struct answer **at = &answer->link->answers;

	while (*at != answer)
		at = &(*at)->next;
	*at = answer->next;
	b2b_timer_stop(&answer->timer);
	free(answer);
}

void b2b_guard_link_free(struct b2b_guard_link *link)
{
	if (!link)
		return;
	while (link->answers)
		answer_free(link->answers);
	free(link);
}

static void answer_now(void *arg)
{
	struct answer *answer = arg, copy = *answer;

	answer_free(answer);
	copy.done(copy.arg, &copy.message);
}

/* The awaited event's, and not an end that another one asked for? */
static bool awaited(const struct host *host, const struct b2b_guard_message *message)
{
	const struct fleet_shared *shared = host->shared;
	struct b2b_principal person;
	bool same;

	if (shared->event < 0 || strcmp(host->core->policy->orgs[message->org].alias, shared->alias) != 0)
		return false;
	if (!*shared->local || message->scope == B2B_SCOPE_ORG)
		return !*shared->local && message->scope == B2B_SCOPE_ORG;
	if (b2b_directory_by_uid(host->core->state, message->uid, &person) < 0)
		return false;
	same = strcmp(person.local, shared->local) == 0;
	b2b_principal_clear(&person);
	return same;
}

/* The agent hands an end over when the word is closed and the order is durable: that is when the event is applied here. */
static void note_end(const struct b2b_guard_message *message)
{
	struct host *host = host_current();
	const struct b2b_live *live = host->core->lives[message->org];
	uint32_t word = message->scope == B2B_SCOPE_ORG ? b2b_live_load_org(live) : b2b_live_load(live, message->uid);
	int64_t none = 0;

	if (B2B_LIVE_STATE(word) == B2B_LIVE_CLOSED && awaited(host, message))
		atomic_compare_exchange_strong(&host->seen->applied_ms[host->shared->event], &none, b2b_wall_ms());
}

int b2b_guard_send(struct b2b_guard_link *link, const struct b2b_guard_message *message, int fd,
                   void (*done)(void *arg, const struct b2b_guard_message *answer), void *arg)
{
	struct answer *answer = calloc(1, sizeof(*answer));

	(void)fd;
	if (!answer)
		return -ENOMEM;
	if (message->type == B2B_GUARD_END)
		note_end(message);
	*answer = (struct answer){ .next = link->answers, .link = link, .message = *message, .done = done, .arg = arg };
	answer->message.type = B2B_GUARD_DONE;
	answer->message.began_ns = answer->message.clear_ns = b2b_now_ns();
	link->answers = answer;
	b2b_timer_set(link->loop, &answer->timer, 0, answer_now, answer);
	return 0;
}
