#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "roles/placement.h"
#include "tests/unit/golden.h"

static void slots_are_dealt_as_redis_cli_deals_them(void **state)
{
    (void)state;
    for (int masters = 1; masters <= PLACEMENT_PODS_MAX; masters++) {
        /* redis 7.0 redis-cli.c, clusterManagerCommandCreate: floats and all */
        float slots_per_node = 16384 / (float)masters;
        float cursor = 0.0f;
        long first = 0;
        for (int i = 0; i < masters; i++) {
            /* lround of what is never negative */
            long last = (long)((double)(cursor + slots_per_node - 1) + 0.5);
            if (last > 16384 || i == masters - 1)
                last = 16383;
            if (last < first)
                last = first;
            struct slot_range range = placement_slots(masters, i);
            assert_int_equal(range.first, first);
            assert_int_equal(range.last, last);
            first = last + 1;
            cursor += slots_per_node;
        }
    }
}

static void every_slot_has_one_master(void **state)
{
    (void)state;
    for (int masters = 1; masters <= PLACEMENT_PODS_MAX; masters += 7) {
        int next = 0;
        for (int i = 0; i < masters; i++) {
            struct slot_range range = placement_slots(masters, i);
            assert_int_equal(range.first, next);
            assert_true(range.last >= range.first);
            next = range.last + 1;
        }
        assert_int_equal(next, PLACEMENT_SLOTS);
    }
}

static void without_zones_replicas_go_round(void **state)
{
    const int unknown[8] = {-1, -1, -1, -1, -1, -1, -1, -1};
    int by_none[8], by_unknown[8];
    (void)state;
    assert_true(placement_deal(8, 3, NULL, by_none));
    assert_true(placement_deal(8, 3, unknown, by_unknown));
    for (int i = 0; i < 8; i++) {
        assert_int_equal(by_none[i], i % 3);
        assert_int_equal(by_unknown[i], i % 3);
    }
}

static void numbers_that_make_no_cluster_are_refused(void **state)
{
    static int zones[PLACEMENT_PODS_MAX + 1], master_of[PLACEMENT_PODS_MAX + 1];
    (void)state;
    assert_false(placement_deal(3, 0, NULL, master_of));
    assert_false(placement_deal(3, -1, NULL, master_of));
    assert_false(placement_deal(2, 3, NULL, master_of));
    assert_false(placement_deal(0, 0, NULL, master_of));
    assert_false(placement_deal(PLACEMENT_PODS_MAX + 1, 3, NULL, master_of));
    assert_true(placement_deal(PLACEMENT_PODS_MAX, 3, NULL, master_of));
    for (int i = 0; i <= PLACEMENT_ZONES_MAX; i++)
        zones[i] = i * 1000;
    assert_true(placement_deal(PLACEMENT_ZONES_MAX, 3, zones, master_of));
    assert_false(placement_deal(PLACEMENT_ZONES_MAX + 1, 3, zones, master_of));
}

static void nine_pods_in_three_regions_survive_the_loss_of_any_one(void **state)
{
    /* by ordinal, one region after the other, and the masters all in one */
    static const int layouts[][9] = {
        {0, 1, 2, 0, 1, 2, 0, 1, 2},
        {0, 0, 0, 1, 1, 1, 2, 2, 2},
        {7, 5, 3, 3, 5, 7, 5, 3, 7},
    };
    int master_of[9];
    (void)state;
    for (size_t layout = 0; layout < sizeof(layouts) / sizeof(layouts[0]); layout++) {
        const int *zones = layouts[layout];
        assert_true(placement_deal(9, 3, zones, master_of));
        assert_true(placement_survives_zone(9, zones, master_of));
        for (int i = 0; i < 9; i++) {
            for (int j = 0; j < i; j++)
                if (master_of[i] == master_of[j])
                    assert_int_not_equal(zones[i], zones[j]);
        }
    }
}

