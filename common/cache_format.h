/*
 * The cache's three files, byte by byte. Version 2 (1 had no rosters, and no `changes` in live files).
 *
 *   <dir>/index                  root's compiled policy          (common/index.h)
 *   <dir>/live/<org id>          an organisation's state words   (common/live.h)
 *   <dir>/org/<org id>/snapshot  its people and groups           (common/snapshot.h)
 *
 * Numbers are in the byte order of the host; `endian` refuses a file from
 * another. Offsets (`x_at`) are bytes from the beginning of the file and
 * multiples of 8; a reader finds tables by them alone, in whatever order they
 * lie. Texts are padded with NUL. Bytes that nothing describes are zero.
 *
 * Whoever reads a mapped file copies (b2b_copy, b2b_load32, b2b_load64), then
 * checks, then uses: bytes may change at any moment, and a value that was
 * fetched twice may be two values.
 *
 * Publishing. Index and snapshot are written beside under another name
 * (`.index.new`, `.snapshot.new`), synced, renamed, and the directory is synced;
 * a live file is linked into place once and never replaced. Then readers are
 * told: of a new index by `superseded` in the one before (while that is not
 * done, `index.old` names it), of a new snapshot by `generation` in the live
 * file. A reader loads the generation, then opens: what it opens is at least as
 * new. A superseded file keeps its blocks while a process has it mapped. They
 * are not freed by punching holes: who was stopped in the middle of a look-up
 * would take the zeros for an empty list or a shorter text, unless every
 * look-up looked at the generation once more before it answered.
 *
 * Versions: a writer states its `version` and the oldest reader that
 * understands the file, `min_reader`. A reader of version V takes any file with
 * min_reader <= V: it may meet a longer header and tables that it does not
 * know, never a changed meaning of what it knows. `header_size` says where a
 * newer header ends. A file that needs a newer reader is refused as a damaged
 * one is: names of its partners are UNAVAIL, nobody of them is let in, and
 * b2bd and b2bctl say that a newer version made it.
 *
 * Rules for whoever makes the next version, because PID 1, dbus and sshd keep an old
 * module loaded, and packages are also taken back:
 *  - new fields take bytes that were zero, or go behind a header, new tables
 *    anywhere; entries keep their size,
 *    tables their meaning. All else raises min_reader. A version that raises it
 *    is preceded by a release that reads both, and writes the old.
 *  - reading version 1 stays: a header that grows was shorter in version 1 than your
 *    structure, so judge it by the size that it had (tests/golden/format-1 fails
 *    otherwise), and take what lies behind header_size for zero. Enumerations
 *    may grow only where an old reader takes what it does not know for less.
 *  - head, `superseded` at 40 of the index, and of a live file org_id, range,
 *    org_word, generation, times and words are where they are for ever: both
 *    versions store there. An old writer marks a newer index superseded.
 *  - a live file is for ever: size and place of the words never change, nor does
 *    its min_reader grow. It is brought up to date in place, under the guard. Its
 *    words are revocations; removing it would leave processes with the one
 *    they mapped, open for ever. An older b2bd may write its own header over
 *    yours (b2b_live_mend): what you add has to be able to be made again.
 *  - a snapshot of another version is not judged by b2b_snapshot_check and so
 *    not announced after a crash; readers go on with it where they may, and
 *    b2bd publishes that organisation anew when it starts.
 *  - an index that cannot be read is compiled anew from root's configuration
 *    (b2bctl policy apply, which the unit runs before b2bd).
 */
#ifndef B2B_CACHE_FORMAT_H
#define B2B_CACHE_FORMAT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/finding.h"
#include "common/names.h"
#include "common/policy.h"

#define B2B_FORMAT_VERSION 2
#define B2B_FORMAT_MIN_READER 1
#define B2B_FORMAT_ENDIAN 0x01020304u
#define B2B_MAGIC_INDEX "B2Bindex" /* 8 bytes, no NUL */
#define B2B_MAGIC_LIVE "B2B live"
#define B2B_MAGIC_SNAPSHOT "B2B snap"
#define B2B_FORMAT_ID_SIZE 72 /* B2B_ID_SIZE, rounded up */

