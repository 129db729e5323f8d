#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/model.h"

static const struct {
    int replicas, masters;
} sizes[] = {
    {3, 3},
    {4, 3},
    {6, 3},
    {7, 3},
    {9, 3},
    {8, 4},
};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void expect(const char *plan)
{
    world_decide();
    assert_string_equal(world_plan(), plan);
}

/* Slots and roles are those of the birth, every server sees the same, a second run has nothing to do. */
static void expect_born(void)
{
    model_show(0);
    assert_int_equal(world_decide()->verdict, FORM_CONVERGED);
    assert_int_equal(world.plan.count, 0);
    for (int i = 0; i < world.wish.replicas; i++) {
        const struct redis_node *self = cluster_member_self(world_pod(i));
        int master = world.master_of[i];
        assert_string_equal(self->master_id, i == master ? "" : world_pod(master)->id);
        if (i == master)
            assert_int_equal(
                world_pod(i)->table.slot_owner[placement_slots(world.wish.masters, i).first],
                world_pod(i)->table.myself);
    }
}

static void each_size_is_born_in_few_looks_and_nothing_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        world_begin(sizes[i].replicas, sizes[i].masters);
        model_newborn();
        assert_in_range(model_converge(), 1, 8);
        assert_int_equal(model_refusals, 0);
        expect_born();
    }
}

/* A second run would take them for somebody else's. */
static void servers_with_ids_of_their_own_are_not_born_where_nothing_remembers_them(void **state)
{
    (void)state;
    world_begin(4, 3);
    model_newborn();
    world.wish.knows_again = false;
    model_show(0);
    expect("refuse needs-register");
    world.wish.knows_again = true;
    assert_in_range(model_converge(), 1, 8);
}

static void the_stages_are_epochs_and_slots_then_roles_then_meets(void **state)
{
    (void)state;
    world_begin(4, 3);
    model_newborn();
    model_show(0);
    expect("work birth: epoch 0 1; slots 0 0-5460; epoch 1 2; slots 1 5461-10922; epoch 2 3; "
           "slots 2 10923-16383; epoch 3 4");
    model_do(world.plan.count);
    model_gossip();
    model_show(0);
    expect("work roles: meet 3 0");
    model_take(&world.plan.steps[0]);
    model_show(0);
    expect("work roles: meet 3 0"); /* in handshake: its id is not known */
    model_gossip();
    model_show(0);
    expect("work roles: replicate 3 c00000");
    model_take(&world.plan.steps[0]);
    model_gossip();
    model_show(0);
    expect("work meets: meet 0 1; meet 0 2; meet 1 0; meet 1 2; meet 1 3; meet 2 0; meet 2 1; "
           "meet 2 3");
}

/* ROUNDS whole rounds, PREFIX steps of the next, then perhaps gossip, then on to the end. False when
 * there is no such round. */
static bool cut_and_go_on(size_t rounds, size_t prefix, bool gossip)
{
    model_newborn();
    for (size_t round = 0; round <= rounds; round++) {
        model_show(0);
        const struct form_plan *plan = world_decide();
        if (plan->verdict == FORM_CONVERGED || (round == rounds && prefix > plan->count))
            return false;
        size_t count = round == rounds ? prefix : plan->count;
        model_do(count);
        if (round < rounds || gossip)
            model_gossip();
    }
    assert_in_range(model_converge(), 1, 12);
    expect_born();
    return true;
}

static void a_birth_cut_after_any_step_is_finished_by_the_next_run(void **state)
{
    int cuts = 0;
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        world_begin(sizes[i].replicas, sizes[i].masters);
        for (size_t rounds = 0; rounds < 8; rounds++) {
            for (size_t prefix = 0; cut_and_go_on(rounds, prefix, false); prefix++) {
                assert_true(cut_and_go_on(rounds, prefix, true));
                cuts += 2;
            }
        }
    }
    assert_true(cuts > 300);
}

/* Steps go to many servers at once: a kill leaves any part of them done. */
static void a_birth_of_which_any_part_was_done_is_finished(void **state)
{
    uint32_t seed = 7;
    (void)state;
    for (int run = 0; run < 120; run++) {
        world_begin(sizes[(size_t)run % SIZES].replicas, sizes[(size_t)run % SIZES].masters);
        model_newborn();
        for (int round = 0; round < 5; round++) {
            model_show(0);
            const struct form_plan *plan = world_decide();
            model_record_births();
            for (size_t i = 0; i < plan->count; i++) {
                seed = seed * 1664525 + 1013904223;
                if ((seed >> 16) % 2 == 0)
                    model_take(&plan->steps[i]);
            }
            if ((seed >> 20) % 3 != 0)
                model_gossip();
        }
        assert_in_range(model_converge(), 1, 20);
        expect_born();
    }
}

