/*
 * Agent and guard: fixed-size messages over a SOCK_SEQPACKET socketpair.
 *
 * The guard believes nothing: organisations are slots of root's policy, uids
 * must lie in the organisation's range, snapshots are checked whole, text is
 * stripped to printable characters. A message it cannot accept is answered
 * with a negative errno and changes nothing.
 */
#ifndef B2B_GUARD_PROTO_H
#define B2B_GUARD_PROTO_H

#include <stdint.h>

#include "common/proto.h"

#define B2B_GUARD_PACKET 512 /* every message is exactly this long */
#define B2B_GUARD_NAME_SIZE 16

enum b2b_guard_type {
	B2B_GUARD_INSTALL = 1, /* a sealed memfd (SCM_RIGHTS; F_SEAL_WRITE|SHRINK|GROW) with the snapshot of org */
	B2B_GUARD_END,         /* tell, end, look again until nothing is left */
	B2B_GUARD_RELOAD,      /* guard to agent: read b2b.conf again (SIGHUP, same organisations) */
	B2B_GUARD_TELL,        /* write message to the terminals of a session, and nothing else */
	B2B_GUARD_DONE = 65,   /* guard to agent: answers INSTALL, END or TELL with the same serial */
};

enum b2b_guard_scope { B2B_SCOPE_USER = 1, B2B_SCOPE_ORG, B2B_SCOPE_SESSION };

struct b2b_guard_message {
	uint32_t type;
	uint32_t serial;      /* the agent's; DONE repeats it */
	int32_t org;          /* slot in the policy; for B2B_SCOPE_ORG everything below it too */
	uint32_t scope;       /* enum b2b_guard_scope */
	uint32_t uid;         /* B2B_SCOPE_USER, B2B_SCOPE_SESSION: the person */
	int32_t pid;          /* B2B_SCOPE_SESSION: leader */
	uint64_t start_ticks;
	char audit_id[B2B_AUDIT_ID_SIZE];
	char message[B2B_MESSAGE_SIZE]; /* what the terminals get, one line; "": they are told nothing */
	char pad[7];
	/* DONE */
	int32_t result;       /* 0 or a negative errno; END: -EBUSY while something is left that cannot be ended */
	uint32_t ended;       /* processes that were signalled */
	uint32_t left;        /* processes still there (kernel holds them); the guard keeps trying and sends DONE again */
	uint32_t terminals;   /* terminals that got the message */
	uint64_t generation;  /* INSTALL: what is installed now */
	uint64_t began_ns;    /* END: b2b_now_ns when the guard took it, and at the look into /proc that found nothing */
	uint64_t clear_ns;
	/* END: the proof. found: processes that were of the scope in any look; those that were not ended ended by themselves. */
	uint32_t found;
	uint32_t root;        /* of found, ran as root: where root wanted to hide from /proc, it could have */
	uint32_t left_behind; /* the person's by login uid only, and not ended: root's policy says so */
	int32_t held_pid;     /* -EBUSY: one of those left */
	uint32_t held_uid;
	char held_state;      /* as /proc has it: D, T … */
	char held_name[B2B_GUARD_NAME_SIZE];
	char pad2[7];
};

_Static_assert(sizeof(struct b2b_guard_message) <= B2B_GUARD_PACKET, "a guard message fits its packet");

#endif
