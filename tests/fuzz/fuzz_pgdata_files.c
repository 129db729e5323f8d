/* The small texts of a data directory: postmaster.pid, postmaster.opts, backup_label, names below
 * pg_wal. First byte: which. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "roles/backup_label.h"
#include "roles/lsn.h"
#include "roles/postmaster_opts.h"
#include "roles/postmaster_pid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_pid(const char *text, size_t len)
{
    struct postmaster_pid file;
    if (!postmaster_pid_parse(&file, text, len))
        return;
    require(file.pid > 0);
    require(file.data_dir.len + file.socket_dir.len + file.listen_address.len < len);
}

static void check_label(const char *text, size_t len)
{
    struct backup_label label = {0};
    require(!backup_label_parse(&label, text, len) || label.timeline != 0);
}

/* What is taken for a name or a position is written as one that means the same. */
static void check_names(const char *text, size_t len)
{
    char position[LSN_TEXT_MAX], name[LSN_SEGMENT_NAME_MAX];
    uint64_t lsn, again;
    uint32_t timeline;
    if (lsn_parse((struct span){text, len}, &lsn)) {
        lsn_write(lsn, position);
        require(lsn_parse((struct span){position, strlen(position)}, &again) && again == lsn);
    }
    for (uint32_t bytes = 1 << 20; bytes <= 1 << 30; bytes <<= 1) {
        if (!lsn_segment_parse((struct span){text, len}, bytes, &timeline, &lsn))
            continue;
        lsn_segment_name(timeline, lsn, bytes, name);
        require(lsn_segment_parse((struct span){name, strlen(name)}, bytes, &timeline, &again));
        require(again == lsn);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *text = malloc(size); /* one more than needed: never of size 0 */
    require(text != NULL);
    char *at = text + 1;
    memcpy(at, data + 1, size - 1);
    switch (data[0]) {
    case 'p':
        check_pid(at, size - 1);
        break;
    case 'l':
        check_label(at, size - 1);
        break;
    case 'o':
        (void)postmaster_opts_is_initdb_server(at, size - 1);
        break;
    default:
        check_names(at, size - 1);
    }
    free(text);
    return 0;
}