static void going_round_would_have_put_master_and_replica_together(void **state)
{
    const int zones[6] = {0, 1, 2, 0, 1, 2};
    const int round[6] = {0, 1, 2, 0, 1, 2};
    int master_of[6];
    (void)state;
    assert_false(placement_survives_zone(6, zones, round));
    assert_true(placement_deal(6, 3, zones, master_of));
    assert_true(placement_survives_zone(6, zones, master_of));
}

static void a_pod_of_an_unknown_zone_proves_nothing(void **state)
{
    const int zones[4] = {0, -1, 1, 0};
    const int first[4] = {0, 1, 0, 1}, second[4] = {0, 0, 0, 0}, third[4] = {0, 0, 2, 2};
    (void)state;
    assert_false(placement_survives_zone(4, zones, first)); /* 1's shard: unknown and 0 */
    assert_true(placement_survives_zone(4, zones, second));
    assert_false(placement_survives_zone(4, zones, third)); /* 0's shard: 0 and unknown */
    assert_false(placement_survives_zone(4, NULL, second));
}

/* The aims of the header, in their order. */
#define AIMS 5
struct costs {
    int of[AIMS];
};

static struct costs count_costs(int pods, int masters, const int *zones, const int *master_of)
{
    struct costs costs = {{0}};
    int share = (pods - masters) / masters;
    for (int master = 0; master < masters; master++) {
        int replicas = 0, outside = 0;
        for (int pod = masters; pod < pods; pod++) {
            bool known = zones[pod] >= 0;
            if (master_of[pod] != master)
                continue;
            replicas++;
            outside += known && zones[pod] != zones[master] ? 1 : 0;
            costs.of[2] += known && zones[pod] == zones[master] ? 1 : 0;
            for (int other = masters; other < pod; other++)
                costs.of[3] += known && master_of[other] == master && zones[other] == zones[pod];
            costs.of[4] += pod % masters != master ? 1 : 0;
        }
        if (replicas < share || replicas > share + 1)
            costs.of[0]++;
        costs.of[1] += outside == 0 ? 1 : 0;
    }
    return costs;
}

static int compare(const struct costs *one, const struct costs *other)
{
    for (int i = 0; i < AIMS; i++)
        if (one->of[i] != other->of[i])
            return one->of[i] < other->of[i] ? -1 : 1;
    return 0;
}

/* Tries every dealing there is. */
static struct costs find_best(int pods, int masters, const int *zones)
{
    int master_of[16];
    struct costs best = {{1000}};
    for (int i = 0; i < pods; i++)
        master_of[i] = i < masters ? i : 0;
    for (;;) {
        struct costs costs = count_costs(pods, masters, zones, master_of);
        int at = masters;
        if (compare(&costs, &best) < 0)
            best = costs;
        while (at < pods && master_of[at] == masters - 1)
            master_of[at++] = 0;
        if (at == pods)
            return best;
        master_of[at]++;
    }
}

static void check_optimal(int pods, int masters, const int *zones)
{
    int master_of[16];
    assert_true(placement_deal(pods, masters, zones, master_of));
    for (int i = 0; i < pods; i++) {
        assert_in_range(master_of[i], 0, masters - 1);
        if (i < masters)
            assert_int_equal(master_of[i], i);
    }
    struct costs costs = count_costs(pods, masters, zones, master_of);
    struct costs best = find_best(pods, masters, zones);
    for (int i = 0; i < AIMS; i++)
        assert_int_equal(costs.of[i], best.of[i]);
}

static void no_dealing_is_better_in_any_small_layout(void **state)
{
    (void)state;
    for (int pods = 2; pods <= 6; pods++) {
        for (int layout = 0; layout < 1 << (2 * pods); layout++) {
            int zones[6];
            for (int i = 0; i < pods; i++)
                zones[i] = (layout >> (2 * i) & 3) - 1; /* -1 unknown, 0..2 */
            for (int masters = 1; masters <= pods && masters <= 3; masters++)
                check_optimal(pods, masters, zones);
        }
    }
}

