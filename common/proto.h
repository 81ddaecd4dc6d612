/*
 * The agent's socket: SOCK_SEQPACKET at B2B_SOCKET_PATH, one request a packet.
 *
 * Every packet is struct b2b_packet_head and one body struct of the type's
 * size, native byte order (one host, one installation); strings are
 * NUL-terminated within their arrays, unused bytes zero. A packet of a wrong
 * version, size, type or with an unterminated string is answered with
 * B2B_PROTOCOL and the connection is closed.
 *
 * The agent trusts a peer by SO_PEERCRED alone: uid 0 may ask everything;
 * anybody may ask B2B_ASK_NAME (rate-limited by uid, and by the visibility rule), and user b2b-keys B2B_ASK_KEYS.
 *
 *   request            from         reply
 *   B2B_ASK_NAME       nss_b2b,     B2B_SAY_NAME; to root, where there is no directory, B2B_SAY_RESERVED for a name that
 *                      pam auth     nobody has proven yet
 *   B2B_ASK_AUTH       pam auth     B2B_SAY_WAIT within 1 s, then B2B_SAY_PROMPT, B2B_SAY_QUESTION or B2B_SAY_DECISION
 *   B2B_ASK_RESULT     pam auth     on the same connection after the prompt was answered or shown:
 *                                   B2B_SAY_DECISION; with wait=0 at once (B2B_AUTH_PENDING while open),
 *                                   with wait=1 when it is known. Closing the connection cancels the log-in.
 *   B2B_ASK_ANSWER     pam auth     on the same connection after B2B_SAY_QUESTION: as to B2B_ASK_AUTH
 *   B2B_ASK_RECENT     pam auth     B2B_SAY_DECISION: B2B_OK with a ticket, or whatever: then the log-in is asked for as ever
 *   B2B_ASK_ACCOUNT    pam account  B2B_SAY_DECISION
 *   B2B_ASK_OPEN       pam session  B2B_SAY_DECISION (afresh: a revocation since account denies)
 *   B2B_ASK_OPEN_SSH   pam session  likewise, in sshd, where nothing was proven at the service: with the SSH keys that it was shown
 *   B2B_ASK_CLOSE      pam session  B2B_SAY_DECISION
 *   B2B_ASK_COMMAND    sudo_b2b     B2B_SAY_DECISION, or B2B_SAY_WAIT first; then, where somebody must approve, B2B_SAY_PROMPT; and
 *                                   B2B_SAY_DECISION when it is known. Closing the connection cancels the request.
 *   B2B_ASK_CONTROL    b2bctl       B2B_SAY_TEXT …, last one with final=1
 *   B2B_ASK_KEYS       b2b-keys     likewise: lines of authorized_keys(5), none for who may not log in
 */
#ifndef B2B_PROTO_H
#define B2B_PROTO_H

#include <stdint.h>
#include <sys/types.h>

#include "common/audit_id.h"
#include "common/names.h"
#include "common/policy.h"

#define B2B_RUN_DIR "/run/b2b"
#define B2B_SOCKET_PATH B2B_RUN_DIR "/agent.sock"
#define B2B_PROTO_VERSION 1
#define B2B_TICKET_SIZE 33 /* 32 hex digits and NUL: names an authentication */
#define B2B_TTY_SIZE 32
#define B2B_HOST_SIZE 64
#define B2B_MESSAGE_SIZE 256
#define B2B_PROMPT_SIZE 4096
#define B2B_TEXT_SIZE 8192
#define B2B_SSH_KEY_SIZE 4096
#define B2B_ANSWER_SIZE 8192 /* as much as PuTTY sends; the ssh client of OpenSSH cuts an answer to 1,023 characters */

enum b2b_packet_type {
	B2B_ASK_NAME = 1,
	B2B_ASK_AUTH,
	B2B_ASK_RESULT,
	B2B_ASK_ACCOUNT,
	B2B_ASK_OPEN,
	B2B_ASK_CLOSE,
	B2B_ASK_CONTROL,
	B2B_ASK_KEYS,
	B2B_ASK_ANSWER,
	B2B_ASK_COMMAND,
	B2B_ASK_RECENT,
	B2B_ASK_OPEN_SSH,
	B2B_SAY_NAME = 65,
	B2B_SAY_WAIT,
	B2B_SAY_PROMPT,
	B2B_SAY_DECISION,
	B2B_SAY_TEXT,
	B2B_SAY_QUESTION,
	B2B_SAY_RESERVED = 80,
};

