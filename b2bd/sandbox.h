/*
 * What b2bd's processes give away before they meet anything from outside. None can run another program.
 *
 *   first process  starts the other two and hears signals; reads nothing from anybody. Root, few capabilities, a short list
 *                  of system calls that nothing in b2bd needs is refused to it and to all it starts.
 *   guard          root, with CAP_KILL, CAP_DAC_OVERRIDE and CAP_SETUID only (signals; a partner's terminal; everything of one uid
 *                  at a stroke), no network at all: a network namespace of its own, and no system call that makes a socket. Allow-list.
 *   agent          user b2b, no capability, a network but no raw or packet sockets. Allow-list.
 *
 *   nscd's         a child of the guard (guard/nscd.h): root's uid without any capability, connects to UNIX sockets, opens no
 *                  file, and starts itself again. Allow-list.
 *   errand         what b2bctl starts (errand/errand.h): user b2b as the agent, and so without any way to change a file, to lock
 *                  one, to signal another process, to start one, or to reach the agent's socket. It reads and connects. No
 *                  environment, no descriptor but 0 to 2, a session of its own, few descriptors, little memory and time; it dies
 *                  with b2bctl. Allow-list.
 *
 * All: no_new_privs, not dumpable, no core file. A refused system call fails with EPERM.
 */
#ifndef B2B_SANDBOX_H
#define B2B_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>

/* Each is called once, by a process with one thread. Returns 0, or a negative errno with the cause logged: do not go on then. */
int b2b_sandbox_first(void);
int b2b_sandbox_guard(bool shared_network); /* SHARED_NETWORK: stay in the host's network namespace (a container may refuse a new one) */
int b2b_sandbox_agent(uid_t uid, gid_t gid);
int b2b_sandbox_nscd(void);
int b2b_sandbox_errand(uid_t uid, gid_t gid);

#endif
