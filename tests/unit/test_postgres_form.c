#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "roles/postgres_form.h"
#include "tests/unit/golden.h"

/* Two pods, each with every value of every fact, and all that is said of the set. */
#define PODS 2
#define POD_VALUES (PG_FORM_ANSWERS * PG_RELATION_VALUES * 64)
#define SET_VALUES (2 * (PODS + 1) * 16 * 2)

static struct pg_form_step steps[PG_FORM_STEPS_MAX(PODS)];

static int digit(int *number, int base)
{
    int value = *number % base;
    *number /= base;
    return value;
}

static struct pg_form_pod pod_of(int number)
{
    struct pg_form_pod pod = {0};
    pod.answer = (enum pg_form_answer)digit(&number, PG_FORM_ANSWERS);
    pod.relation = (enum pg_relation)digit(&number, PG_RELATION_VALUES);
    pod.stranger = digit(&number, 2) != 0;
    pod.streams = digit(&number, 2) != 0;
    pod.follows = digit(&number, 2) != 0;
    pod.replayed = digit(&number, 2) != 0;
    pod.slots_wrong = digit(&number, 2) != 0;
    pod.synchronous_differs = digit(&number, 2) != 0;
    pod.slots_left = pod.slots_wrong;
    pod.held = pod.slots_wrong;
    pod.read_only = pod.replayed;
    return pod;
}

static struct pg_form_facts facts_of(int number, const struct pg_form_pod *pods)
{
    struct pg_form_facts facts = {.pods = pods, .count = PODS};
    facts.known = digit(&number, 2) == 0;
    facts.named = digit(&number, PODS + 1) - 1;
    facts.adopt = digit(&number, 2) != 0;
    facts.recorded = digit(&number, 2) != 0;
    facts.role_wrong = digit(&number, 2) != 0;
    facts.drop_slots = digit(&number, 2) != 0;
    facts.synchronous = digit(&number, 2);
    return facts;
}

typedef void judgement(const struct pg_form_facts *facts, const struct pg_form_plan *plan);

static void over_all_inputs(judgement *judge)
{
    struct pg_form_pod pods[PODS];
    struct pg_form_plan plan = {.steps = steps};
    for (int one = 0; one < POD_VALUES; one++) {
        pods[0] = pod_of(one);
        for (int other = 0; other < POD_VALUES; other++) {
            pods[1] = pod_of(other);
            /* those of the set, spread over all pairs of pods (Knuth's multiplicative hash) */
            uint32_t mixed = (uint32_t)(one * POD_VALUES + other) * UINT32_C(2654435761);
            struct pg_form_facts facts = facts_of((int)((mixed >> 8) % SET_VALUES), pods);
            postgres_form_decide(&facts, &plan);
            judge(&facts, &plan);
        }
    }
}

/* ---- the golden file: how often each sentence is the answer, each step a part of it */

#define SENTENCES_MAX 64

static struct {
    const char *sentence;
    enum pg_form_verdict verdict;
    int count;
} answers[SENTENCES_MAX];
static int step_counts[PG_FORM_STEP_KINDS];

static void count_answer(const struct pg_form_facts *facts, const struct pg_form_plan *plan)
{
    (void)facts;
    int i = 0;
    while (answers[i].sentence != NULL && strcmp(answers[i].sentence, plan->sentence) != 0)
        i++;
    assert_in_range(i, 0, SENTENCES_MAX - 2);
    assert_true(answers[i].count == 0 || answers[i].verdict == plan->verdict);
    answers[i].sentence = plan->sentence;
    answers[i].verdict = plan->verdict;
    answers[i].count++;
    for (size_t k = 0; k < plan->count; k++)
        step_counts[plan->steps[k].kind]++;
}

static void every_answer_is_as_recorded(void **state)
{
    (void)state;
    static const char *const verdicts[] = {"done", "work", "wait", "refuse"};
    static char text[16 * 1024];
    size_t len = 0;
    over_all_inputs(count_answer);
    for (int i = 0; answers[i].sentence != NULL; i++) {
        int put = snprintf(text + len, sizeof text - len, "%7d %s: %s\n", answers[i].count,
                           verdicts[answers[i].verdict], answers[i].sentence);
        assert_in_range(put, 1, sizeof text - len - 1);
        len += (size_t)put;
    }
    for (int kind = 0; kind < PG_FORM_STEP_KINDS; kind++) {
        int put = snprintf(text + len, sizeof text - len, "%7d step: %s\n", step_counts[kind],
                           postgres_form_step_name((enum pg_form_step_kind)kind));
        assert_in_range(put, 1, sizeof text - len - 1);
        len += (size_t)put;
    }
    golden_check("postgres_form.txt", text);
}

/* ---- what must never be, over all inputs */

