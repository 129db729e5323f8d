#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/model.h"

/* Pods 0 to 2 are masters; 3 (and 6) replicate 0, 4 (and 7) 1, 5 (and 8) 2. */

static void expect(const char *plan)
{
    world_decide();
    assert_string_equal(world_plan(), plan);
}

static void lose(int ordinal)
{
    model_lose_volume(ordinal);
}

static void look(void)
{
    model_gossip();
    model_show(0);
}

static const char *owner_of(int slot)
{
    static char text[16];
    int owner = world.picture.slot_owner[slot];
    world_short_id(owner < 0 ? "nobody" : world.picture.nodes[owner].id, text);
    return text;
}

static void the_replica_that_holds_the_data_is_promoted(void **state)
{
    (void)state;
    model_settle(6, 3);
    lose(0);
    look();
    expect("work promotes 3: meet 0 1; promote 3");
    assert_in_range(model_converge(), 1, 12);
    assert_int_equal(model_refusals, 0);
    model_expect_whole();
    assert_string_equal(owner_of(0), "$3");
    assert_string_equal(cluster_member_self(world_pod(0))->master_id, world_pod(3)->id);
}

/* It follows the lost master and never had its data: promoting it would be giving the shard up. */
static void a_replica_that_never_synced_holds_nothing(void **state)
{
    (void)state;
    model_settle(6, 3);
    lose(0);
    look();
    struct redis_info *info = &world_pod(3)->info;
    const int64_t keys = info->keys;
    info->keys = 0;
    info->offset = 0;
    expect("refuse no-holder 0: meet 0 1");
    world.wish.accept_empty_shard = true;
    expect("work promotes 3: meet 0 1; promote 3"); /* it has its place already */
    world.wish.accept_empty_shard = false;
    world.wish.promote_ordinal = 3;
    expect("work promotes 3: meet 0 1; promote 3");
    world.wish.promote_ordinal = -1;
    world.wish.synced_ordinal = 3; /* it knows by its own volume that it followed this master */
    world_birth_id(1, world.wish.synced_to);
    expect("refuse no-holder 0: meet 0 1");
    world_birth_id(0, world.wish.synced_to);
    expect("work promotes 3: meet 0 1; promote 3");
    world.wish.synced_ordinal = -1;
    info->offset = 14; /* of an empty shard */
    expect("work promotes 3: meet 0 1; promote 3");
    info->offset = -1;
    info->keys = keys; /* read from its files */
    expect("work promotes 3: meet 0 1; promote 3");
}

static void who_is_in_the_middle_of_a_sync_is_waited_for(void **state)
{
    (void)state;
    model_settle(6, 3);
    lose(0);
    look();
    world_pod(3)->info.master_sync_in_progress = true;
    expect("wait holder-away 3: meet 0 1");
    world.wish.promote_ordinal = 3;
    expect("work promotes 3: meet 0 1; promote 3");
}

static void an_empty_replica_is_passed_over_for_one_with_data(void **state)
{
    (void)state;
    model_settle(9, 3);
    lose(0);
    look();
    world_pod(3)->info.keys = 0;
    world_pod(3)->info.offset = 0;
    expect("work promotes 6: meet 0 1; promote 6");
}

static void a_lost_replica_joins_its_shard_anew(void **state)
{
    (void)state;
    model_settle(6, 3);
    lose(4);
    look();
    expect("work mends: meet 4 0");
    assert_in_range(model_converge(), 1, 12);
    model_expect_whole();
    assert_string_equal(cluster_member_self(world_pod(4))->master_id, world_pod(1)->id);
}

static void while_the_holder_is_away_nobody_is_promoted(void **state)
{
    (void)state;
    model_settle(9, 3);
    lose(0);
    for (int away = 3; away <= 6; away += 3) {
        model[away].up = false;
        look();
        expect(away == 3 ? "wait holder-away 3: meet 0 1" : "wait holder-away 6: meet 0 1");
        model[away].up = true;
    }
}

