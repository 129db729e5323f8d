#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "init/postgres/datadir.h"
#include "init/sys/clock.h"
#include "init/sys/file.h"

bool datadir_has_mark(const struct datadir *datadir, const char *suffix)
{
    char path[4096];
    struct err ignored;
    struct stat status;
    return datadir_beside(datadir, suffix, path, &ignored) && lstat(path, &status) == 0;
}

bool datadir_write_mark(const struct datadir *datadir, const char *suffix, const char *text,
                        struct err *err)
{
    char path[4096];
    return datadir_beside(datadir, suffix, path, err) &&
           file_write(path, text, strlen(text), 0644, NULL, err);
}

bool datadir_remove_mark(const struct datadir *datadir, const char *suffix, struct err *err)
{
    char path[4096];
    return datadir_beside(datadir, suffix, path, err) && file_remove(path, err);
}

void datadir_beat(const struct datadir *datadir, const char *suffix)
{
    char path[4096];
    struct err ignored;
    if (!datadir_beside(datadir, suffix, path, &ignored))
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0)
        return;
    (void)futimens(fd, NULL);
    (void)close(fd);
}

int64_t datadir_beat_age_s(const struct datadir *datadir, const char *suffix)
{
    char path[4096];
    struct err ignored;
    struct stat status;
    if (!datadir_beside(datadir, suffix, path, &ignored) || lstat(path, &status) != 0)
        return DATADIR_NO_BEAT;
    return clock_wall_ms() / 1000 - (int64_t)status.st_mtim.tv_sec;
}
