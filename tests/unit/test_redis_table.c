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

static enum redis_table_status parse(const char *text, size_t *line)
{
    return redis_table_parse(&table, text, strlen(text), true, line);
}

static enum redis_table_status parse_reply(const char *text)
{
    return redis_table_parse(&table, text, strlen(text), false, NULL);
}

static void a_row_tells_all_its_members(void **state)
{
    (void)state;
    const char *text =
        MYSELF B " 10.0.0.2:6380@26380,b.redis.local,tls-port=0,shard-id=" SHARD
                 " slave,fail?,nofailover " C " 12 34 7 disconnected 5 200-300 [93->-" A "]\n" VARS;
    assert_int_equal(parse(text, NULL), REDIS_TABLE_OK);
    assert_int_equal(table.count, 2);
    assert_int_equal(table.myself, 0);
    assert_int_equal(table.current_epoch, 6);
    assert_int_equal(table.last_vote_epoch, 5);

    const struct redis_node *node = &rows[1];
    assert_string_equal(node->id, B);
    assert_string_equal(node->ip, "10.0.0.2");
    assert_int_equal(node->port, 6380);
    assert_int_equal(node->cport, 26380);
    assert_string_equal(node->hostname, "b.redis.local");
    assert_string_equal(node->shard_id, SHARD);
    assert_true(text_is(node->aux, "tls-port=0,shard-id=" SHARD));
    assert_int_equal(node->flags, REDIS_REPLICA | REDIS_PFAIL | REDIS_NOFAILOVER);
    assert_string_equal(node->master_id, C);
    assert_int_equal(node->ping_sent, 12);
    assert_int_equal(node->pong_recv, 34);
    assert_int_equal(node->epoch, 7);
    assert_false(node->link_connected);
    assert_true(node->slots_open);
    assert_true(text_is(node->slots, "5 200-300 [93->-" A "]"));
    assert_int_equal(node->slot_count, 101); /* 5 is the first row's */
}

static void slots_have_one_owner_the_first(void **state)
{
    (void)state;
    assert_int_equal(parse(MYSELF B " :0@0 master - 0 0 2 connected 100-102\n" VARS, NULL),
                     REDIS_TABLE_OK);
    assert_int_equal(table.slot_owner[100], 0);
    assert_int_equal(table.slot_owner[101], 1);
    assert_int_equal(table.slot_owner[103], -1);
    assert_int_equal(table.slots_assigned, 103);
    assert_int_equal(rows[1].slot_count, 2);
}

static void addresses_are_read_in_every_form(void **state)
{
    static const struct {
        const char *word, *ip;
        int port, cport;
        const char *hostname, *shard_id;
    } forms[] = {
        {"10.0.0.1:6379",                                   "10.0.0.1",    6379, 16379, "",    ""   }, /* Redis 3 */
        {"10.0.0.1:6379@16379",                             "10.0.0.1",    6379, 16379, "",    ""   },
        {"10.0.0.1:6379@7000",                              "10.0.0.1",    6379, 7000,  "",    ""   },
        {"10.0.0.1:6379@16379,a.b",                         "10.0.0.1",    6379, 16379, "a.b", ""   }, /* 7.0 */
        {"10.0.0.1:6379@16379,a.b,shard-id=" SHARD,         "10.0.0.1",    6379, 16379, "a.b",
         SHARD                                                                                      }, /* 7.2 */
        {"10.0.0.1:6379@16379,,tls-port=0,shard-id=" SHARD, "10.0.0.1",    6379, 16379, "",    SHARD},
        {"10.0.0.1:6379@16379,a.b,later=1",                 "10.0.0.1",    6379, 16379, "a.b", ""   },
        {"2001:db8::1:6379@16379",                          "2001:db8::1", 6379, 16379, "",    ""   },
        {"::1:6379",                                        "::1",         6379, 16379, "",    ""   },
        {":0@0",                                            "",            0,    0,     "",    ""   },
        {":0@0,a.b",                                        "",            0,    0,     "a.b", ""   },
        {":0",                                              "",            0,    10000, "",    ""   },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        snprintf(out, sizeof(out), A " %s myself,master - 0 0 1 connected\n" VARS, forms[i].word);
        assert_int_equal(parse(out, NULL), REDIS_TABLE_OK);
        assert_string_equal(rows[0].ip, forms[i].ip);
        assert_int_equal(rows[0].port, forms[i].port);
        assert_int_equal(rows[0].cport, forms[i].cport);
        assert_string_equal(rows[0].hostname, forms[i].hostname);
        assert_string_equal(rows[0].shard_id, forms[i].shard_id);
    }
}

