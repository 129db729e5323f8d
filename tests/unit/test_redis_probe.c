#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "roles/redis_probe.h"
#include "tests/unit/golden.h"

/* The whole input space. */
#define INPUTS (PROBE_REPLY_VALUES * 128)
#define ROWS_MAX 16

static struct probe_facts facts_of(int number)
{
    struct probe_facts facts = {
        .reply = (enum probe_reply)(number / 128),
        .cluster_ok = (number & 64) != 0,
        .is_replica = (number & 32) != 0,
        .link_up = (number & 16) != 0,
        .has_place = (number & 8) != 0,
        .place_is_due = (number & 4) != 0,
        .ordered = (number & 2) != 0,
        .higher_is_absent = (number & 1) != 0,
    };
    return facts;
}

#define FOR_EVERY_INPUT(facts)                                                                     \
    struct probe_facts facts = {0};                                                                \
    for (int input = 0; input < INPUTS && (facts = facts_of(input), true); input++)

/* --- the golden file --- */

struct out {
    char text[1 << 15];
    size_t len;
};

static void put(struct out *out, const char *text)
{
    size_t len = strlen(text);
    assert_true(out->len + len < sizeof(out->text));
    memcpy(out->text + out->len, text, len + 1);
    out->len += len;
}

typedef struct probe_decision decider(const struct probe_facts *facts);

static void put_probe(struct out *out, const char *name, decider *decide, int wanted)
{
    struct probe_decision first[ROWS_MAX] = {{0}};
    int counts[ROWS_MAX] = {0};
    char line[300];
    FOR_EVERY_INPUT(facts)
    {
        struct probe_decision decision = decide(&facts);
        assert_in_range(decision.row, 0, wanted - 1);
        if (counts[decision.row]++ == 0)
            first[decision.row] = decision;
        assert_ptr_equal(decision.sentence, first[decision.row].sentence);
    }
    (void)snprintf(line, sizeof(line), "%s: row, answer, inputs, sentence\n", name);
    put(out, line);
    for (int row = 0; row < wanted; row++) {
        assert_int_not_equal(counts[row], 0); /* a dead row */
        (void)snprintf(line, sizeof(line), "%c %-3s %-6s %3d  %s\n", 'A' + row,
                       first[row].yes ? "yes" : "no", first[row].repair ? "repair" : "",
                       counts[row], first[row].sentence);
        put(out, line);
    }
    put(out, "\nthe row of each input; a line a reply, from slow to fast: cluster ok, replica, "
             "link up,\n"
             "has place (eight a group: place is due, ordered, higher is absent)\n");
    for (int input = 0; input < INPUTS; input++) {
        static const char *const replies[] = {"none",   "strange", "untrusted", "loading",
                                              "denied", "error",   "good"};
        struct probe_facts given = facts_of(input);
        char letter[2] = {(char)('A' + decide(&given).row), '\0'};
        if (input % 128 == 0) {
            (void)snprintf(line, sizeof(line), "%-9s", replies[given.reply]);
            put(out, line);
        }
        put(out, input % 8 == 0 ? " " : "");
        put(out, letter);
        put(out, input % 128 == 127 ? "\n" : "");
    }
}

static void every_answer_is_as_recorded(void **state)
{
    static struct out out;
    (void)state;
    put_probe(&out, "liveness", redis_probe_liveness, 7);
    put(&out, "\n");
    put_probe(&out, "readiness", redis_probe_readiness, 13);
    golden_check("redis_probe.txt", out.text);
}

/* --- why it is safe --- */

static void whoever_answers_as_redis_does_lives(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        /* a certificate that has expired is no death either: a restart would not mend it */
        bool redis = facts.reply != PROBE_REPLY_NONE && facts.reply != PROBE_REPLY_STRANGE;
        assert_int_equal(redis_probe_liveness(&facts).yes, redis);
    }
}

/* A restart would mend none of these, and a thousand pods would be restarted at once. */
static void nothing_but_the_reply_kills(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        struct probe_facts plain = {.reply = facts.reply};
        assert_int_equal(redis_probe_liveness(&facts).row, redis_probe_liveness(&plain).row);
        assert_false(redis_probe_liveness(&facts).repair);
    }
}

