/* Literal addresses and owners: what is read is canonical, and reads again as the same. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/net/addr.h"
#include "init/sys/privilege.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_address(const char *text)
{
    struct addr addr;
    struct addr again;
    if (!addr_parse(&addr, text))
        return;
    require(addr.family != ADDR_NONE && strlen(addr.text) < sizeof(addr.text));
    require(addr_parse(&again, addr.text) && addr_equal(&addr, &again));
    require(strcmp(addr.text, again.text) == 0 && addr_compare(&addr, &again) == 0);
    require(strchr(addr.text, '%') == NULL);
}

static void check_owner(const char *text)
{
    uid_t uid;
    gid_t gid;
    uid_t uid_again;
    gid_t gid_again;
    char canonical[32];
    struct err err;
    if (!privilege_parse_owner(text, &uid, &gid, &err))
        return;
    require(uid != (uid_t)-1 && gid != (gid_t)-1);
    (void)snprintf(canonical, sizeof(canonical), "%u:%u", uid, gid);
    require(privilege_parse_owner(canonical, &uid_again, &gid_again, &err));
    require(uid == uid_again && gid == gid_again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    check_address(text);
    check_owner(text);
    free(text);
    return 0;
}
