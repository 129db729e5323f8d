/* A control file that is read is plausible; with a checksum put where its version has it, most of
 * the bytes can be. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "roles/control_file.h"
#include "roles/crc32c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const unsigned char *bytes, size_t len)
{
    struct control_file control;
    if (control_file_parse(&control, bytes, len) != CONTROL_FILE_OK)
        return;
    if (len < CONTROL_FILE_BYTES || control.segment_bytes < 1 << 20 ||
        control.segment_bytes > 1 << 30 || control.wal_block_bytes < 1 << 10 ||
        control.wal_block_bytes > 1 << 16 || control_file_timeline(&control) == 0 ||
        control_file_state_name(control.state) == NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char sealed[CONTROL_FILE_BYTES];
    check(data, size);
    if (size < CONTROL_FILE_BYTES)
        return 0;
    memcpy(sealed, data, sizeof(sealed));
    size_t at = memcmp(data + 8, "\x08\x07\0\0", 4) == 0 ? 292 : 288; /* 1800 */
    uint32_t crc = crc32c(0, sealed, at);
    memcpy(sealed + at, &crc, sizeof(crc));
    check(sealed, sizeof(sealed));
    return 0;
}
