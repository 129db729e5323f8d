#include <stdio.h>
#include <string.h>

#include "init/identity.h"
#include "roles/ordinal.h"

void identity_pod_name(const struct identity *identity, int ordinal,
                       char name[static IDENTITY_NAME_MAX])
{
    int len = snprintf(name, IDENTITY_NAME_MAX, "%s-%d", identity->statefulset, ordinal);
    if (len < 0 || len >= IDENTITY_NAME_MAX)
        name[0] = '\0';
}

void identity_dns_name(const struct identity *identity, int ordinal,
                       char name[static IDENTITY_NAME_MAX])
{
    int len = snprintf(name, IDENTITY_NAME_MAX, "%s-%d.%s.%s.svc.%s.", identity->statefulset,
                       ordinal, identity->service, identity->namespace_name, identity->domain);
    if (len < 0 || len >= IDENTITY_NAME_MAX)
        name[0] = '\0';
}

void identity_host_name(const struct identity *identity, int ordinal,
                        char name[static IDENTITY_NAME_MAX])
{
    identity_dns_name(identity, ordinal, name);
    size_t len = strlen(name);
    if (len > 0)
        name[len - 1] = '\0';
}

/* True when TAIL is what follows a pod's name in its DNS name, or the beginning of it up to a dot.
 * Asked for each row of each table, so it is compared in place. */
static bool is_tail(const struct identity *identity, const char *tail)
{
    const char *const pieces[] = {".",     identity->service, ".", identity->namespace_name,
                                  ".svc.", identity->domain,  "."};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        for (const char *at = pieces[i]; *at != '\0'; at++, tail++)
            if (*tail != *at)
                return *tail == '\0' && *at == '.';
    }
    return *tail == '\0';
}

int identity_ordinal_of(const struct identity *identity, const char *host_name)
{
    int ordinal;
    size_t stem;
    if (ordinal_of_name(host_name, &ordinal, &stem) != ORDINAL_OK ||
        stem != strlen(identity->statefulset) ||
        memcmp(host_name, identity->statefulset, stem) != 0)
        return -1;
    return is_tail(identity, host_name + strcspn(host_name, ".")) ? ordinal : -1;
}