#define REBORN(flags) "%0 10.0.0.0:6379@16379,redis-0 " flags "master - 0 1 0 connected\n"
#define OTHER(flags) "$1 10.0.0.1:6379@16379,redis-1 " flags "master - 0 1 4 connected 100\n"
#define GONE "$0 10.0.0.0:6379@16379,redis-0 master,fail - 0 1 1 disconnected 0-99\n"
#define NOBODYS                                                                                    \
    "ffffffffffffffffffffffffffffffffffffffff 10.9.9.9:6379@16379,else slave $0 0 1 1 "            \
    "disconnected\n"
#define AWAY "$2 10.0.0.2:6379@16379,redis-2 slave $0 0 1 1 disconnected\n"

/* A replica of no pod's name is told only where no pod is that can be waited for. */
static void a_holder_of_no_pod_does_not_hide_one_that_is_away(void **state)
{
    (void)state;
    world_begin(3, 1);
    world_say(0, REBORN("myself,") OTHER("") GONE AWAY NOBODYS);
    world_say(1, REBORN("") OTHER("myself,") GONE AWAY NOBODYS);
    expect("wait holder-away 2");
    world.wish.accept_empty_shard = true;
    expect("wait holder-away 2");
    world_say(0, REBORN("myself,") OTHER("") GONE NOBODYS AWAY);
    world_say(1, REBORN("") OTHER("myself,") GONE NOBODYS AWAY);
    expect("wait holder-away 2");
}

/* It may hold more than the pod that is here: only a person knows that it never comes back. */
static void a_holder_of_no_pod_is_away_too(void **state)
{
    (void)state;
    world_begin(3, 1);
    world_say(0, REBORN("myself,") OTHER("") GONE AWAY NOBODYS);
    world_say(1, REBORN("") OTHER("myself,") GONE AWAY NOBODYS);
    world_say(2, "$2 10.0.0.2:6379@16379,redis-2 myself,slave $0 0 0 1 connected\n" REBORN("")
                     OTHER("") GONE NOBODYS);
    expect("wait holder-away");
    world.wish.promote_ordinal = 1; /* it follows another */
    expect("wait holder-away");
    world.wish.promote_ordinal = 2;
    expect("work promotes 2: takeover 2");
}

/* Unless a person says that the shard may be empty; what a pod that is here holds is still not given up. */
static void a_holder_of_no_pod_is_given_up_on_a_persons_word(void **state)
{
    (void)state;
    world_begin(3, 1);
    world.wish.accept_empty_shard = true;
    world_say(0, REBORN("myself,") OTHER("") GONE AWAY NOBODYS);
    world_say(1, REBORN("") OTHER("myself,") GONE AWAY NOBODYS);
    world_say(2, "$2 10.0.0.2:6379@16379,redis-2 myself,slave $0 0 0 1 connected\n" REBORN("")
                     OTHER("") GONE NOBODYS);
    /* slots that nobody owned at all are dealt meanwhile */
    expect("work promotes 2: takeover 2; bump 0; slots 0 101-16383");
    world_say(0, REBORN("myself,") OTHER("") GONE NOBODYS);
    world_say(1, REBORN("") OTHER("myself,") GONE NOBODYS);
    world_say(2, "$2 10.0.0.2:6379@16379,redis-2 myself,master - 0 0 1 connected\n" REBORN("")
                     OTHER("") GONE NOBODYS);
    expect("work abandons 0: meet 2 0; forget 0 $0; forget 1 $0; forget 2 $0; bump 0; "
           "slots 0 101-16383");
}

#define SCALED                                                                                     \
    "ffffffffffffffffffffffffffffffffffffffff 10.9.9.9:6379@16379,redis-5 slave $1 0 1 1 "         \
    "disconnected\n"

