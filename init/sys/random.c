#include "init/sys/random.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

#include "init/sys/bug.h"

void random_bytes(void *data, size_t len)
{
    unsigned char *at = data;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        ensure(got > 0 || (got < 0 && errno == EINTR));
        if (got > 0) {
            at += got;
            len -= (size_t)got;
        }
    }
}

uint32_t random_below(uint32_t bound)
{
    ensure(bound > 0);
    /* values under 2^32 mod bound would make the low results likelier: draw again */
    uint32_t least = (uint32_t)(-bound) % bound;
    uint32_t value;
    do {
        random_bytes(&value, sizeof value);
    } while (value < least);
    return value % bound;
}
