/*
 * What an input says: which good cache, how it is asked, and how it is damaged.
 *
 * An input is a head of DAMAGE_HEAD bytes, then either steps of DAMAGE_STEP bytes each, or (DAMAGE_RAW) the bytes of one
 * file. A step changes one thing in one file: a field of a header, of an entry of a table, a place, a run of bytes, the
 * whole file; before the questions, or at one fetch of one of them.
 */
#ifndef B2B_FUZZ_READER_DAMAGE_H
#define B2B_FUZZ_READER_DAMAGE_H

#include "tests/fuzz/reader/base.h"

enum {
	DAMAGE_RAW = 1,       /* what follows the head is a file */
	DAMAGE_HEADED = 2,    /* with a good beginning (magic, byte order, versions, size) put over it */
	DAMAGE_WARM = 4,      /* the cache had everything mapped before */
	DAMAGE_SMALL = 8,     /* buffers of `room` bytes */
	DAMAGE_NEWCOMERS = 16, /* not raw: the questions about newcomers instead of what `rest` says */
};

struct damage_head {
	uint8_t base;  /* modulo BASES */
	uint8_t flags;
	uint8_t room;
	uint8_t rest;  /* raw: the file, modulo DISK_FILES; else the round of questions, modulo 5: 0 all, or one of four */
};

enum damage_verb {
	DAMAGE_HEADER,     /* field `what` of the header */
	DAMAGE_ENTRY,      /* field `what` of an entry of one of the file's tables */
	DAMAGE_PLACE,      /* up to 8 bytes at `value` */
	DAMAGE_COPY,       /* a run of bytes of the file to another place */
	DAMAGE_FILL,       /* a run of zeros, as a punched hole has, or of one byte */
	DAMAGE_SWAP,       /* two entries of a table */
	DAMAGE_RESIZE,     /* a longer or shorter file in its place; `how` odd: that says so itself */
	DAMAGE_FOREIGN,    /* the file of another cache, in its place or (`how` odd) stored into it */
	DAMAGE_REFUSE,     /* it cannot be opened */
	DAMAGE_GENERATION, /* the generation, so that readers open again */
	DAMAGE_SUPERSEDED, /* the index has been replaced */
	DAMAGE_VERBS
};

struct damage_step {
	uint8_t verb;     /* modulo DAMAGE_VERBS */
	uint8_t file;     /* modulo DISK_FILES */
	uint8_t what;
	uint8_t which;
	uint8_t how;      /* the value comes from (damage.c, value_of) */
	uint8_t question; /* 0: before all of them; from DAMAGE_EACH: each; else which, modulo DAMAGE_QUESTIONS, plus 1 */
	uint8_t fetch;    /* and before which fetch of it */
	int8_t delta;
	uint32_t value;
};

#define DAMAGE_HEAD sizeof(struct damage_head)
#define DAMAGE_STEP sizeof(struct damage_step)
#define DAMAGE_STEPS_MAX 24
#define DAMAGE_QUESTIONS 64
#define DAMAGE_EACH 192

_Static_assert(sizeof(struct damage_head) == 4 && sizeof(struct damage_step) == 12, "steps follow the head without gaps");

/* Play STEP on the disk, as on a cache made of BASE. */
void damage_play(const struct base *base, const struct damage_step *step);

/* The file STEP is about. */
static inline int damage_file(const struct damage_step *step)
{
	return step->file % DISK_FILES;
}

#endif
