#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roles/crc32c.h"
#include "tests/unit/made_wal.h"

unsigned char wal[SEGMENTS * SEGMENT];
uint64_t at, last;
uint32_t timeline;

unsigned char *byte(uint64_t lsn)
{
    assert_true(lsn >= FIRST_LSN && lsn < FIRST_LSN + sizeof(wal));
    return wal + (lsn - FIRST_LSN);
}

void put(uint64_t lsn, uint64_t number, size_t len)
{
    memcpy(byte(lsn), &number, len);
}

void begin_page(uint16_t flags, uint32_t remaining)
{
    bool is_long = at % SEGMENT == 0;
    put(at, 0xd110, 2);
    put(at + 2, flags | (is_long ? 2U : 0U), 2);
    put(at + 4, timeline, 4);
    put(at + 8, at, 8);
    put(at + 16, remaining, 4);
    if (is_long) {
        put(at + 24, SYSTEM, 8);
        put(at + 32, SEGMENT, 4);
        put(at + 36, PAGE, 4);
    }
    at += is_long ? 40 : 24;
}

static void put_bytes(const unsigned char *bytes, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        if (at % PAGE == 0)
            begin_page(1, len - i);
        *byte(at++) = bytes[i];
    }
}

uint64_t put_record(uint8_t manager, uint8_t info, uint32_t total)
{
    unsigned char *record = calloc(1, total);
    assert_non_null(record);
    if (at % PAGE == 0)
        begin_page(0, 0);
    uint64_t begin = at;
    memcpy(record, &total, 4);
    memcpy(record + 8, &last, 8);
    record[16] = info;
    record[17] = manager;
    for (uint32_t i = 24; i < total; i++)
        record[i] = (unsigned char)(i * 7 + begin);
    uint32_t crc = crc32c(crc32c(0, record + 24, total - 24), record, 20);
    memcpy(record + 20, &crc, 4);
    put_bytes(record, total);
    at = (at + 7) / 8 * 8;
    last = begin;
    free(record);
    return begin;
}

void begin_wal(void)
{
    memset(wal, 0, sizeof(wal));
    timeline = 1;
    last = FIRST_LSN - 512; /* some record before */
    at = FIRST_LSN;
    begin_page(0, 0);
}

uint64_t pages_end;

static bool page(void *user, uint64_t lsn, unsigned char *bytes)
{
    assert_ptr_equal(user, wal);
    assert_int_equal(lsn % PAGE, 0);
    if (lsn < FIRST_LSN || lsn >= pages_end)
        return false;
    memcpy(bytes, byte(lsn), PAGE);
    return true;
}

static unsigned char memory[PAGE];
const struct wal_source source = {
    .system_identifier = SYSTEM,
    .segment_bytes = SEGMENT,
    .page_bytes = PAGE,
    .page = page,
    .user = wal,
    .memory = memory,
};

bool find_past(uint64_t start, uint64_t past, struct wal_end *end)
{
    return wal_find_end(&source, start, past, end);
}

bool find(uint64_t start, struct wal_end *end)
{
    pages_end = FIRST_LSN + sizeof(wal);
    return find_past(start, UINT64_MAX, end);
}
