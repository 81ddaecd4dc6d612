/*
 * The reader on caches that are damaged while it reads them: the fast target, for counts. fuzz_cache goes through real
 * files, mappings and threads.
 *
 * The files are blocks of memory (reader/disk.h); every fetch of the reader is seen (reader/hook.h), so that an input says
 * at which one what changes: a value that is fetched twice is two values whenever that can matter, without a second
 * thread and each time again. An input is a good cache (reader/base.h) and how it is damaged (reader/damage.h). Every
 * question is asked (reader/questions.h), and every answer judged (reader/rules.h): nothing outside the caller's buffer,
 * no id outside the organisation's range, no name or local group that is not its own, nothing open that is closed, no
 * more fetches than the files have words, nothing left mapped.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/reader/damage.h"
#include "tests/fuzz/reader/facts.h"
#include "tests/fuzz/reader/questions.h"

/* ---- what happens while questions are asked ---- */

static struct {
	const struct base *base;
	struct damage_step steps[DAMAGE_STEPS_MAX];
	size_t n;
	unsigned question;
} plan;

static bool is_due(const struct damage_step *step)
{
	return step->question >= DAMAGE_EACH ||
	       (step->question != 0 && (plan.question - 1) % DAMAGE_QUESTIONS == (step->question - 1u) % DAMAGE_QUESTIONS);
}

static uint64_t next_after(uint64_t tick)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < plan.n; i++)
		if (is_due(&plan.steps[i]) && plan.steps[i].fetch > tick && plan.steps[i].fetch < next)
			next = plan.steps[i].fetch;
	return next;
}

static void play(const struct damage_step *step)
{
	damage_play(plan.base, step);
	if (damage_file(step) == DISK_INDEX)
		facts_index();
	if (disk_mapped() > 0 && damage_file(step) >= DISK_SNAPSHOT(0))
		facts_snapshot_changed();
}

static uint64_t play_at(uint64_t tick)
{
	for (size_t i = 0; i < plan.n; i++)
		if (is_due(&plan.steps[i]) && plan.steps[i].fetch == tick)
			play(&plan.steps[i]);
	return next_after(tick);
}

/* The first DAMAGE_QUESTIONS of them: a long list is not worth more. */
static void before_question(unsigned question)
{
	plan.question = question;
	if (question > DAMAGE_QUESTIONS)
		return;
	play_at(0);
	if (next_after(0) != UINT64_MAX)
		disk_watch(4096 + 8 * disk_total(), next_after(0), play_at);
}

/* ---- runs ---- */

static void put_raw(const struct damage_head *head, const uint8_t *data, size_t size)
{
	static const char magic[3][9] = { B2B_MAGIC_INDEX, B2B_MAGIC_LIVE, B2B_MAGIC_SNAPSHOT };
	int file = head->rest % DISK_FILES;
	struct b2b_format_head good;

	if (size == 0 || size > DISK_SIZE_MAX)
		return;
	disk_replace(file, data, size);
	if ((head->flags & DAMAGE_HEADED) && size >= sizeof(good)) {
		memcpy(&good, data, sizeof(good));
		b2b_format_head_init(&good, magic[file == DISK_INDEX ? 0 : file < DISK_SNAPSHOT(0) ? 1 : 2], size, good.generation, good.header_size);
		disk_store(file, 0, &good, sizeof(good));
	}
	facts_index();
}

static void no_more(unsigned question)
{
	(void)question;
}

static struct b2b_cache *open_cache(void)
{
	struct b2b_cache *cache = NULL;

	if (b2b_cache_new(DISK_DIR, &cache) < 0)
		errx(1, "no memory");
	return cache;
}

/* How many of ROUNDS a good cache answers. */
static unsigned answered(unsigned number, unsigned rounds)
{
	struct asking asking = { .base = base_get(number), .room = 4096, .still = true, .before = no_more };

	disk_reset(asking.base->files, asking.base->ids);
	facts_reset();
	facts_index();
	asking.cache = open_cache();
	questions_ask(&asking, rounds);
	b2b_cache_free(asking.cache);
	return asking.answered;
}

/* Everything good is answered, newcomers where there is an agent; or what is found here says nothing. */
static void expect_answers(unsigned number)
{
	unsigned people = answered(number, QUESTIONS_ALL & ~QUESTIONS_NEWCOMERS), newcomers = answered(number, QUESTIONS_NEWCOMERS);

	if (people < 15 || (newcomers > 0) != (number != BASE_CLOSED))
		errx(1, "base %u answers %u questions, and %u about newcomers", number, people, newcomers);
}

static void take_steps(const uint8_t *data, size_t size, bool *ret_still)
{
	*ret_still = true;
	plan.n = size / DAMAGE_STEP < DAMAGE_STEPS_MAX ? size / DAMAGE_STEP : DAMAGE_STEPS_MAX;
	memcpy(plan.steps, data, plan.n * DAMAGE_STEP);
	for (size_t i = 0; i < plan.n; i++) {
		if (plan.steps[i].question == 0)
			play(&plan.steps[i]);
		else
			*ret_still = false;
	}
}

static unsigned rounds_of(const struct damage_head *head)
{
	unsigned one = head->rest % 5;

	if ((head->flags & (DAMAGE_RAW | DAMAGE_NEWCOMERS)) == DAMAGE_NEWCOMERS)
		return QUESTIONS_NEWCOMERS;
	return (head->flags & DAMAGE_RAW) || one == 0 ? QUESTIONS_ALL : 1u << (one - 1);
}

static void run(const struct damage_head *head, const uint8_t *data, size_t size)
{
	struct asking asking = { .cache = open_cache(), .base = base_get(head->base % BASES), .room = 2048, .before = no_more };
	bool still = true;

	plan.n = 0;
	plan.base = asking.base;
	disk_reset(plan.base->files, plan.base->ids);
	facts_reset();
	facts_index();
	if (head->flags & DAMAGE_WARM)
		questions_ask(&asking, QUESTIONS_LISTS);
	if (head->flags & DAMAGE_RAW)
		put_raw(head, data, size);
	else
		take_steps(data, size, &still);
	/* A cache that knows files from before may rightly answer from them. */
	asking.still = still && !(head->flags & DAMAGE_WARM);
	if (asking.still) {
		/* Nothing was read yet: what the index said between two steps is no answer. */
		facts_reset();
		facts_index();
	}
	asking.room = head->flags & DAMAGE_SMALL ? head->room : 2048;
	asking.before = before_question;
	asking.question = 0;
	questions_ask(&asking, rounds_of(head));
	b2b_cache_free(asking.cache);
	if (disk_mapped() != 0)
		errx(1, "%zu files are still mapped", disk_mapped());
}

/* What was unmapped stays poisoned for a while; a long while costs the pages of it. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=4:malloc_context_size=4:max_malloc_fill_size=0";
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	for (unsigned i = 0; i < BASES; i++)
		expect_answers(i);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct damage_head head;

	if (size < sizeof(head))
		return 0;
	memcpy(&head, data, sizeof(head));
	run(&head, data + sizeof(head), size - sizeof(head));
	return 0;
}