/* A pod beyond the birth whose name is not there now: it may hold the data or have been promoted. */
static void a_pod_beyond_the_birth_is_missed_though_its_name_is_gone(void **state)
{
    (void)state;
    world_begin(3, 1);
    for (int scaled = 0; scaled < 2; scaled++) {
        const char *first = scaled == 0 ? REBORN("myself,") OTHER("") GONE AWAY
                                        : REBORN("myself,") OTHER("") GONE AWAY SCALED;
        const char *second = scaled == 0 ? REBORN("") OTHER("myself,") GONE AWAY
                                         : REBORN("") OTHER("myself,") GONE AWAY SCALED;
        world_say(0, first);
        world_say(1, second);
        world_say(2, "$2 10.0.0.2:6379@16379,redis-2 myself,slave $0 0 0 1 connected\n" REBORN("")
                         OTHER("") GONE);
        expect(scaled == 0 ? "work promotes 2: takeover 2" : "wait promotes 2");
    }
}

#define LOST "$1 10.0.0.1:6379@16379,redis-1 master,fail - 0 1 2 disconnected 9\n"
#define ANEW(flags) "%1 10.0.0.1:6379@16379,redis-1 " flags "master - 0 1 0 connected\n"
#define THIRD(flags) "$2 10.0.0.2:6379@16379,redis-2 " flags "master - 0 1 5 connected 100\n"
#define FIRST(role) "$0 10.0.0.0:6379@16379,redis-0 " role " 0 1 3 connected\n"

/* The first pod and the first row of a table are as good as any. */
static void the_first_pod_may_hold_and_the_first_row_be_forgotten(void **state)
{
    (void)state;
    world_begin(3, 1);
    world_say(1, LOST ANEW("myself,") FIRST("slave $1") THIRD(""));
    world_say(2, LOST ANEW("") FIRST("slave $1") THIRD("myself,"));
    expect("wait holder-away 0");
    world.wish.accept_empty_shard = true;
    world_say(0, LOST ANEW("") FIRST("myself,master -") THIRD(""));
    world_say(1, LOST ANEW("myself,") FIRST("master -") THIRD(""));
    world_say(2, LOST ANEW("") FIRST("master -") THIRD("myself,"));
    /* slots that nobody owned at all are dealt meanwhile */
    expect("work abandons 1: forget 0 $1; forget 1 $1; forget 2 $1; slots 0 0-8; slots 0 10-99; "
           "slots 0 101-16383");
}

static void of_several_holders_the_furthest_is_promoted(void **state)
{
    (void)state;
    model_settle(9, 3);
    lose(0);
    model[6].offset = model[3].offset + 1;
    look();
    expect("work promotes 6: meet 0 1; promote 6");
    model[3].offset = model[6].offset;
    look();
    expect("work promotes 3: meet 0 1; promote 3");
}

static void offsets_of_different_histories_tell_nothing(void **state)
{
    (void)state;
    model_settle(9, 3);
    lose(0);
    world_new_id(3, model[3].replid); /* it was restarted */
    model[6].offset = 1 << 20;
    look();
    expect("refuse holder-unclear 0: meet 0 1");
    world.wish.promote_ordinal = 4; /* not of this shard */
    expect("refuse holder-unclear 0: meet 0 1");
    world.wish.promote_ordinal = 60; /* no pod at all */
    expect("refuse holder-unclear 0: meet 0 1");
    world.wish.promote_ordinal = 3;
    expect("work promotes 3: meet 0 1; promote 3");
    world.wish.promote_ordinal = 6;
    expect("work promotes 6: meet 0 1; promote 6");
}

static void histories_that_are_not_told_tell_nothing_either(void **state)
{
    (void)state;
    model_settle(9, 3);
    lose(0);
    look();
    *world_pod(3)->info.replid = *world_pod(6)->info.replid = '\0';
    expect("refuse holder-unclear 0: meet 0 1");
}

static void a_persons_word_need_not_wait_for_others(void **state)
{
    (void)state;
    model_settle(9, 3);
    lose(0);
    model[6].up = false;
    look();
    expect("wait holder-away 6: meet 0 1");
    world.wish.promote_ordinal = 3;
    expect("work promotes 3: meet 0 1; promote 3");
    world.wish.promote_ordinal = 6; /* who is named must be there */
    expect("wait holder-away 6: meet 0 1");
}

