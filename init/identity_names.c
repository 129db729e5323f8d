#include <stdio.h>
#include <string.h>

#include "init/identity.h"
#include "roles/ordinal.h"

void identity_pod_name(const struct identity *identity, int ordinal,
                       char name[static IDENTITY_NAME_MAX])
{
    int len = snprintf(name, IDENTITY_NAME_MAX, "%s-%d", identity->statefulset, ordinal);
    if (len < 0 || len >= IDENTITY_NAME_MAX) {
        name[0] = '\0';
    }
}

void identity_dns_name(const struct identity *identity, int ordinal,
                       char name[static IDENTITY_NAME_MAX])
{
    int len = snprintf(name, IDENTITY_NAME_MAX, "%s-%d.%s.%s.svc.%s.", identity->statefulset,
                       ordinal, identity->service, identity->namespace_name, identity->domain);
    if (len < 0 || len >= IDENTITY_NAME_MAX) {
        name[0] = '\0';
    }
}

void identity_host_name(const struct identity *identity, int ordinal,
                        char name[static IDENTITY_NAME_MAX])
{
    identity_dns_name(identity, ordinal, name);
    size_t len = strlen(name);
    if (len > 0) {
        name[len - 1] = '\0';
    }
}

int identity_ordinal_of(const struct identity *identity, const char *host_name)
{
    char ours[IDENTITY_NAME_MAX];
    int ordinal;
    size_t stem;
    if (ordinal_of_name(host_name, &ordinal, &stem) != ORDINAL_OK) {
        return -1;
    }
    identity_dns_name(identity, ordinal, ours);
    /* as many whole labels of our name as are written out */
    size_t len = strlen(host_name);
    if (strncmp(ours, host_name, len) != 0 || (ours[len] != '\0' && ours[len] != '.')) {
        return -1;
    }
    return ordinal;
}