static void bad_words_make_a_row_torn(void **state)
{
    static const char *const bad[] = {
        /* addresses */
        A " 10.0.0.1 myself,master - 0 0 1 connected",
        A " 10.0.0.1:x myself,master - 0 0 1 connected",
        A " 10.0.0.1: myself,master - 0 0 1 connected",
        A " 10.0.0.1:65536@1 myself,master - 0 0 1 connected",
        A " 10.0.0.1:1@65536 myself,master - 0 0 1 connected",
        A " 10.0.0.1:1@ myself,master - 0 0 1 connected",
        A " 10.0.0.1:1@2@3 myself,master - 0 0 1 connected",
        A " 10@0:1@2 myself,master - 0 0 1 connected",
        A " 10.0.0.1:60000 myself,master - 0 0 1 connected",
        A " 0000:0000:0000:0000:0000:0000:0000:0000:0000:0:1@2 myself,master - 0 0 1 connected",
        A " 10.0.0.1:1@2,a.b, myself,master - 0 0 1 connected",
        A " 10.0.0.1:1@2,a.b,x myself,master - 0 0 1 connected",
        A " 10.0.0.1:1@2,a.b,x=1=2 myself,master - 0 0 1 connected",
        A " 10.0.0.1:1@2,a.b,=1 myself,master - 0 0 1 connected",
        A " 10.0.0.1:1@2,a.b,x=$ myself,master - 0 0 1 connected",
        A " 10.0.0.1:1@2,a.b,shard-id=12 myself,master - 0 0 1 connected",
        A " 10.0.0.1:1@2,a.b,tls-port=65536 myself,master - 0 0 1 connected",
        /* ids */
        "aaaa 10.0.0.1:1@2 myself,master - 0 0 1 connected",
        A "a 10.0.0.1:1@2 myself,master - 0 0 1 connected",
        "Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 10.0.0.1:1@2 myself,master - 0 0 1 connected",
        A " 10.0.0.1:1@2 myself,slave bbbb 0 0 1 connected",
        A " 10.0.0.1:1@2 myself,slave -- 0 0 1 connected",
        A " 10.0.0.1:1@2 myself,slave " A " 0 0 1 connected",
        A " 10.0.0.1:1@2 myself,master " B " 0 0 1 connected",
        /* flags */
        A " 10.0.0.1:1@2 myself,mast - 0 0 1 connected",
        A " 10.0.0.1:1@2 myself,,master - 0 0 1 connected",
        A " 10.0.0.1:1@2 ,myself - 0 0 1 connected",
        A " 10.0.0.1:1@2 myself,master,slave - 0 0 1 connected",
        /* numbers: 2^64 and what a naive product wraps round to a small one */
        A " 10.0.0.1:1@2 myself,master - -1 0 1 connected",
        A " 10.0.0.1:1@2 myself,master - 0 x 1 connected",
        A " 10.0.0.1:1@2 myself,master - 0 0 18446744073709551616 connected",
        A " 10.0.0.1:1@2 myself,master - 0 0 184467440737095516161 connected",
        A " 10.0.0.1:1@2 myself,master - 0 0 1 conn",
        A " 10.0.0.1:1@2 myself,master - 0 0 1",
        A " 10.0.0.1:1@2 myself,master - 0 0",
        A,
        /* slots */
        A " 10.0.0.1:1@2 myself,master - 0 0 1 connected 16384",
        A " 10.0.0.1:1@2 myself,master - 0 0 1 connected 0-16384",
        A " 10.0.0.1:1@2 myself,master - 0 0 1 connected 5-4",
        A " 10.0.0.1:1@2 myself,master - 0 0 1 connected 5-",
        A " 10.0.0.1:1@2 myself,master - 0 0 1 connected -5",
        A " 10.0.0.1:1@2 myself,master - 0 0 1 connected 1-2-3",
        A " 10.0.0.1:1@2 myself,master - 0 0 1 connected x",
        A " 10.0.0.1:1@2 myself,master - 0 0 1 connected [",
        A " 10.0.0.1:1@2 myself,master - 0 0 1 connected [5]",
        A " 10.0.0.1:1@2 myself,master - 0 0 1 connected [5-",
        A " 10.0.0.1:1@2 myself,master - 0 0 1 connected [5->-]",
        A " 10.0.0.1:1@2 myself,master - 0 0 1 connected [5->-" B,
        A " 10.0.0.1:1@2 myself,master - 0 0 1 connected [5-?-" B "]",
        A " 10.0.0.1:1@2 myself,master - 0 0 1 connected [16384->-" B "]",
        /* words that a server would split otherwise */
        A " 10.0.0.1:1@2,\"a myself,master - 0 0 1 connected",
        A " 10.0.0.1:1@2,'a myself,master - 0 0 1 connected",
        A " 10.0.0.1:1@2,\x80 myself,master - 0 0 1 connected",
        A "\f10.0.0.1:1@2 myself,master - 0 0 1 connected",
        " ",
        /* vars */
        "vars",
        "vars currentEpoch 1",
        "vars lastVoteEpoch 1",
        "vars currentEpoch 1 lastVoteEpoch",
        "vars currentEpoch 1 lastVoteEpoch x",
        "vars currentEpoch 1 currentEpoch 1 lastVoteEpoch 0",
        "vars currentEpoch 1 lastVoteEpoch 0 more 1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        size_t line = 0;
        snprintf(out, sizeof(out), "%s\n%s%s\n", B " :0@0 master - 0 0 1 connected", VARS, bad[i]);
        assert_int_equal(parse(out, &line), REDIS_TABLE_TORN);
        assert_int_equal(line, 3);
        assert_int_equal(table.count, 1);
        assert_true(table.has_vars);
    }
}

