#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "roles/postgres_probe.h"
#include "tests/unit/golden.h"

#define LIVES 128
#define INPUTS (PG_REPLY_VALUES * PG_NAMED_VALUES * 1024 * 64)
#define ROWS_MAX 64

static int digit(int *number, int base)
{
    int value = *number % base;
    *number /= base;
    return value;
}

static struct pg_life life_of(int number)
{
    struct pg_life life;
    life.restart = digit(&number, 2) != 0;
    life.half = digit(&number, 2) != 0;
    life.pid_gone = digit(&number, 2) != 0;
    life.pid_file = digit(&number, 2) != 0;
    life.waiting = digit(&number, 2) != 0;
    life.cloning = digit(&number, 2) != 0;
    life.fenced = digit(&number, 2) != 0;
    return life;
}

static struct pg_readiness facts_of(int number)
{
    struct pg_readiness facts = {0};
    facts.writer = digit(&number, 2) != 0;
    facts.promised = digit(&number, 2) != 0;
    facts.outdated = digit(&number, 2) != 0;
    facts.adopting = digit(&number, 2) != 0;
    facts.awaited_is_absent = digit(&number, 2) != 0;
    facts.lag_ok = digit(&number, 2) != 0;
    facts.timeline_ok = digit(&number, 2) != 0;
    facts.from_named = digit(&number, 2) != 0;
    facts.streaming = digit(&number, 2) != 0;
    facts.same_system = digit(&number, 2) != 0;
    facts.was_named = digit(&number, 2) != 0;
    facts.read_only = digit(&number, 2) != 0;
    facts.in_recovery = digit(&number, 2) != 0;
    facts.life.fenced = digit(&number, 2) != 0;
    facts.life.cloning = digit(&number, 2) != 0;
    facts.life.half = digit(&number, 2) != 0;
    facts.named = (enum pg_named)digit(&number, PG_NAMED_VALUES);
    facts.reply = (enum pg_readiness_reply)digit(&number, PG_REPLY_VALUES);
    assert_int_equal(number, 0);
    return facts;
}

static void every_answer_is_as_recorded(void **state)
{
    (void)state;
    static int lives[ROWS_MAX], counts[ROWS_MAX];
    static struct pg_probe_decision life_rows[ROWS_MAX], rows[ROWS_MAX];
    static char text[32 * 1024];
    size_t len = 0;
    for (int i = 0; i < LIVES; i++) {
        struct pg_life life = life_of(i);
        struct pg_probe_decision decision = postgres_probe_liveness(&life);
        lives[decision.row]++;
        life_rows[decision.row] = decision;
    }
    for (int i = 0; i < INPUTS; i++) {
        struct pg_readiness facts = facts_of(i);
        struct pg_probe_decision decision = postgres_probe_readiness(&facts);
        assert_in_range(decision.row, 0, ROWS_MAX - 1);
        counts[decision.row]++;
        rows[decision.row] = decision;
    }
    for (int i = 0; i < ROWS_MAX; i++)
        if (lives[i] > 0)
            len +=
                (size_t)snprintf(text + len, sizeof text - len, "liveness %2d %2d %s: %s\n", i + 1,
                                 lives[i], life_rows[i].yes ? "yes" : "no ", life_rows[i].sentence);
    for (int i = 0; i < ROWS_MAX; i++)
        if (counts[i] > 0)
            len += (size_t)snprintf(text + len, sizeof text - len, "readiness %2d %6d %s%s%s: %s\n",
                                    i + 1, counts[i], rows[i].yes ? "yes" : "no ",
                                    rows[i].fence ? ", fence" : "",
                                    rows[i].repair ? ", repair" : "", rows[i].sentence);
    golden_check("postgres_probe.txt", text);
}

#define FOR_EACH(facts, decision)                                                                  \
    struct pg_readiness facts;                                                                     \
    struct pg_probe_decision decision;                                                             \
    for (int input = 0; input < INPUTS && (facts = facts_of(input),                                \
                                          decision = postgres_probe_readiness(&facts), true);      \
         input++)

static void a_writer_that_another_pod_replaced_is_fenced(void **state)
{
    (void)state;
    FOR_EACH(facts, decision)
    {
        bool busy = facts.life.cloning || facts.life.half;
        if (facts.reply == PG_REPLY_GOOD && !facts.in_recovery && facts.named == PG_NAMED_OTHER &&
            facts.same_system && !busy)
            assert_true(decision.fence && !decision.yes);
    }
}

static void nobody_is_fenced_without_the_registers_word(void **state)
{
    (void)state;
    FOR_EACH(facts, decision)
    {
        if (!decision.fence || facts.life.fenced)
            continue;
        assert_int_equal(facts.named, PG_NAMED_OTHER);
        assert_true(facts.writer || (facts.reply == PG_REPLY_GOOD && !facts.in_recovery));
    }
}

static void a_ready_server_is_the_named_primary_or_streams_from_it(void **state)
{
    (void)state;
    FOR_EACH(facts, decision)
    {
        if (!decision.yes || facts.life.cloning)
            continue;
        assert_true(facts.same_system && facts.reply == PG_REPLY_GOOD && !facts.life.fenced);
        if (facts.in_recovery)
            assert_true(
                (facts.streaming && facts.from_named && facts.timeline_ok && facts.lag_ok) ||
                facts.awaited_is_absent);
        else
            assert_true(!facts.read_only && facts.named != PG_NAMED_OTHER &&
                        (facts.named != PG_NAMED_UNREACHABLE || facts.was_named) &&
                        (facts.named != PG_NAMED_UNASKED || facts.from_named));
    }
}

static void slowness_is_never_death(void **state)
{
    (void)state;
    for (int i = 0; i < LIVES; i++) {
        struct pg_life life = life_of(i);
        if (!life.fenced && !life.restart && life.pid_file && !life.pid_gone)
            assert_true(postgres_probe_liveness(&life).yes);
        if (!life.fenced && !life.restart && (life.cloning || life.waiting || life.half))
            assert_true(postgres_probe_liveness(&life).yes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_as_recorded),
        cmocka_unit_test(a_writer_that_another_pod_replaced_is_fenced),
        cmocka_unit_test(nobody_is_fenced_without_the_registers_word),
        cmocka_unit_test(a_ready_server_is_the_named_primary_or_streams_from_it),
        cmocka_unit_test(slowness_is_never_death),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
