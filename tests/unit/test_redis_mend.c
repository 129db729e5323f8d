#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/mending.h"

#define SHARD "1111111111111111111111111111111111111111"
#define OTHER_SHARD "2222222222222222222222222222222222222222"
#define VARS_MENDED "vars currentEpoch 6 lastVoteEpoch 6\n"

/* Fails unless the mend has STATUS and writes TEXT. */
static struct mend_result expect(enum mend_status status, const char *text)
{
    struct mend_result result = decide();
    assert_int_equal(result.status, status);
    assert_string_equal(written, text);
    return result;
}

static void a_right_file_is_left_alone(void **state)
{
    static const struct mend_peer peers[] = {
        {B, MEND_ADDR_CONFIRMED, "10.0.0.2", 6379, 0, ""},
        {C, MEND_ADDR_KEEP,      "",         0,    0, ""},
        {D, MEND_ADDR_NONE,      "",         0,    0, ""},
    };
    (void)state;
    given(WHOLE, NULL);
    expect(MEND_NOTHING, WHOLE);
    memcpy(facts.ip, "10.0.0.1", 9);
    facts.port = 6379;
    facts.peers = peers;
    facts.peer_count = 3;
    struct mend_result result = expect(MEND_NOTHING, WHOLE);
    assert_int_equal(result.from_file, 3);
    assert_int_equal(result.addresses, 0);
    assert_int_equal(mended.myself, 0);
    assert_int_equal(mended.slots_assigned, 200);
    /* a copy says nothing against a whole file */
    given(WHOLE, ROW_A B " 10.9.9.9:6379@16379 master - 0 5 9 connected 50-300\n" VARS);
    expect(MEND_NOTHING, WHOLE);
}

static void addresses_names_and_flags_are_set_afresh(void **state)
{
    static const struct mend_peer peers[] = {
        {B, MEND_ADDR_CONFIRMED, "2001:db8::2", 7000,  0,     "b.redis.local"},
        {C, MEND_ADDR_NONE,      "",            0,     0,     "c.redis.local"},
        {D, MEND_ADDR_CONFIRMED, "10.1.0.4",    60000, 60001, ""             },
    };
    (void)state;
    given(ROW_A ROW_B C " 10.0.0.3:6379@16379 slave,fail " A " 7 5 1 disconnected\n" D
                        " :0@0,d slave,noaddr,fail? " B " 0 0 1 disconnected\n" SHARD
                        " 10.0.0.9:6379@16379 handshake - 5 0 0 connected\n" VARS,
          NULL);
    memcpy(facts.ip, "10.1.0.1", 9);
    memcpy(facts.host_name, "a.redis.local", 14);
    facts.port = 6379;
    facts.cport = 17000;
    facts.peers = peers;
    facts.peer_count = 3;
    struct mend_result result =
        expect(MEND_ADDRESSES,
               A " 10.1.0.1:6379@17000,a.redis.local myself,master - 0 0 1 connected 0-99\n" B
                 " 2001:db8::2:7000@17000,b.redis.local master - 0 5 2 connected 100-199\n" C
                 " :0@0,c.redis.local slave,noaddr " A " 0 5 1 disconnected\n" D
                 " 10.1.0.4:60000@60001,d slave " B " 0 0 1 disconnected\n" VARS);
    assert_int_equal(result.addresses, 4);
    assert_int_equal(result.from_file, 4);
}

static void each_kind_of_change_alone_is_a_change(void **state)
{
    (void)state;
    given(ROW_A B " 10.0.0.2:6379@16379 master,fail - 0 5 2 connected 100-199\n" ROW_C VARS, NULL);
    expect(MEND_ADDRESSES, WHOLE);
    given(WHOLE D " 10.0.0.9:6379@16379 handshake - 5 0 0 connected\n", NULL);
    expect(MEND_ADDRESSES, WHOLE);
    given(WHOLE, NULL);
    memcpy(facts.host_name, "a", 2);
    assert_int_equal(decide().status, MEND_ADDRESSES);
}

