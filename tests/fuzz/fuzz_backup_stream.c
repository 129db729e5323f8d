/* The messages of a backup: what is pointed at lies inside the message. The input is a row of
 * messages, each a byte of length and that many bytes. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "roles/backup_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check(const struct backup_stream_message *message, struct span bytes)
{
    if (message->kind == BACKUP_STREAM_ARCHIVE) {
        require(strlen(message->archive) + strlen(message->tablespace) + 3 == bytes.len);
        require(strchr(message->archive, '/') == NULL && *message->archive != '\0');
    }
    if (message->kind == BACKUP_STREAM_DATA)
        require(message->data.data == bytes.data + 1 && message->data.len == bytes.len - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct backup_stream stream = {0};
    struct backup_stream_message message;
    bool good = true;
    for (size_t at = 0; good && at < size;) {
        size_t len = data[at++];
        if (len > size - at)
            len = size - at;
        char *exact = malloc(len + 1); /* its own, so that a byte too far is seen */
        require(exact != NULL);
        char *end = exact + 1; /* the message ends where the allocation does */
        memcpy(end, data + at, len);
        struct span bytes = {end, len};
        good = backup_stream_take(&stream, bytes, &message);
        if (good)
            check(&message, bytes);
        free(exact);
        at += len;
    }
    return 0;
}
