#include "init/net/dns.h"

#include <ares.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "init/net/addr_set.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"

#define RESOLV_CONF "/etc/resolv.conf"

/* A name server inside the cluster answers within milliseconds: a dead one of several may cost half
 * a second, not c-ares' two. Each further trip through the servers takes twice as long. */
#define SERVER_TIMEOUT_MS 500
#define TRIPS 2
#define RETRY_PAUSE_MS 100
/* The record size that no path fragments (DNS flag day 2020); a larger answer comes by TCP. */
#define EDNS_BYTES 1232
/* Names asked for at the same time. All pods of a StatefulSet ask at the same moment, each for all: 60
 * pods with 128 questions each overrun the name server's receive buffer, and what is lost costs
 * SERVER_TIMEOUT_MS. */
#define NAMES_AT_ONCE 4
#define FDS_MAX 64
#define CNAMES_MAX 16
/* All that fits into the answers to A and AAAA, 65535 bytes each. */
#define ADDRS_MAX 8192
/* How long names that nobody needs may still take once the needed ones are there. */
#define GRACE_MS 1000

/* A channel of c-ares and the sockets that it waits for. */
struct resolver {
    ares_channel_t *channel;
    struct pollfd fds[FDS_MAX];
    size_t fd_count;
};

struct dns {
    struct resolver first; /* goes on to the next server after one's SERVFAIL, REFUSED or silence */
    struct resolver last;  /* takes any server's word; opened when `first` heard none */
    const char *path;
    enum addr_family family;
    bool told_unusable;
};

/* One name on its way. */
struct lookup {
    struct dns *dns;
    const char *name;
    size_t *under_way; /* names of the round that wait for a server */
    int queries;       /* of this name that wait for a server */
    bool answered;     /* by some server, in whatever way */
    bool
        failed; /* a query of it ended otherwise than with addresses or the word that there are none */
    struct addr_set found;
};

static void sock_state(void *data, ares_socket_t fd, int readable, int writable)
{
    struct resolver *resolver = data;
    size_t i = 0;
    while (i < resolver->fd_count && resolver->fds[i].fd != fd)
        i++;
    if (!readable && !writable) {
        if (i < resolver->fd_count)
            resolver->fds[i] = resolver->fds[--resolver->fd_count];
        return;
    }
    if (i == resolver->fd_count) {
        if (i == FDS_MAX)
            return; /* its queries time out and go to another server */
        resolver->fd_count++;
    }
    int events = (readable ? POLLIN : 0) | (writable ? POLLOUT : 0);
    resolver->fds[i] = (struct pollfd){.fd = fd, .events = (short)events};
}

