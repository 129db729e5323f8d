#ifndef INIT_POSTGRES_DECOMPRESS_H
#define INIT_POSTGRES_DECOMPRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "init/sys/err.h"
#include "roles/text.h"

/* How a server packs the archives of a backup (15 and later). */
enum compression { COMPRESSION_NONE, COMPRESSION_LZ4, COMPRESSION_ZSTD };

/* One stream of compressed bytes; piece by piece into a buffer of its own. */
struct decompress;

bool decompress_open(struct decompress **stream, enum compression compression, struct err *err);
/*
 * Takes from IN's beginning what makes the next piece and points *out at it (until the next call). An empty
 * *out: IN is used up. ERR_LATER: damaged, or more after its end.
 */
bool decompress_next(struct decompress *stream, struct span *in, struct span *out, struct err *err);
/* After the last piece: false when the stream is not at its end. */
bool decompress_is_whole(const struct decompress *stream);
void decompress_close(struct decompress *stream);

/* A format's own part. STEP decompresses from IN into OUT (at most OUT_SIZE bytes, *out_len of them);
 * *ended: the frame is whole. False: damaged. */
struct decompress_format {
    void *(*open)(void);
    bool (*step)(void *context, struct span *in, char *out, size_t out_size, size_t *out_len,
                 bool *ended);
    void (*close)(void *context);
};
extern const struct decompress_format decompress_lz4, decompress_zstd;

#endif
