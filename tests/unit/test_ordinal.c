#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "roles/ordinal.h"

#define UNTOUCHED (-7)

static void check(const char *text, enum ordinal_status status, int value)
{
    int ordinal = UNTOUCHED;
    if (ordinal_parse(text, &ordinal) != status || ordinal != value)
        fail_msg("'%s' gives %d", text, ordinal);
}

static void plain_decimal_numbers_are_ordinals(void **state)
{
    (void)state;
    for (int i = 0; i < 12345; i += 7) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", i);
        check(text, ORDINAL_OK, i);
    }
    check("2147483647", ORDINAL_OK, ORDINAL_MAX);
}

static void everything_else_is_none_and_is_not_written(void **state)
{
    (void)state;
    check("", ORDINAL_EMPTY, UNTOUCHED);
    check("-0", ORDINAL_SIGN, UNTOUCHED);
    check("+1", ORDINAL_SIGN, UNTOUCHED);
    check("-1", ORDINAL_SIGN, UNTOUCHED);
    check("00", ORDINAL_LEADING_ZERO, UNTOUCHED);
    check("01", ORDINAL_LEADING_ZERO, UNTOUCHED);
    check("000000000000000000000", ORDINAL_LEADING_ZERO, UNTOUCHED);
    check("2147483648", ORDINAL_TOO_LARGE, UNTOUCHED);
    check("4294967296", ORDINAL_TOO_LARGE, UNTOUCHED);
    check("4294967297", ORDINAL_TOO_LARGE, UNTOUCHED);
    check("21474836470", ORDINAL_TOO_LARGE, UNTOUCHED);
    check("99999999999999999999999999", ORDINAL_TOO_LARGE, UNTOUCHED);
    check("18446744073709551617", ORDINAL_TOO_LARGE, UNTOUCHED);
    check(" 1", ORDINAL_NOT_A_NUMBER, UNTOUCHED);
    check("1 ", ORDINAL_NOT_A_NUMBER, UNTOUCHED);
    check("1\n", ORDINAL_NOT_A_NUMBER, UNTOUCHED);
    check("0x1", ORDINAL_NOT_A_NUMBER, UNTOUCHED);
    check("1.0", ORDINAL_NOT_A_NUMBER, UNTOUCHED);
    check("1e3", ORDINAL_NOT_A_NUMBER, UNTOUCHED);
    check("\xd9\xa1", ORDINAL_NOT_A_NUMBER, UNTOUCHED); /* a digit of another script */
}

static void check_name(const char *name, enum ordinal_status status, int value, size_t stem)
{
    int ordinal = UNTOUCHED;
    size_t stem_len = 99;
    if (ordinal_of_name(name, &ordinal, &stem_len) != status || ordinal != value ||
        stem_len != stem)
        fail_msg("'%s' gives %d and a stem of %zu", name, ordinal, stem_len);
}

static void a_pods_name_ends_in_its_ordinal(void **state)
{
    (void)state;
    check_name("redis-0", ORDINAL_OK, 0, 5);
    check_name("redis-cluster-12", ORDINAL_OK, 12, 13);
    check_name("a-2147483647", ORDINAL_OK, ORDINAL_MAX, 1);
    check_name("1-1", ORDINAL_OK, 1, 1);
    check_name("ip-10-0-0-5", ORDINAL_OK, 5, 9);
}

static void only_the_first_label_counts(void **state)
{
    (void)state;
    check_name("redis-3.redis.cache.svc.cluster.local", ORDINAL_OK, 3, 5);
    check_name("redis-3.", ORDINAL_OK, 3, 5);
    check_name("redis.redis-3", ORDINAL_NO_TAIL, UNTOUCHED, 99);
    check_name(".redis-3", ORDINAL_EMPTY, UNTOUCHED, 99);
}

static void names_without_an_ordinal_say_why(void **state)
{
    (void)state;
    check_name("", ORDINAL_EMPTY, UNTOUCHED, 99);
    check_name("-0", ORDINAL_EMPTY, UNTOUCHED, 99);
    check_name("-", ORDINAL_NO_TAIL, UNTOUCHED, 99);
    check_name("localhost", ORDINAL_NO_TAIL, UNTOUCHED, 99);
    check_name("7", ORDINAL_NO_TAIL, UNTOUCHED, 99);
    check_name("a-", ORDINAL_NO_TAIL, UNTOUCHED, 99);
    check_name("redis-x7k2p", ORDINAL_NO_TAIL, UNTOUCHED, 99);
    check_name("redis-7x", ORDINAL_NO_TAIL, UNTOUCHED, 99);
    check_name("a--1", ORDINAL_SIGN, UNTOUCHED, 99);
    check_name("--1", ORDINAL_SIGN, UNTOUCHED, 99);
    check_name("a-+1", ORDINAL_SIGN, UNTOUCHED, 99);
    check_name("a-01", ORDINAL_LEADING_ZERO, UNTOUCHED, 99);
    check_name("a-4294967296", ORDINAL_TOO_LARGE, UNTOUCHED, 99);
    check_name("\xff\xfe-\xff", ORDINAL_NO_TAIL, UNTOUCHED, 99);
}

static void a_set_s_pods_know_each_other_by_name(void **state)
{
    (void)state;
    assert_int_equal(ordinal_kin_of("pg-1", "pg-1"), ORDINAL_SELF);
    assert_int_equal(ordinal_kin_of("pg-1", "pg-0"), ORDINAL_SIBLING);
    assert_int_equal(ordinal_kin_of("pg-1", "pg-10"), ORDINAL_SIBLING);
    assert_int_equal(ordinal_kin_of("a-pg-1", "a-pg-2"), ORDINAL_SIBLING);
    static const char *const strangers[] = {
        "",        "pg",   "pg-",   "pg-x7k2p", "pq-2",    "pg-1-2", "my-pg-2",
        "15/main", "PG-2", "pg-02", "pg-2.pg",  "pg-1.pg", "-2",     "pg-2147483648",
    };
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        if (ordinal_kin_of("pg-1", strangers[i]) != ORDINAL_STRANGER)
            fail_msg("'%s' is taken for a pod of pg's", strangers[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_decimal_numbers_are_ordinals),
        cmocka_unit_test(everything_else_is_none_and_is_not_written),
        cmocka_unit_test(a_pods_name_ends_in_its_ordinal),
        cmocka_unit_test(only_the_first_label_counts),
        cmocka_unit_test(names_without_an_ordinal_say_why),
        cmocka_unit_test(a_set_s_pods_know_each_other_by_name),
    };
    return cmocka_run_group_tests_name("ordinal", tests, NULL, NULL);
}