/* What every file begins with. 40 bytes. */
struct b2b_format_head {
	char magic[8];        /*  0 */
	uint32_t endian;      /*  8  B2B_FORMAT_ENDIAN */
	uint16_t version;     /* 12 */
	uint16_t min_reader;  /* 14 */
	uint64_t size;        /* 16  of the whole file */
	uint64_t generation;  /* 24  of policy or snapshot; live: 0 */
	uint32_t header_size; /* 32  where the first table may begin */
	uint32_t reserved;    /* 36  index: how sessions end, B2B_FORMAT_ENDING_ below; else 0 */
};

/* Bits 0-15 are seconds of grace; an index of before has zeros, which is what it meant. Only b2bd reads them. */
#define B2B_FORMAT_ENDING_GRACE 0xffffu
#define B2B_FORMAT_ENDING_LEFT_BEHIND 0x10000u /* end it, too */

/* ---- index ---- */

#define B2B_INDEX_SIZE_MAX (8u << 20)
#define B2B_INDEX_HASH_MAX (4u * B2B_ORGS_MAX)

struct b2b_format_index {
	struct b2b_format_head head; /*  0 */
	uint32_t superseded;         /* 40  the only word ever stored later: not 0 once a newer index is in place */
	uint32_t partners_gid;       /* 44 */
	char separator;              /* 48 */
	uint8_t visibility;          /* 49  enum b2b_visibility */
	uint8_t enumerate;           /* 50  0 or 1, as below */
	uint8_t group_members;       /* 51 */
	uint32_t n_orgs;             /* 52  struct b2b_format_org, sorted by alias */
	uint32_t n_roles;            /* 56  struct b2b_format_role; the number of a role is its place */
	uint32_t n_services;         /* 60  struct b2b_format_service, likewise */
	uint32_t n_shells;           /* 64  char[B2B_PATH_SIZE] each, likewise; at least one, the default */
	uint32_t hash_size;          /* 68  a power of two above n_orgs: uint32_t slot + 1, or 0; see b2b_format_hash */
	uint32_t orgs_at;            /* 72 */
	uint32_t hash_at;            /* 76 */
	uint32_t ranges_at;          /* 80  n_orgs of struct b2b_format_range, sorted by lo */
	uint32_t roles_at;           /* 84 */
	uint32_t services_at;        /* 88 */
	uint32_t shells_at;          /* 92 */
	char home[B2B_PATH_SIZE];    /* 96  template, NUL-terminated */
};

struct b2b_format_org {
	char alias[B2B_NAME_SIZE];   /*   0  padded with NUL: compared whole */
	char id[B2B_FORMAT_ID_SIZE]; /*  32 */
	int32_t parent;              /* 104  slot or -1 */
	uint32_t range_lo;           /* 108 */
	uint32_t range_hi;           /* 112 */
	uint32_t session_s;          /* 116  0: no limit */
	uint64_t roles;              /* 120  bit i: role i; granted, by ancestors too */
	uint64_t services;           /* 128  bit i: service i, likewise */
};

struct b2b_format_range {
	uint32_t lo, hi; /* 0, 4  both are in it */
	uint32_t slot;   /* 8   of the organisation */
	uint32_t pad;    /* 12 */
};

struct b2b_format_role {
	char name[B2B_LABEL_SIZE];        /*  0 */
	uint32_t n_gids;                  /* 32 */
	uint32_t gids[B2B_ROLE_GIDS_MAX]; /* 36 */
	uint32_t pad;                     /* 100 */
};

struct b2b_format_service {
	char name[B2B_LABEL_SIZE]; /*  0 */
	uint8_t methods[4];        /* 32  enum b2b_method, in order, then 0 */
	uint8_t assurance;         /* 36  enum b2b_assurance */
	uint8_t key_suffices;      /* 37 */
	uint8_t pad[2];            /* 38 */
	uint32_t max_age_s;        /* 40 */
	uint32_t staleness_s;      /* 44 */
};

