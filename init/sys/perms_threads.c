#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init/sys/perms_internal.h"

#define THREADS_MAX 2

int perms_quota_parse(const char *text)
{
    char *end;
    long long quota = strtoll(text, &end, 10);
    long long period = end != text ? strtoll(end, NULL, 10) : 0;
    if (quota <= 0 || period <= 0)
        return INT_MAX; /* "max 100000", or -1 of cgroup v1 */
    return quota / period < INT_MAX ? (int)(quota / period) : INT_MAX;
}

static bool read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, size - 1) : -1;
    if (fd >= 0)
        (void)close(fd);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

/* The strictest limit of this process's group and those above it (one namespace deep: "/"). */
static int quota_v2(void)
{
    char groups[4096];
    char path[4096 + 64];
    char text[64];
    int least = INT_MAX;
    if (!read_text("/proc/self/cgroup", groups, sizeof groups))
        return least;
    const char *own = strstr(groups, "0::/");
    char *group = groups;
    if (own == NULL)
        return least;
    size_t length = strcspn(own + 3, "\n");
    memmove(group, own + 3, length);
    group[length] = '\0';
    for (;;) {
        (void)snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
        if (read_text(path, text, sizeof text) && perms_quota_parse(text) < least)
            least = perms_quota_parse(text);
        char *slash = strrchr(group, '/');
        if (slash == NULL)
            return least;
        *slash = '\0';
    }
}

static int quota_v1(void)
{
    char quota[32];
    char period[32];
    char both[80];
    if (!read_text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota, sizeof quota) ||
        !read_text("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period, sizeof period))
        return INT_MAX;
    quota[strcspn(quota, "\n")] = '\0';
    (void)snprintf(both, sizeof both, "%s %s", quota, period);
    return perms_quota_parse(both);
}

bool perms_is_processor_free(const char *loadavg, long processors)
{
    const char *at = loadavg;
    for (int i = 0; i < 3; i++) {
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    char *end;
    long running = strtol(at, &end, 10);
    return end == at || *end != '/' || running < processors;
}

int perms_threads(void)
{
    char text[128];
    cpu_set_t set;
    int threads = THREADS_MAX;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) < threads)
        threads = CPU_COUNT(&set);
    if (read_text("/proc/loadavg", text, sizeof text) &&
        !perms_is_processor_free(text, sysconf(_SC_NPROCESSORS_ONLN)))
        return 1;
    int quota = quota_v2();
    int older = quota_v1();
    quota = older < quota ? older : quota;
    threads = quota < threads ? quota : threads;
    return threads > 0 ? threads : 1;
}
