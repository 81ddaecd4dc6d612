#include "common/audit_id.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/clock.h"

void b2b_audit_id(char ret_id[B2B_AUDIT_ID_SIZE])
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != (ssize_t)sizeof(number))
		number = b2b_now_ns() ^ (uint64_t)getpid() << 40; /* early in the boot: good enough to find the line again */
	snprintf(ret_id, B2B_AUDIT_ID_SIZE, "%016" PRIx64, number);
}
