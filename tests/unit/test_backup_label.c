#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roles/backup_label.h"

#define FIRST "START WAL LOCATION: 0/6000028 (file 000000020000000000000006)\n"
#define SECOND "CHECKPOINT LOCATION: 0/6000060\n"
#define METHOD "BACKUP METHOD: streamed\n"
#define REST(from)                                                                                 \
    METHOD "BACKUP FROM: " from "\nSTART TIME: 2026-11-23 16:55:01 UTC\nLABEL: ordain\n"

static bool parse(struct backup_label *label, const char *text)
{
    return backup_label_parse(label, text, strlen(text));
}

static void a_label_of_a_primary_and_of_a_standby(void **state)
{
    struct backup_label label;
    (void)state;
    assert_true(parse(&label, FIRST SECOND REST("primary") "START TIMELINE: 2\n"));
    assert_int_equal(label.start, 0x6000028);
    assert_int_equal(label.checkpoint, 0x6000060);
    assert_int_equal(label.timeline, 2);
    assert_false(label.from_standby);
    assert_true(parse(&label, FIRST SECOND REST("standby") "START TIMELINE: 2\n"));
    assert_true(label.from_standby);
    assert_true(parse(&label, FIRST SECOND REST("master") "START TIMELINE: 2\n")); /* 13 */
    assert_false(label.from_standby);
}

/* LABEL is the text of whoever took the backup. */
static void a_label_with_lines_of_its_own_gains_nothing(void **state)
{
    struct backup_label label;
    (void)state;
    assert_false(
        parse(&label, FIRST SECOND REST("primary") "START TIMELINE: 9\nSTART TIMELINE: 2\n"));
    assert_true(parse(
        &label,
        FIRST SECOND REST("primary") "BACKUP FROM: standby\nSTART WAL LOCATION: 0/1 (file x)\n"
                                     "START TIMELINE: 2\n"));
    assert_int_equal(label.start, 0x6000028);
    assert_false(label.from_standby);
}

static void what_is_no_label_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        FIRST,
        SECOND FIRST REST("primary") "START TIMELINE: 2\n",
        FIRST SECOND "BACKUP FROM: primary\nSTART TIMELINE: 2\n",
        FIRST SECOND METHOD "START TIMELINE: 2\n",
        FIRST SECOND REST("nobody") "START TIMELINE: 2\n",
        FIRST SECOND REST("primary"),
        FIRST SECOND REST("primary") "START TIMELINE: 1\n",
        FIRST SECOND REST("primary") "START TIMELINE: 2",
        "START WAL LOCATION: 0/6000028\n" SECOND REST("primary") "START TIMELINE: 2\n",
        "START WAL LOCATION: 0/6000028 (file 00000002000000000000006)\n" SECOND REST(
            "primary") "START TIMELINE: 2\n",
    };
    struct backup_label label = {.start = 5};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_false(parse(&label, texts[i]));
    assert_int_equal(label.start, 5);
}

static void a_cut_label_is_none(void **state)
{
    static const char text[] = FIRST SECOND REST("primary") "START TIMELINE: 2\n";
    struct backup_label label;
    (void)state;
    for (size_t len = 0; len + 1 < sizeof(text); len++)
        assert_false(backup_label_parse(&label, text, len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_of_a_primary_and_of_a_standby),
        cmocka_unit_test(a_label_with_lines_of_its_own_gains_nothing),
        cmocka_unit_test(what_is_no_label_is_refused),
        cmocka_unit_test(a_cut_label_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
