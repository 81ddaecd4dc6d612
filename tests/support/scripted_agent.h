/*
 * The agent's end of the socket, played from a script in a child process: the real agent cannot be made to misbehave.
 * Listens on B2B_SOCKET_PATH, so only within machine_private.
 */
#ifndef B2B_TEST_SCRIPTED_AGENT_H
#define B2B_TEST_SCRIPTED_AGENT_H

#include <stdint.h>
#include <sys/types.h>

enum scripted_how {
	SCRIPTED_SAY,     /* the packet TYPE, see below */
	SCRIPTED_GARBAGE, /* 40 bytes that are no packet */
	SCRIPTED_SHORT,   /* the packet without its last byte */
	SCRIPTED_HANG_UP, /* close the connection */
	SCRIPTED_NOTHING, /* wait until the other end closes, then accept whatever comes next */
};

struct scripted_step {
	uint16_t want;             /* the request that must come first: B2B_ASK_RESULT and B2B_ASK_ANSWER on the same connection, others on a new one; 0: none */
	enum scripted_how how;
	uint16_t type;             /* B2B_SAY_… */
	int32_t reason;            /* of a decision; of a reservation, not 0: this agent began later than whoever asks */
	uint32_t uid;              /* of a decision or reservation */
	uint32_t lifetime_s;       /* of a prompt or question; 0: 600 */
	uint32_t most_s, least_s;  /* what B2B_ASK_AUTH may say of how long the caller waits; 0: anything */
	uint32_t can, cannot;      /* bits that B2B_ASK_AUTH must say of what the caller can do, and must not */
	const char *answer;        /* what B2B_ASK_ANSWER must say, of what command B2B_ASK_COMMAND is, or which keys B2B_ASK_OPEN_SSH names; NULL: anything */
	const char *text;          /* prompt, question, or the decision's message */
	void (*before)(void *arg); /* in the child, before it answers; NULL: nothing */
	void *arg;
};

#define SCRIPTED_TICKET "0123456789abcdef0123456789abcdef"
#define SCRIPTED_ID "feedfacecafebeef" /* audit id of every decision */

/* Start it; it listens when this returns. STEPS up to COUNT. Exits the test on failure. */
pid_t scripted_agent_start(const struct scripted_step *steps, size_t count);

/* The script must have been played to its end. Returns 0, or the number (from 1) of the step that was not. */
int scripted_agent_end(pid_t agent);

#endif
