#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "init/sys/err.h"

static void setting_an_error_returns_false_and_keeps_kind_and_message(void **state)
{
    (void)state;
    struct err err;
    assert_false(err_set(&err, ERR_REFUSED, "'%s' is foreign", "nodes.conf"));
    assert_int_equal(err.kind, ERR_REFUSED);
    assert_string_equal(err.message, "'nodes.conf' is foreign");
}

static void control_characters_become_question_marks(void **state)
{
    (void)state;
    struct err err;
    err_set(&err, ERR_NO, "peer says '%s'", "\x1b[31m\r\n\x7f");
    assert_string_equal(err.message, "peer says '?[31m?\?\?'");
}

static void a_message_too_long_is_cut_between_characters(void **state)
{
    (void)state;
    struct err err;
    char text[2000];
    /* 1022 bytes and a character of two: only its first byte would fit */
    memset(text, 'a', 1022);
    strcpy(text + 1022, "\xC3\xA9");
    err_set(&err, ERR_NO, "%s", text);
    assert_int_equal(strlen(err.message), 1022);
    /* 1020 and one of three: it fits */
    strcpy(text + 1020, "\xE2\x82\xAC"
                        "bbbb");
    err_set(&err, ERR_NO, "%s", text);
    assert_int_equal(strlen(err.message), 1023);
    /* 1021 and one of four: the whole character goes */
    strcpy(text + 1021, "\xF0\x9F\x92\xA9"
                        "bbbb");
    err_set(&err, ERR_NO, "%s", text);
    assert_int_equal(strlen(err.message), 1021);
}

static void a_wrapped_error_keeps_its_kind(void **state)
{
    (void)state;
    struct err err;
    err_set(&err, ERR_LATER, "no answer");
    assert_false(err_wrap(&err, "member '%s'", "redis-3"));
    assert_int_equal(err.kind, ERR_LATER);
    assert_string_equal(err.message, "member 'redis-3': no answer");
}

static void a_message_may_be_made_of_itself(void **state)
{
    (void)state;
    struct err err;
    err_set(&err, ERR_LATER, "no answer");
    err_set(&err, ERR_NO, "last: %s", err.message);
    assert_string_equal(err.message, "last: no answer");
}

static void wrapping_without_end_stays_within_the_buffer(void **state)
{
    (void)state;
    struct err err;
    err_set(&err, ERR_LATER, "the cause");
    for (int i = 0; i < 300; i++)
        err_wrap(&err, "context %d", i);
    assert_true(strlen(err.message) < sizeof err.message);
    assert_memory_equal(err.message, "context 299: context 298: ", 26);
}

static void rights_are_denied_and_the_rest_is_input_and_output(void **state)
{
    (void)state;
    struct err err;
    assert_false(err_errno(&err, EACCES, "cannot open '%s'", "a"));
    assert_int_equal(err.kind, ERR_DENIED);
    assert_string_equal(err.message, "cannot open 'a': Permission denied");
    err_errno(&err, EPERM, "x");
    assert_int_equal(err.kind, ERR_DENIED);
    static const int others[] = {ENOSPC, EROFS, EDQUOT, EIO, EMFILE};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        err_errno(&err, others[i], "x");
        assert_int_equal(err.kind, ERR_IO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_an_error_returns_false_and_keeps_kind_and_message),
        cmocka_unit_test(control_characters_become_question_marks),
        cmocka_unit_test(a_message_too_long_is_cut_between_characters),
        cmocka_unit_test(a_wrapped_error_keeps_its_kind),
        cmocka_unit_test(a_message_may_be_made_of_itself),
        cmocka_unit_test(wrapping_without_end_stays_within_the_buffer),
        cmocka_unit_test(rights_are_denied_and_the_rest_is_input_and_output),
    };
    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
