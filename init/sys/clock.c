#include "init/sys/clock.h"

#include <limits.h>
#include <time.h>

#include "init/sys/bug.h"
#include "init/sys/random.h"

int64_t clock_now_ns(void)
{
    struct timespec now;
    ensure(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * CLOCK_S + now.tv_nsec;
}

int64_t clock_wall_ms(void)
{
    struct timespec now;
    ensure(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / CLOCK_MS;
}

int64_t clock_deadline_ns(int64_t timeout_ms)
{
    int64_t now = clock_now_ns();
    return timeout_ms > (INT64_MAX - now) / CLOCK_MS ? INT64_MAX : now + timeout_ms * CLOCK_MS;
}

int64_t clock_part_ns(int64_t deadline_ns, int64_t timeout_ms)
{
    int64_t part = clock_deadline_ns(timeout_ms);
    return part < deadline_ns ? part : deadline_ns;
}

bool clock_expired(int64_t deadline_ns)
{
    return clock_now_ns() >= deadline_ns;
}

int clock_left_ms(int64_t deadline_ns)
{
    int64_t left = deadline_ns - clock_now_ns();
    if (left <= 0)
        return 0;
    int64_t left_ms = left / CLOCK_MS + (left % CLOCK_MS != 0);
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

bool clock_pause(int64_t pause_ms, int64_t deadline_ns)
{
    ensure(pause_ms >= 0 && pause_ms <= INT32_MAX);
    int64_t least = pause_ms - pause_ms / 4;
    int64_t until = clock_now_ns() + least * CLOCK_MS;
    until += (int64_t)random_below((uint32_t)(pause_ms / 2) + 1) * CLOCK_MS;
    if (until > deadline_ns)
        until = deadline_ns;
    struct timespec at = {.tv_sec = until / CLOCK_S, .tv_nsec = until % CLOCK_S};
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
    return !clock_expired(deadline_ns);
}