static bool is_good_primary(const struct pg_form_facts *facts)
{
    const struct pg_form_pod *pod = facts->named >= 0 ? &facts->pods[facts->named] : NULL;
    return facts->known && pod != NULL && pod->answer == PG_FORM_PRIMARY && !pod->stranger &&
           !pod->read_only;
}

static void has_an_answer(const struct pg_form_facts *facts, const struct pg_form_plan *plan)
{
    (void)facts;
    assert_non_null(plan->sentence);
    assert_in_range(plan->count, 0, PG_FORM_STEPS_MAX(PODS));
    assert_true(plan->verdict != PG_FORM_WORK || plan->count > 0);
    assert_true(plan->verdict != PG_FORM_DONE || plan->count == 0);
}

static void acts_by_the_named_primary(const struct pg_form_facts *facts,
                                      const struct pg_form_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        assert_true(is_good_primary(facts) || plan->steps[i].kind == PG_FORM_ADOPT);
}

static void touches_no_stranger(const struct pg_form_facts *facts, const struct pg_form_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct pg_form_pod *pod = &facts->pods[plan->steps[i].pod];
        assert_false(pod->stranger);
        assert_true(pod->answer == PG_FORM_STANDBY || pod->answer == PG_FORM_PRIMARY);
    }
}

static void adopts_with_care(const struct pg_form_facts *facts, const struct pg_form_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->steps[i].kind != PG_FORM_ADOPT)
            continue;
        assert_true(facts->adopt && facts->known && facts->named < 0 && plan->count == 1);
        for (int k = 0; k < PODS; k++) {
            assert_false(facts->pods[k].stranger);
            assert_true(facts->pods[k].answer ==
                        (k == plan->steps[i].pod ? PG_FORM_PRIMARY : PG_FORM_STANDBY));
        }
    }
}

static void is_done_only_when_all_is_right(const struct pg_form_facts *facts,
                                           const struct pg_form_plan *plan)
{
    if (plan->verdict != PG_FORM_DONE)
        return;
    assert_true(is_good_primary(facts) && facts->recorded && !facts->role_wrong);
    for (int i = 0; i < PODS; i++) {
        const struct pg_form_pod *pod = &facts->pods[i];
        assert_false(pod->stranger || pod->slots_wrong || (pod->slots_left && facts->drop_slots));
        if (i != facts->named)
            assert_true(pod->answer == PG_FORM_STANDBY && pod->streams && pod->replayed);
    }
}

static void drops_only_when_told(const struct pg_form_facts *facts, const struct pg_form_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        assert_true(plan->steps[i].kind != PG_FORM_DROP_SLOTS || facts->drop_slots);
}

static void waits_for_standbys_that_are_there(const struct pg_form_facts *facts,
                                              const struct pg_form_plan *plan)
{
    int streaming = 0;
    for (int i = 0; i < PODS; i++)
        streaming += i != facts->named && facts->pods[i].streams;
    for (size_t i = 0; i < plan->count; i++)
        if (plan->steps[i].kind == PG_FORM_SYNCHRONOUS)
            assert_true(streaming >= facts->synchronous);
}

static void leaves_a_streaming_standby_its_upstream(const struct pg_form_facts *facts,
                                                    const struct pg_form_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->steps[i].kind != PG_FORM_FOLLOW)
            continue;
        const struct pg_form_pod *pod = &facts->pods[plan->steps[i].pod];
        assert_false(pod->streams);
        assert_int_not_equal(pod->relation, PG_RELATION_DIVERGED);
        assert_int_equal(pod->answer, PG_FORM_STANDBY);
    }
}

#define INVARIANT(name)                                                                            \
    static void always_##name(void **state)                                                        \
    {                                                                                              \
        (void)state;                                                                               \
        over_all_inputs(name);                                                                     \
    }
INVARIANT(has_an_answer)
INVARIANT(acts_by_the_named_primary)
INVARIANT(touches_no_stranger)
INVARIANT(adopts_with_care)
INVARIANT(is_done_only_when_all_is_right)
INVARIANT(drops_only_when_told)
INVARIANT(waits_for_standbys_that_are_there)
INVARIANT(leaves_a_streaming_standby_its_upstream)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_as_recorded),
        cmocka_unit_test(always_has_an_answer),
        cmocka_unit_test(always_acts_by_the_named_primary),
        cmocka_unit_test(always_touches_no_stranger),
        cmocka_unit_test(always_adopts_with_care),
        cmocka_unit_test(always_is_done_only_when_all_is_right),
        cmocka_unit_test(always_drops_only_when_told),
        cmocka_unit_test(always_waits_for_standbys_that_are_there),
        cmocka_unit_test(always_leaves_a_streaming_standby_its_upstream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
