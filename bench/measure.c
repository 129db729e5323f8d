/*
 * measure [-q] [-t] ROUNDS OUT --- CMD ... [--- CMD ...]: runs the commands in turn, ROUNDS times, and appends to OUT a line
 * for each run:
 *
 *     number of the command, wall us, CPU us, page faults, ru_maxrss KiB, VmHWM KiB, exit status
 *
 * CPU is user and system time of that child alone (wait4), spawned by vfork: no copy of an address space is counted. This
 * program is static and small on purpose: ru_maxrss of a child starts at what its parent had. -t traces each child instead
 * of timing it and reads VmHWM, the peak that the process itself had, at its exit (0 without -t). -q: output to /dev/null.
 * The exit status is the last command's.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS_MAX 16

struct result {
    long wall_us, hwm_kb;
    struct rusage usage;
    int status;
};

static long now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static long high_water_kb(pid_t pid)
{
    char path[64];
    char text[4096];
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    close(fd);
    text[len > 0 ? len : 0] = '\0';
    const char *at = strstr(text, "VmHWM:");
    return at == NULL ? 0 : strtol(at + 6, NULL, 10);
}

/* Follows a traced child to its end; its memory is still there at the exit event. */
static void follow(pid_t pid, struct result *result)
{
    bool first = true;
    while (wait4(pid, &result->status, 0, &result->usage) == pid && WIFSTOPPED(result->status)) {
        int number = WSTOPSIG(result->status);
        if (first)
            ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL);
        if (result->status >> 8 == (SIGTRAP | (PTRACE_EVENT_EXIT << 8)))
            result->hwm_kb = high_water_kb(pid);
        bool ours = first || result->status >> 16 != 0;
        first = false;
        ptrace(PTRACE_CONT, pid, 0, ours ? 0 : number);
    }
}

static struct result run(char **argv, bool quiet, bool trace, int null)
{
    struct result result = {0};
    long began_us = now_us();
    pid_t pid = vfork();
    if (pid == 0) {
        if (quiet && (dup2(null, 1) < 0 || dup2(null, 2) < 0))
            _exit(126);
        if (trace)
            ptrace(PTRACE_TRACEME, 0, 0, 0);
        execvp(argv[0], argv);
        _exit(127);
    }
    if (pid < 0) {
        perror("vfork");
        exit(1);
    }
    if (trace)
        follow(pid, &result);
    else
        wait4(pid, &result.status, 0, &result.usage);
    result.wall_us = now_us() - began_us;
    return result;
}

static long used_us(const struct rusage *usage)
{
    return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000 + usage->ru_utime.tv_usec +
           usage->ru_stime.tv_usec;
}

int main(int argc, char **argv)
{
    bool quiet = false;
    bool trace = false;
    int option;
    while ((option = getopt(argc, argv, "+qt")) != -1) {
        quiet = quiet || option == 'q';
        trace = trace || option == 't';
    }
    char **commands[COMMANDS_MAX];
    int count = 0;
    for (int i = optind + 2; i < argc - 1; i++) {
        if (strcmp(argv[i], "---") != 0)
            continue;
        argv[i] = NULL;
        if (count < COMMANDS_MAX)
            commands[count++] = argv + i + 1;
    }
    if (optind + 2 >= argc || count == 0) {
        fprintf(stderr, "usage: measure [-q] [-t] ROUNDS OUT --- CMD ... [--- CMD ...]\n");
        return 64;
    }
    int rounds = atoi(argv[optind]);
    int out = open(argv[optind + 1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (out < 0 || null < 0) {
        perror(argv[optind + 1]);
        return 1;
    }
    int status = 0;
    for (int i = 0; i < rounds * count; i++) {
        struct result result = run(commands[i % count], quiet, trace, null);
        status =
            WIFEXITED(result.status) ? WEXITSTATUS(result.status) : 128 + WTERMSIG(result.status);
        dprintf(out, "%d %ld %ld %ld %ld %ld %d\n", i % count, result.wall_us,
                used_us(&result.usage), result.usage.ru_minflt, result.usage.ru_maxrss,
                result.hwm_kb, status);
    }
    return status;
}
