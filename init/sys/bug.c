#include "init/sys/bug.h"

#include <stdio.h>
#include <unistd.h>

#include "init/sys/err.h"

_Noreturn void bug_exit(const char *file, int line, const char *condition)
{
    /* no stdio stream and no allocation: whatever is broken must not stand in the way */
    char text[512];
    int length = snprintf(text, sizeof text, "ordain: bug: %s:%d: '%s' does not hold\n", file, line,
                          condition);
    if (length > 0) {
        size_t size = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
        (void)!write(STDERR_FILENO, text, size);
    }
    _exit(ERR_BUG);
}