static void a_shard_that_nobody_holds_is_a_persons_decision(void **state)
{
    (void)state;
    model_settle(6, 3);
    lose(0);
    lose(3);
    look();
    expect("refuse no-holder 0: meet 0 1; meet 3 1");
    world.wish.accept_empty_shard = true;
    expect("work abandons 0: meet 0 1; meet 3 1; forget 1 $0; forget 2 $0; forget 4 $0; "
           "forget 5 $0");
    assert_in_range(model_converge(), 1, 20);
    model_show(0);
    world_decide();
    assert_string_equal(owner_of(0), "%0");
    assert_string_equal(owner_of(6000), "$1");
    assert_string_equal(cluster_member_self(world_pod(3))->master_id, world_pod(0)->id);
    assert_int_equal(world.picture.count, 6);
    assert_int_equal(model[1].keys, MODEL_KEYS);
}

/* The pod that is away may hold the data, whatever the others believe that it follows. */
static void a_shard_is_not_given_up_while_any_pod_is_away(void **state)
{
    (void)state;
    model_settle(6, 3);
    lose(0);
    lose(3);
    model[5].up = false;
    look();
    expect("wait no-holder 0: meet 0 1; meet 3 1");
    world.wish.accept_empty_shard = true;
    expect("wait no-holder 0: meet 0 1; meet 3 1");
}

static void without_the_masters_majority_it_takes_everybody_to_take_over(void **state)
{
    (void)state;
    model_settle(6, 3);
    lose(0);
    lose(1);
    model[2].up = false;
    look();
    expect("wait promotes 3: meet 0 3; meet 1 3");
    model[2].up = true;
    model[5].up = false;
    look();
    expect("wait promotes 3: meet 0 2; meet 1 2");
    model[5].up = true;
    look();
    expect("work promotes 3: meet 0 2; meet 1 2; takeover 3; takeover 4");
    assert_in_range(model_converge(), 1, 20);
    model_expect_whole();
}

static void all_masters_may_be_lost_at_once(void **state)
{
    (void)state;
    model_settle(6, 3);
    for (int i = 0; i < 3; i++)
        lose(i);
    look();
    assert_in_range(model_converge(), 1, 25);
    model_expect_whole();
}

/* Each shard for itself; the worst is told. */
static void a_shard_that_a_person_must_decide_about_keeps_no_other_from_healing(void **state)
{
    (void)state;
    model_settle(15, 5);
    lose(0);
    lose(1);
    world_new_id(5, model[5].replid);
    look();
    expect("refuse holder-unclear 0: meet 0 2; meet 1 2; promote 6");
    assert_int_equal(model_converge(), -1);
    expect("refuse holder-unclear 0");
    assert_string_equal(owner_of(placement_slots(5, 1).first), "$6");
    assert_string_equal(cluster_member_self(world_pod(1))->master_id, world_pod(6)->id);
    assert_string_equal(owner_of(0), "$0");
    world.wish.promote_ordinal = 10;
    assert_in_range(model_converge(), 1, 12);
    assert_string_equal(owner_of(0), "$10");
    model_expect_whole();
}

static void of_several_lost_shards_the_worst_is_told(void **state)
{
    (void)state;
    model_settle(15, 5);
    lose(0);
    lose(1);
    lose(5);
    lose(10);
    model[6].up = false;
    look();
    expect("wait no-holder 0: meet 0 2; meet 1 2; meet 5 2; meet 10 2");
    model[6].up = true;
    world_new_id(6, model[6].replid);
    model[14].up = false;
    look();
    expect("refuse holder-unclear 1: meet 0 2; meet 1 2; meet 5 2; meet 10 2");
    model[14].up = true;
    look();
    expect("refuse no-holder 0: meet 0 2; meet 1 2; meet 5 2; meet 10 2");
    world.wish.accept_empty_shard = true; /* the step of one, the word of the other */
    expect("refuse holder-unclear 1: meet 0 2; meet 1 2; meet 5 2; meet 10 2; forget 2 $0; "
           "forget 3 $0; forget 4 $0; forget 6 $0; forget 7 $0; forget 8 $0; forget 9 $0; "
           "forget 11 $0; forget 12 $0; forget 13 $0; forget 14 $0");
}

