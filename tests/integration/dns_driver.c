/*
 * The parts of init/net/dns.h that no command shows as they are, for test_dns.py. The resolver is that of
 * /etc/resolv.conf; times are milliseconds.
 *
 *   all NAME TIMEOUT                     dns_ask_all: the addresses, a line each
 *   ask TIMEOUT NAME...                  dns_ask: a line "OUTCOME ADDRESS,..." each
 *   wait TIMEOUT NEEDED NAME...          dns_wait: the same, then "all" or "not all"
 *   open COUNT                           dns_open and dns_close: microseconds each
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/net/dns.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"

#define NAMES_MAX 2000

static struct err err;

static void fail(void)
{
    fprintf(stderr, "error: %s\n", err.message);
    exit((int)err.kind);
}

static struct dns *open_dns(void)
{
    struct dns *dns;
    if (!dns_open(&dns, NULL, ADDR_NONE, &err))
        fail();
    return dns;
}

static void print(const struct dns_answer *answers, size_t count)
{
    static const char *const outcomes[] = {"unknown", "failed", "absent", "found"};
    for (size_t i = 0; i < count; i++) {
        printf("%s", outcomes[answers[i].outcome]);
        for (size_t j = 0; j < answers[i].count; j++)
            printf("%s%s", j == 0 ? " " : ",", answers[i].addrs[j].text);
        printf("\n");
    }
}

static void ask_all(const char *name, int timeout_ms)
{
    struct addr *addrs;
    size_t count;
    struct dns *dns = open_dns();
    bool good = dns_ask_all(dns, name, &addrs, &count, clock_deadline_ns(timeout_ms), &err);
    dns_close(dns);
    if (!good)
        fail();
    for (size_t i = 0; i < count; i++)
        printf("%s\n", addrs[i].text);
    free(addrs);
}

static void ask(int timeout_ms, const char *const *names, size_t count)
{
    static struct dns_answer answers[NAMES_MAX];
    struct dns *dns = open_dns();
    bool good = dns_ask(dns, names, answers, count, clock_deadline_ns(timeout_ms), &err);
    dns_close(dns);
    if (!good)
        fail();
    print(answers, count);
}

static void wait_for(int timeout_ms, size_t needed, const char *const *names, size_t count)
{
    static struct dns_answer answers[NAMES_MAX];
    bool all_found;
    struct dns *dns = open_dns();
    bool good = dns_wait(dns, names, answers, count, needed, clock_deadline_ns(timeout_ms),
                         &all_found, &err);
    dns_close(dns);
    if (!good)
        fail();
    print(answers, count);
    printf("%s\n", all_found ? "all" : "not all");
}

static void time_open(int count)
{
    int64_t start_ns = clock_now_ns();
    for (int i = 0; i < count; i++)
        dns_close(open_dns());
    printf("%lld\n", (long long)((clock_now_ns() - start_ns) / 1000 / count));
}

int main(int argc, char **argv)
{
    const char *const *words = (const char *const *)argv;
    log_open(false, LOG_LEVEL_DEBUG, NULL);
    if (argc == 4 && strcmp(argv[1], "all") == 0)
        ask_all(argv[2], atoi(argv[3]));
    else if (argc >= 3 && argc < NAMES_MAX && strcmp(argv[1], "ask") == 0)
        ask(atoi(argv[2]), words + 3, (size_t)argc - 3);
    else if (argc >= 4 && argc < NAMES_MAX && strcmp(argv[1], "wait") == 0)
        wait_for(atoi(argv[2]), (size_t)atoi(argv[3]), words + 4, (size_t)argc - 4);
    else if (argc == 3 && strcmp(argv[1], "open") == 0)
        time_open(atoi(argv[2]));
    else
        return 64;
    return 0;
}
