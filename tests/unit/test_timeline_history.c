#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roles/timeline_history.h"

static struct timeline_entry entries[3];
static struct timeline_history history = {.entries = entries, .capacity = 3};

static enum timeline_history_status parse(uint32_t timeline, const char *text)
{
    size_t len = strlen(text);
    char *exact = malloc(len + 1); /* so that one byte too far is seen */
    assert_non_null(exact);
    memcpy(exact, text, len);
    exact = realloc(exact, len > 0 ? len : 1);
    assert_non_null(exact);
    enum timeline_history_status status = timeline_history_parse(&history, timeline, exact, len);
    free(exact);
    return status;
}

/* Two promotions, as PostgreSQL 15.18 writes them. */
static const char twice[] = "1\t0/3000000\tno recovery target specified\n"
                            "\n"
                            "2\t0/5000130\tno recovery target specified\n";

static void forks_are_found(void **state)
{
    uint64_t lsn = 0;
    (void)state;
    assert_int_equal(parse(3, twice), TIMELINE_HISTORY_OK);
    assert_int_equal(history.timeline, 3);
    assert_int_equal(history.count, 2);
    assert_true(timeline_history_fork(&history, 1, &lsn));
    assert_int_equal(lsn, 0x3000000);
    assert_true(timeline_history_fork(&history, 2, &lsn));
    assert_int_equal(lsn, 0x5000130);
}

static void a_timeline_that_is_no_ancestor_has_no_fork(void **state)
{
    uint64_t lsn = 7;
    (void)state;
    assert_int_equal(parse(4, "1\t0/3000000\tx\n3\t0/4000000\tx\n"), TIMELINE_HISTORY_OK);
    assert_false(timeline_history_fork(&history, 2, &lsn)); /* another branch */
    assert_false(timeline_history_fork(&history, 4, &lsn)); /* itself */
    assert_false(timeline_history_fork(&history, 5, &lsn));
    assert_int_equal(lsn, 7);
}

static void a_text_tells_whether_and_where_an_ancestor_was_left(void **state)
{
    uint64_t lsn = 7;
    bool left = true;
    size_t len = strlen(twice);
    (void)state;
    assert_int_equal(timeline_history_left(twice, len, 3, 5, &left, &lsn), TIMELINE_HISTORY_OK);
    assert_false(left);
    assert_int_equal(lsn, 7);
    assert_int_equal(timeline_history_left(twice, len, 3, 2, &left, &lsn), TIMELINE_HISTORY_OK);
    assert_true(left);
    assert_int_equal(lsn, 0x5000130);
    assert_int_equal(timeline_history_left(twice, len - 1, 3, 2, &left, &lsn),
                     TIMELINE_HISTORY_BAD);
    assert_false(left);
}

#define SEGMENT (1U << 20)

static uint32_t holder(uint64_t lsn, uint64_t *begin)
{
    return timeline_history_holder(&history, SEGMENT, lsn, begin);
}

/* The segment with a switch has the newer number, also for what lies in front of the switch. */
static void a_segment_has_the_number_of_the_newest_timeline_that_began_in_it(void **state)
{
    static const struct {
        uint64_t lsn, begin;
        uint32_t timeline;
    } places[] = {
        {0,          0,        1},
        {0x2fffff,   0,        1},
        {0x300000,   0x300000, 3}, /* 3 began 440 bytes behind a segment's beginning */
        {0x3001b7,   0x300000, 3},
        {0x3001b8,   0x300000, 3},
        {0x4fffff,   0x300000, 3},
        {0x500000,   0x500000, 4}, /* 4 at one */
        {0x7fffff,   0x500000, 4},
        {0x800000,   0x800000, 9}, /* 7 and 9 in one segment, 9 with its last byte */
        {0x8fffff,   0x800000, 9},
        {1ULL << 40, 0x800000, 9},
    };
    static struct timeline_entry left[] = {
        {1, 0x3001b8},
        {3, 0x500000},
        {4, 0x800010},
        {7, 0x8fffff}
    };
    const struct timeline_history whole = {9, left, 4, 4};
    uint64_t begin;
    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        assert_int_equal(timeline_history_holder(&whole, SEGMENT, places[i].lsn, &begin),
                         places[i].timeline);
        assert_int_equal(begin, places[i].begin);
    }
}

