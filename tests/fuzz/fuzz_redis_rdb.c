/* Whatever a dump's beginning holds: no byte behind it is read, and one that is empty stays so whatever
 * follows its end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "roles/redis_rdb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *longer = malloc(size + 8);
    if (longer == NULL)
        abort();
    memcpy(longer, data, size);
    memset(longer + size, 0xa5, 8);
    if (redis_rdb_is_empty((const char *)data, size) && !redis_rdb_is_empty(longer, size + 8))
        abort();
    free(longer);
    return 0;
}
