#ifndef INIT_REGISTER_REGISTER_H
#define INIT_REGISTER_REGISTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/sys/err.h"

/*
 * The register: a small, consistent table of key=value texts, shared by all pods of one
 * StatefulSet, always changed by compare and swap. It answers what no pod can see for itself: was
 * this empty volume ever full? Backends: Kubernetes' ConfigMap (kubernetes.c), file:PATH (file.c) and
 * none. Keys of ordain: cluster-id, format, seeded.<ordinal> (the id of the pod's node at its birth),
 * node.<ordinal> (its id since it lost its volume). Unknown keys are kept.
 */

#define REGISTER_FORMAT "1"
#define REGISTER_VALUE_MAX 256

struct register_store;

enum register_kind { REGISTER_NONE, REGISTER_FILE, REGISTER_KUBERNETES };

/* NAME as ORDAIN_REGISTER has it; "" picks kubernetes where a token is mounted, else none. STATEFULSET
 * and NAMESPACE name the ConfigMap (<statefulset>-ordain), or the file below PATH. CLUSTER_ID is
 * checked against the stored one and stored with the first change: another cluster's register is
 * ERR_REFUSED; an unknown format ERR_CONFIG; garbage ERR_CONFIG. Opens nothing yet. */
bool register_open(struct register_store **store, const char *name, const char *statefulset,
                   const char *namespace_name, const char *cluster_id, struct err *err);
void register_close(struct register_store *store);
enum register_kind register_kind(const struct register_store *store);
/* "configmap cache/redis-ordain", "file:/register/redis-ordain", for sentences. */
const char *register_describe(const struct register_store *store);

/* True when the last error was a format that this version does not know: nobody goes on past it. */
bool register_is_newer(const struct register_store *store);

/* What stands under KEY: *found false and "" when it is not there. */
struct register_reading {
    const char *key; /* the caller's */
    bool prefix;     /* the first key that begins so will do */
    bool found;
    char value[REGISTER_VALUE_MAX];
};

/* Reads all COUNT keys at once: they stood so together at one moment. ERR_LATER when unreachable; a
 * value that no version of ordain writes is ERR_CONFIG. With none: never found. */
bool register_get_all(struct register_store *store, struct register_reading *readings, size_t count,
                      int64_t deadline_ns, struct err *err);
/* The same of one key. */
bool register_get(struct register_store *store, const char *key,
                  char value[static REGISTER_VALUE_MAX], bool *found, int64_t deadline_ns,
                  struct err *err);

/* KEY must have the value EXPECTED (NULL: not be there) and shall have VALUE, which may be the same. */
struct register_change {
    const char *key, *expected, *value;
};

/*
 * Sets all COUNT keys in one change if each is as expected; else *swapped is false, nothing is changed,
 * and PRESENT (COUNT readings, or NULL) tells how they stand, in the order of CHANGES. Repeats on a
 * lost race with other keys, and where a store's answer was lost: what is read next tells. All values
 * there then count as set by this call, since whoever else set the same wished the same. Killed or
 * failed with ERR_LATER, a call may have set them too: who runs again must take its own values for a
 * success. With none: ERR_REFUSED.
 */
bool register_swap_all(struct register_store *store, const struct register_change *changes,
                       size_t count, bool *swapped, struct register_reading *present,
                       int64_t deadline_ns, struct err *err);
/* The same of one key; the value there in PRESENT (of REGISTER_VALUE_MAX, or NULL) when not swapped. */
bool register_swap(struct register_store *store, const char *key, const char *expected,
                   const char *value, bool *swapped, char *present, int64_t deadline_ns,
                   struct err *err);

#endif
