#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/world.h"

#define SELF(n, flags, epoch, slots)                                                               \
    "$" #n " 10.0.0." #n ":6379@16379,redis-" #n " myself," flags " 0 0 " #epoch                   \
    " connected" slots "\n"
#define ROW(n, flags, epoch, slots)                                                                \
    "$" #n " 10.0.0." #n ":6379@16379,redis-" #n " " flags " 0 1 " #epoch " connected" slots "\n"
#define OTHER "dddddddddddddddddddddddddddddddddddddddd"

static void draw(void)
{
    assert_true(cluster_picture_draw(&world.picture, world.adopt));
}

static void two_masters_and_a_replica(void)
{
    world_begin(3, 2);
    world_say(0, SELF(0, "master -", 1, " 0-99") ROW(1, "master -", 2, " 100-16383")
                     ROW(2, "slave $0", 1, ""));
    world_say(1, SELF(1, "master -", 2, " 100-16383") ROW(0, "master -", 1, " 0-99")
                     ROW(2, "slave $0", 1, ""));
    world_say(2, SELF(2, "slave $0", 1, "") ROW(0, "master -", 1, " 0-99")
                     ROW(1, "master -", 2, " 100-16383"));
}

static void expect_health(enum cluster_health health, int about)
{
    int whom = -2;
    draw();
    assert_int_equal(cluster_picture_health(&world.picture, &whom), health);
    assert_int_equal(whom, about);
}

static const struct cluster_node *node(const char *id)
{
    int index = cluster_picture_find(&world.picture, id);
    assert_true(index >= 0);
    return &world.picture.nodes[index];
}

static void expect_claim(int ordinal, enum cluster_claim claim)
{
    draw();
    assert_int_equal(world.picture.claims[ordinal], claim);
}

/* --- health --- */

static void a_whole_cluster_is_converged(void **state)
{
    (void)state;
    two_masters_and_a_replica();
    expect_health(CLUSTER_CONVERGED, -1);
    assert_int_equal(world.picture.answered, 3);
    assert_int_equal(world.picture.count, 3);
    assert_int_equal(world.picture.slots_assigned, REDIS_SLOTS);
    assert_true(world.picture.has_cluster);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(world.picture.nodes[i].known_by, 3);
        assert_int_equal(world.picture.nodes[i].failing, 0);
        assert_false(world.picture.nodes[i].lost);
    }
}

static void each_thing_that_is_wrong_is_told_and_the_worst_first(void **state)
{
    (void)state;
    two_masters_and_a_replica();
    world_pod(2)->view[0] ^= 1;
    expect_health(CLUSTER_VIEWS, 2);
    world_pod(2)->info.master_link_up = false;
    expect_health(CLUSTER_REPLICATION, 2);
    world_pod(1)->info.slots_ok--;
    expect_health(CLUSTER_NOT_OK, 1);
    world_pod(1)->info.slots_ok++;
    world_pod(1)->info.cluster_ok = false;
    expect_health(CLUSTER_NOT_OK, 1);
    world_pod(2)->table.nodes[1].link_connected = false;
    expect_health(CLUSTER_FAILING, 2);
    world_pod(2)->table.nodes[1].link_connected = true;
    static const unsigned flags[] = {REDIS_FAIL, REDIS_PFAIL, REDIS_NOADDR};
    for (size_t i = 0; i < 3; i++) {
        world_pod(0)->table.nodes[2].flags |= flags[i];
        expect_health(CLUSTER_FAILING, 0);
        world_pod(0)->table.nodes[2].flags &= ~flags[i];
    }
    world_say(0, SELF(0, "master -", 1, " 0-99") ROW(1, "master -", 2, " 100-16383"));
    expect_health(CLUSTER_UNKNOWN_NODES, 0);
    world_say(0, SELF(0, "master -", 1, " 0-98") ROW(1, "master -", 2, " 100-16383")
                     ROW(2, "slave $0", 1, ""));
    expect_health(CLUSTER_SLOTS, -1);
    world_silence(1);
    expect_health(CLUSTER_INCOMPLETE, 1);
    world_say(2, OTHER " 10.0.0.2:6379@16379 myself,master - 0 0 1 connected\n");
    expect_health(CLUSTER_FOREIGN, 2);
}

static void a_role_that_is_not_told_is_no_broken_link(void **state)
{
    (void)state;
    two_masters_and_a_replica();
    world_pod(2)->info.master_link_up = false;
    world_pod(2)->info.role_known = false;
    expect_health(CLUSTER_CONVERGED, -1);
}

