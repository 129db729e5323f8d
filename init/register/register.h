#ifndef INIT_REGISTER_REGISTER_H
#define INIT_REGISTER_REGISTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/sys/err.h"

/*
 * The register: a small, consistent table of key=value texts, shared by all pods of one
 * StatefulSet, always changed by compare and swap. It answers what no pod can see for itself: was
 * this empty volume ever full? Backends: file:PATH (file.c), none, and Kubernetes' ConfigMap
 * (kubernetes.c, a room of its own). Keys of ordain: cluster-id, format, seeded.<ordinal> (the id of
 * the pod's node at its birth), node.<ordinal> (its id since it lost its volume). Unknown keys are kept.
 */

#define REGISTER_FORMAT "1"
#define REGISTER_VALUE_MAX 256

struct register_store;

enum register_kind { REGISTER_NONE, REGISTER_FILE, REGISTER_KUBERNETES };

/* NAME as ORDAIN_REGISTER has it; "" picks as the contract says. STATEFULSET and NAMESPACE name the
 * ConfigMap or the file below PATH (<path>/<statefulset>-ordain). CLUSTER_ID is checked against the
 * stored one and stored with the first change: another cluster's register is ERR_REFUSED; an
 * unknown format ERR_CONFIG; garbage ERR_CONFIG. Opens nothing yet. */
bool register_open(struct register_store **store, const char *name, const char *statefulset,
                   const char *namespace_name, const char *cluster_id, struct err *err);
void register_close(struct register_store *store);
enum register_kind register_kind(const struct register_store *store);
/* "file:/register/redis-ordain", for sentences. */
const char *register_describe(const struct register_store *store);

/* True when the last error was a format that this version does not know: nobody goes on past it. */
bool register_is_newer(const struct register_store *store);

/* Value of KEY; *found false and "" when it is not there. ERR_LATER when unreachable. With none:
 * never found. */
bool register_get(struct register_store *store, const char *key,
                  char value[static REGISTER_VALUE_MAX], bool *found, int64_t deadline_ns,
                  struct err *err);

/*
 * Sets KEY to VALUE if it is EXPECTED now (NULL: not there). *swapped false and the present value
 * in PRESENT (may be NULL) when it is not. Repeats on a lost race with other keys. With none:
 * ERR_REFUSED.
 */
bool register_swap(struct register_store *store, const char *key, const char *expected,
                   const char *value, bool *swapped, char *present, int64_t deadline_ns,
                   struct err *err);

#endif