static void a_torn_file_takes_what_it_lacks_from_the_copy(void **state)
{
    (void)state;
    given(ROW_A B " 10.0.0.2:63", WHOLE);
    struct mend_result result = expect(MEND_TORN_FROM_COPY, ROW_A ROW_B ROW_C VARS_MENDED);
    assert_int_equal(result.from_file, 1);
    assert_int_equal(result.from_copy, 2);
    assert_false(result.own_from_copy);
    /* all rows are there: the copy is not needed, but how far votes went is not known */
    given(ROW_A ROW_B ROW_C, WHOLE);
    expect(MEND_TORN_OWN_ROWS, ROW_A ROW_B ROW_C VARS_MENDED);
}

static void without_a_file_everything_comes_from_the_copy(void **state)
{
    (void)state;
    given(NULL, WHOLE);
    facts.owner_confirmed = MEND_YES;
    expect(MEND_TORN_FROM_COPY, ROW_A ROW_B ROW_C VARS_MENDED);
    given("", WHOLE);
    facts.owner_confirmed = MEND_YES;
    assert_true(expect(MEND_TORN_FROM_COPY, ROW_A ROW_B ROW_C VARS_MENDED).own_from_copy);
    given("\n\n", WHOLE);
    memset(facts.id, 0, sizeof(facts.id)); /* the copy tells who I am */
    facts.owner_confirmed = MEND_YES;
    expect(MEND_TORN_FROM_COPY, ROW_A ROW_B ROW_C VARS_MENDED);
}

static void the_copys_owner_keeps_its_slots_only_when_confirmed(void **state)
{
    static const char without[] = A " 10.0.0.1:6379@16379 myself,master - 0 0 1 connected\n";
    char text[1024];
    (void)state;
    snprintf(text, sizeof(text), "%s%s", ROW_B, without);
    for (int answer = MEND_UNKNOWN; answer <= MEND_NO; answer++) {
        given(ROW_B A " 10.0", ROW_A ROW_B VARS);
        facts.owner_confirmed = (enum mend_answer)answer;
        struct mend_result result = decide();
        assert_int_equal(result.status, MEND_TORN_FROM_COPY);
        assert_true(result.own_from_copy && result.slots_withheld);
        assert_memory_equal(written, text, strlen(text));
        assert_int_equal(mended.slots_assigned, 100);
    }
    given(ROW_B A " 10.0", ROW_A ROW_B VARS);
    facts.owner_confirmed = MEND_YES;
    assert_false(expect(MEND_TORN_FROM_COPY, ROW_B ROW_A VARS_MENDED).slots_withheld);
}

static void nobody_withholds_slots_where_the_file_has_my_row_or_the_copy_no_slots(void **state)
{
    (void)state;
    given(ROW_A, WHOLE);
    assert_false(decide().slots_withheld);
    given(ROW_B, A " :0@0 myself,slave " B " 0 0 1 connected\n" ROW_B VARS);
    assert_int_equal(decide().status, MEND_TORN_FROM_COPY);
    assert_false(decide().slots_withheld);
}

static void without_a_row_of_mine_nothing_can_be_mended(void **state)
{
    (void)state;
    given(NULL, NULL);
    assert_int_equal(decide().status, MEND_IMPOSSIBLE);
    given(ROW_B ROW_C, NULL);
    assert_int_equal(decide().status, MEND_IMPOSSIBLE);
    given(ROW_B ROW_C, ROW_A ROW_B); /* a copy that is torn itself */
    assert_int_equal(decide().status, MEND_IMPOSSIBLE);
    given("", "");
    memset(facts.id, 0, sizeof(facts.id));
    assert_int_equal(decide().status, MEND_IMPOSSIBLE);
}