/* --- who is ours --- */

static void an_id_of_the_birth_is_ours_whatever_it_says(void **state)
{
    (void)state;
    two_masters_and_a_replica();
    world_say(0, "$0 10.0.0.0:6379@16379,redis-2 myself,master - 0 0 9 connected 5\n");
    expect_claim(0, CLAIM_OURS);
}

static void newborn_is_who_knows_nobody_and_has_nothing(void **state)
{
    (void)state;
    world_begin(1, 1);
    struct cluster_member *pod =
        world_say(0, OTHER " :6379@16379,redis-0 myself,master - 0 0 0 connected\n");
    assert_true(cluster_member_is_newborn(pod));
    pod->info.keys = 1;
    assert_false(cluster_member_is_newborn(pod));
    pod->info.keys = 0;
    pod->info.current_epoch = 1;
    assert_false(cluster_member_is_newborn(pod));
    pod->info.current_epoch = -1; /* not told */
    assert_true(cluster_member_is_newborn(pod));
    assert_false(cluster_member_is_newborn(
        world_say(0, OTHER " :6379@16379 myself,master - 0 0 1 connected\n")));
    assert_false(cluster_member_is_newborn(
        world_say(0, OTHER " :6379@16379 myself,master - 0 0 0 connected 7\n")));
    assert_false(cluster_member_is_newborn(world_say(
        0, OTHER " :6379@16379 myself,master - 0 0 0 connected\n" ROW(1, "master -", 0, ""))));
    world_silence(0);
    assert_false(cluster_member_is_newborn(pod));
    assert_null(cluster_member_self(pod));
}

static void a_newborn_of_another_name_is_foreign(void **state)
{
    (void)state;
    two_masters_and_a_replica();
    world_say(2, OTHER " 10.0.0.2:6379@16379,redis-2 myself,master - 0 0 0 connected\n");
    expect_claim(2, CLAIM_OURS);
    world_say(2, OTHER " 10.0.0.2:6379@16379,redis-1 myself,master - 0 0 0 connected\n");
    expect_claim(2, CLAIM_FOREIGN);
    world_say(2, OTHER " 10.0.0.2:6379@16379,cache-2 myself,master - 0 0 0 connected\n");
    expect_claim(2, CLAIM_FOREIGN);
    /* ours announce their names: one without a name is not of us */
    world_say(2, OTHER " 10.0.0.2:6379@16379 myself,master - 0 0 0 connected\n");
    expect_claim(2, CLAIM_FOREIGN);
}

static void a_newborn_about_to_meet_somebody_is_not_known_yet(void **state)
{
    static const char *const meeting =
        "cccccccccccccccccccccccccccccccccccccccc 10.0.0.9:6379@16379 "
        "master,handshake - 0 0 0 connected\n";
    char text[512];
    (void)state;
    two_masters_and_a_replica();
    (void)snprintf(text, sizeof(text),
                   "%%2 10.0.0.2:6379@16379,redis-2 myself,master - 0 0 0 connected\n%s", meeting);
    world_say(2, text);
    expect_claim(2, CLAIM_UNKNOWN);
    world_pod(2)->info.keys = 1;
    expect_claim(2, CLAIM_FOREIGN);
    (void)snprintf(text, sizeof(text),
                   "%%2 10.0.0.2:6379@16379,redis-1 myself,master - 0 0 0 connected\n%s", meeting);
    world_say(2, text);
    expect_claim(2, CLAIM_FOREIGN);
}

static void whom_one_of_ours_knows_is_ours_and_so_on(void **state)
{
    (void)state;
    world_begin(3, 1);
    /* 0 vouches for 1, and 1 for 2 */
    world_say(0, SELF(0, "master -", 1,
                      " 0-16383") "%1 10.0.0.1:6379@16379,redis-1 slave $0 0 1 1 connected\n");
    world_say(1, "%1 10.0.0.1:6379@16379,redis-1 myself,slave $0 0 0 1 connected\n" ROW(
                     0, "master -", 1,
                     " 0-16383") "%2 10.0.0.2:6379@16379,redis-2 slave $0 0 1 1 connected\n");
    world_say(2, "%2 10.0.0.2:6379@16379,redis-2 myself,slave $0 0 0 1 connected\n" ROW(
                     0, "master -", 1, " 0-16383"));
    expect_claim(1, CLAIM_OURS);
    expect_claim(2, CLAIM_OURS);
    /* not in handshake, and not as another pod */
    world_say(
        0, SELF(0, "master -", 1,
                " 0-16383") "%1 10.0.0.1:6379@16379,redis-1 master,handshake - 0 1 1 connected\n");
    expect_claim(1, CLAIM_FOREIGN);
    expect_claim(2, CLAIM_FOREIGN);
    world_say(0, SELF(0, "master -", 1,
                      " 0-16383") "%1 10.0.0.1:6379@16379,redis-2 slave $0 0 1 1 connected\n");
    expect_claim(1, CLAIM_FOREIGN);
}

