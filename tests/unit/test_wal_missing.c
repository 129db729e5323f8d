#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roles/wal_missing.h"
#include "tests/unit/made_wal.h"

static unsigned char mine[sizeof(wal)];

/* What the server (`wal`, up to END) has from LSN on and the volume (`mine`) has not. Buffers of their own, so that a
 * byte too far is seen. */
static enum wal_missing missing(uint64_t lsn, uint64_t end, uint64_t *where)
{
    const size_t len = (size_t)(end - lsn);
    const size_t room = (len + PAGE - 1) / PAGE * PAGE;
    unsigned char *buffers[3] = {calloc(1, room), calloc(1, room), malloc(PAGE)};
    assert_true(buffers[0] != NULL && buffers[1] != NULL && buffers[2] != NULL);
    memcpy(buffers[0], byte(lsn), len);
    memcpy(buffers[1], mine + (lsn - FIRST_LSN), room);
    const struct wal_stretch stretch = {
        SYSTEM, SEGMENT, PAGE, lsn, len, buffers[0], buffers[1], buffers[2],
    };
    *where = 0;
    enum wal_missing found = wal_find_missing(&stretch, where);
    for (size_t i = 0; i < 3; i++)
        free(buffers[i]);
    return found;
}

static uint64_t page_of(uint64_t lsn)
{
    return lsn - lsn % PAGE;
}

/* From every page on, whatever a volume has up to any byte of it. */
static void a_record_that_the_volume_has_not_is_found(void **state)
{
    uint64_t where;
    (void)state;
    for (uint32_t total = 24; total < SEGMENT; total += 37) {
        begin_wal();
        while (at + 2 * (uint64_t)total < FIRST_LSN + 3 * SEGMENT)
            (void)put_record(10, 0x00, total);
        uint64_t whole = at; /* all that the volume has */
        memset(mine, 0, sizeof(mine));
        memcpy(mine, wal, (size_t)(whole - FIRST_LSN));
        uint64_t newer = put_record(1, 0x00, total);
        for (uint64_t lsn = FIRST_LSN; lsn <= page_of(newer); lsn += PAGE) {
            assert_int_equal(missing(lsn, at, &where), WAL_MISSING_RECORD);
            assert_int_equal(where, newer);
            assert_int_not_equal(missing(lsn, whole, &where), WAL_MISSING_RECORD);
        }
    }
}

/* The server has received the beginning of a record: the primary had flushed so much when it died. What lies there on
 * its volume now does not matter. */
static void half_a_record_is_nothing(void **state)
{
    uint64_t where;
    (void)state;
    for (uint32_t total = 24; total < 3 * PAGE; total++) {
        begin_wal();
        (void)put_record(10, 0x00, 100);
        memcpy(mine, wal, sizeof(wal));
        uint64_t begin = put_record(10, 0x00, total);
        uint64_t end = begin + total;
        for (uint64_t page = FIRST_LSN + PAGE; page < at; page += PAGE)
            end += page > begin ? page % SEGMENT == 0 ? 40 : 24 : 0;
        for (uint64_t cut = begin + 1; cut < end; cut++) {
            assert_int_equal(missing(FIRST_LSN, cut, &where), WAL_MISSING_NOTHING);
            memset(mine + (begin - FIRST_LSN), 0xa5, 8);
            assert_int_equal(missing(FIRST_LSN, cut, &where), WAL_MISSING_NOTHING);
            memset(mine + (begin - FIRST_LSN), 0, 8);
        }
        assert_int_equal(missing(FIRST_LSN, end, &where), WAL_MISSING_RECORD);
        assert_int_equal(where, begin);
    }
}

/* Its last byte is a zero, and so is what pads the page that came half. */
static void a_record_that_zeros_would_end_is_not_whole(void **state)
{
    uint64_t where;
    (void)state;
    size_t met = 0;
    for (uint32_t total = 24; total <= PAGE - 40; total++) {
        begin_wal();
        memcpy(mine, wal, sizeof(wal));
        (void)put_record(10, 0x00, total);
        const uint64_t end = START + total;
        if (*byte(end - 1) != 0)
            continue;
        met++;
        assert_int_equal(missing(FIRST_LSN, end - 1, &where), WAL_MISSING_NOTHING);
        assert_int_equal(missing(FIRST_LSN, end, &where), WAL_MISSING_RECORD);
    }
    assert_true(met > 0);
}

