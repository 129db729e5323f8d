#include <stdio.h>
#include <stdlib.h>

#include "init/command.h"
#include "init/identity.h"
#include "init/net/dns.h"
#include "init/sys/clock.h"

#define ROUND_MS 2000

struct peer {
    int ordinal;
    char dns_name[IDENTITY_NAME_MAX];
};

/* "10.0.0.1" between LEFT and RIGHT, one after the other with BETWEEN. */
static void print_addrs(const struct dns_answer *answer, const char *quote, const char *between)
{
    for (size_t i = 0; i < answer->count; i++)
        printf("%s%s%s%s", i > 0 ? between : "", quote, answer->addrs[i].text, quote);
}

static void print_text(const struct identity *identity, const struct peer *peers,
                       const struct dns_answer *answers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char name[IDENTITY_NAME_MAX];
        char host[IDENTITY_NAME_MAX];
        identity_pod_name(identity, peers[i].ordinal, name);
        identity_host_name(identity, peers[i].ordinal, host);
        printf("%d %s %s ", peers[i].ordinal, name, host);
        print_addrs(&answers[i], "", ",");
        printf("%s\n", answers[i].count == 0 ? "-" : "");
    }
}

/* Every text in it is a name of label characters or an address: nothing needs to be quoted. */
static void print_json(const struct identity *identity, const struct peer *peers,
                       const struct dns_answer *answers, size_t count)
{
    static const char *const outcomes[] = {[DNS_UNKNOWN] = "unknown",
                                           [DNS_FAILED] = "unknown",
                                           [DNS_ABSENT] = "absent",
                                           [DNS_FOUND] = "found"};
    printf("{\"version\": 1, \"peers\": [");
    for (size_t i = 0; i < count; i++) {
        char name[IDENTITY_NAME_MAX];
        char host[IDENTITY_NAME_MAX];
        identity_pod_name(identity, peers[i].ordinal, name);
        identity_host_name(identity, peers[i].ordinal, host);
        printf("%s\n  {\"ordinal\": %d, \"name\": \"%s\", \"host\": \"%s\", \"outcome\": \"%s\", "
               "\"addresses\": [",
               i > 0 ? "," : "", peers[i].ordinal, name, host, outcomes[answers[i].outcome]);
        print_addrs(&answers[i], "\"", ", ");
        printf("]}");
    }
    printf("\n]}\n");
}

static bool ask(struct peer *peers, struct dns_answer *answers, const char **names, size_t count,
                const struct identity *identity, int64_t deadline_ns, struct err *err)
{
    struct dns *dns;
    for (size_t i = 0; i < count; i++) {
        peers[i].ordinal = identity->ordinal_start + (int)i;
        identity_dns_name(identity, peers[i].ordinal, peers[i].dns_name);
        names[i] = peers[i].dns_name;
    }
    if (!dns_open(&dns, NULL, identity->pod_ip.family, err))
        return false;
    bool good = dns_ask(dns, names, answers, count, deadline_ns, err);
    dns_close(dns);
    return good;
}

/* `ordain peers`: one round, 1 when a name has no address, 75 when no name server answers. */
bool command_peers(const struct invocation *inv, int *status, struct err *err)
{
    const struct settings *settings = inv->settings;
    struct identity identity;
    if (!identity_read(&identity, settings, false, true, err))
        return false;
    if (settings->replicas == 0) {
        return err_set(err, ERR_CONFIG,
                       "--replicas (ORDAIN_REPLICAS) is not set: the number of pods at birth");
    }
    size_t count = (size_t)settings->replicas;
    struct peer *peers = calloc(count, sizeof *peers);
    struct dns_answer *answers = calloc(count, sizeof *answers);
    const char **names = calloc(count, sizeof *names);
    bool good = peers != NULL && answers != NULL && names != NULL;
    if (!good) {
        err_set(err, ERR_IO, "out of memory for %zu peers", count);
        goto out;
    }
    int64_t deadline_ns = inv->deadline_ns;
    if (settings->timeout_ms == 0)
        deadline_ns = clock_part_ns(deadline_ns, ROUND_MS);
    good = ask(peers, answers, names, count, &identity, deadline_ns, err);
    if (!good)
        goto out;
    if (settings->output == OUTPUT_JSON)
        print_json(&identity, peers, answers, count);
    else
        print_text(&identity, peers, answers, count);
    for (size_t i = 0; i < count; i++)
        *status = answers[i].outcome == DNS_FOUND ? *status : 1;
out:
    free(peers);
    free(answers);
    free(names);
    return good;
}
