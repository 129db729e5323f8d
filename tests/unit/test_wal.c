#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/made_wal.h"

static void a_clean_stop_ends_behind_its_checkpoint(void **state)
{
    struct wal_end end;
    (void)state;
    begin_wal();
    uint64_t checkpoint = put_record(0, 0x00, 114);
    assert_true(find(checkpoint, &end));
    assert_int_equal(end.end, checkpoint + 120);
    assert_int_equal(end.last, checkpoint);
    assert_int_equal(end.records, 1);
    assert_int_equal(end.timeline, 1);
    assert_true(end.shutdown);
    assert_int_equal(end.stop, WAL_STOP_NO_RECORD);
    (void)put_record(10, 0x00, 50);
    assert_true(find(checkpoint, &end));
    assert_int_equal(end.records, 2);
    assert_false(end.shutdown);
}

/* Records of every length at every place, across pages and segments; whether a border is met
 * exactly or not. */
static void records_of_every_length_are_walked(void **state)
{
    struct wal_end end;
    (void)state;
    for (uint32_t total = 24; total < 2 * SEGMENT; total += total < 300 ? 1 : 61) {
        uint64_t count = 0;
        begin_wal();
        for (; at + 3 * (uint64_t)total < FIRST_LSN + sizeof(wal); count++)
            (void)put_record(10, 0x00, total);
        assert_true(find(START, &end));
        assert_int_equal(end.records, count);
        assert_int_equal(end.end, at);
        assert_int_equal(end.last, last);
    }
}

static void a_switch_ends_at_the_next_segment(void **state)
{
    struct wal_end end;
    (void)state;
    begin_wal();
    (void)put_record(0, 0x40, 24);
    assert_true(find(START, &end));
    assert_int_equal(end.end, FIRST_LSN + SEGMENT);
    assert_int_equal(end.stop, WAL_STOP_BAD_PAGE);
    at = FIRST_LSN + SEGMENT;
    (void)put_record(10, 0x00, 30);
    assert_true(find(START, &end));
    assert_int_equal(end.records, 2);
    assert_int_equal(end.end, at);
    begin_wal();
    (void)put_record(1, 0x40, 24); /* another manager's */
    assert_true(find(START, &end));
    assert_int_equal(end.end, START + 24);
}

/* A switch record that fills its segment leaves nothing to skip. */
static void a_switch_at_the_very_end_of_a_segment(void **state)
{
    struct wal_end end;
    (void)state;
    begin_wal();
    while (at < FIRST_LSN + SEGMENT - 24)
        (void)put_record(10, 0x00, 24);
    (void)put_record(0, 0x40, 24);
    assert_int_equal(at, FIRST_LSN + SEGMENT);
    assert_true(find(START, &end));
    assert_int_equal(end.end, FIRST_LSN + SEGMENT);
}

/* What no server looks at either: the flag "removable", a timeline that rises, padding. */
static bool means_nothing(uint64_t bit)
{
    uint64_t in_page = bit % (8 * (uint64_t)PAGE);
    return in_page == 2 * 8 + 2 || (in_page > 4 * 8 && in_page < 8 * 8) ||
           (in_page >= 20 * 8 && in_page < 24 * 8);
}

static void every_flipped_bit_of_a_record_ends_the_walk_before_it(void **state)
{
    struct wal_end end;
    (void)state;
    begin_wal();
    (void)put_record(10, 0x00, 100);
    uint64_t second = put_record(10, 0x00, 200);
    for (uint64_t bit = 8 * second; bit < 8 * at; bit++) {
        *byte(bit / 8) ^= (unsigned char)(1 << bit % 8);
        assert_true(find(START, &end));
        assert_int_equal(end.end == second, !means_nothing(bit));
        *byte(bit / 8) ^= (unsigned char)(1 << bit % 8);
    }
}

static void an_older_page_of_a_recycled_segment_is_no_end_of_a_record(void **state)
{
    struct wal_end end;
    (void)state;
    begin_wal();
    (void)put_record(10, 0x00, PAGE - 40); /* to the page's end */
    assert_int_equal(at, FIRST_LSN + PAGE);
    (void)put_record(10, 0x00, 100);
    put(FIRST_LSN + PAGE + 8, FIRST_LSN - 3 * SEGMENT + PAGE, 8);
    assert_true(find(START, &end));
    assert_int_equal(end.end, FIRST_LSN + PAGE);
    assert_int_equal(end.stop, WAL_STOP_BAD_PAGE);
}

static void a_record_that_follows_another_is_stale(void **state)
{
    struct wal_end end;
    (void)state;
    begin_wal();
    uint64_t first = put_record(10, 0x00, 100);
    uint64_t second = put_record(10, 0x00, 100);
    last = first - 8; /* whole, but of a history that was overwritten */
    (void)put_record(10, 0x00, 100);
    assert_true(find(START, &end));
    assert_int_equal(end.last, second);
    assert_int_equal(end.stop, WAL_STOP_NO_RECORD);
}

