/* A snapshot, and how it belongs to the live file of its organisation. */
#include <errno.h>

#include "b2bctl/verify.h"
#include "common/live.h"
#include "common/snapshot.h"

#define MEND "restart b2bd: it publishes the organisation anew"

/* By the rules that the guard installs by: under the policy in force, and under the one that the configuration asks for. */
static void judge_image(struct b2b_verify *verify, const struct b2b_roster *roster, int org)
{
	const struct b2b_cache_file *file = &roster->file;
	struct b2b_finding finding = { 0 };
	uint64_t generation;
	int wanted = verify->wanted ? b2b_policy_org_by_id(verify->wanted, verify->policy->orgs[org].id) : -1;

	if (roster->header.head.version != B2B_FORMAT_VERSION)
		b2b_verify_note(verify, file->name, offsetof(struct b2b_format_head, version),
		                "another version made it; it was read as readers of this one do", MEND);
	else if (b2b_snapshot_find(file->bytes, file->size, verify->policy, org, &generation, &finding) < 0)
		b2b_verify_fault(verify, file->name, finding.at, finding.what, MEND);
	else if (wanted >= 0 && b2b_snapshot_find(file->bytes, file->size, verify->wanted, wanted, &generation, &finding) < 0)
		b2b_verify_note(verify, file->name, finding.at, finding.what, "it will not do under the configuration; b2bctl policy apply, then restart b2bd");
}

/* The generation is stored after the rename, so that for a moment the snapshot is ahead, never behind. */
static void judge_generation(struct b2b_verify *verify, const char *name, const struct b2b_roster *roster, uint64_t announced)
{
	uint64_t found = roster ? roster->header.head.generation : 0;

	if (found < announced)
		b2b_verify_fault(verify, name, roster ? offsetof(struct b2b_format_head, generation) : B2B_VERIFY_NOWHERE,
		                 roster ? "generation: an older one than was announced" : "it is not there, although one was announced", MEND);
	else if (found > announced)
		b2b_verify_note(verify, name, offsetof(struct b2b_format_head, generation), "generation: a newer one than was announced yet",
		                "if it stays so, restart b2bd: it announces it");
}

struct pair {
	uint32_t word;
	uint8_t kind; /* of the record, 0: there is none */
};

/* What a word and a record say about each other. Which of it is a fault: what no order of stores leads to. */
static void judge_pair(struct b2b_verify *verify, const char *live, uint32_t offset, struct pair pair)
{
	uint64_t at = B2B_LIVE_WORDS_AT + (uint64_t)offset * sizeof(uint32_t);
	uint32_t state = B2B_LIVE_STATE(pair.word);

	if (pair.kind == B2B_RECORD_GROUP && pair.word != 0)
		b2b_verify_fault(verify, live, at, "word: the id is a group's, and had been a person's", "b2bctl sync; ids must never pass on, so tell who made this");
	else if (offset == 0 && pair.word != 0)
		b2b_verify_fault(verify, live, at, "word: the first id is the organisation's own and nobody's", "restart b2bd, and tell who made this");
	else if (pair.kind == B2B_RECORD_USER && state == B2B_LIVE_EMPTY)
		b2b_verify_note(verify, live, at, "word: that of a person is empty, which readers take for closed", "restart b2bd: it stores every word");
	else if (pair.kind == 0 && state == B2B_LIVE_OPEN)
		b2b_verify_note(verify, live, at, "word: open, and nobody has this id", "nothing: the person comes with the next snapshot");
}

static void judge_words(struct b2b_verify *verify, const struct b2b_roster *roster, const struct b2b_cache_file *live)
{
	const uint32_t *words = (const uint32_t *)(const void *)(live->bytes + B2B_LIVE_WORDS_AT);
	uint32_t n = roster->org.record.range_hi - roster->org.record.range_lo + 1;

	for (uint32_t offset = 0; offset < n; offset++) {
		struct b2b_entry entry;
		int r = b2b_snap_by_offset(&roster->org, &roster->snap, offset, &entry);

		if (r != 0 && r != -ENOENT)
			continue; /* damaged: told already where this version made it */
		judge_pair(verify, live->name, offset, (struct pair){ .word = words[offset], .kind = r == 0 ? entry.record.kind : 0 });
	}
}

void b2b_verify_roster(struct b2b_verify *verify, int org, const struct b2b_cache_file *live)
{
	const struct b2b_policy_org *of = &verify->policy->orgs[org];
	struct b2b_finding finding = { 0 };
	char name[B2B_CACHE_FILE_NAME];
	struct b2b_roster *roster = NULL;
	uint64_t announced = live->bytes ? b2b_load64(live->bytes + offsetof(struct b2b_format_live, generation)) : 0;
	int r;

	snprintf(name, sizeof(name), "org/%s/snapshot", of->id);
	r = b2b_roster_open(verify->ctl->cache_dir, of->id, of->range_lo, of->range_hi, &roster, &finding);
	if (r == -ENOENT)
		judge_generation(verify, name, NULL, announced);
	else if (r < 0)
		b2b_verify_unread(verify, name, r, &finding, MEND);
	if (r < 0)
		return;
	b2b_verify_owner(verify, name, &roster->file.st);
	judge_image(verify, roster, org);
	if (live->bytes) {
		judge_generation(verify, name, roster, announced);
		judge_words(verify, roster, live);
	}
	b2b_roster_close(roster);
}
