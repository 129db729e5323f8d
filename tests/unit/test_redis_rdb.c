#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roles/redis_rdb.h"
#include "tests/unit/golden.h"

static bool is_empty(const char *name, size_t cut)
{
    char path[128];
    size_t len;
    (void)snprintf(path, sizeof(path), "redis_rdb/%s.rdb", name);
    char *head = golden_read(path, &len);
    assert_true(len > 80 && len < REDIS_RDB_HEAD);
    char *exact = malloc(cut < len ? cut : len); /* so that one byte too far is seen */
    assert_non_null(exact);
    memcpy(exact, head, cut < len ? cut : len);
    bool empty = redis_rdb_is_empty(exact, cut < len ? cut : len);
    free(exact);
    free(head);
    return empty;
}

static void servers_without_keys_leave_empty_dumps(void **state)
{
    (void)state;
    assert_true(is_empty("empty-redis-7.0", SIZE_MAX));
    assert_true(is_empty("empty-redis-8.0", SIZE_MAX));
    assert_true(is_empty("empty-valkey-8.1", SIZE_MAX));
    assert_true(is_empty("empty-replica", SIZE_MAX)); /* it tells its master's replication id too */
}

static void a_key_or_a_function_is_something(void **state)
{
    (void)state;
    assert_false(is_empty("key", SIZE_MAX));
    assert_false(is_empty("function", SIZE_MAX));
}

static void a_cut_dump_is_never_empty(void **state)
{
    (void)state;
    for (size_t cut = 1; cut <= 80; cut++) { /* its end is an opcode and eight bytes of checksum */
        assert_false(is_empty("empty-redis-7.0", cut));
        assert_false(is_empty("empty-valkey-8.1", cut));
        assert_false(is_empty("key", cut));
    }
}

static void check(const char *bytes, size_t len, bool empty)
{
    char head[64] = "REDIS0011";
    memcpy(head + 9, bytes, len);
    assert_int_equal(redis_rdb_is_empty(head, 9 + len), empty);
}

static void lengths_of_every_encoding_are_passed_over(void **state)
{
    (void)state;
    check("\xff", 1, true);
    check("\xfa\x01k\x01v\xff", 6, true);
    check("\xfa\x01k\x40\x01v\xff", 7, true);                /* 14 bits */
    check("\xfa\x01k\x80\0\0\0\x01v\xff", 10, true);         /* 32 bits */
    check("\xfa\x01k\x81\0\0\0\0\0\0\0\x01v\xff", 14, true); /* 64 bits */
    check("\xfa\x01k\x81\xff\xff\xff\xff\xff\xff\xff\xffv\xff", 14, false);
    check("\xfa\x01k\x80\xff\xff\xff\xffv\xff", 10, false);
    check("\xfa\x01k\xc0\x07\xfa\x01k\xc1\x07\0\xfa\x01k\xc2\x07\0\0\0\xff", 20, true);
    check("\xfa\x01k\xc3\x02\x05xx\xff", 9, false); /* compressed */
    check("\xfa\x01k\x3fv\xff", 6, false);
    check("\xfe\0\xff", 3, false); /* a database */
    check("", 0, false);
}

static void other_files_are_something(void **state)
{
    (void)state;
    assert_false(redis_rdb_is_empty("", 0));
    assert_false(redis_rdb_is_empty("REDIS0011", 9));
    assert_false(redis_rdb_is_empty("*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n", 23));
    assert_false(redis_rdb_is_empty("RUBBISH00\xff", 10));
    assert_true(redis_rdb_is_empty("VALKEY080\xff", 10));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_without_keys_leave_empty_dumps),
        cmocka_unit_test(a_key_or_a_function_is_something),
        cmocka_unit_test(a_cut_dump_is_never_empty),
        cmocka_unit_test(lengths_of_every_encoding_are_passed_over),
        cmocka_unit_test(other_files_are_something),
    };
    return cmocka_run_group_tests_name("redis_rdb", tests, NULL, NULL);
}