static bool resolver_open(struct resolver *resolver, const char *path, int more_flags,
                          struct err *err)
{
    char own_path[4096];
    struct ares_options options = {
        .flags = ARES_FLAG_EDNS | ARES_FLAG_NO_DFLT_SVR | ARES_FLAG_NOSEARCH | more_flags,
        .timeout = SERVER_TIMEOUT_MS,
        .tries = TRIPS,
        .ednspsz = EDNS_BYTES,
        .sock_state_cb = sock_state,
        .sock_state_cb_data = resolver,
        .qcache_max_ttl = 0, /* on by default; it would remember for an hour that a pod is absent */
        .server_failover_opts = {.retry_chance = 0},
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
               ARES_OPT_SOCK_STATE_CB | ARES_OPT_QUERY_CACHE | ARES_OPT_SERVER_FAILOVER |
               ARES_OPT_NOROTATE | ARES_OPT_RESOLVCONF;
    size_t len = strlen(path);
    if (len >= sizeof own_path)
        return err_set(err, ERR_CONFIG, "the path '%.60s...' is too long", path);
    memcpy(own_path, path, len + 1);
    options.resolvconf_path = own_path;
    int status = ares_library_init(ARES_LIB_INIT_ALL);
    if (status == ARES_SUCCESS)
        status = ares_init_options(&resolver->channel, &options, mask);
    if (status == ARES_SUCCESS)
        return true;
    resolver->channel = NULL;
    if (status == ARES_ENOSERVER) {
        return err_set(err, ERR_CONFIG, "no name server in '%s'%s", path,
                       access(path, R_OK) == 0 ? "" : ": the file cannot be read");
    }
    return err_set(err, ERR_IO, "cannot start the DNS resolver: %s", ares_strerror(status));
}

bool dns_open(struct dns **dns, const char *path, enum addr_family family, struct err *err)
{
    struct dns *made = calloc(1, sizeof *made);
    if (made == NULL)
        return err_set(err, ERR_IO, "out of memory for the DNS resolver");
    made->path = path != NULL ? path : RESOLV_CONF;
    made->family = family;
    if (!resolver_open(&made->first, made->path, 0, err)) {
        free(made);
        return false;
    }
    *dns = made;
    return true;
}

void dns_close(struct dns *dns)
{
    if (dns == NULL)
        return;
    ares_destroy(dns->first.channel);
    if (dns->last.channel != NULL)
        ares_destroy(dns->last.channel);
    free(dns);
}

static void keep(struct lookup *lookup, const struct addr *addr)
{
    struct dns *dns = lookup->dns;
    if (!addr_is_usable(addr)) {
        if (!dns->told_unusable) {
            log_warn("DNS gives '%s' the address %s, which no pod can have: left out", lookup->name,
                     addr->text);
            dns->told_unusable = true;
        }
        return;
    }
    if (dns->family == ADDR_NONE || addr->family == dns->family)
        addr_set_add(&lookup->found, addr);
}

/* Keeps the addresses that OWNER has in the answer; *target is what OWNER is an alias of, or NULL.
 */
static void take_owner(struct lookup *lookup, const ares_dns_record_t *record, const char *owner,
                       const char **target)
{
    size_t count = ares_dns_record_rr_cnt(record, ARES_SECTION_ANSWER);
    *target = NULL;
    for (size_t i = 0; i < count; i++) {
        const ares_dns_rr_t *rr = ares_dns_record_rr_get_const(record, ARES_SECTION_ANSWER, i);
        if (rr == NULL || ares_dns_rr_get_class(rr) != ARES_CLASS_IN ||
            strcasecmp(ares_dns_rr_get_name(rr), owner) != 0)
            continue;
        struct addr addr;
        const void *bytes = NULL;
        ares_dns_rec_type_t type = ares_dns_rr_get_type(rr);
        if (type == ARES_REC_TYPE_A)
            bytes = ares_dns_rr_get_addr(rr, ARES_RR_A_ADDR);
        else if (type == ARES_REC_TYPE_AAAA)
            bytes = ares_dns_rr_get_addr6(rr, ARES_RR_AAAA_ADDR);
        else if (type == ARES_REC_TYPE_CNAME)
            *target = ares_dns_rr_get_str(rr, ARES_RR_CNAME_CNAME);
        if (bytes != NULL &&
            addr_from_bytes(&addr, type == ARES_REC_TYPE_A ? ADDR_IPV4 : ADDR_IPV6, bytes))
            keep(lookup, &addr);
    }
}

static void take_answer(struct lookup *lookup, const ares_dns_record_t *record)
{
    const char *owner;
    ares_dns_rec_type_t type;
    ares_dns_class_t class;
    if (ares_dns_record_query_get(record, 0, &owner, &type, &class) != ARES_SUCCESS)
        return;
    for (int aliases = 0; owner != NULL && aliases < CNAMES_MAX; aliases++)
        take_owner(lookup, record, owner, &owner);
}

/* True when STATUS is what some server said, in contrast to silence, refusal to connect and
 * garbage. */
static bool is_word_of_a_server(ares_status_t status)
{
    return status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND ||
           status == ARES_ESERVFAIL || status == ARES_EREFUSED || status == ARES_ENOTIMP ||
           status == ARES_EFORMERR;
}

static void answered(void *data, ares_status_t status, size_t timeouts,
                     const ares_dns_record_t *record)
{
    (void)timeouts;
    struct lookup *lookup = data;
    bool known = status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND;
    lookup->failed = lookup->failed || !known;
    if (is_word_of_a_server(status))
        lookup->answered = true;
    if (status == ARES_SUCCESS && record != NULL)
        take_answer(lookup, record);
    if (status != ARES_SUCCESS && status != ARES_ECANCELLED)
        log_debug("DNS: '%s': %s", lookup->name, ares_strerror((int)status));
    if (--lookup->queries == 0)
        --*lookup->under_way;
}

static void ask(struct resolver *resolver, struct lookup *lookup)
{
    enum addr_family family = lookup->dns->family;
    ++*lookup->under_way;
    lookup->queries = family == ADDR_NONE ? 2 : 1;
    /* the callback is called once for each, perhaps before the return */
    if (family != ADDR_IPV6) {
        (void)ares_query_dnsrec(resolver->channel, lookup->name, ARES_CLASS_IN, ARES_REC_TYPE_A,
                                answered, lookup, NULL);
    }
    if (family != ADDR_IPV4) {
        (void)ares_query_dnsrec(resolver->channel, lookup->name, ARES_CLASS_IN, ARES_REC_TYPE_AAAA,
                                answered, lookup, NULL);
    }
}

/* Waits for the sockets, c-ares' own time-outs or the deadline, whichever comes first. */
static void drive(struct resolver *resolver, int64_t deadline_ns)
{
    int wait_ms = clock_left_ms(deadline_ns);
    struct timeval next;
    if (ares_timeout(resolver->channel, NULL, &next) != NULL) {
        int64_t next_ms = (int64_t)next.tv_sec * 1000 + (next.tv_usec + 999) / 1000;
        wait_ms = next_ms < wait_ms ? (int)next_ms : wait_ms;
    }
    struct pollfd fds[FDS_MAX];
    ares_fd_events_t events[FDS_MAX];
    size_t count = resolver->fd_count;
    size_t ready = 0;
    memcpy(fds, resolver->fds, count * sizeof *fds);
    if (poll(fds, count, wait_ms) < 0)
        count = 0; /* a signal: let the time-outs be looked at */
    for (size_t i = 0; i < count; i++) {
        unsigned mask = 0;
        mask |= (fds[i].revents & ~POLLOUT) != 0 ? ARES_FD_EVENT_READ : 0U;
        mask |= (fds[i].revents & POLLOUT) != 0 ? ARES_FD_EVENT_WRITE : 0U;
        if (mask != 0)
            events[ready++] = (ares_fd_events_t){.fd = fds[i].fd, .events = mask};
    }
    (void)ares_process_fds(resolver->channel, events, ready, ARES_PROCESS_FLAG_NONE);
}

static bool all_answered(const struct lookup *lookups, size_t count)
{
    while (count > 0 && lookups[count - 1].answered && lookups[count - 1].queries == 0)
        count--;
    return count == 0;
}

/* Asks once for what is not answered, until all is, *end_ns comes, or what is needed has been there
 * for the time of grace. */
static void pass(struct resolver *resolver, struct lookup *lookups, size_t count, size_t needed,
                 size_t *under_way, int64_t *end_ns)
{
    size_t next = 0;
    bool graced = false;
    for (;;) {
        for (; next < count && *under_way < NAMES_AT_ONCE; next++)
            if (!lookups[next].answered)
                ask(resolver, &lookups[next]);
        if (*under_way == 0 && next == count)
            return;
        if (!graced && all_answered(lookups, needed)) {
            *end_ns = clock_part_ns(*end_ns, GRACE_MS);
            graced = true;
        }
        if (clock_expired(*end_ns)) {
            ares_cancel(resolver->channel);
            return;
        }
        drive(resolver, *end_ns);
    }
}

static void run(struct dns *dns, struct lookup *lookups, size_t count, size_t needed,
                int64_t deadline_ns)
{
    struct resolver *resolver = &dns->first;
    struct err ignored;
    size_t under_way = 0;
    for (size_t i = 0; i < count; i++)
        lookups[i].under_way = &under_way;
    for (;;) {
        pass(resolver, lookups, count, needed, &under_way, &deadline_ns);
        if (all_answered(lookups, count) || !clock_pause(RETRY_PAUSE_MS, deadline_ns))
            return;
        /* One server's SERVFAIL is lost in c-ares when another is silent: now any word counts. */
        if (dns->last.channel != NULL ||
            resolver_open(&dns->last, dns->path, ARES_FLAG_NOCHECKRESP, &ignored))
            resolver = &dns->last;
    }
}

static bool silent(const struct dns *dns, const char *name, struct err *err)
{
    char *servers = ares_get_servers_csv(dns->first.channel);
    err_set(
        err, ERR_LATER,
        "DNS is broken: no answer from %s for '%s' (a NetworkPolicy must let UDP and TCP port 53 "
        "out)",
        servers != NULL ? servers : dns->path, name);
    ares_free_string(servers);
    return false;
}

bool dns_round(struct dns *dns, const char *const *names, struct dns_answer *answers, size_t count,
               size_t needed, int64_t deadline_ns, struct err *err)
{
    struct lookup *lookups = calloc(count + 1, sizeof *lookups);
    if (lookups == NULL)
        return err_set(err, ERR_IO, "out of memory for %zu DNS names", count);
    const char *asked = NULL;
    bool heard = false;
    for (size_t i = 0; i < count; i++) {
        lookups[i] = (struct lookup){
            .dns = dns,
            .name = names[i],
            .answered = answers[i].outcome == DNS_FOUND,
            .found = {.addrs = answers[i].addrs, .size = DNS_ADDRS_MAX, .max = DNS_ADDRS_MAX}
        };
    }
    run(dns, lookups, count, needed, deadline_ns);
    for (size_t i = 0; i < count; i++) {
        if (answers[i].outcome == DNS_FOUND)
            continue;
        asked = asked == NULL ? names[i] : asked;
        heard = heard || lookups[i].answered;
        answers[i].count = lookups[i].found.count;
        if (lookups[i].answered)
            answers[i].outcome = lookups[i].found.count > 0 ? DNS_FOUND
                                 : lookups[i].failed        ? DNS_FAILED
                                                            : DNS_ABSENT;
    }
    free(lookups);
    return asked == NULL || heard || silent(dns, asked, err);
}

bool dns_ask(struct dns *dns, const char *const *names, struct dns_answer *answers, size_t count,
             int64_t deadline_ns, struct err *err)
{
    return dns_round(dns, names, answers, count, count, deadline_ns, err);
}

bool dns_ask_all(struct dns *dns, const char *name, struct addr **addrs, size_t *count,
                 int64_t deadline_ns, struct err *err)
{
    struct lookup lookup = {.dns = dns, .name = name, .found = {.max = ADDRS_MAX}};
    run(dns, &lookup, 1, 1, deadline_ns);
    if (!lookup.answered) {
        free(lookup.found.addrs);
        return silent(dns, name, err);
    }
    *addrs = lookup.found.addrs;
    *count = lookup.found.count;
    return true;
}
