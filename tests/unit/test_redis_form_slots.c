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

static void a_master_gets_back_what_the_others_majority_says_is_its_own(void **state)
{
    (void)state;
    world_begin(3, 3);
    world_say(0, SELF(0, "master -", "") ROW(1, "master -", " 101-200")
                     ROW(2, "master -", " 201-16383"));
    world_say(1, SELF(1, "master -", " 101-200") ROW(0, "master -", " 0-100")
                     ROW(2, "master -", " 201-16383"));
    world_say(2, SELF(2, "master -", " 201-16383") ROW(0, "master -", " 0-100")
                     ROW(1, "master -", " 101-200"));
    expect("work mends: bump 0; slots 0 0-100");
    /* one of two is no majority */
    world_say(2, SELF(2, "master -", " 201-16383") ROW(0, "master -", "")
                     ROW(1, "master -", " 101-200"));
    expect("wait takes-effect");
    /* nor is one that is alone */
    world_silence(2);
    expect("wait takes-effect 2");
}

static void what_nobody_names_is_dealt_anew_only_when_a_person_accepts_it(void **state)
{
    (void)state;
    world_begin(3, 3);
    world_say(0, SELF(0, "master -", "") ROW(1, "master -", " 5461-10922")
                     ROW(2, "master -", " 10923-16383"));
    world_say(1, SELF(1, "master -", " 5461-10922") ROW(0, "master -", "")
                     ROW(2, "master -", " 10923-16383"));
    world_say(2, SELF(2, "master -", " 10923-16383") ROW(0, "master -", "")
                     ROW(1, "master -", " 5461-10922"));
    world_pod(1)->info.keys = 1; /* not a birth */
    expect("wait takes-effect");
    world.wish.accept_empty_shard = true;
    expect("work mends: bump 0; slots 0 0-5460");
    world_silence(2);
    expect("wait takes-effect 2");
}

/* A cluster that was whole once is no unfinished birth, though it has no key. */
static void an_empty_cluster_that_is_whole_for_anybody_is_not_born_again(void **state)
{
    (void)state;
    world_begin(3, 3);
    world_say(0, SELF(0, "master -", " 0-5460") ROW(1, "master -", "")
                     ROW(2, "master -", " 10923-16383"));
    world_say(1, SELF(1, "master -", "") ROW(0, "master -", " 0-5460")
                     ROW(2, "master -", " 10923-16383"));
    world_say(2, SELF(2, "master -", " 10923-16383") ROW(0, "master -", " 0-5460")
                     ROW(1, "master -", ""));
    for (int whole = 0; whole < 3; whole++) {
        for (int i = 0; i < 3; i++)
            world_pod(i)->info.cluster_ok = i == whole;
        expect("wait takes-effect");
    }
    world_pod(2)->info.cluster_ok = false;
    expect("work birth: slots 1 5461-10922");
}

/* An old nodes.conf, or a foreign server that once answered at its address: others believe in an epoch
 * that it does not have. */
static void a_master_below_what_others_believe_takes_a_new_epoch(void **state)
{
    (void)state;
    model_settle(6, 3);
    model_show(0);
    struct redis_table *table = &world_pod(0)->table;
    struct redis_node *row = &table->nodes[redis_table_find(table, world_pod(1)->id)];
    row->epoch = 9;
    world_pod(0)->view[0] ^= 1; /* as the table's digest would */
    expect("work mends: bump 1");
    int of = table->slot_owner[16383];
    table->slot_owner[6000] = (int16_t)of; /* somebody disputes a slot */
    world_decide();
    assert_false(world_does(FORM_BUMP_EPOCH));
    table->slot_owner[6000] = (int16_t)(row - table->nodes);
    expect("work mends: bump 1");
    world_silence(5);
    world_decide();
    assert_false(world_does(FORM_BUMP_EPOCH));
}

static void slots_go_back_to_the_master_of_their_birth(void **state)
{
    (void)state;
    world_begin(3, 3);
    world.wish.accept_empty_shard = true;
    world_say(0, SELF(0, "master -", " 0-5460") ROW(1, "master -", "") ROW(2, "master -", ""));
    world_say(1, SELF(1, "master -", "") ROW(0, "master -", " 0-5460") ROW(2, "master -", ""));
    world_say(2, SELF(2, "master -", "") ROW(0, "master -", " 0-5460") ROW(1, "master -", ""));
    world_pod(0)->info.keys = 1;
    expect("work mends: slots 1 5461-10922; slots 2 10923-16383");
}

