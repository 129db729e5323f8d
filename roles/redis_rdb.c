#include "roles/redis_rdb.h"

#include <stdint.h>
#include <string.h>

#define MAGIC_LEN 9 /* "REDIS0010" */

/* Opcodes and encodings: redis 7.0 rdb.h */
enum {
    OPCODE_AUX = 0xfa,
    OPCODE_EOF = 0xff,
    LENGTH_32 = 0x80,
    LENGTH_64 = 0x81,
    ENCODED_INT8 = 0xc0,
    ENCODED_INT16 = 0xc1,
    ENCODED_INT32 = 0xc2,
};

struct reader {
    const unsigned char *at;
    size_t left;
};

static bool skip(struct reader *reader, size_t count)
{
    if (count > reader->left)
        return false;
    reader->at += count;
    reader->left -= count;
    return true;
}

/* A big-endian number of COUNT bytes. */
static bool take_number(struct reader *reader, size_t count, uint64_t *number)
{
    const unsigned char *bytes = reader->at;
    if (!skip(reader, count))
        return false;
    *number = 0;
    for (size_t i = 0; i < count; i++)
        *number = *number << 8 | bytes[i];
    return true;
}

/* Compressed strings (0xc3) are longer than any field that a server writes, and are not understood. */
static bool skip_string(struct reader *reader)
{
    uint64_t first = 0;
    uint64_t len = 0;
    if (!take_number(reader, 1, &first))
        return false;
    switch (first) {
    case ENCODED_INT8:
        return skip(reader, 1);
    case ENCODED_INT16:
        return skip(reader, 2);
    case ENCODED_INT32:
        return skip(reader, 4);
    case LENGTH_32:
        return take_number(reader, 4, &len) && len <= reader->left && skip(reader, (size_t)len);
    case LENGTH_64:
        return take_number(reader, 8, &len) && len <= reader->left && skip(reader, (size_t)len);
    default:
        break;
    }
    if (first < 0x40)
        return skip(reader, (size_t)first);
    if (first < LENGTH_32)
        return take_number(reader, 1, &len) && skip(reader, (size_t)((first & 0x3f) << 8 | len));
    return false;
}

bool redis_rdb_is_empty(const char *head, size_t len)
{
    struct reader reader = {(const unsigned char *)head, len};
    bool magic =
        len > MAGIC_LEN && (memcmp(head, "REDIS", 5) == 0 || memcmp(head, "VALKEY", 6) == 0);
    if (!magic || !skip(&reader, MAGIC_LEN))
        return false;
    uint64_t opcode = 0;
    while (take_number(&reader, 1, &opcode) && opcode == OPCODE_AUX) {
        bool name = skip_string(&reader);
        if (!name || !skip_string(&reader))
            return false;
    }
    return opcode == OPCODE_EOF;
}
