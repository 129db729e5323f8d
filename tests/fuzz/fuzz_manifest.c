/* A backup manifest in pieces, against a fixed list of received files: it never accepts what lacks a file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "init/postgres/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int feed(const char *text, size_t len, size_t step, uint64_t *end)
{
    struct manifest *manifest = NULL;
    struct err err;
    struct manifest_expected expected = {
        .system_identifier = 7711229981903399703U, .timeline = 1, .start = 0x2000028};
    struct clone_files *files = clone_files_new();
    if (files == NULL || clone_files_add(files, "PG_VERSION", 3, 0x8c2d1e7a) != CLONE_FILES_OK ||
        clone_files_add(files, "base/1/\xff", 0, 0) != CLONE_FILES_OK ||
        !manifest_open(&manifest, files, &expected, &err))
        abort();
    int accepted = 1;
    for (size_t at = 0; at < len && accepted; at += step)
        accepted = manifest_feed(manifest, text + at, len - at < step ? len - at : step, &err);
    accepted = accepted && manifest_finish(manifest, end, &err);
    if (accepted && clone_files_unmatched(files) != NULL)
        abort();
    manifest_close(manifest);
    clone_files_free(files);
    return accepted;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t ends[2] = {0, 0};
    int whole = feed((const char *)data, size, size + 1, &ends[0]);
    int pieces = feed((const char *)data, size, 7, &ends[1]);
    if (whole != pieces || ends[0] != ends[1])
        abort();
    return 0;
}
