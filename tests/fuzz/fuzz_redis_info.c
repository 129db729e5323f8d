/* The reader of INFO never reads too far, ends its texts, and reading again changes nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "roles/redis_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct redis_info info = redis_info_none();
    char *text = malloc(size + 1);
    require(text != NULL);
    memcpy(text, data, size);
    bool known = redis_info_parse(&info, text, size);
    require(memchr(info.server, '\0', sizeof(info.server)) != NULL);
    require(memchr(info.version, '\0', sizeof(info.version)) != NULL);
    require(memchr(info.master_host, '\0', sizeof(info.master_host)) != NULL);
    require(memchr(info.replid, '\0', sizeof(info.replid)) != NULL);
    require(info.master_port >= -1 && info.master_port <= 65535);
    require(!info.is_master || info.role_known);
    require(!info.cluster_ok || info.cluster_known);
    require(known || (!info.role_known && !info.cluster_known && info.offset == -1));
    struct redis_info again = info;
    require(redis_info_parse(&again, text, size) == known);
    require(again.keys == info.keys && again.role_known == info.role_known);
    free(text);
    return 0;
}
