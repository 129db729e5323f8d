#ifndef INIT_NET_DNS_H
#define INIT_NET_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/net/addr.h"
#include "init/sys/err.h"

/*
 * DNS by c-ares alone (its client file is dns.c): absolute names, A and AAAA, EDNS0, TCP after
 * truncation, query cache off. NXDOMAIN, NODATA, SERVFAIL and REFUSED by a server mean "not yet",
 * the first two alone that there is no such name; only silence of every server is "DNS is broken".
 */

enum dns_outcome {
    DNS_UNKNOWN, /* no server has answered for this name yet: proves nothing */
    DNS_FAILED,  /* a server answered with a failure of its own: proves nothing either */
    DNS_ABSENT,  /* a server answered: no such name, or no usable address of it */
    DNS_FOUND,
};

#define DNS_ADDRS_MAX 8

struct dns_answer {
    enum dns_outcome outcome;
    size_t count; /* addresses kept, at most DNS_ADDRS_MAX, usable ones of the wanted family only */
    struct addr addrs[DNS_ADDRS_MAX];
};

struct dns;

/* A resolver on the servers of PATH (NULL: /etc/resolv.conf; else it must outlive the resolver).
 * FAMILY: the only family that is asked for and kept; ADDR_NONE asks for both. A file that is
 * missing or names no server is ERR_CONFIG. */
bool dns_open(struct dns **dns, const char *path, enum addr_family family, struct err *err);
void dns_close(struct dns *dns);

/*
 * A server's SERVFAIL, REFUSED or silence sends a question to the next server (after half a second
 * of silence, twice as long on the second trip), so that a dead one of several costs little. Of an
 * answer the A and AAAA records of the name itself and of what it is an alias of (CNAME) count, no
 * others; addresses that no pod can have are left out with one warning. Several of one name are in
 * the order of addr_compare, each once: two of one family are an old and a new pod during a switch.
 */

/*
 * One round: asks for all COUNT names (absolute, with the trailing dot) in parallel and fills
 * ANSWERS; names whose answer is already DNS_FOUND are not asked again. Ends when all have an
 * answer or at the deadline. It fails (ERR_LATER, "DNS is broken ...") only when at least one name
 * was asked and no server answered any. Zero ANSWERS before the first round.
 */
bool dns_ask(struct dns *dns, const char *const *names, struct dns_answer *answers, size_t count,
             int64_t deadline_ns, struct err *err);

/* As dns_ask, but only the first NEEDED names are waited for till the deadline: once these have an
 * answer, the others have one second more. */
bool dns_round(struct dns *dns, const char *const *names, struct dns_answer *answers, size_t count,
               size_t needed, int64_t deadline_ns, struct err *err);

/*
 * Rounds with jittered pauses until the first NEEDED names of NAMES are found or WAIT_UNTIL_NS
 * comes; which comes first is told by *all_found. The remaining names are asked in the first round,
 * and again in each later one, but never waited for (one second where a server is silent). A DNS
 * that was silent all the time is a failure only at WAIT_UNTIL_NS. When that lies in the past
 * nothing is asked.
 */
bool dns_wait(struct dns *dns, const char *const *names, struct dns_answer *answers, size_t count,
              size_t needed, int64_t wait_until_ns, bool *all_found, struct err *err);

/* All addresses of one name (a headless Service has hundreds), in order, each once; *addrs is
 * malloc'd (NULL for none), the caller frees. No such name is *count 0; only silence fails. */
bool dns_ask_all(struct dns *dns, const char *name, struct addr **addrs, size_t *count,
                 int64_t deadline_ns, struct err *err);

/* From resolv.conf at PATH (NULL: /etc/resolv.conf): the first search entry "<ns>.svc.<domain>"
 * gives namespace and domain; "svc.<domain>" the domain alone. Empty texts where there is none; a
 * missing or strange file is no failure. */
void dns_search_domain(const char *path, char namespace_name[static 254], char domain[static 254]);

#endif