static void a_nul_byte_makes_a_row_torn(void **state)
{
    static const char text[] = MYSELF "\0\0\0" VARS;
    size_t line;
    (void)state;
    assert_int_equal(redis_table_parse(&table, text, sizeof(text) - 1, true, &line),
                     REDIS_TABLE_TORN);
    assert_int_equal(line, 2);
    assert_int_equal(table.count, 1);
}

static void what_is_wrong_with_a_file_is_told(void **state)
{
    static const struct {
        const char *text;
        enum redis_table_status status;
        size_t line, count;
    } files[] = {
        {"",                                               REDIS_TABLE_EMPTY,      0, 0},
        {"\n\n\n",                                         REDIS_TABLE_EMPTY,      0, 0},
        {VARS,                                             REDIS_TABLE_EMPTY,      0, 0},
        {MYSELF VARS,                                      REDIS_TABLE_OK,         0, 1},
        {"\n" MYSELF "\n" VARS "\n\n",                     REDIS_TABLE_OK,         0, 1},
        {VARS MYSELF,                                      REDIS_TABLE_OK,         0, 1},
        {MYSELF,                                           REDIS_TABLE_NO_VARS,    0, 1},
        {MYSELF "vars currentEpoch 6 lastVoteEpoch 0",     REDIS_TABLE_TORN,       2, 1},
        {MYSELF B,                                         REDIS_TABLE_TORN,       2, 1},
        {"x\n" MYSELF VARS,                                REDIS_TABLE_TORN,       1, 1},
        {B " :0@0 master - 0 0 1 connected\n" VARS,        REDIS_TABLE_NO_MYSELF,  0, 1},
        {B " :0@0 master - 0 0 1 connected\n",             REDIS_TABLE_NO_MYSELF,  0, 1},
        {MYSELF B " :0@0 myself - 0 0 1 connected\n" VARS, REDIS_TABLE_TWO_MYSELF, 2, 2},
        {MYSELF MYSELF VARS,                               REDIS_TABLE_DUPLICATE,  2, 1},
        {MYSELF MYSELF "x\n" VARS,                         REDIS_TABLE_TORN,       2, 1},
        {MYSELF VARS VARS,                                 REDIS_TABLE_TORN,       3, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        size_t line = 99;
        assert_int_equal(parse(files[i].text, &line), files[i].status);
        assert_int_equal(line, files[i].line);
        assert_int_equal(table.count, files[i].count);
    }
    assert_int_equal(parse_reply(MYSELF), REDIS_TABLE_OK);
    assert_int_equal(parse_reply(MYSELF VARS), REDIS_TABLE_TORN);
}

static void a_replica_of_another_shard_id_is_told(void **state)
{
#define SHARDS(one, two)                                                                           \
    A " :0@0,,shard-id=" one " myself,master - 0 0 1 connected\n" B " :0@0" two " slave " A        \
      " 0 0 1 connected\n" VARS
    (void)state;
    assert_int_equal(parse(SHARDS(SHARD, ",,shard-id=" SHARD), NULL), REDIS_TABLE_OK);
    assert_int_equal(parse(SHARDS(SHARD, ",,shard-id=" B), NULL), REDIS_TABLE_SHARD_IDS);
    assert_int_equal(parse(SHARDS(SHARD, ""), NULL), REDIS_TABLE_SHARD_IDS);
    assert_int_equal(table.count, 2);
    assert_int_equal(parse_reply(A " :0@0,,shard-id=" A " myself,master - 0 0 1 connected\n" B
                                   " :0@0 slave " A " 0 0 1 connected\n"),
                     REDIS_TABLE_OK);
}

static void more_rows_than_room_are_told(void **state)
{
    (void)state;
    table.capacity = 1;
    assert_int_equal(parse(MYSELF B " :0@0 master - 0 0 1 connected\n" VARS, NULL),
                     REDIS_TABLE_TOO_MANY);
    assert_int_equal(table.count, 1);
    assert_int_equal(parse(MYSELF VARS, NULL), REDIS_TABLE_OK);
    table.capacity = 64;
}

static void the_words_of_valkey_and_of_later_servers_are_read(void **state)
{
    (void)state;
    assert_int_equal(parse(A " :0@0 myself,primary - 0 0 1 connected\n" B " :0@0 replica " A
                             " 0 0 1 connected\n" VARS,
                           NULL),
                     REDIS_TABLE_OK);
    assert_int_equal(rows[0].flags, REDIS_MYSELF | REDIS_MASTER);
    assert_int_equal(rows[1].flags, REDIS_REPLICA);
    assert_int_equal(parse_reply(A " :0@0 myself,master,witness - 0 0 1 connected\n"),
                     REDIS_TABLE_OK);
    assert_int_equal(rows[0].flags, REDIS_MYSELF | REDIS_MASTER | REDIS_FLAG_UNKNOWN);
    assert_int_equal(parse_reply(A " :0@0 noflags - 0 0 1 connected\n"), REDIS_TABLE_NO_MYSELF);
    assert_int_equal(rows[0].flags, 0);
}

static void what_servers_wrote_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECORDED; i++) {
        char view[64];
        size_t len;
        char *text = read_recorded(recorded[i], ".conf", &len);
        assert_int_equal(redis_table_parse(&table, text, len, true, NULL), REDIS_TABLE_OK);
        assert_int_equal(table.count, 6);
        assert_int_equal(table.slots_assigned, REDIS_SLOTS);
        assert_true(redis_table_view(&table, out, sizeof(out)) > 0);
        snprintf(view, sizeof(view), "nodes_conf/%s.view", recorded[i]);
        golden_check(view, out);
        free(text);
    }
}

