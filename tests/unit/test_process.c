#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "init/sys/bug.h"
#include "init/sys/clock.h"
#include "init/sys/process.h"
#include "init/sys/random.h"
#include "init/sys/run.h"

/* The exit status of WORK in a process of its own, its standard error thrown away; 1000 and the
 * number for a signal. */
static int status_of(void (*work)(void))
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(STDERR_FILENO);
        (void)open("/dev/null", O_WRONLY);
        work();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void break_a_promise(void)
{
    ensure(1 + 1 == 3);
}

static void fail_an_assert(void)
{
    process_open();
    /* what a failed assert ends in */
    abort();
}

static void ask_for_nothing(void)
{
    (void)random_below(0);
}

static void a_broken_promise_ends_with_status_70(void **state)
{
    (void)state;
    assert_int_equal(status_of(break_a_promise), 70);
    assert_int_equal(status_of(fail_an_assert), 70);
    assert_int_equal(status_of(ask_for_nothing), 70);
}

static void write_into_a_closed_pipe(void)
{
    int ends[2];
    process_open();
    if (pipe(ends) != 0 || close(ends[0]) != 0)
        _exit(2);
    _exit(write(ends[1], "x", 1) == -1 ? 0 : 3);
}

static void a_closed_pipe_is_an_error_and_no_signal(void **state)
{
    (void)state;
    assert_int_equal(status_of(write_into_a_closed_pipe), 0);
}

static void close_all_and_open(void)
{
    for (int fd = 0; fd < 3; fd++)
        (void)close(fd);
    process_open();
    /* no later file may become a standard stream, and nobody takes an answer that is lost */
    int fd = open("/dev/null", O_RDWR);
    _exit(fd > 2 && write(STDOUT_FILENO, "x", 1) == -1 && write(STDERR_FILENO, "x", 1) == 1 ? 0
                                                                                            : 1);
}

static void close_only_standard_output(void)
{
    (void)close(STDOUT_FILENO);
    process_open();
    _exit(write(STDOUT_FILENO, "x", 1) == -1 && open("/dev/null", O_RDWR) > 2 ? 0 : 1);
}

static void closed_standard_descriptors_are_taken(void **state)
{
    (void)state;
    assert_int_equal(status_of(close_all_and_open), 0);
    assert_int_equal(status_of(close_only_standard_output), 0);
}

static void guard_and_look(void)
{
    struct rlimit core;
    process_open();
    process_guard_secrets();
    _exit(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 &&
                  prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0
              ? 0
              : 1);
}

static void guard_restore_and_look(void)
{
    struct rlimit before, after;
    struct sigaction pipe_before, pipe_after;
    if (getrlimit(RLIMIT_CORE, &before) != 0 || sigaction(SIGPIPE, NULL, &pipe_before) != 0)
        _exit(2);
    process_open();
    process_guard_secrets();
    process_restore();
    _exit(getrlimit(RLIMIT_CORE, &after) == 0 && after.rlim_cur == before.rlim_cur &&
                  after.rlim_max == before.rlim_max && sigaction(SIGPIPE, NULL, &pipe_after) == 0 &&
                  pipe_after.sa_handler == pipe_before.sa_handler &&
                  prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1
              ? 0
              : 1);
}

static void secrets_are_guarded_and_the_next_program_starts_as_before(void **state)
{
    (void)state;
    assert_int_equal(status_of(guard_and_look), 0);
    assert_int_equal(status_of(guard_restore_and_look), 0);
}

static int status_of_false(void)
{
    static const char *const argv[] = {"/bin/false", NULL};
    static const char *const more[] = {NULL};
    struct err err = {0};
    int status = -1;
    return run_program(argv, more, clock_deadline_ns(20000), &status, &err) ? status : -1;
}

static void run_where_nobody_hears_of_ends(void)
{
    (void)signal(SIGCHLD, SIG_IGN);
    bool told = status_of_false() != -1; /* the kernel has thrown its status away */
    process_open();
    int status = status_of_false();
    process_restore();
    _exit(!told && status == 1 && signal(SIGCHLD, SIG_DFL) == SIG_IGN ? 0 : 1);
}

static void a_program_that_failed_never_counts_as_done(void **state)
{
    (void)state;
    assert_int_equal(status_of(run_where_nobody_hears_of_ends), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_promise_ends_with_status_70),
        cmocka_unit_test(a_closed_pipe_is_an_error_and_no_signal),
        cmocka_unit_test(closed_standard_descriptors_are_taken),
        cmocka_unit_test(secrets_are_guarded_and_the_next_program_starts_as_before),
        cmocka_unit_test(a_program_that_failed_never_counts_as_done),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
