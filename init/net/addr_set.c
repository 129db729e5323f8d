#include "init/net/addr_set.h"

#include <stdlib.h>
#include <string.h>

/* Where ADDR stands or would stand; *there tells which. */
static size_t place_of(const struct addr_set *set, const struct addr *addr, bool *there)
{
    size_t low = 0;
    size_t high = set->count;
    *there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = addr_compare(&set->addrs[middle], addr);
        if (order == 0) {
            *there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void grow(struct addr_set *set)
{
    size_t size = set->size == 0 ? 64 : set->size * 2;
    size = size < set->max ? size : set->max;
    struct addr *more = realloc(set->addrs, size * sizeof *more);
    if (more != NULL) {
        set->addrs = more;
        set->size = size;
    }
}

void addr_set_add(struct addr_set *set, const struct addr *addr)
{
    bool there;
    size_t at = place_of(set, addr, &there);
    if (there)
        return;
    if (set->count == set->size && set->size < set->max)
        grow(set);
    if (at == set->size)
        return;
    if (set->count < set->size)
        set->count++;
    memmove(&set->addrs[at + 1], &set->addrs[at], (set->count - 1 - at) * sizeof *addr);
    set->addrs[at] = *addr;
}