static void who_is_ready_lives_and_has_loaded(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        if (!redis_probe_readiness(&facts).yes)
            continue;
        assert_true(redis_probe_liveness(&facts).yes);
        assert_int_equal(facts.reply, PROBE_REPLY_GOOD);
    }
}

static bool is_relaxed(const struct probe_facts *facts)
{
    return facts->ordered && facts->higher_is_absent;
}

static void without_the_excuse_of_ordered_ready_only_a_working_server_is_ready(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        if (is_relaxed(&facts) || !redis_probe_readiness(&facts).yes)
            continue;
        assert_true(facts.cluster_ok);
        assert_true(!facts.is_replica || facts.link_up);
        assert_true(facts.is_replica || facts.has_place || !facts.place_is_due);
    }
}

/* Else pod 0 of a stopped cluster never became ready, and pod 1 never began. */
static void under_ordered_ready_loaded_is_enough_while_a_higher_pod_is_absent(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        if (is_relaxed(&facts) && facts.reply == PROBE_REPLY_GOOD)
            assert_true(redis_probe_readiness(&facts).yes);
    }
}

/* A missing name relaxes readiness; it never takes it away. */
static void a_missing_name_only_relaxes(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        struct probe_facts absent = facts;
        absent.higher_is_absent = true;
        if (redis_probe_readiness(&facts).yes)
            assert_true(redis_probe_readiness(&absent).yes);
    }
}

static void better_facts_never_make_a_server_unready(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        struct probe_facts better = facts;
        if (!redis_probe_readiness(&facts).yes)
            continue;
        better.cluster_ok = better.link_up = better.has_place = true;
        assert_true(redis_probe_readiness(&better).yes);
    }
}

static void a_repair_is_tried_only_on_a_server_that_answers_and_whenever_one_is_unready(
    void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        struct probe_decision decision = redis_probe_readiness(&facts);
        if (facts.reply != PROBE_REPLY_GOOD)
            assert_false(decision.repair);
        else if (!decision.yes)
            assert_true(decision.repair);
    }
}

/* What is whole needs no repair, nor does its look at all peers need to be paid for. */
static void a_whole_server_is_not_repaired(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        bool whole = facts.cluster_ok && (facts.is_replica ? facts.link_up : facts.has_place);
        if (whole)
            assert_false(redis_probe_readiness(&facts).repair);
    }
}

static bool says(const struct probe_facts *facts, const char *word)
{
    return strstr(redis_probe_readiness(facts).sentence, word) != NULL;
}

static void sentences_say_what_is_so(void **state)
{
    (void)state;
    FOR_EVERY_INPUT(facts)
    {
        assert_true(!says(&facts, "the cluster is ok") || facts.cluster_ok);
        assert_true(!says(&facts, "the cluster is not ok") || !facts.cluster_ok);
        assert_true(!says(&facts, "ready: master") || !facts.is_replica);
        assert_true(!says(&facts, "its link is up") || (facts.is_replica && facts.link_up));
        assert_true(!says(&facts, "link to its master is down") ||
                    (facts.is_replica && !facts.link_up));
        assert_true(!says(&facts, "no slots") || (!facts.is_replica && !facts.has_place));
        assert_true(!says(&facts, "OrderedReady") || is_relaxed(&facts));
        assert_true(says(&facts, "ready: ") == redis_probe_readiness(&facts).yes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_as_recorded),
        cmocka_unit_test(whoever_answers_as_redis_does_lives),
        cmocka_unit_test(nothing_but_the_reply_kills),
        cmocka_unit_test(who_is_ready_lives_and_has_loaded),
        cmocka_unit_test(without_the_excuse_of_ordered_ready_only_a_working_server_is_ready),
        cmocka_unit_test(under_ordered_ready_loaded_is_enough_while_a_higher_pod_is_absent),
        cmocka_unit_test(a_missing_name_only_relaxes),
        cmocka_unit_test(better_facts_never_make_a_server_unready),
        cmocka_unit_test(
            a_repair_is_tried_only_on_a_server_that_answers_and_whenever_one_is_unready),
        cmocka_unit_test(a_whole_server_is_not_repaired),
        cmocka_unit_test(sentences_say_what_is_so),
    };
    return cmocka_run_group_tests_name("redis_probe", tests, NULL, NULL);
}