struct b2b_packet_head {
	uint16_t version; /* B2B_PROTO_VERSION */
	uint16_t type;    /* enum b2b_packet_type */
	uint32_t length;  /* bytes of the body that follows */
};

struct b2b_ask_name {
	char name[B2B_NAME_SIZE];
};

struct b2b_say_name {
	int32_t reason; /* B2B_OK: published, look again; B2B_USER_UNKNOWN; B2B_BUSY; B2B_SERVICE_DOWN … */
};

/*
 * An id is kept for NAME, in memory alone, until somebody proves to be that person or, while no log-in is under way, nobody asked for keep_s. The id is the one that
 * the ledger gives then, as long as this agent has kept it all the time: for who began after since_ns, and not longer ago than keep_s.
 * What else sshd wants to know is root's, and read from the cache (b2b_cache_newcomer).
 */
struct b2b_say_reserved {
	uint64_t since_ns;           /* b2b_now_ns of when this agent began to keep ids */
	uint32_t keep_s;
	uint32_t uid;
};

/* Who wants in, where and from where: PAM_USER, PAM_SERVICE, PAM_TTY, PAM_RHOST, PAM_RUSER. */
struct b2b_origin {
	char user[B2B_NAME_SIZE];
	char service[B2B_LABEL_SIZE];
	char tty[B2B_TTY_SIZE];
	char rhost[B2B_HOST_SIZE];
	char ruser[B2B_NAME_SIZE];
};

/* What the other end of B2B_ASK_AUTH can do; bits, and from the sixteenth on a number. */
enum b2b_can {
	B2B_CAN_UTF8 = 1,   /* the terminal shows UTF-8 (a QR code may be sent) */
	B2B_CAN_ANSWER = 2, /* takes B2B_SAY_QUESTION, and after its answer whatever may follow B2B_ASK_AUTH */
	B2B_CAN_COLUMNS = 16, /* shifted by so many: the terminal's width; 0: not known */
};

struct b2b_ask_auth {
	struct b2b_origin origin;
	uint32_t can;        /* enum b2b_can */
	uint32_t lifetime_s; /* how long the caller can wait (LoginGraceTime's rest); 0: unknown */
};

struct b2b_ask_result {
	uint32_t wait; /* 0: answer at once; 1: answer when it is known */
};

/* What the person typed: a secret. */
struct b2b_ask_answer {
	char text[B2B_ANSWER_SIZE]; /* "" for nothing */
};

/*
 * Somebody has just shown in this connection that they have the private half of KEY: do they need to do more? Not where it is theirs in the
 * directory, and they authenticated at the service on this host no longer ago than the service's max_age.
 */
struct b2b_ask_recent {
	struct b2b_origin origin;
	char key[B2B_SSH_KEY_SIZE]; /* "TYPE BASE64" */
};

struct b2b_ask_account {
	struct b2b_origin origin;
	char ticket[B2B_TICKET_SIZE]; /* from B2B_SAY_DECISION of the authentication; "" where there was none (public key: which, sshd tells at the session) */
};

struct b2b_ask_open {
	struct b2b_origin origin;
	char ticket[B2B_TICKET_SIZE];
	int32_t pid;          /* the process that will call close: session leader on PAM's side */
	uint64_t start_ticks; /* its field 22 of /proc/PID/stat */
};

#define B2B_SHOWN_SIZE 7168

/*
 * In this connection sshd was shown, and has verified, the private halves of KEYS, and nothing was proven at the service. Where a key suffices,
 * one of them has to be the person's in the directory.
 */
struct b2b_ask_open_ssh {
	struct b2b_ask_open open;
	char keys[B2B_SHOWN_SIZE]; /* "TYPE BASE64\n" of each; "" for none, or none that fits */
};

#define B2B_RUNAS_SIZE 96
#define B2B_COMMAND_TEXT_SIZE 512

enum b2b_command_flag { B2B_COMMAND_NO_WAIT = 1 /* where somebody must approve, it is refused at once (sudo -n) */ };

/*
 * A command that sudo is about to run, as its policy resolved it. TEXT, DIRECTORY and RUNAS are what people are shown: printable
 * ASCII, never cut, and two commands never look the same.
 */