static void sixty_pods_are_born(void **state)
{
    (void)state;
    world_begin(60, 30);
    model_newborn();
    assert_in_range(model_converge(), 1, 8);
    expect_born();
}

static void a_birth_waits_for_every_pod_whoever_is_missing(void **state)
{
    (void)state;
    for (int missing = 0; missing < 6; missing++) {
        char wanted[32];
        world_begin(6, 3);
        model_newborn();
        model_show((uint64_t)1 << missing);
        (void)snprintf(wanted, sizeof(wanted), "wait lacks-pods %d", missing);
        expect(wanted);
    }
}

static void a_cluster_that_the_register_knows_is_not_born_twice(void **state)
{
    (void)state;
    world_begin(6, 3);
    model_newborn();
    world.wish.was_seeded = true;
    model_show(0);
    expect("refuse was-seeded");
    world.wish.accept_empty_shard = true;
    assert_int_equal(world_decide()->reason, FORM_GIVES_BIRTH);
    /* a birth that is under way is no second one */
    world.wish.accept_empty_shard = false;
    model_do(2);
    model_show(0);
    assert_int_equal(world_decide()->reason, FORM_GIVES_BIRTH);
}

/* Whatever is done meanwhile, the birth is finished once the name points to our pod. */
static void a_foreign_server_under_a_name_stops_a_birth_at_any_stage(void **state)
{
    static const char *const table = "dddddddddddddddddddddddddddddddddddddddd "
                                     "10.0.0.9:6379@16379 myself,master - 0 0 9 connected 0-9\n";
    (void)state;
    for (int foreign = 0; foreign < 6; foreign++) {
        for (int rounds = 0; rounds < 4; rounds++) {
            char wanted[32];
            world_begin(6, 3);
            model_newborn();
            for (int round = 0; round < rounds; round++) {
                model_show(0);
                world_decide();
                model_do(world.plan.count);
                model_gossip();
            }
            (void)snprintf(wanted, sizeof(wanted), "refuse foreign %d", foreign);
            for (int i = 0; i < 6; i++) {
                model_show(0);
                world_say(foreign, table);
                world_decide();
                assert_true(world.plan.reason == FORM_IS_FOREIGN ||
                            world.plan.reason == FORM_MENDS);
                model_do(world.plan.count);
                model_gossip();
            }
            assert_string_equal(world_plan(), wanted);
            assert_in_range(model_converge(), 1, 12);
            expect_born();
        }
    }
}

static void keys_outside_a_cluster_stop_a_birth(void **state)
{
    (void)state;
    world_begin(6, 3);
    model_newborn();
    model_show(0);
    world_pod(4)->info.keys = 1;
    /* of an id that is not its birth's such a server is not known to be ours at all */
    expect("refuse foreign 4");
    memcpy(world_pod(4)->expected_id, world_pod(4)->id, sizeof(world_pod(4)->id));
    expect("refuse keys 4");
}

static void servers_seeded_by_init_need_nothing_but_their_links(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        model_settle(sizes[i].replicas, sizes[i].masters);
        expect_born();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_size_is_born_in_few_looks_and_nothing_is_refused),
        cmocka_unit_test(servers_with_ids_of_their_own_are_not_born_where_nothing_remembers_them),
        cmocka_unit_test(the_stages_are_epochs_and_slots_then_roles_then_meets),
        cmocka_unit_test(a_birth_cut_after_any_step_is_finished_by_the_next_run),
        cmocka_unit_test(a_birth_of_which_any_part_was_done_is_finished),
        cmocka_unit_test(sixty_pods_are_born),
        cmocka_unit_test(a_birth_waits_for_every_pod_whoever_is_missing),
        cmocka_unit_test(a_cluster_that_the_register_knows_is_not_born_twice),
        cmocka_unit_test(a_foreign_server_under_a_name_stops_a_birth_at_any_stage),
        cmocka_unit_test(keys_outside_a_cluster_stop_a_birth),
        cmocka_unit_test(servers_seeded_by_init_need_nothing_but_their_links),
    };
    return cmocka_run_group_tests_name("redis_form_birth", tests, NULL, NULL);
}
