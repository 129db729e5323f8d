/* However an archive is cut into pieces, the reader says the same of it; a name that it gives never
 * leads out. First byte: the size of the pieces; second: odd for checksums that are made to fit. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "roles/crc32c.h"
#include "roles/tar_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_name(const char *name)
{
    struct span rest = {name, strlen(name)};
    require(rest.len > 0);
    while (rest.data != NULL) {
        struct span component = text_cut(rest, '/', &rest);
        require(component.len > 0 && !text_is(component, ".") && !text_is(component, ".."));
    }
}

/* A digest of all that the reader says; *problem is how it ends. */
static uint32_t read_pieces(const uint8_t *data, size_t size, size_t step,
                            enum tar_stream_problem *problem)
{
    struct tar_stream stream;
    struct span piece;
    uint64_t left = 0;
    uint32_t digest = 0;
    enum tar_stream_event event = TAR_STREAM_MORE;
    tar_stream_begin(&stream);
    for (size_t at = 0; at < size && event != TAR_STREAM_REFUSED; at += step) {
        struct span fed = {(const char *)data + at, size - at < step ? size - at : step};
        do {
            event = tar_stream_next(&stream, &fed, &piece);
            if (event == TAR_STREAM_DATA) {
                require(piece.len > 0 && piece.len <= left);
                left -= piece.len;
                digest = crc32c(digest, piece.data, piece.len);
                continue;
            }
            if (event != TAR_STREAM_MORE)
                digest = crc32c(digest, &event, sizeof(event));
            if (event == TAR_STREAM_ENTRY) {
                check_name(stream.entry.name);
                left = stream.entry.size;
                digest = crc32c(digest, stream.entry.name, strlen(stream.entry.name));
            }
            require(event != TAR_STREAM_ENTRY_END || left == 0);
        } while (event != TAR_STREAM_MORE && event != TAR_STREAM_REFUSED);
        require(event == TAR_STREAM_REFUSED || fed.len == 0);
    }
    *problem = tar_stream_finish(&stream);
    return digest;
}

static void seal(uint8_t *block)
{
    unsigned sum = 8 * ' ';
    for (size_t i = 0; i < TAR_STREAM_BLOCK; i++)
        sum += i >= 148 && i < 156 ? 0 : block[i];
    for (size_t i = 0; i < 7; i++)
        block[148 + i] = (uint8_t)('0' + (sum >> 3 * (6 - i) & 7));
    block[155] = ' ';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum tar_stream_problem whole, cut;
    if (size < 3)
        return 0;
    size_t step = data[0] == 0 ? 700 : data[0];
    uint8_t *bytes = malloc(size - 2); /* its own, so that a byte too far is seen */
    require(bytes != NULL);
    memcpy(bytes, data + 2, size - 2);
    if (data[1] % 2 == 1)
        for (size_t at = 0; at + TAR_STREAM_BLOCK <= size - 2; at += TAR_STREAM_BLOCK)
            if (memcmp(bytes + at + 257, "ustar", 5) == 0)
                seal(bytes + at);
    uint32_t digest = read_pieces(bytes, size - 2, size, &whole);
    require(read_pieces(bytes, size - 2, step, &cut) == digest && whole == cut);
    free(bytes);
    return 0;
}
