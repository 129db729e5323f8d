#include <zstd.h>

#include "init/postgres/decompress.h"

/* 8 MB: what zstd itself promises that every decoder can; a server's level 1 takes half a megabyte. */
#define WINDOW_LOG_MAX 23

static void *open_frame(void)
{
    ZSTD_DStream *context = ZSTD_createDStream();
    if (context != NULL &&
        ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)) != 0) {
        (void)ZSTD_freeDStream(context);
        return NULL;
    }
    return context;
}

static bool step(void *context, struct span *in, char *out, size_t out_size, size_t *out_len,
                 bool *ended)
{
    ZSTD_inBuffer input = {in->data, in->len, 0};
    ZSTD_outBuffer output = {out, out_size, 0};
    size_t hint = ZSTD_decompressStream(context, &output, &input);
    if (ZSTD_isError(hint) != 0)
        return false;
    *in = text_from(*in, input.pos);
    *out_len = output.pos;
    *ended = hint == 0;
    return true;
}

static void close_frame(void *context)
{
    (void)ZSTD_freeDStream(context);
}

const struct decompress_format decompress_zstd = {open_frame, step, close_frame};
