#include "init/sys/termination.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE_MAX 1024

void termination_write(const char *path, const char *message)
{
    if (path[0] == '\0')
        path = TERMINATION_PATH;
    /* O_NONBLOCK: a pipe without a reader must not hold up the end of a command */
    int fd = open(path, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return;
    size_t length = strlen(message);
    (void)!write(fd, message, length < MESSAGE_MAX ? length : MESSAGE_MAX);
    (void)close(fd);
}
