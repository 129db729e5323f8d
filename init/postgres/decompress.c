#include "init/postgres/decompress.h"

#include <stdlib.h>

/* A block of the server's LZ4 (basebackup_lz4.c: LZ4F_max256KB): less would make the library copy twice. */
#define OUT_BYTES ((size_t)256 << 10)

struct decompress {
    const struct decompress_format *format;
    void *context;
    bool ended;
    char out[OUT_BYTES];
};

bool decompress_open(struct decompress **stream, enum compression compression, struct err *err)
{
    struct decompress *made = calloc(1, sizeof(*made));
    if (made != NULL) {
        made->format = compression == COMPRESSION_LZ4 ? &decompress_lz4 : &decompress_zstd;
        made->context = made->format->open();
    }
    if (made == NULL || made->context == NULL) {
        free(made);
        return err_set(err, ERR_IO, "out of memory");
    }
    *stream = made;
    return true;
}

bool decompress_next(struct decompress *stream, struct span *in, struct span *out, struct err *err)
{
    size_t len = 0;
    /* A frame may hold back what it has made until it is asked again, without more input. */
    while (len == 0 && !stream->ended) {
        size_t left = in->len;
        if (!stream->format->step(stream->context, in, stream->out, OUT_BYTES, &len,
                                  &stream->ended))
            return err_set(err, ERR_LATER, "the compressed backup is damaged");
        if (len == 0 && in->len == left)
            break;
    }
    if (stream->ended && in->len > 0)
        return err_set(err, ERR_LATER, "the compressed backup goes on after its end");
    *out = (struct span){stream->out, len};
    return true;
}

bool decompress_is_whole(const struct decompress *stream)
{
    return stream->ended;
}

void decompress_close(struct decompress *stream)
{
    if (stream == NULL)
        return;
    stream->format->close(stream->context);
    free(stream);
}
