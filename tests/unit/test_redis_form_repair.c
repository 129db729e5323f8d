#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/model.h"
#include "tests/unit/rows.h"

static void expect(const char *plan)
{
    world_decide();
    assert_string_equal(world_plan(), plan);
}

static void look(void)
{
    model_gossip();
    model_show(0);
}

/* --- addresses --- */

static void move_far(int ordinal)
{
    char ip[24];
    (void)snprintf(ip, sizeof(ip), "10.0.1.%d", ordinal);
    model_move(ordinal, ip);
}

static void a_pod_that_moved_is_found_by_the_others_and_its_replica_is_told(void **state)
{
    (void)state;
    model_settle(6, 3);
    model_move(2, "10.0.0.102");
    look();
    expect("work mends: replicate 5 $2"); /* all but its replica's link follow by themselves */
    assert_in_range(model_converge(), 1, 4);
    model_expect_whole();
}

static void pods_that_all_moved_at_once_meet_anew(void **state)
{
    (void)state;
    model_settle(6, 3);
    for (int i = 0; i < 6; i++)
        move_far(i);
    look();
    world_decide();
    assert_int_equal(world.plan.reason, FORM_MENDS);
    assert_int_equal(world.plan.count, 30);
    for (size_t i = 0; i < world.plan.count; i++)
        assert_int_equal(world.plan.steps[i].kind, FORM_MEET);
    assert_in_range(model_converge(), 1, 8);
    model_expect_whole();
}

static void a_server_that_announces_where_it_was_is_told_where_it_is(void **state)
{
    char old[16];
    (void)state;
    model_settle(6, 3);
    memcpy(old, model[2].rows[0].ip, sizeof(old));
    model_move(2, "10.0.0.102");
    memcpy(model[2].rows[0].ip, old, sizeof(old));
    look();
    world_decide();
    assert_true(world_does(FORM_ANNOUNCE));
    assert_in_range(model_converge(), 1, 8);
    assert_string_equal(model[2].rows[0].ip, "10.0.0.102");
    model_expect_whole();
}

static void a_replica_that_syncs_from_its_masters_old_address_is_told_again(void **state)
{
    (void)state;
    model_settle(6, 3);
    (void)snprintf(model[4].master_host, sizeof(model[4].master_host), "10.9.9.9");
    look();
    expect("work mends: replicate 4 $1");
    world_pod(4)->info.master_link_up = true; /* as long as it works it is let be */
    expect("converged whole");
    look();
    (void)snprintf(world_pod(4)->info.master_host, 16, "10.0.0.1");
    expect("wait takes-effect 4"); /* it knows already */
    look();
    world_pod(4)->info.role_known = false;
    expect("converged whole");
    assert_in_range(model_converge(), 1, 4);
}

/* --- strangers and foreigners --- */

static void a_pod_beyond_the_birth_is_joined_and_has_no_place(void **state)
{
    (void)state;
    model_settle(6, 3);
    world_add_pod();
    model_lose_volume(6);
    memcpy(model[6].rows[0].id, world_pod(6)->expected_id, REDIS_ID_LEN + 1);
    look();
    expect("work mends: meet 6 0");
    assert_in_range(model_converge(), 1, 6);
    assert_int_equal(world.picture.count, 7);
    assert_int_equal(cluster_member_self(world_pod(6))->slot_count, 0);
}

#define FOREIGN "dddddddddddddddddddddddddddddddddddddddd 10.0.0.2:6379@16379"
#define FRIEND "cccccccccccccccccccccccccccccccccccccccc 10.0.0.77:6379@16379"

/* world_decide holds that no step is for it or names it. */
static void a_foreign_server_is_never_met_whatever_else_is_wrong(void **state)
{
    static const char *const tables[] = {
        FOREIGN " myself,master - 0 0 9 connected 0-16383\n" FRIEND " slave "
                "dddddddddddddddddddddddddddddddddddddddd 0 1 9 connected\n",
        FOREIGN ",redis-2 myself,master - 0 0 9 connected 0-16383\n" FRIEND " master - 0 1 0 "
                "connected\n",
        FOREIGN ",other-2 myself,master - 0 0 0 connected\n",
        FOREIGN " myself,master - 0 0 3 connected\n",
        FOREIGN " myself,master - 0 0 0 connected 5\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        for (int damage = 0; damage < 4; damage++) {
            model_settle(6, 3);
            if (damage == 1)
                model_lose_volume(0);
            if (damage == 2)
                model_move(4, "10.0.0.104");
            if (damage == 3)
                model[1].up = false;
            look();
            world_say(2, tables[i]);
            /* who lost its volume still meets one of ours; half of the masters promote nobody */
            expect(damage == 1 ? "wait promotes 3: meet 0 1" : "refuse foreign 2");
        }
    }
}