static void another_record_in_its_place_is_found(void **state)
{
    uint64_t where;
    (void)state;
    begin_wal();
    (void)put_record(10, 0x00, 100);
    uint64_t second = put_record(10, 0x00, 3 * PAGE);
    (void)put_record(10, 0x00, 100);
    memcpy(mine, wal, sizeof(wal));
    assert_int_equal(missing(FIRST_LSN, at, &where), WAL_MISSING_NOTHING);
    mine[second + 50 - FIRST_LSN] ^= 1;
    assert_int_equal(missing(FIRST_LSN, at, &where), WAL_MISSING_RECORD);
    assert_int_equal(where, second);
    /* it began before the stretch, whose own records are equal */
    mine[second + 50 - FIRST_LSN] ^= 1;
    mine[second + PAGE - FIRST_LSN] ^= 1;
    assert_int_equal(missing(FIRST_LSN + PAGE, at, &where), WAL_MISSING_NOTHING);
}

/* The volume has zeros, or what an older segment had there. */
static void a_segment_that_is_not_there_or_recycled_has_no_record(void **state)
{
    uint64_t where;
    (void)state;
    begin_wal();
    while (at < FIRST_LSN + SEGMENT + PAGE)
        (void)put_record(10, 0x00, 100);
    memset(mine, 0, sizeof(mine));
    assert_int_equal(missing(FIRST_LSN + SEGMENT, at, &where), WAL_MISSING_RECORD);
    memcpy(mine + SEGMENT, wal, SEGMENT);
    assert_int_equal(missing(FIRST_LSN + SEGMENT, at, &where), WAL_MISSING_RECORD);
}

/* No record begins in a long one's middle, or in what a switch left empty; more has to be asked for. */
static void where_no_record_begins_nothing_is_told(void **state)
{
    uint64_t where;
    (void)state;
    begin_wal();
    memset(mine, 0, sizeof(mine));
    uint64_t begin = put_record(10, 0x00, 5 * PAGE);
    assert_int_equal(missing(FIRST_LSN + PAGE, at, &where), WAL_MISSING_UNTOLD);
    assert_int_equal(missing(FIRST_LSN, at, &where), WAL_MISSING_RECORD);
    assert_int_equal(where, begin);
    begin_wal();
    uint64_t switched = put_record(0, 0x40, 24);
    at = FIRST_LSN + SEGMENT; /* zeros, as in a segment that the volume has not */
    assert_int_equal(missing(FIRST_LSN + PAGE, at, &where), WAL_MISSING_UNTOLD);
    assert_int_equal(missing(FIRST_LSN, at, &where), WAL_MISSING_RECORD);
    assert_int_equal(where, switched);
    memcpy(mine, wal, sizeof(wal));
    assert_int_equal(missing(FIRST_LSN + PAGE, at, &where), WAL_MISSING_UNTOLD);
    assert_int_equal(missing(FIRST_LSN, at, &where), WAL_MISSING_NOTHING);
}

/* The primary's recovery has left half a record out and gone on behind it; the standby that received that has what
 * the volume has. */
static void what_took_half_a_record_s_place_is_compared(void **state)
{
    uint64_t where;
    (void)state;
    begin_wal();
    uint64_t whole = put_record(10, 0x00, 100);
    (void)put_record(10, 0x00, 300);
    memcpy(mine, wal, sizeof(wal));
    assert_int_equal(missing(FIRST_LSN, FIRST_LSN + PAGE, &where), WAL_MISSING_NOTHING);
    at = FIRST_LSN + PAGE;
    last = whole;
    begin_page(8, 0);
    uint64_t next = put_record(0, 0xd0, 42);
    memcpy(mine, wal, sizeof(wal));
    assert_int_equal(missing(FIRST_LSN, at, &where), WAL_MISSING_NOTHING);
    mine[next + 20 - FIRST_LSN] ^= 1;
    assert_int_equal(missing(FIRST_LSN, at, &where), WAL_MISSING_RECORD);
    assert_int_equal(where, next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_that_the_volume_has_not_is_found),
        cmocka_unit_test(half_a_record_is_nothing),
        cmocka_unit_test(a_record_that_zeros_would_end_is_not_whole),
        cmocka_unit_test(another_record_in_its_place_is_found),
        cmocka_unit_test(a_segment_that_is_not_there_or_recycled_has_no_record),
        cmocka_unit_test(where_no_record_begins_nothing_is_told),
        cmocka_unit_test(what_took_half_a_record_s_place_is_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
