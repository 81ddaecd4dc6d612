/* An HTTP proxy on loopback that does CONNECT (RFC 9110 9.3.6), one tunnel after the other, and remembers what it was asked. */
#ifndef B2B_TESTS_PROXY_H
#define B2B_TESTS_PROXY_H

struct proxy; /* opaque */

struct proxy *proxy_start(void); /* asserts on failure */
void proxy_stop(struct proxy *proxy); /* NULL is legal */
const char *proxy_url(const struct proxy *proxy);
/* How many tunnels were asked for, and the request line of the last. */
unsigned proxy_tunnels(struct proxy *proxy, char line[256]);

#endif
