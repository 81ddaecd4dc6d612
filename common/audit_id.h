/* The name of a decision: the person reads it as a reference, the log has it as id=. */
#ifndef B2B_AUDIT_ID_H
#define B2B_AUDIT_ID_H

#define B2B_AUDIT_ID_SIZE 17 /* 16 hex digits and NUL */

/* A new one. Never fails and never waits: a name, not a secret. */
void b2b_audit_id(char ret_id[B2B_AUDIT_ID_SIZE]);

#endif