/* ---- live ---- */

#define B2B_LIVE_WORDS_AT 4096u /* uint32_t per id, range_lo first */

struct b2b_format_live {
	struct b2b_format_head head;     /*   0 */
	char org_id[B2B_FORMAT_ID_SIZE]; /*  40 */
	uint32_t range_lo;               /* 112 */
	uint32_t range_hi;               /* 116 */
	uint32_t pad1[2];                /* 120 */
	uint32_t org_word;               /* 128  the organisation's own word, its epoch and state as in common/live.h */
	uint32_t pad2;                   /* 132 */
	uint64_t generation;             /* 136  of the installed snapshot, stored after its rename */
	uint32_t changes;                /* 144  odd while a person's word is being changed, and another after; see struct b2b_format_roster */
	uint32_t pad3[11];               /* 148 */
	uint64_t heartbeat_ns;           /* 192  on a line of its own: stored every second, read rarely */
	uint64_t verified_ns;            /* 200 */
	uint8_t boot_id[16];             /* 208  of the boot that the two times belong to */
};

/* ---- snapshot ---- */

struct b2b_format_snapshot {
	struct b2b_format_head head;     /*   0 */
	char org_id[B2B_FORMAT_ID_SIZE]; /*  40 */
	uint32_t range_lo;               /* 112 */
	uint32_t range_hi;               /* 116 */
	uint32_t n_users;                /* 120 */
	uint32_t n_groups;               /* 124 */
	uint32_t hash_seed;              /* 128 */
	uint32_t hash_size;              /* 132  entries of struct b2b_format_name, a power of two above users + groups */
	uint32_t hash_at;                /* 136 */
	uint32_t n_ids;                  /* 140  the id table covers range_lo .. range_lo + n_ids - 1 */
	uint32_t ids_at;                 /* 144  uint32_t reference of the record with that id, or 0 */
	uint32_t records_at;             /* 148  users and groups, ascending by id */
	uint32_t records_size;           /* 152  bytes, a multiple of 8 */
	uint32_t lists_at;               /* 156  uint32_t each; since version 2 the records themselves, in which the lists lie */
	uint32_t n_lists;                /* 160  since version 2 records_size / 4 */
	uint32_t n_rosters;              /* 164  0 (as in version 1, and where groups list nobody), or n_groups */
	uint32_t rosters_at;             /* 168  struct b2b_format_roster_place, ascending by offset */
	uint32_t roster_data_at;         /* 172  the rosters themselves */
	uint32_t roster_data_size;       /* 176 */
	uint32_t pad[3];                 /* 180 */
};

/*
 * A reference names a record: its offset within the records divided by 8, plus 1. 0 is none.
 *
 * An entry of the name table also tells the id, so that a reader can have the
 * state word fetched from memory while it fetches the record. The tag is bits
 * 54-63 of the hash, the first place its low bits (hash & (hash_size - 1)), so
 * that both are independent. Open addressing,
 * linear: an entry without a reference ends the search, and no search is longer
 * than B2B_PROBES_MAX entries (the builder changes the seed until that holds), so
 * that nobody can choose names that make look-ups slow.
 */
struct b2b_format_name {
	uint32_t ref;    /* 0 */
	uint32_t id_tag; /* 4  id - range_lo in bits 0-21, ten bits of the name's hash above */
};
#define B2B_PROBES_MAX 64
#define B2B_ID_BITS 22
#define B2B_ID_MASK ((1u << B2B_ID_BITS) - 1)

enum b2b_record_kind { B2B_RECORD_USER = 1, B2B_RECORD_GROUP = 2 };

/*
 * 24 bytes, then the local name, then the display name, neither terminated, then (since version 2), from a multiple of 4 on,
 * the list, so that whoever has fetched the record has fetched its list; the next record begins at a multiple of 8. A
 * reader finds the list by `list` alone: in version 1 all lists stand in a table of their own.
 */