/* Of four pods 0 and 2 follow each other, 1 owns SLOTS, and 3 follows 1. */
#define SAY_CIRCLE(slots)                                                                          \
    do {                                                                                           \
        world_say(0, SELF(0, "slave $2", "") ROW(1, "master -", slots) ROW(2, "slave $0", "")      \
                         ROW(3, "slave $1", ""));                                                  \
        world_say(1, SELF(1, "master -", slots) ROW(0, "slave $2", "") ROW(2, "slave $0", "")      \
                         ROW(3, "slave $1", ""));                                                  \
        world_say(2, SELF(2, "slave $0", "") ROW(0, "slave $2", "") ROW(1, "master -", slots)      \
                         ROW(3, "slave $1", ""));                                                  \
        world_say(3, SELF(3, "slave $1", "") ROW(0, "slave $2", "") ROW(1, "master -", slots)      \
                         ROW(2, "slave $0", ""));                                                  \
    } while (0)

/* A volume from before a failover: it follows who follows it, and nobody owns their slots. */
static void a_circle_is_settled_by_a_persons_word(void **state)
{
    (void)state;
    world_begin(4, 2); /* 2 follows 0, 3 follows 1 */
    SAY_CIRCLE(" 8192-16383");
    world_pod(0)->info.keys = world_pod(1)->info.keys = 1;
    expect("refuse no-owner");
    world.wish.promote_ordinal = 3; /* of another shard */
    expect("refuse no-owner");
    world.wish.promote_ordinal = 2;
    expect("work mends: takeover 2");
    world_silence(3); /* who is away may own them */
    expect("wait takes-effect 3");
    world.wish.promote_ordinal = -1;
    expect("wait takes-effect 3");
}

/* Slots were moved before: what is nobody's is meant, not what the birth gave. */
static void a_promise_is_of_all_that_is_nobodys(void **state)
{
    (void)state;
    world_begin(4, 2);
    SAY_CIRCLE(" 9001-16383");
    world_pod(0)->info.keys = world_pod(1)->info.keys = world_pod(2)->info.keys = 1;
    world.wish.promote_ordinal = 0;
    expect("work mends: takeover 0");
    /* killed in the middle of what follows */
    for (int some = 0; some < 2; some++) {
        const char *slots = some ? " 0-99" : "";
        char text[1024];
        (void)snprintf(
            text, sizeof(text),
            "$0 10.0.0.0:6379@16379,redis-0 myself,master - 0 0 9 connected%s\n%s", slots,
            ROW(1, "master -", " 9001-16383") ROW(2, "slave $0", "") ROW(3, "slave $1", ""));
        world_say(0, text);
        world_pod(0)->info.keys = 1;
        world_pod(2)->info.master_host[0] = '\0';
        world_decide();
        assert_true(world_does(FORM_ADD_SLOTS));
        const struct form_step *last = &world.plan.steps[world.plan.count - 1];
        assert_int_equal(last->member, 0);
        assert_int_equal(last->range.first, some ? 100 : 0);
        assert_int_equal(last->range.last, 9000);
    }
    /* another pod without a place may hold them */
    world_say(3, SELF(3, "master -", "") ROW(0, "master -", "") ROW(1, "master -", " 9001-16383")
                     ROW(2, "slave $0", ""));
    world_pod(3)->info.keys = 7;
    world_decide();
    assert_false(world_does(FORM_ADD_SLOTS));
}

/* A failover that is seen by halves looks like a circle; but then somebody names an owner. */
static void a_failover_seen_by_halves_is_no_circle(void **state)
{
    (void)state;
    world_begin(2, 1);
    world_say(0, SELF(0, "slave $1", "") ROW(1, "master -", " 0-16383"));
    world_say(1, SELF(1, "slave $0", "") ROW(0, "master -", " 0-16383"));
    world_pod(0)->info.keys = 1;
    world_decide();
    assert_int_equal(world.plan.verdict, FORM_WAIT);
}

static void a_promised_master_takes_its_shards_slots(void **state)
{
    (void)state;
    world_begin(2, 2);
    world_say(0, SELF(0, "master -", "") ROW(1, "master -", " 8192-16383"));
    world_say(1, SELF(1, "master -", " 8192-16383") ROW(0, "master -", ""));
    world_pod(0)->info.keys = world_pod(1)->info.keys = 1;
    expect("wait takes-effect");
    world.wish.promote_ordinal = 0;
    expect("work mends: bump 0; slots 0 0-8191");
    world.wish.promote_ordinal = 1; /* it has its own */
    expect("wait takes-effect");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_master_gets_back_what_the_others_majority_says_is_its_own),
        cmocka_unit_test(what_nobody_names_is_dealt_anew_only_when_a_person_accepts_it),
        cmocka_unit_test(an_empty_cluster_that_is_whole_for_anybody_is_not_born_again),
        cmocka_unit_test(a_master_below_what_others_believe_takes_a_new_epoch),
        cmocka_unit_test(slots_go_back_to_the_master_of_their_birth),
        cmocka_unit_test(a_circle_is_settled_by_a_persons_word),
        cmocka_unit_test(a_promise_is_of_all_that_is_nobodys),
        cmocka_unit_test(a_failover_seen_by_halves_is_no_circle),
        cmocka_unit_test(a_promised_master_takes_its_shards_slots),
    };
    return cmocka_run_group_tests_name("redis_form_slots", tests, NULL, NULL);
}
