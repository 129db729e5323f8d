#include "init/sys/run.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/sys/clock.h"

#define LOOK_MS 20

static size_t length(const char *const *list)
{
    size_t count = 0;
    while (list[count] != NULL)
        count++;
    return count;
}

static bool start(const char *const *argv, const char *const *more, pid_t *pid, struct err *err)
{
    size_t own = length((const char *const *)environ);
    size_t added = length(more);
    const char **all = calloc(own + added + 1, sizeof *all);
    posix_spawn_file_actions_t actions;
    if (all == NULL)
        return err_set(err, ERR_IO, "out of memory");
    memcpy(all, more, added * sizeof *all); /* first, so that they win */
    memcpy(all + added, environ, own * sizeof *all);
    int number = posix_spawn_file_actions_init(&actions);
    if (number == 0) {
        number = posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
        if (number == 0)
            number =
                posix_spawn(pid, argv[0], &actions, NULL, (char *const *)argv, (char *const *)all);
        (void)posix_spawn_file_actions_destroy(&actions);
    }
    free(all);
    return number == 0 || err_errno(err, number, "cannot start '%s'", argv[0]);
}

bool run_program(const char *const *argv, const char *const *more, int64_t deadline_ns, int *status,
                 struct err *err)
{
    pid_t pid;
    int ended = 0;
    if (!start(argv, more, &pid, err))
        return false;
    pid_t gone = 0;
    while ((gone = waitpid(pid, &ended, WNOHANG)) == 0) {
        if (clock_pause(LOOK_MS, deadline_ns))
            continue;
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, &ended, 0);
        return err_set(err, ERR_LATER, "'%s' did not end in time", argv[0]);
    }
    if (gone != pid)
        return err_errno(err, errno, "how '%s' ended cannot be told", argv[0]);
    *status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
    return true;
}
