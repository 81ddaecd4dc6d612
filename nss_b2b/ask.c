#include "nss_b2b/ask.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/proto.h"
#include "common/reason.h"

#define ASK_NS (2 * B2B_NS_PER_S)
#define ASKING_MAX 64

/*
 * Who is asking at this moment: process and thread. A look-up inside a question (a library that wraps connect and
 * resolves names, say) must not ask again. thread_local could make dlopen of the module fail, hence a table. Entries
 * that a fork copied are of another process and count as free; more threads than entries at once are not let in.
 */
static _Atomic uint64_t asking[ASKING_MAX];

static bool of_this_process(uint64_t entry)
{
	return entry >> 32 == (uint64_t)getpid();
}

static bool is_asking(uint64_t self)
{
	for (size_t i = 0; i < ASKING_MAX; i++)
		if (atomic_load(&asking[i]) == self)
			return true;
	return false;
}

static _Atomic uint64_t *take_place(void)
{
	uint64_t self = (uint64_t)getpid() << 32 | (uint32_t)gettid();

	if (is_asking(self))
		return NULL;
	for (size_t i = 0; i < ASKING_MAX; i++) {
		uint64_t entry = atomic_load(&asking[i]);

		if (!of_this_process(entry) && atomic_compare_exchange_strong(&asking[i], &entry, self))
			return &asking[i];
	}
	return NULL;
}

union said {
	struct b2b_say_name name;
	struct b2b_say_reserved reserved;
};

static enum nss_asked judge(uint16_t type, const union said *said, uint32_t *ret_uid)
{
	if (type == B2B_SAY_NAME)
		return said->name.reason == B2B_OK ? NSS_ASKED_PUBLISHED : NSS_ASKED_NO;
	if (type != B2B_SAY_RESERVED)
		return NSS_ASKED_NO;
	*ret_uid = said->reserved.uid;
	return NSS_ASKED_RESERVED;
}

static enum nss_asked question(const char *name, uint64_t deadline_ns, uint32_t *ret_uid)
{
	struct b2b_ask_name ask = { .name = "" };
	union said said;
	uint16_t type;
	size_t len = strnlen(name, sizeof(ask.name));
	int fd, r;

	if (len >= sizeof(ask.name))
		return NSS_ASKED_NO;
	memcpy(ask.name, name, len);
	fd = b2b_agent_connect(deadline_ns);
	if (fd < 0)
		return NSS_ASKED_NO;
	r = b2b_agent_send(fd, B2B_ASK_NAME, &ask, deadline_ns);
	if (r == 0)
		r = b2b_agent_receive(fd, 0, &type, &said, sizeof(said), deadline_ns);
	close(fd);
	return r == 0 ? judge(type, &said, ret_uid) : NSS_ASKED_NO;
}

enum nss_asked nss_ask(const char *name, uint32_t *ret_uid)
{
	uint64_t deadline_ns = b2b_now_ns() + ASK_NS;
	_Atomic uint64_t *place;
	sigset_t all, before;
	enum nss_asked asked;
	int cancel;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	place = take_place();
	asked = place ? question(name, deadline_ns, ret_uid) : NSS_ASKED_NO;
	if (place)
		atomic_store(place, 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_setcancelstate(cancel, NULL);
	return asked;
}
