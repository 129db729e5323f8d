#include "roles/wal.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "roles/bytes.h"
#include "roles/crc32c.h"

/* A page's header: XLogPageHeaderData, and XLogLongPageHeaderData on a segment's first page. */
enum {
    PAGE_MAGIC = 0,
    PAGE_INFO = 2,
    PAGE_TIMELINE = 4,
    PAGE_ADDRESS = 8,
    PAGE_REMAINING = 16, /* bytes of a record that began before, on this page and later */
    SHORT_HEADER = 24,
    PAGE_SYSTEM_IDENTIFIER = 24,
    PAGE_SEGMENT_BYTES = 32,
    PAGE_PAGE_BYTES = 36,
    LONG_HEADER = 40,

    PAGE_CONTINUES = 1,
    PAGE_LONG = 2,
    PAGE_OVERWRITES = 8, /* the record before was never finished; another took its place */
    PAGE_ALL_FLAGS = 15,
};

/* A record's header: XLogRecord. The CRC is of what follows the header, then of what precedes it.
 */
enum {
    RECORD_TOTAL = 0,
    RECORD_PREV = 8,
    RECORD_INFO = 16,
    RECORD_MANAGER = 17,
    RECORD_CRC = 20,
    RECORD_HEADER = 24,
    RECORD_ALIGN = 8,
    RECORD_MAX = 1020 * 1024 * 1024, /* XLogRecordMaxSize; no more than memory before 16 */

    MANAGER_XLOG = 0,
    MANAGER_TRANSACTION = 1,
    INFO_OWN = 0xf0, /* the bits of info that are the manager's (~XLR_INFO_MASK) */
    XLOG_CHECKPOINT_SHUTDOWN = 0x00,
    XLOG_CHECKPOINT_ONLINE = 0x10,
    XLOG_SWITCH = 0x40,
    XLOG_RESTORE_POINT = 0x70,
    XLOG_END_OF_RECOVERY = 0x90,
    XACT_OPERATION = 0x70, /* xact.h: commit, prepare, abort, commit and abort of a prepared one; */
    XACT_LAST_DATED = 0x40, /* what comes behind these tells no time */
};

struct walk {
    const struct wal_source *source;
    uint64_t at;      /* the next byte */
    uint64_t page_at; /* the page in memory */
    bool has_page;
    uint16_t magic;
    uint16_t flags;
    uint32_t header_bytes;
    uint32_t timeline;
    struct wal_end *end;
};

/* One record as it is put together. */
struct record {
    uint64_t begin;
    uint32_t total, have;
    uint32_t crc; /* of what follows the header, so far */
    bool differs; /* from source->other */
    unsigned char header[RECORD_HEADER];
};

enum step { STEP_RECORD, STEP_OVERWRITTEN, STEP_STOP };

static bool stop(struct walk *walk, enum wal_stop why)
{
    walk->end->stop = why;
    return false;
}

static bool long_header_fits(const struct wal_source *source)
{
    const unsigned char *page = source->memory;
    return bytes_u64(page + PAGE_SYSTEM_IDENTIFIER) == source->system_identifier &&
           bytes_u32(page + PAGE_SEGMENT_BYTES) == source->segment_bytes &&
           bytes_u32(page + PAGE_PAGE_BYTES) == source->page_bytes;
}

static bool page_fits(const struct walk *walk, uint64_t lsn)
{
    const unsigned char *page = walk->source->memory;
    const uint16_t flags = bytes_u16(page + PAGE_INFO);
    const bool is_first = lsn % walk->source->segment_bytes == 0;
    if (walk->has_page ? bytes_u16(page + PAGE_MAGIC) != walk->magic
                       : bytes_u16(page + PAGE_MAGIC) >> 8 != 0xd1)
        return false;
    if ((flags & ~PAGE_ALL_FLAGS) != 0 || bytes_u64(page + PAGE_ADDRESS) != lsn ||
        bytes_u32(page + PAGE_TIMELINE) < walk->timeline)
        return false;
    return (flags & PAGE_LONG) != 0 ? long_header_fits(walk->source) : !is_first;
}

