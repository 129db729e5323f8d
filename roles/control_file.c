#include "roles/control_file.h"

#include <string.h>

#include "roles/bytes.h"
#include "roles/crc32c.h"

enum {
    AT_SYSTEM_IDENTIFIER = 0,
    AT_VERSION = 8,
    AT_CATALOG_VERSION = 12,
    AT_STATE = 16,
    AT_TIME = 24,
    AT_CHECKPOINT = 32,
    AT_REDO = 40, /* the copy of the checkpoint record begins */
    AT_TIMELINE = 48,
    AT_PREV_TIMELINE = 52,
    AT_MIN_RECOVERY = 136,
    AT_MIN_RECOVERY_TIMELINE = 144,
    AT_BACKUP_START = 152,
    AT_BACKUP_END = 160,
    AT_BACKUP_END_REQUIRED = 168,
    AT_WAL_LEVEL = 172,
    AT_WAL_LOG_HINTS = 176,
    AT_MAX_CONNECTIONS = 180,
    AT_MAX_WORKER_PROCESSES = 184,
    AT_MAX_WAL_SENDERS = 188,
    AT_MAX_PREPARED_XACTS = 192,
    AT_MAX_LOCKS_PER_XACT = 196,
    AT_MAX_ALIGN = 204,
    AT_FLOAT_FORMAT = 208,
    AT_BLOCK_BYTES = 216,
    AT_WAL_BLOCK_BYTES = 224,
    AT_SEGMENT_BYTES = 228,
    AT_CHECKSUM_VERSION = 252,
    FIELDS_END = 256,
};

/* Where the checksum of all bytes before it stands. */
static const struct layout {
    uint32_t version;
    size_t crc_at;
} layouts[] = {
    {1300, 288},
    {1700, 288},
    {1800, 292},
};

static bool crc_fits(const unsigned char *bytes, size_t crc_at)
{
    return crc32c(0, bytes, crc_at) == bytes_u32(bytes + crc_at);
}

/* floatFormat is always 1234567.0, maxAlign the alignment of a 64-bit machine. */
static bool landmarks_fit(const unsigned char *bytes)
{
    double constant;
    memcpy(&constant, bytes + AT_FLOAT_FORMAT, sizeof(constant));
    return constant == 1234567.0 && bytes_u32(bytes + AT_MAX_ALIGN) == 8;
}

/* A version of the other byte order has a number that no version reaches (pg_controldata.c). */
static bool is_foreign_endian(uint32_t version)
{
    return version != 0 && version % 65536 == 0;
}

static enum control_file_status check_layout(const unsigned char *bytes)
{
    const uint32_t version = bytes_u32(bytes + AT_VERSION);
    size_t fitting = 0;
    if (is_foreign_endian(version))
        return CONTROL_FILE_FOREIGN_ENDIAN;
    for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++)
        if (layouts[i].version == version)
            return crc_fits(bytes, layouts[i].crc_at) ? CONTROL_FILE_OK : CONTROL_FILE_BAD_CRC;
    for (size_t at = FIELDS_END; at + 4 <= CONTROL_FILE_BYTES; at += 4)
        fitting += crc_fits(bytes, at);
    if (fitting == 0)
        return CONTROL_FILE_BAD_CRC;
    return fitting == 1 && landmarks_fit(bytes) ? CONTROL_FILE_OK : CONTROL_FILE_UNKNOWN_LAYOUT;
}

static bool is_power_of_two(uint32_t number, uint32_t least, uint32_t most)
{
    return number >= least && number <= most && (number & (number - 1)) == 0;
}

/* The sizes: guc_tables.c, pg_config_manual.h, xlog_internal.h IsValidWalSegSize. */
static bool is_plausible(const struct control_file *control)
{
    return control->state >= CONTROL_FILE_STARTUP && control->state <= CONTROL_FILE_IN_PRODUCTION &&
           control->system_identifier != 0 && control->timeline != 0 &&
           is_power_of_two(control->segment_bytes, 1 << 20, 1 << 30) &&
           is_power_of_two(control->block_bytes, 1 << 10, 1 << 15) &&
           is_power_of_two(control->wal_block_bytes, 1 << 10, 1 << 16);
}

