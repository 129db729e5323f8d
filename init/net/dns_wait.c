#include "init/net/dns.h"

#include <string.h>

#include "init/net/resolv_conf.h"
#include "init/sys/buf.h"
#include "init/sys/clock.h"
#include "init/sys/file.h"
#include "init/sys/log.h"

#define ROUND_MS 5000
#define PAUSE_MIN_MS 200
#define PAUSE_MAX_MS 1000
#define RESOLV_CONF_BYTES ((size_t)64 * 1024)

/* Number of names that are not found among the first NEEDED; *first is one of them. */
static size_t missing_of(const struct dns_answer *answers, size_t needed, size_t *first)
{
    size_t missing = 0;
    for (size_t i = needed; i > 0; i--) {
        if (answers[i - 1].outcome != DNS_FOUND) {
            *first = i - 1;
            missing++;
        }
    }
    return missing;
}

static void tell_wait(const char *name, const struct dns_answer *answer, size_t missing, bool heard)
{
    const char *reason = answer->outcome == DNS_ABSENT ? "it has no address yet"
                         : heard                       ? "no answer for this name yet"
                                                       : "no name server answers yet";
    if (missing > 1)
        log_wait("the DNS names of %zu pods, first '%s': %s", missing, name, reason);
    else
        log_wait("the DNS name '%s': %s", name, reason);
}

bool dns_wait(struct dns *dns, const char *const *names, struct dns_answer *answers, size_t count,
              size_t needed, int64_t wait_until_ns, bool *all_found, struct err *err)
{
    int64_t pause_ms = PAUSE_MIN_MS;
    struct err broken;
    bool asked = false;
    bool heard = false;
    size_t first = 0;
    size_t missing = missing_of(answers, needed, &first);
    while (!clock_expired(wait_until_ns)) {
        int64_t end_ns = clock_part_ns(wait_until_ns, ROUND_MS);
        heard = dns_round(dns, names, answers, count, needed, end_ns, &broken) || heard;
        asked = true;
        missing = missing_of(answers, needed, &first);
        if (missing == 0)
            break;
        tell_wait(names[first], &answers[first], missing, heard);
        if (!clock_pause(pause_ms, wait_until_ns))
            break;
        pause_ms = pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
    }
    log_wait_end();
    *all_found = missing == 0;
    if (missing > 0 && asked && !heard) {
        *err = broken;
        return false;
    }
    return true;
}

void dns_search_domain(const char *path, char namespace_name[static 254], char domain[static 254])
{
    struct buf text = buf_new(RESOLV_CONF_BYTES);
    enum file_presence presence;
    struct err ignored;
    namespace_name[0] = '\0';
    domain[0] = '\0';
    if (file_read(path != NULL ? path : "/etc/resolv.conf", &text, &presence, &ignored))
        resolv_conf_search(buf_text(&text), text.len, namespace_name, domain);
    buf_free(&text);
}
