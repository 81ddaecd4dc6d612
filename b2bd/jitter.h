/* Hosts that lost the same service at the same time must not come back in step. */
#ifndef B2B_JITTER_H
#define B2B_JITTER_H

#include <stdint.h>

/* By chance between LEAST_NS and MOST_NS, every one of them equally likely; MOST_NS where there is no randomness to be had. LEAST_NS <= MOST_NS. */
uint64_t b2b_jitter_ns(uint64_t least_ns, uint64_t most_ns);

#endif