static void a_file_and_another_nodes_reply_give_one_view(void **state)
{
    static const char *const pairs[][2] = {
        {"six-redis-8.0",        "reply-redis-8.0" },
        {"six-valkey-8.1",       "reply-valkey-8.1"},
        {"resharding-redis-7.0", "reply-redis-7.0" },
        {"importing-redis-7.0",  "reply-redis-7.0" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        size_t len;
        char *text = read_recorded(pairs[i][0], ".conf", &len);
        assert_int_equal(redis_table_parse(&table, text, len, true, NULL), REDIS_TABLE_OK);
        assert_true(redis_table_view(&table, out, sizeof(out)) > 0);
        free(text);
        text = read_recorded(pairs[i][1], ".txt", &len);
        assert_int_equal(redis_table_parse(&table, text, len, false, NULL), REDIS_TABLE_OK);
        assert_true(redis_table_view(&table, again, sizeof(again)) > 0);
        assert_string_equal(again, out);
        free(text);
    }
}

static void a_file_cut_anywhere_is_never_right_and_keeps_its_whole_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECORDED; i++) {
        size_t len, whole = 0;
        char *text = read_recorded(recorded[i], ".conf", &len);
        for (size_t cut = 0; cut < len; cut++) {
            char *part = malloc(cut + 1); /* so that a byte too far is seen */
            memcpy(part, text, cut);
            whole += cut > 0 && text[cut - 1] == '\n' ? 1 : 0;
            assert_int_not_equal(redis_table_parse(&table, part, cut, true, NULL), REDIS_TABLE_OK);
            assert_int_equal(table.count, whole);
            free(part);
        }
        free(text);
    }
}

