/* A byte for the mount's number, then a mountinfo: whatever it says, the answer is of itself. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "init/sys/perms_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct perms_mounts mounts;
    if (size == 0)
        return 0;
    char *text = malloc(size);
    require(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    bool found = perms_mounts_parse(text, data[0], "/data", &mounts);
    require(memchr(mounts.other, '\0', sizeof(mounts.other)) != NULL);
    require(mounts.shared || *mounts.other == '\0');
    require(!mounts.same_below || mounts.below);
    require(found || (!mounts.part && !mounts.shared && !mounts.below));
    for (const char *at = mounts.other; *at != '\0'; at++)
        require((unsigned char)*at >= ' ' && *at != 0x7f);
    free(text);
    return 0;
}
