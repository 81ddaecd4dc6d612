/*
 * Reason codes: the one list of why somebody was let in or not.
 *
 * The agent decides with them, the PAM module shows their text, the audit line
 * carries their code, and b2bctl prints both. A code, once released, keeps its
 * meaning: it travels over the agent socket (common/proto.h) as a number.
 */
#ifndef B2B_REASON_H
#define B2B_REASON_H

/* X(symbol, number, "code in audit lines", "sentence for the person; says what to do next") */
#define B2B_REASONS(X)                                                                                                  \
	X(OK, 0, "ok", "Allowed.")                                                                                       \
	X(NOT_OURS, 1, "not-ours", "This is not a partner account.")                                                     \
	X(NAME_INVALID, 2, "name-invalid", "This is not a valid partner name; use person@organisation.")                 \
	X(USER_UNKNOWN, 3, "user-unknown", "This person is not known; ask your organisation's administrator.")           \
	X(USER_SUSPENDED, 4, "user-suspended", "Your access is suspended; ask your organisation's administrator.")       \
	X(USER_REMOVED, 5, "user-removed", "Your access has ended; ask your organisation's administrator.")              \
	X(USER_WINDOW, 6, "user-window", "Your access is not valid at this time; ask your organisation's administrator.") \
	X(ORG_UNKNOWN, 7, "org-unknown", "Your organisation has no access to this host.")                                \
	X(ORG_SUSPENDED, 8, "org-suspended", "Your organisation's access is suspended.")                                 \
	X(ORG_ENDED, 9, "org-ended", "Your organisation's contract has ended.")                                          \
	X(ORG_WINDOW, 10, "org-window", "Your organisation's contract is not valid at this time.")                       \
	X(SERVICE_DENIED, 11, "service-denied", "Your organisation may not use this service on this host.")              \
	X(ASSURANCE, 12, "assurance", "This service asks for a stronger authentication.")                                \
	X(AUTH_AGE, 13, "auth-age", "Your authentication is too old for this service; authenticate again.")              \
	X(STALE, 14, "stale", "The host has not heard from the federation service for too long; try again later.")       \
	X(CLOCK, 15, "clock", "The host's clock is not to be trusted; tell the host's administrator.")                   \
	X(AGENT_DOWN, 16, "agent-down", "The partner access agent does not answer; tell the host's administrator.")      \
	X(CACHE_DOWN, 17, "cache-down", "The partner cache cannot be read; tell the host's administrator.")              \
	X(SERVICE_DOWN, 18, "federation-down", "The federation service does not answer; try again later.")               \
	X(AUTH_DENIED, 19, "auth-denied", "The log-in was refused on the approval page.")                                \
	X(AUTH_EXPIRED, 20, "auth-expired", "The log-in was not approved in time; try again.")                           \
	X(AUTH_WRONG_PERSON, 21, "auth-wrong-person", "The log-in was approved by somebody else; you must approve it yourself.") \
	X(AUTH_WRONG_ORG, 22, "auth-wrong-organisation", "The log-in was approved for another organisation.")            \
	X(AUTH_TOKEN, 23, "auth-token", "The federation service's answer could not be trusted; tell the host's administrator.") \
	X(AUTH_PENDING, 24, "auth-pending", "The log-in has not been approved yet.")                                     \
	X(AUTH_NONE, 25, "auth-none", "This service needs a log-in approved at the federation service.")                 \
	X(REVOKED, 26, "revoked", "Your access has just been withdrawn.")                                                \
	X(SESSION_LIMIT, 27, "session-limit", "The longest time for a session is over.")                                 \
	X(BUSY, 28, "busy", "Too many requests at once; wait a moment and try again.")                                   \
	X(NOT_ROOT, 29, "not-root", "Only root may ask for this.")                                                       \
	X(PROTOCOL, 30, "protocol", "The request was malformed.")                                                        \
	X(INTERNAL, 31, "internal", "Something went wrong on this host; tell the host's administrator.")                 \
	X(USER_CLOSED, 32, "user-closed", "Your access was closed by this host's administrator.")                        \
	X(ORG_CLOSED, 33, "org-closed", "Your organisation's access was closed by this host's administrator.")           \
	X(UNCHANGED, 34, "unchanged", "There is nothing to change.")                                                     \
	X(NOT_DURABLE, 35, "not-durable", "It is in force, but could not be written to disk.")  \
	X(AUTH_TOKEN_REFUSED, 40, "auth-token-refused", "This token is not valid for this host; get one that is meant for it.")    \
	X(AUTH_TOKEN_OVER, 41, "auth-token-over", "This token has expired or was revoked; get a new one.") \
	X(AUTH_METHOD, 50, "auth-method", "There is no way for you to log in to this service; tell the host's administrator.") \
	X(AUTH_FATIGUE, 51, "auth-fatigue", "Too many approval requests were left unanswered; wait some minutes and try again.") \
	X(AUTH_TOKEN_CUT, 52, "auth-token-cut", "The token arrived cut: ssh sends 1,023 characters of it, su and login 511; use a shorter one or a reference.") \
	X(AUTH_TOKEN_NONE, 53, "auth-token-none", "This service asks for an access token, and none was given.")          \
	X(AUTH_TOKEN_USED, 54, "auth-token-used", "This token was used before, and each lets in once; get a new one.")    \
	X(AUTH_AGAIN, 55, "auth-again", "This host knows you from now on; log in once more.") \
	X(AUTH_KEY, 56, "auth-key", "No SSH key that the directory gives for you was used; log in with one, or without a key.") \
	X(AUTH_INVALID, 70, "auth-invalid", "The federation service has withdrawn this authentication; authenticate again.") \
	X(AUTH_SUSPENDED, 71, "auth-suspended", "The federation service has suspended this authentication; ask your organisation's administrator.") \
	X(AUTH_UNKNOWN, 72, "auth-unknown", "Whether this authentication still holds cannot be looked up; try again later.") \
	X(OWNER_CLOSED, 73, "owner-closed", "The person for whom this account acts has no access; ask your organisation's administrator.") \
	X(SUDO_DENIED, 80, "sudo-denied", "The command was refused by who was asked to approve it.")                                \
	X(SUDO_EXPIRED, 81, "sudo-expired", "Nobody approved the command in time; try again when somebody can.")                    \
	X(SUDO_NOBODY, 82, "sudo-nobody", "Nobody can be asked to approve the command; ask your organisation's administrator.")     \
	X(SUDO_WRONG_APPROVER, 83, "sudo-wrong-approver", "The command was approved by somebody who may not approve it.")           \
	X(SUDO_TOO_LONG, 84, "sudo-too-long", "The command is too long to be shown whole to who approves it; put it into a script.") \
	X(SUDO_NO_WAIT, 85, "sudo-no-wait", "The command needs another person's approval, for which sudo -n does not wait.")        \
	X(SUDO_UNASKED, 86, "sudo-unasked", "Commands must be approved here, and this host's sudo asks nobody; tell the host's administrator.") \
	X(SUDO_WEAK, 87, "sudo-weak", "Who approved the command has to authenticate more strongly, or anew, and approve it once more.") \
	X(SESSION_WITHDRAWN, 60, "session-withdrawn", "The federation service has ended this log-in; log in again.") \
	X(SESSION_TOKEN, 61, "session-token", "The token that this session was opened with has ended; log in again.") \
	X(SESSION_UNVERIFIED, 62, "session-unverified", "This session could not be verified again at the federation service; log in again.") \
	X(SESSION_IDLE, 63, "session-idle", "The session was idle for too long.")

enum b2b_reason {
#define B2B_REASON_ENUM(symbol, number, code, text) B2B_##symbol = number,
	B2B_REASONS(B2B_REASON_ENUM)
#undef B2B_REASON_ENUM
};

/* The code for audit lines and JSON, e.g. "user-suspended". Static; "internal" for a number not in the list. */
const char *b2b_reason_code(int reason);

/* The sentence for the person who meets it, without newline. Static; never NULL. */
const char *b2b_reason_text(int reason);

#endif