/* The others heal until nothing is left to do but what the foreign server stands for. */
static void a_foreign_server_keeps_no_other_pod_from_healing(void **state)
{
    (void)state;
    model_settle(10, 5);
    model_lose_volume(0);
    model_lose_volume(8);
    model[2].up = false;
    look();
    world_say(2, FOREIGN " myself,master - 0 0 9 connected 0-16383\n");
    expect("work promotes 5: meet 0 1; meet 8 1; promote 5");
    for (int i = 0; i < 12; i++) {
        model_do(world.plan.count);
        look();
        world_say(2, FOREIGN " myself,master - 0 0 9 connected 0-16383\n");
        world_decide();
    }
    expect("refuse foreign 2");
    assert_string_equal(cluster_member_self(world_pod(0))->master_id, world_pod(5)->id);
    assert_string_equal(cluster_member_self(world_pod(8))->master_id, world_pod(3)->id);
    assert_int_equal(model[0].keys, MODEL_KEYS);
    model[2].up = true; /* the name points to our pod again */
    assert_in_range(model_converge(), 1, 8);
    model_expect_whole();
}

/* As gossip told it of them. */
static void know_others(int ordinal)
{
    for (int i = 0; i < 6; i++)
        if (i != ordinal && model_find(&model[1], model[i].rows[0].id) != NULL)
            model[ordinal].rows[model[ordinal].count++] = model[i].rows[0];
}

/* Its run was killed between MEET and answer: it knows the cluster, which does not know it. */
static void who_knows_the_cluster_and_is_unknown_there_meets_it(void **state)
{
    (void)state;
    model_settle(6, 3);
    model_lose_volume(4);
    look();
    know_others(4);
    model_show(0);
    expect("work mends: meet 4 0; replicate 4 $1");
    assert_in_range(model_converge(), 1, 12);
    model_expect_whole();
    /* whom nobody knows can introduce nobody */
    model_settle(6, 3);
    model_lose_volume(0);
    model_lose_volume(4);
    look();
    know_others(0);
    model_show(0);
    expect("work promotes 3: meet 0 1; meet 4 1; promote 3");
    assert_in_range(model_converge(), 1, 12);
    model_expect_whole();
}

/* Two pods that were forgotten together vouch for each other, and for nothing else. */
static void pods_that_know_only_each_other_are_strangers(void **state)
{
#define EIGHT(n) "%" #n " 10.0.0." #n ":6379@16379,redis-" #n
    (void)state;
    model_settle(6, 3);
    world_add_pod();
    world_add_pod();
    look();
    world_new_id(6, world_pod(6)->expected_id); /* what each knows of itself */
    world_new_id(7, world_pod(7)->expected_id);
    static const char *const owners =
        "$0 10.0.0.0:6379@16379,redis-0 master - 0 1 1 connected 0-5460\n"
        "$1 10.0.0.1:6379@16379,redis-1 master - 0 1 2 connected "
        "5461-10922\n"
        "$2 10.0.0.2:6379@16379,redis-2 master - 0 1 3 connected "
        "10923-16383\n";
    char text[2048];
    (void)snprintf(text, sizeof(text),
                   "%s myself,master - 0 0 0 connected\n%s master - 0 1 0 connected\n%s", EIGHT(6),
                   EIGHT(7), owners);
    world_say(6, text);
    (void)snprintf(text, sizeof(text),
                   "%s myself,master - 0 0 0 connected\n%s master - 0 1 0 connected\n%s", EIGHT(7),
                   EIGHT(6), owners);
    world_say(7, text);
    expect("work mends: meet 6 0; meet 7 0");
#undef EIGHT
}

/* Its only master is known by replicas alone. */
static void the_only_owner_is_no_stranger(void **state)
{
    (void)state;
    model_settle(3, 1);
    model_move(1, "10.0.0.101");
    look();
    world_decide();
    for (size_t i = 0; i < world.plan.count; i++)
        assert_true(world.plan.steps[i].kind != FORM_MEET || world.plan.steps[i].target == 1 ||
                    world.plan.steps[i].member == 1);
}

