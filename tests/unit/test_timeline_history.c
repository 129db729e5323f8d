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
        cmocka_unit_test(comments_and_blank_lines_are_skipped),
        cmocka_unit_test(two_timelines_may_end_at_one_place),
        cmocka_unit_test(what_is_no_history_is_refused),
        cmocka_unit_test(a_cut_history_is_never_another),
        cmocka_unit_test(more_entries_than_fit_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
