#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roles/text.h"

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static void spans_are_compared_and_searched(void **state)
{
    (void)state;
    assert_true(text_is(span_of("abc"), "abc"));
    assert_false(text_is(span_of("abc"), "ab"));
    assert_false(text_is(span_of("ab"), "abc"));
    assert_true(text_starts(span_of("abc"), "ab"));
    assert_false(text_starts(span_of("a"), "ab"));
    assert_int_equal(text_find(span_of("a:b:c"), ':'), 1);
    assert_int_equal(text_find_last(span_of("a:b:c"), ':'), 3);
    assert_int_equal(text_find(span_of("abc"), ':'), 3);
    assert_int_equal(text_find_last(span_of("abc"), ':'), 3);
    assert_true(text_is(text_from(span_of("abc"), 1), "bc"));
}

static void a_cut_tells_whether_there_was_a_separator(void **state)
{
    struct span rest;
    (void)state;
    assert_true(text_is(text_cut(span_of("a,b,c"), ',', &rest), "a"));
    assert_true(text_is(rest, "b,c"));
    assert_true(text_is(text_cut(span_of("a,"), ',', &rest), "a"));
    assert_non_null(rest.data);
    assert_int_equal(rest.len, 0);
    assert_true(text_is(text_cut(span_of("a"), ',', &rest), "a"));
    assert_null(rest.data);
    assert_int_equal(text_cut((struct span){NULL, 0}, ',', &rest).len, 0);
    assert_null(rest.data);
}

static void numbers_do_not_overflow(void **state)
{
    uint64_t big = 7;
    int64_t number = 7;
    (void)state;
    assert_true(text_u64(span_of("18446744073709551615"), &big));
    assert_true(big == UINT64_MAX);
    big = 7;
    assert_false(text_u64(span_of("18446744073709551616"), &big));
    assert_false(text_u64(span_of("28446744073709551615"), &big));
    assert_false(text_u64(span_of("100000000000000000000"), &big));
    assert_false(text_u64(span_of(""), &big));
    assert_false(text_u64(span_of("+1"), &big));
    assert_false(text_u64(span_of("-1"), &big));
    assert_false(text_u64(span_of("1/"), &big));
    assert_false(text_u64(span_of("1:"), &big));
    assert_int_equal(big, 7);
    assert_true(text_i64(span_of("-9223372036854775807"), &number));
    assert_true(number == -INT64_MAX);
    assert_true(text_i64(span_of("9223372036854775807"), &number));
    assert_true(number == INT64_MAX);
    assert_false(text_i64(span_of("9223372036854775808"), &number));
    assert_false(text_i64(span_of("-"), &number));
    assert_false(text_i64(span_of("--1"), &number));
    assert_true(text_u64(span_of("007"), &big));
}

static void what_does_not_fit_is_left_out(void **state)
{
    char out[4] = "zzz";
    (void)state;
    assert_false(text_copy(span_of("abcd"), out, sizeof(out)));
    assert_string_equal(out, "zzz");
    assert_true(text_copy(span_of("abc"), out, sizeof(out)));
    assert_string_equal(out, "abc");
    assert_true(text_copy((struct span){NULL, 0}, out, sizeof(out)));
    assert_string_equal(out, "");
}

static void text_grows_until_it_is_full(void **state)
{
    char data[24];
    struct text_out out = {data, sizeof(data), 0, false};
    (void)state;
    text_put(&out, "n ");
    text_put_u64(&out, UINT64_MAX);
    text_put_u64(&out, 0);
    assert_int_equal(text_done(&out), 23);
    assert_string_equal(data, "n 184467440737095516150");
    text_put(&out, "");
    assert_int_equal(text_done(&out), 23);
    text_put(&out, "x");
    assert_int_equal(text_done(&out), 0);
    text_put(&out, "");
    assert_int_equal(text_done(&out), 0);
    assert_string_equal(data, "n 184467440737095516150");
}

/* inet_pton is the judge. */
static void check_address(const char *text)
{
    unsigned char bytes[16];
    assert_int_equal(text_is_ipv4(span_of(text)), inet_pton(AF_INET, text, bytes) == 1);
    assert_int_equal(text_is_ipv6(span_of(text)), inet_pton(AF_INET6, text, bytes) == 1);
}

static void addresses_are_those_that_inet_pton_takes(void **state)
{
    static const char *const texts[] = {
        "",
        "0.0.0.0",
        "255.255.255.255",
        "256.0.0.1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.",
        ".1.2.3",
        "1..2.3",
        "01.2.3.4",
        "1.2.3.0004",
        "1.2.3.4 ",
        "::",
        ":",
        ":::",
        "::1",
        "1::",
        ":1",
        "1:",
        "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8::",
        "1::3::5",
        "1:::5",
        "12345::",
        "abcd:EF01::",
        "g::",
        "::ffff:10.0.0.1",
        "::10.0.0.1:1",
        "1:2:3:4:5:6:10.0.0.1",
        "1:2:3:4:5:6:7:10.0.0.1",
        "1:2:3:4:5::10.0.0.1",
        "1:2:3:4:5:6::10.0.0.1",
        "10.0.0.1::",
        "fe80::1%eth0",
        "[::1]",
    };
    uint32_t seed = 1;
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        check_address(texts[i]);
    for (int round = 0; round < 200000; round++) {
        char text[24];
        size_t len = 0;
        for (; len < sizeof(text) - 1; len++) {
            seed = seed * 1664525 + 1013904223;
            text[len] = "0123::::1f...."[(seed >> 16) % 14];
            if (len > 2 && (seed >> 8) % 12 == 0)
                break;
        }
        text[len] = '\0';
        check_address(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_are_compared_and_searched),
        cmocka_unit_test(a_cut_tells_whether_there_was_a_separator),
        cmocka_unit_test(numbers_do_not_overflow),
        cmocka_unit_test(what_does_not_fit_is_left_out),
        cmocka_unit_test(text_grows_until_it_is_full),
        cmocka_unit_test(addresses_are_those_that_inet_pton_takes),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
