#include "init/sys/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "init/sys/bug.h"
#include "init/sys/err.h"

static struct {
    bool guarded;
    struct rlimit core;
    struct sigaction pipe, child;
} before;

static void end_as_bug(int number)
{
    (void)number;
    _exit(ERR_BUG);
}

static void end_by_signal(int number)
{
    _exit(128 + number);
}

static void handle(int number, void (*handler)(int), struct sigaction *old)
{
    struct sigaction action = {.sa_handler = handler};
    ensure(sigaction(number, &action, old) == 0);
}

static void take_closed_descriptors(void)
{
    /* standard output gets a descriptor that cannot be written: an answer must not vanish */
    static const int modes[] = {O_RDONLY, O_RDONLY, O_RDWR};
    struct pollfd fds[3] = {{.fd = 0}, {.fd = 1}, {.fd = 2}};
    if (poll(fds, 3, 0) <= 0)
        return;
    for (int i = 0; i < 3; i++)
        if ((fds[i].revents & POLLNVAL) != 0 && open("/dev/null", modes[i]) < 0)
            _exit(ERR_IO);
}

void process_open(void)
{
    take_closed_descriptors();
    handle(SIGPIPE, SIG_IGN, &before.pipe);
    handle(SIGCHLD, SIG_DFL, &before.child); /* ignored, how a program ended could not be told */
    handle(SIGABRT, end_as_bug, NULL);
    if (getpid() == 1) {
        /* the kernel drops signals of default action that are sent to a namespace's first process
         */
        handle(SIGTERM, end_by_signal, NULL);
        handle(SIGINT, end_by_signal, NULL);
    }
}

void process_guard_secrets(void)
{
    if (getrlimit(RLIMIT_CORE, &before.core) == 0) {
        struct rlimit none = {.rlim_cur = 0, .rlim_max = before.core.rlim_max};
        before.guarded = setrlimit(RLIMIT_CORE, &none) == 0;
    }
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void process_restore(void)
{
    (void)sigaction(SIGPIPE, &before.pipe, NULL);
    (void)sigaction(SIGCHLD, &before.child, NULL);
    if (before.guarded)
        (void)setrlimit(RLIMIT_CORE, &before.core);
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}
