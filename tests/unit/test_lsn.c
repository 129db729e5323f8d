#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roles/lsn.h"

#define MB (1024 * 1024)

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static void positions_are_read_and_written(void **state)
{
    static const struct {
        const char *text;
        uint64_t lsn;
    } cases[] = {
        {"16/B374D848",       0x16b374d848},
        {"0/0",               0           },
        {"0/1",               1           },
        {"1/0",               0x100000000 },
        {"FFFFFFFF/FFFFFFFF", UINT64_MAX  },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[LSN_TEXT_MAX];
        uint64_t lsn;
        assert_true(lsn_parse(span_of(cases[i].text), &lsn));
        assert_int_equal(lsn, cases[i].lsn);
        lsn_write(lsn, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void zeros_before_and_small_letters_are_read(void **state)
{
    uint64_t lsn;
    (void)state;
    assert_true(lsn_parse(span_of("00000000/03000028"), &lsn));
    assert_int_equal(lsn, 0x3000028);
    assert_true(lsn_parse(span_of("a/bc"), &lsn));
    assert_int_equal(lsn, 0xa000000bc);
}

static void what_is_no_position_is_refused(void **state)
{
    static const char *const texts[] = {
        "",     "/",    "0",     "0/",          "/0",  "0/0/0", " 0/0",
        "0/0 ", "0/-1", "0x0/0", "0/123456789", "0/G", "+0/0",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        uint64_t lsn = 5;
        assert_false(lsn_parse(span_of(texts[i]), &lsn));
        assert_int_equal(lsn, 5);
    }
    assert_false(lsn_parse((struct span){"0/1\0", 4}, &(uint64_t){0}));
}

/* Names and positions as pg_walfile_name(...) of PostgreSQL 15 tells them. */
static void segments_have_the_names_of_the_server(void **state)
{
    static const struct {
        uint32_t timeline;
        uint64_t lsn, start;
        uint32_t bytes;
        const char *name;
    } cases[] = {
        {1,          0x1000028,    0x1000000,    16 * MB,   "000000010000000000000001"},
        {1,          0x1ffffff,    0x1000000,    16 * MB,   "000000010000000000000001"},
        {2,          0x2000000,    0x2000000,    16 * MB,   "000000020000000000000002"},
        {0xa,        0x16b374d848, 0x16b3000000, 16 * MB,   "0000000A00000016000000B3"},
        {1,          0xffffffff,   0xff000000,   16 * MB,   "0000000100000000000000FF"},
        {1,          0x100000000,  0x100000000,  16 * MB,   "000000010000000100000000"},
        {1,          0x100000000,  0x100000000,  1024 * MB, "000000010000000100000000"},
        {1,          0xffffffff,   0xc0000000,   1024 * MB, "000000010000000000000003"},
        {0xffffffff, 0x1ffffffff,  0x1fff00000,  1 * MB,    "FFFFFFFF0000000100000FFF"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char name[LSN_SEGMENT_NAME_MAX];
        uint32_t timeline;
        uint64_t start;
        lsn_segment_name(cases[i].timeline, cases[i].lsn, cases[i].bytes, name);
        assert_string_equal(name, cases[i].name);
        assert_true(lsn_segment_parse(span_of(name), cases[i].bytes, &timeline, &start));
        assert_int_equal(timeline, cases[i].timeline);
        assert_int_equal(start, cases[i].start);
    }
}

static void what_is_no_segment_is_refused(void **state)
{
    static const char *const names[] = {
        "",
        "00000002.history",
        "00000001000000000000000",
        "0000000100000000000000010",
        "000000010000000000000001.partial",
        "000000010000000000000002.00000028.backup",
        "000000000000000000000001", /* timeline 0 */
        "000000010000000000000100", /* past the segments of 4 GB */
        "00000001000000000000000g",
        "archive_status",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        assert_false(lsn_segment_parse(span_of(names[i]), 16 * MB, &(uint32_t){0}, &(uint64_t){0}));
}

static void histories_have_the_names_of_the_server(void **state)
{
    char name[LSN_HISTORY_NAME_MAX];
    uint32_t timeline;
    (void)state;
    lsn_history_name(2, name);
    assert_string_equal(name, "00000002.history");
    lsn_history_name(UINT32_MAX, name);
    assert_string_equal(name, "FFFFFFFF.history");
    assert_true(lsn_timeline_parse((struct span){name, 8}, &timeline));
    assert_int_equal(timeline, UINT32_MAX);
    assert_false(lsn_timeline_parse(span_of("00000000"), &timeline));
    assert_false(lsn_timeline_parse(span_of("1"), &timeline));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_are_read_and_written),
        cmocka_unit_test(zeros_before_and_small_letters_are_read),
        cmocka_unit_test(what_is_no_position_is_refused),
        cmocka_unit_test(segments_have_the_names_of_the_server),
        cmocka_unit_test(what_is_no_segment_is_refused),
        cmocka_unit_test(histories_have_the_names_of_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