struct b2b_format_record {
	uint64_t roles;   /*  0  users: bits as delegated; groups: 0 */
	uint32_t offset;  /*  8  id - range_lo */
	uint32_t list;    /* 12  number of its list's first entry, from lists_at on: a user's groups as id - range_lo, a group's members as references; ascending */
	uint32_t n_list;  /* 16 */
	uint8_t kind;     /* 20 */
	uint8_t shell;    /* 21 */
	uint8_t n_local;  /* 22 */
	uint8_t n_gecos;  /* 23 */
};

/*
 * A roster is the members of a group as whole names (local part, separator, alias, NUL), in the order of the group's list,
 * ready to be copied. After n and size stand n bytes, the sizes of the names, then the names, `size` bytes in all; the next
 * roster begins at a multiple of 8.
 *
 * It repeats what lists and records say and tells nothing of who is closed: a reader who has compared it with them and
 * found every word open may copy it for as long as `changes` of the live file is the even number that it was before that.
 * A writer of words makes `changes` odd before, and the next even number after; b2bd leaves it odd when it ends, for a
 * writer of version 1 does neither. A reader of version 1 knows nothing of it, and loses nothing but time.
 */
struct b2b_format_roster_place {
	uint32_t offset; /* 0  the group's id - range_lo */
	uint32_t at;     /* 4  bytes from roster_data_at */
};

struct b2b_format_roster {
	uint32_t n;    /* 0  members */
	uint32_t size; /* 4  of their names */
};

_Static_assert(sizeof(struct b2b_format_head) == 40, "head is 40 bytes");
_Static_assert(sizeof(struct b2b_format_index) == 160, "index header is 160 bytes");
_Static_assert(sizeof(struct b2b_format_org) == 136, "organisation is 136 bytes");
_Static_assert(sizeof(struct b2b_format_range) == 16, "range is 16 bytes");
_Static_assert(sizeof(struct b2b_format_role) == 104, "role is 104 bytes");
_Static_assert(sizeof(struct b2b_format_service) == 48, "service is 48 bytes");
_Static_assert(sizeof(struct b2b_format_live) == 224 && offsetof(struct b2b_format_live, org_word) == 128 &&
	       offsetof(struct b2b_format_live, heartbeat_ns) == 192, "live header is 224 bytes, hot words on two lines");
_Static_assert(sizeof(struct b2b_format_snapshot) == 192, "snapshot header is 192 bytes");
_Static_assert(sizeof(struct b2b_format_record) == 24, "record is 24 bytes");
_Static_assert(B2B_RANGE_MAX <= 1u << B2B_ID_BITS, "an id's offset fits its bits");

/* Copy once from a mapped file: what follows sees the copy, never the file again. */
static inline void b2b_copy(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
	atomic_signal_fence(memory_order_seq_cst);
}

/* Words in a mapped file, aligned. Acquire: what the writer stored before is seen too. */
static inline uint32_t b2b_load32(const void *at)
{
	return __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
}

static inline uint64_t b2b_load64(const void *at)
{
	return __atomic_load_n((const uint64_t *)at, __ATOMIC_ACQUIRE);
}

/*
 * Hash of the first LEN bytes of TEXT, a buffer of B2B_NAME_SIZE bytes padded with NUL: words of 8 bytes in the host's
 * order, the last one with its padding. With the low byte first:
 *
 *   "acme"       seed 0           24f6c70c9e716371
 *   "alice"      seed 0           dbdf44a2730d0b68
 *   "emea.acme"  seed 0           c928b0df6dffa12f
 *   "alice"      seed 0x9e3779b1  53f408d997c7cac2, tag 0x14f
 *
 * The index uses seed 0 for aliases: hash & (hash_size - 1) is the first place, the next is tried (round the end) until
 * the alias is found or an entry is 0; not all are taken. A snapshot uses its hash_seed for local names.
 */
