#ifndef INIT_SYS_CLOCK_H
#define INIT_SYS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* All waiting of the program goes through this file: one absolute monotonic deadline, computed once
 * and passed down as deadline_ns. No other file sleeps. */

#define CLOCK_MS INT64_C(1000000)
#define CLOCK_S INT64_C(1000000000)

/* Monotonic time in nanoseconds. */
int64_t clock_now_ns(void);
/* Wall-clock time in milliseconds since 1970. */
int64_t clock_wall_ms(void);
/* The deadline that lies TIMEOUT_MS after now. */
int64_t clock_deadline_ns(int64_t timeout_ms);
/* The earlier of DEADLINE_NS and now + TIMEOUT_MS: a part of a command gets a part of its time. */
int64_t clock_part_ns(int64_t deadline_ns, int64_t timeout_ms);
bool clock_expired(int64_t deadline_ns);
/* Milliseconds until the deadline, rounded up, 0 when it has passed: what poll(2) takes. */
int clock_left_ms(int64_t deadline_ns);
/* Sleeps PAUSE_MS with a jitter of a quarter each way (getrandom, so that pods started together
 * part ways), but not past the deadline; returns false when the deadline has come. A signal that
 * ends the command ends the sleep too. */
bool clock_pause(int64_t pause_ms, int64_t deadline_ns);

#endif