/* A server that died within a record begins again at the next page and says so (13.5 and later). */
static void an_overwritten_record_is_left_out(void **state)
{
    struct wal_end end;
    (void)state;
    begin_wal();
    uint64_t whole = put_record(10, 0x00, 100);
    uint64_t broken = put_record(10, 0x00, 300);
    at = FIRST_LSN + PAGE;
    last = whole;
    begin_page(8, 0);
    uint64_t next = put_record(0, 0xd0, 42);
    assert_true(find(START, &end));
    assert_int_equal(end.records, 2);
    assert_int_equal(end.last, next);
    assert_int_equal(end.end, at);
    assert_false(find(broken, &end)); /* and a walk that begins in it is none */
    assert_int_equal(end.stop, WAL_STOP_CUT);
    put(FIRST_LSN + PAGE + 2, 0, 2);
    assert_true(find(START, &end));
    assert_int_equal(end.last, whole);
    assert_int_equal(end.stop, WAL_STOP_CUT);
}

static void the_timeline_is_the_last_pages_and_never_falls(void **state)
{
    struct wal_end end;
    (void)state;
    begin_wal();
    (void)put_record(10, 0x00, PAGE - 40);
    timeline = 2;
    (void)put_record(10, 0x00, PAGE - 24);
    assert_true(find(START, &end));
    assert_int_equal(end.timeline, 2);
    timeline = 1;
    (void)put_record(10, 0x00, 100);
    assert_true(find(START, &end));
    assert_int_equal(end.records, 2);
    assert_int_equal(end.stop, WAL_STOP_BAD_PAGE);
}

static void another_clusters_segment_is_refused(void **state)
{
    static const struct {
        uint64_t at, value;
        size_t len;
    } cases[] = {
        {24, SYSTEM + 1,  8}, /* system identifier */
        {32, SEGMENT * 2, 4},
        {36, PAGE * 2,    4},
        {0,  0x1234,      2}, /* magic */
        {2,  0,           2}, /* a short header where a segment begins */
        {2,  0x12,        2}, /* an unknown flag */
    };
    struct wal_end end;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        begin_wal();
        while (at < FIRST_LSN + PAGE + 100)
            (void)put_record(10, 0x00, 50);
        put(FIRST_LSN + cases[i].at, cases[i].value, cases[i].len);
        assert_false(find(last, &end)); /* on the second page, which does not tell whose it is */
        assert_int_equal(end.stop, WAL_STOP_BAD_PAGE);
        assert_int_equal(end.end, last);
    }
}

static void a_start_that_is_no_record_is_told(void **state)
{
    struct wal_end end;
    (void)state;
    begin_wal();
    (void)put_record(10, 0x00, 400);
    static const uint64_t starts[] = {
        START + 8, START + 4,      FIRST_LSN + 8, FIRST_LSN + PAGE, FIRST_LSN + PAGE + 24,
        0,         UINT64_MAX - 7, UINT64_MAX};
    for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
        assert_false(find(starts[i], &end));
        assert_int_equal(end.records, 0);
        assert_int_equal(end.end, starts[i]);
    }
    assert_true(find(FIRST_LSN, &end)); /* the page's beginning stands for its first record */
    assert_int_equal(end.last, START);
}

static void missing_pages_end_the_wal(void **state)
{
    struct wal_end end;
    (void)state;
    begin_wal();
    uint64_t first = put_record(10, 0x00, 100);
    uint64_t second = put_record(10, 0x00, 2 * PAGE);
    pages_end = FIRST_LSN + PAGE;
    assert_true(find_past(START, UINT64_MAX, &end));
    assert_int_equal(end.last, first);
    assert_int_equal(end.end, second);
    assert_int_equal(end.stop, WAL_STOP_NO_PAGE);
    pages_end = FIRST_LSN;
    assert_false(find_past(START, UINT64_MAX, &end));
}

static void a_walk_ends_once_it_is_past_what_was_asked(void **state)
{
    struct wal_end end;
    (void)state;
    begin_wal();
    (void)put_record(10, 0x00, 24);
    uint64_t second = put_record(10, 0x00, 24);
    (void)put_record(10, 0x00, 24);
    pages_end = FIRST_LSN + sizeof(wal);
    assert_true(find_past(START, second, &end));
    assert_int_equal(end.end, second + 24);
    assert_int_equal(end.stop, WAL_STOP_PAST);
    assert_true(find_past(START, 0, &end));
    assert_int_equal(end.records, 1);
    assert_true(find_past(START, second + 48, &end));
    assert_int_equal(end.stop, WAL_STOP_NO_RECORD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clean_stop_ends_behind_its_checkpoint),
        cmocka_unit_test(records_of_every_length_are_walked),
        cmocka_unit_test(a_switch_ends_at_the_next_segment),
        cmocka_unit_test(a_switch_at_the_very_end_of_a_segment),
        cmocka_unit_test(every_flipped_bit_of_a_record_ends_the_walk_before_it),
        cmocka_unit_test(an_older_page_of_a_recycled_segment_is_no_end_of_a_record),
        cmocka_unit_test(a_record_that_follows_another_is_stale),
        cmocka_unit_test(an_overwritten_record_is_left_out),
        cmocka_unit_test(the_timeline_is_the_last_pages_and_never_falls),
        cmocka_unit_test(another_clusters_segment_is_refused),
        cmocka_unit_test(a_start_that_is_no_record_is_told),
        cmocka_unit_test(missing_pages_end_the_wal),
        cmocka_unit_test(a_walk_ends_once_it_is_past_what_was_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
