#ifndef INIT_REGISTER_KUBE_ACCESS_H
#define INIT_REGISTER_KUBE_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "init/sys/buf.h"
#include "init/sys/err.h"

/*
 * Where a pod finds the API server and what it shows there (Kubernetes docs, "Accessing the Kubernetes
 * API from a Pod"): the address in KUBERNETES_SERVICE_HOST and _PORT, token and authority in the files
 * of the service account's volume.
 */

struct kube_access {
    char server[272]; /* "10.96.0.1:443", "[fd00::1]:443": for URLs and sentences */
};

/* True where a token is mounted at all. */
bool kube_access_is_mounted(void);

/* Takes the address; ERR_CONFIG where there is none or it is no host and port. */
bool kube_access_open(struct kube_access *access, struct err *err);

/* The token and the authority's certificates as they are now: the kubelet replaces both while a pod
 * lives. TOKEN is a secret: see kube_access_forget. ERR_CONFIG: not mounted, or no token; ERR_DENIED. */
bool kube_access_read(struct buf *token, struct buf *ca_pem, struct err *err);
/* Wipes and frees TOKEN. */
void kube_access_forget(struct buf *token);

#endif
