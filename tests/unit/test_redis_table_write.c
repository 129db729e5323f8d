#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roles/redis_table.h"
#include "tests/unit/golden.h"
#include "tests/unit/tables.h"

static struct redis_node rows[64];
static struct redis_table table = {.nodes = rows, .capacity = 64};
static char out[1 << 16], again[1 << 16];

static enum redis_table_status parse(const char *text)
{
    return redis_table_parse(&table, text, strlen(text), true, NULL);
}

static enum redis_table_status parse_reply(const char *text)
{
    return redis_table_parse(&table, text, strlen(text), false, NULL);
}

static void what_is_written_is_read_as_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECORDED; i++) {
        size_t len;
        char *text = read_recorded(recorded[i], ".conf", &len);
        char view[4096];
        assert_int_equal(redis_table_parse(&table, text, len, true, NULL), REDIS_TABLE_OK);
        assert_true(redis_table_view(&table, view, sizeof(view)) > 0);
        size_t size = redis_table_write(&table, out, sizeof(out));
        assert_int_equal(redis_table_parse(&table, out, size, true, NULL), REDIS_TABLE_OK);
        assert_true(redis_table_view(&table, again, sizeof(again)) > 0);
        assert_string_equal(again, view);
        assert_int_equal(redis_table_write(&table, again, sizeof(again)), size);
        assert_string_equal(again, out);
        /* only the fail flag and times go */
        if (strcmp(recorded[i], "promoted-redis-7.0") != 0)
            assert_string_equal(out, text);
        free(text);
    }
}

static void aux_fields_are_kept_as_they_are(void **state)
{
    size_t len;
    (void)state;
    char *text = read_recorded("announced-valkey-8.1", ".conf", &len);
    assert_int_equal(redis_table_parse(&table, text, len, true, NULL), REDIS_TABLE_OK);
    assert_true(text_starts(rows[0].aux, "client-ipv6=2001:db8::5,client-ipv4=10.9.8.7,"));
    assert_int_equal(strlen(rows[0].shard_id), REDIS_ID_LEN);
    assert_true(redis_table_write(&table, out, sizeof(out)) > 0);
    assert_string_equal(out, text);
    free(text);
}

static void a_start_looks_afresh(void **state)
{
    (void)state;
    assert_int_equal(parse(MYSELF B
                           " :0@0,,nodename=b master,fail,noaddr - 5 6 2 disconnected 101 [5->-" A
                           "]\n" C " 10.0.0.3:1@2 handshake - 1 0 0 connected\n" VARS),
                     REDIS_TABLE_OK);
    memcpy(rows[1].shard_id, SHARD, sizeof(rows[1].shard_id));
    assert_true(redis_table_write(&table, out, sizeof(out)) > 0);
    assert_string_equal(out, MYSELF B " :0@0,,nodename=b,shard-id=" SHARD
                                      " master,noaddr - 0 6 2 disconnected 101 [5->-" A "]\n" VARS);
    assert_int_equal(parse(out), REDIS_TABLE_OK);
    memcpy(rows[1].shard_id, A, sizeof(rows[1].shard_id));
    assert_true(redis_table_write(&table, again, sizeof(again)) > 0);
    assert_non_null(strstr(again, ",nodename=b,shard-id=" A " "));
    assert_null(strstr(again, SHARD));
}

static void the_view_is_sorted_and_normal(void **state)
{
    (void)state;
    assert_int_equal(parse_reply(C " 10.0.0.3:1@2 master,fail - 1 2 3 connected 9 7-8 5 12 [93->-" A
                                   "]\n" MYSELF B " :0@0,b slave,noaddr " A
                                   " 5 6 2 disconnected\n"),
                     REDIS_TABLE_OK);
    assert_true(redis_table_view(&table, out, sizeof(out)) > 0);
    /* 5, 7, 8, 9 and 12 are C's: it stands first */
    assert_string_equal(out,
                        A " 10.0.0.1:6379@16379 master - 1 0-4 6 10-11 13-100\n" B
                          " :0@0 replica,noaddr " A "\n" C " 10.0.0.3:1@2 master - 3 5 7-9 12\n");
}

static void too_small_a_buffer_is_told_at_every_size(void **state)
{
    (void)state;
    assert_int_equal(
        parse(MYSELF B " :0@0,b,shard-id=" SHARD " slave,noaddr " C " 5 6 2 disconnected\n" VARS),
        REDIS_TABLE_OK);
    size_t written = redis_table_write(&table, out, sizeof(out));
    size_t viewed = redis_table_view(&table, out, sizeof(out));
    for (size_t size = 0; size <= written; size++) {
        char *small = malloc(size + 1);
        assert_int_equal(redis_table_write(&table, small, size), 0);
        if (size <= viewed)
            assert_int_equal(redis_table_view(&table, small, size), 0);
        free(small);
    }
    assert_int_equal(redis_table_write(&table, out, written + 1), written);
    assert_int_equal(redis_table_view(&table, out, viewed + 1), viewed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_as_the_same),
        cmocka_unit_test(aux_fields_are_kept_as_they_are),
        cmocka_unit_test(a_start_looks_afresh),
        cmocka_unit_test(the_view_is_sorted_and_normal),
        cmocka_unit_test(too_small_a_buffer_is_told_at_every_size),
    };
    return cmocka_run_group_tests_name("redis_table_write", tests, NULL, NULL);
}