static void the_index_is_made_anew_from_the_rows(void **state)
{
    (void)state;
    assert_int_equal(parse(MYSELF B " :0@0 slave " A " 0 0 0 connected\n" VARS, NULL),
                     REDIS_TABLE_OK);
    rows[0].flags = REDIS_MASTER;
    rows[1].flags = REDIS_MYSELF | REDIS_MASTER;
    rows[1].slots = rows[0].slots;
    rows[0].slots.len = 0;
    redis_table_index(&table);
    assert_int_equal(table.myself, 1);
    assert_int_equal(table.slots_assigned, 101);
    assert_int_equal(table.slot_owner[100], 1);
    assert_int_equal(rows[0].slot_count, 0);
    assert_int_equal(rows[1].slot_count, 101);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_tells_all_its_members),
        cmocka_unit_test(slots_have_one_owner_the_first),
        cmocka_unit_test(addresses_are_read_in_every_form),
        cmocka_unit_test(bad_words_make_a_row_torn),
        cmocka_unit_test(a_nul_byte_makes_a_row_torn),
        cmocka_unit_test(what_is_wrong_with_a_file_is_told),
        cmocka_unit_test(a_replica_of_another_shard_id_is_told),
        cmocka_unit_test(more_rows_than_room_are_told),
        cmocka_unit_test(the_words_of_valkey_and_of_later_servers_are_read),
        cmocka_unit_test(what_servers_wrote_is_read),
        cmocka_unit_test(a_file_and_another_nodes_reply_give_one_view),
        cmocka_unit_test(a_file_cut_anywhere_is_never_right_and_keeps_its_whole_rows),
        cmocka_unit_test(the_index_is_made_anew_from_the_rows),
    };
    return cmocka_run_group_tests_name("redis_table", tests, NULL, NULL);
}
