/* Time: monotonic deadlines (CLOCK_BOOTTIME runs through suspend) and wall-clock seconds. */
#ifndef B2B_CLOCK_H
#define B2B_CLOCK_H

#include <stdint.h>

#define B2B_NS_PER_S 1000000000ull
#define B2B_NS_PER_MS 1000000ull

uint64_t b2b_now_ns(void);  /* CLOCK_BOOTTIME */
int64_t b2b_wall_s(void);   /* CLOCK_REALTIME, seconds since the epoch */
int64_t b2b_wall_ms(void);

/* Milliseconds left until DEADLINE_NS, rounded up, 0 when past: what poll(2) takes. */
int b2b_ms_left(uint64_t deadline_ns);

/* The kernel's boot id as 16 bytes. Returns 0 or a negative errno. */
int b2b_boot_id(uint8_t ret_id[16]);

#endif