static void no_dealing_is_better_in_some_larger_layouts(void **state)
{
    static const struct {
        int pods, masters, zones;
    } sizes[] = {
        {8,  2, 2},
        {8,  3, 3},
        {9,  3, 3},
        {9,  3, 4},
        {9,  4, 3},
        {10, 5, 3},
        {10, 3, 5}
    };
    uint32_t seed = 1;
    (void)state;
    for (size_t size = 0; size < sizeof(sizes) / sizeof(sizes[0]); size++) {
        for (int round = 0; round < 60; round++) {
            int zones[16];
            for (int i = 0; i < sizes[size].pods; i++) {
                seed = seed * 1664525 + 1013904223;
                zones[i] = (int)(seed >> 16) % sizes[size].zones - (round % 4 == 0 ? 1 : 0);
            }
            check_optimal(sizes[size].pods, sizes[size].masters, zones);
        }
    }
}

/* With as many zones as that, every layout has a dealing without sharing. */
static void sixty_pods_in_turn_share_no_zone_with_their_master(void **state)
{
    int zones[60], master_of[60];
    (void)state;
    for (int count = 2; count <= 12; count++) {
        for (int i = 0; i < 60; i++)
            zones[i] = i % count;
        for (int masters = 3; masters <= 30; masters++) {
            assert_true(placement_deal(60, masters, zones, master_of));
            struct costs costs = count_costs(60, masters, zones, master_of);
            assert_int_equal(costs.of[0], 0);
            assert_int_equal(costs.of[1], 0);
            assert_true(placement_survives_zone(60, zones, master_of));
            if (count >= 4)
                assert_int_equal(costs.of[2], 0);
        }
    }
}

static void the_same_input_gives_the_same_dealing_in_every_version(void **state)
{
    static const struct {
        int pods, masters;
        const char *zones; /* a letter a pod, '?' unknown */
    } layouts[] = {
        {6,  3, "abcabc"         },
        {6,  3, "aabbcc"         },
        {6,  3, "aaabbb"         },
        {6,  3, "ababab"         },
        {6,  3, "aaaaaa"         },
        {6,  3, "abcab?"         },
        {7,  3, "abcabca"        },
        {8,  3, "abcabcab"       },
        {9,  3, "abcabcabc"      },
        {9,  3, "aaabbbccc"      },
        {9,  3, "aaaaaaabc"      },
        {10, 4, "abcdabcdab"     },
        {12, 6, "abcabcabcabc"   },
        {12, 3, "aaaabbbbcccc"   },
        {15, 5, "aabbccaabbccaab"},
    };
    static char text[8192];
    size_t len = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
        int zones[16], master_of[16], pods = layouts[i].pods;
        for (int pod = 0; pod < pods; pod++)
            zones[pod] = layouts[i].zones[pod] == '?' ? -1 : layouts[i].zones[pod] - 'a';
        assert_true(placement_deal(pods, layouts[i].masters, zones, master_of));
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s %d:", layouts[i].zones,
                                layouts[i].masters);
        for (int pod = 0; pod < pods; pod++)
            len += (size_t)snprintf(text + len, sizeof(text) - len, " %d", master_of[pod]);
        len += (size_t)snprintf(
            text + len, sizeof(text) - len, "%s\n",
            placement_survives_zone(pods, zones, master_of) ? "" : " (a zone is a shard's end)");
    }
    golden_check("placement.txt", text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_dealt_as_redis_cli_deals_them),
        cmocka_unit_test(every_slot_has_one_master),
        cmocka_unit_test(without_zones_replicas_go_round),
        cmocka_unit_test(numbers_that_make_no_cluster_are_refused),
        cmocka_unit_test(nine_pods_in_three_regions_survive_the_loss_of_any_one),
        cmocka_unit_test(going_round_would_have_put_master_and_replica_together),
        cmocka_unit_test(a_pod_of_an_unknown_zone_proves_nothing),
        cmocka_unit_test(no_dealing_is_better_in_any_small_layout),
        cmocka_unit_test(no_dealing_is_better_in_some_larger_layouts),
        cmocka_unit_test(sixty_pods_in_turn_share_no_zone_with_their_master),
        cmocka_unit_test(the_same_input_gives_the_same_dealing_in_every_version),
    };
    return cmocka_run_group_tests_name("placement", tests, NULL, NULL);
}
