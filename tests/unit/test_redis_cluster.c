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

/* So it does in INFO while its master has no address; its own row knows better. */
static void a_replica_that_calls_itself_a_master_follows_nobody(void **state)
{
    (void)state;
    two_masters_and_a_replica();
    world_pod(2)->info.is_master = true;
    for (int up = 0; up < 2; up++) {
        world_pod(2)->info.master_link_up = up != 0;
        expect_health(CLUSTER_REPLICATION, 2);
    }
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
    world_pod(1)->info.keys = world_pod(2)->info.keys = 1;
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

#define ANEW(name) "%2 10.0.0.2:6379@16379" name " myself,master - 0 0 0 connected"

static void say_anew(const char *self, const char *rows)
{
    char text[1024];
    (void)snprintf(text, sizeof(text), "%s%s", self, rows);
    world_say(2, text);
}

/* Killed between its MEET and the answer: nobody of ours has a row of it. */
static void who_has_nothing_and_knows_only_ours_is_ours(void **state)
{
    static const char *const known =
        ROW(0, "master -", 1, " 0-99") ROW(1, "master -", 2, " 100-16383");
    static const char *const former = "$2 10.0.0.2:6379@16379,redis-2 slave,fail $0 0 1 1 "
                                      "disconnected\n";
    (void)state;
    two_masters_and_a_replica();
    say_anew(ANEW(",redis-2") "\n", known);
    expect_claim(2, CLAIM_OURS);
    say_anew(ANEW(",redis-2") "\n", former); /* a row of ours is enough, whosever */
    expect_claim(2, CLAIM_OURS);
    say_anew(ANEW(",redis-2") "\n", known);
    world_pod(2)->info.keys = 1;
    expect_claim(2, CLAIM_FOREIGN);
    say_anew(ANEW(",redis-2") " 7\n", known);
    expect_claim(2, CLAIM_FOREIGN);
    say_anew(ANEW(",redis-1") "\n", known);
    expect_claim(2, CLAIM_FOREIGN);
    say_anew(ANEW(",cache-2") "\n", known);
    expect_claim(2, CLAIM_FOREIGN);
    say_anew(ANEW("") "\n", known);
    expect_claim(2, CLAIM_FOREIGN);
    /* one stranger among them, and it may be anybody's */
    say_anew(ANEW(",redis-2") "\n", ROW(0, "master -", 1, " 0-99") OTHER
             " 10.0.0.9:6379@16379,cache-9 master - 0 1 9 connected\n");
    expect_claim(2, CLAIM_FOREIGN);
    say_anew(ANEW(",redis-2") "\n", OTHER " 10.0.0.9:6379@16379 master - 0 1 9 connected\n");
    expect_claim(2, CLAIM_FOREIGN);
}

/* --adopt: a server without a host name is taken over only with the cluster that most belong to. */
static void a_mute_server_is_adopted_when_most_of_the_others_know_it(void **state)
{
#define MUTE(n, flags) "%" #n " 10.0.0." #n ":6379@16379 " flags "master - 0 1 2 connected\n"
#define FOUR(a, b, c, d) MUTE(0, a) MUTE(1, b) MUTE(2, c) MUTE(3, d)
    (void)state;
    world_begin(4, 2);
    world.adopt = true;
    world_say(0, FOUR("myself,", "", "", ""));
    world_say(1, FOUR("", "myself,", "", ""));
    world_say(2, FOUR("", "", "myself,", ""));
    world_say(3, FOUR("", "", "", "myself,"));
    for (int i = 0; i < 4; i++)
        expect_claim(i, CLAIM_OURS);
    world_say(3, MUTE(3, "myself,") OTHER " 10.0.0.9:6379@16379 master - 0 1 9 connected\n");
    expect_claim(3, CLAIM_OURS); /* all others know it */
    world_say(1, MUTE(0, "") MUTE(1, "myself,") MUTE(2, ""));
    world_say(2, MUTE(0, "") MUTE(1, "") MUTE(2, "myself,"));
    world_say(0, MUTE(0, "myself,") MUTE(1, "") MUTE(2, ""));
    expect_claim(3, CLAIM_FOREIGN); /* nobody does */
    for (int i = 0; i < 3; i++)
        expect_claim(i, CLAIM_OURS); /* two of three do */
    world_silence(0);
    expect_claim(1, CLAIM_FOREIGN); /* one of two is no majority */
    expect_claim(2, CLAIM_FOREIGN);
    expect_claim(3, CLAIM_FOREIGN);
    world_silence(3);
    expect_claim(1, CLAIM_OURS);
    expect_claim(2, CLAIM_OURS);
    world.adopt = false;
    expect_claim(1, CLAIM_FOREIGN);
#undef MUTE
#undef FOUR
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

/* Every pod lost its volume once: no id is left of the birth. Only pod 3, which is new, is sure of itself. */
static void a_newborn_that_is_sure_of_itself_believes_the_majority(void **state)
{
#define GROWN(n, flags, name)                                                                      \
    "%" #n " 10.0.0." #n ":6379@16379," name " " flags "master - 0 1 2 connected\n"
#define THREE(a, b, c) GROWN(0, a, "redis-0") GROWN(1, b, "redis-1") GROWN(2, c, "redis-2")
#define NEW(name) "%3 10.0.0.3:6379@16379," name " myself,master - 0 0 0 connected\n"
    (void)state;
    world_begin(4, 2);
    for (int turn = 0; turn < 6; turn++) {
        world_new_id(3, world_pod(3)->expected_id);
        world_say(0, THREE("myself,", "", ""));
        world_say(1, THREE("", "myself,", ""));
        world_say(2, THREE("", "", "myself,"));
        world_say(3, NEW("redis-3"));
        switch (turn) {
        case 1: /* two of four are no majority */
            world_silence(0);
            break;
        case 2: /* nor are three of which one is called otherwise */
            world_say(0, GROWN(0, "myself,", "cache-0") GROWN(1, "", "redis-1")
                             GROWN(2, "", "redis-2"));
            break;
        case 3: /* nor are three that do not know each other */
            world_say(0, GROWN(0, "myself,", "redis-0"));
            world_pod(0)->info.keys = 1;
            break;
        case 4: /* nobody is sure of itself */
            world_birth_id(3, world_pod(3)->expected_id);
            break;
        case 5: /* who knows somebody has better grounds */
            world_say(3, NEW("redis-3") OTHER
                      " 10.0.0.9:6379@16379,redis-0 master - 0 1 9 connected\n");
            break;
        default:
            break;
        }
        for (int i = 0; i < 3; i++)
            expect_claim(i, turn == 0             ? CLAIM_OURS
                            : turn == 1 && i == 0 ? CLAIM_UNKNOWN
                                                  : CLAIM_FOREIGN);
        expect_claim(3, CLAIM_OURS);
    }
#undef GROWN
#undef THREE
#undef NEW
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

static void doubt_pod_2(int observer, unsigned flag)
{
    char id[REDIS_ID_LEN + 1];
    world_birth_id(2, id);
    int row = redis_table_find(&world_pod(observer)->table, id);
    assert_true(row >= 0);
    world_pod(observer)->table.nodes[row].flags |= flag;
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
    assert_false(node(id)->lost); /* both others still hear of it */
    doubt_pod_2(0, REDIS_FAIL);
    draw();
    assert_false(node(id)->lost); /* one of them does */
    assert_int_equal(node(id)->alive_by, 1);
    doubt_pod_2(1, REDIS_FAIL);
    draw();
    assert_true(node(id)->lost);
    assert_int_equal(node(id)->alive_by, 0);
    world_say(2, OTHER " 10.0.0.2:6379@16379,cache-2 myself,master - 0 0 0 connected\n");
    draw();
    assert_false(node(id)->lost);
    /* ours by its birth's id or by another's row, yet it says that it is another pod or nothing */
    static const char *const said[] = {",redis-1", ",cache-2", ""};
    for (size_t i = 0; i < 3; i++) {
        char text[256];
        (void)snprintf(text, sizeof(text),
                       "%%2 10.0.0.2:6379@16379%s myself,master - 0 0 0 connected\n", said[i]);
        world_say(2, text);
        world_new_id(2, world_pod(2)->expected_id);
        expect_claim(2, CLAIM_OURS);
        assert_false(node(id)->lost);
    }
}

/* Any of these means that a server has nothing from it any more; "connected" alone may be a try. */
static void alive_is_who_is_connected_heard_and_without_a_flag(void **state)
{
    static const unsigned flags[] = {REDIS_FAIL, REDIS_PFAIL, REDIS_NOADDR};
    char id[REDIS_ID_LEN + 1];
    (void)state;
    world_birth_id(2, id);
    for (int way = 0; way < 5; way++) {
        two_masters_and_a_replica();
        world_say(2, "%2 10.0.0.2:6379@16379,redis-2 myself,master - 0 0 0 connected\n");
        for (int i = 0; i < 2; i++) {
            int row = redis_table_find(&world_pod(i)->table, id);
            if (way < 3)
                doubt_pod_2(i, flags[way]);
            else if (way == 3)
                world_pod(i)->table.nodes[row].link_connected = false;
            else
                world_pod(i)->table.nodes[row].pong_recv = 0;
        }
        draw();
        assert_int_equal(node(id)->alive_by, 0);
        assert_true(node(id)->lost);
    }
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
        cmocka_unit_test(a_replica_that_calls_itself_a_master_follows_nobody),
        cmocka_unit_test(an_id_of_the_birth_is_ours_whatever_it_says),
        cmocka_unit_test(newborn_is_who_knows_nobody_and_has_nothing),
        cmocka_unit_test(a_newborn_of_another_name_is_foreign),
        cmocka_unit_test(a_newborn_about_to_meet_somebody_is_not_known_yet),
        cmocka_unit_test(whom_one_of_ours_knows_is_ours_and_so_on),
        cmocka_unit_test(who_has_nothing_and_knows_only_ours_is_ours),
        cmocka_unit_test(a_mute_server_is_adopted_when_most_of_the_others_know_it),
        cmocka_unit_test(two_foreigners_do_not_vouch_for_each_other),
        cmocka_unit_test(a_newborn_that_is_sure_of_itself_believes_the_majority),
        cmocka_unit_test(who_answers_speaks_for_itself_and_of_others_the_higher_epoch),
        cmocka_unit_test(lost_is_a_node_whose_pod_answers_as_another),
        cmocka_unit_test(alive_is_who_is_connected_heard_and_without_a_flag),
        cmocka_unit_test(nodes_that_do_not_fit_are_told),
    };
    return cmocka_run_group_tests_name("redis_cluster", tests, NULL, NULL);
}
