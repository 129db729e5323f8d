/* What resolv.conf gives is a label and a name that DNS can carry, whatever the file holds; and it is found
 * again when it is written as the kubelet does. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/net/dns_name.h"
#include "init/net/resolv_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1); /* its own, so that a byte too far is seen */
    char found[2][RESOLV_CONF_NAME_MAX];
    char again[2][RESOLV_CONF_NAME_MAX];
    char line[2 * RESOLV_CONF_NAME_MAX + 32];
    require(text != NULL);
    memcpy(text, data, size);
    resolv_conf_search(text, size, found[0], found[1]);
    free(text);
    require(found[0][0] == '\0' || dns_name_label_fault(found[0]) == NULL);
    require(found[1][0] == '\0' || dns_name_fault(found[1]) == NULL);
    require(found[1][0] != '\0' || found[0][0] == '\0');
    if (found[0][0] != '\0') {
        int len = snprintf(line, sizeof line, "search %s.svc.%s\n", found[0], found[1]);
        resolv_conf_search(line, (size_t)len, again[0], again[1]);
        require(strcmp(found[0], again[0]) == 0 && strcmp(found[1], again[1]) == 0);
    }
    return 0;
}
