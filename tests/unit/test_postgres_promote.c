#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "roles/postgres_promote.h"
#include "tests/unit/golden.h"

/* Three pods: each with every answer, given up or not, at one of four positions; named and wanted each of the
 * pods or none; with and without a register. */
#define PODS 3
#define POSITIONS 4
#define POD_VALUES (PG_PROMOTE_ANSWERS * 2 * POSITIONS)
#define INPUTS (POD_VALUES * POD_VALUES * POD_VALUES * (PODS + 1) * (PODS + 1) * 2)
#define RECORDED 2
#define ROWS_MAX 32

static const struct pg_promote_pod positions[POSITIONS] = {
    {.timeline = 1, .lsn = 900},
    {.timeline = 2, .lsn = 100},
    {.timeline = 2, .lsn = 200},
    {.timeline = 3, .lsn = 50 }
};

static int digit(int *number, int base)
{
    int value = *number % base;
    *number /= base;
    return value;
}

static struct pg_promote_facts facts_of(int number, struct pg_promote_pod pods[static PODS])
{
    struct pg_promote_facts facts = {.pods = pods, .count = PODS, .recorded = RECORDED};
    for (int i = 0; i < PODS; i++) {
        pods[i] = positions[digit(&number, POSITIONS)];
        pods[i].given_up = digit(&number, 2) != 0;
        pods[i].answer = (enum pg_promote_answer)digit(&number, PG_PROMOTE_ANSWERS);
    }
    facts.named = digit(&number, PODS + 1) - 1;
    facts.wanted = digit(&number, PODS + 1) - 1;
    facts.has_register = digit(&number, 2) == 0;
    assert_int_equal(number, 0);
    return facts;
}

#define FOR_EACH_INPUT(facts, decision)                                                            \
    struct pg_promote_pod pods[PODS];                                                              \
    struct pg_promote_facts facts;                                                                 \
    struct pg_promote_decision decision;                                                           \
    for (int input = 0; input < INPUTS && (facts = facts_of(input, pods),                          \
                                          decision = postgres_promote_decide(&facts), true);       \
         input++)

/* ---- the golden file: how many inputs each row answers, and the first of them */

static const char *const answer_names[] = {"silent", "there", "standby", "primary", "stranger"};
static const char *const verdict_names[] = {"go", "finish", "nothing", "wait", "refuse"};

static size_t describe(char *text, size_t room, const struct pg_promote_facts *facts)
{
    size_t len = 0;
    for (int i = 0; i < PODS; i++) {
        const struct pg_promote_pod *pod = &facts->pods[i];
        int put = snprintf(text + len, room - len, "%s%s at %u/%u%s%s, ", answer_names[pod->answer],
                           pod->given_up ? " (given up)" : "", (unsigned)pod->timeline,
                           (unsigned)pod->lsn, facts->named == i ? ", named" : "",
                           facts->wanted == i ? ", wanted" : "");
        assert_in_range(put, 1, room - len - 1);
        len += (size_t)put;
    }
    return len - 2;
}

static void every_answer_is_as_recorded(void **state)
{
    (void)state;
    static char text[16 * 1024];
    static int counts[ROWS_MAX];
    static int firsts[ROWS_MAX];
    static struct pg_promote_decision decisions[ROWS_MAX];
    size_t len = 0;
    uint64_t sum = 0; /* of all decisions, so that none changes unseen */
    FOR_EACH_INPUT(facts, decision)
    {
        assert_in_range(decision.row, 0, ROWS_MAX - 1);
        if (counts[decision.row]++ == 0) {
            firsts[decision.row] = input;
            decisions[decision.row] = decision;
        }
        uint64_t one = (uint64_t)decision.row * 1000 + (uint64_t)(decision.chosen + 1) * 100 +
                       (uint64_t)(decision.about + 1) * 10 + decision.timeline;
        sum = (sum ^ one) * UINT64_C(1099511628211);
    }
    for (int row = 0; row < ROWS_MAX; row++) {
        if (counts[row] == 0)
            continue;
        facts = facts_of(firsts[row], pods);
        int put =
            snprintf(text + len, sizeof text - len, "%2d %7d %s: %s\n   first: ", row + 1,
                     counts[row], verdict_names[decisions[row].verdict], decisions[row].sentence);
        assert_in_range(put, 1, sizeof text - len - 1);
        len += (size_t)put;
        len += describe(text + len, sizeof text - len, &facts);
        text[len++] = '\n';
    }
    (void)snprintf(text + len, sizeof text - len, "sum %016llx\n", (unsigned long long)sum);
    golden_check("postgres_promote.txt", text);
}

/* ---- what must never be, over all inputs */

static void who_takes_over_is_a_standby_that_nobody_is_ahead_of(void **state)
{
    (void)state;
    FOR_EACH_INPUT(facts, decision)
    {
        if (decision.verdict != PG_PROMOTE_GO)
            continue;
        assert_in_range(decision.chosen, 0, PODS - 1);
        const struct pg_promote_pod *chosen = &pods[decision.chosen];
        assert_int_equal(chosen->answer, PG_PROMOTE_STANDBY);
        assert_false(chosen->given_up);
        for (int i = 0; i < PODS; i++) {
            bool told = pods[i].answer == PG_PROMOTE_STANDBY;
            if (told && !pods[i].given_up)
                assert_true(postgres_promote_compare(&pods[i], chosen) <= 0);
        }
    }
}

