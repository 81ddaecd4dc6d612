/*
 * Which sudo may open its session. By person and POSIX session, not by process: sudo -b goes on in a child of the process that asked.
 */
#include <string.h>
#include <unistd.h>

#include "b2bd/sudo.h"
#include "common/clock.h"

#define NOTE_NS (60 * B2B_NS_PER_S) /* from the decision to the session */

static bool is_sudo(const char *service)
{
	return strcmp(service, "sudo") == 0 || strcmp(service, "sudo-i") == 0;
}

void b2b_sudo_note(struct b2b_core *core, uint32_t uid, pid_t pid)
{
	struct b2b_sudo_notes *notes = &core->sudo_notes;
	pid_t sid = getsid(pid);

	if (sid < 0)
		return; /* gone: it opens nothing any more */
	notes->notes[notes->next] = (struct b2b_sudo_note_of){ .uid = uid, .sid = sid, .until_ns = b2b_now_ns() + NOTE_NS };
	notes->next = (notes->next + 1) % B2B_SUDO_NOTES_MAX;
}

static bool take(struct b2b_core *core, uint32_t uid, pid_t sid)
{
	uint64_t now = b2b_now_ns();

	for (size_t i = 0; sid >= 0 && i < B2B_SUDO_NOTES_MAX; i++) {
		struct b2b_sudo_note_of *note = &core->sudo_notes.notes[i];

		if (note->until_ns < now || note->uid != uid || note->sid != sid)
			continue;
		memset(note, 0, sizeof(*note));
		return true;
	}
	return false;
}

bool b2b_sudo_may_open(struct b2b_core *core, const struct b2b_decision_facts *facts, pid_t pid)
{
	int org;

	if (!is_sudo(facts->service) || !b2b_conf_sudo_of(core->conf, core->policy, facts->org, &org))
		return true;
	return take(core, facts->principal->uid, getsid(pid));
}
