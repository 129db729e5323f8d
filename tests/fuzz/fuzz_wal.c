/* A walk over any bytes ends, and where it says: every page is asked for in order, nothing outside
 * the page is read. First byte: odd for records whose checksums are made to fit. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "roles/bytes.h"
#include "roles/crc32c.h"
#include "roles/wal.h"
#include "roles/wal_missing.h"

#define PAGE 256
#define SEGMENT (4 * PAGE)
#define SYSTEM 1
#define START (SEGMENT + 40)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct pages {
    const uint8_t *data;
    size_t size;
    uint64_t next;
};

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* The page LSN of the input, which begins at the second segment. */
static bool page(void *user, uint64_t lsn, unsigned char *bytes)
{
    struct pages *pages = user;
    require(lsn % PAGE == 0 && lsn >= pages->next);
    pages->next = lsn + PAGE;
    uint64_t offset = lsn - SEGMENT;
    if (offset > pages->size || pages->size - offset < PAGE)
        return false;
    memcpy(bytes, pages->data + offset, PAGE);
    return true;
}

/* Puts checksums into records that lie on one page, and addresses into the pages. */
static void seal(uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at + PAGE <= size; at += PAGE) {
        uint64_t lsn = SEGMENT + at;
        memcpy(bytes + at + 8, &lsn, sizeof(lsn));
        size_t record = at + (at % SEGMENT == 0 ? 40 : 24);
        uint32_t total = bytes_u32(bytes + record);
        while (record + 24 <= at + PAGE && total >= 24 && total <= at + PAGE - record) {
            uint32_t crc = crc32c(crc32c(0, bytes + record + 24, total - 24), bytes + record, 20);
            memcpy(bytes + record + 20, &crc, sizeof(crc));
            record += (total + 7) / 8 * 8;
            total = record + 24 <= at + PAGE ? bytes_u32(bytes + record) : 0;
        }
    }
}

/* The input as a server's last WAL, from its second page on, the last one cut: a volume that has the same bytes misses
 * nothing; what one that has none misses is a record that lies in it. */
static void find_missing(const uint8_t *bytes, size_t size)
{
    if (size <= PAGE)
        return;
    uint64_t lsn = 0;
    size_t len = size - PAGE;
    size_t room = (len + PAGE - 1) / PAGE * PAGE;
    unsigned char *theirs = calloc(1, room);
    unsigned char *mine = calloc(1, room);
    unsigned char *memory = malloc(PAGE);
    require(theirs != NULL && mine != NULL && memory != NULL);
    memcpy(theirs, bytes + PAGE, len);
    struct wal_stretch stretch = {SYSTEM, SEGMENT, PAGE,   SEGMENT + PAGE,
                                  len,    theirs,  theirs, memory};
    enum wal_missing same = wal_find_missing(&stretch, &lsn);
    require(same != WAL_MISSING_RECORD);
    stretch.mine = mine;
    enum wal_missing none = wal_find_missing(&stretch, &lsn);
    require((none == WAL_MISSING_UNTOLD) == (same == WAL_MISSING_UNTOLD));
    if (none == WAL_MISSING_RECORD)
        require(lsn > stretch.lsn && lsn + 24 <= stretch.lsn + len);
    free(memory);
    free(mine);
    free(theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wal_end end, again;
    if (size == 0)
        return 0;
    uint8_t *bytes = malloc(size);
    unsigned char *memory = malloc(PAGE); /* its own, so that a byte too far is seen */
    require(bytes != NULL && memory != NULL);
    memcpy(bytes, data + 1, size - 1);
    if (data[0] % 2 == 1)
        seal(bytes, size - 1);
    struct pages pages = {.data = bytes, .size = size - 1};
    struct wal_source source = {SYSTEM, SEGMENT, PAGE, page, &pages, memory, NULL, false};
    bool known = wal_find_end(&source, START, UINT64_MAX, &end);
    require(known == (end.records > 0) && known == (end.last != 0) && end.end >= START);
    require(end.end % 8 == 0 && end.stop != WAL_STOP_PAST);
    if (known) { /* a walk from the last record on ends at the same place */
        pages.next = 0;
        require(wal_find_end(&source, end.last, UINT64_MAX, &again));
        require(again.end == end.end && again.records == 1 && again.timeline == end.timeline);
    }
    const struct wal_other same = {SEGMENT, size - 1, bytes};
    source.other = &same; /* of a server that has the same, no record differs */
    pages.next = 0;
    require(wal_find_end(&source, START, UINT64_MAX, &again) == known && again.differs == 0);
    require(again.end == end.end && again.dated == end.dated);
    uint64_t limit = SEGMENT + size;
    uint64_t first = 0;
    pages.next = 0;
    if (wal_first_record(&source, SEGMENT + PAGE, limit, &first))
        require(first >= SEGMENT + PAGE + 24 && first < limit && first % 8 == 0);
    find_missing(bytes, size - 1);
    free(memory);
    free(bytes);
    return 0;
}