static void a_cluster_of_our_names_that_ordain_did_not_make_wants_adoption(void **state)
{
    (void)state;
    model_settle(6, 3);
    for (int i = 0; i < 6; i++)
        world_pod(i)->expected_id[5] = 'f';
    expect("refuse not-ordains 0");
    world.adopt = true;
    expect("converged whole");
    world.adopt = false;
    world_silence(5); /* names may be out of date */
    expect("refuse foreign 0");
}

/* --- the dead --- */

/* Who is known and gone for good keeps no lost shard from healing. */
static void a_scaled_in_pod_is_forgotten_before_lost_shards_are_judged(void **state)
{
    char text[2048];
    (void)state;
    model_settle(6, 3);
    model_lose_volume(0);
    model_lose_volume(1);
    look();
    world.wish.forgets_scaled_in = true;
    for (int i = 2; i < 6; i++) {
        struct cluster_member *member = world_pod(i);
        size_t row = member->table.count++;
        member->table.nodes[row] =
            (struct redis_node){.flags = REDIS_MASTER | REDIS_FAIL, .pong_recv = 1};
        memset(member->table.nodes[row].id, 'e', REDIS_ID_LEN);
        member->row_ordinal[row] = 6;
    }
    world_decide();
    (void)snprintf(text, sizeof(text), "%s", world_plan());
    assert_true(world_does(FORM_FORGET));
}

#define SCALED_IN(flags, of)                                                                       \
    "%2 10.0.0.2:6379@16379,redis-2 slave" flags " " of " 0 1 1 disconnected\n"

/* What 0 and 1 say of a third pod whose name is gone. */
static void say_scaled_in(const char *row)
{
    char text[1024];
    (void)snprintf(text, sizeof(text), "%s%s%s", SELF(0, "master -", " 0-8191"),
                   ROW(1, "master -", " 8192-16383"), row);
    world_say(0, text);
    (void)snprintf(text, sizeof(text), "%s%s%s", SELF(1, "master -", " 8192-16383"),
                   ROW(0, "master -", " 0-8191"), row);
    world_say(1, text);
    world_pod(0)->info.keys = 1;
}

static void a_pod_that_was_scaled_in_is_forgotten_by_form_alone(void **state)
{
    (void)state;
    world_begin(2, 2);
    say_scaled_in(SCALED_IN(",fail", "$1"));
    world_decide();
    assert_false(world_does(FORM_FORGET)); /* a probe leaves it */
    world.wish.forgets_scaled_in = true;
    expect("work mends: forget 0 %2; forget 1 %2");
    say_scaled_in(SCALED_IN(",fail?", "$1"));
    world_decide();
    assert_false(world_does(FORM_FORGET));
    say_scaled_in("%2 10.0.0.2:6379@16379,redis-2 slave $1 0 1 1 connected\n");
    expect("wait takes-effect"); /* not yet, though all is well as far as they know */
    say_scaled_in(SCALED_IN(",fail", "%3"));
    world_decide();
    assert_false(
        world_does(FORM_FORGET)); /* whom it followed is unknown: it may hold the only copy */
    say_scaled_in(
        SCALED_IN(",fail", "$1") "%3 10.0.0.3:6379@16379,redis-3 slave %2 0 1 1 connected\n");
    world_decide();
    assert_false(world_does(FORM_FORGET)); /* somebody follows it */
    say_scaled_in(SCALED_IN(",fail", "$1"));
    world_add_pod(); /* its name is back */
    world_decide();
    assert_false(world_does(FORM_FORGET));
}

static void one_that_owns_a_slot_is_missed(void **state)
{
    static const char *const owner =
        "%1 10.0.0.1:6379@16379,redis-1 master,fail - 0 1 3 disconnected 9000-16383\n";
    char text[1024];
    (void)state;
    world_begin(1, 1);
    world.wish.forgets_scaled_in = true;
    (void)snprintf(text, sizeof(text), "%s%s", SELF(0, "master -", " 0-8999"), owner);
    world_say(0, text);
    expect("wait takes-effect 0");
}

static void no_pod_of_the_birth_is_scaled_in(void **state)
{
    (void)state;
    world_begin(3, 2);
    world.wish.forgets_scaled_in = true;
    say_scaled_in(SCALED_IN(",fail", "$1"));
    world_decide();
    assert_false(world_does(FORM_FORGET));
}