static void a_foreign_file_is_told(void **state)
{
    static const char others[] = B " 10.0.0.2:6379@16379 myself,master - 0 5 2 connected 100-199\n";
    char text[1024];
    (void)state;
    snprintf(text, sizeof(text), "%s%s", others, VARS);
    given(text, WHOLE);
    assert_int_equal(decide().status, MEND_OTHER_ID);
    given(others, WHOLE);
    assert_int_equal(decide().status, MEND_OTHER_ID);
    /* where my row is not myself, the file is another node's though its own row is lost */
    given(A " 10.0.0.1:6379@16379 master - 0 0 1 connected 0-99\n" ROW_C, WHOLE);
    assert_int_equal(decide().status, MEND_OTHER_ID);
    /* a foreign copy is not used */
    given(ROW_A B, text);
    expect(MEND_TORN_OWN_ROWS, ROW_A "vars currentEpoch 1 lastVoteEpoch 1\n");
}

static void a_lost_master_is_said_by_its_replicas_row(void **state)
{
    (void)state;
    given(A " 10.0.0.1:6379@16379,,shard-id=" SHARD " myself,slave " B " 0 0 1 connected\n" B,
          NULL);
    struct mend_result result =
        expect(MEND_TORN_OWN_ROWS,
               A " 10.0.0.1:6379@16379,,shard-id=" SHARD " myself,slave " B " 0 0 1 connected\n" B
                 " :0@0,,shard-id=" SHARD " master,noaddr - 0 0 0 disconnected\n"
                 "vars currentEpoch 1 lastVoteEpoch 1\n");
    assert_int_equal(result.implied, 1);
}

static void epochs_are_the_highest_seen(void **state)
{
    (void)state;
    given(ROW_A B,
          ROW_A B " :0@0 master - 0 5 77 connected\nvars currentEpoch 6 lastVoteEpoch 5\n");
    decide();
    assert_int_equal(mended.current_epoch, 77);
    assert_int_equal(mended.last_vote_epoch, 77);
    given(ROW_A B "\nvars currentEpoch 80 lastVoteEpoch 3\n", WHOLE);
    decide();
    assert_int_equal(mended.current_epoch, 80);
    assert_int_equal(mended.last_vote_epoch, 80);
    given(ROW_A B, ROW_A "vars currentEpoch 6 lastVoteEpoch 90\n");
    decide();
    assert_int_equal(mended.current_epoch, 90);
    given(WHOLE, ROW_A "vars currentEpoch 99 lastVoteEpoch 90\n");
    decide();
    assert_int_equal(mended.current_epoch, 6);
    assert_int_equal(mended.last_vote_epoch, 5);
}

static void a_slot_claimed_twice_stays_with_one(void **state)
{
    (void)state;
    /* the file's row before the copy's, whatever the epoch */
    given(ROW_A B, ROW_A B " :0@0 master - 0 5 9 connected 50-149 [7->-" A "] 300\n" VARS);
    struct mend_result result = decide();
    assert_int_equal(result.status, MEND_TORN_FROM_COPY);
    assert_int_equal(result.contested, 50);
    assert_non_null(
        strstr(written, A " 10.0.0.1:6379@16379 myself,master - 0 0 1 connected 0-99\n"));
    assert_non_null(strstr(written, " connected 100-149 300 [7->-" A "]\n"));
    assert_int_equal(mended.slots_assigned, 151);
    /* of two rows of one table the higher epoch */
    given(ROW_A B " :0@0 master - 0 5 9 connected 50-149\n", NULL);
    decide();
    assert_non_null(strstr(written, "myself,master - 0 0 1 connected 0-49\n"));
    assert_non_null(strstr(written, " connected 50-149\n"));
    /* of equals the first; a row may lose all */
    given(ROW_A B " :0@0 master - 0 5 1 connected 50-60\n", NULL);
    decide();
    assert_non_null(strstr(written, "myself,master - 0 0 1 connected 0-99\n"));
    assert_non_null(strstr(written, B " :0@0 master - 0 5 1 connected\n"));
}