static bool load_page(struct walk *walk, uint64_t lsn)
{
    const struct wal_source *source = walk->source;
    if (walk->has_page && walk->page_at == lsn)
        return true;
    if (!source->page(source->user, lsn, source->memory))
        return stop(walk, WAL_STOP_NO_PAGE);
    if (!page_fits(walk, lsn))
        return stop(walk, WAL_STOP_BAD_PAGE);
    walk->has_page = true;
    walk->page_at = lsn;
    walk->magic = bytes_u16(source->memory + PAGE_MAGIC);
    walk->flags = bytes_u16(source->memory + PAGE_INFO);
    walk->timeline = bytes_u32(source->memory + PAGE_TIMELINE);
    walk->header_bytes = (walk->flags & PAGE_LONG) != 0 ? LONG_HEADER : SHORT_HEADER;
    return true;
}

/* Only a segment's first page tells whose it is. */
static bool whose_is_known(struct walk *walk, uint64_t lsn)
{
    return walk->source->known || load_page(walk, lsn - lsn % walk->source->segment_bytes);
}

/* The page of walk->at, and walk->at behind its header where a record cannot begin earlier. */
static bool find_record(struct walk *walk, struct record *record)
{
    uint64_t offset = walk->at % walk->source->page_bytes;
    if (!load_page(walk, walk->at - offset))
        return false;
    if (offset == 0)
        offset = walk->header_bytes;
    walk->at = walk->page_at + offset;
    bool in_continuation = offset == walk->header_bytes && (walk->flags & PAGE_CONTINUES) != 0;
    if (offset < walk->header_bytes || offset % RECORD_ALIGN != 0 || in_continuation)
        return stop(walk, WAL_STOP_NO_RECORD);
    *record = (struct record){.begin = walk->at};
    record->total = bytes_u32(walk->source->memory + offset + RECORD_TOTAL);
    if (record->total < RECORD_HEADER || record->total > RECORD_MAX)
        return stop(walk, WAL_STOP_NO_RECORD);
    return true;
}

/* A record names the one before it; the walk's first may name any that is. */
static bool follows_last(const struct walk *walk, const struct record *record)
{
    uint64_t prev = bytes_u64(record->header + RECORD_PREV);
    return walk->end->records > 0 ? prev == walk->end->last : prev < record->begin;
}

/* Whether the other server has something else where LEN bytes begin at LSN; what it did not tell is equal. */
static bool other_differs(const struct wal_other *other, uint64_t lsn, const unsigned char *bytes,
                          uint32_t len)
{
    if (other == NULL || lsn >= other->lsn + other->len || lsn + len <= other->lsn)
        return false;
    uint64_t begin = lsn > other->lsn ? lsn : other->lsn;
    uint64_t end = lsn + len < other->lsn + other->len ? lsn + len : other->lsn + other->len;
    return memcmp(bytes + (begin - lsn), other->bytes + (begin - other->lsn),
                  (size_t)(end - begin)) != 0;
}

/* What of the record stands on the page in memory. */
static bool take_piece(struct walk *walk, struct record *record)
{
    const uint32_t offset = (uint32_t)(walk->at - walk->page_at);
    const unsigned char *piece = walk->source->memory + offset;
    uint32_t len = record->total - record->have;
    uint32_t header = 0;
    if (len > walk->source->page_bytes - offset)
        len = walk->source->page_bytes - offset;
    if (record->have < RECORD_HEADER) {
        header = RECORD_HEADER - record->have < len ? RECORD_HEADER - record->have : len;
        memcpy(record->header + record->have, piece, header);
    }
    record->crc = crc32c(record->crc, piece + header, len - header);
    record->differs = record->differs || other_differs(walk->source->other, walk->at, piece, len);
    record->have += len;
    walk->at += len;
    if (header > 0 && record->have >= RECORD_HEADER && !follows_last(walk, record))
        return stop(walk, WAL_STOP_NO_RECORD);
    return true;
}

/* The next page, where the record goes on. */
static enum step turn_page(struct walk *walk, const struct record *record)
{
    if (!load_page(walk, walk->page_at + walk->source->page_bytes))
        return STEP_STOP;
    walk->at = walk->page_at;
    if ((walk->flags & PAGE_OVERWRITES) != 0)
        return STEP_OVERWRITTEN;
    if ((walk->flags & PAGE_CONTINUES) == 0 ||
        bytes_u32(walk->source->memory + PAGE_REMAINING) != record->total - record->have) {
        (void)stop(walk, WAL_STOP_CUT);
        return STEP_STOP;
    }
    walk->at += walk->header_bytes;
    return STEP_RECORD;
}