static void read_fields(struct control_file *control, const unsigned char *bytes)
{
    *control = (struct control_file){
        .system_identifier = bytes_u64(bytes + AT_SYSTEM_IDENTIFIER),
        .version = bytes_u32(bytes + AT_VERSION),
        .catalog_version = bytes_u32(bytes + AT_CATALOG_VERSION),
        .state = (enum control_file_state)bytes_u32(bytes + AT_STATE),
        .time = (int64_t)bytes_u64(bytes + AT_TIME),
        .checkpoint = bytes_u64(bytes + AT_CHECKPOINT),
        .redo = bytes_u64(bytes + AT_REDO),
        .timeline = bytes_u32(bytes + AT_TIMELINE),
        .prev_timeline = bytes_u32(bytes + AT_PREV_TIMELINE),
        .min_recovery = bytes_u64(bytes + AT_MIN_RECOVERY),
        .min_recovery_timeline = bytes_u32(bytes + AT_MIN_RECOVERY_TIMELINE),
        .backup_start = bytes_u64(bytes + AT_BACKUP_START),
        .backup_end = bytes_u64(bytes + AT_BACKUP_END),
        .backup_end_required = bytes[AT_BACKUP_END_REQUIRED] != 0,
        .wal_level = bytes_u32(bytes + AT_WAL_LEVEL),
        .wal_log_hints = bytes[AT_WAL_LOG_HINTS] != 0,
        .max_connections = bytes_u32(bytes + AT_MAX_CONNECTIONS),
        .max_worker_processes = bytes_u32(bytes + AT_MAX_WORKER_PROCESSES),
        .max_wal_senders = bytes_u32(bytes + AT_MAX_WAL_SENDERS),
        .max_prepared_xacts = bytes_u32(bytes + AT_MAX_PREPARED_XACTS),
        .max_locks_per_xact = bytes_u32(bytes + AT_MAX_LOCKS_PER_XACT),
        .block_bytes = bytes_u32(bytes + AT_BLOCK_BYTES),
        .wal_block_bytes = bytes_u32(bytes + AT_WAL_BLOCK_BYTES),
        .segment_bytes = bytes_u32(bytes + AT_SEGMENT_BYTES),
        .checksum_version = bytes_u32(bytes + AT_CHECKSUM_VERSION),
    };
}

enum control_file_status control_file_parse(struct control_file *control,
                                            const unsigned char *bytes, size_t len)
{
    struct control_file read;
    if (len < CONTROL_FILE_BYTES)
        return CONTROL_FILE_TOO_SHORT;
    enum control_file_status status = check_layout(bytes);
    if (status != CONTROL_FILE_OK)
        return status;
    read_fields(&read, bytes);
    if (!is_plausible(&read))
        return CONTROL_FILE_IMPLAUSIBLE;
    *control = read;
    return CONTROL_FILE_OK;
}

uint32_t control_file_timeline(const struct control_file *control)
{
    return control->timeline > control->min_recovery_timeline ? control->timeline
                                                              : control->min_recovery_timeline;
}

bool control_file_is_clean(const struct control_file *control)
{
    return control->state == CONTROL_FILE_SHUT_DOWN ||
           control->state == CONTROL_FILE_SHUT_DOWN_IN_RECOVERY;
}

const char *control_file_state_name(enum control_file_state state)
{
    switch (state) {
    case CONTROL_FILE_STARTUP:
        return "starting up";
    case CONTROL_FILE_SHUT_DOWN:
        return "shut down";
    case CONTROL_FILE_SHUT_DOWN_IN_RECOVERY:
        return "shut down in recovery";
    case CONTROL_FILE_SHUTTING_DOWN:
        return "shutting down";
    case CONTROL_FILE_IN_CRASH_RECOVERY:
        return "in crash recovery";
    case CONTROL_FILE_IN_ARCHIVE_RECOVERY:
        return "in archive recovery";
    case CONTROL_FILE_IN_PRODUCTION:
        return "in production";
    }
    return "in an unknown state";
}