static void the_first_timeline_has_all_segments(void **state)
{
    uint64_t begin = 7;
    (void)state;
    history.timeline = 1;
    history.count = 0;
    assert_int_equal(holder(0, &begin), 1);
    assert_int_equal(begin, 0);
    assert_int_equal(holder(UINT64_MAX, &begin), 1);
    assert_int_equal(begin, 0);
}

/* As tail after tail is asked for, from the newest timeline back. */
static void stretch_after_stretch_leads_to_the_oldest(void **state)
{
    uint64_t begin = 0;
    (void)state;
    assert_int_equal(parse(3, twice), TIMELINE_HISTORY_OK);
    assert_int_equal(holder(0x5000200, &begin), 3);
    assert_int_equal(begin, 0x5000000);
    assert_int_equal(holder(begin - 1, &begin), 2);
    assert_int_equal(begin, 0x3000000); /* 2 began at a segment's beginning */
    assert_int_equal(holder(begin - 1, &begin), 1);
    assert_int_equal(begin, 0);
}

static void comments_and_blank_lines_are_skipped(void **state)
{
    (void)state;
    assert_int_equal(parse(2, "# a comment\n\n  \t\n 1 \t1/A0\n"), TIMELINE_HISTORY_OK);
    assert_int_equal(history.count, 1);
    assert_int_equal(entries[0].end, 0x1000000a0);
}

static void two_timelines_may_end_at_one_place(void **state)
{
    (void)state;
    assert_int_equal(parse(3, "1\t0/3000000\tx\n2\t0/3000000\tx\n"), TIMELINE_HISTORY_OK);
}

static void what_is_no_history_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "\n",
        "# nothing\n",
        "1\n",
        "1\t\n",
        "0\t0/3000000\tx\n",
        "-1\t0/3000000\tx\n",
        "1\t0/0\tx\n",
        "1\t3000000\tx\n",
        "1\t0/3000000x\n",
        "x\t0/3000000\tx\n",
        "4294967297\t0/3000000\tx\n",
        "3\t0/3000000\tx\n",                  /* its own */
        "4\t0/3000000\tx\n",                  /* its descendant */
        "1\t0/3000000\tx\n1\t0/4000000\tx\n", /* twice */
        "2\t0/3000000\tx\n1\t0/4000000\tx\n", /* backwards */
        "1\t0/3000000\tx\n2\t0/2000000\tx\n", /* before it began */
        "1\t0/3000000\tx\nHTTP/1.1 200 OK\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_int_equal(parse(3, texts[i]), TIMELINE_HISTORY_BAD);
}

/* A position that lost digits would be another fork. */
static void a_cut_history_is_never_another(void **state)
{
    char text[sizeof(twice)];
    (void)state;
    for (size_t cut = 0; cut + 1 < sizeof(twice); cut++) {
        memcpy(text, twice, cut);
        text[cut] = '\0';
        if (parse(3, text) != TIMELINE_HISTORY_OK)
            continue;
        assert_int_equal(history.count, 1); /* cut between two lines */
        assert_int_equal(entries[0].end, 0x3000000);
    }
}

static void more_entries_than_fit_are_told(void **state)
{
    static const char text[] = "1\t0/1\tx\n2\t0/2\tx\n3\t0/3\tx\n4\t0/4\tx\n";
    (void)state;
    assert_int_equal(parse(5, text), TIMELINE_HISTORY_FULL);
    assert_int_equal(history.count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forks_are_found),
        cmocka_unit_test(a_timeline_that_is_no_ancestor_has_no_fork),
        cmocka_unit_test(a_text_tells_whether_and_where_an_ancestor_was_left),
        cmocka_unit_test(a_segment_has_the_number_of_the_newest_timeline_that_began_in_it),
        cmocka_unit_test(the_first_timeline_has_all_segments),
        cmocka_unit_test(stretch_after_stretch_leads_to_the_oldest),
        cmocka_unit_test(comments_and_blank_lines_are_skipped),
        cmocka_unit_test(two_timelines_may_end_at_one_place),
        cmocka_unit_test(what_is_no_history_is_refused),
        cmocka_unit_test(a_cut_history_is_never_another),
        cmocka_unit_test(more_entries_than_fit_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
