#ifndef ROLES_ORDINAL_H
#define ROLES_ORDINAL_H

#include <stddef.h>

/* The greatest ordinal: Kubernetes keeps .spec.ordinals.start and replicas as int32. */
#define ORDINAL_MAX 2147483647

enum ordinal_status {
    ORDINAL_OK,
    ORDINAL_EMPTY,   /* no text, or nothing before the dash */
    ORDINAL_NO_TAIL, /* no "-digits" at the end */
    ORDINAL_LEADING_ZERO,
    ORDINAL_SIGN, /* "+1", "a--1" */
    ORDINAL_TOO_LARGE,
    ORDINAL_NOT_A_NUMBER,
};

/* A plain decimal ordinal: digits only, no sign, no leading zero, at most ORDINAL_MAX. *ordinal is
 * written only with ORDINAL_OK. */
enum ordinal_status ordinal_parse(const char *text, int *ordinal);

/* The last "-N" of the first label (up to the first dot) of NAME; *stem_len is the length of what
 * stands before that dash. Both are written only with ORDINAL_OK. A tail that does not begin like a
 * number ("redis-x7k2p", "redis-") is ORDINAL_NO_TAIL, never ORDINAL_NOT_A_NUMBER. */
enum ordinal_status ordinal_of_name(const char *name, int *ordinal, size_t *stem_len);

enum ordinal_kin {
    ORDINAL_STRANGER, /* no pod of that set, as far as the name tells */
    ORDINAL_SELF,
    ORDINAL_SIBLING, /* another pod of the same set */
};

/* Who NAME is to the pod POD_NAME. Both are whole pod names: one with a dot is a stranger's. */
enum ordinal_kin ordinal_kin_of(const char *pod_name, const char *name);

#endif
