#include <lz4frame.h>

#include "init/postgres/decompress.h"

static void *open_frame(void)
{
    LZ4F_dctx *context = NULL;
    return LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) ? NULL : context;
}

static bool step(void *context, struct span *in, char *out, size_t out_size, size_t *out_len,
                 bool *ended)
{
    size_t used = in->len;
    *out_len = out_size;
    size_t hint = LZ4F_decompress(context, out, out_len, in->data, &used, NULL);
    if (LZ4F_isError(hint))
        return false;
    *in = text_from(*in, used);
    *ended = hint == 0;
    return true;
}

static void close_frame(void *context)
{
    (void)LZ4F_freeDecompressionContext(context);
}

const struct decompress_format decompress_lz4 = {open_frame, step, close_frame};