/* One server that has heard it and flags nothing: it may live, cut off from us. */
static void whom_one_server_still_hears_of_is_not_lost(void **state)
{
    (void)state;
    for (int witness = 1; witness < 6; witness++) {
        model_settle(6, 3);
        lose(0);
        look();
        struct redis_table *table = &world_pod(witness)->table;
        char id[REDIS_ID_LEN + 1];
        world_birth_id(0, id);
        struct redis_node *row = &table->nodes[redis_table_find(table, id)];
        row->flags &= ~(unsigned)REDIS_FAIL;
        row->link_connected = true;
        expect("work mends: meet 0 1");
        row->flags |= REDIS_PFAIL;
        expect("work promotes 3: meet 0 1; promote 3");
    }
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 16;
}

/* Any loss that leaves each shard a holder; pods away for a while; runs cut anywhere. */
static void whatever_is_lost_while_a_holder_is_left_comes_back_whole(void **state)
{
    uint32_t seed = 11;
    (void)state;
    for (int run = 0; run < 60; run++) {
        model_settle(9, 3);
        for (int shard = 0; shard < 3; shard++) {
            uint32_t lost = next_random(&seed) % 7; /* of three pods never all */
            for (int i = 0; i < 3; i++)
                if ((lost >> i & 1) != 0)
                    lose(shard + 3 * i);
        }
        for (int round = 0; round < 6; round++) {
            int away = (int)(next_random(&seed) % 12); /* or nobody */
            if (away < 9)
                model[away].up = false;
            model_gossip();
            model_show(0);
            const struct form_plan *plan = world_decide();
            for (size_t i = 0; i < plan->count; i++)
                if (next_random(&seed) % 3 != 0)
                    model_take(&plan->steps[i]);
            if (away < 9)
                model[away].up = true;
        }
        assert_in_range(model_converge(), 1, 40);
        model_expect_whole();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_replica_that_holds_the_data_is_promoted),
        cmocka_unit_test(a_replica_that_never_synced_holds_nothing),
        cmocka_unit_test(who_is_in_the_middle_of_a_sync_is_waited_for),
        cmocka_unit_test(an_empty_replica_is_passed_over_for_one_with_data),
        cmocka_unit_test(a_lost_replica_joins_its_shard_anew),
        cmocka_unit_test(while_the_holder_is_away_nobody_is_promoted),
        cmocka_unit_test(a_holder_of_no_pod_does_not_hide_one_that_is_away),
        cmocka_unit_test(a_holder_of_no_pod_is_away_too),
        cmocka_unit_test(a_holder_of_no_pod_is_given_up_on_a_persons_word),
        cmocka_unit_test(a_pod_beyond_the_birth_is_missed_though_its_name_is_gone),
        cmocka_unit_test(the_first_pod_may_hold_and_the_first_row_be_forgotten),
        cmocka_unit_test(of_several_holders_the_furthest_is_promoted),
        cmocka_unit_test(offsets_of_different_histories_tell_nothing),
        cmocka_unit_test(histories_that_are_not_told_tell_nothing_either),
        cmocka_unit_test(a_persons_word_need_not_wait_for_others),
        cmocka_unit_test(a_shard_that_nobody_holds_is_a_persons_decision),
        cmocka_unit_test(a_shard_is_not_given_up_while_any_pod_is_away),
        cmocka_unit_test(without_the_masters_majority_it_takes_everybody_to_take_over),
        cmocka_unit_test(all_masters_may_be_lost_at_once),
        cmocka_unit_test(a_shard_that_a_person_must_decide_about_keeps_no_other_from_healing),
        cmocka_unit_test(of_several_lost_shards_the_worst_is_told),
        cmocka_unit_test(whom_one_server_still_hears_of_is_not_lost),
        cmocka_unit_test(whatever_is_lost_while_a_holder_is_left_comes_back_whole),
    };
    return cmocka_run_group_tests_name("redis_form_lost", tests, NULL, NULL);
}
