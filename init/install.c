#include "init/install.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/sys/file.h"
#include "init/sys/log.h"

static bool make_dirs(const char *dir, struct err *err)
{
    char path[PATH_MAX];
    if (!file_join(path, dir, "", err))
        return false;
    for (char *at = path + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(path, 0755) != 0 && errno != EEXIST)
            return err_errno(err, errno, "cannot make the directory '%s'", path);
        *at = '/';
    }
    return true;
}

/* Copies this program to PATH. Mapping it lets file_write do the rest: a program that is there
 * already stays, a new one appears whole or not at all. */
static bool copy_self(const char *path, bool *written, struct err *err)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "cannot open this program by '/proc/self/exe'");
    bool done = false;
    struct stat status;
    if (fstat(fd, &status) != 0) {
        err_errno(err, errno, "cannot read '/proc/self/exe'");
        goto out;
    }
    size_t size = (size_t)status.st_size;
    void *program = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (program == MAP_FAILED) {
        err_errno(err, errno, "cannot read '/proc/self/exe'");
        goto out;
    }
    done = file_write(path, program, size, 0555, written, err);
    (void)munmap(program, size);
out:
    (void)close(fd);
    return done;
}

/* A program that cannot start, said now and not by the container that needs it. */
static bool explain_spawn(int number, const char *path, struct err *err)
{
    struct statvfs volume;
    bool noexec = statvfs(path, &volume) == 0 && (volume.f_flag & ST_NOEXEC) != 0;
    if (noexec) {
        return err_set(err, ERR_CONFIG,
                       "'%s' cannot be started: the volume is mounted noexec; an emptyDir without "
                       "that option is needed",
                       path);
    }
    return err_errno(err, number, "'%s' cannot be started", path);
}

static bool try_copy(const char *path, struct err *err)
{
    char name[] = "ordain";
    char flag[] = "--version";
    char *const arguments[] = {name, flag, NULL};
    char *const environment[] = {NULL};
    pid_t child;
    posix_spawn_file_actions_t actions;
    int number = posix_spawn_file_actions_init(&actions);
    if (number != 0)
        return err_errno(err, number, "cannot start '%s'", path);
    number = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (number == 0)
        number = posix_spawn(&child, path, &actions, NULL, arguments, environment);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (number != 0)
        return explain_spawn(number, path, err);
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return err_errno(err, errno, "cannot wait for '%s'", path);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return err_set(err, ERR_IO, "'%s --version' failed: %s %d", path,
                       WIFEXITED(status) ? "status" : "signal",
                       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    }
    return true;
}

bool install_self(const char *dir, struct err *err)
{
    char path[PATH_MAX];
    bool written = false;
    if (!make_dirs(dir, err) || !file_join(path, dir, "ordain", err) ||
        !copy_self(path, &written, err) || !try_copy(path, err))
        return false;
    if (written)
        log_info("installed '%s'", path);
    else
        log_info("'%s' is this program already", path);
    return true;
}
