/* Mutations that know what a step is, in place of those of bytes alone. */
#include "tests/fuzz/reader/damage.h"

#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t n_one, const uint8_t *other, size_t n_other, uint8_t *out, size_t max, unsigned seed);

static uint32_t dice_state;

static uint32_t dice(uint32_t sides)
{
	dice_state ^= dice_state << 13;
	dice_state ^= dice_state >> 17;
	dice_state ^= dice_state << 5;
	return dice_state % sides;
}

/* Small ones more often than great ones. */
static uint32_t small(uint32_t sides)
{
	return dice(1 + dice(sides));
}

static uint32_t any_value(void)
{
	switch (dice(3)) {
	case 0:
		return small(64);
	case 1:
		return dice(UINT32_MAX);
	default:
		return 1u << dice(32);
	}
}

static struct damage_step any_step(void)
{
	struct damage_step step = {
		/* fields of headers and tables above all */
		.verb = (uint8_t)(dice(2) ? dice(2) : dice(DAMAGE_VERBS)),
		.file = (uint8_t)(dice(4) ? (dice(2) ? DISK_INDEX : DISK_SNAPSHOT(0)) : dice(DISK_FILES)),
		.what = (uint8_t)dice(256),
		.which = (uint8_t)small(256),
		.how = (uint8_t)dice(256),
		/* One bit at one fetch of each question is there, and not, by turns. */
		.question = (uint8_t)(dice(2) ? 0 : dice(4) == 0 ? DAMAGE_EACH : dice(DAMAGE_QUESTIONS + 1)),
		.fetch = (uint8_t)small(48),
		.delta = (int8_t)(dice(2) ? (int32_t)dice(3) - 1 : (int32_t)small(128) * 8 - 512),
		.value = any_value(),
	};

	return step;
}

static void change_step(struct damage_step *step)
{
	const struct damage_step other = any_step();

	switch (dice(9)) {
	case 0:
		step->verb = other.verb;
		break;
	case 1:
		step->file = other.file;
		break;
	case 2:
		step->what = other.what;
		break;
	case 3:
		step->which = other.which;
		break;
	case 4:
		step->how = other.how;
		break;
	case 5:
		step->question = other.question;
		break;
	case 6:
		step->fetch = (uint8_t)(dice(2) ? other.fetch : step->fetch + 1);
		break;
	case 7:
		step->delta = other.delta;
		break;
	default:
		step->value = other.value;
	}
}

struct plan {
	struct damage_head head;
	struct damage_step steps[DAMAGE_STEPS_MAX];
};

static size_t steps_in(size_t size)
{
	size_t n = size < DAMAGE_HEAD ? 0 : (size - DAMAGE_HEAD) / DAMAGE_STEP;

	return n < DAMAGE_STEPS_MAX ? n : DAMAGE_STEPS_MAX;
}

static void change_head(struct damage_head *head)
{
	switch (dice(4)) {
	case 0:
		head->base = (uint8_t)dice(BASES);
		break;
	case 1:
		/* Whole files come from mutations of bytes: not from here. */
		head->flags ^= (uint8_t)(DAMAGE_WARM << dice(3));
		break;
	case 2:
		head->rest = (uint8_t)dice(5);
		break;
	default:
		head->room = (uint8_t)dice(256);
	}
}

static size_t change(struct plan *plan, size_t n)
{
	size_t at = n ? dice((uint32_t)n) : 0;

	switch (dice(6)) {
	case 0:
		change_head(&plan->head);
		break;
	case 1:
		if (n < DAMAGE_STEPS_MAX)
			plan->steps[n++] = any_step();
		break;
	case 2:
		if (n > 1) {
			memmove(plan->steps + at, plan->steps + at + 1, (n - at - 1) * DAMAGE_STEP);
			n--;
		}
		break;
	case 3:
		/* The same place at another time, or with another value. */
		if (n > 0 && n < DAMAGE_STEPS_MAX) {
			plan->steps[n] = plan->steps[at];
			change_step(&plan->steps[n++]);
		}
		break;
	default:
		if (n > 0)
			change_step(&plan->steps[at]);
	}
	return n;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	struct plan plan = { .head = { 0 } };
	size_t n = steps_in(size);

	dice_state = seed | 1;
	if (dice(8) == 0 || (size >= DAMAGE_HEAD && (data[1] & DAMAGE_RAW)) || max < sizeof(plan))
		return LLVMFuzzerMutate(data, size, max);
	memcpy(&plan, data, n ? DAMAGE_HEAD + n * DAMAGE_STEP : 0);
	for (uint32_t times = 1 + small(4); times > 0; times--)
		n = change(&plan, n);
	memcpy(data, &plan, DAMAGE_HEAD + n * DAMAGE_STEP);
	return DAMAGE_HEAD + n * DAMAGE_STEP;
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t n_one, const uint8_t *other, size_t n_other, uint8_t *out, size_t max, unsigned seed)
{
	size_t first = steps_in(n_one), second = steps_in(n_other), begin;

	dice_state = seed | 1;
	if (first == 0 || second == 0 || ((one[1] | other[1]) & DAMAGE_RAW))
		return 0;
	first = dice((uint32_t)first) + 1;
	begin = dice((uint32_t)second);
	second -= begin;
	if (first + second > DAMAGE_STEPS_MAX)
		second = DAMAGE_STEPS_MAX - first;
	if (DAMAGE_HEAD + (first + second) * DAMAGE_STEP > max)
		return 0;
	memcpy(out, one, DAMAGE_HEAD + first * DAMAGE_STEP);
	memcpy(out + DAMAGE_HEAD + first * DAMAGE_STEP, other + DAMAGE_HEAD + begin * DAMAGE_STEP, second * DAMAGE_STEP);
	return DAMAGE_HEAD + (first + second) * DAMAGE_STEP;
}