static void a_shard_has_one_shard_id(void **state)
{
#define MASTER(aux) A " :0@0" aux " myself,master - 0 0 1 connected\n"
#define REPLICA(id, aux, master) id " :0@0" aux " slave " master " 0 0 1 connected\n"
    (void)state;
    given(MASTER(",,shard-id=" SHARD) REPLICA(B, ",,tls-port=0,shard-id=" OTHER_SHARD, A) VARS,
          NULL);
    expect(MEND_ADDRESSES,
           MASTER(",,shard-id=" SHARD) REPLICA(B, ",,tls-port=0,shard-id=" SHARD, A) VARS);
    given(MASTER(",,shard-id=" SHARD) REPLICA(B, ",b", A) VARS, NULL);
    expect(MEND_ADDRESSES, MASTER(",,shard-id=" SHARD) REPLICA(B, ",b,shard-id=" SHARD, A) VARS);
    /* a replica's replica, and a master that has none itself */
    given(MASTER("") REPLICA(B, "", A) REPLICA(C, ",,shard-id=" SHARD, B) VARS, NULL);
    expect(MEND_ADDRESSES, MASTER(",,shard-id=" SHARD) REPLICA(B, ",,shard-id=" SHARD, A)
                               REPLICA(C, ",,shard-id=" SHARD, B) VARS);
    /* a ring has no master, and no end */
    given(MASTER("") REPLICA(B, ",,shard-id=" SHARD, D) REPLICA(C, ",,shard-id=" OTHER_SHARD, B)
              REPLICA(D, "", C) VARS,
          NULL);
    expect(MEND_ADDRESSES, MASTER("") REPLICA(B, ",,shard-id=" SHARD, D) REPLICA(
                               C, ",,shard-id=" SHARD, B) REPLICA(D, ",,shard-id=" SHARD, C) VARS);
}

static void too_little_room_is_told(void **state)
{
    (void)state;
    given(ROW_A B, ROW_A B " :0@0 master - 0 5 9 connected 50-149\n" VARS);
    assert_int_equal(decide_within(1, SCRATCH_SIZE).status, MEND_TOO_BIG);
    assert_int_equal(decide_within(2, 3).status, MEND_TOO_BIG);
    assert_int_equal(decide_within(2, 0).status, MEND_TOO_BIG);
    assert_int_equal(decide_within(2, 8).status, MEND_TORN_FROM_COPY);
    /* what was not read whole is not mended */
    given(WHOLE, NULL);
    facts.file_status = REDIS_TABLE_TOO_MANY;
    assert_int_equal(decide().status, MEND_TOO_BIG);
}

static void a_file_of_two_myself_is_mended_by_my_id(void **state)
{
    (void)state;
    given(B " 10.0.0.2:6379@16379 myself,master - 0 5 2 connected 100-199\n" ROW_A ROW_C VARS,
          NULL);
    expect(MEND_TORN_OWN_ROWS, ROW_B ROW_A ROW_C VARS_MENDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_file_is_left_alone),
        cmocka_unit_test(addresses_names_and_flags_are_set_afresh),
        cmocka_unit_test(each_kind_of_change_alone_is_a_change),
        cmocka_unit_test(a_torn_file_takes_what_it_lacks_from_the_copy),
        cmocka_unit_test(without_a_file_everything_comes_from_the_copy),
        cmocka_unit_test(the_copys_owner_keeps_its_slots_only_when_confirmed),
        cmocka_unit_test(nobody_withholds_slots_where_the_file_has_my_row_or_the_copy_no_slots),
        cmocka_unit_test(without_a_row_of_mine_nothing_can_be_mended),
        cmocka_unit_test(a_foreign_file_is_told),
        cmocka_unit_test(a_lost_master_is_said_by_its_replicas_row),
        cmocka_unit_test(epochs_are_the_highest_seen),
        cmocka_unit_test(a_slot_claimed_twice_stays_with_one),
        cmocka_unit_test(a_shard_has_one_shard_id),
        cmocka_unit_test(too_little_room_is_told),
        cmocka_unit_test(a_file_of_two_myself_is_mended_by_my_id),
    };
    return cmocka_run_group_tests_name("redis_mend", tests, NULL, NULL);
}
