#ifndef INIT_IDENTITY_H
#define INIT_IDENTITY_H

#include <stdbool.h>

#include "init/net/addr.h"
#include "init/settings.h"
#include "init/sys/err.h"

#define IDENTITY_NAME_MAX 254

/*
 * Who this pod is and how its peers are called. Outside a pod (a Job, a person's shell) ordinal is
 * -1 and pod_name is "": the set is known, the place in it is not.
 */
struct identity {
    int ordinal;
    int ordinal_start;
    char pod_name[IDENTITY_NAME_MAX]; /* <statefulset>-<ordinal> */
    char statefulset[IDENTITY_NAME_MAX];
    char service[IDENTITY_NAME_MAX];
    char namespace_name[IDENTITY_NAME_MAX];
    char domain[IDENTITY_NAME_MAX]; /* without dots at its ends */
    char cluster_id[IDENTITY_NAME_MAX * 2];
    struct addr pod_ip; /* family ADDR_NONE when not told */
};

/*
 * From the settings, the downward API, the host name and resolv.conf. Sources of the ordinal that
 * are present must agree (else ERR_CONFIG): --ordinal, POD_INDEX, the tail of POD_NAME, the tail of
 * the host name's first label. NEED_POD: without an ordinal and the StatefulSet's name it fails
 * (ERR_CONFIG) and says what to set; otherwise a name that is no pod's of this set only leaves the
 * ordinal open. NEED_SERVICE: the peers' names are needed too; without it service, namespace and
 * cluster id are "" where they are not told.
 *
 * The host name is the node's, and left out, where the kubelet says so in /etc/hosts (hostNetwork),
 * or where it is no pod's of the StatefulSet that POD_NAME or ORDAIN_STATEFULSET names. Where
 * nothing else names a StatefulSet it is taken at its word, except in the form "ip-10-0-0-5".
 */
bool identity_read(struct identity *identity, const struct settings *settings, bool need_pod,
                   bool need_service, struct err *err);

/* What identity_read finds on the machine. */
struct identity_machine {
    char host_name[IDENTITY_NAME_MAX];
    bool host_network;                       /* the kubelet's /etc/hosts says so */
    char token_namespace[IDENTITY_NAME_MAX]; /* beside the service account's token; "" : none */
    char search_namespace[IDENTITY_NAME_MAX];
    char search_domain[IDENTITY_NAME_MAX];
};

/* As identity_read, without a look at the machine. */
bool identity_derive(struct identity *identity, const struct settings *settings,
                     const struct identity_machine *machine, bool need_pod, bool need_service,
                     struct err *err);

/* Peer names of ORDINAL: "redis-3"; the absolute DNS name with the trailing dot; the same without
 * the dot, which is what servers announce and certificates carry. "" for a name that is too long,
 * which NEED_SERVICE excludes. */
void identity_pod_name(const struct identity *identity, int ordinal,
                       char name[static IDENTITY_NAME_MAX]);
void identity_dns_name(const struct identity *identity, int ordinal,
                       char name[static IDENTITY_NAME_MAX]);
void identity_host_name(const struct identity *identity, int ordinal,
                        char name[static IDENTITY_NAME_MAX]);

/* The ordinal that an announced host name or a pod name stands for: its first label must be this
 * StatefulSet's, and what follows, if anything, this Service (and namespace and domain, as far as
 * they are written out), so that the same name in another namespace is not ours. -1 when it is not
 * ours. */
int identity_ordinal_of(const struct identity *identity, const char *host_name);

#endif