static void two_foreigners_do_not_vouch_for_each_other(void **state)
{
    (void)state;
    two_masters_and_a_replica();
    world_say(1, "%1 10.0.0.1:6379@16379,redis-1 myself,master - 0 0 9 connected 0-16383\n"
                 "%2 10.0.0.2:6379@16379,redis-2 slave %1 0 1 9 connected\n");
    world_say(2, "%2 10.0.0.2:6379@16379,redis-2 myself,slave %1 0 0 9 connected\n"
                 "%1 10.0.0.1:6379@16379,redis-1 master - 0 1 9 connected 0-16383\n");
    expect_claim(1, CLAIM_FOREIGN);
    expect_claim(2, CLAIM_FOREIGN);
    assert_int_equal(world.picture.answered, 1);
    assert_int_equal(world.picture.slots_assigned, REDIS_SLOTS); /* by pod 0's word alone */
    assert_int_equal(node("b010000000000000000000000000000000000000")->member, -1);
}

/* --- slots and losses --- */

static void who_answers_speaks_for_itself_and_of_others_the_higher_epoch(void **state)
{
    (void)state;
    two_masters_and_a_replica();
    /* 2 was promoted, 1 has not heard of it */
    world_say(2, SELF(2, "master -", 5, " 0-99") ROW(0, "master -", 1, "")
                     ROW(1, "master -", 2, " 100-16383"));
    draw();
    assert_int_equal(world.picture.nodes[world.picture.slot_owner[0]].ordinal, 2);
    world_silence(2); /* both that are left name 0 */
    draw();
    assert_int_equal(world.picture.nodes[world.picture.slot_owner[0]].ordinal, 0);
    world_silence(0); /* 1 has heard of it, 0 is silent */
    world_say(1, SELF(1, "master -", 2, " 100-16383") ROW(0, "master -", 1, "")
                     ROW(2, "master -", 5, " 0-99"));
    draw();
    assert_int_equal(world.picture.nodes[world.picture.slot_owner[0]].ordinal, 2);
}

static void lost_is_a_node_whose_pod_answers_as_another(void **state)
{
    char id[REDIS_ID_LEN + 1];
    (void)state;
    world_birth_id(2, id);
    two_masters_and_a_replica();
    world_silence(2);
    draw();
    assert_false(node(id)->lost);
    world_say(2, "%2 10.0.0.2:6379@16379,redis-2 myself,master - 0 0 0 connected\n");
    draw();
    assert_true(node(id)->lost);
    world_say(2, OTHER " 10.0.0.2:6379@16379,cache-2 myself,master - 0 0 0 connected\n");
    draw();
    assert_false(node(id)->lost);
}

static void nodes_that_do_not_fit_are_told(void **state)
{
    (void)state;
    two_masters_and_a_replica();
    world.picture.capacity = 2;
    assert_false(cluster_picture_draw(&world.picture, false));
    world.picture.capacity = 3;
    assert_true(cluster_picture_draw(&world.picture, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_cluster_is_converged),
        cmocka_unit_test(each_thing_that_is_wrong_is_told_and_the_worst_first),
        cmocka_unit_test(a_role_that_is_not_told_is_no_broken_link),
        cmocka_unit_test(an_id_of_the_birth_is_ours_whatever_it_says),
        cmocka_unit_test(newborn_is_who_knows_nobody_and_has_nothing),
        cmocka_unit_test(a_newborn_of_another_name_is_foreign),
        cmocka_unit_test(a_newborn_about_to_meet_somebody_is_not_known_yet),
        cmocka_unit_test(whom_one_of_ours_knows_is_ours_and_so_on),
        cmocka_unit_test(two_foreigners_do_not_vouch_for_each_other),
        cmocka_unit_test(who_answers_speaks_for_itself_and_of_others_the_higher_epoch),
        cmocka_unit_test(lost_is_a_node_whose_pod_answers_as_another),
        cmocka_unit_test(nodes_that_do_not_fit_are_told),
    };
    return cmocka_run_group_tests_name("redis_cluster", tests, NULL, NULL);
}