static enum step read_record(struct walk *walk, struct record *record)
{
    if (!find_record(walk, record) || !take_piece(walk, record))
        return STEP_STOP;
    while (record->have < record->total) {
        enum step step = turn_page(walk, record);
        if (step != STEP_RECORD)
            return step;
        if (!take_piece(walk, record))
            return STEP_STOP;
    }
    if (crc32c(record->crc, record->header, RECORD_CRC) == bytes_u32(record->header + RECORD_CRC))
        return STEP_RECORD;
    (void)stop(walk, WAL_STOP_BAD_CRC);
    return STEP_STOP;
}

static uint64_t round_up(uint64_t number, uint64_t unit)
{
    return (number + unit - 1) / unit * unit;
}

static bool tells_time(const struct record *record)
{
    const unsigned char info = record->header[RECORD_INFO];
    switch (record->header[RECORD_MANAGER]) {
    case MANAGER_TRANSACTION:
        return (info & XACT_OPERATION) <= XACT_LAST_DATED;
    case MANAGER_XLOG:
        return (info & INFO_OWN) == XLOG_CHECKPOINT_SHUTDOWN ||
               (info & INFO_OWN) == XLOG_CHECKPOINT_ONLINE ||
               (info & INFO_OWN) == XLOG_RESTORE_POINT || (info & INFO_OWN) == XLOG_END_OF_RECOVERY;
    default:
        return false;
    }
}

static void count_record(struct walk *walk, const struct record *record)
{
    const unsigned char info = record->header[RECORD_INFO] & INFO_OWN;
    const bool of_xlog = record->header[RECORD_MANAGER] == MANAGER_XLOG;
    walk->end->last_end = walk->at;
    walk->at = round_up(walk->at, RECORD_ALIGN);
    if (of_xlog && info == XLOG_SWITCH) /* the rest of the segment is empty */
        walk->at = round_up(walk->at, walk->source->segment_bytes);
    walk->end->end = walk->at;
    walk->end->last = record->begin;
    walk->end->records++;
    walk->end->timeline = walk->timeline;
    walk->end->shutdown = of_xlog && info == XLOG_CHECKPOINT_SHUTDOWN;
    if (tells_time(record))
        walk->end->dated = record->begin;
    if (record->differs && walk->end->differs == 0)
        walk->end->differs = record->begin;
}

static void check_source(const struct wal_source *source)
{
    assert(source->page_bytes >= LONG_HEADER && source->page_bytes <= WAL_PAGE_MAX &&
           source->page_bytes % RECORD_ALIGN == 0 && source->segment_bytes >= source->page_bytes &&
           source->segment_bytes % source->page_bytes == 0);
}

bool wal_find_end(const struct wal_source *source, uint64_t start, uint64_t past,
                  struct wal_end *end)
{
    struct walk walk = {.source = source, .at = start, .end = end};
    struct record record;
    check_source(source);
    *end = (struct wal_end){.end = start};
    if (!whose_is_known(&walk, start))
        return false;
    do {
        enum step step = read_record(&walk, &record);
        if (step == STEP_OVERWRITTEN && end->records == 0)
            return stop(&walk, WAL_STOP_CUT); /* the record at START is not what was found */
        if (step == STEP_STOP)
            return end->records > 0;
        if (step == STEP_RECORD)
            count_record(&walk, &record);
    } while (end->end <= past);
    end->stop = WAL_STOP_PAST;
    return true;
}

bool wal_first_record(const struct wal_source *source, uint64_t lsn, uint64_t limit,
                      uint64_t *first)
{
    struct wal_end end;
    struct walk walk = {.source = source, .end = &end};
    check_source(source);
    lsn -= lsn % source->page_bytes;
    if (!whose_is_known(&walk, lsn))
        return false;
    for (; lsn < limit; lsn += source->page_bytes) {
        if (!load_page(&walk, lsn))
            return false;
        uint64_t skip = (walk.flags & PAGE_CONTINUES) != 0
                            ? round_up(bytes_u32(source->memory + PAGE_REMAINING), RECORD_ALIGN)
                            : 0;
        *first = lsn + walk.header_bytes + skip;
        if (skip <= source->page_bytes - walk.header_bytes)
            return *first < limit;
    }
    return false;
}