static void nobody_takes_over_while_somebody_is_unheard(void **state)
{
    (void)state;
    FOR_EACH_INPUT(facts, decision)
    {
        if (decision.verdict != PG_PROMOTE_GO)
            continue;
        for (int i = 0; i < PODS; i++) {
            bool heard = pods[i].answer != PG_PROMOTE_SILENT && pods[i].answer != PG_PROMOTE_THERE;
            assert_true(heard || pods[i].given_up);
        }
    }
}

static void nobody_takes_over_from_a_primary_that_is_there(void **state)
{
    (void)state;
    FOR_EACH_INPUT(facts, decision)
    {
        if (decision.verdict != PG_PROMOTE_GO)
            continue;
        assert_true(facts.has_register && facts.named >= 0);
        assert_int_not_equal(pods[facts.named].answer, PG_PROMOTE_PRIMARY);
        assert_int_not_equal(pods[facts.named].answer, PG_PROMOTE_THERE);
    }
}

static void a_promotion_that_is_under_way_is_finished_unless_it_is_behind_or_given_up(void **state)
{
    (void)state;
    FOR_EACH_INPUT(facts, decision)
    {
        bool under_way = facts.named >= 0 && pods[facts.named].answer == PG_PROMOTE_STANDBY &&
                         facts.has_register;
        if (decision.verdict == PG_PROMOTE_FINISH) {
            assert_true(under_way && decision.chosen == facts.named);
            assert_true(facts.wanted < 0 || facts.wanted == facts.named);
        }
        if (decision.verdict == PG_PROMOTE_GO && under_way && !pods[facts.named].given_up)
            assert_true(postgres_promote_compare(&pods[facts.named], &pods[decision.chosen]) < 0);
    }
}

static void a_promotion_has_a_timeline_that_nobody_had(void **state)
{
    (void)state;
    FOR_EACH_INPUT(facts, decision)
    {
        if (decision.verdict != PG_PROMOTE_GO)
            continue;
        assert_true(decision.timeline > facts.recorded);
        for (int i = 0; i < PODS; i++)
            if (pods[i].answer == PG_PROMOTE_STANDBY || pods[i].answer == PG_PROMOTE_PRIMARY)
                assert_true(decision.timeline > pods[i].timeline);
    }
}

static void whom_the_person_wants_is_taken_or_nobody(void **state)
{
    (void)state;
    FOR_EACH_INPUT(facts, decision)
    {
        if (facts.wanted >= 0 && decision.chosen >= 0)
            assert_int_equal(decision.chosen, facts.wanted);
        if (decision.chosen < 0)
            assert_true(decision.verdict == PG_PROMOTE_WAIT ||
                        decision.verdict == PG_PROMOTE_REFUSE);
    }
}

static void a_register_that_does_not_fit_names_nobody(void **state)
{
    (void)state;
    FOR_EACH_INPUT(facts, decision)
    {
        if (decision.verdict != PG_PROMOTE_GO && decision.verdict != PG_PROMOTE_FINISH)
            continue;
        for (int i = 0; i < PODS; i++)
            if (pods[i].answer == PG_PROMOTE_STANDBY && !pods[i].given_up)
                assert_true(pods[i].timeline <= facts.recorded);
    }
    const struct {
        uint32_t recorded;
        enum pg_promote_verdict verdict;
    } records[] = {
        {0,          PG_PROMOTE_GO    },
        {2,          PG_PROMOTE_REFUSE},
        {3,          PG_PROMOTE_GO    },
        {66,         PG_PROMOTE_GO    },
        {67,         PG_PROMOTE_REFUSE},
        {UINT32_MAX, PG_PROMOTE_REFUSE},
    };
    struct pg_promote_pod two[] = {
        {.answer = PG_PROMOTE_SILENT, .given_up = true},
        { .answer = PG_PROMOTE_STANDBY,              .timeline = 3,        .lsn = 10},
    };
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        const struct pg_promote_facts fits = {.has_register = true,
                                              .wanted = -1,
                                              .recorded = records[i].recorded,
                                              .pods = two,
                                              .count = 2};
        assert_int_equal(postgres_promote_decide(&fits).verdict, records[i].verdict);
    }
}

static void the_first_of_equals_is_taken(void **state)
{
    (void)state;
    struct pg_promote_pod pods[PODS] = {
        {.answer = PG_PROMOTE_SILENT, .given_up = true},
        { .answer = PG_PROMOTE_STANDBY,              .timeline = 1,        .lsn = 10},
        { .answer = PG_PROMOTE_STANDBY,              .timeline = 1,        .lsn = 10},
    };
    struct pg_promote_facts facts = {
        .has_register = true, .named = 0, .wanted = -1, .recorded = 2, .pods = pods, .count = PODS};
    assert_int_equal(postgres_promote_decide(&facts).chosen, 1);
    pods[2].lsn = 11;
    assert_int_equal(postgres_promote_decide(&facts).chosen, 2);
    pods[1].timeline = 2;
    assert_int_equal(postgres_promote_decide(&facts).chosen, 1);
    assert_int_equal(postgres_promote_decide(&facts).timeline, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_as_recorded),
        cmocka_unit_test(who_takes_over_is_a_standby_that_nobody_is_ahead_of),
        cmocka_unit_test(nobody_takes_over_while_somebody_is_unheard),
        cmocka_unit_test(nobody_takes_over_from_a_primary_that_is_there),
        cmocka_unit_test(a_promotion_that_is_under_way_is_finished_unless_it_is_behind_or_given_up),
        cmocka_unit_test(a_promotion_has_a_timeline_that_nobody_had),
        cmocka_unit_test(whom_the_person_wants_is_taken_or_nobody),
        cmocka_unit_test(a_register_that_does_not_fit_names_nobody),
        cmocka_unit_test(the_first_of_equals_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