struct b2b_ask_command {
	struct b2b_origin origin;              /* user: who runs sudo; service: sudo or sudo-i */
	uint32_t uid, as_uid;                  /* of who runs sudo, and as whom the command runs */
	uint32_t flags;                        /* enum b2b_command_flag */
	char as_user[B2B_LABEL_SIZE];          /* that user's name, where it runs with nothing but what is theirs; else "" */
	char path[B2B_COMMAND_SIZE];           /* the program, where it runs in the host's own root with nothing added to its environment; else "" */
	char runas[B2B_RUNAS_SIZE];            /* "root", "root:docker" */
	char directory[B2B_COMMAND_SIZE];      /* in which it runs */
	char text[B2B_COMMAND_TEXT_SIZE];      /* the command line */
};

struct b2b_ask_close {
	int32_t pid;
	uint64_t start_ticks;
};

/*
 * VERB: status | orgs | users | sessions | sync | revoke …; ARGUMENT its operand, e.g. an organisation's alias.
 *   ids         "AFTER WHAT": a page of the ledger's ids above the number AFTER; WHAT is "", an alias, an id or a name
 *   stream      "delete": this host's stream of signals at the service, for b2bctl unenroll; {"deleted": false} where it has none
 *   id-preview  "ALIAS KIND ID OWNER": the id that OWNER has or would get, and what stands against a pin of ID (0: none asked)
 */
struct b2b_ask_control {
	char verb[B2B_LABEL_SIZE];
	char argument[B2B_MESSAGE_SIZE];
};

/* For sshd's AuthorizedKeysCommand: the SSH keys that NAME may log in with now. */
struct b2b_ask_keys {
	char name[B2B_NAME_SIZE];
};

/* "I have it, go on waiting": after it the prompt or a decision comes when the service has answered. */
struct b2b_say_wait {
	uint32_t within_s; /* the longest it will take */
};

struct b2b_say_prompt {
	uint32_t lifetime_s;           /* until the code expires */
	char text[B2B_PROMPT_SIZE];    /* whole prompt: URL, code, QR where asked for; free of control characters but newline */
};

struct b2b_say_question {
	uint32_t lifetime_s;         /* the longest that an answer is waited for */
	char text[B2B_MESSAGE_SIZE]; /* as b2b_say_prompt's; the answer is not shown while it is typed */
};

struct b2b_say_decision {
	int32_t reason;                      /* B2B_OK allows, everything else denies */
	uint32_t uid;                        /* the principal's, where reason is B2B_OK */
	char ticket[B2B_TICKET_SIZE];        /* after an authentication */
	char audit_id[B2B_AUDIT_ID_SIZE];    /* names the decision in the audit log; shown to the person */
	char message[B2B_MESSAGE_SIZE];      /* sentence for the person; may be "" */
};

struct b2b_say_text {
	int32_t reason;  /* B2B_OK, or why not */
	uint32_t final;  /* 1: nothing follows */
	uint32_t length; /* bytes used of text: a piece of one document (JSON in UTF-8; lines, for B2B_ASK_KEYS); not NUL-terminated */
	char text[B2B_TEXT_SIZE];
};

/* Bytes of the body of TYPE, or 0 for an unknown type. */
uint32_t b2b_body_size(uint16_t type);

/*
 * Is the PACKET of SIZE bytes whole and well-formed (version, type, length, every string terminated)?
 * Returns 0 or -EBADMSG. PACKET must be aligned for uint64_t.
 */
int b2b_packet_check(const void *packet, size_t size);

#define B2B_PACKET_MAX (sizeof(struct b2b_packet_head) + sizeof(struct b2b_say_text))

/*
 * Client side, for modules and b2bctl: no allocation, no signal, every wait inside DEADLINE_NS (b2b_now_ns clock).
 *
 * b2b_agent_connect returns a CLOEXEC descriptor or a negative errno (-ECONNREFUSED, -ENOENT, -ETIMEDOUT;
 * -EPERM when the socket's directory is not root's).
 * b2b_agent_send sends one packet of TYPE with BODY; b2b_agent_receive takes one and wants type TYPE, or where
 * ret_type is not NULL any type (BODY must then hold the largest), into BODY of SIZE bytes.
 * Both return 0 or a negative errno (-ETIMEDOUT, -EPIPE closed, -EBADMSG).
 */
int b2b_agent_connect(uint64_t deadline_ns);
int b2b_agent_send(int fd, uint16_t type, const void *body, uint64_t deadline_ns);
int b2b_agent_receive(int fd, uint16_t type, uint16_t *ret_type, void *body, size_t size, uint64_t deadline_ns);

#endif
