#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/model.h"

/*
 * Absence is never evidence. Of a damaged cluster any part is hidden, and form decides on what is left. A
 * step that cannot be taken back (promotion, forgetting, slots) must be right in the whole picture too:
 *
 *   promote    its master is lost, and nobody holds more of its data; whatever the verdict
 *   takeover   never: it needs every pod's answer
 *   forget     the node is lost and owns no slot; no pod answers with that id
 *   slots      nobody claims them, and no hidden server would be given them in their stead
 */

#define PODS 9

static struct form_step taken[FORM_STEPS_MAX];
static size_t taken_count;

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 16;
}

static bool is_for_good(enum form_step_kind kind)
{
    return kind == FORM_PROMOTE || kind == FORM_TAKEOVER || kind == FORM_FORGET ||
           kind == FORM_ADD_SLOTS;
}

static void remember_steps_for_good(void)
{
    taken_count = 0;
    for (size_t i = 0; i < world.plan.count; i++)
        if (is_for_good(world.plan.steps[i].kind))
            taken[taken_count++] = world.plan.steps[i];
}

static const struct cluster_node *node_of(const char *id)
{
    int index = cluster_picture_find(&world.picture, id);
    assert_true(index >= 0);
    return &world.picture.nodes[index];
}

static void check_promotion(const struct form_step *step)
{
    const struct redis_node *self = cluster_member_self(world_pod(step->member));
    const struct cluster_node *master = node_of(self->master_id);
    assert_true(master->lost && master->slots > 0);
    for (int i = 0; i < PODS; i++) {
        const struct redis_node *other = cluster_member_self(world_pod(i));
        if (other == NULL || strcmp(other->master_id, self->master_id) != 0)
            continue;
        assert_string_equal(world_pod(i)->info.replid, world_pod(step->member)->info.replid);
        assert_true(world_pod(i)->info.offset <= world_pod(step->member)->info.offset);
    }
}

/* The picture is the whole one now. */
static void check_taken(void)
{
    for (size_t i = 0; i < taken_count; i++) {
        const struct form_step *step = &taken[i];
        assert_int_not_equal(step->kind, FORM_TAKEOVER);
        if (step->kind == FORM_PROMOTE)
            check_promotion(step);
        if (step->kind == FORM_FORGET) {
            assert_true(node_of(step->id)->lost);
            assert_int_equal(node_of(step->id)->slots, 0);
        }
        for (int slot = step->range.first; step->kind == FORM_ADD_SLOTS && slot <= step->range.last;
             slot++)
            assert_int_equal(world.picture.slot_owner[slot], -1);
    }
}

/* Something happens to the cluster; some of it is what a run that was cut left. */
static void damage(uint32_t *seed)
{
    int pod = (int)(next_random(seed) % PODS);
    char ip[24];
    switch (next_random(seed) % 6) {
    case 0:
        model_lose_volume(pod);
        break;
    case 1:
        (void)snprintf(ip, sizeof(ip), "10.0.2.%u", (unsigned)(next_random(seed) % 200));
        model_move(pod, ip);
        break;
    case 2:
        model[pod].up = !model[pod].up;
        break;
    case 3:
        model[pod].offset += (int)(next_random(seed) % 3);
        break;
    case 4:
        world_new_id(pod, model[pod].replid); /* restarted: a history of its own */
        break;
    default:
        model_gossip();
        break;
    }
}

static void work_a_little(uint32_t *seed)
{
    model_show(0);
    world_decide();
    for (size_t i = 0; i < world.plan.count; i++)
        if (next_random(seed) % 3 != 0)
            model_take(&world.plan.steps[i]);
    model_gossip();
}

static size_t for_good;

static void hide_and_check(uint64_t hidden)
{
    model_show(hidden);
    world_decide();
    remember_steps_for_good();
    for_good += taken_count;
    model_show(0);
    world_decide();
    check_taken();
}

static void run(uint32_t seed, bool accept)
{
    model_settle(PODS, 3);
    world.wish.accept_empty_shard = accept;
    for (int round = 0; round < 12; round++) {
        for (uint32_t i = next_random(&seed) % 3; i > 0; i--)
            damage(&seed);
        if (round % 3 == 2)
            work_a_little(&seed);
        hide_and_check(next_random(&seed) & 0x1ff);
        hide_and_check((uint64_t)1 << next_random(&seed) % PODS);
    }
}

static void what_is_done_for_good_with_pods_hidden_is_right_when_all_are_seen(void **state)
{
    (void)state;
    for_good = 0;
    for (uint32_t seed = 1; seed <= 30; seed++)
        run(seed * 7919, false);
    assert_true(for_good > 20); /* else nothing was tried */
}

static void a_persons_acceptance_changes_nothing_of_it(void **state)
{
    (void)state;
    for_good = 0;
    for (uint32_t seed = 1; seed <= 15; seed++)
        run(seed * 104729, true);
    assert_true(for_good > 10);
}

static void a_whole_cluster_of_which_any_part_is_hidden_is_let_be(void **state)
{
    (void)state;
    model_settle(PODS, 3);
    for (uint64_t hidden = 0; hidden < 1 << PODS; hidden++) {
        model_show(hidden);
        world_decide();
        assert_int_equal(world.plan.count, 0);
        assert_int_equal(world.plan.verdict, hidden == 0 ? FORM_CONVERGED : FORM_WAIT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_cluster_of_which_any_part_is_hidden_is_let_be),
        cmocka_unit_test(what_is_done_for_good_with_pods_hidden_is_right_when_all_are_seen),
        cmocka_unit_test(a_persons_acceptance_changes_nothing_of_it),
    };
    return cmocka_run_group_tests_name("redis_form_hidden", tests, NULL, NULL);
}
