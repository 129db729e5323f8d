#ifndef INIT_NET_ADDR_SET_H
#define INIT_NET_ADDR_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "init/net/addr.h"

/* Addresses in the order of addr_compare, each once, in the memory of the caller (SIZE places, MAX
 * the same) or in memory of its own (SIZE 0, ADDRS NULL; freed by the caller). */
struct addr_set {
    struct addr *addrs;
    size_t count;
    size_t size;
    size_t max; /* places that it may grow to */
};

/* Without room the greatest address falls out: what is kept does not depend on the order of coming.
 */
void addr_set_add(struct addr_set *set, const struct addr *addr);

#endif
