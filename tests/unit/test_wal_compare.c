#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/made_wal.h"

static unsigned char theirs[sizeof(wal)];

/* Where a walk from START finds the first record that the other one has not, 0: all are equal. */
static uint64_t difference(uint64_t lsn, size_t len)
{
    struct wal_end end;
    const struct wal_other other = {lsn, len, theirs + (lsn - FIRST_LSN)};
    struct wal_source compared = source;
    compared.other = &other;
    pages_end = FIRST_LSN + sizeof(wal);
    assert_true(wal_find_end(&compared, START, UINT64_MAX, &end));
    return end.differs;
}

static uint64_t whole_difference(void)
{
    return difference(FIRST_LSN, sizeof(wal));
}

static void each_byte_of_a_record_counts_and_no_other_one(void **state)
{
    (void)state;
    begin_wal();
    (void)put_record(10, 0x00, 51);
    uint64_t second = put_record(10, 0x00, 2 * PAGE + 3);
    uint64_t end = at - 5; /* padding */
    memcpy(theirs, wal, sizeof(wal));
    assert_int_equal(whole_difference(), 0);
    for (uint64_t lsn = FIRST_LSN; lsn < FIRST_LSN + sizeof(wal); lsn++) {
        uint64_t header = lsn % SEGMENT < 40 ? 40 : 24;
        bool first = lsn >= START && lsn < START + 51;
        bool of_second = lsn >= second && lsn < end && lsn % PAGE >= header;
        theirs[lsn - FIRST_LSN] ^= 1;
        assert_int_equal(whole_difference(), first ? START : of_second ? second : 0);
        theirs[lsn - FIRST_LSN] ^= 1;
    }
}

static void what_the_other_one_did_not_tell_is_not_compared(void **state)
{
    (void)state;
    begin_wal();
    (void)put_record(10, 0x00, 48);
    uint64_t second = put_record(10, 0x00, 48);
    memset(theirs, 0xff, sizeof(theirs));
    assert_int_equal(difference(second + 48, sizeof(wal) / 2), 0);
    assert_int_equal(difference(second + 47, 1), second);
    assert_int_equal(difference(START, 1), START);
    assert_int_equal(difference(FIRST_LSN, 40), 0);
    assert_int_equal(difference(second, 0), 0);
}

static void a_damaged_byte_of_mine_is_no_difference(void **state)
{
    (void)state;
    begin_wal();
    (void)put_record(10, 0x00, 48);
    uint64_t second = put_record(10, 0x00, 300);
    memcpy(theirs, wal, sizeof(wal));
    for (uint64_t lsn = second; lsn < at; lsn++) {
        *byte(lsn) ^= 0x10;
        assert_int_equal(whole_difference(), 0);
        *byte(lsn) ^= 0x10;
    }
}

/* Half a record that a crash left is nobody's history; what took its place is. */
static void half_a_record_is_no_difference(void **state)
{
    (void)state;
    begin_wal();
    uint64_t whole = put_record(10, 0x00, 100);
    uint64_t broken = put_record(10, 0x00, 300);
    at = FIRST_LSN + PAGE;
    last = whole;
    begin_page(8, 0);
    uint64_t next = put_record(0, 0xd0, 42);
    memcpy(theirs, wal, sizeof(wal));
    theirs[broken - FIRST_LSN + 30] ^= 1;
    assert_int_equal(whole_difference(), 0);
    theirs[next - FIRST_LSN + 30] ^= 1;
    assert_int_equal(whole_difference(), next);
}

/* xact.h, pg_control.h */
static void records_that_tell_a_time_are_known(void **state)
{
    static const struct {
        uint8_t manager, info;
        bool dated;
    } kinds[] = {
        {1,  0x00, true }, /* commit */
        {1,  0x80, true }, /* with more */
        {1,  0x10, true }, /* prepare */
        {1,  0xa0, true }, /* abort */
        {1,  0x40, true }, /* abort of a prepared one */
        {1,  0x50, false}, /* assignment */
        {1,  0x60, false}, /* invalidations */
        {0,  0x00, true }, /* checkpoints */
        {0,  0x10, true },
        {0,  0x70, true }, /* restore point */
        {0,  0x90, true }, /* end of recovery */
        {0,  0x30, false}, /* next oid */
        {0,  0xa0, false}, /* hint */
        {10, 0x00, false},
    };
    struct wal_end end;
    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        begin_wal();
        uint64_t first = put_record(kinds[i].manager, kinds[i].info, 60);
        (void)put_record(10, 0x00, 60);
        assert_true(find(START, &end));
        assert_int_equal(end.dated, kinds[i].dated ? first : 0);
    }
}

static uint64_t first_on(uint64_t lsn, uint64_t limit)
{
    uint64_t first = 0;
    return wal_first_record(&source, lsn, limit, &first) ? first : 0;
}

/* From any place, the first record that begins on its page or later: those of a walk from there are the rest of all. */
static void the_first_record_of_a_page_is_found(void **state)
{
    struct wal_end all, rest;
    (void)state;
    pages_end = FIRST_LSN + sizeof(wal);
    for (uint32_t total = 24; total < 2 * SEGMENT; total += total < 300 ? 1 : 61) {
        static uint64_t begins[sizeof(wal) / 24];
        size_t count = 0;
        begin_wal();
        while (at + 3 * (uint64_t)total < FIRST_LSN + sizeof(wal))
            begins[count++] = put_record(10, 0x00, total);
        assert_true(find(START, &all));
        size_t next = 0;
        for (uint64_t lsn = FIRST_LSN; lsn < all.last; lsn += PAGE) {
            while (next < count && begins[next] < lsn)
                next++;
            uint64_t first = first_on(lsn + PAGE / 2, FIRST_LSN + sizeof(wal));
            assert_true(wal_find_end(&source, first, UINT64_MAX, &rest));
            assert_int_equal(rest.records, count - next);
            assert_int_equal(rest.end, all.end);
            assert_int_equal(first_on(lsn, begins[next] - begins[next] % PAGE), 0);
        }
    }
}

static void no_record_is_found_where_none_begins(void **state)
{
    (void)state;
    begin_wal();
    (void)put_record(10, 0x00, 3 * PAGE);
    assert_int_equal(first_on(FIRST_LSN + PAGE, at), 0); /* one that goes on to the end */
    assert_int_equal(first_on(FIRST_LSN + PAGE, at + 8), at);
    pages_end = FIRST_LSN + 2 * PAGE; /* or whose end is missing */
    assert_int_equal(first_on(FIRST_LSN + PAGE, at + 8), 0);
    pages_end = FIRST_LSN + sizeof(wal);
    put(FIRST_LSN + 24, SYSTEM + 1, 8); /* another cluster's */
    assert_int_equal(first_on(FIRST_LSN + PAGE, at + 8), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_of_a_record_counts_and_no_other_one),
        cmocka_unit_test(what_the_other_one_did_not_tell_is_not_compared),
        cmocka_unit_test(a_damaged_byte_of_mine_is_no_difference),
        cmocka_unit_test(half_a_record_is_no_difference),
        cmocka_unit_test(records_that_tell_a_time_are_known),
        cmocka_unit_test(the_first_record_of_a_page_is_found),
        cmocka_unit_test(no_record_is_found_where_none_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