static inline uint64_t b2b_format_hash(const char *text, size_t len, uint32_t seed)
{
	uint64_t hash = ((uint64_t)seed + 1) * 0x9e3779b97f4a7c15u, word;

#pragma GCC unroll 4
	for (size_t at = 0; at < B2B_NAME_SIZE && at < len; at += sizeof(word)) {
		memcpy(&word, text + at, sizeof(word));
		hash = (hash ^ word) * 0xd6e8feb86659fd93u;
		hash ^= hash >> 32;
	}
	/* Once more: names that differ in a word's last letters alone (person1, person2) have met only its high bits so far. */
	hash *= 0x94d049bb133111ebu;
	return hash ^ hash >> 31;
}

/*
 * Are A, LEN characters long, and B, both B2B_NAME_SIZE bytes padded with NUL, the same? Compared in place, as far as the word
 * with A's end: a call would cost more than the comparison.
 */
static inline bool b2b_padded_equal(const char *a, uint32_t len, const char *b)
{
	uint64_t x, y;

	for (uint32_t at = 0; at <= len; at += sizeof(x)) {
		memcpy(&x, a + at, sizeof(x));
		memcpy(&y, b + at, sizeof(y));
		if (x != y)
			return false;
	}
	return true;
}

/* The tag that an entry of the name table carries above the id; the position comes from other bits. */
static inline uint32_t b2b_format_tag(uint64_t hash)
{
	return (uint32_t)(hash >> 54) << B2B_ID_BITS;
}

/* Where, from the beginning of a record with names of these lengths, its list begins. */
static inline uint32_t b2b_record_list_at(uint32_t n_local, uint32_t n_gecos)
{
	return ((uint32_t)sizeof(struct b2b_format_record) + n_local + n_gecos + 3u) & ~3u;
}

/* Bytes of a whole record, the list included. */
static inline uint64_t b2b_record_whole(uint32_t n_local, uint32_t n_gecos, uint32_t n_list)
{
	return ((uint64_t)b2b_record_list_at(n_local, n_gecos) + (uint64_t)n_list * sizeof(uint32_t) + 7u) & ~7ull;
}

/* Bytes of a record with names of these lengths, the list left out: what a reader of names can rely on. */
static inline uint32_t b2b_record_size(uint32_t n_local, uint32_t n_gecos)
{
	return ((uint32_t)sizeof(struct b2b_format_record) + n_local + n_gecos + 7u) & ~7u;
}

/* Is TEXT an organisation's id ([A-Za-z0-9][A-Za-z0-9._-]*, NUL within B2B_ID_SIZE)? It becomes part of a path. */
bool b2b_org_id_valid(const char *text);

/* Does a table of COUNT entries of ENTRY bytes at AT (a multiple of 8) lie between header and end of a file of SIZE bytes? */
bool b2b_format_table_fits(uint64_t at, uint64_t count, uint64_t entry, const struct b2b_format_head *head);

/*
 * Is HEAD (a copy) that of a file of SIZE bytes with MAGIC, of this byte
 * order, for readers of this version, with a header of at least HEADER bytes?
 * RET_FINDING, here and below: what is wrong, or NULL where nobody wants to know.
 */
bool b2b_format_head_valid(const struct b2b_format_head *head, const char *magic, size_t size, size_t header, struct b2b_finding *ret_finding);

/* Is HEAD (a copy) that of a file with MAGIC which no reader of this version understands, because a newer version made it? */
bool b2b_format_head_newer(const struct b2b_format_head *head, const char *magic);

/* Do the counts and tables of INDEX (a copy of the header) lie within a file of SIZE bytes, its scalars within their rules? */
bool b2b_format_index_valid(const struct b2b_format_index *index, size_t size, struct b2b_finding *ret_finding);

/* The same for a snapshot's header; whose it is, is for the caller to compare. */
bool b2b_format_snapshot_valid(const struct b2b_format_snapshot *snapshot, size_t size, struct b2b_finding *ret_finding);

/* Fill a head for a file of SIZE bytes. */
void b2b_format_head_init(struct b2b_format_head *head, const char *magic, uint64_t size, uint64_t generation, uint32_t header);

#endif