static void a_dead_id_is_forgotten_once_its_pod_has_its_place(void **state)
{
    static const char *const joined =
        SELF(0, "master -",
             " 0-16383") "%1 10.0.0.1:6379@16379,redis-1 master - 0 1 0 connected\n"
                         "$1 10.0.0.1:6379@16379,redis-1 slave,fail $0 0 1 0 disconnected\n";
    static const char *const placed =
        SELF(0, "master -",
             " 0-16383") "%1 10.0.0.1:6379@16379,redis-1 slave $0 0 1 0 connected\n"
                         "$1 10.0.0.1:6379@16379,redis-1 slave,fail $0 0 1 0 disconnected\n";
    (void)state;
    world_begin(2, 1);
    world_say(0, joined);
    world_pod(0)->info.keys = 5;
    world_say(1, "%1 10.0.0.1:6379@16379,redis-1 myself,master - 0 0 0 connected\n"
                 "$0 10.0.0.0:6379@16379,redis-0 master - 0 1 0 connected 0-16383\n");
    expect("work mends: replicate 1 $0");
    world_say(0, placed);
    world_pod(0)->info.keys = 5;
    world_say(1, "%1 10.0.0.1:6379@16379,redis-1 myself,slave $0 0 0 0 connected\n"
                 "$0 10.0.0.0:6379@16379,redis-0 master - 0 1 0 connected 0-16383\n");
    expect("work mends: forget 0 $1");
    world_silence(1); /* who does not answer is not dead */
    expect("wait takes-effect 1");
}

/* Without its own word that it is this pod, a name may still point to where the pod was. */
static void who_does_not_say_which_pod_it_is_makes_nobody_lost(void **state)
{
    (void)state;
    model_settle(6, 3);
    model_lose_volume(0);
    look();
    world_say(0, "%0 10.0.0.0:6379@16379 myself,master - 0 0 0 connected\n");
    world_decide();
    assert_false(world_does(FORM_PROMOTE) || world_does(FORM_TAKEOVER) || world_does(FORM_FORGET));
}

/* --- size --- */

static void sixty_pods_are_mended(void **state)
{
    (void)state;
    model_settle(60, 30);
    model_lose_volume(0);
    model_lose_volume(45);
    look();
    assert_in_range(model_converge(), 1, 12);
    model_expect_whole();
}

static void more_steps_than_a_plan_holds_are_done_in_more_looks(void **state)
{
    (void)state;
    model_settle(70, 35);
    for (int i = 0; i < 70; i++)
        move_far(i);
    look();
    world_decide();
    assert_int_equal(world.plan.count, FORM_STEPS_MAX);
    assert_in_range(model_converge(), 1, 8);
    model_expect_whole();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pod_that_moved_is_found_by_the_others_and_its_replica_is_told),
        cmocka_unit_test(pods_that_all_moved_at_once_meet_anew),
        cmocka_unit_test(a_server_that_announces_where_it_was_is_told_where_it_is),
        cmocka_unit_test(a_replica_that_syncs_from_its_masters_old_address_is_told_again),
        cmocka_unit_test(a_pod_beyond_the_birth_is_joined_and_has_no_place),
        cmocka_unit_test(a_foreign_server_is_never_met_whatever_else_is_wrong),
        cmocka_unit_test(a_foreign_server_keeps_no_other_pod_from_healing),
        cmocka_unit_test(who_knows_the_cluster_and_is_unknown_there_meets_it),
        cmocka_unit_test(a_cluster_of_our_names_that_ordain_did_not_make_wants_adoption),
        cmocka_unit_test(a_scaled_in_pod_is_forgotten_before_lost_shards_are_judged),
        cmocka_unit_test(a_pod_that_was_scaled_in_is_forgotten_by_form_alone),
        cmocka_unit_test(one_that_owns_a_slot_is_missed),
        cmocka_unit_test(no_pod_of_the_birth_is_scaled_in),
        cmocka_unit_test(pods_that_know_only_each_other_are_strangers),
        cmocka_unit_test(the_only_owner_is_no_stranger),
        cmocka_unit_test(a_dead_id_is_forgotten_once_its_pod_has_its_place),
        cmocka_unit_test(who_does_not_say_which_pod_it_is_makes_nobody_lost),
        cmocka_unit_test(sixty_pods_are_mended),
        cmocka_unit_test(more_steps_than_a_plan_holds_are_done_in_more_looks),
    };
    return cmocka_run_group_tests_name("redis_form_repair", tests, NULL, NULL);
}
